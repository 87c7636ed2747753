package dbowner

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// Reasons of a fence that mean something to the owner itself.
const (
	reasonRestore = "restore" // of a restore in place
	reasonDamage  = "damage"  // nothing may be written over what can still be saved
)

// fencing is what one incarnation of the owner knows of the fence; the reasons are in
// the ledger.
type fencing struct {
	child   *actor.PID
	wanted  uint64 // number of the newest wish sent to the child
	held    bool
	code    fault.Code // why it is not held
	text    string
	yielded bool // the running job needs the write lock for itself
	crashes int
	askers  []*fenceAsker
}

// fenceAsker waits for the lock to be as wished.
type fenceAsker struct {
	request *kit.Request
	stop    func()
	forJob  bool // the worker asks: it gets *lockState
}

// Private messages about the fence.
type (
	fenceForJob struct { // the running job wants the lock held, or for itself → lockState
		serial uint64
		held   bool
	}
	lockState struct { // answers fenceForJob
		held bool
		code fault.Code
		text string
	}
	fenceWaited struct{ asker *fenceAsker } // it has waited long enough
	fenceNews   struct {                    // from the fence child, after each attempt
		wish uint64
		held bool
		code fault.Code
		text string
	}
)

// receiveFence is the part of Receive about the fence.
func (o *owner) receiveFence(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.RaiseFence:
		o.raiseFence(ctx, msg)
	case *messages.LiftFence:
		o.liftFence(ctx, msg)
	case *fenceForJob:
		o.fenceForJob(ctx, msg)
	case *fenceNews:
		o.learnFence(ctx, msg)
	case *fenceWaited:
		o.answerFence(msg.asker)
	case *hireFence:
		o.hireFence(ctx)
	}
}

func (o *owner) raiseFence(ctx actor.Context, msg *messages.RaiseFence) {
	if strings.TrimSpace(msg.GetReason()) == "" {
		kit.Reply(ctx, messages.NewFailure(string(fault.Invalid), "raise the fence", "no reason was given"))
		return
	}
	o.addReason(ctx, msg.GetReason())
	if msg.GetReason() == reasonRestore {
		o.led.ownReason = false // it is the asker's from now on, not the job's
	}
	o.awaitFence(ctx, false)
}

func (o *owner) liftFence(ctx actor.Context, msg *messages.LiftFence) {
	o.lowerReason(ctx, msg.GetReason())
	o.awaitFence(ctx, false)
}

// fenceForJob serves the running restore; that of a job that is over is refused.
func (o *owner) fenceForJob(ctx actor.Context, msg *fenceForJob) {
	if o.running == nil || o.running.serial != msg.serial {
		kit.Reply(ctx, messages.NewFailure(string(fault.Interrupted), "hold the fence", "the job is over"))
		return
	}
	o.fence.yielded = !msg.held
	if msg.held && o.addReason(ctx, reasonRestore) {
		o.led.ownReason = true
	}
	o.awaitFence(ctx, true)
}

// endJobFence takes back what the job that just ended did to the fence.
func (o *owner) endJobFence(ctx actor.Context) {
	o.fence.yielded = false
	if o.led.ownReason {
		o.led.ownReason = false
		o.lowerReason(ctx, reasonRestore)
	}
	if o.fence.held != o.fenceWanted() {
		o.alignFence(ctx)
	}
}

func (o *owner) addReason(ctx actor.Context, reason string) bool {
	if !o.led.raise(reason, time.Now()) {
		return false
	}
	o.cfg.Log.Warn("fence raised", slog.String("reason", reason))
	ctx.Send(o.cfg.Peers.Tree(), &messages.FenceChanged{Active: true, Reason: reason})
	o.showFence(ctx)
	return true
}

func (o *owner) lowerReason(ctx actor.Context, reason string) {
	if !o.led.lift(reason) {
		return
	}
	o.cfg.Log.Info("fence lifted", slog.String("reason", reason))
	ctx.Send(o.cfg.Peers.Tree(), &messages.FenceChanged{Active: false, Reason: reason})
	o.showFence(ctx)
}

func (o *owner) fenceWanted() bool { return len(o.led.reasons) > 0 && !o.fence.yielded }

