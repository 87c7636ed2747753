package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
)

const (
	// lengthMaxBytes bounds every string, blob and row: a hostile schema can ask for
	// gigabytes (an index on hex(zeroblob(2e8))), and the driver panics when memory ends.
	lengthMaxBytes = 64 << 20
	// headerBytes is the size of the database header
	// (https://sqlite.org/fileformat2.html#the_database_header).
	headerBytes = 100
)

// Conn is one connection to one database. Its methods may be called from several
// goroutines, and then wait for each other.
type Conn struct {
	mu       sync.Mutex
	db       *sqlite3.Conn
	path     string
	opts     Options
	fenced   bool
	broken   bool
	pinned   *Snapshot
	rest     *rest    // the database is at rest, and only looked at
	standIns []string // collations that are unknown here and were replaced for reading
}

// Open opens an existing database and never creates one.
func Open(ctx context.Context, path string, opts Options) (*Conn, error) {
	const op = "open database"
	if err := regular(path, opts); err != nil {
		return nil, err
	}
	opts.ReadOnly, opts.KeepLog = opts.ReadOnly || opts.Looks, opts.KeepLog || opts.Looks
	c := &Conn{path: path, opts: opts}
	c.mu.Lock() // it is known to Descriptors before it is set up
	defer c.mu.Unlock()
	if err := c.guarded(op, func() error { return c.connect(ctx) }); err != nil {
		c.discard()
		return nil, err
	}
	return c, nil
}

func (c *Conn) connect(ctx context.Context) error {
	if err := c.opts.Descriptors.opening(c, c.dial); err != nil {
		return err
	}
	c.db.SetInterrupt(ctx)
	defer c.db.SetInterrupt(context.Background())
	return c.configure()
}

// reconnect replaces the driver's connection by a fresh one that knows nothing of the
// database as it was.
func (c *Conn) reconnect(ctx context.Context) error {
	if err := c.db.Close(); err != nil {
		return err
	}
	if err := c.connect(ctx); err != nil {
		return err
	}
	c.db.SetInterrupt(ctx) // as do has it
	return nil
}

func (c *Conn) uri() string {
	mode := "rw"
	if c.opts.ReadOnly {
		mode = "ro"
	}
	params := []string{"mode", mode}
	if c.opts.VFS != "" {
		params = append(params, "vfs", c.opts.VFS)
	}
	if c.opts.Immutable || c.rest != nil {
		params = append(params, "immutable", "1")
	}
	return fileURI(c.path, params...)
}

// regular refuses what must not be opened: opening a FIFO hangs, a device may do
// anything. Only the operating system's files can be looked at here.
func regular(path string, opts Options) error {
	const op = "open database"
	if path == "" {
		return fault.New(fault.Invalid, op, "no path") // SQLite would make a temporary database
	}
	if opts.VFS != "" && opts.VFS != "os" {
		return nil
	}
	look := os.Stat
	if opts.Untrusted {
		look = os.Lstat
	}
	info, err := look(path)
	switch {
	case os.IsNotExist(err):
		return fault.Wrap(fault.Missing, op, "no such file", err)
	case os.IsPermission(err):
		return fault.Wrap(fault.Permission, op, "not permitted", err)
	case err != nil:
		return fault.Wrap(fault.IO, op, "the file cannot be looked at", err)
	case !info.Mode().IsRegular():
		return fault.New(fault.Refused, op, "%s is not a regular file but %s", filepath.Base(path), fsx.KindOf(info.Mode()))
	}
	return nil
}

// configure hardens a new connection (https://sqlite.org/security.html) before
// anything of the file is parsed.
func (c *Conn) configure() error {
	db := c.db
	if err := db.BusyTimeout(c.opts.BusyTimeout); err != nil {
		return err
	}
	for _, set := range []struct {
		op sqlite3.DBConfig
		on bool
	}{
		{sqlite3.DBCONFIG_DEFENSIVE, true},
		{sqlite3.DBCONFIG_TRUSTED_SCHEMA, false},
		{sqlite3.DBCONFIG_ENABLE_TRIGGER, false}, // no statement of Officer's should fire one
		{sqlite3.DBCONFIG_DQS_DDL, true},         // old schemas have "text" in double quotes
		{sqlite3.DBCONFIG_ENABLE_LOAD_EXTENSION, false},
	} {
		if _, err := db.Config(set.op, set.on); err != nil {
			return err
		}
	}
	db.Limit(sqlite3.LIMIT_LENGTH, lengthMaxBytes)
	if err := c.passChecksums(); err != nil {
		return err
	}
	if err := register(db); err != nil {
		return err
	}
	// The first look at the file. It does not parse the schema, and damage must not keep the
	// file from being opened: whoever reads it will be told.
	switch err := db.Exec(`PRAGMA schema_version`); fault.CodeOf(c.fail("look at database", err)) {
	case fault.Busy, fault.IO, fault.Full, fault.NoMemory, fault.Interrupted:
		return err
	}
	if c.opts.ReadOnly {
		if err := db.CollationNeeded(c.standIn); err != nil {
			return err
		}
	}
	if c.opts.Untrusted {
		if err := db.SetAuthorizer(readingOnly); err != nil {
			return err
		}
	}
	// None of these may parse the schema (as cache_size does): a damaged file must open.
	pragmas := `PRAGMA mmap_size=0; PRAGMA temp_store=FILE; PRAGMA cell_size_check=ON;`
	if c.opts.ReadOnly {
		pragmas += `PRAGMA query_only=ON;`
	}
	return db.Exec(pragmas)
}

