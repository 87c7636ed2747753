package integrity

import (
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// run is one check from its cause to its verdict: one RunCheck, a second one to confirm
// what matters, and more when the database could not be looked at.
type run struct {
	kind     messages.CheckKind
	priority messages.Priority
	sqlite   bool         // by SQLite's own pragma
	id       string       // of its jobs, one after the other
	request  *kit.Request // nil for a check of Officer's own
	tries    int          // that failed since the last answer

	sawDamage    bool
	sawClean     bool // a suspect database was found healthy once
	afterRestore bool // a restore was over when the present job was asked for
	over         bool // abandoned
}

// begin starts a check of Officer's own, unless one of its kind is under way.
func (i *integrity) begin(ctx actor.Context, kind messages.CheckKind, p messages.Priority) {
	i.ledger.owed[kind] = true
	if i.own[kind] != nil {
		return
	}
	r := &run{kind: kind, priority: p}
	i.own[kind] = r
	i.launch(ctx, r)
}

func (i *integrity) launch(ctx actor.Context, r *run) {
	if r.id == "" {
		i.ledger.runs++
		r.id = "integrity-" + strconv.Itoa(i.ledger.runs)
	}
	i.running[r.id] = r
	i.ask(ctx, r)
}

// ask asks the owner, which opens a fresh connection for every check.
func (i *integrity) ask(ctx actor.Context, r *run) {
	if r.over {
		return
	}
	r.afterRestore = i.ledger.restored
	m := &messages.RunCheck{Kind: r.kind, Sqlite: r.sqlite, Job: &messages.Job{
		Id: r.id, Priority: r.priority, TimeoutMs: i.cfg.Timeout.Milliseconds(), Progress: r.request != nil,
	}}
	if r.kind != messages.CheckKind_CHECK_KIND_QUICK {
		m.Rules = i.cfg.Rules
	}
	i.Ask(ctx, i.cfg.Peers.Of("dbowner"), m, i.cfg.Timeout+answerSlack, checked{r})
}

// forward gives the progress of a job to whoever asked for the check.
func (i *integrity) forward(p *messages.Progress) {
	if r := i.running[p.GetJobId()]; r != nil {
		r.request.Tell(p)
	}
}

// abandon drops a check whose outcome nobody needs any more.
func (i *integrity) abandon(r *run) {
	r.over = true
	i.forget(r)
}

func (i *integrity) forget(r *run) {
	if i.running[r.id] == r {
		delete(i.running, r.id)
	}
	if i.own[r.kind] == r {
		delete(i.own, r.kind)
	}
}

// judge decides what an answer of the owner means.
func (i *integrity) judge(ctx actor.Context, r *run, a *kit.Answer) {
	if r.over {
		return
	}
	report, f := reportOf(r.kind, a)
	if f != nil {
		i.failed(ctx, r, f)
		return
	}
	r.tries = 0
	if report.GetCheckedAtUnixMs() == 0 {
		report.CheckedAtUnixMs = time.Now().UnixMilli()
	}
	switch check.Verdict(report.GetVerdict()) {
	case check.Damaged:
		r.sawClean = false
		if !r.sawDamage {
			r.sawDamage = true
			i.cfg.Log.Warn("damage seen; looking again with a fresh connection", slog.String("what", damageText(report)))
			i.ask(ctx, r)
			return
		}
		i.confirm(ctx, report)
	case check.OK:
		if r.sawDamage {
			i.cfg.Log.Warn("the damage that was seen once is not there at a second look; memory or disk may be failing")
		}
		if i.ledger.suspect && r.kind == messages.CheckKind_CHECK_KIND_FULL {
			if !r.afterRestore && !r.sawClean {
				r.sawClean = true
				i.ask(ctx, r)
				return
			}
			i.recovered(ctx, report)
		}
	}
	i.finish(ctx, r, report)
}

// reportOf makes a report of every answer that says something about the database, and a
// Failure of the others. The owner cannot even open a file without a header: its failures
// "corrupt" and "not_a_database" are evidence like any finding.
func reportOf(kind messages.CheckKind, a *kit.Answer) (*messages.CheckReport, *messages.Failure) {
	if a.Err == nil {
		report, ok := a.Value.(*messages.CheckReport)
		if ok && knownVerdict(report.GetVerdict()) {
			return report, nil
		}
		return nil, messages.NewFailure(string(fault.Internal), "check database", "the check gave no verdict")
	}
	var f *messages.Failure
	if !errors.As(a.Err, &f) {
		return nil, messages.NewFailure(string(fault.Internal), "check database", "the check failed")
	}
	report := &messages.CheckReport{Engine: string(check.EngineSQLite), Kind: kind, Verdict: string(check.Damaged)}
	finding := &messages.Finding{Detail: f.GetText()}
	switch fault.Code(f.GetCode()) {
	case fault.NotADatabase:
		finding.Kind, finding.Object = "header", "the header of the file"
	case fault.Corrupt:
		finding.Kind = "structure"
	case fault.CannotJudge:
		report.Verdict, finding.Kind = string(check.CannotJudge), "module"
	default:
		return nil, f
	}
	report.Findings = []*messages.Finding{finding}
	return report, nil
}

func knownVerdict(v string) bool {
	return v == string(check.OK) || v == string(check.Damaged) || v == string(check.CannotJudge)
}

// failed handles a check that could not be carried out, which says nothing about the
// database.
func (i *integrity) failed(ctx actor.Context, r *run, f *messages.Failure) {
	r.tries++
	i.cfg.Log.Warn("the check could not be carried out", slog.String("kind", kindWord(r.kind)),
		slog.Int("tries", r.tries), slog.Any("error", f))
	if r.request != nil {
		if r.tries < requestTries && passing(f) {
			i.After(ctx, kit.Backoff(r.tries, retryBase, ownRetryMax, 0), tryAgain{r})
			return
		}
		r.request.Answer(f)
		r.request = nil
		if !r.sawDamage || i.cfg.Passive || i.own[r.kind] != nil {
			i.forget(r)
			return
		}
		// Damage was seen once: what it is must be known, whoever asked.
		i.own[r.kind], i.ledger.owed[r.kind] = r, true
	}
	i.After(ctx, kit.Backoff(r.tries, ownRetryBase, ownRetryMax, 0), tryAgain{r})
	i.lookForLate(ctx)
}

// passing tells whether a failure may be over in a moment.
func passing(f *messages.Failure) bool {
	switch f.GetCode() {
	case string(fault.Busy), string(fault.IO), string(fault.NoMemory), "actor_gone", "overloaded":
		return true
	}
	return false
}

// finish notes, shows, tells and answers a verdict.
func (i *integrity) finish(ctx actor.Context, r *run, report *messages.CheckReport) {
	i.forget(r)
	i.ledger.done[r.kind] = time.Now()
	switch r.kind {
	case messages.CheckKind_CHECK_KIND_FULL:
		i.ledger.lastFull = report
	case messages.CheckKind_CHECK_KIND_FOREIGN_KEYS:
		i.ledger.lastForeignKeys = report
	}
	if r.request == nil {
		delete(i.ledger.owed, r.kind)
	} else if key := keyOf(r.kind); key != "" && !i.cfg.Passive {
		ctx.Send(i.cfg.Peers.Of("schedule"), &messages.ScheduleDone{Key: key})
	}
	i.cfg.Log.Info("database checked", slog.String("kind", kindWord(r.kind)),
		slog.String("verdict", report.GetVerdict()), slog.String("engine", report.GetEngine()), slog.Int64("duration_ms", report.GetDurationMs()))
	i.showFindings(ctx, r.kind, report)
	ctx.Send(i.cfg.Peers.Of("metrics"), &messages.RecordOperation{
		Name: operationOf(r.kind), DurationUs: report.GetDurationMs() * 1000})
	ctx.Send(i.cfg.Peers.Tree(), &messages.IntegrityChecked{Report: report})
	r.request.Answer(report)
	if !i.cfg.Passive {
		i.lookForLate(ctx)
	}
}

// operationOf is what metrics calls a check.
func operationOf(kind messages.CheckKind) string {
	switch kind {
	case messages.CheckKind_CHECK_KIND_FULL:
		return "check.full"
	case messages.CheckKind_CHECK_KIND_QUICK:
		return "check.quick"
	}
	return "check.foreign_keys"
}

func keyOf(kind messages.CheckKind) string {
	switch kind {
	case messages.CheckKind_CHECK_KIND_FULL:
		return fullKey
	case messages.CheckKind_CHECK_KIND_FOREIGN_KEYS:
		return foreignKeysKey
	}
	return ""
}

// lookForLate raises check_overdue when no check of a kind succeeded for two periods.
func (i *integrity) lookForLate(ctx actor.Context) {
	if i.late != nil {
		i.late()
		i.late = nil
	}
	now, next, late := time.Now(), time.Duration(0), ""
	var lateSince time.Time
	for _, k := range []struct {
		kind  messages.CheckKind
		every time.Duration
	}{
		{messages.CheckKind_CHECK_KIND_FULL, i.cfg.FullEvery},
		{messages.CheckKind_CHECK_KIND_FOREIGN_KEYS, i.cfg.ForeignKeysEvery},
	} {
		last := i.ledger.done[k.kind]
		if last.IsZero() {
			last = i.ledger.began
		}
		left := last.Add(overduePeriods * k.every).Sub(now)
		switch {
		case left > 0 && (next == 0 || left < next):
			next = left
		case left <= 0 && late == "":
			late, lateSince = kindWord(k.kind), last
		}
	}
	if next > 0 {
		i.late = i.After(ctx, next, lookForLate{})
	}
	if late == "" {
		i.clear(ctx, checkOverdue)
		return
	}
	i.raise(ctx, checkOverdue, "kind="+late, "since="+lateSince.Format("2006-01-02 15:04"))
}
