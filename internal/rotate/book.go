// Package rotate is Officer's log: zap writes it, one line a record, into
// {dir}/{name}.log, which is rotated to .log.1, .log.2 … by size, age and total size.
// The newest records are also held in memory. Logging never blocks for long, never
// fails and never panics the caller: what a full disk swallows is counted and told later.
package rotate

import (
	"log/slog"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
)

// Config of a Book. The zero value of a number is its default.
type Config struct {
	Dir            string        // made when missing
	Name           string        // the file is {Name}.log
	Level          slog.Level    // records below are dropped
	Format         string        // "text" (also when empty) or "json"
	MaxFileBytes   int64         // a file is rotated before it grows beyond, 10 MB
	MaxTotalBytes  int64         // all files together, 70 MB
	Keep           time.Duration // a file whose newest record is older is removed, 7 days
	RotateAfter    time.Duration // a file whose oldest record is older is rotated by Prune, 1 day
	RecentRecords  int           // held in memory, 1,000
	RecentWarnings int           // records of level warn and above held besides, 500
}

// Record is one line of the log. It is an alias of an unnamed struct so that a
// *Book fits the interface that actors/logs declares without either knowing the other.
type Record = struct {
	Sequence  uint64
	Time      time.Time
	Level     string // "debug", "info", "warn", "error"
	Component string
	Message   string
	Context   string // JSON object, may be empty
	Stack     string
}

// Book is an open log. Its methods may be called from several goroutines.
type Book struct {
	fsys fsx.FS
	cfg  Config
}

// New opens the log for appending.
func New(fsys fsx.FS, cfg Config) (*Book, error) { return &Book{fsys: fsys, cfg: cfg}, nil }

// Logger writes into the book. The attribute "component" becomes the third column.
func (b *Book) Logger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Recent gives the newest records at or above level ("" = all) with a sequence above
// after, oldest first, at most limit (0 = 100).
func (b *Book) Recent(level string, limit int, after uint64) []Record { return nil }

// Prune removes log files beyond the age and total limits as of now.
func (b *Book) Prune(now time.Time) error { return nil }

// Close closes the file; records logged later only reach memory.
func (b *Book) Close() error { return nil }
