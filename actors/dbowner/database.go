package dbowner

import (
	"context"
	"io"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/manifest"
)

// Purpose says what a connection is for.
type Purpose string

// The purposes. The worker's connection and the fence's write; a check's connection
// reads only, and lives for one job.
const (
	ForWork  Purpose = "work"
	ForFence Purpose = "fence"
	ForCheck Purpose = "check"
)

// Opener opens the one live database of this tree.
type Opener interface {
	// Open opens the live database and never creates it. A file whose header is
	// destroyed opens too: the first call that reads it fails with fault.NotADatabase.
	// Other errors are fault.Missing, Permission, IO …
	Open(ctx context.Context, purpose Purpose) (Database, error)
	// Guard fails with fault.ForeignDriver when another SQLite in this process holds
	// the file (promise P10). The owner never calls it while it opens or closes anything.
	Guard(ctx context.Context) error
	// MatchPageSize writes src, a plain SQLite file, into tmp, an empty file, with
	// another page size in bytes.
	MatchPageSize(ctx context.Context, src, tmp string, pageSize int) error
}

// Database is one connection to the live database. Errors are *fault.Error. A call
// ends soon after its context does.
type Database interface {
	Facts(ctx context.Context) (Facts, error)
	Content(ctx context.Context) (manifest.Content, error)
	// Preview counts rows without digests.
	Preview(ctx context.Context) ([]manifest.Table, error)
	// Copy writes one snapshot into dst, an empty file just created.
	Copy(ctx context.Context, dst string, opts CopyOptions) (CopyResult, error)
	// Check judges one snapshot. The report names who did, and why if that was SQLite.
	Check(ctx context.Context, opts CheckOptions) (check.Report, error)
	RunRules(ctx context.Context, rules []check.Rule) (check.Report, error)
	// Checkpoint takes mode "passive", "full", "restart" or "truncate" and gives frames
	// in the WAL and frames moved.
	Checkpoint(ctx context.Context, mode string) (logFrames, doneFrames int, err error)
	// WALIndex reads the shared memory of a database in WAL mode.
	WALIndex(ctx context.Context) (WALIndex, error)
	// Vacuum rebuilds the file; it waits at most busy for the write lock and then holds it
	// to the end. Interrupted, nothing has changed.
	Vacuum(ctx context.Context, busy time.Duration) error
	// IncrementalVacuum moves free pages out in short steps; done is false when it ended
	// before the last one because the app writes.
	IncrementalVacuum(ctx context.Context, busy time.Duration) (freedPages int64, done bool, err error)
	// Analyze renews statistics: all of them when full, else those that are stale.
	Analyze(ctx context.Context, busy time.Duration, full bool) error
	// DataVersion changes when another connection has committed.
	DataVersion(ctx context.Context) (int64, error)
	HasMoved() (bool, error)
	Identity() (Identity, error)
	// MainFile and JournalFile read database and -wal through SQLite's own descriptors,
	// without locks, valid until Close.
	MainFile() (io.ReaderAt, int64, error)
	JournalFile() (io.ReaderAt, int64, error)
	// BeginFence takes and holds the write lock, or fails with fault.Busy in a moment.
	BeginFence(ctx context.Context) error
	EndFence() error
	// SameAs tells whether every page is that of a plain database file that nobody writes.
	// The error is fault.CannotJudge where pages cannot be read here.
	SameAs(ctx context.Context, path string) (bool, error)
	// Restore writes src into the live database under SQLite's own locks.
	Restore(ctx context.Context, src string, opts RestoreOptions) error
	// ReplaceTable puts one table of src, a plain SQLite file, in place in one transaction,
	// which a dry run rolls back. The error is fault.Refused when the definitions differ.
	ReplaceTable(ctx context.Context, src, table string, dryRun bool, foreignKeysMax int) (Replaced, error)
	// ResetDatabase makes an empty database out of one whose header is destroyed.
	ResetDatabase(ctx context.Context, pageSize int) error
	Close() error
}

// Facts are what header, pager and WAL tell. The fields are those of internal/sqlite,
// so that its values convert.
type Facts struct {
	PageSize      int
	PageCount     int64
	FreePages     int64
	Encoding      string
	JournalMode   string
	AutoVacuum    string
	UserVersion   int32
	ApplicationID int32
	ReservedBytes int
	WALBytes      int64
	Source        manifest.Source
}

// WALIndex is what the wal-index tells; -1 is a read mark that nobody uses.
type WALIndex struct {
	Known         bool
	JournalMode   string
	Litestream    bool
	Device, Inode uint64
	Frames        int64
	Backfilled    int64
	ReadMarks     []int64
}

// CheckOptions says how a check is made; the zero value is a full one by pages.
type CheckOptions struct {
	Kind       check.Kind
	SQLite     bool // SQLite's own pragmas
	Alone      bool // one processor is enough
	OrphansMax int
	Progress   func(donePages, totalPages int64)
}

// CopyOptions says how a copy is made; the zero value copies at full speed.
type CopyOptions struct {
	PaceBytesPerSecond int64
	UnlessContent      *manifest.Content
	ByHash             bool
	Progress           func(donePages, totalPages int64)
}

// CopyResult is what was copied.
type CopyResult struct {
	Content          manifest.Content
	SHA256           string
	Seal             uint64
	Source           manifest.Source
	Pages            int64
	PageSize         int
	SizeBytes        int64
	Skipped          bool
	Duration         time.Duration
	WorstWriterStall time.Duration
}

// RestoreOptions says how a restore goes. BeforeLock is called at the last moment before
// the write lock is asked for, to let go of a fence. BeforeWrite is called once the write lock is
// held and before the first page changes; its error ends the restore with nothing
// changed. It must not use the connection that restores. Want is what the source has to
// hold, nil puts back also a source that is too damaged to be compared; with SHA256, that
// of src, its content is not read once more. AfterWrite is called when the restore is
// durable, before it is compared.
type RestoreOptions struct {
	BeforeLock  func() error
	BeforeWrite func() error
	Want        *manifest.Content
	SHA256      string
	AfterWrite  func() error
	Progress    func(donePages, totalPages int64)
}

// Replaced is what became of one table; rows are -1 before when it was not there.
type Replaced struct {
	RowsBefore, RowsAfter int64
	ForeignKeys           []check.ForeignKey
}

// Identity names the open file and what its path names now (0 = nothing is there).
type Identity struct {
	Device, Inode         uint64
	PathDevice, PathInode uint64
	Known                 bool
}
