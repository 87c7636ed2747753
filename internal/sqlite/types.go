package sqlite

import (
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite/handle"
)

// Options says how a database is opened.
type Options struct {
	// VFS is the name of a registered VFS; "" is the operating system.
	VFS string
	// ReadOnly opens the file for reading only and sets query_only.
	ReadOnly bool
	// BusyTimeout is how long a lock is waited for; 0 does not wait.
	BusyTimeout time.Duration
	// Untrusted is for stored copies and files from elsewhere: only a regular file,
	// never a symbolic link, is opened.
	Untrusted bool
	// Immutable promises that nobody writes the file, and then takes no locks and looks
	// for no -wal (https://sqlite.org/uri.html#uriimmutable). Only for stored copies.
	Immutable bool
	// KeepLog leaves a write-ahead log as it was found, although this connection may be the
	// last to close: moving it into the database is for who writes, not for who looks.
	KeepLog bool
	// Looks leaves nothing behind: it is ReadOnly and KeepLog, and makes no log beside a
	// database in WAL mode that nobody has open, which may lie in a folder that cannot be
	// written. fault.Busy tells that the app opened it meanwhile, and that what was read
	// does not count.
	Looks bool
	// Descriptors, when set, learns what this connection holds, for ForeignDriverGuard.
	Descriptors *Descriptors
	// Sealer, when set, seals what is copied (CopyResult.Seal), for who reads it back with
	// the same one.
	Sealer *fsx.Sealer
	// Space tells the room on the volume of path. When set it is asked after each I/O
	// error, because the driver reports a full disk as one. FreeInodes is -1 if unknown.
	Space func(path string) (freeBytes, freeInodes int64, err error)
	// SyncDir makes the entries of a folder of VFS durable; nil is that of the operating
	// system. A restore needs it.
	SyncDir func(dir string) error
	// Durable, of OpenDB alone, keeps each acknowledged commit through a power cut:
	// synchronous=FULL instead of the driver's NORMAL (https://sqlite.org/pragma.html#pragma_synchronous).
	Durable bool
	// Trace, of OpenDB alone, hears of every finished statement of the app.
	Trace handle.Trace
}

// Facts is what the header, the pager and the WAL tell about a database.
type Facts struct {
	PageSize      int    // bytes
	PageCount     int64  // pages of the snapshot, WAL included
	FreePages     int64  // pages on the freelist
	Encoding      string // "UTF-8", "UTF-16le", "UTF-16be"
	JournalMode   string // "wal", "delete", "truncate", "persist", "memory", "off"
	AutoVacuum    string // "none", "full", "incremental"
	UserVersion   int32
	ApplicationID int32
	ReservedBytes int   // bytes at the end of each page that SQLite leaves alone (header byte 20)
	WALBytes      int64 // size of the -wal file; 0 = none
	// Source identifies the state. In WAL mode with WALFrames = 0 two equal Sources do
	// not prove equal content: a checkpoint takes the frames away without touching the
	// change counter (https://sqlite.org/fileformat2.html#file_change_counter).
	Source manifest.Source
}

// CopyOptions says how a copy is made. The zero value copies at full speed.
type CopyOptions struct {
	// PaceBytesPerSecond is the average speed over the copy; 0 = as fast as possible.
	// It is ignored in rollback-journal mode, where a reader holds up the writer.
	PaceBytesPerSecond int64
	// UnlessContent, when set, is what the last verified copy holds: a database that
	// still holds the same is not copied.
	UnlessContent *manifest.Content
	// ByHash is for who reads the copy back and compares Seal or, without one, SHA256: unless
	// UnlessContent is given, the content is not digested then. With a Seal the copy is not fsynced
	// and has no SHA256, which are for that reader to see to (fsx.Sealer.ReadBack).
	ByHash bool
	// Progress hears pages done and in all after every burst.
	Progress func(donePages, totalPages int64)
}

// CopyResult is what was copied. With Skipped nothing was left in the destination.
type CopyResult struct {
	Content   manifest.Content // what the snapshot held; the zero value if ByHash spared it
	SHA256    string           // of what was written, in hexadecimal; "" if ByHash spared it or SQLite's backup API wrote it
	Seal      uint64           // of what was written, by the connection's Sealer; 0 when SQLite's backup API wrote it
	Source    manifest.Source
	Pages     int64
	PageSize  int
	SizeBytes int64
	Skipped   bool
	Duration  time.Duration
	// WorstWriterStall is the longest time a commit of the app may have been held up.
	// 0 in WAL mode, where readers never block the writer.
	WorstWriterStall time.Duration
}

// RestoreOptions says how a restore goes.
type RestoreOptions struct {
	// BeforeLock, when set, is called at the last moment before the write lock on the
	// live database is asked for, so that whoever fences the app off can let go of it:
	// an app that waits for the lock has no time to get it first. An error stops the restore.
	BeforeLock func() error
	// BeforeWrite, when set, is called once the write lock on the live database is held
	// and before the first page changes; an error stops the restore with nothing changed.
	BeforeWrite func() error
	// Want is what the source has to hold, or nothing is written (fault.Refused). nil also
	// puts back a source too damaged to be read, of which nothing can be compared: for
	// taking back a restore.
	Want *manifest.Content
	// SHA256, when given, is that of src as it was verified, in hexadecimal, or nothing is
	// written (fault.Refused); its content is then not read once more.
	SHA256 string
	// AfterWrite, when set, is called once the restore is durable and before it is compared.
	// Its error is that of the restore, which has taken effect.
	AfterWrite func() error
	// Progress hears pages done and in all after every burst.
	Progress func(donePages, totalPages int64)
}

// CheckpointMode is how hard a checkpoint tries
// (https://sqlite.org/c3ref/wal_checkpoint_v2.html).
type CheckpointMode string

// The modes, from never waiting to waiting for all readers and emptying the file.
const (
	Passive  CheckpointMode = "passive"
	FullMode CheckpointMode = "full"
	Restart  CheckpointMode = "restart"
	Truncate CheckpointMode = "truncate"
)

// Identity names the open file and what its path names now. Known is false where the
// system has no such numbers.
type Identity struct {
	Device, Inode         uint64 // of the descriptor that SQLite holds
	PathDevice, PathInode uint64 // of the path now; 0 when nothing is there
	Known                 bool
}

// reports made by this package carry this engine.
const engine = check.EngineSQLite
