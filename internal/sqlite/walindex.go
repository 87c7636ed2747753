package sqlite

import (
	"context"
	"encoding/binary"
	"io"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/fault"
)

// WALIndex is what the shared memory of a database in WAL mode tells
// (https://sqlite.org/walformat.html#the_wal_index_file_format).
type WALIndex struct {
	// Known is false when there is no -shm, when the system does not show it, or when a
	// writer changed it at every look.
	Known         bool
	JournalMode   string // "wal" or "delete"
	Litestream    bool   // Litestream's tables are in the schema
	Device, Inode uint64 // of the -shm
	Frames        int64  // committed in the WAL
	Backfilled    int64  // of them in the database file
	ReadMarks     []int64
}

// Layout of the header of the wal-index.
const (
	shmBytes        = 136
	shmCopyBytes    = 48 // the header stands there twice; a writer changes one after the other
	shmVersion      = 3007000
	shmFrames       = 16
	shmBackfilled   = 96
	shmReadMarks    = 100
	shmReaders      = 5
	shmMarkUnused   = 0xffffffff
	shmLooks        = 8
	litestreamQuery = `SELECT count(*) FROM sqlite_schema WHERE type='table' AND name IN ('_litestream_seq','_litestream_lock')`
)

// WALIndex reads the wal-index through the descriptor that this connection holds: to open
// the -shm a second time and close it could take another SQLite's locks away
// (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
func (c *Conn) WALIndex(ctx context.Context) (index WALIndex, err error) {
	err = c.do(ctx, "read wal-index", func() error {
		// A connection that has not read yet has no shared memory.
		if _, err := c.value(`PRAGMA main.schema_version`); err != nil {
			return err
		}
		index.JournalMode = "delete"
		if !c.inWALMode() {
			return nil
		}
		index.JournalMode = "wal"
		// Nothing hangs on the answer; a schema that cannot be read is the check's to judge.
		if n, err := c.value(litestreamQuery); err == nil {
			index.Litestream = n > 0
		}
		return c.readShm(&index)
	})
	return index, err
}

func (c *Conn) readShm(index *WALIndex) error {
	fd, ok := shmDescriptorOf(c.db)
	if !ok {
		return nil
	}
	var page [shmBytes]byte
	for range shmLooks {
		device, inode, n, err := lookAt(fd, page[:])
		if err != nil {
			return fault.Wrap(fault.IO, "read wal-index", "the -shm could not be read", err)
		}
		if n == len(page) && index.fill(page[:]) {
			index.Device, index.Inode, index.Known = device, inode, true
			return nil
		}
	}
	return nil
}

// fill takes the header if both copies are alike.
func (w *WALIndex) fill(page []byte) bool {
	if len(page) < shmBytes || string(page[:shmCopyBytes]) != string(page[shmCopyBytes:2*shmCopyBytes]) {
		return false
	}
	order := binary.ByteOrder(binary.LittleEndian) // that of the machine which wrote it
	if order.Uint32(page) != shmVersion {
		order = binary.BigEndian
	}
	if order.Uint32(page) != shmVersion {
		return false
	}
	w.Frames = int64(order.Uint32(page[shmFrames:]))
	w.Backfilled = int64(order.Uint32(page[shmBackfilled:]))
	w.ReadMarks = make([]int64, shmReaders)
	for i := range w.ReadMarks {
		mark := order.Uint32(page[shmReadMarks+4*i:])
		w.ReadMarks[i] = int64(mark)
		if mark == shmMarkUnused {
			w.ReadMarks[i] = -1
		}
	}
	return true
}

// checkpointBusyMax bounds how long a checkpoint waits for readers: it holds the write
// lock meanwhile, and an app must not run into its own busy timeout for it (promise P9).
const checkpointBusyMax = 100 * time.Millisecond

// checkpointWith runs a checkpoint that is never in the app's way for long.
func (c *Conn) checkpointWith(how sqlite3.CheckpointMode) (logFrames, doneFrames int, err error) {
	if how == sqlite3.CHECKPOINT_PASSIVE {
		return c.db.WALCheckpoint("main", how)
	}
	// The other modes hold the write lock while they move frames, and so long as they wait
	// for a reader. A passive one moves all that can be moved without it, so that what is
	// left takes a moment.
	logFrames, doneFrames, err = c.db.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
	if err != nil || logFrames <= 0 && how != sqlite3.CHECKPOINT_TRUNCATE {
		return logFrames, doneFrames, err
	}
	if err := c.db.BusyTimeout(min(c.opts.BusyTimeout, checkpointBusyMax)); err != nil {
		return logFrames, doneFrames, err
	}
	defer func() { _ = c.db.BusyTimeout(c.opts.BusyTimeout) }()
	return c.db.WALCheckpoint("main", how)
}

// until reads as long as its context lasts: to read the whole of a log that nobody could empty for hours takes minutes.
type until struct {
	ctx context.Context //nolint:containedctx // it is that of the snapshot
	r   io.ReaderAt
}

func (u until) ReadAt(into []byte, off int64) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, fault.Wrap(fault.Interrupted, opSnapshot, "stopped before the log was read", err)
	}
	return u.r.ReadAt(into, off)
}
