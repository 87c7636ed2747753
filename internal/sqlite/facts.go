package sqlite

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
)

const headerMagic = "SQLite format 3\x00"

// header is the database header
// (https://sqlite.org/fileformat2.html#the_database_header).
type header [headerBytes]byte

func (h *header) valid() bool        { return string(h[:16]) == headerMagic && validPageSize(h.pageSize()) }
func (h *header) u32(off int) uint32 { return binary.BigEndian.Uint32(h[off:]) }
func (h *header) wal() bool          { return h[18] == 2 && h[19] == 2 }

func (h *header) pageSize() int {
	if n := int(binary.BigEndian.Uint16(h[16:])); n != 1 {
		return n
	}
	return 65536
}

func (h *header) encoding() string {
	switch h.u32(56) {
	case 2:
		return "UTF-16le"
	case 3:
		return "UTF-16be"
	}
	return "UTF-8" // also of a database without any table, which has not decided yet
}

func (h *header) autoVacuum() string {
	switch {
	case h.u32(52) == 0:
		return "none"
	case h.u32(64) != 0:
		return "incremental"
	}
	return "full"
}

// Facts reads header and WAL in one read transaction, through SQLite's own descriptors
// and without parsing the schema. An empty file has zero Facts but for JournalMode.
func (c *Conn) Facts(ctx context.Context) (Facts, error) {
	var facts Facts
	err := c.do(ctx, "read facts", func() error {
		return c.snapshot(func() (err error) {
			facts, err = c.facts()
			return err
		})
	})
	return facts, err
}

// facts must run inside a transaction: it keeps the WAL from being reset meanwhile.
// What it tells is the newest commit, which may be one after the snapshot.
func (c *Conn) facts() (Facts, error) {
	main, mainBytes, err := c.file(sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return Facts{}, err
	}
	facts := Facts{JournalMode: "delete"}
	var head header
	if n, err := main.ReadAt(head[:], 0); n < len(head) && ignoreEOF(err) != nil {
		return Facts{}, err
	}
	var wal walState
	// Only a database in WAL mode has a WAL open; else the pointer is a rollback journal.
	if log, logBytes, err := c.journal(); err == nil && (head.wal() || !head.valid()) {
		if wal, err = scanWAL(log, logBytes); err != nil {
			return Facts{}, err
		}
		facts.WALBytes = logBytes
		if wal.PageOneOff != 0 {
			if n, err := log.ReadAt(head[:], wal.PageOneOff); n < len(head) {
				return Facts{}, err
			}
		}
	}
	if !head.valid() {
		return facts, nil
	}
	facts.fill(&head, wal, mainBytes)
	facts.Source.Device, facts.Source.Inode, _ = c.openIdentity()
	return facts, nil
}

func (f *Facts) fill(head *header, wal walState, mainBytes int64) {
	if head.wal() {
		f.JournalMode = "wal"
	}
	f.PageSize = head.pageSize()
	f.PageCount = int64(head.u32(28))
	if f.PageCount == 0 || head.u32(24) != head.u32(92) {
		f.PageCount = mainBytes / int64(f.PageSize) // the in-header size is not valid
	}
	if wal.Frames != 0 {
		f.PageCount = int64(wal.PageCount)
	}
	f.FreePages = int64(head.u32(36))
	f.Encoding = head.encoding()
	f.AutoVacuum = head.autoVacuum()
	f.UserVersion = int32(head.u32(60))
	f.ApplicationID = int32(head.u32(68))
	f.ReservedBytes = int(head[20])
	f.Source = manifest.Source{
		ChangeCounter: head.u32(24),
		SchemaCookie:  head.u32(40),
		WALSalt:       wal.Salt,
		WALFrames:     wal.Frames,
		JournalMode:   f.JournalMode,
		WriterVersion: int(head.u32(96)),
	}
}

// file gives a file that the connection holds open, and its size in bytes.
func (c *Conn) file(which sqlite3.FcntlOpcode) (vfs.File, int64, error) {
	p, err := c.db.FileControl("main", which)
	if err != nil {
		return nil, 0, err
	}
	f, ok := p.(vfs.File)
	if !ok {
		return nil, 0, fault.New(fault.Missing, "find file", "SQLite has no such file open")
	}
	size, err := f.Size()
	return f, size, err
}

// journal gives the open -wal or -journal.
func (c *Conn) journal() (vfs.File, int64, error) { return c.file(sqlite3.FCNTL_JOURNAL_POINTER) }

// MainFile reads the database file through SQLite's own descriptor, without locks.
// The reader is valid until Close.
func (c *Conn) MainFile() (r io.ReaderAt, sizeBytes int64, err error) {
	return c.readerOf("read database file", sqlite3.FCNTL_FILE_POINTER)
}

// JournalFile is MainFile for the -wal or -journal; fault.Missing when none is open.
// A WAL is opened by the first read of a connection.
func (c *Conn) JournalFile() (r io.ReaderAt, sizeBytes int64, err error) {
	return c.readerOf("read journal file", sqlite3.FCNTL_JOURNAL_POINTER)
}

func (c *Conn) readerOf(op string, which sqlite3.FcntlOpcode) (r io.ReaderAt, sizeBytes int64, err error) {
	err = c.do(context.Background(), op, func() error {
		f, n, err := c.file(which)
		r, sizeBytes = f, n
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return r, sizeBytes, nil
}

// DataVersion changes when another connection has committed
// (https://sqlite.org/pragma.html#pragma_data_version).
func (c *Conn) DataVersion(ctx context.Context) (version int64, err error) {
	err = c.do(ctx, "read data version", func() error {
		version, err = c.value(`PRAGMA data_version`)
		return err
	})
	return version, err
}

// HasMoved tells whether the path no longer names the open file: a WAL connection goes
// on writing to a file that was renamed or unlinked
// (https://sqlite.org/c3ref/c_fcntl_begin_atomic_write.html#sqlitefcntlhasmoved).
func (c *Conn) HasMoved() (moved bool, err error) {
	err = c.do(context.Background(), "look whether the database moved", func() error {
		f, err := c.mainFile()
		if err != nil {
			return err
		}
		if m, ok := vfsutil.UnwrapFile[vfs.FileHasMoved](f); ok {
			moved, err = m.HasMoved()
		}
		return err
	})
	return moved, err
}
