package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

type repairedTableJSON struct {
	recoveredTableJSON
	RowsAfter *int64 `json:"rows_after"`
}

type orphanJSON struct {
	Table  string `json:"table"`
	Rowid  *int64 `json:"rowid"` // null = its table has none
	Parent string `json:"parent"`
}

type repairResult struct {
	report.Head
	Layer       string              `json:"layer"` // "reindex", "merge" or "salvage"
	Base        string              `json:"base,omitempty"`
	Compared    string              `json:"compared_with,omitempty"` // the backup that rows were compared with, whether it lent any or not
	UndoID      string              `json:"undo_id"`
	Tables      []repairedTableJSON `json:"tables"`
	SetAside    int64               `json:"lost_and_found"` // rows
	ForeignKeys []orphanJSON        `json:"foreign_keys"`
	BrokenRules []string            `json:"broken_rules"`
	Notes       []string            `json:"notes"`
	InPlace     bool                `json:"in_place"`
	DryRun      bool                `json:"dry_run"`
	KeptDir     string              `json:"kept_dir,omitempty"`
	EvidenceDir string              `json:"evidence_dir,omitempty"`
	Report      string              `json:"report,omitempty"`
	DurationMS  int64               `json:"duration_ms"`
}

func (c *cli) repairVerb() *cobra.Command {
	var flags restoreFlags
	cmd := c.verb("repair DB", "Recover a damaged database in place, losing as little as can be", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) { return c.repair(ctx, args[0], flags) })
	cmd.Flags().BoolVar(&flags.dry, "dry-run", false, "only show which way would be taken and what would be lost")
	cmd.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask")
	return cmd
}

func (c *cli) repair(ctx context.Context, database string, flags restoreFlags) (*outcome, error) {
	r, err := c.reach(ctx, database, true)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if !flags.dry && !flags.yes {
		preview, err := asking[*messages.RestoreReport](ctx, c, r, &messages.RepairDatabase{DryRun: true, JobId: newJob()})
		if err != nil {
			return nil, err
		}
		if err := c.confirmRepair(r.path, preview, c.again("repair", database)); err != nil {
			return nil, err
		}
	}
	rep, err := asking[*messages.RestoreReport](ctx, c, r, &messages.RepairDatabase{DryRun: flags.dry, Confirmed: !flags.dry, JobId: newJob()})
	if err != nil {
		return nil, err
	}
	return repairOutcome(rep, r.path), nil
}

// confirmRepair shows what would be lost and asks. Without a person to ask it refuses.
func (c *cli) confirmRepair(path string, preview *messages.RestoreReport, yes string) error {
	refused := messages.NewFailure("not_confirmed", "repair", "this changes %s and was not confirmed", filepath.Base(path)).
		WithDid("Nothing was changed.").WithHints(yes)
	if c.json {
		return refused
	}
	fmt.Fprintf(c.err, "%s would be recovered:\n", shown(path))
	showRepaired(c.err, repairOf(preview))
	if !c.asks("The damaged files are kept, and officer undo brings them back.\nGo on? [y/N] ") {
		return refused
	}
	return nil
}

