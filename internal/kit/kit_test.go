package kit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deed is what a message makes the actor under test do.
type deed func(*worker, actor.Context)

// worker does what it is told, and notes what it sees.
type worker struct {
	kit.Base
	n     int // messages handled by this incarnation
	notes *notes
	kept  *kit.Request
}

// notes outlive the incarnations.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

func (n *notes) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return fmt.Sprint(n.lines)
}

func (w *worker) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case deed:
		w.n++
		msg(w, ctx)
	case *kit.Answer:
		w.notes.add("answer %v %v", msg.Tag, msg.Value)
	case string:
		w.notes.add("timer %s", msg)
	case *messages.Progress:
		w.notes.add("progress %s", msg.GetStage())
	case *actor.Restarting, *actor.Stopping:
		w.notes.add("%T", msg)
	default:
		w.Unhandled(ctx)
	}
}

func count(w *worker, ctx actor.Context)  { kit.Reply(ctx, w.n) }
func crash(*worker, actor.Context)        { panic("by order") }
func accept(w *worker, ctx actor.Context) { w.kept = w.Accept(ctx) }

// spawn starts a worker that is restarted as often as it fails.
func spawn(b *testkit.Bench, id string) (*actor.PID, *notes) {
	n := &notes{}
	always := actor.NewOneForOneStrategy(1_000_000, time.Hour, actor.DefaultDecider)
	return b.Spawn(kit.Props(func() actor.Actor { return &worker{notes: n} }, actor.WithGuardian(always)), id), n
}

// code gives the code of a Failure, "" for no error.
func code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var f *messages.Failure
	if !errors.As(err, &f) {
		t.Errorf("got error %v (%T), want a Failure", err, err)
	}
	return f.GetCode()
}

func TestGuard_answersTheAskerAndRestarts(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, n := spawn(b, "worker")
		testkit.Ask[int](b, pid, deed(count))
		if _, err := b.Ask(pid, deed(crash)); code(t, err) != "internal" {
			t.Errorf("got %v, want internal", err)
		}
		if got := testkit.Ask[int](b, pid, deed(count)); got != 1 {
			t.Errorf("got %d messages after the restart, want a fresh incarnation with 1", got)
		}
		if got, want := n.all(), "[*actor.Restarting]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestGuard_answersOnceHoweverTheHandlerPanics(t *testing.T) {
	cases := []struct {
		name string
		do   deed
		want string // type of the one answer
	}{
		{"before anything", crash, "*messages.Failure"},
		{"after Reply", func(w *worker, ctx actor.Context) { kit.Reply(ctx, 1); panic("late") }, "int"},
		{"after Accept", func(w *worker, ctx actor.Context) { w.Accept(ctx); panic("late") }, "*messages.Failure"},
		{"after Accept and Answer", func(w *worker, ctx actor.Context) { w.Accept(ctx).Answer(1); panic("late") }, "int"},
		{"after two Answers", func(w *worker, ctx actor.Context) { r := w.Accept(ctx); r.Answer(1); r.Answer("x"); panic("late") }, "int"},
		{"after Unhandled", func(w *worker, ctx actor.Context) { w.Unhandled(ctx); panic("late") }, "*messages.Failure"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			testkit.Run(t, func(b *testkit.Bench) {
				pid, _ := spawn(b, "worker")
				asker := b.Probe("asker")
				asker.Request(pid, c.do)
				b.Advance(time.Minute)
				heard := asker.Heard()
				if len(heard) != 1 || fmt.Sprintf("%T", heard[0].Message) != c.want {
					t.Errorf("got %v, want one %s", heard, c.want)
				}
			})
		})
	}
}

// One asker may have several requests open; a panic in one of them must not swallow
// the answer to another.
func TestGuard_tellsRequestsOfOneAskerApart(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, _ := spawn(b, "worker")
		asker := b.Probe("asker")
		asker.Request(pid, deed(accept))
		asker.Request(pid, deed(crash))
		first, second := testkit.Expect[*messages.Failure](asker), testkit.Expect[*messages.Failure](asker)
		if first.GetCode() != "internal" || second.GetCode() != "actor_gone" {
			t.Errorf("got %v and %v, want internal for the one that panicked and actor_gone for the other", first, second)
		}
		asker.Silent(time.Hour)
	})
}

