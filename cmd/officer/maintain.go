package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type maintenanceResult struct {
	report.Head
	Kind        string  `json:"kind"` // "vacuum", "incremental_vacuum", "analyze"
	Skipped     bool    `json:"skipped"`
	Because     string  `json:"because"`
	BeforeBytes int64   `json:"before_bytes"`
	AfterBytes  int64   `json:"after_bytes"`
	DurationMS  int64   `json:"duration_ms"`
	BackupID    string  `json:"backup_id"`
	At          *string `json:"at"`
}

func (c *cli) vacuumVerb() *cobra.Command {
	var force bool
	cmd := c.verb("vacuum DB", "Give free pages back to the disk, after a verified backup", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			return c.maintain(ctx, args[0], &messages.VacuumNow{Force: force, JobId: newJob()})
		})
	cmd.Flags().BoolVar(&force, "force", false, "also when it does not pay or the app is busy: it holds writers up meanwhile")
	return cmd
}

func (c *cli) analyzeVerb() *cobra.Command {
	return c.verb("analyze DB", "Renew the statistics that SQLite plans queries by", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			return c.maintain(ctx, args[0], &messages.AnalyzeNow{JobId: newJob()})
		})
}

func (c *cli) maintain(ctx context.Context, database string, order proto.Message) (*outcome, error) {
	r, _, err := once[*messages.MaintenanceReport](ctx, c, database, false, order)
	if err != nil {
		return nil, err
	}
	code := report.Done
	if r.Skipped { // what was asked for is not done
		code = report.Warnings
	}
	return &outcome{
		code: code,
		json: &maintenanceResult{Kind: r.Kind, Skipped: r.Skipped, Because: r.Because, BeforeBytes: r.BeforeBytes,
			AfterBytes: r.AfterBytes, DurationMS: r.DurationMs, BackupID: r.BackupId, At: report.Stamp(r.AtUnixMs)},
		text: func(w io.Writer, s style) { showMaintenance(w, s, clean(filepath.Base(database)), database, r) },
	}, nil
}

func showMaintenance(w io.Writer, s style, name, database string, r *messages.MaintenanceReport) {
	switch {
	case r.Skipped && r.Kind == "analyze":
		fmt.Fprintf(w, "%s %s was left as it is: %s\n", s.warn(), name, clean(r.Because))
	case r.Skipped:
		fmt.Fprintf(w, "%s %s was left as it is: %s\n  → officer vacuum %s --force\n", s.warn(), name, clean(r.Because), clean(database))
	case r.Kind == "analyze":
		fmt.Fprintf(w, "%s %s: statistics renewed   %s\n", s.good(), name, report.Seconds(r.DurationMs))
	default:
		fmt.Fprintf(w, "%s %s: %s → %s   %s\n", s.good(), name, report.Size(r.BeforeBytes), report.Size(r.AfterBytes), report.Seconds(r.DurationMs))
		fmt.Fprintf(w, "  the verified backup before it is %s\n", clean(r.BackupId))
	}
}
