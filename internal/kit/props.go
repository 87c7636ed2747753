// Package kit is what every actor shares: guarded props, requests that are answered
// exactly once, asking, timers, background work and stopping. It is the only helper
// package, and the only one that knows protoactor's traps.
//
// An actor embeds Base, is made by Props and lets its Receive end in b.Unhandled(ctx).
package kit

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/messages"
)

// based is what the guard needs of an actor; embedding Base gives it.
type based interface{ base() *Base }

// Props makes the props of one actor: a fresh struct at every incarnation, behind the
// guard. The guard answers Ping, gives every asker whose handler panicked a Failure
// before the panic reaches the supervisor, swallows panics while stopping (there they
// would lose the stop), and drops answers meant for an earlier incarnation.
func Props(produce func() actor.Actor, opts ...actor.PropsOption) *actor.Props {
	opts = append([]actor.PropsOption{actor.WithReceiverMiddleware(guard), actor.WithMailbox(func() actor.Mailbox {
		return gated(actor.Unbounded()())
	})}, opts...)
	return actor.PropsFromProducer(produce, opts...)
}

func guard(next actor.ReceiverFunc) actor.ReceiverFunc {
	return func(ctx actor.ReceiverContext, env *actor.MessageEnvelope) {
		b := baseOf(ctx.Actor())
		switch msg := env.Message.(type) {
		case *messages.Ping:
			answer(ctx, env.Sender, &messages.Pong{Actor: ctx.Self().Id})
			return
		case *Answer:
			if b == nil || msg.to != b {
				return // asked by an incarnation that is gone
			}
		case *timeUp:
			if b == nil || !b.timerFired(msg) {
				return
			}
			env = &actor.MessageEnvelope{Header: env.Header, Message: msg.message, Sender: env.Sender}
		case *actor.Stopping, *actor.Stopped, *actor.Restarting:
			ending(ctx, b, env, next)
			return
		}
		if b != nil {
			b.now = &turn{}
		}
		defer func() {
			if r := recover(); r != nil {
				failAsker(ctx, b, env, r)
				panic(r)
			}
		}()
		next(ctx, env)
	}
}

// restLimit is how long a restart waits for the background work of the incarnation
// before; work that hangs in a system call must not keep the actor down.
const restLimit = 5 * time.Second

// ending runs the lifecycle handler with its panic swallowed, then releases what the
// incarnation holds: whoever still waits gets an answer now or never. An actor is only
// gone when its background work is: nobody finds files changing after a stop. (StopTree
// has a deadline for work that hangs.)
func ending(ctx actor.ReceiverContext, b *Base, env *actor.MessageEnvelope, next actor.ReceiverFunc) {
	func() {
		defer func() {
			if r := recover(); r != nil {
				ctx.Logger().Error("panic while ending", slog.String("actor", ctx.Self().Id),
					slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
			}
		}()
		next(ctx, env)
	}()
	if b == nil {
		return
	}
	word, limit := "stopped", time.Duration(0)
	if _, ok := env.Message.(*actor.Restarting); ok {
		word, limit = "restarted after a failure", restLimit
	}
	b.release(messages.NewFailure("actor_gone", "ask "+ctx.Self().Id,
		"%s %s before it could answer", ctx.Self().Id, word).
		WithDid("Nothing more was done for this request."))
	if !b.rest(limit) {
		ctx.Logger().Error("background work of a crashed part goes on", slog.String("actor", ctx.Self().Id))
	}
}

// failAsker gives the asker of the message that panicked its one answer.
func failAsker(ctx actor.ReceiverContext, b *Base, env *actor.MessageEnvelope, reason any) {
	ctx.Logger().Error("actor panicked", slog.String("actor", ctx.Self().Id),
		slog.String("message", fmt.Sprintf("%T", env.Message)), slog.Any("panic", reason),
		slog.String("stack", string(debug.Stack())))
	f := messages.NewFailure("internal", "handle "+typeName(env.Message),
		"a defect of Officer stopped %s: %v", ctx.Self().Id, reason).
		WithDid("The part was restarted; nothing was changed by this request.")
	if env.Sender == nil || (b != nil && b.failed(f)) {
		return
	}
	answer(ctx, env.Sender, f)
}

func answer(ctx actor.ReceiverContext, to *actor.PID, msg any) {
	if to != nil {
		ctx.ActorSystem().Root.Send(to, msg)
	}
}

func baseOf(a actor.Actor) *Base {
	if h, ok := a.(based); ok {
		return h.base()
	}
	return nil
}