func repairOf(r *messages.RestoreReport) *repairResult {
	out := &repairResult{
		Layer: r.Layer, Base: r.BaseId, Compared: r.ComparedWith, UndoID: r.UndoId, Tables: []repairedTableJSON{}, SetAside: r.SetAside, ForeignKeys: []orphanJSON{},
		BrokenRules: report.List(r.BrokenRules), Notes: report.List(r.Notes), InPlace: r.InPlace, DryRun: r.DryRun, KeptDir: r.KeptDir,
		EvidenceDir: r.EvidenceDir, Report: r.ReportFile, DurationMS: r.DurationMs,
	}
	after := map[string]int64{}
	for _, t := range r.Tables {
		after[t.Name] = t.RowsAfter
	}
	for _, t := range r.Recovered {
		row := repairedTableJSON{recoveredTableJSON: recoveredTableJSON{Name: t.Name, Salvaged: t.RowsKept + t.RowsSalvaged, Lost: t.RowsLostEstimate,
			FromBase: t.RowsFromBase, Uncertain: t.RowsUncertain, Kept: t.RowsKept, Strays: t.RowsSetAside, Notes: report.List(t.Notes),
			Confirmed: t.RowsConfirmed, ByBase: t.RowsConfirmedByBase, ByIndex: t.RowsConfirmedByIndex, ByLog: t.RowsConfirmedByLog,
			Unconfirmed: t.RowsUnconfirmed, Undated: t.RowsUndated, Doubted: t.RowsDoubted, AsInBase: t.RowsAsInBase, FromOlder: t.RowsFromOlder, Loose: looseIn(t.Unconfirmed)}}
		if n, ok := after[t.Name]; ok {
			row.RowsAfter = known(n)
		}
		out.Tables = append(out.Tables, row)
	}
	for _, k := range r.ForeignKeys {
		orphan := orphanJSON{Table: k.Table, Parent: k.Parent}
		if k.HasRowid {
			orphan.Rowid = &k.Rowid
		}
		out.ForeignKeys = append(out.ForeignKeys, orphan)
	}
	return out
}

func looseIn(all []*messages.RowStretch) []loss.Stretch {
	list := []loss.Stretch{}
	for _, s := range all {
		list = append(list, loss.Stretch{First: s.FirstRowid, Last: s.LastRowid, Rows: s.Rows})
	}
	return list
}

// whole tells whether the repair lost nothing and broke nothing.
func (r *repairResult) whole() bool {
	for i := range r.Tables {
		if !r.Tables[i].whole() {
			return false
		}
	}
	return r.SetAside == 0 && len(r.ForeignKeys)+len(r.BrokenRules)+len(r.Notes) == 0
}

func repairOutcome(r *messages.RestoreReport, path string) *outcome {
	out := repairOf(r)
	code := report.Done
	if !out.whole() {
		code = report.Warnings
	}
	return &outcome{code: code, json: out, text: func(w io.Writer, s style) {
		mark := s.good()
		if code != report.Done {
			mark = s.warn()
		}
		if out.DryRun {
			fmt.Fprintf(w, "%s %s would be recovered (nothing was changed):\n", mark, shown(path))
		} else {
			fmt.Fprintf(w, "%s %s was recovered in place and verified   %s\n", mark, shown(path), report.Seconds(out.DurationMS))
		}
		showRepaired(w, out)
		if !out.DryRun {
			fmt.Fprintf(w, "  report: %s\nTo take it back: officer undo %s\n", clean(out.Report), shell.Word(shown(path)))
		}
	}}
}

// showRepaired writes the layer, each table that is not whole, and what else is to know.
func showRepaired(w io.Writer, r *repairResult) {
	fmt.Fprintf(w, "  %s\n", loss.Layer(r.Layer).Words())
	if r.Base != "" {
		fmt.Fprintf(w, "  backup: %s\n", clean(r.Base))
	}
	tables := make([]recoveredTableJSON, 0, len(r.Tables))
	for i := range r.Tables {
		tables = append(tables, r.Tables[i].recoveredTableJSON)
	}
	showCertainty(w, tables, loss.Backup(r.Compared))
	showTables(w, tables)
	showNotes(w, r)
}

// showNotes writes what else is to know.
func showNotes(w io.Writer, r *repairResult) {
	lines := append([]string(nil), r.Notes...)
	for _, rule := range r.BrokenRules {
		lines = append(lines, "a rule does not hold: "+rule)
	}
	for i, k := range r.ForeignKeys {
		if i == findingsShown {
			lines = append(lines, "and "+strconv.Itoa(len(r.ForeignKeys)-i)+" more rows without a parent")
			break
		}
		row := loss.ForeignKey{Table: k.Table, Parent: k.Parent, HasRowid: k.Rowid != nil}
		if k.Rowid != nil {
			row.Rowid = *k.Rowid
		}
		lines = append(lines, row.Words())
	}
	for _, line := range lines {
		fmt.Fprintf(w, "  ! %s\n", clean(line))
	}
}
