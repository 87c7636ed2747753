package backup

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// drillOp is what a drill is called in failures.
const drillOp = "drill a restore"

// drilling is one restore drill.
type drilling struct {
	req     *kit.Request // nil for Officer's own
	id      string       // "" = the newest verified backup when it begins
	job     string
	running bool
}

// tried is what a drill found out.
type tried struct {
	entry  manifest.Entry
	drill  manifest.Drill
	report check.Report
}

// drillOwn has a drill follow when nothing else is going on.
func (b *backup) drillOwn(ctx actor.Context) {
	if b.cfg.Passive || b.cfg.Drill == nil || b.drilling != nil {
		return
	}
	b.drilling = &drilling{}
	b.workAside(ctx)
}

// drillAgain drills the first verified backup after one that did not restore.
func (b *backup) drillAgain(ctx actor.Context) {
	m := b.ledger.view()
	newest, ok := m.Newest()
	if ok && m.Drilled != nil && !m.Drilled.Drill.OK && newest.Taken.After(m.Drilled.Taken) {
		b.drillOwn(ctx)
	}
}

// drillNow takes the order of somebody who waits.
func (b *backup) drillNow(ctx actor.Context, req *kit.Request, msg *messages.DrillNow) {
	_, known := b.ledger.view().Find(msg.GetId())
	switch {
	case b.cfg.Drill == nil:
		req.Answer(messages.NewFailure("unsupported", drillOp, "restore drills are not possible here"))
	case b.drilling != nil && (b.drilling.running || b.drilling.req != nil):
		req.Answer(messages.NewFailure("already_running", drillOp, "a restore drill is under way already").
			WithDid("The one that runs goes on; this request did nothing."))
	case msg.GetId() != "" && !known:
		req.Answer(b.noBackup(drillOp, msg.GetId()))
	default:
		b.drilling = &drilling{req: req, id: msg.GetId(), job: msg.GetJobId()}
		b.giveWay()
		b.workAside(ctx)
	}
}

// drill restores a backup in the background and tries it out.
func (b *backup) drill(ctx actor.Context, d *drilling) {
	d.running = true
	m := b.ledger.view()
	e, ok := m.Newest()
	if d.id != "" {
		e, ok = m.Find(d.id)
	}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	tell := func(stage string, done, total int64) {
		if d.req != nil {
			root.Send(self, &drillStep{d, stage, done, total})
		}
	}
	b.Go(ctx, d, func(wctx context.Context) (any, error) {
		if !ok {
			return nil, b.noBackup(drillOp, d.id)
		}
		t, err := b.tryOut(wctx, e, tell)
		if err != nil {
			return nil, err
		}
		now := b.cfg.Now()
		return t, b.ledger.change(wctx, b.cfg.Shelf, now, func(m manifest.Manifest) (manifest.Manifest, error) {
			next, err := m.NoteDrill(e.ID, e.Taken, t.drill)
			if err == nil {
				err = b.cfg.Shelf.Save(next)
			}
			if err != nil {
				return m, err
			}
			return next, nil
		})
	})
}

func (b *backup) tellDrill(s *drillStep) {
	s.d.req.Tell(&messages.Progress{JobId: s.d.job, Stage: s.stage, Done: s.done, Total: s.total, Unit: "bytes"})
}

