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

type showResult struct {
	report.Head
	Backup *report.Backup `json:"backup"`
}

func (c *cli) showVerb() *cobra.Command {
	return c.verb("show DB ID", "Show everything known about one backup", cobra.ExactArgs(2),
		func(ctx context.Context, args []string) (*outcome, error) {
			r, err := c.look(ctx, args[0], true)
			if err != nil {
				return nil, err
			}
			defer r.close()
			b, err := asking[*messages.Backup](ctx, c, r, &messages.FindBackup{Id: args[1]})
			if err != nil {
				return nil, err
			}
			// Why it is kept is retention's to say; without it the rest is still worth showing.
			if why, err := asking[*messages.RetentionReport](ctx, c, r, &messages.ExplainRetention{Id: args[1]}); err == nil && len(why.Kept) == 1 {
				b.KeepReason, b.ExpiresAtUnixMs, b.ExpiresBecause = why.Kept[0].KeepReason, why.Kept[0].ExpiresAtUnixMs, why.Kept[0].ExpiresBecause
			}
			return &outcome{json: &showResult{Backup: report.BackupOf(b)}, text: func(w io.Writer, s style) { showBackup(w, s, b) }}, nil
		})
}

func showBackup(w io.Writer, s style, b *messages.Backup) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(t, "%s\t%s\n", name, clean(value)) }
	line("id", b.Id)
	line("file", shown(b.Path))
	line("taken", report.When(b.TakenAtUnixMs)+", "+b.Reason)
	line("size", fmt.Sprintf("%s (%d bytes), pages of %d", report.Size(b.SizeBytes), b.SizeBytes, b.PageSize))
	line("sha256", b.Sha256)
	line("verdict", plainMark(b)+" "+b.Verdict+", "+report.When(b.LastVerdictAtUnixMs))
	line("took", "copy "+report.Seconds(b.CopyMs)+", verify "+report.Seconds(b.VerifyMs)+", worst stall of a writer "+report.Seconds(b.WorstWriterStallMs))
	line("kept", b.Tier+": "+b.KeepReason)
	if b.ExpiresAtUnixMs != 0 {
		line("goes", report.When(b.ExpiresAtUnixMs)+" at the earliest: "+b.ExpiresBecause)
	}
	_ = t.Flush()
	if tables := b.Content.GetTables(); len(tables) > 0 {
		fmt.Fprintf(w, "%s\n", count(len(tables), "table"))
		t = tabwriter.NewWriter(w, 2, 4, 2, ' ', 0)
		for _, table := range tables {
			fmt.Fprintf(t, "  %s\t%d rows\t%s\n", clean(table.Name), table.Rows, s.dim(table.Digest))
		}
		_ = t.Flush()
	}
}
