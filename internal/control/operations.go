package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/officer-doofy/officer/messages"
)

// Limits of what is remembered: an Officer that runs for a year must not grow.
const (
	operationsKept = 1000
	// operationsBytes bounds what the ended ones hold: a report on a sick database has
	// hundreds of findings, a backup a line for each table.
	operationsBytes = 8 << 20
	// operationsRunning is more than anybody has a reason to start at once.
	operationsRunning = 64
	// keyFor is how long an idempotency key is good for.
	keyFor = 24 * time.Hour
	// waitMax is the longest wait_ms.
	waitMax = time.Hour
	// keyBytesMax is the longest idempotency key.
	keyBytesMax = 200
)

// operations is the registry of long work. An operation belongs to nobody: it goes on
// when its client leaves, until it ends, is cancelled, or Officer stops.
type operations struct {
	officer Officer
	now     func() time.Time
	ctx     context.Context
	stop    context.CancelFunc
	going   sync.WaitGroup

	mu      sync.Mutex
	list    []*operation // in the order of their start
	keys    map[operationKey]*operation
	running int
	bytes   int // of the ended ones
}

// operationKey is what makes a second request the same one.
type operationKey struct{ kind, database, key string }

// operation is one of them. state is never changed, only replaced: whoever got it may
// keep it.
type operation struct {
	id     string
	cancel context.CancelFunc
	key    operationKey
	asked  [sha256.Size]byte // of the request, to know another one under the same key
	begun  time.Time
	bytes  int
	ended  chan struct{}

	mu      sync.Mutex
	state   *messages.Operation
	changed chan struct{} // closed at the next change
}

// work is a request for an operation.
type work struct {
	kind, database, key string
	request             proto.Message                  // as the client sent it
	order               func(job string) proto.Message // for the part that does it
}

func newOperations(officer Officer) *operations {
	ctx, stop := context.WithCancel(context.Background())
	return &operations{officer: officer, now: time.Now, ctx: ctx, stop: stop, keys: make(map[operationKey]*operation)}
}

// close cancels what runs.
func (o *operations) close() {
	o.mu.Lock()
	o.stop()
	o.mu.Unlock()
}

// start begins an operation, or gives the one that was begun with the same key.
func (o *operations) start(w work) (*operation, *messages.Failure) {
	const op = "start an operation"
	if len(w.key) > keyBytesMax {
		return nil, messages.NewFailure("invalid", op, "an idempotency key has at most %d bytes", keyBytesMax)
	}
	asked := digest(w.request)
	o.mu.Lock()
	defer o.mu.Unlock()
	key := operationKey{w.kind, w.database, w.key}
	if had := o.keys[key]; w.key != "" && had != nil && o.now().Sub(had.begun) < keyFor {
		if had.asked != asked {
			return nil, messages.NewFailure("idempotency_conflict", op,
				"this idempotency key was used within a day for a %s with other parameters: operation %s", w.kind, had.id).
				WithDid("Nothing was started or changed.").WithHints("send the other request with a key of its own")
		}
		return had, nil
	}
	if o.ctx.Err() != nil {
		return nil, messages.NewFailure("interrupted", op, "Officer is stopping").WithDid("Nothing was started.")
	}
	if o.running >= operationsRunning {
		return nil, messages.NewFailure("too_many", op, "%d operations are running already", o.running).
			WithDid("Nothing was started.").WithHints("wait for one of them, or cancel it")
	}
	ctx, cancel := context.WithCancel(o.ctx)
	one := &operation{
		id: newID(), cancel: cancel, key: key, asked: asked, begun: o.now(), ended: make(chan struct{}), changed: make(chan struct{}),
	}
	one.state = &messages.Operation{
		Id: one.id, Kind: w.kind, Database: w.database, State: stateRunning,
		StartedAtUnixMs: one.begun.UnixMilli(), IdempotencyKey: w.key,
	}
	o.list = append(o.list, one)
	if w.key != "" {
		o.keys[key] = one
	}
	o.running++
	o.going.Add(1)
	go o.run(ctx, one, w)
	return one, nil
}

