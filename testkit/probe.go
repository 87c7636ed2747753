package testkit

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/messages"
)

// Probe stands in for a neighbour: it lives under the neighbour's id, records what it
// hears in order, answers what On told it to answer, and Ping. Its methods belong to
// the test's own goroutine.
type Probe struct {
	b       *Bench
	pid     *actor.PID
	arrived chan struct{}

	mu       sync.Mutex
	heard    []Heard
	read     int        // how many of heard Expect and Await have consumed
	last     *actor.PID // who sent the message that Expect or Await gave last
	replies  []func(msg any) (reply any, matches bool)
	watchers []*actor.PID
}

// Heard is one message that reached a Probe.
type Heard struct {
	Message any
	Sender  *actor.PID // nil for a tell
	At      time.Time  // virtual
}

// Probe registers a probe under an id, "officer/app/dbowner" say.
func (b *Bench) Probe(id string) *Probe {
	b.T.Helper()
	p := &Probe{b: b, arrived: make(chan struct{}, 1)}
	pid, ok := b.system.ProcessRegistry.Add(p, id)
	if !ok {
		b.T.Fatalf("probe %s: the id is taken", id)
	}
	p.pid = pid
	return p
}

// PID is where the probe is reached.
func (p *Probe) PID() *actor.PID { return p.pid }

// On lets a probe answer every request of type M with what reply gives; nil gives no
// answer. The newest On for a type counts. reply runs on the asker's goroutine and
// must not wait; to answer late, use Expect, Bench.Advance and Reply.
func On[M any](p *Probe, reply func(M) any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replies = append(p.replies, func(msg any) (any, bool) {
		m, ok := msg.(M)
		if !ok {
			return nil, false
		}
		return reply(m), true
	})
}

// Expect gives the next message, which must be an M; it waits for it up to a virtual
// hour.
func Expect[M any](p *Probe) M {
	p.b.T.Helper()
	h := p.next()
	m, ok := h.Message.(M)
	if !ok {
		p.b.T.Fatalf("%s: got %T, want %T\n%s", p.pid.Id, h.Message, m, p.story())
	}
	return m
}

// Await gives the next message that is an M and passes over others before it.
func Await[M any](p *Probe) M {
	p.b.T.Helper()
	for {
		if m, ok := p.next().Message.(M); ok {
			return m
		}
	}
}

// Reply answers whoever sent the message that Expect or Await gave last.
func (p *Probe) Reply(msg any) {
	p.b.T.Helper()
	p.mu.Lock()
	to := p.last
	p.mu.Unlock()
	if to == nil {
		p.b.T.Fatalf("%s: nobody waits for %T: the last message was told, not asked", p.pid.Id, msg)
	}
	p.b.system.Root.Send(to, msg)
}

// Silent fails the test when a message is unread or arrives within d of virtual time.
func (p *Probe) Silent(d time.Duration) {
	p.b.T.Helper()
	p.b.Advance(d)
	p.mu.Lock()
	unread := len(p.heard) - p.read
	p.mu.Unlock()
	if unread > 0 {
		p.b.T.Fatalf("%s: got %d messages, want silence\n%s", p.pid.Id, unread, p.story())
	}
}

// Heard gives all messages so far, read or not, in their order.
func (p *Probe) Heard() []Heard {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.heard)
}

// Request sends msg with the probe as its asker: the answer is heard by the probe.
func (p *Probe) Request(to *actor.PID, msg any) {
	p.b.system.Root.RequestWithCustomSender(to, msg, p.pid)
}

// Die ends the probe: who watches or asks it hears so, later messages are dead letters.
func (p *Probe) Die() { p.Stop(p.pid) }

func (p *Probe) next() Heard {
	p.b.T.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		if p.read < len(p.heard) {
			h := p.heard[p.read]
			p.read++
			p.last = h.Sender
			p.mu.Unlock()
			return h
		}
		p.mu.Unlock()
		select {
		case <-p.arrived:
		case <-deadline:
			p.b.T.Fatalf("%s: nothing came within %v\n%s", p.pid.Id, patience, p.story())
		}
	}
}

// story tells what was heard, for the reader of a failed test.
func (p *Probe) story() string {
	var s strings.Builder
	for i, h := range p.Heard() {
		_, _ = fmt.Fprintf(&s, "  %d %s %T %v\n", i+1, h.At.Format(time.DateTime), h.Message, h.Message) // a Builder never fails
	}
	return "heard:\n" + s.String()
}

// SendUserMessage is part of actor.Process.
func (p *Probe) SendUserMessage(_ *actor.PID, message any) {
	_, msg, sender := actor.UnwrapEnvelope(message)
	if _, ok := msg.(*messages.Ping); ok {
		p.answer(sender, &messages.Pong{Actor: p.pid.Id})
		return
	}
	p.mu.Lock()
	p.heard = append(p.heard, Heard{Message: msg, Sender: sender, At: time.Now()})
	replies := slices.Clone(p.replies)
	p.mu.Unlock()
	for i := len(replies) - 1; i >= 0; i-- {
		if reply, ok := replies[i](msg); ok {
			p.answer(sender, reply)
			break
		}
	}
	select {
	case p.arrived <- struct{}{}:
	default:
	}
}

func (p *Probe) answer(to *actor.PID, msg any) {
	if to != nil && msg != nil {
		p.b.system.Root.Send(to, msg)
	}
}

// SendSystemMessage is part of actor.Process: it keeps who watches the probe.
func (p *Probe) SendSystemMessage(_ *actor.PID, message any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch msg := message.(type) {
	case *actor.Watch:
		p.watchers = append(p.watchers, msg.Watcher)
	case *actor.Unwatch:
		p.watchers = slices.DeleteFunc(p.watchers, msg.Watcher.Equal)
	}
}

// Stop is part of actor.Process; Die is its name for tests.
func (p *Probe) Stop(*actor.PID) {
	p.b.system.ProcessRegistry.Remove(p.pid)
	p.mu.Lock()
	watchers := slices.Clone(p.watchers)
	p.mu.Unlock()
	for _, w := range watchers {
		process, ok := p.b.system.ProcessRegistry.Get(w)
		if ok {
			process.SendSystemMessage(w, &actor.Terminated{Who: p.pid, Why: actor.TerminatedReason_Stopped})
		}
	}
}
