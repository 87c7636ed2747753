package kit

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/messages"
)

// Base holds what one incarnation of an actor has open: requests not yet answered,
// timers, and work in the background. Embed it by value. All of it is released when
// the incarnation ends: requests are answered with a Failure, timers stopped,
// background work cancelled. Its methods belong to the actor's own goroutine.
type Base struct {
	requests map[*Request]struct{}
	timers   map[*timeUp]struct{}
	ctx      context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup
	over     *messages.Failure // set once the incarnation ended: the answer to what still comes
	now      *turn
}

// turn is the handling of one message: whether its asker has had the answer, and
// whether it was taken for later.
type turn struct{ answered, accepted bool }

func (b *Base) base() *Base { return b }

// Request is a request that was accepted and will be answered later, once.
type Request struct {
	b      *Base
	sender *actor.PID
	root   *actor.RootContext
	turn   *turn // the handling of the message it was
	done   bool
}

// Accept takes the present message's sender as a request to be answered later. Without
// a sender the Request swallows its answer.
func (b *Base) Accept(ctx actor.Context) *Request {
	r := &Request{b: b, sender: ctx.Sender(), root: ctx.ActorSystem().Root, turn: b.now}
	if b.now != nil {
		b.now.accepted = true
	}
	if b.requests == nil {
		b.requests = make(map[*Request]struct{})
	}
	b.requests[r] = struct{}{}
	if b.over != nil {
		// While its children stop, an actor that has ended still gets messages.
		r.Answer(b.over)
	}
	return r
}

// Answer answers the request; every call after the first does nothing.
func (r *Request) Answer(msg any) {
	if r == nil || r.done {
		return
	}
	r.done = true
	delete(r.b.requests, r)
	if r.sender != nil {
		r.root.Send(r.sender, msg)
	}
}

// Tell sends the asker something that is not the answer (Progress).
func (r *Request) Tell(msg any) {
	if r != nil && !r.done && r.sender != nil {
		r.root.Send(r.sender, msg)
	}
}

// Reply answers the present message at once; without a sender it does nothing.
func Reply(ctx actor.Context, msg any) {
	if ctx.Sender() == nil {
		return
	}
	if b := baseOf(ctx.Actor()); b != nil && b.now != nil {
		b.now.answered = true
	}
	ctx.Respond(msg)
}

// Unhandled is the loud default of every Receive: the asker gets a Failure, the log a
// line. Lifecycle messages are silent.
func (b *Base) Unhandled(ctx actor.Context) {
	switch ctx.Message().(type) {
	case actor.SystemMessage, actor.AutoReceiveMessage, *actor.Started, *actor.Terminated,
		*actor.Stopping, *actor.Stopped, *actor.Restarting, *Answer:
		return
	case *messages.Failure:
		ctx.Logger().Warn("failure that nobody waits for", slog.String("actor", ctx.Self().Id),
			slog.String("failure", ctx.Message().(*messages.Failure).Error()))
		return
	}
	name := typeName(ctx.Message())
	ctx.Logger().Error("unhandled message", slog.String("actor", ctx.Self().Id), slog.String("message", name))
	Reply(ctx, messages.NewFailure("unhandled", "handle "+name, "%s does not take %s", ctx.Self().Id, name))
}

// failed gives the asker of the message that panicked its one answer, unless it has had
// it, and tells whether that was seen to. What was accepted earlier is answered when the
// incarnation ends.
func (b *Base) failed(f *messages.Failure) bool {
	for r := range b.requests {
		if r.turn == b.now {
			r.Answer(f)
		}
	}
	return b.now.answered || b.now.accepted
}

// After sends msg to the actor itself after d, unless the incarnation ends before.
// stop is safe to call at any time. Calendar work belongs to the schedule actor; this
// is for back-off, leases and watchdogs.
func (b *Base) After(ctx actor.Context, d time.Duration, msg any) (stop func()) {
	t := &timeUp{message: msg}
	if b.timers == nil {
		b.timers = make(map[*timeUp]struct{})
	}
	b.timers[t] = struct{}{}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	t.set(d, func() { root.Send(self, t) })
	return func() {
		t.stop()
		delete(b.timers, t)
	}
}

