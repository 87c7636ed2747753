package dbowner

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

const (
	// overwriteTries is how often an app that commits between undo copy and write may
	// make the restore begin again.
	overwriteTries = 5
	// lockPatience is how long a busy database is asked for its write lock in one try.
	lockPatience = 10 * time.Second
	busyRetryMax = time.Second
)

// errCommitted says that somebody committed after the undo copy.
var errCommitted = errors.New("the app committed after the undo copy")

// restoring is one OverwriteDatabase (promises P4 to P6). Its order:
//
//	the fence goes up, if the header lets it → the present files are kept and fsynced →
//	the fence's lock is let go → SQLite's write lock is taken by the restore → if anybody
//	committed since the undo copy: nothing is written, all again → write → compare → fence →
//	if anybody committed since: compare once more
type restoring struct {
	*task
	message   *messages.OverwriteDatabase
	report    *messages.OverwriteReport
	source    string   // what is written: from_path, or its copy with the live page size
	pageSize  int      // of the source, bytes
	watch     Database // tells whether anybody committed; never the one that restores
	noHeader  bool     // the live header is destroyed
	committed bool     // the restore took effect
	differed  bool     // right after its commit the live content was not the source's
	compared  *mark    // the state that was compared with the source, or a later one
}

func (t *task) overwrite(m *messages.OverwriteDatabase) (any, error) {
	begun := time.Now()
	if m.GetFromPath() == "" || m.GetUndoDir() == "" {
		return nil, fault.New(fault.Invalid, t.op, "a file to restore and a folder for the undo copy are needed")
	}
	r := &restoring{task: t, message: m, report: &messages.OverwriteReport{InPlace: true}, source: m.GetFromPath()}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	defer r.tidy()
	for try := 1; ; try++ {
		err := r.attempt()
		switch {
		case err == nil:
			r.report.DurationMs = time.Since(begun).Milliseconds()
			return r.report, nil
		case r.committed:
			return nil, r.halfway(err)
		case !errors.Is(err, errCommitted):
			return nil, err
		case try == overwriteTries:
			return nil, fault.New(fault.Busy, t.op, "the app committed %d times between undo copy and write", try)
		}
		t.cfg.Log.Info("restore begins again: the app committed meanwhile", slog.Int("try", try))
	}
}

// prepare looks at the source and rewrites it to the live page size if need be, before
// anybody is held up.
func (r *restoring) prepare() error {
	sourceBytes, err := r.inspectSource()
	if err != nil {
		return err
	}
	if r.watch, err = r.fresh(); err != nil {
		return err
	}
	if err := r.match(sourceBytes); err != nil {
		r.tidy()
		return err
	}
	return nil
}

func (r *restoring) match(sourceBytes int64) error {
	var facts Facts
	err := r.patiently(func() (err error) {
		facts, err = r.db.Facts(r.ctx)
		return err
	})
	_, liveBytes, sizeErr := r.watch.MainFile()
	switch {
	case fault.IsDamage(err) || (err == nil && sizeErr == nil && facts.PageSize == 0 && liveBytes > 0):
		r.noHeader = true // it takes any page size
		return nil
	case err != nil || sizeErr != nil:
		return errors.Join(err, sizeErr)
	case facts.PageSize == r.pageSize || liveBytes == 0:
		return nil
	}
	dir := r.message.GetUndoDir()
	if err := r.cfg.Files.MkdirAll(dir); err != nil {
		return err
	}
	if err := r.room(dir, sourceBytes+liveBytes); err != nil {
		return err
	}
	matched := filepath.Join(dir, "source.tmp")
	f, err := r.cfg.Files.Create(matched)
	if err != nil {
		return err
	}
	r.source, r.report.PageSizeMatched = matched, true
	if err := f.Close(); err != nil {
		return err
	}
	return r.cfg.Opener.MatchPageSize(r.ctx, r.message.GetFromPath(), matched, facts.PageSize)
}

