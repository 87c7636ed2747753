package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type backupResult struct {
	report.Head
	Backup         *report.Backup `json:"backup"`
	Skipped        bool           `json:"skipped"`
	SkippedBecause string         `json:"skipped_because,omitempty"`
}

func (c *cli) backupVerb() *cobra.Command {
	var reason string
	var pin bool
	cmd := c.verb("backup DB", "Make a backup now, verified before it counts", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			got, _, err := once[*messages.BackupReport](ctx, c, args[0], false, &messages.TakeBackup{
				Reason: reason, Pin: pin, Priority: messages.Priority_PRIORITY_INTERACTIVE, JobId: newJob(),
			})
			if err != nil {
				return nil, err
			}
			code := report.Done
			if !got.Skipped && !got.Backup.GetVerified() {
				code = report.Damage // it was kept aside: it is of a damaged database, or did not pass
			}
			return &outcome{
				code: code,
				json: &backupResult{Backup: report.BackupOf(got.Backup), Skipped: got.Skipped, SkippedBecause: got.SkippedBecause},
				text: func(w io.Writer, s style) { showReport(w, s, got) },
			}, nil
		})
	cmd.Flags().StringVar(&reason, "reason", "manual", "why; kept with the backup")
	cmd.Flags().BoolVar(&pin, "pin", false, "keep it for ever and outside the count")
	return cmd
}

func showReport(w io.Writer, s style, r *messages.BackupReport) {
	b := r.Backup
	if r.Skipped {
		fmt.Fprintf(w, "%s nothing changed since the verified backup of %s   %s\n", s.good(), report.When(b.GetTakenAtUnixMs()), shown(b.GetPath()))
		return
	}
	mark, words := s.good(), "backup made and verified"
	if !b.GetVerified() {
		mark, words = s.warn(), "backup made, kept aside as "+clean(b.GetVerdict())
	}
	fmt.Fprintf(w, "%s %s   %s in %s   %s\n", mark, words, report.Size(b.GetSizeBytes()), report.Seconds(b.GetCopyMs()+b.GetVerifyMs()), shown(b.GetPath()))
}
