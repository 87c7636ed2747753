package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type dashboardResult struct {
	report.Head
	URL    string `json:"url"`  // logs in once, within a minute
	File   string `json:"file"` // leads there
	Opened bool   `json:"opened"`
}

// openWithin is how long the program that opens the browser may take: it hands over and ends.
const openWithin = 10 * time.Second

func (c *cli) dashboardVerb() *cobra.Command {
	var printURL bool
	cmd := c.verb("dashboard DB", "Open the page of a running Officer in the browser, logged in", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) { return c.dashboard(ctx, args[0], printURL) })
	cmd.Flags().BoolVar(&printURL, "print-url", false, "only print the link; it works once, for a minute")
	return cmd
}

func (c *cli) dashboard(ctx context.Context, database string, printURL bool) (*outcome, error) {
	path, err := filepath.Abs(database)
	if err != nil || database == "" {
		return nil, usage(fmt.Sprintf("%q is no usable path", database))
	}
	client, err := control.Reach(ctx, c.homeOf(path), path)
	if err != nil {
		return nil, c.notLookedAfter(err, path)
	}
	defer client.Close()
	link, err := client.OpenDashboard(ctx)
	if err != nil {
		return nil, err
	}
	out := &dashboardResult{URL: link.Url, File: link.File}
	if !printURL && !c.json {
		out.Opened = browse(ctx, link.File)
	}
	return &outcome{json: out, text: func(w io.Writer, s style) {
		switch {
		case printURL:
			fmt.Fprintln(w, out.URL)
		case out.Opened:
			fmt.Fprintf(w, "%s The page opens in the browser. If it does not: officer dashboard %s --print-url\n", s.good(), shown(path))
		default:
			fmt.Fprintf(w, "There is no browser here that could be opened. This link works once, for a minute:\n%s\n", out.URL)
		}
	}}, nil
}

// notLookedAfter adds to "no Officer answers" how to have one.
func (c *cli) notLookedAfter(err error, path string) error {
	var f *messages.Failure
	if errors.As(err, &f) && f.Code == "no_officer" {
		return f.WithHints("officer run " + shown(path))
	}
	return plainly(err)
}

// browse opens a file in the user's browser; false when that is not possible. The link
// itself is no argument: everybody on the machine can read those.
func browse(ctx context.Context, file string) bool {
	opener := openerOf(runtime.GOOS)
	if file == "" || len(opener) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	return exec.CommandContext(ctx, opener[0], append(opener[1:], file)...).Run() == nil
}

// openerOf is the command that opens a file with the program for it; none where nobody
// could see it.
func openerOf(system string) []string {
	switch system {
	case "darwin":
		return []string{"open"}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY"} {
		if os.Getenv(name) != "" {
			return []string{"xdg-open"}
		}
	}
	return nil
}