// tryOut is the drill itself. An error means that it could not be held and says nothing
// about the backup; what is wrong with that is in the outcome.
func (b *backup) tryOut(ctx context.Context, e manifest.Entry, tell func(string, int64, int64)) (tried, error) {
	t := tried{entry: e}
	from, err := b.cfg.Shelf.Path(e.File)
	if err != nil {
		return t, err
	}
	b.sweepGround() // in a passive life nobody else does
	free, err := b.cfg.Drill.Free()
	if err != nil {
		return t, err
	}
	if free < e.SizeBytes+b.cfg.FreeMarginBytes {
		return t, messages.NewFailure(string(fault.Full), drillOp,
			"the drill needs %s, %s are to stay free, and only %s are free", size(e.SizeBytes), size(b.cfg.FreeMarginBytes), size(free)).
			WithDid("The drill was skipped; the database and the backups are untouched.")
	}
	defer func() {
		if err := b.cfg.Drill.Discard(e.ID); err != nil {
			b.cfg.Log.Warn("what a drill restored could not be removed; the janitor will", slog.Any("error", err))
		}
	}()
	began, restored, report, err := b.restoreAndCheck(ctx, from, e, tell)
	if fault.CodeOf(err) == fault.IO && ctx.Err() == nil {
		// What a device fails at once says nothing about a backup. What it fails at twice
		// does: who needs the backup then cannot read it either.
		b.cfg.Log.Warn("a restore drill is held once more", slog.Any("error", err))
		began, restored, report, err = b.restoreAndCheck(ctx, from, e, tell)
	}
	t.report = report
	if err != nil && (ctx.Err() != nil || !tellsOfBackup(fault.CodeOf(err))) {
		return t, err
	}
	if err != nil {
		t.report.Verdict = check.Damaged
		t.report.Findings = append(t.report.Findings, check.Finding{Kind: "restore", Detail: sentence(err)})
	}
	ended := time.Now()
	tell("check", e.SizeBytes, e.SizeBytes)
	detail := wrongWith(t.report)
	t.drill = manifest.Drill{At: b.cfg.Now(), OK: detail == "", DurationMS: ended.Sub(began).Milliseconds(),
		RestoreMS: restored.Sub(began).Milliseconds(), CheckMS: ended.Sub(restored).Milliseconds(), Detail: detail}
	return t, nil
}

// restoreAndCheck is one try of a drill.
func (b *backup) restoreAndCheck(ctx context.Context, from string, e manifest.Entry, tell func(string, int64, int64)) (began, restored time.Time, report check.Report, err error) {
	began = time.Now()
	path, err := b.cfg.Drill.Restore(ctx, from, e.ID, func(done, total int64) { tell("restore", done, total) })
	restored = time.Now()
	if err == nil {
		tell("check", 0, e.SizeBytes)
		report, err = b.cfg.Drill.Check(ctx, path, e.Content, b.cfg.Rules)
	}
	return began, restored, report, err
}

// tellsOfBackup tells whether an error is about the backup that was to be restored, not
// about the room it was restored into.
func tellsOfBackup(code fault.Code) bool {
	switch code {
	case fault.Corrupt, fault.NotADatabase, fault.Missing, fault.IO, fault.Mismatch:
		return true
	}
	return false
}

// wrongWith says why a drill failed, "" = it did not. A broken yellow rule is told, but
// proves nothing against the backup, and neither does what cannot be judged.
func wrongWith(r check.Report) string {
	findings := r.Findings
	if r.Verdict != check.Damaged {
		findings = contentOnly(findings)
	}
	for _, k := range r.RuleBreaks {
		if k.Rule.Severity == "red" {
			findings = append(findings, check.Finding{Kind: "rule", Detail: "the rule " + k.Rule.Name + " is broken"})
		}
	}
	if len(findings) == 0 && r.Verdict == check.Damaged {
		return "the integrity check failed"
	}
	return told(findings)
}

