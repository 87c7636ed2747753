package sqlite

import (
	"context"
	"database/sql"
	"io"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
)

// Conn is one connection to one database. Its methods may be called from several
// goroutines, and then wait for each other.
type Conn struct {
	mu   sync.Mutex
	db   *sqlite3.Conn
	path string
	opts Options
}

var errTODO = fault.New(fault.Internal, "sqlite", "not written yet")

// Open opens an existing database and never creates one.
func Open(ctx context.Context, path string, opts Options) (*Conn, error) { return nil, errTODO }

// Close ends the connection, rolling back what is open. It is safe to call it twice.
func (c *Conn) Close() error { return errTODO }

// Path is the path the connection was opened with.
func (c *Conn) Path() string { return c.path }

// Facts reads header, pager and WAL in one read transaction.
func (c *Conn) Facts(ctx context.Context) (Facts, error) { return Facts{}, errTODO }

// Copy writes one snapshot of the database into dst, an empty file that the caller has
// just created with O_EXCL beside the copy's final name. The copy is left in journal
// mode DELETE, fsynced and closed, with no journal beside it.
func (c *Conn) Copy(ctx context.Context, dst string, opts CopyOptions) (CopyResult, error) {
	return CopyResult{}, errTODO
}

// Content digests what every table holds, in one read transaction.
func (c *Conn) Content(ctx context.Context) (manifest.Content, error) {
	return manifest.Content{}, errTODO
}

// CheckFull is PRAGMA integrity_check. An error is operational and no verdict.
func (c *Conn) CheckFull(ctx context.Context) (check.Report, error) { return check.Report{}, errTODO }

// CheckQuick is PRAGMA quick_check. An error is operational and no verdict.
func (c *Conn) CheckQuick(ctx context.Context) (check.Report, error) { return check.Report{}, errTODO }

// CheckForeignKeys is PRAGMA foreign_key_check, reporting at most limit orphans (0 = all).
func (c *Conn) CheckForeignKeys(ctx context.Context, limit int) (check.Report, error) {
	return check.Report{}, errTODO
}

// RunRules runs each rule in a read transaction and reports those that returned rows
// or could not be run. Verdict is OK or CannotJudge: broken rules are not damage.
func (c *Conn) RunRules(ctx context.Context, rules []check.Rule) (check.Report, error) {
	return check.Report{}, errTODO
}

// Checkpoint moves frames of the WAL into the database: frames in the WAL and frames
// moved. On a database that is not in WAL mode both are 0.
func (c *Conn) Checkpoint(ctx context.Context, mode CheckpointMode) (logFrames, doneFrames int, err error) {
	return 0, 0, errTODO
}

// DataVersion changes when another connection has committed
// (https://sqlite.org/pragma.html#pragma_data_version).
func (c *Conn) DataVersion(ctx context.Context) (int64, error) { return 0, errTODO }

// HasMoved tells whether the path no longer names the open file.
func (c *Conn) HasMoved() (bool, error) { return false, errTODO }

// Identity gives device and inode of the open file and of its path.
func (c *Conn) Identity() (Identity, error) { return Identity{}, errTODO }

// MainFile reads the database file through SQLite's own descriptor, without locks.
// The reader is valid until Close.
func (c *Conn) MainFile() (io.ReaderAt, int64, error) { return nil, 0, errTODO }

// JournalFile is MainFile for the -wal or -journal; fault.Missing when none is open.
func (c *Conn) JournalFile() (io.ReaderAt, int64, error) { return nil, 0, errTODO }

// BeginFence takes and holds the write lock, which keeps every other process from
// writing. It waits at most a moment and then fails with fault.Busy.
func (c *Conn) BeginFence(ctx context.Context) error { return errTODO }

// EndFence releases the write lock. Without a fence it does nothing.
func (c *Conn) EndFence() error { return errTODO }

// Fenced tells whether this connection holds the fence.
func (c *Conn) Fenced() bool { return false }

// Restore writes the database file src into this live database under SQLite's own
// locks. src must be in journal mode DELETE and have the live page size (see
// MatchPageSize). Killed or failing at any point it leaves the old database or the new.
func (c *Conn) Restore(ctx context.Context, src string, opts RestoreOptions) error { return errTODO }

// ResetDatabase makes an empty database with the given page size out of a live one
// whose header is destroyed, so that Restore works, while other connections stay open
// (https://sqlite.org/c3ref/c_dbconfig_defensive.html, SQLITE_DBCONFIG_RESET_DATABASE).
// Everything in the file is lost.
func (c *Conn) ResetDatabase(ctx context.Context, pageSize int) error { return errTODO }

// Preview counts the rows of every table, without digests.
func (c *Conn) Preview(ctx context.Context) ([]manifest.Table, error) { return nil, errTODO }

// MatchPageSize writes a copy of the database src into tmp, an empty file that the
// caller has just created, with another page size.
func MatchPageSize(ctx context.Context, src, tmp, vfs string, pageSize int) error { return errTODO }

// VerifyCopy opens a stored copy afresh, runs the full check and compares its content
// with want. Damaged content is a finding of kind "content" that names the table.
func VerifyCopy(ctx context.Context, path, vfs string, want manifest.Content) (check.Report, manifest.Content, error) {
	return check.Report{}, manifest.Content{}, errTODO
}

// Preview counts the rows of every table of a stored copy.
func Preview(ctx context.Context, path, vfs string) ([]manifest.Table, error) { return nil, errTODO }

// OpenDB gives an embedding program its handle on the database.
func OpenDB(path string, opts Options) (*sql.DB, error) { return nil, errTODO }

// ForeignDriverGuard fails with fault.ForeignDriver when this process holds a
// descriptor on one of the databases (or its -wal, -shm, -journal) that is not one of
// own. Where the system does not let it look, known is false and err nil.
func ForeignDriverGuard(paths []string, own ...*Conn) (known bool, err error) { return false, errTODO }
