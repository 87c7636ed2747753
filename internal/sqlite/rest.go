package sqlite

import (
	"errors"
	"io/fs"
	"os"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
)

// rest is how the file of a database in WAL mode lay when it was opened to be looked at and
// no log was beside it, so that nobody had it open: the last one to close takes the log away
// (https://sqlite.org/wal.html#the_wal_file). It is then read as it is, for SQLite would make
// a log and its index for a reader, too, leave them behind, and fail where it may not.
type rest struct {
	file, log string
	info      fs.FileInfo
}

// atRest tells whether a connection that looks has such a database before it, nil if not.
func (c *Conn) atRest() (*rest, error) {
	if c.opts.VFS != "" && c.opts.VFS != "os" {
		return nil, nil // its files cannot be looked at here
	}
	f, err := c.mainFile()
	if err != nil {
		return nil, err
	}
	var head header
	if n, _ := f.ReadAt(head[:], 0); n < len(head) || !head.wal() {
		return nil, nil // a reader leaves nothing beside any other, or SQLite says what it is
	}
	name := c.db.Filename("main")
	r := &rest{file: name.Database(), log: name.WAL()}
	if r.info, err = fsx.OS().Stat(r.file); err != nil || r.disturbed() != nil {
		return nil, nil //nolint:nilerr // SQLite finds out
	}
	return r, nil
}

// disturbed is nil as long as the file is as it was and no log beside it. A writer changes one
// of them; one that came and went within the same tick of the clock as the last change before
// the look would be missed.
func (r *rest) disturbed() error {
	if _, err := fsx.OS().Lstat(r.log); !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Busy, "look at database", "the app opened the database while it was looked at")
	}
	now, err := fsx.OS().Stat(r.file)
	if err != nil || !os.SameFile(now, r.info) || now.Size() != r.info.Size() || !now.ModTime().Equal(r.info.ModTime()) {
		return fault.New(fault.Busy, "look at database", "the database changed while it was looked at")
	}
	return nil
}

// dial opens the driver's connection.
func (c *Conn) dial() error {
	flags := sqlite3.OPEN_READWRITE
	if c.opts.ReadOnly {
		flags = sqlite3.OPEN_READONLY
	}
	c.rest = nil
	db, err := sqlite3.OpenFlags(c.uri(), flags|sqlite3.OPEN_URI)
	if err != nil {
		return err
	}
	c.db, c.standIns = db, nil
	if !c.opts.Looks {
		return nil
	}
	if c.rest, err = c.atRest(); err != nil || c.rest == nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	c.db, err = sqlite3.OpenFlags(c.uri(), flags|sqlite3.OPEN_URI)
	return err
}

// undisturbed is the error of a read, or, of a database at rest, that it was not one.
func (c *Conn) undisturbed(err error) error {
	if c.rest != nil {
		if moved := c.rest.disturbed(); moved != nil {
			return moved
		}
	}
	return err
}
