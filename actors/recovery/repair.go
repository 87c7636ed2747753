package recovery

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/messages"
)

const (
	codeChanged = "changed_meanwhile" // the owner's: not the files the candidate was made of
	triesMax    = 3                   // of a repair that somebody's commits overtake
	fenceReason = "restore"           // in RaiseFence and LiftFence, beside integrity's "damage"
)

// mending is what only a repair knows.
type mending struct {
	findings *messages.CheckReport // of the damage; nil = not known
	evidence *set                  // the kept files that the candidate is made of
	onlyOver string                // hash of these files: nothing else may be replaced
	loss     *loss.Report
	fenced   bool // we asked the owner to hold writes back
	try      int
}

// repairInPlace is the remedy for damage: contain, keep, make and check a candidate by
// the first layer that gives one, and put it in place.
func repairInPlace() []step {
	return append([]step{
		{"look at the damage", (*run).examine},
		{"hold writes back", (*run).contain},
		{"keep the damaged files", (*run).secure},
		{"open the journal", (*run).journal},
		{"make a candidate", (*run).assemble},
		{"check the candidate", (*run).prove},
		{"weigh the candidate", (*run).weigh},
	}, goLive()...)
}

// announceStep tells everybody how far a repair is.
func (r *run) announceStep(name string) {
	if r.repair && !r.dryRun {
		r.system.Root.Send(r.cfg.Peers.Tree(), &messages.RecoveryStep{JobId: r.jobID, Step: name})
	}
	if r.repair {
		r.tell(&messages.Progress{JobId: r.jobID, Stage: name})
	}
}

// examine keeps promise P4: only damage that was seen twice is repaired, whoever asks,
// and what keeps it from being judged (a failing disk, no memory, a lock) is no damage.
func (r *run) examine(ctx context.Context) error {
	suspect, err := r.damageSeenTwice(ctx)
	r.suspect = suspect
	switch {
	case err != nil:
		return messages.NewFailure(codeOf(err), r.op, "it is not known whether the database is damaged: %s", textOf(err)).
			WithDid("Nothing was changed.").WithHints(r.verb("check"), r.verb("status"))
	case !suspect:
		return messages.NewFailure("refused", r.op, "no damage was found in %s, and a healthy database is never touched", filepath.Base(r.cfg.Database)).
			WithDid("Nothing was changed.").WithHints(r.verb("check"))
	}
	return nil
}

// contain holds all writes back, so that nothing is written between the files that the
// candidate is made of and its going live. Where a destroyed header makes a lock
// impossible the owner compares the files instead.
func (r *run) contain(ctx context.Context) error {
	if r.dryRun || r.fenced {
		return nil
	}
	r.fenced = true
	r.led.setFenced(true)
	s, err := request[*messages.FenceState](ctx, r, "dbowner", &messages.RaiseFence{Reason: fenceReason}, askTimeout)
	if err != nil || !s.GetHeld() {
		r.cfg.Log.Warn("writes are not held back during a repair", "why", s.GetText(), "error", err)
	}
	return ctx.Err()
}

// letGo lifts the fence of this repair; that of the damage is lifted by release alone.
func (r *run) letGo(ctx context.Context) {
	if !r.fenced {
		return
	}
	r.fenced = false
	if _, err := request[*messages.FenceState](ctx, r, "dbowner", &messages.LiftFence{Reason: fenceReason}, askTimeout); err != nil {
		r.cfg.Log.Warn("the fence of a repair could not be lifted", "error", err)
		return
	}
	r.led.setFenced(false)
}

// secure finds the kept files of this damage, or has them kept.
func (r *run) secure(ctx context.Context) error {
	damage := fingerprint(r.findings)
	s, err := r.preserve(ctx, damage, r.try > 0)
	if err == nil && r.stale(s) {
		s, err = r.preserve(ctx, damage, true)
	}
	if err != nil {
		return err
	}
	r.evidence = s
	return nil
}

