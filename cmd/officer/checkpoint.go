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

type checkpointResult struct {
	report.Head
	Mode           string           `json:"mode"`
	Complete       bool             `json:"complete"`
	LogFrames      int64            `json:"log_frames"`
	DoneFrames     int64            `json:"done_frames"`
	WALBytesBefore int64            `json:"wal_bytes_before"`
	WALBytesAfter  int64            `json:"wal_bytes_after"`
	Hostages       []report.Hostage `json:"hostages"`
	SkippedBecause string           `json:"skipped_because,omitempty"`
	DurationMS     int64            `json:"duration_ms"`
}

func (c *cli) checkpointVerb() *cobra.Command {
	var mode string
	cmd := c.verb("checkpoint DB", "Move what the WAL holds into the database and say who is in the way", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			o, _, err := once[*messages.CheckpointOutcome](ctx, c, args[0], false,
				&messages.CheckpointNow{Mode: mode, Reason: "manual", JobId: newJob()})
			if err != nil {
				return nil, err
			}
			return &outcome{
				code: exitOfCheckpoint(o), json: checkpointOf(o),
				text: func(w io.Writer, s style) { showCheckpoint(w, s, o, time.Now()) },
			}, nil
		})
	cmd.Flags().StringVar(&mode, "mode", "truncate", "passive, full, restart or truncate (https://sqlite.org/c3ref/wal_checkpoint_v2.html)")
	return cmd
}

func exitOfCheckpoint(o *messages.CheckpointOutcome) int {
	if o.SkippedBecause == "" && o.Complete && len(o.Hostages) == 0 {
		return report.Done
	}
	return report.Warnings
}

func checkpointOf(o *messages.CheckpointOutcome) *checkpointResult {
	return &checkpointResult{
		Mode: o.Mode, Complete: o.Complete, LogFrames: o.LogFrames, DoneFrames: o.DoneFrames,
		WALBytesBefore: o.WalBytesBefore, WALBytesAfter: o.WalBytesAfter, Hostages: report.HostagesOf(o.Hostages),
		SkippedBecause: o.SkippedBecause, DurationMS: o.DurationMs,
	}
}

func showCheckpoint(w io.Writer, s style, o *messages.CheckpointOutcome, now time.Time) {
	switch {
	case o.SkippedBecause != "":
		fmt.Fprintf(w, "%s no checkpoint: %s\n", s.warn(), clean(o.SkippedBecause))
	case o.Complete && len(o.Hostages) == 0:
		fmt.Fprintf(w, "%s everything is in the database file; WAL %s, was %s   %s\n", s.good(),
			report.Size(o.WalBytesAfter), report.Size(o.WalBytesBefore), report.Seconds(o.DurationMs))
	case o.Complete:
		fmt.Fprintf(w, "%s everything is in the database file, but the WAL could not be emptied: %s\n", s.warn(), report.Size(o.WalBytesAfter))
	default:
		fmt.Fprintf(w, "%s %d of %d pages moved; WAL %s\n", s.warn(), o.DoneFrames, o.LogFrames, report.Size(o.WalBytesAfter))
	}
	showHostages(w, o.Hostages, now)
}

func showHostages(w io.Writer, list []*messages.Hostage, now time.Time) {
	for _, h := range list {
		name := "a reader whose process " + clean(h.Command)
		if h.Pid > 0 {
			name = fmt.Sprintf("process %d (%s)", h.Pid, clean(h.Command))
		}
		if h.Own {
			name = "Officer itself"
		}
		fmt.Fprintf(w, "    %s reads since %s or longer and pins %s\n", name, ago(h.SinceUnixMs, now), count(int(h.Pages), "page"))
	}
}

// showWAL writes the line of a status about the WAL, when there is one.
func showWAL(w io.Writer, s style, r *messages.WalReport, now time.Time) {
	if r.GetJournalMode() != "wal" {
		return
	}
	mark, text := s.good(), ""
	if r.WalBytes > r.LimitBytes {
		mark = s.warn()
	}
	if r.LastAtUnixMs > 0 {
		text = ", checkpoint " + ago(r.LastAtUnixMs, now)
	}
	if r.PassiveBecause != "" {
		text += "; " + clean(r.PassiveBecause)
	}
	fmt.Fprintf(w, "  %s WAL %s of at most %s%s\n", mark, report.Size(r.WalBytes), report.Size(r.LimitBytes), text)
	showHostages(w, r.Hostages, now)
}
