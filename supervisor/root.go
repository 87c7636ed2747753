package supervisor

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
)

// rootName is the id of the root; a tree is "officer/{name}", a system of it
// "officer/{name}/{system}".
const rootName = "officer"

// root supervises one tree per database. A tree that crashes or is given up leaves its
// neighbours alone. It takes no messages but Ping, which the guard answers: that is
// what a liveness probe asks.
type root struct {
	guardian
}

func rootProps(p policy, trees []*ward) *actor.Props {
	return kit.Props(func() actor.Actor {
		r := &root{}
		r.guardian = guardian{policy: p, wards: trees, told: r.changed}
		return r
	})
}

// Receive is the table of contents.
func (r *root) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		r.begin(ctx)
	case *actor.Stopping:
		// All trees stop at once, each in its own order: protoactor does that after this.
		r.stopping = true
	case *actor.Restarting:
		r.end(ctx)
	default:
		if !r.receive(ctx) {
			r.Unhandled(ctx)
		}
	}
}

func (r *root) changed(ctx actor.Context, w *ward, what change) {
	if what == begun {
		return
	}
	ctx.Logger().Error("tree of a database crashed", slog.String("actor", ctx.Self().Id+"/"+w.name),
		slog.String("failure", w.lastFailure), slog.String("state", w.state), slog.Int("change", int(what)))
}
