package testkit

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
)

const (
	patience     = time.Hour   // virtual: how long Bench.Ask and Expect wait
	stopPatience = time.Minute // virtual: how long an actor may take to stop
	settle       = time.Second // virtual: lets protoactor's own goroutines end
	logLinesMax  = 400         // what a failed test shows of the log
)

// Bench is an actor system in a synctest bubble: time moves only while everybody
// waits, so a year of timers takes milliseconds, and real SQLite files work in it.
// Sockets and child processes do not belong in a bubble. Its methods belong to the
// test's own goroutine.
type Bench struct {
	// T is the test inside the bubble; FailNow, Fatal, TempDir and Context must be its own.
	T         *testing.T
	outer     *testing.T // fails with T, and also when a test forgot to use T
	system    *actor.ActorSystem
	log       *slog.Logger
	lines     *lastLines
	spawned   []*actor.PID
	databases []database
}

type database struct {
	path  string
	homes []string
}

// Run gives test a Bench in a bubble of its own. At the end, also of a failed test, it
// stops what was spawned in reverse order, checks every database that was registered,
// and shows the log if the test failed.
func Run(t *testing.T, test func(b *Bench)) {
	t.Helper()
	outer := t
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.outer = outer
		// Not t.Cleanup: the databases lie in directories that Cleanup removes first.
		defer b.close()
		test(b)
	})
}

func newBench(t *testing.T) *Bench {
	b := &Bench{T: t, lines: &lastLines{}}
	b.log = slog.New(slog.NewTextHandler(b.lines, nil))
	b.system = actor.NewActorSystem(
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return b.log }))
	return b
}

// System is the actor system of the bubble.
func (b *Bench) System() *actor.ActorSystem { return b.system }

// Log is the log of the bubble; it is shown when the test fails.
func (b *Bench) Log() *slog.Logger { return b.log }

// Spawn starts an actor under an id, "officer/app/backup" say.
func (b *Bench) Spawn(props *actor.Props, id string) *actor.PID {
	b.T.Helper()
	pid, err := b.system.Root.SpawnNamed(props, id)
	if err != nil {
		b.T.Fatalf("spawn %s: %v", id, err)
	}
	b.spawned = append(b.spawned, pid)
	return pid
}

// Tell sends a message that nobody answers.
func (b *Bench) Tell(to *actor.PID, msg any) { b.system.Root.Send(to, msg) }

// Ask sends a request and gives its one answer; a *messages.Failure comes as the error.
func (b *Bench) Ask(to *actor.PID, msg any) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return kit.Ask[any](ctx, b.system, to, msg, nil)
}

// Ask is Bench.Ask for a request that must be answered with an R; anything else ends
// the test.
func Ask[R any](b *Bench, to *actor.PID, msg any) R {
	b.T.Helper()
	v, err := b.Ask(to, msg)
	if err != nil {
		b.T.Fatalf("ask %s %T: %v", to.Id, msg, err)
	}
	r, ok := v.(R)
	if !ok {
		b.T.Fatalf("ask %s %T: got %T, want %T", to.Id, msg, v, r)
	}
	return r
}

// Stop stops an actor with its children and waits for its end.
func (b *Bench) Stop(pid *actor.PID) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	if err := kit.StopTree(ctx, b.system, pid); err != nil {
		b.T.Errorf("stop %s: %v", pid.Id, err)
	}
}

// Advance lets d of virtual time pass, and all that happens in it.
func (b *Bench) Advance(d time.Duration) { Advance(d) }

// Advance is Bench.Advance for tests that made a bubble of their own. Outside of one it
// panics: there is no way to sleep in real time. One goroutine at a time may call it.
func Advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Settle waits until everybody waits, without letting time pass.
func (b *Bench) Settle() { synctest.Wait() }

// Database registers a database: at the end of the test, when all actors have
// stopped, it must pass integrity_check and have left no strays beside it and in its
// homes (default: {database}-officer).
func (b *Bench) Database(path string, homes ...string) {
	b.databases = append(b.databases, database{path, homes})
}

func (b *Bench) close() {
	for i := len(b.spawned) - 1; i >= 0; i-- {
		b.Stop(b.spawned[i])
	}
	b.Advance(settle)
	for _, d := range b.databases {
		CheckDatabase(b.T, d.path, d.homes...)
	}
	if b.outer.Failed() {
		b.lines.show(b.T)
	}
}

// lastLines keeps the last lines of a log.
type lastLines struct {
	mu    sync.Mutex
	lines []string
}

var _ io.Writer = (*lastLines)(nil)

// Write takes one line, as slog's handlers give it.
func (l *lastLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == logLinesMax {
		l.lines = l.lines[1:]
	}
	l.lines = append(l.lines, string(line))
	return len(line), nil
}

func (l *lastLines) show(t testing.TB) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		t.Logf("log: %s", line)
	}
}
