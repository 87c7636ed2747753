package sqlite

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
)

const opRestore = "restore database"

// Restore writes the database file src into this live database under SQLite's own
// locks (https://sqlite.org/backup.html), while other connections stay open. src must be in
// journal mode DELETE and have the live page size (see MatchPageSize), else the error
// is fault.Invalid and nothing changed. Killed or failing at any point it leaves the old database or
// the new. A fence of this connection is released just before the write lock is asked for, so
// BeforeWrite has to look whether anybody committed since; when the restore fails before a
// page changed the fence is raised again (see Fenced).
//
// Afterwards the WAL is emptied if nobody is in the way, and the live pages are compared with
// those of src: fault.Mismatch when they differ and so does what the tables hold, be it that
// somebody wrote in between.
func (c *Conn) Restore(ctx context.Context, src string, opts RestoreOptions) error {
	source, err := Open(ctx, src, Options{VFS: c.opts.VFS, ReadOnly: true, Immutable: true, Untrusted: true, Space: c.opts.Space})
	if err != nil {
		return err
	}
	defer source.Close()
	if err := proved(ctx, source, opts); err != nil {
		return err
	}
	weak := false // the end of the restore is not durable yet
	// Lock order is always live before source; nobody else has source.
	err = c.do(ctx, opRestore, func() error {
		if c.opts.ReadOnly {
			return fault.New(fault.ReadOnly, opRestore, "the live database was opened for reading only")
		}
		if c.pinned != nil {
			return c.free(opRestore)
		}
		if err := c.mayRestore(source); err != nil {
			return err
		}
		fenced := c.fenced
		if err := c.endFence(); err != nil {
			return err
		}
		err := source.do(ctx, opRestore, func() error {
			done, err := source.exchangeInto(ctx, c, opts)
			if done || err != nil {
				return err
			}
			weak, err = source.writeInto(ctx, c, opts)
			return err
		})
		if err != nil {
			if fenced && c.db.Exec(`BEGIN IMMEDIATE`) == nil {
				c.fenced = true
			}
			return err
		}
		return c.afterRestore(ctx, weak)
	})
	if err != nil {
		return err
	}
	if opts.AfterWrite != nil {
		if err := opts.AfterWrite(); err != nil {
			return err
		}
	}
	return c.compareWith(ctx, source, opts.Want)
}

// proved refuses a source that is not what was verified: not its bytes, or where nobody
// gave their hash, not its content.
func proved(ctx context.Context, source *Conn, opts RestoreOptions) error {
	if opts.SHA256 != "" {
		return source.do(ctx, opRestore, func() error {
			f, err := source.mainFile()
			if err != nil {
				return err
			}
			sum, err := hashStored(ctx, f)
			if err == nil && sum != opts.SHA256 {
				err = fault.New(fault.Refused, opRestore, "the file to restore has other bytes than those that were verified")
			}
			return err
		})
	}
	if opts.Want == nil {
		return nil
	}
	content, err := source.Content(ctx)
	if err == nil && !content.Equal(*opts.Want) {
		err = fault.New(fault.Refused, opRestore, "the file does not hold what is to be restored: %s", firstDifference(*opts.Want, content))
	}
	return err
}

// compareWith compares what is live after a restore with its source, page by page, and if
// they differ or cannot be read the content, nil = that of the source. A source that is too
// damaged for that was put back as it is.
func (c *Conn) compareWith(ctx context.Context, source *Conn, want *manifest.Content) error {
	same, err := c.SameAs(ctx, source.path)
	if same {
		return nil
	}
	if _, ok := leftToSQLite(err); err != nil && !ok {
		return err
	}
	if want == nil {
		held, err := source.Content(ctx)
		if fault.IsDamage(err) {
			return nil
		}
		if err != nil {
			return err
		}
		want = &held
	}
	got, err := c.Content(ctx)
	if err == nil && !got.Equal(*want) {
		err = fault.New(fault.Mismatch, opRestore, "restored, but the live content differs from the backup: %s", firstDifference(*want, got))
	}
	return err
}

// mayRestore refuses a source that would change the journal mode of the live database
// or that SQLite would refuse halfway.
func (c *Conn) mayRestore(source *Conn) error {
	from, err := source.headerOnDisk()
	if err != nil || !from.valid() {
		return fault.Wrap(fault.Invalid, opRestore, "the backup has no database header", err)
	}
	if from.wal() {
		return fault.New(fault.Invalid, opRestore, "the backup is in WAL mode; backups are kept in journal mode DELETE")
	}
	// Pragmas would parse the live schema, which may be what is damaged. A header that is
	// destroyed fails here with fault.NotADatabase: ResetDatabase comes first.
	var live Facts
	err = c.snapshot(func() (err error) {
		live, err = c.facts()
		return err
	})
	// An empty live file (page size 0) takes any page size.
	if err == nil && live.PageSize != 0 && live.PageSize != from.pageSize() {
		return fault.New(fault.Invalid, opRestore, "page size %d of the backup is not the live %d", from.pageSize(), live.PageSize)
	}
	return err
}

