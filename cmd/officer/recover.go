package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

type recoveredTableJSON struct {
	Name      string   `json:"name"`
	Salvaged  int64    `json:"rows_salvaged"` // out of the file, in place or not
	Lost      int64    `json:"rows_lost_estimate"`
	FromBase  int64    `json:"rows_from_base"`
	Uncertain int64    `json:"rows_uncertain"`  // of rows_salvaged, all that are not confirmed: unconfirmed, undated, doubted
	Undated   int64    `json:"rows_undated"`    // those of which only their age is in doubt
	FromIndex int64    `json:"rows_from_index"` // of rows_salvaged, those put together from index entries
	FromOlder int64    `json:"rows_from_older"` // of rows_salvaged, those of an older image of their page; all are doubted
	Kept      int64    `json:"rows_kept"`       // of rows_salvaged, those found in place
	Refused   int64    `json:"rows_refused"`
	Strays    int64    `json:"rows_in_lost_and_found"`
	Notes     []string `json:"notes"`

	Confirmed   int64          `json:"rows_confirmed"` // of rows_salvaged: something other than themselves speaks for them
	ByBase      int64          `json:"rows_confirmed_by_base"`
	ByIndex     int64          `json:"rows_confirmed_by_index"`
	ByLog       int64          `json:"rows_confirmed_by_log"`
	Unconfirmed int64          `json:"rows_unconfirmed"` // whole, and nothing speaks for or against them
	Doubted     int64          `json:"rows_doubted"`     // something speaks against them
	AsInBase    int64          `json:"rows_as_in_base"`  // of rows_salvaged, whatever their age
	Loose       []loss.Stretch `json:"unconfirmed_rowids"`
}

type recoverResult struct {
	report.Head
	File       string               `json:"file"`
	To         string               `json:"to"`
	Base       string               `json:"base,omitempty"`
	Tables     []recoveredTableJSON `json:"tables"`
	Found      int64                `json:"lost_and_found"` // rows
	FoundTable string               `json:"lost_and_found_table,omitempty"`
	Doubts     string               `json:"doubts_table,omitempty"`
	Undated    string               `json:"undated,omitempty"` // why the newest changes may be missing
	Verdict    string               `json:"verdict"`
	Findings   []report.Finding     `json:"findings"`
	Notes      []string             `json:"notes"`
	PageSize   int                  `json:"page_size"`
	Pages      uint32               `json:"pages"`
	WALBytes   int64                `json:"wal_bytes"`
	Changed    bool                 `json:"changed_meanwhile"`
	Report     string               `json:"report,omitempty"`
	DurationMS int64                `json:"duration_ms"`
}

func (c *cli) recoverVerb() *cobra.Command {
	var to, base, page string
	cmd := c.verb("recover FILE --to OUT", "Salvage a damaged database into a new file", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			return c.recover(ctx, args[0], to, base, page)
		})
	cmd.Flags().StringVar(&to, "to", "", "the new database; it must not exist")
	cmd.Flags().StringVar(&base, "base", "", "an older healthy copy, such as the newest verified backup")
	cmd.Flags().StringVar(&page, "report", "", "write what was found to this HTML page, and to a .json beside it")
	return cmd
}

func (c *cli) recover(ctx context.Context, file, to, base, page string) (*outcome, error) {
	if to == "" {
		return nil, usage("recover never works in place: name the new file", "officer recover "+shell.Word(file)+" --to recovered.db")
	}
	paths := []string{file, to, base, page}
	for i, p := range paths {
		if p == "" {
			continue
		}
		var err error
		if paths[i], err = filepath.Abs(p); err != nil {
			return nil, usage(fmt.Sprintf("%q is no usable path", p))
		}
	}
	for _, p := range []string{paths[0], paths[2]} {
		if p != "" && !exists(p) {
			return nil, messages.NewFailure("missing", "recover", "there is no file %s", p).WithDid("Nothing was created or changed.")
		}
	}
	for _, p := range append([]string{paths[1]}, reportFiles(paths[3])...) {
		if exists(p) {
			return nil, messages.NewFailure("refused", "recover", "%s exists already, and no file is overwritten", filepath.Base(p)).
				WithDid("Nothing was touched.")
		}
	}
	m := c.meter()
	got, err := officer.RecoverFile(ctx, paths[0], paths[1], paths[2], m.hear)
	m.end()
	if err != nil {
		return nil, err
	}
	result := recoveredOf(got, file, to, base)
	done := &outcome{code: exitOfRecovered(got), json: result, text: func(w io.Writer, s style) { showRecovered(w, s, result) }}
	report.Finish(result, done.code)
	if page != "" {
		result.Report = page
		err = writeReports(paths[3], result)
	}
	return done, err
}

func exitOfRecovered(r *officer.Recovered) int {
	switch {
	case r.Verdict.Verdict == "damaged":
		return report.Damage
	case !r.Whole():
		return report.Warnings
	}
	return report.Done
}

