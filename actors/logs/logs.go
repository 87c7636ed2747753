// Package logs answers what was logged lately and drops log files that are too old
// (system 6). Writing needs no actor: every part logs straight into the book.
//
// Protocol: takes GetLogs → LogPage. Asks "schedule" AddSchedule{"logs.prune"}. Raises
// no condition.
package logs

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// Config of the logs actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: no pruning; only GetLogs.
	Passive bool
	Book    Book
	// PruneEvery is how often old files are dropped, 0 = 1 h.
	PruneEvery time.Duration
}

// Record is one line of the log. It is an alias of an unnamed struct so that the log
// book of internal/rotate fits Book without either package knowing the other.
type Record = struct {
	Sequence  uint64
	Time      time.Time
	Level     string // "debug", "info", "warn", "error"
	Component string
	Message   string
	Context   string // JSON object, may be empty
	Stack     string
}

// Book is the log of one database: its recent records and its files.
type Book interface {
	// Recent gives records at or above level ("" = all), oldest first, at most limit:
	// the newest ones, or, to follow, the first ones with a sequence above after.
	Recent(level string, limit int, after uint64) []Record
	// Prune removes log files beyond the age and total limits as of now.
	Prune(now time.Time) error
}

const (
	pruneKey          = "logs.prune"
	defaultPruneEvery = time.Hour // a day would let lines outlive their days by another one
	defaultLimit      = 100
	maxLimit          = 1500 // what a book holds in memory; also keeps a page small

	askTimeout   = 10 * time.Second
	askAgainBase = time.Second // the schedule actor starts after this one
	askAgainMax  = 5 * time.Minute
)

type (
	scheduled struct{}
	pruned    struct{}
	askAgain  struct{}
)

// Props makes the props of the logs actor.
func Props(cfg Config) *actor.Props {
	if cfg.PruneEvery <= 0 {
		cfg.PruneEvery = defaultPruneEvery
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return kit.Props(func() actor.Actor { return &logs{cfg: cfg} })
}

// Conditions declares what this system can find wrong: nothing.
func Conditions() []condition.Definition { return nil }

type logs struct {
	kit.Base
	cfg   Config
	tries int // of AddSchedule
	busy  bool
}

// Receive is the table of contents.
func (l *logs) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		l.start(ctx)
	case *messages.GetLogs:
		l.page(ctx, msg)
	case *messages.Due:
		l.prune(ctx)
	case askAgain:
		l.askSchedule(ctx)
	case *kit.Answer:
		l.take(ctx, msg)
	default:
		l.Unhandled(ctx)
	}
}

func (l *logs) start(ctx actor.Context) {
	if !l.cfg.Passive {
		l.askSchedule(ctx)
	}
}

func (l *logs) page(ctx actor.Context, q *messages.GetLogs) {
	switch q.GetLevel() {
	case "", "debug", "info", "warn", "error":
	default:
		kit.Reply(ctx, messages.NewFailure("invalid", "read log", "%q is no level of the log", q.GetLevel()).
			WithHints("Use debug, info, warn or error."))
		return
	}
	limit := int(q.GetLimit())
	if limit <= 0 {
		limit = defaultLimit
	}
	p := &messages.LogPage{}
	for _, r := range l.cfg.Book.Recent(q.GetLevel(), min(limit, maxLimit), q.GetAfter()) {
		p.Records = append(p.Records, &messages.LogRecord{
			Sequence: r.Sequence, TimeUnixMs: r.Time.UnixMilli(), Level: r.Level,
			Component: r.Component, Message: r.Message, Context: r.Context, Stack: r.Stack,
		})
	}
	kit.Reply(ctx, p)
}

func (l *logs) prune(ctx actor.Context) {
	if l.cfg.Passive || l.busy {
		return
	}
	l.busy = true
	now := time.Now()
	l.Go(ctx, pruned{}, func(context.Context) (any, error) { return nil, l.cfg.Book.Prune(now) })
}

func (l *logs) askSchedule(ctx actor.Context) {
	l.Ask(ctx, l.cfg.Peers.Of("schedule"), &messages.AddSchedule{
		Key: pruneKey, Spec: &messages.AddSchedule_EveryMs{EveryMs: l.cfg.PruneEvery.Milliseconds()},
	}, askTimeout, scheduled{})
}

func (l *logs) take(ctx actor.Context, a *kit.Answer) {
	switch a.Tag.(type) {
	case scheduled:
		if a.Err != nil {
			l.tries++
			l.After(ctx, kit.Backoff(l.tries, askAgainBase, askAgainMax, 0), askAgain{})
		}
	case pruned:
		l.busy = false
		if a.Err != nil {
			l.cfg.Log.Warn("old log files could not be removed; tried again at the next turn", slog.Any("error", a.Err))
		}
	}
}
