package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type logJSON struct {
	Time      string `json:"time"`
	Level     string `json:"level"`
	Component string `json:"component"`
	Message   string `json:"message"`
	Context   string `json:"context,omitempty"`
	Stack     string `json:"stack,omitempty"`
}

type logsResult struct {
	report.Head
	Records []logJSON `json:"records"`
}

const (
	followEvery  = time.Second
	logTailBytes = 1 << 20 // what is read of a log file
)

func (c *cli) logsVerb() *cobra.Command {
	var follow bool
	var level string
	var limit int
	cmd := c.verb("logs DB", "Show the newest log records", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			path, err := filepath.Abs(args[0])
			if err != nil || args[0] == "" {
				return nil, usage(fmt.Sprintf("%q is no usable path", args[0]))
			}
			if level != "" && !slices.Contains([]string{"debug", "info", "warn", "error"}, level) {
				return nil, usage(fmt.Sprintf("%q is no level of the log: debug, info, warn, error", level))
			}
			order := &messages.GetLogs{Level: level, Limit: int32(max(1, min(limit, 10_000)))}
			client, err := control.Reach(ctx, c.homeOf(path), path)
			if err != nil {
				if follow {
					return nil, err
				}
				return c.logsOfFile(c.homeOf(path), order)
			}
			defer client.Close()
			if follow {
				return nil, c.follow(ctx, client, order)
			}
			page, err := client.Ask(ctx, order, nil)
			if err != nil {
				return nil, err
			}
			got, _ := page.(*messages.LogPage)
			return logsOutcome(recordsOf(got)), nil
		})
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on showing new ones")
	cmd.Flags().StringVar(&level, "level", "", "at least this level: debug, info, warn, error")
	cmd.Flags().IntVarP(&limit, "limit", "n", 100, "how many")
	return cmd
}

// follow shows records as they come, until interrupted.
func (c *cli) follow(ctx context.Context, client *control.Client, order *messages.GetLogs) error {
	for {
		got, err := client.Ask(ctx, order, nil)
		if err != nil {
			return err
		}
		page, _ := got.(*messages.LogPage)
		for _, r := range page.GetRecords() {
			order.After = max(order.After, r.Sequence)
		}
		for _, r := range recordsOf(page) {
			if c.json {
				c.line(r)
			} else {
				showRecord(c.out, r)
			}
		}
		select {
		case <-time.After(followEvery):
		case <-ctx.Done():
			return messages.NewFailure("interrupted", "follow the log", "interrupted")
		}
	}
}

func recordsOf(page *messages.LogPage) []logJSON {
	out := []logJSON{}
	for _, r := range page.GetRecords() {
		out = append(out, logJSON{
			Time: time.UnixMilli(r.TimeUnixMs).UTC().Format("2006-01-02T15:04:05.000Z07:00"), Level: r.Level,
			Component: r.Component, Message: r.Message, Context: r.Context, Stack: r.Stack,
		})
	}
	return out
}

func logsOutcome(records []logJSON) *outcome {
	return &outcome{json: &logsResult{Records: records}, text: func(w io.Writer, _ style) {
		for _, r := range records {
			showRecord(w, r)
		}
	}}
}

func showRecord(w io.Writer, r logJSON) {
	if r.Level == "" {
		fmt.Fprintln(w, clean(r.Message))
		return
	}
	fmt.Fprintf(w, "[%s] [%s] [%s] %s %s\n", r.Time, strings.ToUpper(r.Level), clean(r.Component), clean(r.Message), clean(r.Context))
	for _, line := range strings.Split(r.Stack, "\n") {
		if line != "" {
			fmt.Fprintf(w, "    %s\n", clean(line))
		}
	}
}

var logLine = regexp.MustCompile(`^\[([^\]]*)\] \[(\w+)\] \[([^\]]*)\] (.*)$`)

// logsOfFile reads the end of the log file: without a running Officer nobody holds
// records in memory, and no lock is needed to read a file.
func (c *cli) logsOfFile(home string, order *messages.GetLogs) (*outcome, error) {
	files, _ := filepath.Glob(filepath.Join(home, "logs", "*.log"))
	if len(files) == 0 {
		return nil, messages.NewFailure("missing", "read the log", "there is no log in %s", home).
			WithDid("Nothing was touched.")
	}
	text, err := tail(files[0])
	if err != nil {
		return nil, messages.NewFailure("io_error", "read the log", "the log %s cannot be read", files[0]).
			WithDid("Nothing was touched.")
	}
	records := []logJSON{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		r := logJSON{Message: line}
		if m := logLine.FindStringSubmatch(line); m != nil {
			r = logJSON{Time: m[1], Level: strings.ToLower(m[2]), Component: m[3], Message: m[4]}
		}
		if rank(r.Level) >= rank(order.Level) {
			records = append(records, r)
		}
	}
	if n := len(records) - int(order.Limit); n > 0 {
		records = records[n:]
	}
	return logsOutcome(records), nil
}

func rank(level string) int {
	return strings.Index("debug info  warn  error", level)
}

func tail(path string) (string, error) {
	// The open of a named pipe would wait for a writer for ever.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", os.ErrInvalid
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if over := info.Size() - logTailBytes; over > 0 {
		if _, err := f.Seek(over, io.SeekStart); err != nil {
			return "", err
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, logTailBytes))
	return string(b), err
}