func recoveredOf(r *officer.Recovered, file, to, base string) *recoverResult {
	out := &recoverResult{
		File: file, To: to, Base: base, Tables: []recoveredTableJSON{}, Found: r.Found, FoundTable: r.LostAndFound,
		Verdict: string(r.Verdict.Verdict), Findings: []report.Finding{}, Notes: report.List(r.Notes), PageSize: r.PageSize, Pages: r.Pages,
		Doubts: r.Doubts, Undated: r.Undated, WALBytes: r.WALBytes, Changed: r.Changed, DurationMS: r.Duration.Milliseconds(),
	}
	if r.Changed {
		out.Notes = append(out.Notes, "somebody wrote to the file while it was read: what was written meanwhile may be missing")
	}
	for _, f := range r.Verdict.Findings {
		out.Findings = append(out.Findings, report.Finding{Kind: f.Kind, Object: f.Object, Page: f.Page, Detail: f.Detail})
	}
	for _, t := range r.Tables {
		out.Tables = append(out.Tables, recoveredTableJSON{
			Name: t.Name, Salvaged: t.Kept + t.Salvaged, Lost: t.Lost, FromBase: t.FromBase, Uncertain: t.Uncertain(),
			Undated: t.Undated, FromIndex: t.FromIndex, FromOlder: t.FromOlder, Kept: t.Kept, Refused: t.Refused, Strays: t.Strays + t.Refused, Notes: report.List(t.Notes),
			Confirmed: t.Confirmed(), ByBase: t.ByBase, ByIndex: t.ByIndex, ByLog: t.ByLog, Unconfirmed: t.Unconfirmed(), Doubted: t.Doubted,
			AsInBase: t.AsInBase, Loose: looseOf(t.Loose),
		})
	}
	return out
}

// headline says in one sentence how it went.
func (r *recoverResult) headline() string {
	var lost, base, doubted int64
	for _, t := range r.Tables {
		lost, base, doubted = lost+t.Lost, base+t.FromBase, doubted+t.Doubted
	}
	var parts []string
	for _, p := range []struct {
		n    int64
		text string
	}{{lost, "about %s lost"}, {base, "%s from the older copy"}, {doubted, "%s doubted"}, {r.Found, "%s in " + r.FoundTable}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf(p.text, count(int(p.n), "row")))
		}
	}
	if r.Undated != "" {
		parts = append(parts, "the newest changes may be missing")
	}
	name := filepath.Base(r.File)
	switch {
	case len(parts) > 0:
		return name + ": salvaged into " + r.To + "; " + strings.Join(parts, ", ")
	case len(r.Notes) > 0:
		return name + ": salvaged into " + r.To + "; see the notes"
	}
	return name + ": everything is in " + r.To
}

// notes gives what is to be said of the database as a whole.
func (r *recoverResult) notes() (all []string) {
	if r.Undated != "" {
		all = append(all, r.Undated)
	}
	if r.Doubts != "" {
		all = append(all, "the table "+r.Doubts+" of the new file names each row that the damaged file does not prove, and why")
	}
	return append(all, r.Notes...)
}

// verdictText says what the check of the new file found.
func (r *recoverResult) verdictText() string {
	switch r.Verdict {
	case "ok":
		return "the new file was checked: no damage"
	case "damaged":
		return "the new file does not pass its check: do not use it, keep both, and report this"
	}
	return "the new file cannot be judged here in full"
}

func showRecovered(w io.Writer, s style, r *recoverResult) {
	mark := s.good()
	switch r.Code {
	case report.Warnings:
		mark = s.warn()
	case report.Damage:
		mark = s.bad()
	}
	fmt.Fprintf(w, "%s %s   %s\n", mark, clean(r.headline()), report.Seconds(r.DurationMS))
	showCertainty(w, r.Tables, r.older())
	showTables(w, r.Tables)
	for _, note := range r.notes() {
		fmt.Fprintf(w, "  %s %s\n", s.warn(), clean(note))
	}
	fmt.Fprintf(w, "  %s\n", r.verdictText())
	for i, f := range r.Findings {
		if i == findingsShown {
			fmt.Fprintf(w, "    and %d more\n", len(r.Findings)-i)
			break
		}
		fmt.Fprintf(w, "    %s\n", clean(report.FindingText(f.Object, f.Page, f.Detail)))
	}
	if r.Report != "" {
		fmt.Fprintf(w, "  report: %s\n", clean(r.Report))
	}
}

func (t *recoveredTableJSON) whole() bool {
	return t.Lost == 0 && t.FromBase == 0 && t.Doubted == 0 && t.Strays == 0
}

// words gives the counts of a table for a line of text.
func (t *recoveredTableJSON) words() []string {
	words := []string{loss.Number(t.Salvaged) + " salvaged"}
	for _, p := range []struct {
		n    int64
		text string
	}{{t.Confirmed, " of them confirmed"}, {t.Unconfirmed, " unconfirmed"}, {t.Undated, " of doubtful age"}, {t.Doubted, " doubted"}, {t.FromOlder, " of them from older images of their pages"},
		{t.FromBase, " from the older copy"}, {t.Lost, " lost (estimate)"}, {t.Strays, " set aside"}} {
		if p.n > 0 {
			words = append(words, loss.Number(p.n)+p.text)
		}
	}
	return words
}
