package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/fault"
)

// fenceWait is how long the fence waits for a writer to finish.
const fenceWait = 250 * time.Millisecond

// BeginFence takes and holds the write lock (BEGIN IMMEDIATE), which keeps every other
// process from writing while it may go on reading. It waits 250 ms at most and then
// fails with fault.Busy. Taking a fence that is held does nothing.
func (c *Conn) BeginFence(ctx context.Context) error {
	return c.do(ctx, "raise fence", func() error {
		if c.fenced {
			return nil
		}
		if err := c.free("raise fence"); err != nil {
			return err
		}
		if err := c.db.BusyTimeout(fenceWait); err != nil {
			return err
		}
		defer func() { _ = c.db.BusyTimeout(c.opts.BusyTimeout) }()
		if err := c.db.Exec(`BEGIN IMMEDIATE`); err != nil {
			return err
		}
		c.fenced = true
		return nil
	})
}

// EndFence releases the write lock. Without a fence it does nothing.
func (c *Conn) EndFence() error {
	return c.do(context.Background(), "lift fence", c.endFence)
}

func (c *Conn) endFence() error {
	if !c.fenced {
		return nil
	}
	c.rollback()
	if !c.db.GetAutocommit() {
		return fault.New(fault.Internal, "lift fence", "the transaction did not end")
	}
	c.fenced = false
	return nil
}

// Fenced tells whether this connection holds the fence.
func (c *Conn) Fenced() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fenced
}

// Checkpoint moves frames of the WAL into the database and tells how many frames the
// WAL holds and how many of them are in the database now. On a database that is not in
// WAL mode both are 0. When a reader or writer is in the way the error is fault.Busy;
// the numbers then tell how far it came. After a successful Truncate both are 0. It waits
// 100 ms at most for a reader: writers are held up meanwhile.
func (c *Conn) Checkpoint(ctx context.Context, mode CheckpointMode) (logFrames, doneFrames int, err error) {
	const op = "checkpoint"
	how, err := mode.driver()
	if err != nil {
		return 0, 0, err
	}
	err = c.do(ctx, op, func() error {
		if err := c.free(op); err != nil {
			return err
		}
		// A connection that has not read yet does not know that there is a WAL: the call
		// would answer (-1, -1) and do nothing.
		if _, err := c.value(`PRAGMA main.schema_version`); err != nil {
			return err
		}
		logFrames, doneFrames, err = c.checkpointWith(how)
		if err == nil && logFrames < 0 && c.inWALMode() {
			return fault.New(fault.Internal, op, "SQLite did nothing")
		}
		return err
	})
	return max(logFrames, 0), max(doneFrames, 0), err
}

func (m CheckpointMode) driver() (sqlite3.CheckpointMode, error) {
	switch m {
	case Passive:
		return sqlite3.CHECKPOINT_PASSIVE, nil
	case FullMode:
		return sqlite3.CHECKPOINT_FULL, nil
	case Restart:
		return sqlite3.CHECKPOINT_RESTART, nil
	case Truncate:
		return sqlite3.CHECKPOINT_TRUNCATE, nil
	}
	return 0, fault.New(fault.Invalid, "checkpoint", "no such mode: %q", string(m))
}

// inWALMode looks at the header of the database file.
func (c *Conn) inWALMode() bool {
	head, err := c.headerOnDisk()
	return err == nil && head.wal()
}

// headerOnDisk reads the header from the database file itself, not through the WAL.
func (c *Conn) headerOnDisk() (head header, err error) {
	f, err := c.mainFile()
	if err != nil {
		return head, err
	}
	n, err := f.ReadAt(head[:], 0)
	switch {
	case n == len(head):
		return head, nil
	case err == nil || ignoreEOF(err) == nil:
		return head, errShortHeader
	}
	return head, err
}

var errShortHeader = errors.New("shorter than a database header")
