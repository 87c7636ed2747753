package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

type tableChangeJSON struct {
	Name       string `json:"name"`
	RowsBefore *int64 `json:"rows_before"` // null = not there, or could not be read
	RowsAfter  *int64 `json:"rows_after"`
}

type restoreResult struct {
	report.Head
	RestoredFrom string            `json:"restored_from"`
	UndoID       string            `json:"undo_id"`
	Tables       []tableChangeJSON `json:"tables"`
	InPlace      bool              `json:"in_place"`
	DryRun       bool              `json:"dry_run"`
	ToFile       string            `json:"to_file,omitempty"`
	KeptDir      string            `json:"kept_dir,omitempty"`
	DurationMS   int64             `json:"duration_ms"`
	Table        string            `json:"table,omitempty"` // only this one was restored
	ForeignKeys  []orphanJSON      `json:"foreign_keys,omitempty"`
	Notes        []string          `json:"notes,omitempty"`
}

// restoreFlags are what restore and undo share.
type restoreFlags struct {
	yes, dry   bool
	to, before string
	table      string
}

func (c *cli) restoreVerb() *cobra.Command {
	var flags restoreFlags
	cmd := c.verb("restore DB [ID]", "Bring a backup back, in place or into a new file", cobra.RangeArgs(1, 2),
		func(ctx context.Context, args []string) (*outcome, error) { return c.restore(ctx, args, flags) })
	cmd.Flags().StringVar(&flags.before, "before", "", "the newest backup taken before this time")
	cmd.Flags().StringVar(&flags.to, "to", "", "into this new file; the database stays as it is")
	cmd.Flags().StringVar(&flags.table, "table", "", "only this table, in one transaction of the live database")
	cmd.Flags().BoolVar(&flags.dry, "dry-run", false, "only show what would change")
	cmd.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask")
	return cmd
}

func (c *cli) undoVerb() *cobra.Command {
	var flags restoreFlags
	cmd := c.verb("undo DB", "Take the last restore back", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) { return c.undo(ctx, args[0], flags) })
	cmd.Flags().BoolVar(&flags.dry, "dry-run", false, "only show what would change")
	cmd.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask")
	return cmd
}

func (c *cli) restore(ctx context.Context, args []string, flags restoreFlags) (*outcome, error) {
	order := &messages.RestoreBackup{JobId: newJob(), DryRun: flags.dry}
	if len(args) == 2 {
		order.Id = args[1]
	}
	var err error
	if flags.before != "" {
		if order.BeforeUnixMs, err = parseTime(flags.before); err != nil {
			return nil, err
		}
	}
	if flags.to != "" {
		if order.ToFile, err = filepath.Abs(flags.to); err != nil {
			return nil, usage(fmt.Sprintf("%q is no usable path", flags.to))
		}
	}
	if flags.table != "" && flags.to != "" {
		return nil, usage("--table goes into the live database; for a file give --to alone")
	}
	// Whether a table fits in is tried out, and rolled back.
	r, err := c.reachFor(ctx, args[0], flags.dry && flags.table == "")
	if err != nil {
		return nil, err
	}
	defer r.close()
	if flags.table != "" {
		return c.restoreTable(ctx, r, order, flags, args[0])
	}
	// A missing database is made anew without a question: nothing is overwritten.
	if !flags.dry && !flags.yes && order.ToFile == "" && exists(r.path) {
		preview, err := asking[*messages.RestoreReport](ctx, c, r, &messages.RestoreBackup{
			Id: order.Id, BeforeUnixMs: order.BeforeUnixMs, DryRun: true, JobId: newJob(),
		})
		if err != nil {
			return nil, err
		}
		if err := c.confirm(r.path, preview, false, c.again("restore", args[0])); err != nil {
			return nil, err
		}
		order.Id, order.BeforeUnixMs = preview.RestoredFrom, 0 // what was shown is what is done
	}
	order.Confirmed = !flags.dry
	return c.restored(ctx, r, order)
}

func (c *cli) restored(ctx context.Context, r *reached, order *messages.RestoreBackup) (*outcome, error) {
	report, err := asking[*messages.RestoreReport](ctx, c, r, order)
	if err != nil {
		return nil, err
	}
	return restoreOutcome(report, r.path, false), nil
}

