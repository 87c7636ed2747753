package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/messages"
)

// drillJSON is one restore drill.
type drillJSON struct {
	BackupID  string           `json:"backup_id"`
	OK        bool             `json:"ok"`
	At        *string          `json:"at"`
	RestoreMS int64            `json:"restore_ms"`
	CheckMS   int64            `json:"check_ms"`
	Findings  []findingJSON    `json:"findings"`
	Rules     []brokenRuleJSON `json:"rules"`
}

// brokenRuleJSON is an app rule that was broken or could not be run.
type brokenRuleJSON struct {
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Rows     int64  `json:"rows"`
	Error    string `json:"error,omitempty"`
}

type drillResult struct {
	head
	Drill *drillJSON `json:"drill"`
}

func drillOf(r *messages.DrillReport) *drillJSON {
	if r == nil {
		return nil
	}
	out := &drillJSON{BackupID: r.Backup.GetId(), OK: r.Ok, At: stamp(r.AtUnixMs), RestoreMS: r.RestoreMs,
		CheckMS: r.CheckMs, Findings: findingsOf(r.Findings), Rules: []brokenRuleJSON{}}
	for _, k := range r.Rules {
		out.Rules = append(out.Rules, brokenRuleJSON{k.Rule.GetName(), colour(k.Rule.GetSeverity()), k.Rows, k.Error})
	}
	return out
}

func (c *cli) drillVerb() *cobra.Command {
	return c.verb("drill DB [ID]", "Restore a backup into a temporary file, check it, and measure how long that takes", cobra.RangeArgs(1, 2),
		func(ctx context.Context, args []string) (*outcome, error) {
			order := &messages.DrillNow{JobId: newJob()}
			if len(args) == 2 {
				order.Id = args[1]
			}
			got, _, err := once[*messages.DrillReport](ctx, c, args[0], true, order)
			if err != nil {
				return nil, err
			}
			code := exitDone
			switch {
			case !got.Ok:
				code = exitDamage
			case len(got.Rules) > 0:
				code = exitWarnings
			}
			return &outcome{code: code, json: &drillResult{Drill: drillOf(got)}, text: func(w io.Writer, s style) { showDrill(w, s, got) }}, nil
		})
}

func showDrill(w io.Writer, s style, r *messages.DrillReport) {
	if r.Ok {
		fmt.Fprintf(w, "%s backup %s restores: usable after %s, checked in %s\n", s.good(), clean(r.Backup.GetId()), seconds(r.RestoreMs), seconds(r.CheckMs))
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
		return fmt.Sprintf("%s proved restorable %s, in %s", s.good(), ago(r.AtUnixMs, now), seconds(r.RestoreMs))
	}
	return fmt.Sprintf("%s the last restore drill failed, %s", s.bad(), ago(r.AtUnixMs, now))
}
