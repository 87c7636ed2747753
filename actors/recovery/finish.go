package recovery

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// finish ends an order: event, conditions, answer, in this order.
func (r *recovery) finish(ctx actor.Context, n *run, a *kit.Answer) {
	req := r.running.req
	if rep, ok := a.Value.(*messages.RestoreReport); ok && a.Err == nil {
		if e := r.led.takeClosing(); e != nil {
			r.announce(ctx, e)
		}
		if !n.finished { // a dry run is no measure
			ctx.Send(r.cfg.Peers.Of("metrics"), &messages.RecordOperation{Name: "recovery." + n.measure(), DurationUs: rep.GetDurationMs() * 1000})
		}
		req.Answer(rep)
		r.next(ctx)
		return
	}
	f := r.failure(n, a.Err)
	if n.set != nil || n.repair && !n.dryRun {
		ctx.Send(r.cfg.Peers.Tree(), &messages.RestoreFailed{Failure: f, Repair: n.repair})
	}
	if n.set != nil {
		r.unfinished(ctx, n, f)
	}
	if n.automatic {
		r.repairStopped(ctx, f)
	}
	req.Answer(f)
	r.next(ctx)
}

// unfence lifts the fence that a repair left up: a defect or a crash ended it, or the owner did not answer.
func (r *recovery) unfence(ctx actor.Context) {
	if r.running != nil || r.lifting || !r.led.isFenced() {
		return
	}
	r.lifting = true
	r.Ask(ctx, r.cfg.Peers.Of("dbowner"), &messages.LiftFence{Reason: fenceReason}, askTimeout, fenceLifted{})
}

func (r *recovery) unfenced(ctx actor.Context, a *kit.Answer) {
	r.lifting = false
	switch {
	case a.Err != nil:
		r.cfg.Log.Warn("the fence of a repair could not be lifted", "error", a.Err)
		r.After(ctx, lookAgainBase, unfenceAgain{})
	case r.running == nil: // else an order runs that may have one of its own
		r.led.setFenced(false)
	}
}

// measure names the operation for the metrics, whose names hold no spaces.
func (r *run) measure() string {
	switch {
	case r.table != "":
		return "restore_table"
	case r.undoing != nil:
		return "undo"
	}
	return r.op
}

// failure gives the Failure of a run; a panic in it is a defect whose outcome is open.
func (r *recovery) failure(n *run, err error) *messages.Failure {
	var f *messages.Failure
	if !errors.As(err, &f) {
		f = failureOf(n.op, "finish", err)
	}
	if f.GetCode() == "internal" && n.set != nil && n.set.rec.State == stateBegun {
		n.unsure = true
	}
	return f
}

// unfinished tells people that a restore is neither done nor called off, and has a look.
func (r *recovery) unfinished(ctx actor.Context, n *run, f *messages.Failure) {
	if !n.unsure && !n.changed {
		return
	}
	n.unfinishedNow(n.set, f.GetText(), n.verb("status"))
	if !r.cfg.Passive {
		r.After(ctx, lookAgainBase, lookAgain{})
	}
}

// announce tells everybody that another database is live now.
func (r *recovery) announce(ctx actor.Context, e *messages.RestoreFinished) {
	ctx.Send(r.cfg.Peers.Tree(), e)
	ctx.Send(r.cfg.Peers.Of("health"), &messages.ClearCondition{Code: restoreUnfinished})
	r.closeDamage(ctx)
}

// settle ends the look at an interrupted restore.
func (r *recovery) settle(ctx actor.Context, n *run, a *kit.Answer) {
	l, _ := a.Value.(looked)
	if e := r.led.takeClosing(); e != nil {
		r.announce(ctx, e)
	}
	if a.Err != nil {
		r.looks++
		wait := kit.Backoff(r.looks, lookAgainBase, lookAgainMax, 0)
		r.cfg.Log.Warn("an interrupted restore could not be looked at yet", "again_in", wait.String(), "error", a.Err)
		n.unfinishedNow(l.set, textOf(a.Err), n.verb("status"))
		r.After(ctx, wait, lookAgain{})
		r.next(ctx)
		return
	}
	r.looks = 0
	switch l.ending {
	case endedNone: // an earlier look may have failed before it could tell
		ctx.Send(r.cfg.Peers.Of("health"), &messages.ClearCondition{Code: restoreUnfinished})
	case endedUnclear:
		n.unfinishedNow(l.set, l.found, n.verb("restore", "--yes"))
	case endedOld:
		verb := "restore"
		if l.set.rec.Kind == kindRepair {
			verb = "repair"
		}
		ctx.Send(r.cfg.Peers.Tree(), &messages.RestoreFailed{Repair: verb == "repair", Failure: messages.NewFailure("interrupted", verb,
			"the %s that began on %s was interrupted: %s", verb, l.set.since(), l.found).
			WithDid("It was called off.").WithHints(command(r.cfg.Database, verb))})
		fallthrough
	default:
		ctx.Send(r.cfg.Peers.Of("health"), &messages.ClearCondition{Code: restoreUnfinished})
	}
	if l.ending != endedNone {
		r.cfg.Log.Info("an interrupted restore was looked at", "set", l.set.id, "ending", string(l.ending), "found", l.found)
	}
	r.next(ctx)
}

// unfinishedNow raises restore_unfinished for a set.
func (r *run) unfinishedNow(s *set, found, hint string) {
	since := "earlier"
	if s != nil && s.err == nil {
		since = "on " + s.since()
	}
	r.system.Root.Send(r.cfg.Peers.Of("health"), &messages.RaiseCondition{Code: restoreUnfinished,
		Args: []string{"since=" + since, "found=" + found, "hint=" + hint}})
}
