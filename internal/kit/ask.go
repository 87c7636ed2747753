package kit

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/messages"
)

// Ask sends msg to an actor from outside and waits for exactly one of: its reply, its
// *messages.Failure (as the error), the end of ctx, or the end of the actor. It
// replaces protoactor's Future, which can lose a reply that races its timeout.
// A nil progress drops Progress messages.
func Ask[R any](ctx context.Context, system *actor.ActorSystem, to *actor.PID, msg any, progress func(*messages.Progress)) (R, error) {
	var none R
	v, err := ask(ctx, system, outside, to, msg, progress)
	if err != nil {
		return none, err
	}
	r, ok := v.(R)
	if !ok {
		return none, messages.NewFailure("internal", "ask "+to.GetId(), "unexpected answer %s", typeName(v))
	}
	return r, nil
}

const (
	outside   = "outside"
	askerMark = "/ask$" // the registry's ids begin with $
)

// Origin gives the actor behind the sender of a message: for an asker made by Base.Ask
// the actor that asked, for every other sender the sender itself. Who wants to be told
// later (a schedule, a subscription) is told under this id.
func Origin(sender *actor.PID) *actor.PID {
	at := strings.LastIndex(sender.GetId(), askerMark)
	if at < 0 || sender.GetId()[:at] == outside {
		return sender
	}
	return &actor.PID{Address: sender.Address, Id: sender.Id[:at]}
}

func ask(ctx context.Context, system *actor.ActorSystem, from string, to *actor.PID, msg any, progress func(*messages.Progress)) (any, error) {
	op := "ask " + to.GetId()
	if err := ctx.Err(); err != nil {
		return nil, ended(op, err)
	}
	p := &asker{answer: make(chan any, 1), progress: progress}
	pid, ok := system.ProcessRegistry.Add(p, from+"/ask"+system.ProcessRegistry.NextId())
	if !ok {
		return nil, messages.NewFailure("internal", op, "the asker could not be registered")
	}
	defer system.ProcessRegistry.Remove(pid)
	target, _ := system.ProcessRegistry.Get(to)
	target.SendSystemMessage(to, &actor.Watch{Watcher: pid})
	defer target.SendSystemMessage(to, &actor.Unwatch{Watcher: pid})
	system.Root.RequestWithCustomSender(to, msg, pid)
	select {
	case v := <-p.answer:
		return outcome(op, v)
	case <-ctx.Done():
		// An answer that arrived in the same instant wins: it is the truth.
		select {
		case v := <-p.answer:
			return outcome(op, v)
		default:
			return nil, ended(op, ctx.Err())
		}
	}
}

func outcome(op string, v any) (any, error) {
	switch v := v.(type) {
	case *messages.Failure:
		return nil, v
	case *actor.Terminated, *actor.DeadLetterResponse:
		return nil, messages.NewFailure("actor_gone", op, "the part that was asked is not there (any more)").
			WithDid("Nothing more was done for this request.")
	}
	return v, nil
}

func ended(op string, err error) *messages.Failure {
	if errors.Is(err, context.DeadlineExceeded) {
		return messages.NewFailure("no_answer", op, "no answer in time")
	}
	return messages.NewFailure("interrupted", op, "interrupted")
}

// asker is a process with room for one answer; the first one counts.
type asker struct {
	answer   chan any
	mu       sync.Mutex
	progress func(*messages.Progress)
}

// SendUserMessage takes the reply.
func (a *asker) SendUserMessage(_ *actor.PID, message any) {
	_, msg, _ := actor.UnwrapEnvelope(message)
	if p, ok := msg.(*messages.Progress); ok {
		if a.progress != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.progress(p)
		}
		return
	}
	a.put(msg)
}

// SendSystemMessage takes the news that the asked actor ended.
func (a *asker) SendSystemMessage(_ *actor.PID, message any) {
	if t, ok := message.(*actor.Terminated); ok {
		a.put(t)
	}
}

// Stop is part of actor.Process; there is nothing to stop.
func (a *asker) Stop(*actor.PID) {}

func (a *asker) put(msg any) {
	select {
	case a.answer <- msg:
	default:
	}
}

// StopTree stops an actor with all its children and waits for its end, at most until
// ctx is done; then it returns a Failure and leaves the tree stopping.
func StopTree(ctx context.Context, system *actor.ActorSystem, pid *actor.PID) error {
	p := &asker{answer: make(chan any, 1)}
	own, ok := system.ProcessRegistry.Add(p, "stop"+system.ProcessRegistry.NextId())
	if !ok {
		return messages.NewFailure("internal", "stop "+pid.GetId(), "the waiter could not be registered")
	}
	defer system.ProcessRegistry.Remove(own)
	target, there := system.ProcessRegistry.Get(pid)
	if !there {
		return nil
	}
	target.SendSystemMessage(pid, &actor.Watch{Watcher: own})
	system.Root.Stop(pid)
	select {
	case <-p.answer:
		return nil
	case <-ctx.Done():
		return messages.NewFailure("no_answer", "stop "+pid.GetId(), "it did not stop in time")
	}
}

// Backoff gives the wait before restart number n (1, 2, 3 …): base doubled each time,
// at most limit, plus up to a quarter of jitter (0 ≤ jitter < 1).
func Backoff(n int, base, limit time.Duration, jitter float64) time.Duration {
	d := base
	for i := 1; i < n && d < limit; i++ {
		d *= 2
	}
	d = min(d, limit)
	return d + time.Duration(float64(d)/4*jitter)
}

// ReadAgain gives the wait before a file is read again that could not be read n times in a
// row (1, 2, 3 …): 1, 4, 16 … seconds, at most 15 minutes.
func ReadAgain(n int) time.Duration { return Backoff(2*n-1, time.Second, 15*time.Minute, 0) }
