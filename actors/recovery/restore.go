package recovery

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
)

const (
	askTimeout    = time.Minute      // for what a neighbour knows without work
	backupWait    = 10 * time.Minute // for a backup that runs already
	backupRetry   = 5 * time.Second
	spareBytes    = 16 << 20 // left free beside what is copied
	beforeRestore = "before_restore"
)

// restoreInPlace is the remedy that puts a verified backup into the live database.
func restoreInPlace() []step {
	return append([]step{
		{"choose a backup", (*run).choose},
		{"read the backup back", (*run).readBackFirst},
		{"preview the restore", (*run).preview},
		{"judge the live database", (*run).judge},
		{"open the journal", (*run).journal},
		{"copy the backup", (*run).stage},
		{"back up the live database", (*run).protect},
	}, goLive()...)
}

// choose asks for the backup and takes only a verified one.
func (r *run) choose(ctx context.Context) error {
	b, err := request[*messages.Backup](ctx, r, "backup",
		&messages.FindBackup{Id: r.id, BeforeUnixMs: r.beforeMS}, askTimeout)
	if code := codeOf(err); code == "no_backup" {
		return r.nothingToRestore(textOf(err))
	}
	if err != nil {
		return err
	}
	r.pick = candidate{from: b.GetId(), path: b.GetPath(), sha256: b.GetSha256(), size: b.GetSizeBytes(),
		takenMS: b.GetTakenAtUnixMs(), content: fromMessage(b.GetContent())}
	if !b.GetVerified() || b.GetSha256() == "" || b.GetContent() == nil {
		f := r.nothingToRestore("the backup " + b.GetId() + " was never verified (" + b.GetVerdict() + ")")
		return f.WithHints(r.verb("verify", b.GetId()), r.verb("list"))
	}
	return nil
}

func textOf(err error) string {
	var f *messages.Failure
	if errors.As(err, &f) {
		return f.GetText()
	}
	_, text := describe(err)
	return text
}

// readBackFirst reads the backup for a preview, which ends before it is staged: what is
// staged is read in any case.
func (r *run) readBackFirst(ctx context.Context) error {
	if !r.dryRun {
		return nil
	}
	return r.readBack(ctx)
}

