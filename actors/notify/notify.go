// Package notify tells people outside what is wrong: root causes when they begin and
// when they are over, backups that failed for good, restores.
//
// Protocol: hears HealthChanged, BackupTaken, BackupSkipped, BackupFailed,
// RestoreFinished and RestoreFailed from the tree. Raises notify_failing when a
// receiver could not be told. Each receiver has a bounded queue of its own, so that one
// that hangs delays nobody.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/notice"
	"github.com/officer-doofy/officer/messages"
)

// Config of the notify actor, complete and fixed for a life.
type Config struct {
	Peers    kit.Peers
	Log      *slog.Logger
	Passive  bool // tells nobody anything
	Database string
	Targets  []Target
}

// Target is one receiver.
type Target struct {
	Name   string // no secret
	Filter notice.Filter
	Pings  bool // hears pings alone
	Sender Sender
}

// Sender tries one delivery. It may block until ctx is done.
type Sender interface {
	Send(ctx context.Context, n notice.Note) error
}

const (
	queueMax  = 32 // notes that wait for one receiver; the oldest goes first
	tries     = 6
	retryBase = 15 * time.Second
	retryMax  = 10 * time.Minute // the tries of one note take 8 minutes; the newest is tried on

	offerAfter = 15 * time.Minute // a picture that a receiver still misses is offered again
)

const (
	failingCode   = "notify_failing"
	healthChanged = "health.changed" // the type of pictures: of them only the newest is true
)

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition {
	return []condition.Definition{{
		Code: failingCode, System: "notify", Severity: condition.Yellow,
		Text: "{name} could not be told what is wrong.", Hint: "officer notify test --config officer.yaml",
	}}
}

// retry ends the wait before the next try.
type retry struct{ r *receiver }

// again ends the wait before a picture is offered once more.
type again struct{ r *receiver }

// ledger is what outlives a restart: what was told must not be told again.
type ledger struct {
	receivers []*receiver
	begun     bool
	count     uint64
	born      time.Time
}

// Props makes the props of the notify actor.
func Props(cfg Config) *actor.Props {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	led := &ledger{}
	for _, t := range cfg.Targets {
		led.receivers = append(led.receivers, &receiver{Target: t})
	}
	return kit.Props(func() actor.Actor { return &notify{cfg: cfg, led: led} })
}

type notify struct {
	kit.Base
	cfg Config
	led *ledger
}

// Receive is the table of contents.
func (a *notify) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		a.begin(ctx)
	case *messages.HealthChanged:
		a.health(ctx, msg.GetReport())
	case *messages.BackupTaken, *messages.BackupSkipped:
		a.tell(ctx, notice.Note{Type: "backup.verified", Ping: notice.Success, Title: a.title("a verified backup stands")})
	case *messages.BackupFailed:
		a.failure(ctx, "backup.failed", "no backup could be made", msg.GetFailure())
	case *messages.RestoreFailed:
		a.failure(ctx, "restore.failed", "a restore did not go live", msg.GetFailure())
	case *messages.RestoreFinished:
		a.restored(ctx, msg)
	case retry:
		msg.r.busy = false
		a.deliver(ctx, msg.r)
	case again:
		a.offerAgain(ctx, msg.r)
	case *kit.Answer:
		a.delivered(ctx, msg)
	default:
		a.Unhandled(ctx)
	}
}

func (a *notify) begin(ctx actor.Context) {
	for _, r := range a.led.receivers {
		r.busy = false // what was under way in the incarnation before is tried again
		if r.failing {
			a.raise(ctx, r)
		}
		if r.owed != nil {
			a.owe(ctx, r) // the wait ended with the incarnation before
		}
		a.deliver(ctx, r)
	}
	if !a.led.begun {
		a.led.begun, a.led.born = true, time.Now()
		a.tell(ctx, notice.Note{Type: "officer.started", Ping: notice.Start, Title: a.title("Officer began")})
	}
}

func (a *notify) title(text string) string { return a.cfg.Database + ": " + text }

// health makes a note of the root causes. Their set is the key: the same picture again
// is no news, and neither is that telling fails while something else is wrong.
func (a *notify) health(ctx actor.Context, r *messages.HealthReport) {
	n := notice.Note{Type: healthChanged, Severity: severity(r.GetHealth()), Text: r.GetHeadline(), Key: r.GetHealth().String()}
	n.Title = a.title(n.Severity.String() + ": " + r.GetHeadline())
	if list := r.GetConditions(); len(list) == 1 && list[0].GetCode() == failingCode {
		// Telling somebody that telling fails would go on for ever; that the rest is over
		// is good news to whoever heard of it.
		n.Severity, n.Key = notice.Green, messages.Severity_SEVERITY_GREEN.String()
		n.Title = a.title("what was wrong is over")
	}
	var codes []string
	for _, c := range r.GetConditions() {
		if c.GetCode() != failingCode {
			codes = append(codes, c.GetCode())
		}
		if c.GetText() != r.GetHeadline() {
			n.Text += "\n" + c.GetText()
		}
		if c.GetHint() != "" {
			n.Hints = append(n.Hints, c.GetHint())
		}
	}
	slices.Sort(codes)
	n.Key += " " + strings.Join(codes, " ")
	if n.Severity == notice.Red {
		n.Ping = notice.Fail
	}
	a.tell(ctx, n)
}

func (a *notify) failure(ctx actor.Context, kind, title string, f *messages.Failure) {
	a.tell(ctx, notice.Note{
		Type: kind, Severity: notice.Red, Ping: notice.Fail, Title: a.title(title), Key: kind + " " + f.GetCode(),
		Text: f.GetText() + "\n" + f.GetDid(), Hints: f.GetHints(),
	})
}