// Poll sends msg to the actor itself once probe tells true, or after limit. It probes
// beside the actor at whole multiples of every: what is as it was costs no message, and
// hundreds of actors wake up together. probe may block; it must not touch the actor.
// stop is safe to call at any time, and so is the end of the incarnation.
func (b *Base) Poll(ctx actor.Context, every, limit time.Duration, probe func() bool, msg any) (stop func()) {
	t := &timeUp{message: msg}
	if b.timers == nil {
		b.timers = make(map[*timeUp]struct{})
	}
	b.timers[t] = struct{}{}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	end := time.Now().Add(limit)
	next := func() time.Duration {
		now := time.Now()
		return max(min(now.Truncate(every).Add(every).Sub(now), end.Sub(now)), 0)
	}
	look := func() {
		if !time.Now().Before(end) || told(probe) {
			root.Send(self, t)
			return
		}
		t.again(next())
	}
	t.set(next(), look)
	return func() {
		t.stop()
		delete(b.timers, t)
	}
}

// told is what a probe tells; one that panics has something to tell.
func told(probe func() bool) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = true
		}
	}()
	return probe()
}

// timeUp carries a timer's message to the incarnation that set it.
type timeUp struct {
	message any

	mu    sync.Mutex
	timer *time.Timer
	over  bool
}

func (t *timeUp) set(d time.Duration, f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(d, f)
}

// again sets a timer that fired once more, unless it was stopped meanwhile.
func (t *timeUp) again(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.timer.Reset(d)
	}
}

func (t *timeUp) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.timer.Stop()
}

func (b *Base) timerFired(t *timeUp) bool {
	_, mine := b.timers[t]
	delete(b.timers, t)
	return mine
}

// Go runs work in the background and sends its outcome to the actor as an *Answer with
// the tag. A panic in work becomes its error. ctx of work ends with the incarnation.
func (b *Base) Go(ctx actor.Context, tag any, work func(context.Context) (any, error)) {
	root, self := ctx.ActorSystem().Root, ctx.Self()
	wctx := b.context()
	b.work.Add(1)
	go func() {
		defer b.work.Done()
		v, err := shielded(wctx, work)
		root.Send(self, &Answer{Tag: tag, Value: v, Err: err, to: b})
	}()
}

func shielded(ctx context.Context, work func(context.Context) (any, error)) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			v, err = nil, messages.NewFailure("internal", "work in the background",
				"a defect of Officer: %v\n%s", r, debug.Stack())
		}
	}()
	return work(ctx)
}

// Ask sends msg to another actor and delivers exactly one outcome to this one, as an
// *Answer with the tag: the reply, its Failure, "no answer in time", or "gone". A
// Progress the other sends meanwhile arrives as a message of its own.
func (b *Base) Ask(ctx actor.Context, to *actor.PID, msg any, timeout time.Duration, tag any) {
	system, self := ctx.ActorSystem(), ctx.Self()
	wctx := b.context()
	b.work.Add(1)
	go func() {
		defer b.work.Done()
		actx, cancel := context.WithTimeout(wctx, timeout)
		defer cancel()
		v, err := ask(actx, system, self.Id, to, msg, func(p *messages.Progress) { system.Root.Send(self, p) })
		system.Root.Send(self, &Answer{Tag: tag, Value: v, Err: err, to: b})
	}()
}

// Answer is the outcome of Go or Ask. Err is a *messages.Failure for everything that
// another actor refused or could not do.
type Answer struct {
	Tag   any
	Value any
	Err   error
	to    *Base
}

func (b *Base) context() context.Context {
	if b.ctx == nil {
		b.ctx, b.cancel = context.WithCancel(context.Background())
		if b.over != nil {
			b.cancel()
		}
	}
	return b.ctx
}

// release ends the incarnation: answers, stops, cancels.
func (b *Base) release(f *messages.Failure) {
	b.over = f
	for r := range b.requests {
		r.Answer(f)
	}
	for t := range b.timers {
		t.stop()
	}
	b.timers = nil
	if b.cancel != nil {
		b.cancel()
	}
}

// rest waits for the background work of an incarnation that was released, at most for
// limit (0 = without end), and tells whether all of it ended.
func (b *Base) rest(limit time.Duration) bool {
	ended := make(chan struct{})
	go func() {
		b.work.Wait()
		close(ended)
	}()
	if limit == 0 {
		<-ended
		return true
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

func typeName(msg any) string {
	s := fmt.Sprintf("%T", msg)
	return s[strings.LastIndexByte(s, '.')+1:]
}
