package dbowner

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// progressEvery bounds Progress to ten messages a second.
const progressEvery = 100 * time.Millisecond

// worker is the child that owns the connection. It blocks in Receive while an order
// runs; only the order's context reaches it meanwhile.
type worker struct {
	kit.Base
	cfg   Config
	led   *ledger
	owner *actor.PID
	db    Database // nil until the first order
	// unfelt: the connection was opened since the last pulse.
	unfelt bool
}

// Receive is the table of contents.
func (w *worker) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *order:
		ctx.Send(w.owner, w.run(ctx, msg))
	case *actor.Stopping:
		w.close()
	default:
		w.Unhandled(ctx)
	}
}

func (w *worker) run(ctx actor.Context, o *order) *outcome {
	out := &outcome{serial: o.serial}
	if err := w.ready(o.ctx); err != nil {
		if o.ctx.Err() != nil { // stopped while opening: nothing is known of the database
			out.err = fault.Wrap(fault.Interrupted, o.op, "stopped before it began", err)
			return out
		}
		out.sick = failureOf("open the database", w.cfg.Path, err)
		return out
	}
	out.stirred, out.looked = w.feel(o)
	t := &task{worker: w, order: o, db: w.db, system: ctx.ActorSystem(), stirred: out.stirred}
	out.reply, out.err = t.do()
	next := w.successor(o, out)
	if _, looking := o.message.(*look); !looking {
		w.after(o, out)
	}
	w.hand(next)
	switch fault.CodeOf(out.err) {
	case fault.Internal, fault.IO, fault.NoMemory:
		w.close() // its state is not known; the next order opens afresh
	}
	return out
}

// ready opens the database if it is not open, and makes sure before every job that
// nothing else in this process has it open and that it is still the same file
// (promise P10).
func (w *worker) ready(ctx context.Context) error {
	if err := w.led.guard(ctx, w.cfg.Opener); err != nil {
		return err
	}
	if w.db == nil {
		db, err := w.led.open(ctx, w.cfg.Opener, ForWork)
		if err != nil {
			return err
		}
		w.db, w.unfelt = db, true
	}
	err := w.identify(w.db)
	if code := fault.CodeOf(err); code == fault.Internal || code == fault.IO {
		w.close()
	}
	return err
}

// successor is the connection that takes over from one which read much.
type successor struct {
	db      Database // nil = the old one stays
	version int64
}

// successor opens a connection in the place of one that a job made large: an engine never
// gives memory back before it is closed, and most of the day nothing is asked of it. The
// old one closes last, so that it is not the last one of the database, whose closing would
// remove the WAL.
func (w *worker) successor(o *order, out *outcome) successor {
	if out.err != nil || !large(o.message) || w.cfg.Passive { // passive, the day ends with the job
		return successor{}
	}
	db, err := w.led.open(o.ctx, w.cfg.Opener, ForWork)
	if err != nil {
		return successor{}
	}
	// What is committed from here on changes the version; what was before is still felt by
	// the old one.
	version, err := db.DataVersion(o.ctx)
	if err == nil {
		err = w.identify(db)
	}
	if err != nil {
		w.closeQuietly(db)
		return successor{}
	}
	return successor{db, version}
}

// large tells whether a job reads so much that the cache of its connection is worth to be rid of.
func large(message any) bool {
	switch message.(type) {
	case *messages.CopyDatabase, *messages.ReadContent, *messages.OverwriteDatabase, *messages.VacuumDatabase, *messages.AnalyzeDatabase:
		return true
	}
	return false
}

func (w *worker) hand(next successor) {
	if next.db == nil {
		return
	}
	w.close()
	w.db, w.led.activity.last.version = next.db, next.version
}

// identify compares the open file with what its path names and with the file that was
// opened first. Another file is never taken up silently: its backups would push out
// those of the database that Officer was told to look after.
func (w *worker) identify(db Database) error {
	const op = "identify the database file"
	id, err := db.Identity()
	if err != nil {
		return err
	}
	moved, err := db.HasMoved()
	if err != nil {
		return err
	}
	seen := &w.led.seen
	switch {
	case id.Known && id.PathInode == 0 && id.PathDevice == 0:
		return fault.New(fault.Missing, op, "%s is not there any more", w.cfg.Path)
	case moved,
		id.Known && (id.Device != id.PathDevice || id.Inode != id.PathInode),
		id.Known && seen.known && (id.Device != seen.device || id.Inode != seen.inode):
		return fault.New(fault.Moved, op, "%s names another file than the one that Officer looks after", w.cfg.Path)
	}
	if id.Known && !seen.known {
		*seen = identitySeen{device: id.Device, inode: id.Inode, known: true}
	}
	return nil
}

func (w *worker) close() {
	if w.db == nil {
		return
	}
	db := w.db
	w.db = nil
	if err := w.led.close(db); err != nil {
		w.cfg.Log.Warn("the connection did not close cleanly", slog.Any("error", err))
	}
}

// task is one order while it runs.
type task struct {
	*worker
	*order
	db       Database
	system   *actor.ActorSystem
	stirred  bool // somebody committed since the order before
	lastTold time.Time
}

func (t *task) do() (any, error) {
	switch m := t.message.(type) {
	case *look:
		return nil, nil // being ready was all
	case *messages.CopyDatabase:
		return t.copyTo(m)
	case *messages.InspectDatabase:
		return t.inspect()
	case *messages.ReadContent:
		return t.readContent(m)
	case *messages.RunCheck:
		return t.check(m)
	case *messages.InspectWal:
		return t.inspectWAL()
	case *messages.CheckpointDatabase:
		return t.checkpoint(m)
	case *messages.OverwriteDatabase:
		return t.overwrite(m)
	case *messages.VacuumDatabase:
		return t.vacuum(m)
	case *messages.AnalyzeDatabase:
		return t.analyze(m)
	case *messages.KeepEvidence:
		return t.keepEvidence(m)
	case *messages.ReplaceTable:
		return t.replaceTable(m)
	}
	return nil, fault.New(fault.Invalid, t.op, "the owner does not know this job")
}

// fresh opens a connection of its own for the length of one job.
func (t *task) fresh() (Database, error) {
	db, err := t.led.open(t.ctx, t.cfg.Opener, ForCheck)
	if err != nil {
		return nil, err
	}
	if err := t.identify(db); err != nil {
		return nil, errors.Join(err, t.led.close(db))
	}
	return db, nil
}

// tell sends progress to the asker by way of the owner, at most ten times a second and
// always at the end.
func (t *task) tell(stage string, done, total int64, unit string) {
	if !t.progress {
		return
	}
	now := time.Now()
	if done != total && now.Sub(t.lastTold) < progressEvery {
		return
	}
	t.lastTold = now
	t.system.Root.Send(t.owner, &messages.Progress{JobId: t.id, Stage: stage, Done: done, Total: total, Unit: unit})
}

func (w *worker) closeQuietly(db Database) {
	if err := w.led.close(db); err != nil {
		w.cfg.Log.Warn("a connection did not close cleanly", slog.Any("error", err))
	}
}
