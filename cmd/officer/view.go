package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// view is what a person sees of one database in "officer run": a greeting, a line for
// the first check and the first backup, a sentence about safety, and from then on what
// matters.
type view struct {
	c     *cli
	o     *officer.Officer
	name  string
	path  string
	home  string
	label bool // several databases: each line says which

	health   messages.Severity
	headline string

	checked, backed, judged bool
	damaged                 bool
	told                    []string // reasons of the headlines so far, which the same colour may come with again
}

// say writes one line for people.
func (v *view) say(format string, args ...any) {
	if v.c.json || v.c.quiet {
		return
	}
	v.alarm(format, args...)
}

// alarm writes a line that also who wants quiet has to see.
func (v *view) alarm(format string, args ...any) {
	if v.c.json {
		return
	}
	prefix := ""
	if v.label {
		prefix = baseOf(v.path) + ": "
	}
	fmt.Fprintf(v.c.out, prefix+format+"\n", args...)
}

// status asks for everything; nil when Officer is stopping and nobody answers any more.
func (v *view) status(ctx context.Context) *messages.Status {
	ctx, cancel := context.WithTimeout(ctx, statusWithin)
	defer cancel()
	st, err := v.o.Status(ctx, v.name)
	if err != nil || st.Health == nil {
		return nil
	}
	v.health, v.headline = st.Health.Health, st.Health.Headline
	return st
}

// statusWithin is longer than a status takes when parts of it do not answer.
const statusWithin = 10 * time.Second

func (v *view) greet(ctx context.Context) {
	v.say("officer %s is looking after %s%s", officer.Version, baseOf(v.path), factsText(v.status(ctx).GetFacts()))
}

// hear takes one event.
func (v *view) hear(ctx context.Context, e *messages.Event) {
	s := v.c.style
	switch b := e.Body.(type) {
	case *messages.Event_IntegrityChecked:
		v.checkDone(b.IntegrityChecked.Report)
	case *messages.Event_BackupTaken:
		v.backupDone(b.BackupTaken.Backup, e.Type)
	case *messages.Event_BackupSkipped:
		if !v.backed {
			v.row(s.good(), "nothing changed since", "the verified backup of "+report.When(b.BackupSkipped.Standing.GetTakenAtUnixMs()))
		}
		v.backed = true
	case *messages.Event_BackupFailed:
		v.row(s.bad(), "no backup could be made", clean(b.BackupFailed.Failure.GetText()))
		v.hints(b.BackupFailed.Failure.GetHints())
		v.backed = true
	case *messages.Event_DamageFound:
		v.damaged = true
		v.row(s.bad(), "damage found", clean(report.FirstFinding(b.DamageFound.Report)))
		v.hints([]string{"officer status " + shown(v.path), "officer repair " + shown(v.path)})
	case *messages.Event_HealthChanged:
		v.health, v.headline = b.HealthChanged.Report.GetHealth(), b.HealthChanged.Report.GetHeadline()
		switch headline := v.headline; {
		case v.judged && v.health == messages.Severity_SEVERITY_RED:
			v.alarm("%s %s  %s", clock(e), s.light(v.health), clean(headline))
		case v.judged:
			v.say("%s %s  %s", clock(e), s.light(v.health), clean(headline))
		case v.health == messages.Severity_SEVERITY_RED && !v.damaged && !v.backed:
			// The first check or backup may be tried for minutes: nobody should wait in silence.
			v.alarm("  %s %s", s.bad(), clean(headline))
			v.reasons(b.HealthChanged.Report, headline)
		}
	case *messages.Event_Progress, *messages.Event_BackupPruned, *messages.Event_WalCheckpointed, *messages.Event_WalGrew, *messages.Event_WalBlocked:
	case *messages.Event_Lifecycle:
		if b.Lifecycle.State == "stopping" {
			v.judged = true // no sentence about safety on the way out
		}
	default:
		v.say("%s %s", clock(e), clean(report.EventText(e)))
	}
	if v.checked && v.backed && !v.judged {
		v.judge(ctx)
	}
}