func TestGuard_answersPing(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, _ := spawn(b, "worker")
		if got := testkit.Ask[*messages.Pong](b, pid, &messages.Ping{}); got.GetActor() != "worker" {
			t.Errorf("got %v, want the pong of worker", got)
		}
	})
}

func TestGuard_swallowsAPanicWhileEnding(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		props := kit.Props(func() actor.Actor { return &sulker{} },
			actor.WithGuardian(actor.NewOneForOneStrategy(10, time.Hour, actor.DefaultDecider)))
		pid := b.Spawn(props, "sulker")
		if _, err := b.Ask(pid, deed(crash)); code(t, err) != "internal" {
			t.Errorf("got %v, want internal", err)
		}
		testkit.Ask[*messages.Pong](b, pid, &messages.Ping{}) // the restart was not lost
		start := time.Now()
		b.Stop(pid)
		if d := time.Since(start); d > 0 {
			t.Errorf("the stop took %v, want none", d)
		}
		if _, err := b.Ask(pid, &messages.Ping{}); code(t, err) != "actor_gone" {
			t.Errorf("got %v after the stop, want actor_gone", err)
		}
	})
}

// sulker panics at every chance.
type sulker struct{ kit.Base }

func (s *sulker) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case deed, *actor.Stopping, *actor.Stopped, *actor.Restarting:
		panic("no")
	}
}

func TestBase_releasesWhatItHoldsAtTheEnd(t *testing.T) {
	ends := map[string]func(*testkit.Bench, *actor.PID){
		"restart": func(b *testkit.Bench, pid *actor.PID) { b.Tell(pid, deed(crash)) },
		"stop":    func(b *testkit.Bench, pid *actor.PID) { b.Stop(pid) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			testkit.Run(t, func(b *testkit.Bench) {
				pid, n := spawn(b, "worker")
				asker := b.Probe("asker")
				cancelled := make(chan struct{})
				asker.Request(pid, deed(accept))
				asker.Request(pid, deed(accept))
				b.Tell(pid, deed(func(w *worker, ctx actor.Context) {
					w.After(ctx, time.Minute, "late")
					w.Go(ctx, "work", func(ctx context.Context) (any, error) {
						<-ctx.Done()
						close(cancelled)
						return nil, ctx.Err()
					})
					w.Ask(ctx, asker.PID(), "question", time.Hour, "ask")
				}))
				b.Settle()
				end(b, pid)
				<-cancelled
				b.Advance(2 * time.Hour)
				answers := 0
				for _, h := range asker.Heard() {
					if f, ok := h.Message.(*messages.Failure); ok && f.GetCode() == "actor_gone" {
						answers++
					}
				}
				if answers != 2 || len(asker.Heard()) != 3 {
					t.Errorf("got %v, want two actor_gone and the question", asker.Heard())
				}
				if got, want := len(n.lines), 1; got != want {
					t.Errorf("got %s, want no timer and no answer after the end", n.all())
				}
			})
		})
	}
}

// What is already in the mailbox when an incarnation ends reaches the next one.
func TestGuard_dropsWhatAnEarlierIncarnationSet(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, n := spawn(b, "worker")
		gate := make(chan struct{})
		b.Tell(pid, deed(func(w *worker, ctx actor.Context) {
			w.After(ctx, time.Second, "stale")
			w.Go(ctx, "stale", func(context.Context) (any, error) { return 1, nil })
			<-gate // timer and answer arrive behind this message
			panic("by order")
		}))
		b.Tell(pid, deed(func(w *worker, ctx actor.Context) {
			w.After(ctx, time.Second, "fresh")
			w.Go(ctx, "fresh", func(context.Context) (any, error) { return 2, nil })
		}))
		b.Advance(time.Minute)
		close(gate)
		b.Advance(time.Minute)
		if got, want := n.all(), "[*actor.Restarting answer fresh 2 timer fresh]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestAfter_stopped(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, n := spawn(b, "worker")
		gate := make(chan struct{})
		b.Tell(pid, deed(func(w *worker, ctx actor.Context) {
			stop := w.After(ctx, time.Second, "stopped in time")
			stop()
			stop()
			late := w.After(ctx, time.Second, "stopped with the message in the mailbox")
			<-gate
			late()
		}))
		b.Advance(time.Minute)
		close(gate)
		b.Advance(time.Minute)
		if got := n.all(); got != "[]" {
			t.Errorf("got %s, want nothing", got)
		}
	})
}

