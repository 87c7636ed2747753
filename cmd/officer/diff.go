package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type tableDiffJSON struct {
	Name     string `json:"name"`
	Change   string `json:"change"`
	RowsFrom *int64 `json:"rows_from"` // null = not there, or could not be read
	RowsTo   *int64 `json:"rows_to"`
}

type diffResult struct {
	report.Head
	From          string          `json:"from"`
	To            string          `json:"to"` // "" = the live database
	Equal         bool            `json:"equal"`
	SchemaChanged bool            `json:"schema_changed"`
	Tables        []tableDiffJSON `json:"tables"`
}

func (c *cli) diffVerb() *cobra.Command {
	return c.verb("diff DB [ID [ID2]]", "Compare a backup with the live database or with another backup", cobra.RangeArgs(1, 3),
		func(ctx context.Context, args []string) (*outcome, error) {
			order := &messages.DiffBackups{JobId: newJob()}
			if len(args) > 1 {
				order.Id = args[1]
			}
			if len(args) > 2 {
				order.OtherId = args[2]
			}
			got, r, err := looking[*messages.DiffReport](ctx, c, args[0], false, order)
			if err != nil {
				return nil, err
			}
			return diffOutcome(got, r.path), nil
		})
}

func diffOutcome(r *messages.DiffReport, path string) *outcome {
	out := &diffResult{From: r.From.GetId(), To: r.To.GetId(), Equal: r.Equal, SchemaChanged: r.SchemaChanged, Tables: []tableDiffJSON{}}
	for _, t := range r.Tables {
		out.Tables = append(out.Tables, tableDiffJSON{t.Name, t.Change, known(t.RowsFrom), known(t.RowsTo)})
	}
	return &outcome{json: out, text: func(w io.Writer, s style) {
		to := shown(path) + " as it is now"
		if r.To != nil {
			to = clean(r.To.Id)
		}
		if r.Equal {
			fmt.Fprintf(w, "%s %s and %s hold the same: every row of %s\n", s.good(), clean(r.From.GetId()), to, count(len(r.Tables), "table"))
			return
		}
		fmt.Fprintf(w, "From %s to %s:\n", clean(r.From.GetId()), to)
		showDiff(w, r)
	}}
}

// showDiff writes each table that differs; those that do not, in one line.
func showDiff(w io.Writer, r *messages.DiffReport) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	same := 0
	for _, d := range r.Tables {
		switch d.Change {
		case "same":
			same++
		case "changed":
			fmt.Fprintf(t, "    %s\t%d → %d rows\t%+d\n", clean(d.Name), d.RowsFrom, d.RowsTo, d.RowsTo-d.RowsFrom)
		case "added":
			fmt.Fprintf(t, "    %s\t%s rows\tnew\n", clean(d.Name), rowsText(d.RowsTo))
		case "gone":
			fmt.Fprintf(t, "    %s\t%s rows\tgone\n", clean(d.Name), rowsText(d.RowsFrom))
		default:
			fmt.Fprintf(t, "    %s\t%s → %s rows\tcould not be read\n", clean(d.Name), rowsText(d.RowsFrom), rowsText(d.RowsTo))
		}
	}
	_ = t.Flush()
	if r.SchemaChanged {
		fmt.Fprintln(w, "    the schema changed")
	}
	if same > 0 {
		fmt.Fprintf(w, "    %s with the same rows\n", count(same, "table"))
	}
}
