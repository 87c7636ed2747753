package supervisor

import (
	"log/slog"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
)

// rootName is the id of the root; a tree is "officer/{name}", a system of it
// "officer/{name}/{system}".
const rootName = "officer"

// root supervises one tree per database. A tree that crashes or is given up leaves its
// neighbours alone. It takes no messages of others but Ping, which the guard answers: that is
// what a liveness probe asks.
//
// It also takes addTree and endTree of this process's Reload.
type root struct {
	guardian
	led     *rootLedger
	leaving map[string][]*kit.Request // by id of the tree, who waits for its end
}

// rootLedger is what outlives an incarnation of the root.
type rootLedger struct{ trees []*ward }

type (
	// addTree starts one more tree → treeChanged.
	addTree struct{ w *ward }
	// endTree stops a tree for good → treeChanged when it has ended, also to who asks again.
	endTree struct{ name string }
	// treeChanged answers both.
	treeChanged struct{}
)

func rootProps(p policy, trees []*ward) *actor.Props {
	led := &rootLedger{trees: trees}
	return kit.Props(func() actor.Actor {
		r := &root{led: led}
		r.guardian = guardian{policy: p, wards: led.trees, told: r.changed}
		return r
	})
}

// Receive is the table of contents.
func (r *root) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		r.begin(ctx)
	case *actor.Stopping:
		// All trees stop at once, each in its own order: protoactor does that after this.
		r.stopping = true
	case *actor.Restarting:
		r.end(ctx)
	case *addTree:
		r.add(ctx, msg.w)
	case *endTree:
		r.drop(ctx, msg.name)
	case *actor.Terminated:
		r.gone(msg)
		r.others(ctx)
	default:
		r.others(ctx)
	}
}

func (r *root) others(ctx actor.Context) {
	if !r.receive(ctx) {
		r.Unhandled(ctx)
	}
}

func (r *root) add(ctx actor.Context, w *ward) {
	r.wards = append(slices.Clip(r.wards), w)
	r.led.trees = r.wards
	if !r.stopping {
		r.start(ctx, w)
	}
	kit.Reply(ctx, &treeChanged{})
}

// drop stops a tree without waiting for it here: a neighbour's crash must be heard meanwhile.
func (r *root) drop(ctx actor.Context, name string) {
	for _, w := range r.wards {
		if w.name != name {
			continue
		}
		r.wards = slices.DeleteFunc(slices.Clone(r.wards), func(one *ward) bool { return one == w })
		r.led.trees = r.wards
		w.generation++ // a restart that was due is off
		if w.pid == nil {
			break
		}
		if r.leaving == nil {
			r.leaving = make(map[string][]*kit.Request)
		}
		r.leaving[w.pid.Id] = []*kit.Request{r.Accept(ctx)}
		ctx.Stop(w.pid)
		return
	}
	id := ctx.Self().Id + "/" + name
	if waiting := r.leaving[id]; waiting != nil {
		r.leaving[id] = append(waiting, r.Accept(ctx))
		return
	}
	kit.Reply(ctx, &treeChanged{})
}

func (r *root) gone(msg *actor.Terminated) {
	for _, request := range r.leaving[msg.Who.GetId()] {
		request.Answer(&treeChanged{})
	}
	delete(r.leaving, msg.Who.GetId())
}

func (r *root) changed(ctx actor.Context, w *ward, what change) {
	if what == begun {
		return
	}
	ctx.Logger().Error("tree of a database crashed", slog.String("actor", ctx.Self().Id+"/"+w.name),
		slog.String("failure", w.lastFailure), slog.String("state", w.state), slog.Int("change", int(what)))
}