// writeInto copies all pages of c, the source, into live's file in one transaction of
// a connection of its own. weak says that a power cut may still take it back.
func (c *Conn) writeInto(ctx context.Context, live *Conn, opts RestoreOptions) (weak bool, err error) {
	params := append(vfsParam(live.opts.VFS), "mode", "rw", "_pragma", "busy_timeout("+itoa(int(live.opts.BusyTimeout.Milliseconds()))+")")
	// EXTRA also makes the end of a rollback journal durable. The pragma parses the
	// schema; where that is damaged the default, FULL, has to do until it is not.
	b, err := c.db.BackupInit("main", fileURI(live.path, append(params, "_pragma", "synchronous(extra)")...))
	if fault.IsDamage(c.fail(opRestore, err)) {
		weak = true
		b, err = c.db.BackupInit("main", fileURI(live.path, params...))
	}
	if err != nil {
		return weak, err
	}
	defer b.Close()
	if opts.BeforeLock != nil {
		if err := opts.BeforeLock(); err != nil {
			return weak, err
		}
	}
	// No page yet, but the write lock of the destination.
	if _, err := b.Step(0); err != nil {
		return weak, err
	}
	if opts.BeforeWrite != nil {
		if err := opts.BeforeWrite(); err != nil {
			return weak, err
		}
	}
	return weak, c.steps(ctx, b, opts)
}

func (c *Conn) steps(ctx context.Context, b *sqlite3.Backup, opts RestoreOptions) error {
	size, err := c.value(`PRAGMA main.page_size`)
	if err != nil {
		return err
	}
	burst := max(1, burstBytes/int(size))
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if done, err = b.Step(burst); err != nil {
			return err
		}
		if opts.Progress != nil {
			total := int64(b.PageCount())
			opts.Progress(total-int64(b.Remaining()), total)
		}
	}
	return b.Close()
}

// afterRestore makes the restore durable if it is not, and empties the log.
func (c *Conn) afterRestore(ctx context.Context, weak bool) error {
	// A connection cannot follow a change of the text encoding.
	if err := c.reconnect(ctx); err != nil {
		return err
	}
	if weak {
		// What was put back may be damaged itself; then it stays as durable as it is.
		if err := c.commitDurably(); err != nil && !fault.IsDamage(c.fail(opRestore, err)) {
			return err
		}
	}
	// A WAL commit is durable only once the WAL is synced.
	if _, err := c.value(`PRAGMA main.schema_version`); err != nil && !fault.IsDamage(c.fail(opRestore, err)) {
		return err
	}
	if log, _, err := c.journal(); err == nil {
		if err := syncFile(log); err != nil {
			return err
		}
	}
	// Best effort: a reader of the old snapshot may be in the way.
	_, _, _ = c.db.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	return nil
}

// commitDurably makes a commit that changes nothing, with the removal of its journal
// synced: with it that of the journal before.
func (c *Conn) commitDurably() error {
	version, err := c.value(`PRAGMA main.user_version`)
	if err != nil {
		return err
	}
	return c.db.Exec(`PRAGMA main.synchronous=EXTRA; PRAGMA main.user_version=` + itoa(int(version)) + `; PRAGMA main.synchronous=FULL`)
}

// ResetDatabase makes an empty database with the given page size out of a live one
// whose header is destroyed, so that Restore works, while other connections stay open
// (https://sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfigresetdatabase).
// Everything in the file is lost. A database whose header can be read is refused.
func (c *Conn) ResetDatabase(ctx context.Context, pageSize int) error {
	const op = "reset database"
	if !validPageSize(pageSize) {
		return fault.New(fault.Invalid, op, "no page size: %d", pageSize)
	}
	return c.do(ctx, op, func() error {
		if _, err := c.value(`PRAGMA main.schema_version`); err == nil {
			return fault.New(fault.Refused, op, "the header of the database is not destroyed")
		} else if !fault.IsDamage(c.fail(op, err)) {
			return err
		}
		if err := c.endFence(); err != nil {
			return err
		}
		if _, err := c.db.Config(sqlite3.DBCONFIG_RESET_DATABASE, true); err != nil {
			return err
		}
		defer func() { _, _ = c.db.Config(sqlite3.DBCONFIG_RESET_DATABASE, false) }()
		return c.db.Exec(`PRAGMA main.page_size=` + itoa(pageSize) + `; VACUUM main;`)
	})
}

// MatchPageSize writes a copy of the database src into tmp, an empty file that the
// caller has just created, with another page size (VACUUM INTO,
// https://sqlite.org/lang_vacuum.html). It fails with fault.Mismatch when the copy does
// not hold the same, and with fault.CannotJudge when a collation or module is unknown
// here: indexes would be rebuilt in the wrong order. tmp is fsynced.
func MatchPageSize(ctx context.Context, src, tmp, vfsName string, pageSize int) error {
	const op = "match page size"
	if !validPageSize(pageSize) {
		return fault.New(fault.Invalid, op, "no page size: %d", pageSize)
	}
	if err := mustBeEmpty(tmp, vfsName); err != nil {
		return (&Conn{path: tmp}).fail(op, err)
	}
	// Not read-only, so that no collation is replaced by a stand-in; VACUUM INTO writes
	// nothing to src.
	c, err := Open(ctx, src, Options{VFS: vfsName})
	if err != nil {
		return err
	}
	defer c.Close()
	want, err := c.Content(ctx)
	if err != nil {
		return err
	}
	err = c.do(ctx, op, func() error {
		into := fileURI(tmp, append(vfsParam(vfsName), "mode", "rw")...)
		return c.db.Exec(`PRAGMA main.page_size=` + itoa(pageSize) + `; VACUUM main INTO ` + sqlite3.Quote(into))
	})
	if err != nil {
		return err
	}
	if err := bare(tmp, vfsName, syncFile); err != nil {
		return (&Conn{path: tmp}).fail(op, err)
	}
	copied, err := Open(ctx, tmp, Options{VFS: vfsName, ReadOnly: true, Immutable: true})
	if err != nil {
		return err
	}
	defer copied.Close()
	got, err := copied.Content(ctx)
	if err != nil {
		return err
	}
	if !got.Equal(want) {
		return fault.New(fault.Mismatch, op, "the rewritten copy differs: %s", firstDifference(want, got))
	}
	return nil
}
