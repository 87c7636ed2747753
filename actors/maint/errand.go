package maint

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/internal/upkeep"
	"github.com/officer-doofy/officer/messages"
)

const (
	busyBudget = 200 * time.Millisecond // for a lock that the app holds
	// workTimeout bounds one job; a VACUUM of Officer's own has a limit of its own besides.
	workTimeout = 6 * time.Hour
	answerSlack = time.Minute
	// importReserveBytes stay free beside an import when nobody watches the disk.
	importReserveBytes = 500_000_000
)

// work is one piece of maintenance from its cause to its end.
type work struct {
	kind        string // upkeep.Vacuum or upkeep.Analyze
	occasion    upkeep.Occasion
	full        bool // ANALYZE of everything, not only what is stale
	because     string
	afterImport bool // a backup follows
	jobID       string
	request     *kit.Request // nil for Officer's own
}

// outcome is how it ended: done, or put off by the decision.
type outcome struct {
	decision upkeep.Decision
	facts    upkeep.Facts
	report   *messages.MaintenanceReport
}

// errand is a work while it is carried out beside the actor, step after step: it asks
// the neighbours, and every step may end it.
type errand struct {
	system    *actor.ActorSystem
	self      *actor.PID
	cfg       Config
	work      work
	importing bool
	rate      int64
	putOff    int
	now       time.Time
}

func (m *maint) errand(ctx actor.Context, w *work) errand {
	now := time.Now()
	return errand{system: ctx.ActorSystem(), self: ctx.Self(), cfg: m.cfg, work: *w, now: now, putOff: m.putOff,
		importing: m.ledger.importing(now), rate: m.ledger.view().RateBytesPerSecond}
}

// run carries it out; its error is a *messages.Failure.
func (e errand) run(ctx context.Context) (any, error) {
	if e.work.kind == upkeep.Analyze {
		return e.analyze(ctx)
	}
	return e.vacuum(ctx)
}

// ask asks a neighbour; progress goes to the actor, which knows who waits for it.
func ask[R any](ctx context.Context, e errand, peer string, msg any, timeout time.Duration) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return kit.Ask[R](ctx, e.system, e.cfg.Peers.Of(peer), msg, func(p *messages.Progress) { e.system.Root.Send(e.self, p) })
}

func (e errand) priority() messages.Priority {
	if e.work.request != nil {
		return messages.Priority_PRIORITY_INTERACTIVE
	}
	return messages.Priority_PRIORITY_BACKGROUND
}

func (e errand) job(id string) *messages.Job {
	return &messages.Job{Id: id, Priority: e.priority(), TimeoutMs: workTimeout.Milliseconds(), Progress: e.work.request != nil}
}

// look gathers what the decision depends on. The facts come first: their job has the
// owner feel whether anybody committed.
func (e errand) look(ctx context.Context) (upkeep.Situation, error) {
	s := upkeep.Situation{Occasion: e.work.occasion, Importing: e.importing, Rate: e.rate}
	f, err := ask[*messages.DatabaseFacts](ctx, e, "dbowner", &messages.InspectDatabase{Job: &messages.Job{
		Priority: e.priority(), TimeoutMs: workTimeout.Milliseconds()}}, workTimeout+answerSlack)
	if err != nil {
		return s, err
	}
	s.Facts = upkeep.Facts{PageSize: f.GetPageSize(), Pages: f.GetPageCount(), FreePages: f.GetFreelistPages(),
		AutoVacuum: f.GetAutoVacuum(), WAL: f.GetJournalMode() == "wal"}
	activity, err := ask[*messages.Activity](ctx, e, "dbowner", &messages.GetActivity{}, askTimeout)
	if err != nil {
		return s, err
	}
	s.Idle = e.idle(activity)
	owner, err := ask[*messages.OwnerStatus](ctx, e, "dbowner", &messages.GetOwnerStatus{}, askTimeout)
	if err != nil {
		return s, err
	}
	s.Fenced = owner.GetFence().GetActive()
	integrity, err := ask[*messages.IntegrityStatus](ctx, e, "integrity", &messages.GetIntegrity{}, askTimeout)
	switch {
	case ctx.Err() != nil:
		return s, err
	case err != nil:
		s.Suspect = "the part that checks it does not answer"
	case integrity.GetSuspect():
		s.Suspect = "damage was found"
	}
	s.CannotJudge = integrity.GetLastFull().GetVerdict() == "cannot_judge"
	return s, nil
}