func (c *cli) undo(ctx context.Context, database string, flags restoreFlags) (*outcome, error) {
	r, err := c.reachFor(ctx, database, flags.dry)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if !flags.dry && !flags.yes {
		preview, err := asking[*messages.RestoreReport](ctx, c, r, &messages.UndoRestore{DryRun: true, JobId: newJob()})
		if err != nil {
			return nil, err
		}
		if err := c.confirm(r.path, preview, true, c.again("undo", database)); err != nil {
			return nil, err
		}
	}
	report, err := asking[*messages.RestoreReport](ctx, c, r, &messages.UndoRestore{DryRun: flags.dry, JobId: newJob()})
	if err != nil {
		return nil, err
	}
	return restoreOutcome(report, r.path, true), nil
}

// again is the same order, confirmed.
func (c *cli) again(verb, database string) string {
	order := "officer " + verb + " " + shell.Word(database) + " --yes"
	if c.home != "" {
		order += " --home " + shell.Word(c.home)
	}
	return order
}

// confirm shows the preview and asks. Without a person to ask it refuses.
func (c *cli) confirm(path string, preview *messages.RestoreReport, undo bool, yes string) error {
	if c.json {
		return messages.NewFailure("not_confirmed", "restore", "this overwrites %s and was not confirmed", filepath.Base(path)).
			WithDid("Nothing was changed.").WithHints(yes)
	}
	fmt.Fprintf(c.err, "%s will become what it was %s:\n", shown(path), stateOf(preview, undo))
	showChanges(c.err, preview.Tables, !undo)
	fmt.Fprint(c.err, "The database as it is now is kept and can be brought back with officer undo.\nGo on? [y/N] ")
	answer, err := bufio.NewReader(io.LimitReader(c.in, 64)).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	if err != nil {
		fmt.Fprintln(c.err)
	}
	return messages.NewFailure("not_confirmed", "restore", "it was not confirmed").
		WithDid("Nothing was changed.").WithHints(yes)
}

// stateOf names what is brought back: a backup, or what a restore replaced.
func stateOf(r *messages.RestoreReport, undo bool) string {
	if undo {
		return "before the restore " + clean(r.RestoredFrom)
	}
	return "in " + clean(r.RestoredFrom)
}

func restoreOutcome(r *messages.RestoreReport, path string, undo bool) *outcome {
	out := &restoreResult{
		RestoredFrom: r.RestoredFrom, UndoID: r.UndoId, Tables: []tableChangeJSON{}, InPlace: r.InPlace,
		DryRun: r.DryRun, ToFile: r.ToFile, KeptDir: r.KeptDir, DurationMS: r.DurationMs,
	}
	for _, t := range r.Tables {
		out.Tables = append(out.Tables, tableChangeJSON{t.Name, known(t.RowsBefore), known(t.RowsAfter)})
	}
	return &outcome{json: out, text: func(w io.Writer, s style) {
		switch {
		case r.DryRun && r.ToFile != "":
			fmt.Fprintf(w, "%s would hold what backup %s holds (nothing was written):\n", shown(r.ToFile), clean(r.RestoredFrom))
		case r.DryRun:
			fmt.Fprintf(w, "%s would become what it was %s (nothing was changed):\n", shown(path), stateOf(r, undo))
		case r.ToFile != "":
			fmt.Fprintf(w, "%s backup %s restored into %s and verified   %s\n", s.good(), clean(r.RestoredFrom), shown(r.ToFile), report.Seconds(r.DurationMs))
		case undo:
			fmt.Fprintf(w, "%s the restore was taken back: %s is as it was %s   %s\n", s.good(), shown(path), stateOf(r, undo), report.Seconds(r.DurationMs))
		default:
			fmt.Fprintf(w, "%s %s restored from %s and verified   %s\n", s.good(), shown(path), clean(r.RestoredFrom), report.Seconds(r.DurationMs))
		}
		showChanges(w, r.Tables, !undo)
		if r.UndoId != "" && !r.DryRun {
			fmt.Fprintf(w, "To take it back: officer undo %s\n", shell.Word(shown(path)))
		}
	}}
}