func TestPoll_tellsOnceItSeesSomething(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, n := spawn(b, "worker")
		var probes, seen atomic.Int32
		poll := func(probe func() bool, limit time.Duration, msg string) {
			b.Tell(pid, deed(func(w *worker, ctx actor.Context) { w.Poll(ctx, time.Second, limit, probe, msg) }))
			b.Settle()
		}
		poll(func() bool { probes.Add(1); return seen.Load() > 0 }, time.Hour, "seen")
		b.Advance(10 * time.Second)
		if got := probes.Load(); got < 9 || got > 11 || n.all() != "[]" {
			t.Errorf("after 10 s: %d probes and %s, want one a second and nothing told", got, n.all())
		}
		seen.Store(1)
		b.Advance(time.Minute)
		if got := probes.Load(); got > 12 || n.all() != "[timer seen]" {
			t.Errorf("got %d probes and %s, want one more and one message", got, n.all())
		}
		poll(func() bool { return false }, 90*time.Second, "over")
		b.Advance(89 * time.Second)
		before := n.all()
		b.Advance(2 * time.Second)
		if before != "[timer seen]" || n.all() != "[timer seen timer over]" {
			t.Errorf("got %s, then %s; want it told at its limit", before, n.all())
		}
		poll(func() bool { panic("defect") }, time.Hour, "panicked")
		b.Advance(2 * time.Second)
		if n.all() != "[timer seen timer over timer panicked]" {
			t.Errorf("got %s, want a probe that panics to be told", n.all())
		}
	})
}

func TestPoll_endsWithTheIncarnationAndWhenStopped(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, n := spawn(b, "worker")
		var probes atomic.Int32
		probe := func() bool { probes.Add(1); return false }
		b.Tell(pid, deed(func(w *worker, ctx actor.Context) {
			stop := w.Poll(ctx, time.Second, time.Hour, probe, "stopped")
			stop()
			stop()
			w.Poll(ctx, time.Second, time.Hour, probe, "of before")
		}))
		b.Advance(3 * time.Second)
		b.Tell(pid, deed(func(*worker, actor.Context) { panic("by order") }))
		b.Advance(time.Second)
		before := probes.Load()
		b.Advance(2 * time.Hour)
		if got := probes.Load(); before > 4 || got != before || n.all() != "[*actor.Restarting]" {
			t.Errorf("got %d probes, then %d, and %s; want none after the end", before, got, n.all())
		}
	})
}

func TestGo_panicIsItsError(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		got := make(chan error, 1)
		pid := b.Spawn(kit.Props(func() actor.Actor { return &goer{got: got} }), "goer")
		b.Tell(pid, "go")
		if err := <-got; code(t, err) != "internal" {
			t.Errorf("got %v, want internal", err)
		}
	})
}

// goer lets work in the background panic.
type goer struct {
	kit.Base
	got chan error
}

func (g *goer) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case string:
		g.Go(ctx, nil, func(context.Context) (any, error) { panic("in the background") })
	case *kit.Answer:
		g.got <- msg.Err
	}
}

func TestBaseAsk_givesProgressAndOneOutcome(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, n := spawn(b, "worker")
		peer := b.Probe("peer")
		b.Tell(pid, deed(func(w *worker, ctx actor.Context) { w.Ask(ctx, peer.PID(), "question", time.Hour, "tag") }))
		testkit.Expect[string](peer)
		peer.Reply(&messages.Progress{Stage: "copy"})
		peer.Reply(42)
		peer.Reply(43) // one too many
		b.Advance(2 * time.Hour)
		if got, want := n.all(), "[progress copy answer tag 42]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestAsk_outcomes(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, _ := spawn(b, "worker")
		ask := func(ctx context.Context, to *actor.PID, msg any) (any, error) {
			return kit.Ask[any](ctx, b.System(), to, msg, nil)
		}
		ended, cancel := context.WithCancel(b.T.Context())
		cancel()
		if _, err := ask(ended, pid, deed(count)); code(t, err) != "interrupted" {
			t.Errorf("cancelled before: got %v, want interrupted", err)
		}
		ctx, cancel := context.WithCancel(b.T.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := ask(ctx, pid, deed(accept)); code(t, err) != "interrupted" {
			t.Errorf("cancelled meanwhile: got %v, want interrupted", err)
		}
		ctx, cancel = context.WithTimeout(b.T.Context(), time.Second)
		defer cancel()
		if _, err := ask(ctx, pid, deed(accept)); code(t, err) != "no_answer" {
			t.Errorf("deadline: got %v, want no_answer", err)
		}
		if _, err := ask(b.T.Context(), b.System().NewLocalPID("nobody"), deed(count)); code(t, err) != "actor_gone" {
			t.Errorf("no such actor: got %v, want actor_gone", err)
		}
		time.AfterFunc(time.Second, func() { b.System().Root.Stop(pid) })
		if _, err := ask(b.T.Context(), pid, deed(accept)); code(t, err) != "actor_gone" {
			t.Errorf("stopped meanwhile: got %v, want actor_gone", err)
		}
	})
}

