package supervisor

import (
	"context"
	"io"
	"path/filepath"
	"time"

	"github.com/officer-doofy/officer/actors/dbowner"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite"
)

// busyTimeout is how long Officer waits for a lock that the app holds before it comes
// back later: short, so that a job's deadline and its cancelling mean something.
const busyTimeout = 2 * time.Second

// engine is internal/sqlite as the actors of one database see it: it opens the live
// database for the owner, judges copies for backup and reads kept files for recovery.
type engine struct {
	path  string
	vfs   string
	files fsx.FS
	only  bool                // no other SQLite can be in this process
	quiet bool                // it does nothing unasked: a log that is there stays
	looks bool                // it leaves nothing behind
	seals *fsx.Sealer         // of copies that are read back
	held  *sqlite.Descriptors // what all connections of this Officer hold, so that the guard knows the others
}

func (r *Running) newEngine(cfg Config, path string) *engine {
	return &engine{path: path, vfs: cfg.VFS, files: cfg.FS, only: cfg.OnlySQLite, quiet: cfg.Passive, looks: cfg.Looks,
		seals: fsx.NewSealer(), held: &r.held}
}

// SQLiteVersion is that of Officer's own SQLite; a test holds it to the truth.
const SQLiteVersion = "3.54.1"

// space tells the room on the volume of a file.
func (e *engine) space(path string) (freeBytes, freeInodes int64, err error) {
	s, err := e.files.Space(filepath.Dir(path))
	return s.FreeBytes, s.FreeInodes, err
}

func (e *engine) options() sqlite.Options {
	return sqlite.Options{VFS: e.vfs, BusyTimeout: busyTimeout, KeepLog: e.quiet, Looks: e.looks, Descriptors: e.held, Sealer: e.seals, Space: e.space, SyncDir: e.files.SyncDir}
}

// Open opens the live database: dbowner.Opener.
func (e *engine) Open(ctx context.Context, purpose dbowner.Purpose) (dbowner.Database, error) {
	opts := e.options()
	opts.ReadOnly = purpose == dbowner.ForCheck
	c, err := sqlite.Open(ctx, e.path, opts)
	if err != nil {
		return nil, err
	}
	return connection{c}, nil
}

// Guard refuses a file that another SQLite of this process holds: dbowner.Opener. Files
// of a VFS of its own have no descriptors that another one could hold.
func (e *engine) Guard(context.Context) error {
	if e.vfs != "" || e.only {
		return nil
	}
	_, err := sqlite.ForeignDriverGuard([]string{e.path}, e.held)
	return err
}

// MatchPageSize rewrites a copy with another page size: dbowner.Opener.
func (e *engine) MatchPageSize(ctx context.Context, src, tmp string, pageSize int) error {
	return sqlite.MatchPageSize(ctx, src, tmp, e.vfs, pageSize)
}

// Verify judges a stored copy: backup.Verifier.
func (e *engine) Verify(ctx context.Context, path string, want manifest.Content) (check.Report, manifest.Content, error) {
	return sqlite.VerifyCopy(ctx, path, e.vfs, want)
}

// connection is a *sqlite.Conn with the values that the owner speaks.
type connection struct{ c *sqlite.Conn }

func (d connection) Facts(ctx context.Context) (dbowner.Facts, error) {
	f, err := d.c.Facts(ctx)
	return dbowner.Facts(f), err
}

func (d connection) Content(ctx context.Context) (manifest.Content, error) { return d.c.Content(ctx) }

func (d connection) Preview(ctx context.Context) ([]manifest.Table, error) { return d.c.Preview(ctx) }

func (d connection) Copy(ctx context.Context, dst string, opts dbowner.CopyOptions) (dbowner.CopyResult, error) {
	r, err := d.c.Copy(ctx, dst, sqlite.CopyOptions(opts))
	return dbowner.CopyResult(r), err
}

func (d connection) Check(ctx context.Context, opts dbowner.CheckOptions) (check.Report, error) {
	return d.c.Check(ctx, sqlite.CheckOptions(opts))
}

func (d connection) RunRules(ctx context.Context, rules []check.Rule) (check.Report, error) {
	return d.c.RunRules(ctx, rules)
}

func (d connection) Checkpoint(ctx context.Context, mode string) (logFrames, doneFrames int, err error) {
	return d.c.Checkpoint(ctx, sqlite.CheckpointMode(mode))
}

func (d connection) WALIndex(ctx context.Context) (dbowner.WALIndex, error) {
	w, err := d.c.WALIndex(ctx)
	return dbowner.WALIndex(w), err
}

func (d connection) Vacuum(ctx context.Context, busy time.Duration) error {
	return d.c.Vacuum(ctx, busy)
}

func (d connection) IncrementalVacuum(ctx context.Context, busy time.Duration) (freedPages int64, done bool, err error) {
	return d.c.IncrementalVacuum(ctx, busy)
}

func (d connection) Analyze(ctx context.Context, busy time.Duration, full bool) error {
	if full {
		return d.c.Analyze(ctx, busy)
	}
	return d.c.Optimize(ctx, busy)
}

func (d connection) DataVersion(ctx context.Context) (int64, error) { return d.c.DataVersion(ctx) }
func (d connection) HasMoved() (bool, error)                        { return d.c.HasMoved() }
func (d connection) MainFile() (io.ReaderAt, int64, error)          { return d.c.MainFile() }
func (d connection) JournalFile() (io.ReaderAt, int64, error)       { return d.c.JournalFile() }
func (d connection) BeginFence(ctx context.Context) error           { return d.c.BeginFence(ctx) }
func (d connection) EndFence() error                                { return d.c.EndFence() }
func (d connection) ResetDatabase(ctx context.Context, ps int) error {
	return d.c.ResetDatabase(ctx, ps)
}
func (d connection) ReplaceTable(ctx context.Context, src, table string, dry bool, most int) (dbowner.Replaced, error) {
	r, err := d.c.ReplaceTable(ctx, src, table, dry, most)
	return dbowner.Replaced(r), err
}
func (d connection) SameAs(ctx context.Context, path string) (bool, error) {
	return d.c.SameAs(ctx, path)
}
func (d connection) Close() error { return d.c.Close() }

func (d connection) Identity() (dbowner.Identity, error) {
	id, err := d.c.Identity()
	return dbowner.Identity(id), err
}

func (d connection) Restore(ctx context.Context, src string, opts dbowner.RestoreOptions) error {
	return d.c.Restore(ctx, src, sqlite.RestoreOptions(opts))
}