// inspectSource refuses what cannot be restored as it is: the source is a verified
// plain file in journal mode DELETE; one in WAL mode would turn the live database to WAL.
func (r *restoring) inspectSource() (sizeBytes int64, err error) {
	f, err := r.cfg.Files.Open(r.source)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var header [headerBytes]byte
	if _, err := f.ReadAt(header[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	r.pageSize = pageSizeOf(header)
	if r.pageSize == 0 || header[18] != 1 {
		return 0, fault.New(fault.Invalid, r.op, "%s is not a SQLite file in journal mode DELETE", r.source)
	}
	return info.Size(), nil
}

// tidy closes and removes what only this job needed.
func (r *restoring) tidy() {
	if r.watch != nil {
		r.closeQuietly(r.watch)
		r.watch = nil
	}
	if r.report.PageSizeMatched {
		r.discard(r.source)
	}
}

func (r *restoring) attempt() error {
	if err := r.raise(); err != nil {
		return err
	}
	before, err := r.markOf(r.ctx, r.watch)
	if err != nil {
		return err
	}
	kept, err := r.keepReplaced()
	if err != nil {
		return err
	}
	r.report.KeptFiles = kept
	err = r.write(before)
	if err == nil {
		return r.verify()
	}
	if !r.committed {
		r.forget(r.message.GetUndoDir(), kept) // of a state that was not replaced
	}
	return err
}

// raise has the fence held. A database without a header cannot be locked at all; an
// app that commits meanwhile is found out by the marks.
func (r *restoring) raise() error {
	var state *lockState
	err := r.patiently(func() (err error) {
		if state, err = r.fence(true); err == nil && !state.held && state.code == fault.Busy {
			err = fault.New(fault.Busy, r.op, "%s", state.text)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case state.held:
		r.noHeader = false
		return nil
	case state.code == fault.NotADatabase || state.code == fault.Corrupt:
		r.noHeader = true
		return nil
	}
	return fault.New(state.code, r.op, "%s", state.text)
}

// fence asks the owner to hold the write lock, or to let it go for this job.
func (r *restoring) fence(held bool) (*lockState, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 2*r.cfg.FenceWait+lockTryMax)
	defer cancel()
	return kit.Ask[*lockState](ctx, r.system, r.owner, &fenceForJob{serial: r.serial, held: held}, nil)
}

// write puts the source into the live file. Whatever fails before the first page leaves
// everything as it was; a failure later is rolled back by SQLite.
func (r *restoring) write(before mark) error {
	r.led.descriptors.RLock() // the restore opens connections of its own
	defer r.led.descriptors.RUnlock()
	unchanged := func() error {
		// Also after a job was stopped it has to be known what became of the file.
		now, err := r.markOf(context.WithoutCancel(r.ctx), r.watch)
		if err == nil && now != before {
			err = errCommitted
		}
		return err
	}
	ctx, compare := r.ctx, unchanged
	if r.noHeader {
		if err := unchanged(); err != nil {
			return err
		}
		// From here on the old content is only in the undo copy: no deadline may end
		// this between emptying and filling.
		ctx, compare = context.WithoutCancel(r.ctx), nil
		if err := r.patiently(func() error { return r.db.ResetDatabase(ctx, r.pageSize) }); err != nil {
			return r.rolledBack(err, unchanged)
		}
		r.report.HeaderWasReset, r.committed = true, true
	}
	letGo := func() error {
		_, err := r.fence(false)
		return err
	}
	opts := RestoreOptions{BeforeLock: letGo, BeforeWrite: compare, Want: contentFrom(r.message.GetWant()), AfterWrite: r.markWritten,
		Progress: func(done, total int64) {
			t := int64(r.pageSize)
			r.tell("restore", done*t, total*t, "bytes")
		}}
	if !r.report.PageSizeMatched {
		opts.SHA256 = r.message.GetFromSha256()
	}
	err := r.patiently(func() error { return r.db.Restore(ctx, r.source, opts) })
	switch {
	case err == nil:
		r.committed = true
		return nil
	case fault.CodeOf(err) == fault.Mismatch:
		r.committed, r.differed = true, true
		return nil // the app may have written since: verify judges
	case errors.Is(err, errCommitted):
		return errCommitted
	}
	return r.rolledBack(err, unchanged)
}

// markWritten notes the state that is compared next: while nobody commits it is live.
func (r *restoring) markWritten() error {
	m, err := r.markOf(context.WithoutCancel(r.ctx), r.watch)
	if err == nil {
		r.compared = &m
	}
	return nil // without a mark the content is compared once more
}

// rolledBack finds out whether a failure came after the new content was committed.
func (r *restoring) rolledBack(err error, unchanged func() error) error {
	if uerr := unchanged(); uerr != nil {
		r.committed = true
	}
	return err
}

// verify makes sure, under the fence, that what is live now is what was wanted. The restore
// compared source and live pages itself right after its commit, so where nobody committed
// since, and without a wanted content (an undo of damage), there is nothing to add.
func (r *restoring) verify() error {
	if _, err := r.fence(true); err != nil {
		return err
	}
	want := contentFrom(r.message.GetWant())
	if want == nil || r.unchangedSince() {
		return nil
	}
	db, err := r.fresh()
	if err != nil {
		return err
	}
	defer r.closeQuietly(db)
	r.tell("verify", 0, 0, "")
	got, err := db.Content(r.ctx)
	if err != nil || got.Equal(*want) {
		return err
	}
	// Between the restore's commit and the fence an app that waited for the lock may have
	// committed. If the restore's own comparison came first, the content was right; if the
	// app came first, only structure and schema can be judged.
	if r.differed {
		report, err := db.Check(r.ctx, CheckOptions{Kind: check.Quick})
		if err != nil {
			return err
		}
		if report.Verdict == check.Damaged || got.SchemaDigest != want.SchemaDigest {
			return fault.New(fault.Mismatch, r.op, "the live database does not hold what was to be restored")
		}
	}
	r.cfg.Log.Warn("the app wrote right after the restore", slog.Bool("before_the_comparison", r.differed))
	r.report.AppWroteSince = true
	return nil
}

// unchangedSince tells whether nobody committed since the restore was found right.
func (r *restoring) unchangedSince() bool {
	if r.differed || r.compared == nil {
		return false
	}
	now, err := r.markOf(r.ctx, r.watch)
	return err == nil && now == *r.compared
}

// halfway words a failure after the live database was changed.
func (r *restoring) halfway(err error) *messages.Failure {
	r.cfg.Log.Error("restore failed after the database was changed", slog.Any("error", err))
	f := failureOf(r.op, r.cfg.Path, err)
	f.DataChanged = true
	f.Did = "The database was changed. Its files as they were are kept in " + r.message.GetUndoDir() + "."
	f.Hints = []string{"officer check " + r.cfg.Path, "officer undo " + r.cfg.Path}
	return f
}

// patiently repeats what fails because another program holds a lock.
func (r *restoring) patiently(try func() error) error {
	until := time.Now().Add(lockPatience)
	for n := 1; ; n++ {
		err := try()
		if fault.CodeOf(err) != fault.Busy || time.Now().After(until) {
			return err
		}
		wait := time.NewTimer(kit.Backoff(n, lockRetryBase, busyRetryMax, 0))
		select {
		case <-wait.C:
		case <-r.ctx.Done():
			wait.Stop()
			if !r.committed {
				return fault.Wrap(fault.Interrupted, r.op, "stopped while waiting for a lock", err)
			}
			return err
		}
	}
}
