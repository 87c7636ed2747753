package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

func (c *cli) listVerb() *cobra.Command {
	return c.verb("list DB", "List the backups, newest first", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			got, r, err := looking[*messages.BackupList](ctx, c, args[0], true, &messages.ListBackups{})
			if err != nil {
				return nil, err
			}
			return &outcome{json: report.BackupsOf(got), text: func(w io.Writer, s style) {
				if len(got.Backups) == 0 {
					fmt.Fprintf(w, "%s no backups yet. Make one: officer backup %s\n", s.warn(), shown(r.path))
					return
				}
				showBackups(w, s, got.Backups, time.Now())
				if got.Held != "" {
					fmt.Fprintf(w, "%s nothing expires now: %s\n", s.warn(), clean(got.Held))
				}
			}}, nil
		})
}

// showBackups writes one line a backup.
func showBackups(w io.Writer, s style, backups []*messages.Backup, now time.Time) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "  \tID\tTAKEN\tAGE\tSIZE\tTIER\tVERDICT\tKEPT BECAUSE")
	for _, b := range backups {
		// Marks are coloured only outside the table: escape codes would count as cells.
		fmt.Fprintf(t, "%s \t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plainMark(b), clean(b.Id), report.When(b.TakenAtUnixMs),
			ago(b.TakenAtUnixMs, now), report.Size(b.SizeBytes), clean(b.Tier), clean(b.Verdict), clean(b.KeepReason))
	}
	_ = t.Flush()
}

func plainMark(b *messages.Backup) string {
	switch {
	case b.Verified && b.Tier != "suspect" && b.Tier != "quarantined":
		return "✓"
	case b.Verdict == "damaged" || b.Verdict == "missing" || b.Verdict == "changed":
		return "✗"
	}
	return "!"
}