// idle is the time since the last commit of anybody. Before the first one that the owner
// saw, the age of the files tells of commits before its start.
func (e errand) idle(a *messages.Activity) time.Duration {
	idle := time.Duration(a.GetIdleMs()) * time.Millisecond
	if a.GetLastCommitUnixMs() != 0 {
		return idle
	}
	var newest time.Time
	for _, name := range []string{e.cfg.Database, e.cfg.Database + "-wal"} {
		if info, err := e.cfg.Files.Stat(name); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	if newest.IsZero() {
		return idle
	}
	return max(idle, time.Since(newest))
}

// vacuum looks, takes a verified backup, looks again, and only then rebuilds.
func (e errand) vacuum(ctx context.Context) (any, error) {
	s, err := e.look(ctx)
	if err != nil {
		return nil, err
	}
	d := upkeep.Decide(e.cfg.Policy, s)
	out := &outcome{decision: d, facts: s.Facts}
	if d.Refusal != upkeep.None {
		return out, nil
	}
	if why := e.fits(ctx, d, s.Facts); why != "" {
		out.decision.Refusal, out.decision.Because = upkeep.NotNow, why
		if e.work.occasion == upkeep.Forced {
			return nil, messages.NewFailure(string(fault.Full), "vacuum the database", "%s", why).
				WithDid("Nothing was changed.").WithHints("df -h " + shell.Word(filepath.Dir(e.cfg.Database)))
		}
		return out, nil
	}
	backup, err := e.backup(ctx, "before_vacuum")
	if err != nil {
		return nil, err
	}
	if s, err = e.look(ctx); err != nil {
		return nil, err
	}
	out.decision, out.facts = upkeep.Decide(e.cfg.Policy, s), s.Facts
	if out.decision.Refusal != upkeep.None {
		return out, nil
	}
	r, err := e.rebuild(ctx, out.decision)
	var f *messages.Failure
	if errors.As(err, &f) && f.GetCode() == string(fault.Busy) && e.work.occasion != upkeep.Forced {
		out.decision.Refusal, out.decision.Because = upkeep.NotNow, "it gave way: "+f.GetText()
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.report = &messages.MaintenanceReport{Kind: out.decision.Kind, Because: out.decision.Because, BeforeBytes: r.GetBeforeBytes(),
		AfterBytes: r.GetAfterBytes(), DurationMs: r.GetDurationMs(), BackupId: backup.GetId(), AtUnixMs: time.Now().UnixMilli()}
	return out, nil
}

// rebuild orders the owner. When this incarnation ends meanwhile, the job ends too.
func (e errand) rebuild(ctx context.Context, d upkeep.Decision) (*messages.VacuumReport, error) {
	r, err := ask[*messages.VacuumReport](ctx, e, "dbowner", &messages.VacuumDatabase{Job: e.job(e.work.jobID),
		Incremental: d.Kind == upkeep.Incremental, BusyMs: busyBudget.Milliseconds(), HoldMs: d.Hold.Milliseconds()},
		workTimeout+answerSlack)
	if ctx.Err() != nil {
		e.system.Root.Send(e.cfg.Peers.Of("dbowner"), &messages.CancelJob{Id: e.work.jobID})
	}
	return r, err
}

// fits asks whether there is room; empty = yes. disk counts what it is told twice: for the
// temporary file and for the way back.
func (e errand) fits(ctx context.Context, d upkeep.Decision, f upkeep.Facts) string {
	bytes := f.SizeBytes()
	if d.Kind == upkeep.Incremental {
		bytes = d.NeedBytes / 2
	}
	v, err := ask[*messages.SpaceVerdict](ctx, e, "disk", &messages.MayUse{Purpose: "vacuum", Bytes: bytes}, askTimeout)
	if err == nil {
		if v.GetAllowed() {
			return ""
		}
		return v.GetText()
	}
	return e.room(d.NeedBytes)
}

// room is the answer when nobody watches the disk.
func (e errand) room(needBytes int64) string {
	space, err := e.cfg.Files.Space(filepath.Dir(e.cfg.Database))
	if err != nil {
		return "it cannot be told how much room there is"
	}
	if space.FreeBytes < needBytes {
		return roomText(needBytes, space.FreeBytes)
	}
	return ""
}

// backup has a verified backup, a new one or the standing one when nothing changed.
func (e errand) backup(ctx context.Context, reason string) (*messages.Backup, error) {
	r, err := ask[*messages.BackupReport](ctx, e, "backup", &messages.TakeBackup{Reason: reason, Priority: e.priority(),
		JobId: e.work.jobID + "-backup"}, workTimeout)
	var f *messages.Failure
	switch {
	case errors.As(err, &f):
		return nil, messages.NewFailure(f.GetCode(), "take a backup first", "no verified backup could be taken first: %s", f.GetText()).
			WithDid("Nothing was changed.").WithHints(f.GetHints()...)
	case err != nil:
		return nil, err
	case !r.GetBackup().GetVerified():
		return nil, messages.NewFailure(string(fault.Refused), "take a backup first", "the backup taken first could not be verified").
			WithDid("Nothing was changed.").WithHints("officer list " + shell.Database(e.cfg.Database))
	}
	return r.GetBackup(), nil
}

// analyze renews the statistics; after an import a backup follows, whatever came of them.
func (e errand) analyze(ctx context.Context) (any, error) {
	if err := e.judged(ctx); err != nil {
		return nil, err
	}
	out := &outcome{}
	s, err := e.look(ctx)
	if err == nil {
		out.decision, out.facts = upkeep.DecideAnalyze(s, e.putOff), s.Facts
		if out.decision.Refusal == upkeep.None {
			out.report, err = e.renew(ctx, s, out)
		}
	}
	if e.work.afterImport {
		if _, backupErr := e.backup(ctx, "after_import"); err == nil {
			err = backupErr
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// judged has the database checked where nobody has done so unasked: statistics are pages
// too, and in a damaged file they may be written over what could still be saved.
func (e errand) judged(ctx context.Context) error {
	if !e.cfg.Passive {
		return nil
	}
	r, err := ask[*messages.CheckReport](ctx, e, "integrity", &messages.CheckNow{
		Kind: messages.CheckKind_CHECK_KIND_FULL, Priority: e.priority(), JobId: e.work.jobID + "-check"}, workTimeout)
	if err == nil && r.GetVerdict() == string(check.Damaged) {
		return messages.NewFailure(string(fault.Corrupt), "renew the statistics", "the database is damaged").
			WithDid("Nothing was changed.").WithHints("officer check " + shell.Database(e.cfg.Database))
	}
	return err
}

func (e errand) renew(ctx context.Context, s upkeep.Situation, out *outcome) (*messages.MaintenanceReport, error) {
	r, err := ask[*messages.AnalyzeReport](ctx, e, "dbowner", &messages.AnalyzeDatabase{Job: e.job(e.work.jobID),
		Full: e.work.full, BusyMs: busyBudget.Milliseconds()}, workTimeout+answerSlack)
	var f *messages.Failure
	if errors.As(err, &f) && f.GetCode() == string(fault.Busy) && e.work.request == nil {
		out.decision.Refusal, out.decision.Because = upkeep.NotNow, "it gave way: "+f.GetText()
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	size := s.Facts.SizeBytes()
	return &messages.MaintenanceReport{Kind: upkeep.Analyze, Because: e.work.because, BeforeBytes: size, AfterBytes: size,
		DurationMs: r.GetDurationMs(), AtUnixMs: time.Now().UnixMilli()}, nil
}
