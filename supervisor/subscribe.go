package supervisor

import (
	"context"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/messages"
)

// eventsBuffered is how far a subscriber may fall behind: more than the events kept, so
// that a replay fits, and bounded, so that one that hangs costs no memory.
const eventsBuffered = 2 * eventsKept

// Subscribe gives the events of one database, or of all when none is named. The
// channel is closed when ctx is done, Officer stops, or the receiver fell so far behind
// that events would be missing: then subscribe again from the last sequence seen.
func (r *Running) Subscribe(ctx context.Context, from *messages.WatchRequest) (<-chan *messages.Event, error) {
	var only *post
	if from.GetDatabase() != "" {
		p, f := r.find(from.Database)
		if f != nil {
			return nil, f
		}
		only = p
	}
	l := &listener{events: make(chan *messages.Event, eventsBuffered), behind: make(chan struct{})}
	registry := r.system.ProcessRegistry
	pid, ok := registry.Add(l, "listen"+registry.NextId())
	if !ok {
		return nil, messages.NewFailure("internal", "subscribe", "the subscriber could not be registered")
	}
	// On the list first: a Reload that goes on meanwhile then tells the new trees.
	r.mu.Lock()
	r.listen = append(r.listen, listening{pid: pid, only: only})
	r.mu.Unlock()
	for _, p := range r.heardBy(only) {
		r.system.Root.RequestWithCustomSender(p.tree, &messages.Subscribe{Replay: from.GetReplay(), AfterSequence: from.GetAfterSequence()}, pid)
	}
	go func() {
		select {
		case <-ctx.Done():
		case <-l.behind:
		case <-r.done: // not before: the trees tell their end while they stop
		}
		r.mu.Lock()
		r.listen = slices.DeleteFunc(r.listen, func(one listening) bool { return one.pid == pid })
		r.mu.Unlock()
		for _, p := range r.heardBy(only) {
			r.system.Root.RequestWithCustomSender(p.tree, &messages.Unsubscribe{}, pid)
		}
		registry.Remove(pid)
		l.close()
	}()
	return l.events, nil
}

// listening is one subscriber.
type listening struct {
	pid  *actor.PID
	only *post // nil = all databases
}

// heardBy gives the posts that a subscriber hears.
func (r *Running) heardBy(only *post) []*post {
	if only != nil {
		return []*post{only}
	}
	return r.all()
}

// listener is a process that puts events into a channel and never blocks the tree.
type listener struct {
	mu     sync.Mutex
	closed bool
	events chan *messages.Event
	behind chan struct{} // closed when the receiver lost step
}

// SendUserMessage takes one event.
func (l *listener) SendUserMessage(_ *actor.PID, message any) {
	_, msg, _ := actor.UnwrapEnvelope(message)
	e, ok := msg.(*messages.Event)
	if !ok {
		return // Subscribed, or news that the tree is not there
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	select {
	case l.events <- e:
	default:
		if e.Sequence != 0 { // a progress more or less does not matter, a gap does
			l.closed = true
			close(l.events)
			close(l.behind)
		}
	}
}

// SendSystemMessage is part of actor.Process; being watched needs no answer.
func (l *listener) SendSystemMessage(*actor.PID, any) {}

// Stop is part of actor.Process; there is nothing to stop.
func (l *listener) Stop(*actor.PID) {}

func (l *listener) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.events)
	}
}
