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

type eventsResult struct {
	report.Head
	Events []report.Event `json:"events"`
	Oldest uint64         `json:"oldest"`
}

func (c *cli) eventsVerb() *cobra.Command {
	var follow bool
	var limit int
	order := &messages.GetEvents{}
	cmd := c.verb("events DB", "Show what happened: the newest events of the journal", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			order.Limit = int32(max(1, min(limit, 1000)))
			r, err := c.look(ctx, args[0], true)
			if err != nil {
				return nil, err
			}
			defer r.close()
			if follow {
				if r.direct {
					return nil, messages.NewFailure("no_officer", "follow events", "no Officer is running, so nothing new will happen").
						WithDid("Nothing was touched.").WithHints("officer events "+shown(r.path), "officer run "+shown(r.path))
				}
				return nil, c.followEvents(ctx, r, order)
			}
			page, err := asking[*messages.EventPage](ctx, c, r, order)
			if err != nil {
				return nil, err
			}
			out := &eventsResult{Events: []report.Event{}, Oldest: page.Oldest}
			for _, e := range page.Events {
				out.Events = append(out.Events, report.EventOf(e))
			}
			return &outcome{json: out, text: func(w io.Writer, s style) {
				for _, e := range page.Events {
					showEvent(w, s, e)
				}
				if len(page.Events) == 0 {
					fmt.Fprintf(w, "%s no such events\n", s.warn())
				}
			}}, nil
		})
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on showing new ones")
	cmd.Flags().Uint64Var(&order.After, "since", 0, "only events after this sequence number")
	cmd.Flags().StringVar(&order.Type, "type", "", "only this type, or all of a system: 'backup.*'")
	cmd.Flags().IntVarP(&limit, "limit", "n", 100, "how many")
	return cmd
}

// followEvents shows events as they come, until interrupted.
func (c *cli) followEvents(ctx context.Context, r *reached, order *messages.GetEvents) error {
	for {
		page, err := asking[*messages.EventPage](ctx, c, r, order)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			order.After, order.Limit = max(order.After, e.Sequence), 1000
			if c.json {
				c.line(report.EventOf(e))
			} else {
				showEvent(c.out, c.style, e)
			}
		}
		select {
		case <-time.After(followEvery):
		case <-ctx.Done():
			return messages.NewFailure("interrupted", "follow events", "interrupted")
		}
	}
}

func showEvent(w io.Writer, s style, e *messages.Event) {
	fmt.Fprintf(w, "%s  %s  %-22s %s\n", s.dim(fmt.Sprintf("%6d", e.Sequence)), report.When(e.TimeUnixMs), clean(e.Type), clean(report.EventText(e)))
}