// stale tells whether somebody wrote to the database after its files were kept. It is a
// cheap look; the owner compares the bytes before anything is replaced.
func (r *run) stale(s *set) bool {
	for _, tail := range []string{"", "-wal", "-journal"} {
		live, err := r.cfg.FS.Stat(r.cfg.Database + tail)
		kept, kerr := r.cfg.FS.Stat(filepath.Join(s.dir, s.rec.Database+tail))
		switch {
		case err != nil && kerr != nil:
		case err != nil:
			return kept.Size() > 0
		case kerr != nil:
			return live.Size() > 0
		case live.Size() != kept.Size():
			return true
		case live.Size() > 0 && live.ModTime().After(s.rec.Began) && !live.ModTime().After(time.Now()): // a clock that jumped tells nothing
			return true
		}
	}
	return false
}

// overtaken tells whether a repair is to begin again because somebody wrote to the
// database while the candidate was made, and throws that away.
func (r *run) overtaken(ctx context.Context, err error) bool {
	if !r.repair || r.killed != nil || codeOf(err) != codeChanged || r.try+1 >= triesMax || ctx.Err() != nil {
		return false
	}
	r.cfg.Log.Warn("a repair begins again: somebody wrote to the database meanwhile", "try", r.try+1)
	if err := r.abort("somebody wrote to the database meanwhile"); err != nil {
		r.cfg.Log.Error("what a repair prepared could not be removed", "dir", r.set.dir, "error", err)
		return false
	}
	r.try++
	r.set, r.unsure, r.changed, r.loss, r.report = nil, false, false, nil, &messages.RestoreReport{}
	return true
}

// prove reads the candidate back, gives it the name under which it goes live, and notes
// what it is.
func (r *run) prove(ctx context.Context) error {
	from := filepath.Join(r.set.dir, candidateFile)
	var verdict check.Report
	var judged error
	wait := fsx.Alongside(func() { verdict, judged = r.cfg.Workshop.Judge(ctx, from) })
	// The workshop read it from the device: this is the hash of what it checked.
	hashed := r.staged(ctx, from, fsx.HashChecked)
	wait()
	if err := cmp.Or(judged, hashed); err != nil {
		return err
	}
	for i, k := range verdict.ForeignKeys {
		if i == loss.ForeignKeysMax {
			break
		}
		r.loss.ForeignKeys = append(r.loss.ForeignKeys, loss.ForeignKey{Table: k.Table, Rowid: k.Rowid, HasRowid: k.HasRowid, Parent: k.Parent})
	}
	for _, b := range verdict.RuleBreaks {
		r.loss.Rules = append(r.loss.Rules, ruleWords(b))
		r.loss.RedRule = r.loss.RedRule || b.Rule.Severity == "red"
	}
	if err := r.cfg.FS.RenameNoReplace(from, r.set.source()); err != nil {
		return err
	}
	if err := r.cfg.FS.SyncDir(r.set.dir); err != nil {
		return err
	}
	r.pick.path = r.set.source()
	rec := &r.set.rec
	rec.RestoredFrom, rec.After, rec.Loss = r.pick.from, r.pick.content, r.loss
	return r.quar.save(r.set)
}

// weigh shows what would be lost. It ends a preview, and stops what nobody confirmed and
// a person has to decide.
func (r *run) weigh(context.Context) error {
	r.report.RestoredFrom, r.report.DryRun = r.pick.from, r.dryRun
	r.report.Tables = changes(nil, r.pick.content)
	r.tellLoss(&r.set.rec)
	r.finished = r.dryRun
	sum := r.loss.Sum()
	var why string
	switch {
	case r.dryRun || r.confirmed:
		return nil
	case r.loss.RedRule:
		why = "a rule of the application would not hold: " + r.loss.Rules[0]
	case r.loss.Layer == loss.Salvage && !sum.Whole():
		why = "there is no verified backup that lends what is lost (" + r.loss.Headline() + ")"
	default:
		return nil
	}
	return messages.NewFailure("needs_confirmation", r.op, "%s", why).
		WithDid("Nothing was changed; the damaged files are kept in "+r.evidence.dir+".").
		WithHints(r.verb("repair", "--dry-run"), r.verb("repair", "--yes"))
}

