package kit

import (
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// LatencyBounds are the upper bounds of the classes in which Counts sorts how long a
// message was handled; what took longer is in none of them.
func LatencyBounds() [6]time.Duration {
	return [...]time.Duration{100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond,
		100 * time.Millisecond, time.Second, 10 * time.Second}
}

// Counts is what one actor did since its tree was made.
type Counts struct {
	Actor    string
	Messages int64 // handled, those that panicked included
	Panics   int64
	Restarts int64 // incarnations after the first
	Depth    int64 // messages that wait now, the one being handled included
	Handling time.Duration
	Within   [6]int64 // how many were handled within each of LatencyBounds, not cumulated
}

// Meters counts what the actors of one tree do. Counting takes two readings of the clock
// and a few atomic additions a message, never a lock. The zero value is ready; its
// methods may be called from several goroutines.
type Meters struct {
	mu sync.Mutex
	by map[string]*meter
}

// Watch makes the actors of props be counted under a name.
func (m *Meters) Watch(name string, props *actor.Props) *actor.Props {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = make(map[string]*meter)
	}
	one := m.by[name]
	if one == nil {
		one = &meter{}
		m.by[name] = one
	}
	return props.Configure(actor.WithReceiverMiddleware(one.watch), actor.WithMailbox(one.mailbox))
}

// Counts lists what was counted, by name.
func (m *Meters) Counts() []Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Counts, 0, len(m.by))
	for name, one := range m.by {
		out = append(out, one.counts(name))
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Actor < out[b].Actor })
	return out
}

// Depth gives a function that tells how many messages wait for an actor: for senders
// that rather drop a message than bury it.
func (m *Meters) Depth(name string) func() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	one := m.by[name]
	return func() int64 {
		if one == nil {
			return 0
		}
		return one.depth()
	}
}

// meter counts for one actor.
type meter struct {
	messages, panics, started, handling atomic.Int64
	within                              [6]atomic.Int64
	waiting                             atomic.Pointer[queue] // of the newest mailbox
}

// queue counts what waits in one mailbox. What waited in the mailbox of an actor that
// ended is lost, so each has a count of its own.
type queue struct{ depth atomic.Int64 }

var _ actor.MailboxMiddleware = (*queue)(nil)

func (m *meter) mailbox() actor.Mailbox {
	q := &queue{}
	m.waiting.Store(q)
	return gated(actor.Unbounded(q)())
}

func (m *meter) depth() int64 {
	if q := m.waiting.Load(); q != nil {
		return max(q.depth.Load(), 0)
	}
	return 0
}

func (m *meter) watch(next actor.ReceiverFunc) actor.ReceiverFunc {
	return func(ctx actor.ReceiverContext, env *actor.MessageEnvelope) {
		switch env.Message.(type) {
		case *actor.Stopping, *actor.Stopped, *actor.Restarting:
			next(ctx, env) // the guard around this swallows its panics
			return
		case *actor.Started:
			m.started.Add(1)
		}
		began := time.Now()
		whole := false
		defer func() {
			m.count(time.Since(began))
			if !whole {
				// The mailbox does not hear that a message that panicked is gone.
				m.panics.Add(1)
				m.waiting.Load().MessageReceived(nil)
			}
		}()
		next(ctx, env)
		whole = true
	}
}

func (m *meter) count(took time.Duration) {
	m.messages.Add(1)
	m.handling.Add(int64(took))
	for i, bound := range LatencyBounds() {
		if took <= bound {
			m.within[i].Add(1)
			return
		}
	}
}

func (m *meter) counts(name string) Counts {
	c := Counts{
		Actor: name, Messages: m.messages.Load(), Panics: m.panics.Load(), Restarts: max(m.started.Load()-1, 0),
		Depth: m.depth(), Handling: time.Duration(m.handling.Load()),
	}
	for i := range m.within {
		c.Within[i] = m.within[i].Load()
	}
	return c
}

// MailboxStarted is part of actor.MailboxMiddleware.
func (q *queue) MailboxStarted() {}

// MessagePosted counts one in.
func (q *queue) MessagePosted(any) { q.depth.Add(1) }

// MessageReceived counts one out.
func (q *queue) MessageReceived(any) { q.depth.Add(-1) }

// MailboxEmpty is part of actor.MailboxMiddleware.
func (q *queue) MailboxEmpty() {}
