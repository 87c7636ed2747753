package dbowner

import (
	"errors"
	"io"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/messages"
)

// walHeaderBytes is the size of the WAL header, which holds its salts
// (https://sqlite.org/fileformat2.html#the_write_ahead_log).
const walHeaderBytes = 32

// pulse is what changes when anybody commits: in both journal modes the data version
// (https://sqlite.org/pragma.html#pragma_data_version), which a connection sees of all
// others; of its own commits, and where it was opened afresh, sizes and headers tell. It
// costs a few small reads and never scans a WAL.
type pulse struct {
	version   int64
	sizeBytes int64
	header    [headerBytes]byte
	walBytes  int64
	walHeader [walHeaderBytes]byte
}

// activity is what the ledger knows of commits.
type activity struct {
	began      time.Time // first start of the owner
	lastCommit time.Time // newest moment at which a change was seen
	looked     time.Time // newest look
	// The worker alone uses these.
	last  pulse
	known bool
}

func (w *worker) takePulse(o *order) (p pulse, err error) {
	// The version first: it has the connection read, which opens the WAL.
	if p.version, err = w.db.DataVersion(o.ctx); err != nil {
		return p, err
	}
	main, sizeBytes, err := w.db.MainFile()
	if err != nil {
		return p, err
	}
	p.sizeBytes = sizeBytes
	if _, err := main.ReadAt(p.header[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return p, err
	}
	if !inWALMode(main) {
		return p, nil
	}
	wal, walBytes, err := w.db.JournalFile()
	if err != nil {
		return p, nil //nolint:nilerr // none is open: the database was never written in this mode
	}
	p.walBytes = walBytes
	if _, err := wal.ReadAt(p.walHeader[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return p, err
	}
	return p, nil
}

// feel tells whether anybody committed since it was called last; ok is false when that
// cannot be told.
func (w *worker) feel(o *order) (stirred, ok bool) {
	now, err := w.takePulse(o)
	if fault.CodeOf(err) == fault.Busy {
		return true, true // somebody commits in this instant
	}
	if err != nil {
		return false, false
	}
	a := &w.led.activity
	old, known := a.last, a.known
	a.last, a.known = now, true
	if w.unfelt { // versions of two connections say nothing about each other
		w.unfelt = false
		old.version = now.version
	}
	return known && now != old, true
}

// after feels what changed while a job ran. A checkpoint changes the files and is no
// commit.
func (w *worker) after(o *order, out *outcome) {
	if w.db == nil {
		return
	}
	stirred, ok := w.feel(o)
	out.looked = out.looked || ok
	if _, checkpoint := o.message.(*messages.CheckpointDatabase); !checkpoint {
		out.stirred = out.stirred || stirred
	}
}

// note takes what the worker felt.
func (a *activity) note(out *outcome, now time.Time) {
	if out.looked {
		a.looked = now
	}
	if out.stirred {
		a.lastCommit = now
	}
}

// report is the answer to GetActivity.
func (a *activity) report() *messages.Activity {
	m := &messages.Activity{}
	since := a.began
	if !a.lastCommit.IsZero() {
		m.LastCommitUnixMs = a.lastCommit.UnixMilli()
		since = a.lastCommit
	}
	if !a.looked.IsZero() {
		m.LookedUnixMs = a.looked.UnixMilli()
		m.IdleMs = max(a.looked.Sub(since), 0).Milliseconds()
	}
	return m
}