func TestAsk_refusesAnAnswerOfAnotherType(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, _ := spawn(b, "worker")
		got, err := kit.Ask[string](b.T.Context(), b.System(), pid, deed(count), nil)
		if code(t, err) != "internal" || got != "" {
			t.Errorf("got %q, %v, want internal", got, err)
		}
	})
}

func TestAsk_passesProgressOn(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, _ := spawn(b, "worker")
		var stages []string
		got, err := kit.Ask[int](b.T.Context(), b.System(), pid, deed(func(w *worker, ctx actor.Context) {
			r := w.Accept(ctx)
			r.Tell(&messages.Progress{Stage: "copy"})
			r.Tell(&messages.Progress{Stage: "verify"})
			r.Answer(7)
			r.Tell(&messages.Progress{Stage: "too late"})
		}), func(p *messages.Progress) { stages = append(stages, p.GetStage()) })
		if err != nil || got != 7 || fmt.Sprint(stages) != "[copy verify]" {
			t.Errorf("got %d, %v, %v, want 7 after copy and verify", got, stages, err)
		}
	})
}

// A thousand askers, an actor that replies, delays, forgets, panics before and after,
// and is stopped with a full mailbox: nobody waits for ever, nobody hears two answers.
func TestAsk_aThousandGetExactlyOneAnswer(t *testing.T) {
	const rounds, askers = 20, 50
	outcomes := map[string]int{}
	for seed := range uint64(rounds) {
		testkit.Run(t, func(b *testkit.Bench) {
			for _, o := range storm(b, rand.New(rand.NewPCG(seed, 3)), askers) {
				outcomes[o]++
			}
		})
	}
	total := 0
	for _, n := range outcomes {
		total += n
	}
	t.Logf("outcomes of %d asks: %v", total, outcomes)
	if total != rounds*askers || outcomes["no_answer"] > 0 || outcomes["int"] < total/10 || outcomes["actor_gone"] < total/10 {
		t.Errorf("got %v, want %d outcomes of every kind and nobody without an answer", outcomes, rounds*askers)
	}
}

func misdeeds() []deed {
	return []deed{
		count, accept, crash,
		func(*worker, actor.Context) {}, // forgets
		func(w *worker, ctx actor.Context) { kit.Reply(ctx, 1); panic("after the reply") },
		func(w *worker, ctx actor.Context) { w.Accept(ctx).Answer(1); panic("after the answer") },
		func(w *worker, ctx actor.Context) { w.Accept(ctx); panic("after accepting") },
		func(w *worker, ctx actor.Context) {
			r := w.Accept(ctx)
			w.After(ctx, 300*time.Millisecond, deed(func(*worker, actor.Context) { r.Answer(1) }))
		},
	}
}

// storm lets half of the askers wait in kit.Ask and half be bare processes that count
// what they hear, over two virtual seconds, and stops the actor within the last.
func storm(b *testkit.Bench, rng *rand.Rand, askers int) (outcomes []string) {
	b.T.Helper()
	pid, _ := spawn(b, "worker")
	results := make(chan string, askers)
	var probes []*testkit.Probe
	for i := range askers {
		do, wait := misdeeds()[rng.IntN(len(misdeeds()))], time.Duration(rng.IntN(2000))*time.Millisecond
		probe := b.Probe(fmt.Sprintf("probe%d", i))
		probes = append(probes, probe)
		time.AfterFunc(wait, func() {
			probe.Request(pid, do)
			v, err := kit.Ask[any](context.Background(), b.System(), pid, do, nil)
			if err != nil {
				results <- code(b.T, err)
				return
			}
			results <- fmt.Sprintf("%T", v)
		})
	}
	time.AfterFunc(time.Second+time.Duration(rng.IntN(1000))*time.Millisecond, func() { b.System().Root.Stop(pid) })
	b.Advance(time.Hour)
	for range askers {
		select {
		case o := <-results:
			outcomes = append(outcomes, o)
		default:
			b.T.Error("an asker still waits an hour later")
		}
	}
	for _, p := range probes {
		if h := p.Heard(); len(h) > 1 {
			b.T.Errorf("got answers %v, want one at most", h)
		}
	}
	return outcomes
}