// reasons says what is behind a headline, and what to do about it.
func (v *view) reasons(r *messages.HealthReport, headline string) {
	for _, k := range r.GetConditions() {
		if k.Severity != messages.Severity_SEVERITY_RED || slices.Contains(v.told, k.Text) {
			continue
		}
		v.told = append(v.told, k.Text)
		if k.Text != headline {
			v.say("    %s", clean(k.Text))
		}
		if k.Hint != "" {
			v.hints([]string{k.Hint})
		}
	}
}

func clock(e *messages.Event) string { return time.UnixMilli(e.TimeUnixMs).Format("15:04:05") }

// row writes a check line: "  ✓ no damage                          0.2 s".
func (v *view) row(mark, what, detail string) {
	write := v.say
	if mark == v.c.style.bad() {
		write = v.alarm
	}
	write("  %s %-34s %s", mark, what, detail)
}

func (v *view) hints(hints []string) {
	for _, h := range hints {
		v.say("    → %s", clean(h))
	}
}

func (v *view) checkDone(r *messages.CheckReport) {
	s := v.c.style
	first := !v.checked
	if r.Kind == messages.CheckKind_CHECK_KIND_FOREIGN_KEYS {
		return
	}
	v.checked = true
	switch {
	case r.Verdict == "ok" && first:
		v.row(s.good(), "no damage", report.Seconds(r.DurationMs))
	case r.Verdict == "ok":
	case r.Verdict == "damaged":
		if !v.damaged {
			v.row(s.bad(), "damage", clean(report.FirstFinding(r)))
		}
	default:
		v.row(s.warn(), "cannot be judged", clean(report.FirstFinding(r)))
	}
	if n := len(r.ForeignKeys); n > 0 && first {
		v.row(s.warn(), "rows without a parent", fmt.Sprintf("%d (not damage): officer check %s", n, shown(v.path)))
	}
}

func (v *view) backupDone(b *messages.Backup, _ string) {
	s := v.c.style
	detail := fmt.Sprintf("%s in %s   %s", report.Size(b.GetSizeBytes()), report.Seconds(b.GetCopyMs()+b.GetVerifyMs()), shown(b.GetPath()))
	switch {
	case v.judged:
		v.say("%s backup made and verified   %s", time.UnixMilli(b.GetTakenAtUnixMs()).Format("15:04:05"), detail)
	case b.GetVerified():
		v.row(s.good(), "first backup made and verified", detail)
	default:
		v.row(s.bad(), "backup kept aside as "+clean(b.GetVerdict()), detail)
	}
	v.backed = true
}

// judge ends the first minute with a sentence that is true.
func (v *view) judge(ctx context.Context) {
	v.judged = true
	s := v.c.style
	st := v.status(ctx)
	if st == nil {
		return // on the way out: nothing is claimed
	}
	if officer.SameVolume(filepath.Dir(v.path), v.home) {
		v.say("  %s backups are on the same disk as %s: a broken disk would take both.", s.warn(), baseOf(v.path))
		v.say("    → officer run %s --home DIR   with DIR on another disk", shell.Word(shown(v.path)))
	}
	for _, k := range st.Health.GetConditions() {
		mark := s.warn()
		if k.Severity == messages.Severity_SEVERITY_RED {
			mark = s.bad()
		}
		v.say("  %s %s", mark, clean(k.Text))
		if k.Hint != "" {
			v.say("    → %s", clean(k.Hint))
		}
	}
	switch {
	case st.LastVerifiedBackup == nil:
		v.alarm("%s Stop: Ctrl+C", s.red("Your data is not safe: there is no verified backup."))
	case v.damaged || v.health == messages.Severity_SEVERITY_RED:
		v.alarm("%s Stop: Ctrl+C", s.red(clean(st.Health.GetHeadline())))
	default:
		v.say("Your data is safe. Stop: Ctrl+C")
	}
}

func baseOf(path string) string { return clean(filepath.Base(path)) }
