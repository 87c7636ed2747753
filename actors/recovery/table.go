package recovery

import (
	"context"
	"path/filepath"
	"time"

	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// oneTable is the remedy that puts one table of a backup back, in one transaction of the
// live database. It needs no journal: SQLite's own makes it all or nothing.
func oneTable() []step {
	return []step{
		{"choose a backup", (*run).choose},
		{"read the backup back", (*run).readBack},
		{"judge the live database", (*run).judgeForTable},
		{"preview the table", (*run).previewTable},
		{"back up the live database", (*run).protectForTable},
		{"put the table in place", (*run).putTable},
	}
}

// judgeForTable refuses a damaged database: what is damaged is not written to.
func (r *run) judgeForTable(ctx context.Context) error {
	suspect, err := r.damageSeenTwice(ctx)
	switch {
	case err != nil:
		return messages.NewFailure(codeOf(err), r.op, "it is not known whether the database is damaged: %s", textOf(err)).
			WithDid("Nothing was changed.").WithHints(r.verb("check"))
	case suspect:
		return messages.NewFailure("refused", r.op, "%s is damaged", filepath.Base(r.cfg.Database)).
			WithDid("Nothing was changed.").WithHints(r.verb("repair"))
	}
	return nil
}

// previewTable tries it out. It ends a dry run, and stops what was not confirmed.
func (r *run) previewTable(ctx context.Context) error {
	if err := r.replaceTable(ctx, true); err != nil {
		return err
	}
	r.report.DryRun, r.finished = r.dryRun, r.dryRun
	if !r.dryRun && !r.confirmed {
		return messages.NewFailure("refused", r.op, "rows of table %s would be replaced, and that was not confirmed", r.table).
			WithDid("Nothing was changed.").WithHints(r.verb("restore", r.pick.from, "--table", shell.Word(r.table), "--yes"))
	}
	return nil
}

// protectForTable makes the backup from which the table can be taken back.
func (r *run) protectForTable(ctx context.Context) error {
	b, err := r.takeBackup(ctx, false)
	if err == nil && !b.GetBackup().GetVerified() {
		err = messages.NewFailure("backup_failed", r.op, "the backup is %s", b.GetBackup().GetVerdict())
	}
	if err != nil {
		return messages.NewFailure(codeOf(err), r.op, "the database could not be backed up before: %s", textOf(err)).
			WithDid("Nothing was changed.").WithHints(r.verb("backup"), r.verb("check"))
	}
	r.report.Notes = []string{"to take it back: " + r.verb("restore", b.GetBackup().GetId(), "--table", shell.Word(r.table))}
	return nil
}

func (r *run) putTable(ctx context.Context) error {
	r.found(ctx) // the backup just made may have moved the chosen one
	if err := r.replaceTable(ctx, false); err != nil {
		return err
	}
	r.changed = true
	r.report.InPlace, r.report.DurationMs = true, time.Since(r.began).Milliseconds()
	r.led.setClosing(&messages.RestoreFinished{Report: r.report})
	return nil
}

func (r *run) replaceTable(ctx context.Context, dryRun bool) error {
	ask := &messages.ReplaceTable{Job: r.job(".table"), FromPath: r.pick.path, Table: r.table, DryRun: dryRun}
	out, err := request[*messages.TableReplaced](ctx, r, "dbowner", ask, r.cfg.Timeout+askTimeout)
	if err != nil {
		r.unsure = !dryRun && unknownOutcome(codeOf(err))
		return err
	}
	r.report.RestoredFrom, r.report.Layer = r.pick.from, "table"
	r.report.Tables = []*messages.TableChange{{Name: r.table, RowsBefore: out.GetRowsBefore(), RowsAfter: out.GetRowsAfter()}}
	r.report.ForeignKeys = out.GetForeignKeys()
	return nil
}
