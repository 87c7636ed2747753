package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

func (c *cli) pinVerb() *cobra.Command {
	return c.pinning("pin DB ID", "Keep a backup for ever and outside the count", "is kept until it is unpinned",
		func(id string) proto.Message { return &messages.PinBackup{Id: id} })
}

func (c *cli) unpinVerb() *cobra.Command {
	return c.pinning("unpin DB ID", "Give a pinned backup back to the rules of retention", "follows the rules of retention again",
		func(id string) proto.Message { return &messages.UnpinBackup{Id: id} })
}

func (c *cli) pinning(use, short, words string, order func(id string) proto.Message) *cobra.Command {
	return c.verb(use, short, cobra.ExactArgs(2), func(ctx context.Context, args []string) (*outcome, error) {
		b, _, err := ordering[*messages.Backup](ctx, c, args[0], order(args[1]))
		if err != nil {
			return nil, err
		}
		return &outcome{json: &showResult{Backup: report.BackupOf(b)}, text: func(w io.Writer, s style) {
			fmt.Fprintf(w, "%s %s %s   %s\n", s.good(), clean(b.Id), words, shown(b.Path))
		}}, nil
	})
}
