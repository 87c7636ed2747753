package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

func (c *cli) statusVerb() *cobra.Command {
	var watch, plugin bool
	cmd := c.verb("status DB", "Say whether the data are safe, and why", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			if plugin {
				return c.nagios(ctx, args[0]), nil
			}
			r, err := c.look(ctx, args[0], true)
			if err != nil {
				return nil, err
			}
			defer r.close()
			if watch {
				return nil, c.watch(ctx, r)
			}
			st, err := asking[*messages.Status](ctx, c, r, &messages.GetStatus{})
			if err != nil {
				return nil, err
			}
			return statusOutcome(st, r), nil
		})
	cmd.Flags().BoolVar(&watch, "watch", false, "go on showing it, at every event")
	cmd.Flags().BoolVar(&plugin, "nagios", false, "one line and the exit codes of a monitoring plugin")
	return cmd
}

// alone makes the status honest when nobody looks after the database between commands:
// what is on disk may be fine, but no new backup will come.
func alone(st *messages.Status, database string) {
	severity, text := messages.Severity_SEVERITY_YELLOW, "No Officer is running: backups are not being taken."
	if st.LastVerifiedBackup == nil {
		severity, text = messages.Severity_SEVERITY_RED, "No Officer is running and there is no verified backup."
	}
	if st.Health == nil {
		st.Health = &messages.HealthReport{}
	}
	if severity > st.Health.Health {
		st.Health.Health, st.Health.Headline = severity, text
	}
	st.Health.Conditions = append(st.Health.Conditions, &messages.Condition{
		Code: "not_running", Severity: severity, Text: text, Hint: "officer run " + shown(database), System: "cli",
	})
}

func statusOutcome(st *messages.Status, r *reached) *outcome {
	if r.direct {
		alone(st, r.path)
	}
	return &outcome{
		code: report.CodeOfHealth(st.Health.GetHealth()), json: report.StatusOf(st, r.path, !r.direct),
		text: func(w io.Writer, s style) { showStatus(w, s, st, r, time.Now()) },
	}
}

// showStatus writes light, sentence, proof, check lines, and what to do next.
func showStatus(w io.Writer, s style, st *messages.Status, r *reached, now time.Time) {
	fmt.Fprintf(w, "%s  %s\n", s.light(st.Health.GetHealth()), clean(st.Health.GetHeadline()))
	fmt.Fprintf(w, "  %s%s\n", clean(filepath.Base(r.path)), factsText(st.Facts))
	if b := st.LastVerifiedBackup; b != nil {
		fmt.Fprintf(w, "  %s newest verified backup %s (%s)   %s\n", s.good(), ago(b.TakenAtUnixMs, now), report.Size(b.SizeBytes), shown(b.Path))
	} else {
		fmt.Fprintf(w, "  %s no verified backup\n", s.bad())
	}
	if line := drillLine(st.LastDrill, s, now); line != "" {
		fmt.Fprintf(w, "  %s\n", line)
	}
	if last := st.Integrity.GetLastFull(); last != nil {
		mark, words := s.good(), "no damage"
		if last.Verdict != "ok" {
			mark, words = s.bad(), clean(last.Verdict)
		}
		fmt.Fprintf(w, "  %s %s, checked %s\n", mark, words, ago(last.CheckedAtUnixMs, now))
	} else if !r.direct {
		fmt.Fprintf(w, "  %s not fully checked yet\n", s.warn())
	}
	showDisk(w, s, st.Disk)
	showWAL(w, s, st.Wal, now)
	if f := st.Owner.GetFence(); f.GetActive() {
		fmt.Fprintf(w, "  %s writes are held back: %s\n", s.bad(), clean(fenceText(f)))
	}
	for _, k := range st.Health.GetConditions() {
		mark := s.warn()
		if k.Severity == messages.Severity_SEVERITY_RED {
			mark = s.bad()
		}
		fmt.Fprintf(w, "  %s %s\n", mark, clean(k.Text))
		if k.Hint != "" {
			fmt.Fprintf(w, "    → %s\n", clean(k.Hint))
		}
	}
	for _, a := range st.Actors {
		if a.State != "running" {
			fmt.Fprintf(w, "  %s part %s: %s after %s\n", s.bad(), clean(a.Name), clean(a.State), count(int(a.Restarts), "restart"))
		}
	}
}

func fenceText(f *messages.FenceState) string {
	text := ""
	for i, reason := range f.Reasons {
		if i > 0 {
			text += ", "
		}
		text += reason
	}
	if f.Active && !f.Held {
		text += " (the lock could not be had: " + f.Text + ")"
	}
	return text
}

// factsText is " (104 MB, WAL, last written by SQLite 3.53.2)".
func factsText(f *messages.DatabaseFacts) string {
	if f == nil {
		return ""
	}
	bytes := f.SizeBytes
	if bytes == 0 {
		bytes = f.PageCount * f.PageSize
	}
	text := " (" + report.Size(bytes)
	switch f.JournalMode {
	case "":
	case "wal":
		text += ", WAL"
	default:
		text += ", journal mode " + clean(f.JournalMode)
	}
	if v := f.Source.GetWriterVersion(); v > 0 {
		text += fmt.Sprintf(", last written by SQLite %d.%d.%d", v/1000000, v/1000%1000, v%1000)
	}
	return text + ")"
}
