package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// stopBudget is what all children of a tree together get to stop, in order. It leaves
// room in the five seconds that Officer promises for its own end.
const stopBudget = 4 * time.Second

// States of a ward, as ActorStatus shows them.
const (
	stateRunning    = "running"
	stateRestarting = "restarting"
	stateGaveUp     = "gave_up"
)

// ward is one supervised child: what it is made of, what became of it. Wards outlive
// the incarnations of their guardian, so counts are not lost when that one crashes.
type ward struct {
	name        string
	props       *actor.Props
	pid         *actor.PID // nil while it does not run
	state       string
	crashes     crashes
	restarts    int32
	lastFailure string
	generation  uint64           // of its newest timer; an older one's message means nothing
	by          actor.Supervisor // how to restart it
}

// change is what happened to a ward, told to the guardian's owner.
type change int

const (
	restarted change = iota
	gaveUp
	returned // was given up, tried again, and has settled
	begun    // started with its guardian, before the next one in the list
)

// wardFailed is a crash, put from HandleFailure into the mailbox of the incarnation
// that supervises; wardDue ends a wait; wardSettled ends a probation.
type (
	wardFailed struct {
		from   *guardian
		by     actor.Supervisor
		who    *actor.PID
		reason string
	}
	wardDue struct {
		w          *ward
		generation uint64
	}
	wardSettled struct {
		w          *ward
		generation uint64
	}
)

// guardian supervises named children: exponential back-off with jitter within a
// window, then it gives a child up and leaves the others alone (safe mode), trying
// again once an hour. An actor embeds it, calls begin, receive and end, and hears of
// changes by told.
type guardian struct {
	kit.Base
	policy   policy
	wards    []*ward
	self     *actor.PID
	stopping bool
	told     func(ctx actor.Context, w *ward, what change)
}

// HandleFailure makes the embedding actor its own actor.SupervisorStrategy. It only
// passes the crash on to the mailbox, where the guard and a context are.
func (g *guardian) HandleFailure(system *actor.ActorSystem, by actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	system.Root.Send(g.self, &wardFailed{from: g, by: by, who: child, reason: fmt.Sprint(reason)})
}

// begin starts the children in list order. One that was given up in an earlier
// incarnation of the guardian gets its chance too.
func (g *guardian) begin(ctx actor.Context) {
	g.self = ctx.Self()
	for _, w := range g.wards {
		w.generation++
		w.crashes.probation = false
		g.start(ctx, w)
		g.told(ctx, w, begun)
	}
}

func (g *guardian) start(ctx actor.Context, w *ward) {
	pid, err := ctx.SpawnNamed(w.props, w.name)
	if err != nil {
		g.crashed(ctx, w, "it could not be started: "+err.Error())
		return
	}
	w.pid, w.state = pid, stateRunning
}

// receive takes the guardian's own messages; false means that msg is not one.
func (g *guardian) receive(ctx actor.Context) bool {
	switch msg := ctx.Message().(type) {
	case *wardFailed:
		if w := g.ward(msg.who); w != nil && msg.from == g && w.state == stateRunning {
			w.by = msg.by
			g.crashed(ctx, w, msg.reason)
		}
	case *wardDue:
		if msg.w.generation == msg.generation {
			g.revive(ctx, msg.w)
		}
	case *wardSettled:
		if msg.w.generation == msg.generation && msg.w.state == stateRunning {
			msg.w.crashes = crashes{}
			g.told(ctx, msg.w, returned)
		}
	case *actor.Terminated:
		w := g.ward(msg.Who)
		if w == nil {
			return false
		}
		g.ended(ctx, w)
	default:
		return false
	}
	return true
}

// crashed decides about a ward that failed: restart after a wait, or give up.
func (g *guardian) crashed(ctx actor.Context, w *ward, reason string) {
	if g.stopping {
		return
	}
	w.lastFailure = reason
	w.generation++
	var next step
	w.crashes, next = g.policy.after(w.crashes, time.Now(), rand.Float64())
	g.After(ctx, next.wait, &wardDue{w: w, generation: w.generation})
	if !next.giveUp {
		w.state = stateRestarting
		return
	}
	w.state = stateGaveUp
	if w.pid != nil {
		ctx.Stop(w.pid) // whoever waits for it is answered: it is gone
	}
	ctx.Logger().Error("given up after too many crashes", slog.String("actor", ctx.Self().Id+"/"+w.name),
		slog.String("failure", reason), slog.Duration("next_try", next.wait))
	g.told(ctx, w, gaveUp)
}

// revive ends a wait. A child that is there but suspended is restarted; one that has
// ended is made anew.
func (g *guardian) revive(ctx actor.Context, w *ward) {
	if g.stopping {
		return
	}
	retry := w.state == stateGaveUp
	if retry && w.pid != nil {
		// It never ended: its handler hangs. Its name is taken, so wait on.
		g.After(ctx, g.policy.retry, &wardDue{w: w, generation: w.generation})
		return
	}
	w.restarts++
	if w.pid != nil && w.by != nil {
		w.state = stateRunning
		w.by.RestartChildren(w.pid)
	} else {
		g.start(ctx, w)
	}
	if w.state != stateRunning {
		return
	}
	if retry {
		w.crashes = crashes{probation: true}
		g.After(ctx, g.policy.settled, &wardSettled{w: w, generation: w.generation})
	}
	g.told(ctx, w, restarted)
}

// ended notes that a child is gone. One that nobody stopped is a crash of its own kind.
func (g *guardian) ended(ctx actor.Context, w *ward) {
	w.pid, w.by = nil, nil
	if w.state == stateRunning {
		g.crashed(ctx, w, "it ended without being told to")
	}
}

// end stops the children in reverse order, each awaited, within stopBudget. What is
// still there then is stopped by protoactor, all at once.
func (g *guardian) end(ctx actor.Context) {
	g.stopping = true
	budget, cancel := context.WithTimeout(context.Background(), stopBudget)
	defer cancel()
	for i := len(g.wards) - 1; i >= 0; i-- {
		w := g.wards[i]
		w.generation++
		if w.pid == nil {
			continue
		}
		if err := kit.StopTree(budget, ctx.ActorSystem(), w.pid); err != nil {
			ctx.Logger().Warn("did not stop in time", slog.String("actor", w.pid.Id))
		}
		w.pid, w.by = nil, nil
	}
}

func (g *guardian) ward(pid *actor.PID) *ward {
	for _, w := range g.wards {
		if w.pid != nil && w.pid.Equal(pid) {
			return w
		}
	}
	return nil
}

// states lists the wards as shown.
func (g *guardian) states() []*messages.ActorStatus {
	list := make([]*messages.ActorStatus, 0, len(g.wards))
	for _, w := range g.wards {
		list = append(list, &messages.ActorStatus{
			Name: w.name, Restarts: w.restarts, LastFailure: w.lastFailure, State: w.state,
		})
	}
	return list
}
