package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

func (c *cli) checkVerb() *cobra.Command {
	var quick, sqlite bool
	cmd := c.verb("check DB|FILE", "Check a whole database for damage", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			got, err := c.checkNow(ctx, args[0], quick, sqlite)
			if err != nil {
				return nil, err
			}
			return &outcome{
				code: report.CodeOfCheck(got), json: report.CheckOf(got),
				text: func(w io.Writer, s style) {
					showCheck(w, s, filepath.Base(args[0]), got)
					if got.EngineReason != "" && !sqlite && got.Verdict != "damaged" {
						fmt.Fprintf(w, "    judged by SQLite alone: %s\n", clean(got.EngineReason))
					}
				},
			}, nil
		})
	cmd.Flags().BoolVar(&quick, "quick", false, "leave out the comparison of indexes with their tables where it takes long")
	cmd.Flags().BoolVar(&sqlite, "sqlite", false, "use SQLite's own PRAGMA integrity_check instead of Officer's check of pages")
	return cmd
}

// checkNow checks a database that is looked after through its Officer, which sees damage
// twice before it says so, and any other file by itself.
func (c *cli) checkNow(ctx context.Context, file string, quick, sqlite bool) (*messages.CheckReport, error) {
	path, err := filepath.Abs(file)
	if err != nil || file == "" {
		return nil, usage(fmt.Sprintf("%q is no usable path", file))
	}
	if c.homeless(path) {
		return c.checkFile(ctx, path, quick, sqlite)
	}
	kind := messages.CheckKind_CHECK_KIND_FULL
	if quick {
		kind = messages.CheckKind_CHECK_KIND_QUICK
	}
	got, r, err := once[*messages.CheckReport](ctx, c, path, false, &messages.CheckNow{
		Kind: kind, Sqlite: sqlite, Priority: messages.Priority_PRIORITY_INTERACTIVE, JobId: newJob(),
	})
	if (r == nil || r.direct) && unwritable(err) { // then nobody can note what comes of it
		return c.checkFile(ctx, path, quick, sqlite)
	}
	return got, err
}

func (c *cli) checkFile(ctx context.Context, path string, quick, sqlite bool) (*messages.CheckReport, error) {
	m := c.meter()
	defer m.end()
	return officer.CheckFile(ctx, path, officer.FileCheck{Quick: quick, SQLite: sqlite, Progress: func(done, total int64) {
		m.hear(&messages.Progress{Stage: "check", Done: done, Total: total, Unit: "pages"})
	}})
}

// unwritable tells whether an error only says that something may be read and not written.
func unwritable(err error) bool {
	var f *messages.Failure
	return errors.As(err, &f) && (f.Code == "permission" || f.Code == "read_only")
}

// findingsShown bounds what goes on a screen; --json has all.
const findingsShown = 20

func showCheck(w io.Writer, s style, name string, r *messages.CheckReport) {
	name = clean(name)
	switch r.Verdict {
	case "ok":
		fmt.Fprintf(w, "%s %s: no damage   %s\n", s.good(), name, report.Seconds(r.DurationMs))
	case "damaged":
		fmt.Fprintf(w, "%s %s is damaged: %s   %s\n", s.bad(), name, findingsText(r), report.Seconds(r.DurationMs))
	default:
		fmt.Fprintf(w, "%s %s cannot be judged here   %s\n", s.warn(), name, report.Seconds(r.DurationMs))
	}
	showFindings(w, r.Findings)
	if n := len(r.ForeignKeys); n > 0 {
		fmt.Fprintf(w, "%s %s without a parent (not damage)\n", s.warn(), count(n, "row"))
		for i, k := range r.ForeignKeys {
			if i == findingsShown {
				fmt.Fprintf(w, "    and %d more\n", n-i)
				break
			}
			row := "a row"
			if k.HasRowid {
				row = fmt.Sprintf("rowid %d", k.Rowid)
			}
			fmt.Fprintf(w, "    %s %s → %s\n", clean(k.Table), row, clean(k.Parent))
		}
	}
	for _, f := range r.Rules {
		if f.Error != "" {
			fmt.Fprintf(w, "%s rule %s could not be run: %s\n", s.warn(), clean(f.Rule.GetName()), clean(f.Error))
			continue
		}
		fmt.Fprintf(w, "%s rule %s is broken by %s\n", s.warn(), clean(f.Rule.GetName()), count(int(f.Rows), "row"))
	}
}

// findingsText counts the findings, of which there may be more than a check lists.
func findingsText(r *messages.CheckReport) string {
	if r.MoreFindings {
		return fmt.Sprintf("the first %s (there may be more)", count(len(r.Findings), "finding"))
	}
	return count(len(r.Findings), "finding")
}

// showFindings shows a line for each finding, and one for a run of pages of which the same is
// to be said.
func showFindings(w io.Writer, findings []*messages.Finding) {
	for lines := 0; len(findings) > 0; lines++ {
		if lines == findingsShown {
			fmt.Fprintf(w, "    and %d more\n", len(findings))
			return
		}
		first, n := findings[0], 1
		for n < len(findings) && goesOn(findings[n-1], findings[n]) {
			n++
		}
		text := report.FindingText(first.Object, first.Page, first.Detail)
		if n > 1 {
			where := fmt.Sprintf("pages %d to %d", first.Page, findings[n-1].Page)
			text = report.FindingText(strings.TrimPrefix(first.Object+", "+where, ", "), 0, first.Detail)
		}
		fmt.Fprintf(w, "    %s\n", clean(text))
		findings = findings[n:]
	}
}

// goesOn tells whether the next finding says the same of the page that follows.
func goesOn(f, next *messages.Finding) bool {
	return f.Page > 0 && next.Page == f.Page+1 && next.Object == f.Object && next.Detail == f.Detail && next.Rowid == f.Rowid
}
