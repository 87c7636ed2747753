package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/config"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/notice"
	"github.com/officer-doofy/officer/internal/notify"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type deliveryJSON struct {
	Name       string `json:"name"`
	OK         bool   `json:"delivered"`
	Text       string `json:"text"`
	DurationMS int64  `json:"duration_ms"`
}

type notifyResult struct {
	report.Head
	Receivers []deliveryJSON `json:"receivers"`
}

func (c *cli) notifyVerb() *cobra.Command {
	root := &cobra.Command{Use: "notify", Short: "Try the receivers of news", Args: worded(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	root.AddCommand(c.verb("test", "Send a test to every receiver of the configuration", cobra.NoArgs, c.notifyTest))
	return root
}

// notifyTest sends one note to each receiver, whatever it filters.
func (c *cli) notifyTest(ctx context.Context, _ []string) (*outcome, error) {
	cfg, err := c.settings(nil)
	if err != nil {
		return nil, err
	}
	if len(cfg.Notify) == 0 {
		return nil, messages.NewFailure("invalid", "test the receivers", "the configuration names nobody to tell").
			WithDid("Nothing was sent.").WithHints("officer config init > officer.yaml", "officer notify test --config officer.yaml")
	}
	out, code := &notifyResult{}, report.Done
	for i, n := range cfg.Notify {
		d := deliver(ctx, n, n.Title(i))
		if !d.OK {
			code = report.Failed
		}
		out.Receivers = append(out.Receivers, d)
	}
	return &outcome{code: code, json: out, text: func(w io.Writer, s style) {
		for _, d := range out.Receivers {
			mark := s.good()
			if !d.OK {
				mark = s.bad()
			}
			fmt.Fprintf(w, "%s %-24s %s\n", mark, clean(d.Name), clean(d.Text))
		}
	}}, nil
}

func deliver(ctx context.Context, n config.Notify, name string) deliveryJSON {
	t := notify.Target{Name: name, Webhook: n.Webhook, Ntfy: n.Ntfy, Healthchecks: n.Healthchecks, TokenFile: n.TokenFile, Exec: n.Exec, Timeout: n.Timeout}
	if m := n.SMTP; m != nil {
		t.SMTP = &notify.SMTP{Server: m.Server, From: m.From, To: m.To, User: m.User, PasswordFile: m.PasswordFile, PasswordEnv: m.PasswordEnv, Plain: m.Plain}
	}
	began := time.Now()
	err := notify.New(fsx.OS(), t).Send(ctx, notice.Note{
		ID: newJob(), Type: "officer.test", Severity: notice.Green, Ping: notice.Success, At: began,
		Title: "Officer: this is a test", Text: "Officer can reach you. Nothing is wrong.",
	})
	d := deliveryJSON{Name: name, OK: err == nil, Text: "told in " + report.Seconds(time.Since(began).Milliseconds()), DurationMS: time.Since(began).Milliseconds()}
	if err != nil {
		d.Text = "could not be told"
		if f, ok := err.(*fault.Error); ok { //nolint:errorlint // Send gives this type itself
			d.Text = f.Text
		}
	}
	return d
}