// passChecksums looks at header byte 20 before SQLite does. With 8 reserved bytes the
// driver switches on its checksum layer (https://sqlite.org/cksumvfs.html) and fails
// every read of a file whose reserved bytes hold something else.
func (c *Conn) passChecksums() error {
	f, err := c.mainFile()
	if err != nil {
		return err
	}
	var header [headerBytes]byte
	// Short and unreadable files are SQLite's to judge.
	if n, _ := f.ReadAt(header[:], 0); n < len(header) || header[20] != 8 {
		return nil
	}
	return c.db.Exec(`PRAGMA checksum_verification=OFF`)
}

func (c *Conn) mainFile() (vfs.File, error) {
	p, err := c.db.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return nil, err
	}
	f, ok := p.(vfs.File)
	if !ok {
		return nil, fault.New(fault.Internal, "find database file", "the driver holds no file")
	}
	return f, nil
}

// guarded runs f on a goroutine that survives the panics of the driver.
func (c *Conn) guarded(op string, f func() error) (err error) {
	// A -shm truncated by another program is SIGBUS; as a panic it can be recovered.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = c.panicked(op, r)
		}
	}()
	return c.fail(op, f())
}

// do runs f with the connection to itself, interrupted when ctx ends.
func (c *Conn) do(ctx context.Context, op string, f func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(ctx, op); err != nil {
		return err
	}
	c.db.SetInterrupt(ctx)
	defer c.db.SetInterrupt(context.Background())
	defer c.missSnapshot()
	return c.undisturbed(c.guarded(op, f))
}

func (c *Conn) usable(ctx context.Context, op string) error {
	switch {
	case c.db == nil:
		return fault.New(fault.Refused, op, "the connection is closed")
	case c.broken:
		return fault.New(fault.Internal, op, "the connection is broken since the engine crashed on it")
	case ctx.Err() != nil:
		return fault.Wrap(fault.Interrupted, op, "stopped before it began", ctx.Err())
	}
	return nil
}

// snapshot runs f inside one read transaction. The pragma takes the snapshot without
// parsing the schema, which may be damaged. Under the fence or beside a Snapshot f runs in
// that transaction.
func (c *Conn) snapshot(f func() error) error {
	if c.fenced || c.pinned != nil {
		return f()
	}
	if err := c.db.Exec(`BEGIN; PRAGMA schema_version`); err != nil {
		c.rollback()
		return err
	}
	defer c.rollback()
	return f()
}

// rollback ends whatever transaction is open, even when the context is over.
func (c *Conn) rollback() {
	if c.broken || c.db.GetAutocommit() {
		return
	}
	old := c.db.SetInterrupt(context.Background())
	defer c.db.SetInterrupt(old)
	_ = c.db.Exec(`ROLLBACK`) // can only fail by having nothing to roll back
}

// Close ends the connection, rolling back what is open. It is safe to call it twice.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return nil
	}
	defer c.opts.Descriptors.closing(c)()
	if c.pinned != nil {
		c.endSnapshot(c.pinned, fault.New(fault.Refused, opSnapshot, "the connection was closed"))
	}
	err := c.guarded("close database", c.shut)
	c.db, c.fenced = nil, false
	return err
}

// shut closes the driver's connection. The last one of a database in WAL mode would move
// the log into the database and remove it
// (https://sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfignockptonclose).
func (c *Conn) shut() error {
	if c.opts.KeepLog {
		if _, sizeBytes, err := c.journal(); err == nil && sizeBytes > 0 {
			if _, err := c.db.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true); err != nil {
				return errors.Join(err, c.db.Close())
			}
		}
	}
	return c.db.Close()
}

// discard closes a connection that was never given out.
func (c *Conn) discard() {
	if c.db != nil {
		forget := c.opts.Descriptors.closing(c)
		_ = c.guarded("close database", c.shut)
		forget()
		c.db = nil
	}
}

// Path is the path the connection was opened with.
func (c *Conn) Path() string { return c.path }

// value runs a statement that gives one row and returns its first column.
func (c *Conn) value(sql string) (int64, error) {
	s, _, err := c.db.Prepare(sql)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	var v int64
	if s.Step() {
		v = s.ColumnInt64(0)
	}
	return v, s.Err()
}

// rows runs a statement and calls f for every row until f or the statement fails.
func (c *Conn) rows(sql string, f func(s *sqlite3.Stmt) error) error {
	s, _, err := c.db.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Close()
	for s.Step() {
		if err := f(s); err != nil {
			return err
		}
	}
	return s.Err()
}

// wait sleeps, but not beyond ctx.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