func TestStopTree_waitsAtMostUntilTheDeadline(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		gate := make(chan struct{})
		pid := b.Spawn(kit.Props(func() actor.Actor { return &lingerer{gate: gate} }), "lingerer")
		ctx, cancel := context.WithTimeout(b.T.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if err := kit.StopTree(ctx, b.System(), pid); code(t, err) != "no_answer" {
			t.Errorf("got %v, want no_answer", err)
		}
		if got, want := time.Since(start), 5*time.Second; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		close(gate)
		b.Settle()
		if err := kit.StopTree(b.T.Context(), b.System(), pid); err != nil {
			t.Errorf("stopping what has stopped: got %v, want nil", err)
		}
	})
}

// lingerer stops when the gate opens.
type lingerer struct {
	kit.Base
	gate chan struct{}
}

func (l *lingerer) Receive(ctx actor.Context) {
	if _, ok := ctx.Message().(*actor.Stopping); ok {
		<-l.gate
	}
}

func TestStopTree_stopsChildrenFirst(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, n := spawn(b, "parent")
		b.Tell(pid, deed(func(w *worker, ctx actor.Context) {
			ctx.Spawn(kit.Props(func() actor.Actor { return &worker{notes: w.notes} }))
		}))
		b.Settle() // a stop overtakes what waits in the mailbox
		if err := kit.StopTree(b.T.Context(), b.System(), pid); err != nil {
			t.Fatal(err)
		}
		if got, want := n.all(), "[*actor.Stopping *actor.Stopping]"; got != want {
			t.Errorf("got %s, want %s: parent and child stopped", got, want)
		}
	})
}

func TestUnhandled_isLoudToTheAskerAndSilentForLifecycle(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid, _ := spawn(b, "worker")
		_, err := b.Ask(pid, &messages.TakeBackup{})
		if code(t, err) != "unhandled" {
			t.Errorf("got %v, want unhandled", err)
		}
		b.Tell(pid, &messages.TakeBackup{}) // no sender: only the log hears it
		b.Tell(pid, messages.NewFailure("busy", "x", "a failure nobody waits for"))
		testkit.Ask[int](b, pid, deed(count))
	})
}

func TestBackoff_doublesUpToTheLimitWithJitter(t *testing.T) {
	base, limit := 100*time.Millisecond, time.Second
	cases := []struct {
		n      int
		jitter float64
		want   time.Duration
	}{
		{1, 0, 100 * time.Millisecond},
		{2, 0, 200 * time.Millisecond},
		{4, 0, 800 * time.Millisecond},
		{5, 0, time.Second},
		{1_000_000, 0, time.Second},
		{2, 0.5, 225 * time.Millisecond},
		{0, 0, 100 * time.Millisecond},
	}
	for _, c := range cases {
		if got := kit.Backoff(c.n, base, limit, c.jitter); got != c.want {
			t.Errorf("Backoff(%d, %v, %v, %v): got %v, want %v", c.n, base, limit, c.jitter, got, c.want)
		}
	}
}

func TestReadAgain_isSoonAndThenSeldom(t *testing.T) {
	for n, want := range map[int]time.Duration{1: time.Second, 2: 4 * time.Second, 3: 16 * time.Second, 5: 256 * time.Second, 6: 15 * time.Minute, 1 << 30: 15 * time.Minute} {
		if got := kit.ReadAgain(n); got != want {
			t.Errorf("%d: got %v, want %v", n, got, want)
		}
	}
}

func TestPeers_areKnownByNameBeforeTheyRun(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		peers := kit.NewPeers(b.System(), "officer/app")
		if _, err := b.Ask(peers.Of("backup"), &messages.Ping{}); code(t, err) != "actor_gone" {
			t.Errorf("got %v before it runs, want actor_gone", err)
		}
		b.Probe("officer/app/backup")
		testkit.Ask[*messages.Pong](b, peers.Of("backup"), &messages.Ping{})
		if got, want := peers.Tree().Id, "officer/app"; got != want {
			t.Errorf("got tree %s, want %s", got, want)
		}
	})
}
