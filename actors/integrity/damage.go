package integrity

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

const (
	fenceReason = "damage" // in RaiseFence and LiftFence

	textHolding = "Officer is about to hold writes back."
	textHeld    = "Writes are held back."
	textNotHeld = "Writes could not be held back: stop the application now."
	textPassive = "No Officer runs that would hold writes back: stop the application now."
	textOff     = "Writes are not held back (fence.on_damage is off): stop the application now."
)

// confirm acts on damage that two connections saw. The fence comes first: evidence and
// backups are better taken from a file that no longer changes.
func (i *integrity) confirm(ctx actor.Context, report *messages.CheckReport) {
	l := i.ledger
	news := !l.suspect || l.restored // also that a restore did not help
	if !l.suspect {
		l.suspect, l.since = true, time.Now()
	}
	l.damage, l.restored, l.fenceLifting = report, false, false
	i.cfg.Log.Error("the database is damaged", slog.String("what", damageText(report)),
		slog.Int("findings", len(report.GetFindings())))
	switch {
	case i.cfg.Passive:
		l.fenceText = textPassive
	case !i.cfg.FenceOnDamage:
		l.fenceText = textOff
	case l.fenceText == "":
		l.fenceText = textHolding
	}
	i.fence(ctx)
	i.showDamage(ctx)
	if news {
		ctx.Send(i.cfg.Peers.Tree(), &messages.DamageFound{Report: report})
	}
}

// recovered ends the suspicion: nothing was found after a restore, or twice in a row.
func (i *integrity) recovered(ctx actor.Context, report *messages.CheckReport) {
	l := i.ledger
	l.suspect, l.since, l.damage, l.restored, l.fenceText = false, time.Time{}, nil, false, ""
	i.cfg.Log.Info("the damage is gone")
	i.clear(ctx, damageFound)
	ctx.Send(i.cfg.Peers.Tree(), &messages.DamageGone{Report: report})
	if !i.cfg.Passive {
		i.lift(ctx)
	}
}

// fence asks for the write lock and, while it is not held, again: the owner goes on
// trying, and people should read how it stands.
func (i *integrity) fence(ctx actor.Context) {
	if i.cfg.Passive || !i.cfg.FenceOnDamage || i.holding || !i.ledger.suspect {
		return
	}
	i.holding = true
	i.Ask(ctx, i.cfg.Peers.Of("dbowner"), &messages.RaiseFence{Reason: fenceReason}, askTimeout, fenced{})
}

func (i *integrity) noteFence(ctx actor.Context, a *kit.Answer) {
	i.holding = false
	if !i.ledger.suspect { // it ended meanwhile; the two requests may have crossed
		i.lift(ctx)
		return
	}
	state, _ := a.Value.(*messages.FenceState)
	if a.Err == nil && state.GetHeld() {
		i.ledger.fenceText = textHeld
		delete(i.tries, fenceReason)
		i.showDamage(ctx)
		return
	}
	i.ledger.fenceText = textNotHeld
	i.cfg.Log.Error("the write fence is not held", slog.String("why", state.GetText()), slog.Any("error", a.Err))
	i.showDamage(ctx)
	i.After(ctx, i.backoff(fenceReason, fenceRetryBase, fenceRetryMax), fenceAgain{})
}

// lift takes the reason "damage" away, as often as it needs.
func (i *integrity) lift(ctx actor.Context) {
	if i.ledger.suspect || i.letting {
		return
	}
	i.ledger.fenceLifting, i.letting = true, true
	i.Ask(ctx, i.cfg.Peers.Of("dbowner"), &messages.LiftFence{Reason: fenceReason}, askTimeout, lifted{})
}

func (i *integrity) noteLift(ctx actor.Context, a *kit.Answer) {
	i.letting = false
	if i.ledger.suspect { // found again meanwhile
		i.fence(ctx)
		return
	}
	if a.Err != nil {
		i.After(ctx, i.backoff("lift", fenceRetryBase, fenceRetryMax), liftAgain{})
		return
	}
	delete(i.tries, "lift")
	i.ledger.fenceLifting = false
}

func (i *integrity) showDamage(ctx actor.Context) {
	i.raise(ctx, damageFound, "what="+damageText(i.ledger.damage), "fence="+i.ledger.fenceText)
}