// drilled tells everybody how a drill went.
func (b *backup) drilled(ctx actor.Context, d *drilling, a *kit.Answer) {
	if b.drilling == d {
		b.drilling = nil
	}
	t, ok := a.Value.(tried)
	if a.Err != nil || !ok {
		b.cfg.Log.Warn("a restore drill was skipped", slog.Any("error", a.Err))
		f := b.failure(drillOp, a.Err)
		f.Did = cmp.Or(f.Did, "The drill was skipped.")
		d.req.Answer(f)
		if d.req == nil {
			b.After(ctx, drillRetry, &drillTime{})
		}
		b.workAside(ctx)
		return
	}
	report := b.drillReport(t)
	b.cfg.Log.Info("restore drill", slog.String("id", t.entry.ID), slog.Bool("ok", t.drill.OK),
		slog.Int64("restore_ms", t.drill.RestoreMS), slog.Int64("check_ms", t.drill.CheckMS), slog.String("detail", t.drill.Detail))
	ctx.Send(b.cfg.Peers.Tree(), &messages.DrillFinished{Report: report})
	ctx.Send(b.cfg.Peers.Of("schedule"), &messages.ScheduleDone{Key: keyDrill})
	b.evaluate(ctx)
	d.req.Answer(report)
	if !t.drill.OK {
		// What was wrong is written down with the backup itself, and alarms.
		b.enqueue(ctx, &verification{ids: []string{t.entry.ID}, how: "drill"})
	}
	b.workAside(ctx)
}

func (b *backup) drillReport(t tried) *messages.DrillReport {
	e, ok := b.ledger.view().Find(t.entry.ID)
	if !ok {
		e = t.entry
	}
	r := &messages.DrillReport{Backup: b.shown(e), Ok: t.drill.OK, RestoreMs: t.drill.RestoreMS, CheckMs: t.drill.CheckMS,
		AtUnixMs: t.drill.At.UnixMilli(), Findings: findingsOut(t.report.Findings)}
	for _, k := range t.report.RuleBreaks {
		severity := messages.Severity_SEVERITY_YELLOW
		if k.Rule.Severity == "red" {
			severity = messages.Severity_SEVERITY_RED
		}
		r.Rules = append(r.Rules, &messages.RuleFinding{Rows: k.Rows, Error: k.Err,
			Rule: &messages.Rule{Name: k.Rule.Name, Sql: k.Rule.SQL, Severity: severity}})
	}
	return r
}

// tellLastDrill answers with the newest drill, also of a backup that is gone by now.
func (b *backup) tellLastDrill(req *kit.Request) {
	m := b.ledger.view()
	if m.Drilled == nil {
		req.Answer(messages.NewFailure("no_drill", "tell the last drill", "no restore drill was held yet").
			WithHints("officer drill " + b.cfg.Database))
		return
	}
	d := m.Drilled.Drill
	r := &messages.DrillReport{Ok: d.OK, RestoreMs: d.RestoreMS, CheckMs: d.CheckMS, AtUnixMs: d.At.UnixMilli()}
	if e, ok := m.Find(m.Drilled.ID); ok {
		r.Backup = b.shown(e)
	} else {
		r.Backup = &messages.Backup{Id: m.Drilled.ID, TakenAtUnixMs: m.Drilled.Taken.UnixMilli()}
	}
	if d.Detail != "" {
		r.Findings = []*messages.Finding{{Kind: "drill", Detail: d.Detail}}
	}
	req.Answer(r)
}

// drilledAt is when the newest drill was; before the first one, when the first backup
// was taken: a young database is drilled in the period after.
func (b *backup) drilledAt(m manifest.Manifest) time.Time {
	switch {
	case m.Drilled != nil:
		return m.Drilled.Drill.At
	case len(m.Entries) > 0:
		return m.Entries[0].Taken
	}
	return b.cfg.Now()
}

// evaluateDrill shows a drill that failed, and one that is overdue.
func (b *backup) evaluateDrill(ctx actor.Context, m manifest.Manifest, now time.Time) {
	if m.Drilled != nil && !m.Drilled.Drill.OK {
		b.raise(ctx, drillFailed, "id="+m.Drilled.ID, "detail="+m.Drilled.Drill.Detail)
	} else {
		b.clear(ctx, drillFailed)
	}
	age := now.Sub(b.drilledAt(m))
	if _, ok := m.Newest(); ok && b.cfg.Drill != nil && !b.cfg.Passive && age > 2*b.cfg.DrillEvery {
		b.raise(ctx, drillOverdue, "age="+age.Round(time.Hour).String(), "every="+b.cfg.DrillEvery.String())
	} else {
		b.clear(ctx, drillOverdue)
	}
}
