package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
)

// exchange puts the pages of a plain database file in the place of those of a live database
// in rollback-journal mode, as one transaction of SQLite's: under its exclusive lock, with its
// rollback journal (https://sqlite.org/fileformat2.html#the_rollback_journal), which whoever
// opens the database after a crash rolls back. Its backup API would write every page into
// journal and file, one by one; here it is only those that differ, in bursts.
type exchange struct {
	ctx  context.Context //nolint:containedctx // of one transaction
	live *Conn
	opts RestoreOptions

	db      *sqlite3.Conn // holds the lock
	files   vfs.VFS
	main    vfs.File // the live database
	source  vfs.File
	pages   uint32 // of the live database
	wanted  uint32 // of the source
	size    int    // of a page, in bytes
	journal string // its path
	first   []byte // page 1 as it will be
	differ  []byte // a bit for each page of both that differs, from page 0 on
	count   int64  // of them
}

// exchangeInto is writeInto where that can be done by pages; done is false when nothing
// was changed and the backup API has to do it.
func (c *Conn) exchangeInto(ctx context.Context, live *Conn, opts RestoreOptions) (done bool, err error) {
	x := &exchange{ctx: ctx, live: live, opts: opts}
	if fit, err := x.fits(c); !fit || err != nil {
		return false, err
	}
	db, err := sqlite3.OpenFlags(fileURI(live.path, append(vfsParam(live.opts.VFS), "mode", "rw")...), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return false, err
	}
	x.db = db
	hot, done, err := x.run()
	err = errors.Join(err, db.Close())
	if hot && err != nil {
		// What the journal holds is rolled back now, or by whoever gets the lock next.
		old := live.db.SetInterrupt(context.Background())
		_ = live.db.Exec(`BEGIN IMMEDIATE; ROLLBACK`)
		live.db.SetInterrupt(old)
	}
	return done, err
}

// fits tells whether both files can be read and written past SQLite, and are alike.
func (x *exchange) fits(source *Conn) (bool, error) {
	live := x.live.opts
	x.files = vfs.Find(live.VFS)
	head, err := x.live.headerOnDisk()
	if err != nil || !head.valid() || head.wal() || x.files == nil || live.SyncDir == nil && live.VFS != "" && live.VFS != "os" {
		return false, nil //nolint:nilerr // the backup API will say it
	}
	x.size = head.pageSize()
	if x.source, err = source.mainFile(); err != nil {
		return false, err
	}
	bytes, err := x.source.Size()
	x.wanted = uint32(bytes / int64(x.size))
	if _, _, plain := x.live.plain(sqlite3.FCNTL_FILE_POINTER); plain != nil {
		return false, nil //nolint:nilerr // a VFS that hides the bytes of the medium
	}
	return err == nil && x.wanted > 0 && bytes%int64(x.size) == 0, err
}

// run does it all under the lock. hot says that the file may have changed and its journal
// is there to take that back.
func (x *exchange) run() (hot, done bool, err error) {
	if err := x.lock(); err != nil {
		return false, false, err
	}
	defer func() { _ = x.db.Exec(`ROLLBACK`) }() // lets go of the lock; it wrote nothing itself
	if fit, err := x.stillFits(); !fit || err != nil {
		return false, false, err
	}
	if x.opts.BeforeWrite != nil {
		if err := x.opts.BeforeWrite(); err != nil {
			return false, false, err
		}
	}
	if err := x.compare(); err != nil {
		return false, false, err
	}
	if hot, err = x.keepOld(); err != nil {
		return hot, false, err
	}
	if err := x.write(); err != nil {
		return true, false, err
	}
	// This is the commit (https://sqlite.org/atomiccommit.html#_deleting_the_rollback_journal).
	return true, true, x.files.Delete(x.journal, true)
}

func (x *exchange) lock() error {
	if err := x.db.BusyTimeout(x.live.opts.BusyTimeout); err != nil {
		return err
	}
	if x.opts.BeforeLock != nil {
		if err := x.opts.BeforeLock(); err != nil {
			return err
		}
	}
	return x.db.Exec(`BEGIN EXCLUSIVE`)
}

