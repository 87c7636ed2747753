// Package logs answers what was logged lately and drops log files that are too old
// (system 6).
//
// Protocol: takes GetLogs → LogPage. Asks "schedule" for a daily Due of "logs.prune".
package logs

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
)

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
	// Recent gives the newest records at or above level ("" = all) with a sequence
	// above after, oldest first, at most limit.
	Recent(level string, limit int, after uint64) []Record
	// Prune removes log files beyond the age and total limits as of now.
	Prune(now time.Time) error
}

// Config of the logs actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: no pruning; only GetLogs.
	Passive bool
	Book    Book
	// PruneEvery is how often old files are dropped, 0 = 24 h.
	PruneEvery time.Duration
}

// Props makes the props of the logs actor.
func Props(cfg Config) *actor.Props {
	return kit.Props(func() actor.Actor { return &logs{cfg: cfg} })
}

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition { return nil }

type logs struct {
	kit.Base
	cfg Config
}

// Receive is the table of contents.
func (l *logs) Receive(ctx actor.Context) { l.Unhandled(ctx) }