// alignFence tells the child what is wished now.
func (o *owner) alignFence(ctx actor.Context) {
	if o.fence.child == nil {
		return
	}
	o.fence.wanted++
	ctx.Send(o.fence.child, &wish{number: o.fence.wanted, held: o.fenceWanted()})
}

// awaitFence aligns the fence and answers the present asker once that is done, cannot
// be done, or FenceWait is over.
func (o *owner) awaitFence(ctx actor.Context, forJob bool) {
	if o.fence.child == nil {
		kit.Reply(ctx, o.fenceAnswer(forJob)) // a fresh one will see to it
		return
	}
	a := &fenceAsker{request: o.Accept(ctx), forJob: forJob}
	a.stop = o.After(ctx, o.cfg.FenceWait, &fenceWaited{a})
	o.fence.askers = append(o.fence.askers, a)
	o.alignFence(ctx)
}

// learnFence takes the child's word. An attempt that found the database busy is
// repeated by the child, so its askers wait on.
func (o *owner) learnFence(ctx actor.Context, news *fenceNews) {
	changed := o.fence.held != news.held || o.fence.text != news.text
	o.fence.held, o.fence.code, o.fence.text = news.held, news.code, news.text
	if changed {
		o.showFence(ctx)
	}
	if news.wish != o.fence.wanted {
		return // overtaken by a newer wish
	}
	o.fence.crashes = 0
	if news.held != o.fenceWanted() && news.code == fault.Busy {
		return
	}
	for _, a := range o.fence.askers {
		o.answerFence(a)
	}
	o.fence.askers = nil
}

func (o *owner) answerFence(a *fenceAsker) {
	a.stop()
	a.request.Answer(o.fenceAnswer(a.forJob))
}

func (o *owner) fenceAnswer(forJob bool) any {
	if forJob {
		return &lockState{held: o.fence.held, code: o.fence.code, text: o.fence.text}
	}
	return o.fenceState()
}

func (o *owner) fenceState() *messages.FenceState {
	s := &messages.FenceState{Active: len(o.led.reasons) > 0, Held: o.fence.held,
		Reasons: append([]string(nil), o.led.reasons...)}
	if s.Active {
		s.SinceUnixMs = o.led.since.UnixMilli()
		if !s.Held {
			s.Text = o.fence.text
		}
	}
	return s
}

// showFence keeps the condition in step.
func (o *owner) showFence(ctx actor.Context) {
	if len(o.led.reasons) == 0 {
		o.clear(ctx, conditionFence)
		return
	}
	how := "held back in all programs"
	if !o.fence.held && o.fence.text != "" {
		how = "to be held back, but that cannot be enforced (" + o.fence.text + "): stop the programs that write"
	}
	o.raise(ctx, conditionFence, "how="+how, "reasons="+strings.Join(o.led.reasons, ", "), "path="+o.cfg.Path)
}

// hireFence starts a fence child; it takes over a lock that an earlier owner left.
func (o *owner) hireFence(ctx actor.Context) {
	owner, cfg, led := ctx.Self(), o.cfg, o.led
	o.led.serial++
	pid, err := ctx.SpawnNamed(kit.Props(func() actor.Actor {
		return &keeper{cfg: cfg, led: led, owner: owner}
	}), fmt.Sprintf("fence-%d", o.led.serial))
	if err != nil {
		panic(fmt.Errorf("hire the fence: %w", err)) // the owner restarts with back-off
	}
	o.fence.child = pid
	if len(o.led.reasons) > 0 || o.led.ownReason {
		o.showFence(ctx)
	}
	o.alignFence(ctx)
}

// fenceCrashed has a fresh child after back-off; until then the fence is not held.
func (o *owner) fenceCrashed(ctx actor.Context) {
	o.fence.child, o.fence.held = nil, false
	o.fence.code, o.fence.text = fault.Internal, "the part that holds the lock crashed and is started again"
	o.fence.crashes++
	o.showFence(ctx)
	o.After(ctx, kit.Backoff(o.fence.crashes, backoffBase, backoffMax, o.rng.Float64()), &hireFence{})
}