// stillFits looks again, under the lock: somebody may have changed the journal mode, and
// a journal that is kept between transactions is SQLite's.
func (x *exchange) stillFits() (bool, error) {
	c := &Conn{db: x.db}
	head, err := c.headerOnDisk()
	if err != nil || head.wal() || head.pageSize() != x.size {
		return false, err
	}
	var bytes int64
	if x.main, bytes, err = c.file(sqlite3.FCNTL_FILE_POINTER); err != nil {
		return false, err
	}
	x.pages = uint32(bytes / int64(x.size))
	x.journal = x.db.Filename("main").Journal()
	there, err := x.files.Access(x.journal, vfs.ACCESS_EXISTS)
	return !there && x.journal != "" && x.pages > 0 && bytes%int64(x.size) == 0, err
}

// lockPage is the page that holds no data; SQLite takes one of that number in a journal
// for its end.
func (x *exchange) lockPage() uint32 { return uint32(lockPageOff/x.size) + 1 }

// compare finds the pages that differ. Page 1 always does: its counters tell all other
// connections that what they remember is old.
func (x *exchange) compare() error {
	x.first = make([]byte, x.size)
	old := make([]byte, x.size)
	if err := errors.Join(readFull(x.source, x.first, 0), readFull(x.main, old, 0)); err != nil {
		return err
	}
	word := binary.BigEndian
	for _, at := range []int{24, 40} { // change counter, schema cookie
		word.PutUint32(x.first[at:], word.Uint32(old[at:])+1)
	}
	copy(x.first[92:96], x.first[24:28]) // the size that follows is valid for this counter
	word.PutUint32(x.first[28:], x.wanted)
	both := min(x.pages, x.wanted)
	x.differ = make([]byte, both/8+1)
	x.note(1)
	chunk := uint32(max(1, burstBytes/x.size))
	mine, others := make([]byte, int(chunk)*x.size), make([]byte, int(chunk)*x.size)
	for from := uint32(2); from <= both; from += chunk {
		n := int(min(chunk, both-from+1)) * x.size
		off := int64(from-1) * int64(x.size)
		if err := errors.Join(x.ctx.Err(), readFull(x.main, mine[:n], off), readFull(x.source, others[:n], off)); err != nil {
			return err
		}
		for at := 0; at < n && !bytes.Equal(mine[at:n], others[at:n]); at += x.size {
			if page := from + uint32(at/x.size); !bytes.Equal(mine[at:at+x.size], others[at:at+x.size]) && page != x.lockPage() {
				x.note(page)
			}
		}
	}
	return nil
}

func (x *exchange) note(page uint32) {
	x.differ[page/8] |= 1 << (page % 8)
	x.count++
}

// differs is false for pages that only one of the two has.
func (x *exchange) differs(page uint32) bool {
	return int(page/8) < len(x.differ) && x.differ[page/8]&(1<<(page%8)) != 0
}

