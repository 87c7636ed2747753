package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/page"
)

const (
	opSnapshot = "read snapshot"
	// pinTries is how often a read transaction is begun until no commit falls into the
	// moment of its beginning, which takes some ten microseconds.
	pinTries = 200
)

// Snapshot is a database exactly as of one read transaction, page by page, read past
// SQLite's page cache through the files that SQLite holds open: nothing is opened a
// second time, so that nobody's locks are lost.
//
// In rollback-journal mode the SHARED lock of the transaction keeps the file as it is,
// and holds up every commit (https://sqlite.org/lockingv3.html). In WAL mode its read
// mark keeps the log from being reset, and the file from being overwritten with anything
// newer (https://sqlite.org/walformat.html#locks); pages come from the frames up to the
// snapshot's last commit, else from the file. Writers go on meanwhile, but the log grows:
// the snapshot ends with the context it was taken with.
//
// Several goroutines may read at once. Whatever else the connection is asked meanwhile
// it answers as of the same snapshot; what needs a transaction of its own is refused.
// What was read counts once Close returned nil.
type Snapshot struct {
	c      *Conn
	ctx    context.Context //nolint:containedctx // it bounds the life of the snapshot, not one call
	unhook func() bool

	store    store
	header   page.Header
	geometry page.Geometry
	source   manifest.Source

	mu   sync.RWMutex // held for reading during every read
	over bool         // nothing is pinned any more
	lost error        // why it ended before Close
}

// store is where pages come from.
type store interface {
	page.Pages
	page.Runs
	io.ReaderAt
}

// plainFile is a file of a VFS that hides nothing: what is read is what lies on the
// medium, and several may read at once.
type plainFile interface {
	vfs.File
	Plain()
}

