package kit

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// gate is a mailbox that holds what is posted before its actor is ready. protoactor
// registers the name of an actor before the mailbox knows its handlers: a message that
// arrives in between is a nil dereference in the sender's goroutine, which ends the
// process; one that arrives a little later may be handled before Started.
type gate struct {
	actor.Mailbox
	open  atomic.Bool
	mu    sync.Mutex
	early []func()
}

func gated(m actor.Mailbox) actor.Mailbox { return &gate{Mailbox: m} }

// PostUserMessage takes a message for the actor.
func (g *gate) PostUserMessage(message any) {
	post := func() { g.Mailbox.PostUserMessage(message) }
	if !g.hold(post, false) {
		post()
	}
}

// PostSystemMessage takes a message of the lifecycle.
func (g *gate) PostSystemMessage(message any) {
	post := func() { g.Mailbox.PostSystemMessage(message) }
	_, first := message.(*actor.Started)
	if !g.hold(post, first) {
		post()
	}
}

// Start lets everything in, Started first.
func (g *gate) Start() {
	g.Mailbox.Start()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, post := range g.early {
		post()
	}
	g.early = nil
	g.open.Store(true)
}

func (g *gate) hold(post func(), first bool) bool {
	if g.open.Load() {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.open.Load():
		return false
	case first:
		g.early = append([]func(){post}, g.early...)
	default:
		g.early = append(g.early, post)
	}
	return true
}