// States of an operation.
const (
	stateRunning   = "running"
	stateDone      = "done"
	stateFailed    = "failed"
	stateCancelled = "cancelled"
)

// run has the work done and keeps what came of it.
func (o *operations) run(ctx context.Context, one *operation, w work) {
	defer o.going.Done()
	defer one.cancel()
	answer, err := o.officer.Ask(ctx, w.database, w.order("op-"+one.id), func(p *messages.Progress) {
		one.change(func(s *messages.Operation) { s.Progress = p })
	})
	end := one.change(func(s *messages.Operation) {
		s.EndedAtUnixMs = o.now().UnixMilli()
		if err == nil {
			s.State = stateDone
			if !fill(s, "result", answer) {
				err = messages.NewFailure("internal", w.kind, "the answer has no place in the protocol")
			}
		}
		if err != nil {
			f := failureOf(err)
			s.State = stateFailed
			// Whoever cancels too late gets what was done: that is the truth.
			if ctx.Err() != nil && (f.Code == "interrupted" || f.Code == "actor_gone") {
				s.State = stateCancelled
			}
			s.Result = &messages.Operation_Failure{Failure: f}
		}
	})
	close(one.ended)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running--
	one.bytes = proto.Size(end)
	o.bytes += one.bytes
	o.forget()
}

// forget drops the oldest ended operations that are too many or too much. The newest
// stays in any case: somebody may wait for it.
func (o *operations) forget() {
	for i := 0; i < len(o.list)-1 && (len(o.list) > operationsKept || o.bytes > operationsBytes); {
		old := o.list[i]
		if old.bytes == 0 { // it runs
			i++
			continue
		}
		o.bytes -= old.bytes
		o.list = slices.Delete(o.list, i, i+1)
		if o.keys[old.key] == old {
			delete(o.keys, old.key)
		}
	}
}

// find gives an operation that is remembered.
func (o *operations) find(id string) (*operation, *messages.Failure) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range o.list {
		if one.id == id {
			return one, nil
		}
	}
	return nil, messages.NewFailure("unknown_operation", "find the operation",
		"there is no such operation: the last %d are remembered until Officer stops", operationsKept)
}

// all gives those of a database, or of all when it is empty, newest first.
func (o *operations) all(database string) []*messages.Operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []*messages.Operation
	for _, one := range slices.Backward(o.list) {
		if s := one.now(); database == "" || s.Database == database {
			out = append(out, s)
		}
	}
	return out
}

// now gives the state, which nobody changes any more.
func (o *operation) now() *messages.Operation {
	state, _ := o.look()
	return state
}

// look gives the state and what is closed when there is another one.
func (o *operation) look() (*messages.Operation, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state, o.changed
}

// change replaces the state.
func (o *operation) change(by func(*messages.Operation)) *messages.Operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := proto.CloneOf(o.state)
	by(next)
	o.state = next
	close(o.changed)
	o.changed = make(chan struct{})
	return next
}

// wait gives the state once the operation ended, ctx is done, or the time is over.
func (o *operation) wait(ctx context.Context, forMS int64) *messages.Operation {
	limit := min(time.Duration(max(0, min(forMS, waitMax.Milliseconds())))*time.Millisecond, waitMax)
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-o.ended:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return o.now()
}

// newID is a name that nobody guesses and every path, header and shell takes.
func newID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return hex.EncodeToString(b[:])
}

// digest tells requests apart, apart from how long their sender waits.
func digest(request proto.Message) [sha256.Size]byte {
	m := proto.Clone(request).ProtoReflect()
	for _, name := range []string{"wait_ms", "idempotency_key", "database"} {
		if f := m.Descriptor().Fields().ByName(protoreflect.Name(name)); f != nil {
			m.Clear(f)
		}
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(b)
}
