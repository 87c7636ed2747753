package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type drillResult struct {
	report.Head
	Drill *report.Drill `json:"drill"`
}

func (c *cli) drillVerb() *cobra.Command {
	return c.verb("drill DB [ID]", "Restore a backup into a temporary file, check it, and measure how long that takes", cobra.RangeArgs(1, 2),
		func(ctx context.Context, args []string) (*outcome, error) {
			order := &messages.DrillNow{JobId: newJob()}
			if len(args) == 2 {
				order.Id = args[1]
			}
			got, _, err := ordering[*messages.DrillReport](ctx, c, args[0], order)
			if err != nil {
				return nil, err
			}
			code := report.Done
			switch {
			case !got.Ok:
				code = report.Damage
			case len(got.Rules) > 0:
				code = report.Warnings
			}
			return &outcome{code: code, json: &drillResult{Drill: report.DrillOf(got)}, text: func(w io.Writer, s style) { showDrill(w, s, got) }}, nil
		})
}

func showDrill(w io.Writer, s style, r *messages.DrillReport) {
	if r.Ok {
		fmt.Fprintf(w, "%s backup %s restores: usable after %s, checked in %s\n", s.good(), clean(r.Backup.GetId()), report.Seconds(r.RestoreMs), report.Seconds(r.CheckMs))
	} else {
		fmt.Fprintf(w, "%s backup %s did not restore\n", s.bad(), clean(r.Backup.GetId()))
	}
	showFindings(w, r.Findings)
	for _, k := range r.Rules {
		fmt.Fprintf(w, "  %s rule %s: %s\n", s.warn(), clean(k.Rule.GetName()), clean(either(k.Error != "", k.Error, count(int(k.Rows), "row"))))
	}
}

// drillLine is the line of proof of a status; "" when none was held yet.
func drillLine(r *messages.DrillReport, s style, now time.Time) string {
	switch {
	case r == nil:
		return ""
	case r.Ok:
		return fmt.Sprintf("%s proved restorable %s, in %s", s.good(), ago(r.AtUnixMs, now), report.Seconds(r.RestoreMs))
	}
	return fmt.Sprintf("%s the last restore drill failed, %s", s.bad(), ago(r.AtUnixMs, now))
}
