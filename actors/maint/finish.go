package maint

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/internal/upkeep"
	"github.com/officer-doofy/officer/messages"
)

const conditionOverdue = "maintenance_overdue"

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition {
	return []condition.Definition{{
		Code: conditionOverdue, System: "maint", Severity: condition.Yellow,
		DependsOn: []condition.Code{"damage_found", "database_missing", "database_unreachable", "database_stuck"},
		Text:      "The file is larger than it needs to be: {share} of its pages are free since {since}, and the app was never idle long enough to give them back.",
		Hint:      "officer vacuum {database} --force",
	}}
}

// finish tells everybody how a work ended, and sees to what is owed.
func (m *maint) finish(ctx actor.Context, w *work, a *kit.Answer) {
	out, ok := a.Value.(*outcome)
	if a.Err != nil || !ok {
		m.failed(ctx, w, a.Err)
		return
	}
	m.ledger.facts = out.facts
	if w.kind == upkeep.Vacuum {
		m.noteWish(ctx, w, out)
	}
	if out.report == nil {
		m.skipped(ctx, w, out)
		return
	}
	m.done(ctx, w, out)
}

func (m *maint) done(ctx actor.Context, w *work, out *outcome) {
	r := out.report
	m.cfg.Log.Info("maintenance done", slog.String("kind", r.GetKind()), slog.String("because", r.GetBecause()),
		slog.Int64("before_bytes", r.GetBeforeBytes()), slog.Int64("after_bytes", r.GetAfterBytes()),
		slog.Int64("duration_ms", r.GetDurationMs()), slog.String("backup", r.GetBackupId()))
	took := time.Duration(r.GetDurationMs()) * time.Millisecond
	key := analyzeKey
	if w.kind == upkeep.Vacuum {
		key = vacuumKey
	}
	m.ledger.change(func(s *state) {
		if w.kind == upkeep.Analyze {
			s.LastAnalyze = recordOf(r)
			return
		}
		s.LastVacuum = recordOf(r)
		if r.GetKind() == upkeep.Vacuum {
			s.RateBytesPerSecond = upkeep.Rate(s.RateBytesPerSecond, r.GetBeforeBytes(), took)
		}
	})
	m.settled(ctx, w)
	if !m.cfg.Passive && (w.request != nil || w.afterImport) {
		ctx.Request(m.cfg.Peers.Of("schedule"), &messages.ScheduleDone{Key: key})
	}
	ctx.Send(m.cfg.Peers.Of("metrics"), &messages.RecordOperation{Name: "maintain." + r.GetKind(), DurationUs: took.Microseconds()})
	ctx.Send(m.cfg.Peers.Tree(), &messages.MaintenanceDone{Report: r})
	w.request.Answer(r)
}

// settled ends what was owed.
func (m *maint) settled(ctx actor.Context, w *work) {
	if w.kind == upkeep.Analyze {
		m.ledger.analyzeOwed, m.putOff = false, 0
	} else {
		m.ledger.vacuumOwed = false
		m.ledger.settle(time.Now(), true)
	}
	m.save(ctx)
}

// skipped answers who asked, and tries again what is owed: later, when it may.
func (m *maint) skipped(ctx actor.Context, w *work, out *outcome) {
	d := out.decision
	r := &messages.MaintenanceReport{Kind: d.Kind, Skipped: true, Because: d.Because, AtUnixMs: time.Now().UnixMilli()}
	if w.request != nil {
		if w.occasion == upkeep.Forced && d.Refusal == upkeep.Unsafe {
			w.request.Answer(messages.NewFailure(string(fault.Refused), "vacuum the database", "%s", d.Because).
				WithDid("Nothing was changed.").WithHints("officer status " + shell.Database(m.cfg.Database)))
			return
		}
		ctx.Send(m.cfg.Peers.Tree(), &messages.MaintenanceSkipped{Report: r})
		w.request.Answer(r)
		return
	}
	m.cfg.Log.Info("maintenance skipped", slog.String("kind", r.GetKind()), slog.String("because", r.GetBecause()))
	wait := max(d.Wait, retryMin)
	switch {
	case w.afterImport:
		m.ledger.analyzeOwed, wait = true, retryBusy
	case d.Refusal == upkeep.Unsafe:
		wait = retryFailed
	case d.Refusal == upkeep.NotPaying:
		m.settled(ctx, w)
		ctx.Send(m.cfg.Peers.Tree(), &messages.MaintenanceSkipped{Report: r})
		return
	case d.Wait == 0 || w.kind == upkeep.Analyze:
		wait = retryBusy
	}
	if w.kind == upkeep.Analyze {
		m.putOff++
		m.later(ctx, analyzeKey, wait, analyzeAgain{})
		return
	}
	if !m.told { // one event a period, not one a try
		m.told = true
		ctx.Send(m.cfg.Peers.Tree(), &messages.MaintenanceSkipped{Report: r})
	}
	m.later(ctx, vacuumKey, wait, vacuumAgain{})
}

// failed answers who asked and tries again what is owed.
func (m *maint) failed(ctx actor.Context, w *work, err error) {
	f := messages.NewFailure(string(fault.Internal), "maintain the database", "a defect of Officer ended it")
	var known *messages.Failure
	if errors.As(err, &known) {
		f = known
	}
	m.cfg.Log.Warn("maintenance failed", slog.String("kind", w.kind), slog.Any("error", err))
	ctx.Send(m.cfg.Peers.Of("metrics"), &messages.RecordOperation{Name: "maintain." + w.kind, Failed: true})
	switch {
	case w.request != nil:
		w.request.Answer(f)
	case w.kind == upkeep.Analyze: // a backup that was to follow an import is made up for by the backup system
		m.ledger.analyzeOwed = true
		m.later(ctx, analyzeKey, retryFailed, analyzeAgain{})
	default:
		m.later(ctx, vacuumKey, retryFailed, vacuumAgain{})
	}
}

// noteWish remembers since when a VACUUM would pay and was not done.
func (m *maint) noteWish(ctx actor.Context, w *work, out *outcome) {
	pays, _ := m.cfg.Policy.Pays(out.facts)
	wanted := pays && out.report == nil
	changed := false
	m.ledger.change(func(s *state) {
		switch {
		case !wanted:
			changed = !s.WantedSince.IsZero()
			s.WantedSince = time.Time{}
		case s.WantedSince.IsZero() && w.request == nil:
			changed, s.WantedSince = true, time.Now().UTC()
		}
	})
	if changed {
		m.save(ctx)
	}
	if !m.cfg.Passive {
		m.showOverdue(ctx)
	}
}

// showOverdue raises or clears the condition; health forgets it with its own restart
// and hears it again with the next try.
func (m *maint) showOverdue(ctx actor.Context) {
	s := m.ledger.view()
	health := m.cfg.Peers.Of("health")
	if !upkeep.PutOff(s.WantedSince, time.Now()) {
		ctx.Send(health, &messages.ClearCondition{Code: conditionOverdue})
		return
	}
	ctx.Send(health, &messages.RaiseCondition{Code: conditionOverdue, Args: []string{
		fmt.Sprintf("share=%.0f %%", m.ledger.facts.FreeShare()*100),
		"since=" + s.WantedSince.Local().Format("2 Jan 2006"), "database=" + shell.Database(m.cfg.Database)}})
}
