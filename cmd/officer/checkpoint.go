package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/messages"
)

type hostageJSON struct {
	PID     int64   `json:"pid"` // 0 = cannot be told on this system
	Command string  `json:"command"`
	Since   *string `json:"since"`
	Pages   int64   `json:"pages"`
	Own     bool    `json:"own"`
}

type checkpointResult struct {
	head
	Mode           string        `json:"mode"`
	Complete       bool          `json:"complete"`
	LogFrames      int64         `json:"log_frames"`
	DoneFrames     int64         `json:"done_frames"`
	WALBytesBefore int64         `json:"wal_bytes_before"`
	WALBytesAfter  int64         `json:"wal_bytes_after"`
	Hostages       []hostageJSON `json:"hostages"`
	SkippedBecause string        `json:"skipped_because,omitempty"`
	DurationMS     int64         `json:"duration_ms"`
}

type walJSON struct {
	SizeBytes      int64         `json:"size_bytes"`
	LimitBytes     int64         `json:"limit_bytes"`
	LastCheckpoint *string       `json:"last_checkpoint"`
	Hostages       []hostageJSON `json:"hostages"`
	PassiveBecause string        `json:"passive_because,omitempty"`
	EngineVersion  string        `json:"engine_version,omitempty"`
	EngineHazard   string        `json:"engine_hazard,omitempty"`
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
		return exitDone
	}
	return exitWarnings
}

func checkpointOf(o *messages.CheckpointOutcome) *checkpointResult {
	return &checkpointResult{
		Mode: o.Mode, Complete: o.Complete, LogFrames: o.LogFrames, DoneFrames: o.DoneFrames,
		WALBytesBefore: o.WalBytesBefore, WALBytesAfter: o.WalBytesAfter, Hostages: hostagesOf(o.Hostages),
		SkippedBecause: o.SkippedBecause, DurationMS: o.DurationMs,
	}
}

func hostagesOf(from []*messages.Hostage) []hostageJSON {
	out := []hostageJSON{}
	for _, h := range from {
		out = append(out, hostageJSON{h.Pid, h.Command, stamp(h.SinceUnixMs), h.Pages, h.Own})
	}
	return out
}

// walOf is the WAL in a status; without a wal system only its size is known.
func walOf(st *messages.Status) walJSON {
	r := st.Wal
	out := walJSON{SizeBytes: st.Facts.GetWalBytes(), LimitBytes: r.GetLimitBytes(), Hostages: hostagesOf(r.GetHostages())}
	if r != nil {
		out.SizeBytes, out.LastCheckpoint = r.WalBytes, stamp(r.LastAtUnixMs)
		out.PassiveBecause, out.EngineVersion, out.EngineHazard = r.PassiveBecause, r.EngineVersion, r.EngineHazard
	}
	return out
}

func showCheckpoint(w io.Writer, s style, o *messages.CheckpointOutcome, now time.Time) {
	switch {
	case o.SkippedBecause != "":
		fmt.Fprintf(w, "%s no checkpoint: %s\n", s.warn(), clean(o.SkippedBecause))
	case o.Complete && len(o.Hostages) == 0:
		fmt.Fprintf(w, "%s everything is in the database file; WAL %s, was %s   %s\n", s.good(),
			size(o.WalBytesAfter), size(o.WalBytesBefore), seconds(o.DurationMs))
	case o.Complete:
		fmt.Fprintf(w, "%s everything is in the database file, but the WAL could not be emptied: %s\n", s.warn(), size(o.WalBytesAfter))
	default:
		fmt.Fprintf(w, "%s %d of %d pages moved; WAL %s\n", s.warn(), o.DoneFrames, o.LogFrames, size(o.WalBytesAfter))
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
	fmt.Fprintf(w, "  %s WAL %s of at most %s%s\n", mark, size(r.WalBytes), size(r.LimitBytes), text)
	showHostages(w, r.Hostages, now)
}

// walText is one sentence for an event of the WAL.
func walText(e *messages.Event) string {
	switch b := e.Body.(type) {
	case *messages.Event_WalCheckpointed:
		o := b.WalCheckpointed.Outcome
		return "checkpoint: WAL " + size(o.GetWalBytesAfter()) + ", was " + size(o.GetWalBytesBefore())
	case *messages.Event_WalGrew:
		return "the WAL passed its limit of " + size(b.WalGrew.LimitBytes) + ": " + size(b.WalGrew.WalBytes)
	case *messages.Event_WalBlocked:
		list := b.WalBlocked.Hostages
		if len(list) == 0 || list[0].Pid == 0 {
			return "a reader keeps the WAL from being emptied: " + size(b.WalBlocked.WalBytes)
		}
		return fmt.Sprintf("process %d (%s) keeps the WAL from being emptied: %s", list[0].Pid, list[0].Command, size(b.WalBlocked.WalBytes))
	}
	return e.Type
}