// Snapshot begins a read transaction on the connection, which takes part in it until
// Close, and gives its pages. When that cannot be done here (a VFS that may encrypt, a
// system that does not show the wal-index, a header or a log that only SQLite makes sense
// of) the error is fault.CannotJudge: ask SQLite instead.
func (c *Conn) Snapshot(ctx context.Context) (*Snapshot, error) {
	s := &Snapshot{c: c, ctx: ctx}
	err := c.do(ctx, opSnapshot, func() error {
		if err := c.free(opSnapshot); err != nil {
			return err
		}
		for range pinTries {
			switch again, err := s.pin(); {
			case err != nil:
				c.rollback()
				return err
			case again:
				c.rollback()
			default:
				c.pinned = s
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return fault.New(fault.CannotJudge, opSnapshot, "commits follow each other too closely for a look at the log")
	})
	if err != nil {
		return nil, err
	}
	s.unhook = context.AfterFunc(ctx, func() {
		_ = s.end(fault.Wrap(fault.Interrupted, opSnapshot, "stopped before the end", ctx.Err())) // Close says it
	})
	return s, nil
}

// free refuses what needs the connection outside of any transaction.
func (c *Conn) free(op string) error {
	switch {
	case c.fenced:
		return fault.New(fault.Refused, op, "not while this connection holds the fence")
	case c.pinned != nil:
		return fault.New(fault.Refused, op, "not while this connection holds a snapshot")
	}
	return nil
}

// pin begins a transaction and finds out what it sees; again means that somebody
// committed in between.
func (s *Snapshot) pin() (again bool, err error) {
	before, _, err := s.c.lookAtIndex()
	if err != nil {
		return false, err
	}
	if err := s.c.db.Exec(`BEGIN; PRAGMA schema_version`); err != nil {
		return false, err
	}
	main, mainBytes, err := s.c.plain(sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return false, err
	}
	_, walMode := shmDescriptorOf(s.c.db)
	if !walMode {
		s.source = manifest.Source{JournalMode: "delete"}
		if s.c.rest != nil {
			s.source.JournalMode = "wal"
		}
		return false, s.openFile(main, mainBytes)
	}
	index, backfilled, err := s.c.lookTwice()
	if err != nil || index == nil || before == nil || *before != *index {
		return err == nil, err
	}
	s.source = manifest.Source{JournalMode: "wal", WALFrames: index.Frames}
	if index.Frames > 0 {
		s.source.WALSalt = binary.BigEndian.Uint64(index.Salt[:])
	}
	if backfilled >= index.Frames {
		// Everything is in the file. The transaction may hold the lock of readers that need
		// no log, which anybody may then reset; and as long as it holds that one or another,
		// nothing newer gets into the file.
		if index.Pages != 0 { // 0: nothing was committed since the log was recovered
			mainBytes = int64(index.Pages) * int64(index.PageSize)
		}
		return false, s.openFile(main, mainBytes)
	}
	return false, s.openOverlay(main, mainBytes, index)
}

// openFile opens the pages of the file alone.
func (s *Snapshot) openFile(main vfs.File, sizeBytes int64) error {
	if sizeBytes == 0 {
		s.store = &page.File{} // an empty database without a page
		s.geometry = page.Geometry{}
		return nil
	}
	f, err := page.OpenFile(reader{s.c, main}, sizeBytes)
	if err != nil {
		return cannotRead(err)
	}
	if f.Header.WAL() && s.source.JournalMode != "wal" && !s.c.opts.Immutable {
		return fault.New(fault.CannotJudge, opSnapshot, "the database keeps a log, but has no wal-index that can be seen")
	}
	s.store, s.header, s.geometry = f, f.Header, f.Geometry
	s.fillSource()
	return nil
}

// openOverlay opens the pages of the log over those of the file.
func (s *Snapshot) openOverlay(main vfs.File, mainBytes int64, index *page.WALIndex) error {
	log, logBytes, err := s.c.plain(sqlite3.FCNTL_JOURNAL_POINTER)
	if err != nil {
		return err
	}
	wal, err := page.ReadWAL(until{s.ctx, reader{s.c, log}}, logBytes, index.Frames)
	if err != nil {
		return cannotRead(err)
	}
	if wal.Frames != index.Frames || wal.Header.Salt != s.source.WALSalt {
		return fault.New(fault.CannotJudge, opSnapshot, "%d of %d frames of the log are valid", wal.Frames, index.Frames)
	}
	o, err := page.OpenOverlay(reader{s.c, main}, mainBytes, wal)
	if err != nil {
		return cannotRead(err)
	}
	s.store, s.header, s.geometry = o, o.Header, o.Geometry
	s.fillSource()
	return nil
}

func (s *Snapshot) fillSource() {
	s.source.ChangeCounter, s.source.SchemaCookie = s.header.ChangeCounter, s.header.SchemaCookie
	s.source.WriterVersion = int(s.header.Library)
	s.source.Device, s.source.Inode, _ = s.c.openIdentity()
}

// cannotRead makes what the format does not allow a reason to ask SQLite, which may
// judge it differently; other errors stay what they are.
func cannotRead(err error) error {
	var e *page.Error
	if errors.As(err, &e) {
		return fault.Wrap(fault.CannotJudge, opSnapshot, "header or log cannot be read natively", err)
	}
	return err
}

// lookAtIndex gives the header of the wal-index and how much of the log is in the file;
// nil when there is none to be seen or a writer is just changing it.
func (c *Conn) lookAtIndex() (index *page.WALIndex, backfilled uint32, err error) {
	fd, ok := shmDescriptorOf(c.db)
	if !ok {
		return nil, 0, nil
	}
	var b [page.WALIndexBytes]byte
	_, _, n, err := lookAt(fd, b[:])
	switch {
	case err != nil:
		return nil, 0, fault.Wrap(fault.IO, opSnapshot, "the -shm could not be read", err)
	case n == 0:
		return nil, 0, fault.New(fault.CannotJudge, opSnapshot, "this system does not show the wal-index")
	}
	x, err := page.ParseWALIndex(b[:n])
	if err != nil {
		return nil, 0, nil //nolint:nilerr // half written, or not yet made: look again
	}
	backfilled = x.Backfilled
	// What checkpoints and other readers change is no part of the snapshot.
	x.Backfilled, x.BackfillAttempted = 0, 0
	clear(x.ReadMarks[:])
	return &x, backfilled, nil
}

// lookTwice takes from the first look how much was backfilled, and from the second that
// the log had not been reset by then.
func (c *Conn) lookTwice() (index *page.WALIndex, backfilled uint32, err error) {
	first, backfilled, err := c.lookAtIndex()
	if err != nil || first == nil {
		return nil, 0, err
	}
	index, _, err = c.lookAtIndex()
	if err != nil || index == nil || *index != *first {
		return nil, 0, err
	}
	return index, backfilled, nil
}

// plain gives a file that the connection holds open and its size in bytes, if its bytes
// are those of the medium.
func (c *Conn) plain(which sqlite3.FcntlOpcode) (vfs.File, int64, error) {
	f, size, err := c.file(which)
	if err != nil {
		return nil, 0, err
	}
	if p, ok := vfsutil.UnwrapFile[plainFile](f); ok {
		return p, size, nil
	}
	if p, ok := vfsutil.UnwrapFile[fder](f); ok && (c.opts.VFS == "" || c.opts.VFS == "os") {
		return p, size, nil
	}
	return nil, 0, fault.New(fault.CannotJudge, opSnapshot, "the files of VFS %q can only be read by SQLite", c.opts.VFS)
}

// reader reads a file that SQLite holds open.
type reader struct {
	c *Conn
	f vfs.File
}

func (r reader) ReadAt(into []byte, off int64) (int, error) {
	n, err := r.f.ReadAt(into, off)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	err = r.c.fail(opSnapshot, err)
	if fault.CodeOf(err) == fault.Internal {
		err = fault.Wrap(fault.IO, opSnapshot, "the file could not be read", err)
	}
	return n, err
}

// reading runs one read while the snapshot is pinned.
func (s *Snapshot) reading(f func() error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.lost != nil:
		return s.lost
	case s.over:
		return fault.New(fault.Refused, opSnapshot, "the snapshot is closed")
	case s.ctx.Err() != nil:
		return fault.Wrap(fault.Interrupted, opSnapshot, "stopped before the end", s.ctx.Err())
	}
	return f()
}

// ReadAt reads the snapshot as one piece of SizeBytes, io.EOF beyond. A page that SQLite
// counts and that lies nowhere (a free one that was never written) is zeros, as SQLite
// has it.
func (s *Snapshot) ReadAt(into []byte, off int64) (n int, err error) {
	err = s.reading(func() (err error) {
		n, err = s.store.ReadAt(into, off)
		return err
	})
	return n, err
}

// ReadPage reads page n, counted from 1; a page that lies nowhere is a *page.Error.
func (s *Snapshot) ReadPage(n uint32, into []byte) error {
	return s.reading(func() error { return s.store.ReadPage(n, into) })
}

// ReadRun reads pages from n on.
func (s *Snapshot) ReadRun(n uint32, into []byte) error {
	return s.reading(func() error { return s.store.ReadRun(n, into) })
}

// PageSize is in bytes; 0 when the database is empty and has none yet.
func (s *Snapshot) PageSize() int { return s.geometry.PageSize }

// PageCount is how many pages the database has, those in the log included.
func (s *Snapshot) PageCount() uint32 { return s.geometry.Count }

// SizeBytes is the size of the database as one piece.
func (s *Snapshot) SizeBytes() int64 { return int64(s.geometry.Count) * int64(s.geometry.PageSize) }

// Source identifies the state, as Facts does, and exactly this one: journal mode, change
// counter, and in WAL mode salt and number of the frames that belong to it.
func (s *Snapshot) Source() manifest.Source { return s.source }

// Header is the database header; without a page it is the zero value.
func (s *Snapshot) Header() page.Header { return s.header }

// Database is the snapshot for a check of pages. It must have a page.
func (s *Snapshot) Database() check.Database {
	return check.Database{Pages: s, Header: s.header, Geometry: s.geometry}
}

// Close ends the transaction. An error says that the snapshot was lost earlier, its
// context over or its transaction rolled back by an error of SQLite's: what was read
// last may then be of another state. It is safe to call it twice.
func (s *Snapshot) Close() error {
	s.unhook()
	return s.end(nil)
}

func (s *Snapshot) end(why error) error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if why == nil && !s.over {
		why = s.c.undisturbed(nil)
	}
	s.c.endSnapshot(s, why)
	return s.lost
}

// endSnapshot ends a snapshot, of which why says what ended it if that was not its owner.
func (c *Conn) endSnapshot(s *Snapshot, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.over, s.lost = true, why
	if c.pinned != s {
		return
	}
	c.pinned = nil
	if c.db != nil {
		c.rollback()
	}
}

// missSnapshot notices that an error of SQLite's took the transaction away
// (https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction).
func (c *Conn) missSnapshot() {
	if c.pinned != nil && (c.broken || c.db.GetAutocommit()) {
		c.endSnapshot(c.pinned, fault.New(fault.IO, opSnapshot, "SQLite gave up the transaction"))
	}
}
