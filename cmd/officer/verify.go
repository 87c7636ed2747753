package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type verdictJSON struct {
	ID         string           `json:"id"`
	File       string           `json:"file"`
	Verdict    string           `json:"verdict"`
	Findings   []report.Finding `json:"findings"`
	DurationMS int64            `json:"duration_ms"`
	Engine     string           `json:"engine,omitempty"`
	Reason     string           `json:"engine_reason,omitempty"`
}

type verifyResult struct {
	report.Head
	Verdict  string           `json:"verdict"` // the worst
	Findings []report.Finding `json:"findings"`
	Backups  []verdictJSON    `json:"backups"`
}

func (c *cli) verifyVerb() *cobra.Command {
	var all, bySQLite bool
	cmd := c.verb("verify DB [ID] | FILE", "Read stored backups back from disk and judge them", cobra.RangeArgs(1, 2),
		func(ctx context.Context, args []string) (*outcome, error) {
			order := &messages.VerifyBackups{All: all, JobId: newJob()}
			if len(args) == 2 {
				order.Id = args[1]
			}
			got, err := c.verifyNow(ctx, args[0], order, officer.FileCheck{SQLite: bySQLite})
			if err != nil {
				return nil, err
			}
			out := verdictsOf(got)
			code := report.Done
			switch out.Verdict {
			case "verified":
			case "cannot_judge", "unverified":
				code = report.Warnings
			default:
				code = report.Damage
			}
			return &outcome{code: code, json: out, text: func(w io.Writer, s style) { showVerdicts(w, s, got) }}, nil
		})
	cmd.Flags().BoolVar(&all, "all", false, "all backups, not only the newest")
	cmd.Flags().BoolVar(&bySQLite, "sqlite", false, "have SQLite's own PRAGMA integrity_check judge what Officer calls verified")
	return cmd
}

// verifyNow judges backups through Officer, or a plain file that nobody looks after.
func (c *cli) verifyNow(ctx context.Context, file string, order *messages.VerifyBackups, how officer.FileCheck) (*messages.VerifyReport, error) {
	path, err := filepath.Abs(file)
	if err != nil || file == "" {
		return nil, usage(fmt.Sprintf("%q is no usable path", file))
	}
	if order.Id != "" || order.All || exists(c.homeOf(path)) {
		got, _, err := ordering[*messages.VerifyReport](ctx, c, path, order)
		if err != nil || !how.SQLite {
			return got, err
		}
		return got, secondOpinion(ctx, got, how)
	}
	v := &messages.BackupVerdict{Backup: &messages.Backup{Path: path, File: filepath.Base(path)}}
	return &messages.VerifyReport{Verdicts: []*messages.BackupVerdict{v}}, judgeFile(ctx, v, how)
}

// secondOpinion has SQLite judge the backups that were found to be what the list says of them. It
// is asked here, where nothing waits: a stored backup is a plain file that only its removal changes.
func secondOpinion(ctx context.Context, r *messages.VerifyReport, how officer.FileCheck) error {
	for _, v := range r.Verdicts {
		if v.Verdict != "verified" {
			continue
		}
		if err := judgeFile(ctx, v, how); err != nil {
			return err
		}
	}
	return nil
}

// judgeFile checks the file of a verdict and writes what it finds into it.
func judgeFile(ctx context.Context, v *messages.BackupVerdict, how officer.FileCheck) error {
	checked, err := officer.CheckFile(ctx, v.Backup.GetPath(), how)
	if err != nil {
		return err
	}
	if v.Verdict = checked.Verdict; v.Verdict == "ok" {
		v.Verdict = "verified"
	}
	v.Findings, v.Engine, v.EngineReason = checked.Findings, checked.Engine, checked.EngineReason
	v.DurationMs += checked.DurationMs
	return nil
}

func verdictsOf(r *messages.VerifyReport) *verifyResult {
	out := &verifyResult{Verdict: "verified", Findings: []report.Finding{}, Backups: []verdictJSON{}}
	for _, v := range r.Verdicts {
		findings := report.FindingsOf(v.Findings)
		out.Backups = append(out.Backups, verdictJSON{v.Backup.GetId(), v.Backup.GetFile(), v.Verdict, findings, v.DurationMs, v.Engine, v.EngineReason})
		out.Findings = append(out.Findings, findings...)
		if v.Verdict != "verified" && (out.Verdict == "verified" || v.Verdict == "damaged") {
			out.Verdict = v.Verdict
		}
	}
	if len(r.Verdicts) == 0 {
		out.Verdict = "unverified"
	}
	return out
}

func showVerdicts(w io.Writer, s style, r *messages.VerifyReport) {
	for _, v := range r.Verdicts {
		mark := s.bad()
		switch v.Verdict {
		case "verified":
			mark = s.good()
		case "cannot_judge", "unverified":
			mark = s.warn()
		}
		fmt.Fprintf(w, "%s %s   %s   %s\n", mark, clean(v.Verdict), shown(v.Backup.GetPath()), report.Seconds(v.DurationMs))
		showFindings(w, v.Findings)
	}
	if len(r.Verdicts) == 0 {
		fmt.Fprintf(w, "%s there is no backup to verify\n", s.warn())
	}
}
