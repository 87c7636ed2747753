package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type droppedJSON struct {
	ID        string  `json:"id"`
	File      string  `json:"file"`
	Reason    string  `json:"reason"`
	DroppedAt *string `json:"dropped_at"`
}

type explainResult struct {
	report.Head
	Kept    []*report.Backup `json:"kept"`
	Dropped []droppedJSON    `json:"dropped"`
	Held    string           `json:"held,omitempty"`
	Chain   chainJSON        `json:"chain"`
}

// chainJSON is the chain of records that every backup stands in.
type chainJSON struct {
	Head   string   `json:"head"`
	Holds  bool     `json:"holds"`
	Breaks []string `json:"breaks"`
}

func (c *cli) explainVerb() *cobra.Command {
	return c.verb("explain DB [ID]", "Say why each backup is kept and when it will go", cobra.RangeArgs(1, 2),
		func(ctx context.Context, args []string) (*outcome, error) {
			order := &messages.ExplainRetention{}
			if len(args) == 2 {
				order.Id = args[1]
			}
			got, _, err := looking[*messages.RetentionReport](ctx, c, args[0], true, order)
			if err != nil {
				return nil, err
			}
			out := &explainResult{Kept: []*report.Backup{}, Dropped: []droppedJSON{}, Held: got.Held,
				Chain: chainJSON{Head: got.ChainHead, Holds: len(got.ChainBreaks) == 0, Breaks: report.List(got.ChainBreaks)}}
			for _, b := range got.Kept {
				out.Kept = append(out.Kept, report.BackupOf(b))
			}
			for _, d := range got.Dropped {
				out.Dropped = append(out.Dropped, droppedJSON{d.Id, d.File, d.Reason, report.Stamp(d.DroppedAtUnixMs)})
			}
			return &outcome{json: out, text: func(w io.Writer, s style) { showRetention(w, s, got) }}, nil
		})
}

func showRetention(w io.Writer, s style, r *messages.RetentionReport) {
	for _, b := range r.Kept {
		goes := "stays"
		if b.ExpiresAtUnixMs != 0 {
			goes = "goes " + report.When(b.ExpiresAtUnixMs) + " at the earliest"
		}
		if b.ExpiresBecause != "" {
			goes += ": " + b.ExpiresBecause
		}
		fmt.Fprintf(w, "%s %s  %s\n    kept: %s\n    %s\n", plainMark(b), clean(b.Id), clean(b.Tier), clean(b.KeepReason), clean(goes))
	}
	if len(r.Kept) == 0 {
		fmt.Fprintf(w, "%s no backups yet\n", s.warn())
	}
	for _, d := range r.Dropped {
		fmt.Fprintf(w, "%s %s  dropped %s: %s\n", s.dim("−"), clean(d.Id), report.When(d.DroppedAtUnixMs), clean(d.Reason))
	}
	if r.Held != "" {
		fmt.Fprintf(w, "%s nothing expires now: %s\n", s.warn(), clean(r.Held))
	}
	switch {
	case len(r.ChainBreaks) > 0:
		fmt.Fprintf(w, "%s the chain of records does not hold (head %s):\n", s.bad(), clean(r.ChainHead))
		for _, text := range r.ChainBreaks {
			fmt.Fprintf(w, "    %s\n", clean(text))
		}
	case r.ChainHead != "":
		fmt.Fprintf(w, "%s the chain of records holds, head %s\n", s.good(), clean(r.ChainHead))
	}
}