// replaced calls f for each page whose content will be lost, in ascending order.
func (x *exchange) replaced(f func(page uint32) error) error {
	for page := uint32(1); page <= x.pages; page++ {
		if x.differs(page) || page > x.wanted && page != x.lockPage() {
			if err := f(page); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	journalMagic  = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
	journalSector = 4096 // the header has that many bytes to itself
)

// keepOld writes the rollback journal and makes it durable. valid says that SQLite would
// roll it back: as in its own journals, the number of records is written once they are durable.
func (x *exchange) keepOld() (valid bool, err error) {
	f, done, err := x.create()
	if err != nil {
		return false, err
	}
	defer func() {
		err = errors.Join(err, done())
		if err != nil && !valid {
			err = errors.Join(err, x.files.Delete(x.journal, false))
		}
	}()
	seed, err := chance()
	if err != nil {
		return false, err
	}
	nonce := uint32(seed[0])
	head := make([]byte, journalSector)
	copy(head, journalMagic)
	for at, v := range map[int]uint32{12: nonce, 16: x.pages, 20: journalSector, 24: uint32(x.size)} {
		binary.BigEndian.PutUint32(head[at:], v)
	}
	records, err := x.records(f, nonce, head)
	if err == nil {
		err = syncFile(f)
	}
	if err == nil {
		err = x.syncDir()
	}
	if err != nil {
		return false, err
	}
	if _, err := f.WriteAt(binary.BigEndian.AppendUint32(nil, records), 8); err != nil {
		return true, err // it may be there all the same; nothing else has changed
	}
	return true, syncFile(f)
}

// records writes the header and the old pages.
func (x *exchange) records(f vfs.File, nonce uint32, head []byte) (n uint32, err error) {
	out := make([]byte, 0, burstBytes+x.size+8)
	out = append(out, head...)
	off := int64(0)
	flush := func() error {
		_, err := f.WriteAt(out, off)
		off, out = off+int64(len(out)), out[:0]
		return errors.Join(err, x.ctx.Err())
	}
	err = x.replaced(func(page uint32) error {
		n++
		out = binary.BigEndian.AppendUint32(out, page)
		at := len(out)
		out = out[:at+x.size]
		if err := readFull(x.main, out[at:], int64(page-1)*int64(x.size)); err != nil {
			return err
		}
		sum := nonce
		for i := x.size - 200; i > 0; i -= 200 {
			sum += uint32(out[at+i])
		}
		if out = binary.BigEndian.AppendUint32(out, sum); len(out) >= burstBytes {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	return n, err
}

// create makes the journal. The operating system's VFS opens only what SQLite names, so
// SQLite has to open it as if it were a database, with owner and rights of the live one
// (https://sqlite.org/uri.html#recognized_query_parameters).
func (x *exchange) create() (f vfs.File, done func() error, err error) {
	uri := fileURI(x.journal, append(vfsParam(x.live.opts.VFS), "mode", "rwc", "modeof", x.db.Filename("main").String())...)
	db, err := sqlite3.OpenFlags(uri, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, nil, err
	}
	if f, err = (&Conn{db: db}).mainFile(); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return f, db.Close, nil
}

// syncDir makes the name of the journal durable.
func (x *exchange) syncDir() error {
	sync := x.live.opts.SyncDir
	if sync == nil {
		sync = fsx.OS().SyncDir
	}
	return sync(filepath.Dir(x.journal))
}

// write writes the new pages, those beside each other at once, and makes them durable.
func (x *exchange) write() error {
	buf := make([]byte, max(1, burstBytes/x.size)*x.size)
	total := x.count + max(0, int64(x.wanted)-int64(x.pages))
	written := int64(0)
	put := func(page uint32, n int) error {
		p, off := buf[:n*x.size], int64(page-1)*int64(x.size)
		if err := errors.Join(x.ctx.Err(), readFull(x.source, p, off)); err != nil {
			return err
		}
		if page == 1 {
			copy(p, x.first)
		}
		if _, err := x.main.WriteAt(p, off); err != nil {
			return err
		}
		if written += int64(n); x.opts.Progress != nil {
			x.opts.Progress(written, total)
		}
		return nil
	}
	run := len(buf) / x.size
	isNew := func(page uint32) bool { return x.differs(page) || page > x.pages && page <= x.wanted }
	for page := uint32(1); page <= x.wanted; {
		n := 0
		for n < run && isNew(page+uint32(n)) {
			n++
		}
		if n > 0 {
			if err := put(page, n); err != nil {
				return err
			}
		}
		page += uint32(max(n, 1))
	}
	if x.wanted < x.pages {
		if err := x.main.Truncate(int64(x.wanted) * int64(x.size)); err != nil {
			return err
		}
	}
	return syncFile(x.main)
}

func readFull(f io.ReaderAt, into []byte, off int64) error {
	n, err := f.ReadAt(into, off)
	if n == len(into) {
		return nil
	}
	return fault.Wrap(fault.IO, opRestore, "a page could not be read", err)
}