// restoreTable puts one table back.
func (c *cli) restoreTable(ctx context.Context, r *reached, from *messages.RestoreBackup, flags restoreFlags, database string) (*outcome, error) {
	order := &messages.RestoreTable{Table: flags.table, Id: from.Id, BeforeUnixMs: from.BeforeUnixMs, DryRun: true, JobId: newJob()}
	if !flags.dry && !flags.yes {
		preview, err := asking[*messages.RestoreReport](ctx, c, r, order)
		if err != nil {
			return nil, err
		}
		if c.json {
			return nil, messages.NewFailure("not_confirmed", "restore", "this replaces rows of %s and was not confirmed", flags.table).
				WithDid("Nothing was changed.").WithHints(c.again("restore", database) + " --table " + shell.Word(flags.table))
		}
		fmt.Fprintf(c.err, "Table %s of %s will become what it was in %s:\n", clean(flags.table), shown(r.path), clean(preview.RestoredFrom))
		showTable(c.err, preview)
		if !c.asks("The database is backed up first.\nGo on? [y/N] ") {
			return nil, messages.NewFailure("not_confirmed", "restore", "it was not confirmed").
				WithDid("Nothing was changed.").WithHints(c.again("restore", database) + " --table " + shell.Word(flags.table))
		}
		order.Id, order.BeforeUnixMs = preview.RestoredFrom, 0 // what was shown is what is done
	}
	order.DryRun, order.Confirmed, order.JobId = flags.dry, !flags.dry, newJob()
	rep, err := asking[*messages.RestoreReport](ctx, c, r, order)
	if err != nil {
		return nil, err
	}
	out := repairOf(rep)
	code := report.Done
	if len(out.ForeignKeys) > 0 {
		code = report.Warnings
	}
	body := restoreOutcome(rep, r.path, false).json.(*restoreResult)
	body.Table, body.ForeignKeys, body.Notes = flags.table, out.ForeignKeys, out.Notes
	return &outcome{code: code, json: body, text: func(w io.Writer, s style) {
		if rep.DryRun {
			fmt.Fprintf(w, "Table %s would become what it was in %s (nothing was changed):\n", clean(flags.table), clean(rep.RestoredFrom))
		} else {
			fmt.Fprintf(w, "%s table %s restored from %s   %s\n", s.good(), clean(flags.table), clean(rep.RestoredFrom), report.Seconds(rep.DurationMs))
		}
		showTable(w, rep)
	}}, nil
}

// showTable writes what happens to one table, and what then has no parent.
func showTable(w io.Writer, r *messages.RestoreReport) {
	for _, t := range r.Tables {
		fmt.Fprintf(w, "    %s → %s rows\n", rowsText(t.RowsBefore), rowsText(t.RowsAfter))
	}
	showNotes(w, repairOf(r))
}

func known(rows int64) *int64 {
	if rows < 0 {
		return nil
	}
	return &rows
}

// showChanges writes what happens to each table; those that stay as they are, in one line. Of
// a verified backup everything is known: a table that has no rows there is not in it.
func showChanges(w io.Writer, tables []*messages.TableChange, verified bool) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	same := 0
	for _, c := range tables {
		switch {
		case c.RowsBefore == c.RowsAfter:
			same++
			continue
		case c.RowsBefore < 0:
			fmt.Fprintf(t, "    %s\t%d rows\t\n", clean(c.Name), c.RowsAfter)
			continue
		case c.RowsAfter < 0 && verified:
			fmt.Fprintf(t, "    %s\t%s → no such table\t\n", clean(c.Name), count(int(c.RowsBefore), "row"))
			continue
		}
		fmt.Fprintf(t, "    %s\t%s → %s rows\t\n", clean(c.Name), rowsText(c.RowsBefore), rowsText(c.RowsAfter))
	}
	_ = t.Flush()
	if same > 0 {
		fmt.Fprintf(w, "    %s with as many rows as now\n", count(same, "table"))
	}
}

func rowsText(rows int64) string {
	if rows < 0 {
		return "?"
	}
	return strconv.FormatInt(rows, 10)
}