func (a *notify) restored(ctx actor.Context, m *messages.RestoreFinished) {
	title, kind := "the database was restored", "restore.finished"
	if m.GetUndo() {
		title, kind = "a restore was taken back", "restore.undone"
	}
	from := m.GetReport().GetRestoredFrom()
	text := "It now has the content of " + from + "."
	if list := m.GetReport().GetRecovered(); len(list) > 0 {
		title, kind = "the damaged database was recovered", "recovery.finished"
		var proven, lent, lost int64
		for _, t := range list {
			proven, lent, lost = proven+t.RowsKept+t.RowsSalvaged, lent+t.RowsFromBase, lost+t.RowsLostEstimate
		}
		text = fmt.Sprintf("%d rows are proven by the damaged files, %d come from a backup, about %d are lost.", proven, lent, lost)
	}
	a.tell(ctx, notice.Note{
		Type: kind, Severity: notice.Yellow, Title: a.title(title), Key: kind + " " + from + " " + time.Now().Format(time.RFC3339),
		Text: text,
	})
}

// tell offers a note to everybody.
func (a *notify) tell(ctx actor.Context, n notice.Note) {
	if a.cfg.Passive {
		return
	}
	now := time.Now()
	a.led.count++
	n.ID = fmt.Sprintf("%s-%d-%d", a.cfg.Database, a.led.born.UnixMilli(), a.led.count)
	n.At, n.Database = now, a.cfg.Database
	for _, r := range a.led.receivers {
		if n.Type == healthChanged {
			r.see(n)
		}
		a.offer(ctx, r, n, now)
	}
}

// offer puts a note into the queue of a receiver that wants it and was not told.
func (a *notify) offer(ctx actor.Context, r *receiver, n notice.Note, now time.Time) {
	n, pass := r.passes(n, now)
	if !pass {
		if n.Type == healthChanged && n.Severity != notice.Green && r.misses() {
			a.owe(ctx, r)
		}
		return
	}
	r.queue = append(r.queue, n)
	if len(r.queue) > queueMax {
		a.lose(ctx, r)
		a.cfg.Log.Warn("a note was dropped: too many wait", slog.String("receiver", r.Name))
	}
	a.deliver(ctx, r)
}

// owe sees to it that the newest picture is offered again: health tells it only once.
func (a *notify) owe(ctx actor.Context, r *receiver) {
	r.settle()
	r.owed = a.After(ctx, offerAfter, again{r})
}

// offerAgain offers the newest picture once more, but not to a receiver that takes
// nothing: what waits for that one would be given up for it.
func (a *notify) offerAgain(ctx actor.Context, r *receiver) {
	r.settle()
	switch {
	case !r.misses():
	case r.failing:
		a.owe(ctx, r)
	default:
		a.offer(ctx, r, *r.newest, time.Now())
	}
}

// lose gives the oldest note up: the receiver was not told it.
func (a *notify) lose(ctx actor.Context, r *receiver) {
	n := r.queue[0]
	r.queue = slices.Clone(r.queue[1:])
	r.gate = r.gate.Lost(n)
	if n.Type == healthChanged && r.misses() {
		a.owe(ctx, r)
	}
}

// deliver tries the oldest note of a receiver, one at a time.
func (a *notify) deliver(ctx actor.Context, r *receiver) {
	if r.busy || len(r.queue) == 0 {
		return
	}
	r.busy = true
	n := r.queue[0]
	r.sending = n
	a.Go(ctx, r, func(ctx context.Context) (any, error) { return nil, r.Sender.Send(ctx, n) })
}

// delivered goes on with the next note, or waits and tries again, or gives the note up
// and says so.
func (a *notify) delivered(ctx actor.Context, answer *kit.Answer) {
	r, ok := answer.Tag.(*receiver)
	if !ok {
		return
	}
	if answer.Err == nil {
		if r.sending.Type == healthChanged {
			r.has = r.sending.Key
		}
		r.drop()
		r.busy, r.tried = false, 0
		if r.failing {
			r.failing = false
			a.clear(ctx)
		}
		if r.owed != nil {
			a.offerAgain(ctx, r)
		}
		a.deliver(ctx, r)
		return
	}
	r.tried++
	a.cfg.Log.Warn("a note could not be delivered", slog.String("receiver", r.Name), slog.Int("try", r.tried), slog.Any("error", answer.Err))
	if r.tried >= tries {
		if len(r.queue) > 1 {
			if r.queue[0].ID == r.sending.ID {
				a.lose(ctx, r) // the newest is kept and tried on
			}
			r.tried = 0
		}
		r.failing = true
		a.raise(ctx, r)
	}
	// Busy until then: the queue waits, the mailbox does not.
	a.After(ctx, kit.Backoff(max(1, r.tried), retryBase, retryMax, rand.Float64()), retry{r})
}

func (a *notify) raise(ctx actor.Context, r *receiver) {
	ctx.Send(a.cfg.Peers.Of("health"), &messages.RaiseCondition{Code: failingCode, Args: []string{"name=" + r.Name}})
}

// clear lifts the condition when nobody is failing any more.
func (a *notify) clear(ctx actor.Context) {
	for _, r := range a.led.receivers {
		if r.failing {
			a.raise(ctx, r)
			return
		}
	}
	ctx.Send(a.cfg.Peers.Of("health"), &messages.ClearCondition{Code: failingCode})
}

func severity(s messages.Severity) notice.Severity {
	switch s {
	case messages.Severity_SEVERITY_GREEN:
		return notice.Green
	case messages.Severity_SEVERITY_YELLOW:
		return notice.Yellow
	}
	return notice.Red
}