// tidyPreview throws the candidate of a preview away.
func (r *run) tidyPreview() error {
	if !r.finished || r.set == nil {
		return nil
	}
	s := r.set
	r.set = nil
	s.rec.State = stateAborted
	return r.quar.remove(s)
}

// tellLoss puts what a repair lost into the report, and beside the undo point what can be
// read without Officer.
func (r *run) tellLoss(rec *record) {
	if rec.Loss == nil {
		r.report.Layer = "backup"
		if rec.Kind == kindUndo {
			r.report.Layer = "undo"
		}
		return
	}
	describeLoss(r.report, rec.Loss)
	if rec.Evidence != "" {
		r.report.EvidenceDir = filepath.Join(r.quar.dir, rec.Evidence)
	}
	if rec.State != stateVerified {
		return // a preview, or on the way
	}
	data, err := rec.Loss.JSON()
	if err == nil {
		err = fsx.WriteAtomic(r.cfg.FS, filepath.Join(r.set.dir, jsonFile), data, 0o600)
	}
	if err == nil {
		err = fsx.WriteAtomic(r.cfg.FS, filepath.Join(r.set.dir, pageFile), rec.Loss.HTML(), 0o600)
	}
	if err != nil {
		r.cfg.Log.Warn("the report of a repair could not be written", "dir", r.set.dir, "error", err)
		return
	}
	r.report.ReportFile = filepath.Join(r.set.dir, pageFile)
}

// describeLoss fills in what the report says of each table.
func describeLoss(into *messages.RestoreReport, l *loss.Report) {
	into.Layer, into.BaseId, into.SetAside, into.Notes, into.BrokenRules = string(l.Layer), l.Base, l.SetAside, l.Notes, l.Rules
	into.ComparedWith = l.Compared
	into.Recovered, into.ForeignKeys = nil, nil
	for _, t := range l.Tables {
		into.Recovered = append(into.Recovered, &messages.RecoveredTable{Name: t.Name, RowsKept: t.Kept, RowsSalvaged: t.Salvaged,
			RowsFromBase: t.FromBase, RowsUncertain: t.Uncertain, RowsLostEstimate: t.Lost, RowsSetAside: t.SetAside, Notes: t.Notes,
			RowsConfirmed: t.Confirmed, RowsConfirmedByBase: t.ByBase, RowsConfirmedByIndex: t.ByIndex, RowsConfirmedByLog: t.ByLog,
			RowsUnconfirmed: t.Unconfirmed, RowsUndated: t.Undated, RowsDoubted: t.Doubted, RowsAsInBase: t.AsInBase, RowsFromOlder: t.FromOlder, Unconfirmed: stretches(t.Loose)})
	}
	for _, k := range l.ForeignKeys {
		into.ForeignKeys = append(into.ForeignKeys, &messages.ForeignKeyFinding{Table: k.Table, Rowid: k.Rowid, HasRowid: k.HasRowid, Parent: k.Parent})
	}
}

func stretches(all []loss.Stretch) (list []*messages.RowStretch) {
	for _, s := range all {
		list = append(list, &messages.RowStretch{FirstRowid: s.First, LastRowid: s.Last, Rows: s.Rows})
	}
	return list
}

// headerIntact tells whether the evidence begins as a database does. Without that a
// restore is two commits, and a kill between them leaves neither state.
func (r *run) headerIntact(s *set) bool {
	f, err := r.cfg.FS.Open(s.database())
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := f.ReadAt(head, 0) // a short file has no header
	return n == len(head) && string(head) == "SQLite format 3\x00"
}

// gone tells whether an error says that a file is not there.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