// readBack compares the stored bytes with what was verified.
func (r *run) readBack(ctx context.Context) error {
	sum, size, err := fsx.HashFile(ctx, r.cfg.FS, r.pick.path)
	if errors.Is(err, fs.ErrNotExist) && r.found(ctx) {
		sum, size, err = fsx.HashFile(ctx, r.cfg.FS, r.pick.path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.rotten(ctx, "is gone from the disk")
	case err != nil:
		return err
	case sum != r.pick.sha256 || size != r.pick.size:
		return r.rotten(ctx, "is not what was verified any more: its bytes changed on the disk")
	}
	return nil
}

// rotten has the backup judged, so that it is marked, and names another one.
func (r *run) rotten(ctx context.Context, how string) error {
	if _, err := request[*messages.VerifyReport](ctx, r, "backup",
		&messages.VerifyBackups{Id: r.pick.from}, r.cfg.Timeout); err != nil {
		r.cfg.Log.Warn("a rotten backup could not be marked", "backup", r.pick.from, "error", err)
	}
	f := messages.NewFailure("backup_rotten", r.op, "the backup %s %s", r.pick.from, how).
		WithDid("It was not used and is marked; nothing was changed.")
	list, err := request[*messages.BackupList](ctx, r, "backup", &messages.ListBackups{}, askTimeout)
	if err == nil {
		for _, b := range list.GetBackups() {
			if b.GetVerified() && b.GetId() != r.pick.from {
				return f.WithHints(r.verb("restore", b.GetId()))
			}
		}
	}
	return f.WithHints(r.verb("list"))
}

// preview says what each table holds now and would hold after. It ends a dry run.
func (r *run) preview(ctx context.Context) error {
	c, err := request[*messages.ContentReport](ctx, r, "dbowner",
		&messages.ReadContent{Job: r.job(".preview"), RowsOnly: !r.wantsDigests()}, r.cfg.Timeout)
	if err != nil {
		// A database that cannot be read can still be restored: its rows are unknown.
		r.cfg.Log.Info("the live database cannot be counted", "error", err)
	} else {
		r.before = fromMessage(c.GetContent())
	}
	r.report.RestoredFrom = r.pick.from
	r.report.Tables = changes(r.before, r.pick.content)
	r.report.DryRun, r.finished = r.dryRun, r.dryRun
	return nil
}

// wantsDigests: an undo makes no backup first, so this is its only look at the old
// content, by which a resumed run tells old from new.
func (r *run) wantsDigests() bool { return r.undoing != nil && !r.dryRun }

// judge keeps promise P4: without an order only a database whose damage was seen twice.
func (r *run) judge(ctx context.Context) error {
	suspect, err := r.damageSeenTwice(ctx)
	r.suspect = suspect
	if r.confirmed || suspect {
		if err != nil {
			r.cfg.Log.Warn("the live database was not judged before a confirmed restore", "error", err)
		}
		return nil
	}
	if err != nil {
		return r.refuse("it is not known whether the database is damaged (" + textOf(err) + ")")
	}
	return r.refuse("no damage was found in " + filepath.Base(r.cfg.Database))
}

func (r *run) damageSeenTwice(ctx context.Context) (bool, error) {
	s, err := request[*messages.IntegrityStatus](ctx, r, "integrity", &messages.GetIntegrity{}, askTimeout)
	// Who orders a repair has met damage that the last check could not know of, and into a
	// damaged database no table is written.
	if err != nil || s.GetSuspect() || s.GetLastFull() != nil && !r.repair && r.table == "" {
		r.findings = s.GetLastFull()
		return s.GetSuspect(), err
	}
	c, err := request[*messages.CheckReport](ctx, r, "integrity", &messages.CheckNow{
		Kind: messages.CheckKind_CHECK_KIND_FULL, Priority: messages.Priority_PRIORITY_INTERACTIVE,
		JobId: r.jobID + ".check"}, r.cfg.Timeout)
	if err != nil {
		return false, err
	}
	r.findings = c
	return c.GetVerdict() == string(check.Damaged), nil
}

// journal makes the set and writes the first record: from here a killed run leaves a trace.
func (r *run) journal(context.Context) error {
	rec := record{
		Version: recordVersion, Kind: kindRestore, State: stateStaging, Began: time.Now().UTC(),
		RestoredFrom: r.pick.from, Confirmed: r.confirmed, Damaged: r.suspect,
		After: r.pick.content, Database: filepath.Base(r.cfg.Database),
	}
	if r.undoing != nil {
		rec.Kind = kindUndo
	}
	if r.repair && r.killed == nil {
		rec.Kind, rec.Evidence = kindRepair, r.evidence.id
	}
	if r.killed != nil {
		rec.Kind, rec.Repeats = r.killed.rec.Kind, r.killed.id
		rec.Evidence, rec.OnlyOver, rec.Loss = r.killed.rec.Evidence, r.onlyOver, r.killed.rec.Loss
	}
	s, err := r.quar.create(rec)
	r.set = s
	return err
}

// stage gives the candidate a private name, or copies it where there are no hard links. The
// backup itself may be moved to another tier or expire while the live database is backed up,
// and a resumed run needs it too.
func (r *run) stage(ctx context.Context) error {
	if err := r.room(); err != nil {
		return err
	}
	err := fsx.LinkOrCopy(ctx, r.cfg.FS, r.pick.path, r.set.source(), r.copied("copy"))
	if errors.Is(err, fs.ErrNotExist) && r.found(ctx) {
		err = fsx.LinkOrCopy(ctx, r.cfg.FS, r.pick.path, r.set.source(), r.copied("copy"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return r.rotten(ctx, "is gone from the disk")
	}
	if err != nil {
		return err
	}
	return r.staged(ctx, r.set.source(), fsx.HashFile)
}

// found asks again where the chosen backup lies: one that was just published may have
// moved it to another tier since it was chosen.
func (r *run) found(ctx context.Context) bool {
	b, err := request[*messages.Backup](ctx, r, "backup", &messages.FindBackup{Id: r.pick.from}, askTimeout)
	if err != nil || b.GetPath() == r.pick.path {
		return false
	}
	r.pick.path = b.GetPath()
	return true
}

// staged reads the staged file back and notes what it is.
func (r *run) staged(ctx context.Context, path string, hash func(context.Context, fsx.FS, string) (string, int64, error)) error {
	sum, size, err := hash(ctx, r.cfg.FS, path)
	if err != nil {
		return err
	}
	if r.pick.sha256 != "" && (sum != r.pick.sha256 || size != r.pick.size) {
		return r.rotten(ctx, "is not what was verified any more: its bytes changed on the disk")
	}
	r.set.rec.SHA256, r.set.rec.SizeBytes = sum, size
	return nil
}

func (r *run) copied(stage string) func(doneBytes, totalBytes int64) {
	return func(doneBytes, totalBytes int64) {
		r.tell(&messages.Progress{JobId: r.jobID, Stage: stage, Done: doneBytes, Total: totalBytes, Unit: "bytes"})
	}
}

// room keeps promise P5: the private copy and the replaced files must fit first.
func (r *run) room() error {
	need := r.pick.size + spareBytes
	for _, tail := range append([]string{""}, tails()...) {
		if info, err := r.cfg.FS.Stat(r.cfg.Database + tail); err == nil {
			need += info.Size()
		}
	}
	space, err := r.cfg.FS.Space(r.cfg.Home)
	if err != nil {
		return err
	}
	if space.FreeBytes < need {
		return messages.NewFailure(string(fault.Full), r.op,
			"the volume of %s has %d MB free, %d MB are needed to keep what a restore replaces",
			r.cfg.Home, space.FreeBytes>>20, need>>20).
			WithDid("Nothing was changed; writes stay held back if the database is damaged.")
	}
	return nil
}

// protect takes a backup of a healthy database. Without one the restore stops; a
// suspect database has its files kept instead, and only they can hold what is left.
func (r *run) protect(ctx context.Context) error {
	if r.suspect {
		return nil
	}
	b, err := r.takeBackup(ctx, false)
	if err == nil && b.GetBackup().GetVerified() {
		r.before, r.keptAs = fromMessage(b.GetBackup().GetContent()), b.GetBackup().GetPath()
		r.report.Tables = changes(r.before, r.pick.content)
		return nil
	}
	if err == nil {
		err = messages.NewFailure("backup_failed", r.op, "the backup is %s", b.GetBackup().GetVerdict())
	}
	if codeOf(err) == "database_emptied" {
		return nil // there is nothing in it to save, and the file is kept all the same
	}
	if !passing(codeOf(err)) {
		// Ordered, and the database is gone or unreadable: its files are kept all the same.
		r.cfg.Log.Warn("no backup before the restore: the database cannot be read", "error", err)
		return nil
	}
	return messages.NewFailure(codeOf(err), r.op, "the database could not be backed up before the restore: %s", textOf(err)).
		WithDid("The restore was stopped; nothing was changed.").
		WithHints(r.verb("backup"), r.verb("check"))
}

// takeBackup waits for a backup that runs already.
func (r *run) takeBackup(ctx context.Context, pin bool) (*messages.BackupReport, error) {
	for deadline := time.Now().Add(backupWait); ; {
		b, err := request[*messages.BackupReport](ctx, r, "backup", &messages.TakeBackup{Reason: beforeRestore, Pin: pin,
			Priority: messages.Priority_PRIORITY_INTERACTIVE, JobId: r.jobID + ".backup"}, r.cfg.Timeout)
		if codeOf(err) != "already_running" || time.Now().After(deadline) {
			return b, err
		}
		wait := time.NewTimer(backupRetry)
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil, ctx.Err()
		case <-wait.C:
		}
	}
}
