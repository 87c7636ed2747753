// Package rotate is Officer's log: zap writes it, one line a record, into
// {dir}/{name}.log, which is rotated to .log.1, .log.2 … by size, age and total size.
// The newest records are also held in memory, the last lines of an earlier run
// included. Logging never fails and never panics the caller: what a full disk swallows
// is counted, and told as soon as the file takes lines again.
package rotate

import (
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"

	"github.com/officer-doofy/officer/internal/fault"
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
	RotateAfter    time.Duration // a file whose oldest record is older is rotated by the next record or Prune, 1 day
	RecentRecords  int           // held in memory, 1,000
	RecentWarnings int           // records of level warn and above held besides, 500
}

// The defaults, as product.md has them. A file turns daily, so that no line outlives
// Keep by more than a day.
const (
	defaultMaxFileBytes   = 10_000_000
	defaultMaxTotalBytes  = 70_000_000
	defaultKeep           = 7 * 24 * time.Hour
	defaultRotateAfter    = 24 * time.Hour
	defaultRecentRecords  = 1000
	defaultRecentWarnings = 500
	defaultLimit          = 100
)

// Record is one line of the log. It is an alias of an unnamed struct so that a
// *Book fits the interface that actors/logs declares without either knowing the other.
type Record = struct {
	Sequence  uint64 // rises by 1; starts again with each Book
	Time      time.Time
	Level     string // "debug", "info", "warn", "error"
	Component string
	Message   string // control characters are escaped
	Context   string // JSON object, may be empty
	Stack     string // with its newlines and tabs
}

// Book is an open log. Its methods may be called from several goroutines.
type Book struct {
	fsys   fsx.FS
	cfg    Config
	logger *slog.Logger

	mu       sync.Mutex // guards all below
	sequence uint64
	records  ring
	warnings ring
	file     logFile
}

// New makes the directory, opens {dir}/{name}.log for appending and reads the records
// at its end. A log that cannot be opened now (disk full, say) is not an error: the
// book counts what is lost and tries again with every record. Errors: fault.Invalid
// for a name with a path in it or an unknown format.
func New(fsys fsx.FS, cfg Config) (*Book, error) {
	cfg = withDefaults(cfg)
	if cfg.Name == "" || cfg.Name == "." || cfg.Name == ".." || filepath.Base(cfg.Name) != cfg.Name {
		return nil, fault.New(fault.Invalid, "open log", "%q is not a file name", cfg.Name)
	}
	if cfg.Format != formatText && cfg.Format != formatJSON {
		return nil, fault.New(fault.Invalid, "open log", "the log format is %q or %q, not %q", formatText, formatJSON, cfg.Format)
	}
	b := &Book{
		fsys: fsys, cfg: cfg,
		records:  ring{size: cfg.RecentRecords},
		warnings: ring{size: cfg.RecentWarnings},
	}
	b.file = newLogFile(fsys, cfg)
	b.logger = slog.New(&handler{book: b, inner: zapslog.NewHandler(
		&core{LevelEnabler: zapLevel(cfg.Level), book: b},
		zapslog.AddStacktraceAt(slog.LevelError), zapslog.WithCallerSkip(1))})
	for _, r := range b.file.readBack() {
		b.remember(r)
	}
	// What fails here is tried again by the first record, and told with it.
	_ = b.file.open()
	return b, nil
}

func withDefaults(cfg Config) Config {
	if cfg.Format == "" {
		cfg.Format = formatText
	}
	if cfg.MaxFileBytes <= 0 {
		cfg.MaxFileBytes = defaultMaxFileBytes
	}
	if cfg.MaxTotalBytes <= 0 {
		cfg.MaxTotalBytes = defaultMaxTotalBytes
	}
	// The file being written is part of the total.
	cfg.MaxFileBytes = min(cfg.MaxFileBytes, cfg.MaxTotalBytes)
	if cfg.Keep <= 0 {
		cfg.Keep = defaultKeep
	}
	if cfg.RotateAfter <= 0 {
		cfg.RotateAfter = defaultRotateAfter
	}
	if cfg.RecentRecords <= 0 {
		cfg.RecentRecords = defaultRecentRecords
	}
	if cfg.RecentWarnings <= 0 {
		cfg.RecentWarnings = defaultRecentWarnings
	}
	return cfg
}

func zapLevel(l slog.Level) zapcore.Level {
	switch {
	case l >= slog.LevelError:
		return zapcore.ErrorLevel
	case l >= slog.LevelWarn:
		return zapcore.WarnLevel
	case l >= slog.LevelInfo:
		return zapcore.InfoLevel
	}
	return zapcore.DebugLevel
}

// Logger writes into the book. The string attribute "component" becomes the third
// column, "stack" the stack of the record; errors get the stack of the call. Values of
// attributes named like a secret (token, password, secret, authorization …) are replaced.
func (b *Book) Logger() *slog.Logger { return b.logger }

// Path is the file that is being written.
func (b *Book) Path() string { return b.file.path }

// Lost is the number of lines that never reached a file since New.
func (b *Book) Lost() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.file.lostEver
}

// Recent gives records at or above level ("debug", "info", "warn", "error", "" = all),
// oldest first, at most limit (≤ 0 = 100): the newest ones, or, to follow the log, the
// first ones with a sequence above after. An after from an earlier book counts as 0.
func (b *Book) Recent(level string, limit int, after uint64) []Record {
	if limit <= 0 {
		limit = defaultLimit
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if after > b.sequence {
		after = 0
	}
	known := b.records.all()
	var found []Record
	take := func(r Record) {
		if r.Sequence > after && rank(r.Level) >= rank(level) {
			found = append(found, r)
		}
	}
	for _, r := range b.warnings.all() {
		if len(known) == 0 || r.Sequence < known[0].Sequence {
			take(r)
		}
	}
	for _, r := range known {
		take(r)
	}
	switch {
	case len(found) <= limit:
		return found
	case after > 0:
		return found[:limit]
	}
	return found[len(found)-limit:]
}

func rank(level string) int {
	switch level {
	case "info":
		return 1
	case "warn":
		return 2
	case "error":
		return 3
	}
	return 0
}

// Prune rotates the present file when it is older than RotateAfter, and removes files
// beyond Keep and MaxTotalBytes, as of now. Records tell their age, not the file
// system, so a copied or touched log is judged rightly.
func (b *Book) Prune(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.file.prune(now)
}

// Close flushes and closes the file; records logged later only reach memory.
func (b *Book) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.file.close()
}

// write is where every record ends: in memory first, which cannot fail.
func (b *Book) write(r Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r = b.remember(r)
	b.file.write(r)
}

func (b *Book) remember(r Record) Record {
	b.sequence++
	r.Sequence = b.sequence
	b.records.add(r)
	if rank(r.Level) >= rank("warn") {
		b.warnings.add(r)
	}
	return r
}

// ring holds the newest size records.
type ring struct {
	size  int
	items []Record
	next  int
}

func (r *ring) add(rec Record) {
	if len(r.items) < r.size {
		r.items = append(r.items, rec)
		return
	}
	r.items[r.next] = rec
	r.next = (r.next + 1) % r.size
}

func (r *ring) all() []Record {
	out := make([]Record, 0, len(r.items))
	out = append(out, r.items[r.next:]...)
	return append(out, r.items[:r.next]...)
}
