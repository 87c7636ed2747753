package recovery

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
)

// goLive is the end of every remedy: a staged, verified candidate becomes the database.
func goLive() []step {
	return []step{
		{"note the intent", (*run).intend},
		{"put the database in place", (*run).overwrite},
		{"note the end", (*run).seal},
		{"lift the fence", (*run).release},
	}
}

// intend makes the intent durable. What follows may change the live database.
func (r *run) intend(ctx context.Context) error {
	cookie, err := r.schemaCookie(ctx)
	if err != nil {
		// Without it a look after a kill has one evidence less.
		r.cfg.Log.Info("the number of the live schema is not known", "error", err)
	}
	r.set.rec.State, r.set.rec.Before, r.set.rec.SchemaCookie = stateBegun, r.before, cookie
	return r.quar.save(r.set)
}

// overwrite has the owner put the private copy in place through SQLite's own locks.
func (r *run) overwrite(ctx context.Context) error {
	want := r.pick.content
	if !complete(want) {
		want = nil // a damaged database that is brought back cannot be compared
	}
	// From here until the owner answers, a kill leaves the outcome open.
	r.unsure = true
	rep, err := request[*messages.OverwriteReport](ctx, r, "dbowner", &messages.OverwriteDatabase{
		Job: r.job(".overwrite"), FromPath: r.set.source(), UndoDir: r.set.dir, Want: toMessage(want), OnlyOver: r.onlyOver,
		KeptAs: r.keptBefore(), FromSha256: r.set.rec.SHA256,
	}, r.cfg.Timeout+askTimeout)
	if want == nil && broughtBackDamage(err) {
		rep, err = &messages.OverwriteReport{InPlace: true}, nil
	}
	if err == nil {
		r.unsure, r.changed, r.overwrote = false, true, rep
		r.keep(rep.GetKeptFiles())
		r.set.rec.State, r.set.rec.InPlace = stateLive, rep.GetInPlace()
		r.note(r.set)
		return nil
	}
	var f *messages.Failure
	errors.As(err, &f)
	r.changed = f.GetDataChanged()
	r.unsure = !r.changed && unknownOutcome(codeOf(err))
	if r.changed {
		r.keep(nil)
		r.set.rec.State, r.set.rec.Found = stateDoubtful, "the owner reported: "+f.GetText()
		r.set.rec.Expires = time.Now().Add(r.cfg.UndoFor).UTC()
		r.note(r.set)
	}
	return err
}

// keptBefore is what may hold the live database already: the kept files that the candidate
// of a repair was made of, or the backup made before a restore.
func (r *run) keptBefore() string {
	if r.onlyOver != "" && r.evidence != nil {
		return r.evidence.database()
	}
	return r.keptAs
}

// broughtBackDamage tells whether an overwrite failed only because what is live now
// cannot be read: with a damaged candidate, that is what was ordered.
func broughtBackDamage(err error) bool {
	var f *messages.Failure
	return errors.As(err, &f) && f.GetDataChanged() && !passing(f.GetCode())
}

// keep notes what lies in the undo point: what the owner says, and what is there.
func (r *run) keep(files []string) { r.set.keep(r.cfg.FS, files) }

func (s *set) keep(fsys fsx.FS, files []string) {
	seen := map[string]bool{}
	s.rec.KeptFiles = nil
	add := func(name string) {
		if plainName(name) && !seen[name] {
			seen[name] = true
			s.rec.KeptFiles = append(s.rec.KeptFiles, name)
		}
	}
	for _, f := range files {
		add(filepath.Base(f))
	}
	entries, err := fsys.ReadDir(s.dir)
	if err != nil {
		return // the owner's list stands
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), s.rec.Database) && !strings.Contains(e.Name(), ".tmp") {
			add(e.Name())
		}
	}
}

// note writes the record where the live database has already changed: then the order
// goes on without its journal, and the next start finds out from the content.
func (r *run) note(s *set) {
	if err := r.quar.save(s); err != nil {
		r.cfg.Log.Error("the journal of a restore could not be written", "dir", s.dir, "state", s.rec.State, "error", err)
	}
}

// seal turns the record into the undo point and drops the private copy.
func (r *run) seal(context.Context) error {
	now := time.Now().UTC()
	rec := &r.set.rec
	rec.State, rec.Ended, rec.Expires = stateVerified, now, now.Add(r.cfg.UndoFor)
	rec.UndoFrom = r.oldestKept()
	r.report.UndoId, r.report.KeptDir, r.report.InPlace = r.set.id, r.set.dir, rec.InPlace
	r.report.Tables = changes(rec.Before, rec.After)
	r.tellLoss(rec)
	r.led.setClosing(&messages.RestoreFinished{Report: r.report, Undo: rec.Kind == kindUndo})
	r.note(r.set)
	if err := r.quar.dropSource(r.set); err != nil {
		r.cfg.Log.Warn("the private copy of a restore stays behind", "dir", r.set.dir, "error", err)
	}
	r.supersede()
	return nil
}

// oldestKept follows the sets that this one repeats to the one that kept the state from
// before the first of them; "" = this one did.
func (r *run) oldestKept() string {
	oldest := ""
	for id, seen := r.set.rec.Repeats, map[string]bool{}; id != "" && !seen[id]; {
		seen[id] = true
		s := r.quar.load(id)
		if s == nil || s.err != nil {
			break
		}
		if s.holdsMore(r.cfg.FS, r.set) {
			oldest = id
		}
		id = s.rec.Repeats
	}
	return oldest
}

// supersede closes older sets whose outcome was open: this restore decided it.
func (r *run) supersede() {
	sets, err := r.quar.sets()
	for _, s := range sets {
		if err != nil || s.id == r.set.id || !s.open() {
			continue
		}
		s.rec.State, s.rec.Ended, s.rec.Found = stateAborted, time.Now().UTC(), "a later restore replaced it: "+r.set.id
		s.rec.Expires = r.set.rec.Expires // it may hold the older state
		s.keep(r.cfg.FS, s.rec.KeptFiles)
		if err = r.quar.save(s); err == nil {
			err = r.quar.dropSource(s)
		}
	}
	if err != nil {
		r.cfg.Log.Warn("older restores could not be closed", "error", err)
	}
}

// release lifts the damage fence: what is live now was compared. A database that was
// brought back damaged keeps it.
func (r *run) release(ctx context.Context) error {
	if complete(r.pick.content) {
		if _, err := request[*messages.FenceState](ctx, r, "dbowner", &messages.LiftFence{Reason: "damage"}, askTimeout); err != nil {
			// Integrity hears of the restore, checks, and lifts it too.
			r.cfg.Log.Warn("the fence could not be lifted after a restore", "error", err)
		}
	}
	r.letGo(ctx)
	return nil
}
