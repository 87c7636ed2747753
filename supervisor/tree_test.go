package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// fakePart stands in for a system: it answers GetInfo, panics on demand, keeps a
// request unanswered on demand, and notes what it hears.
type fakePart struct {
	kit.Base
	name string
	log  *record
}

// record is what happened to all parts, in order.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *record) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

func (r *record) count(line string) (n int) {
	for _, l := range r.all() {
		if l == line {
			n++
		}
	}
	return n
}

func (f *fakePart) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		f.log.add("%s started", f.name)
	case *actor.Stopped:
		f.log.add("%s stopped", f.name)
	case *messages.GetInfo:
		kit.Reply(ctx, &messages.Info{Version: f.name})
	case *messages.GetLogs: // crash, please
		panic("crash of " + f.name)
	case *messages.GetSchedules: // never answered by itself
		f.Accept(ctx)
	case *messages.GetHealth:
		kit.Reply(ctx, &messages.HealthReport{Headline: "as told"})
	case *messages.RaiseCondition:
		f.log.add("raised %s", msg.Code)
	case *messages.ClearCondition:
		f.log.add("cleared %s", msg.Code)
	case *messages.DamageFound:
		f.log.add("%s heard DamageFound", f.name)
	default:
		f.Unhandled(ctx)
	}
}

// bench is a tree of fakes in a bubble.
type bench struct {
	t      *testing.T
	system *actor.ActorSystem
	root   *actor.PID
	log    *record
}

func newBench(t *testing.T, trees ...string) *bench {
	b := &bench{t: t, log: &record{}}
	b.system = newSystem(newRoutes(nil))
	names := []string{"logs", "health", "backup", "recovery"}
	var wards []*ward
	for _, tree := range trees {
		var list []system
		for _, name := range names {
			s := system{name: name, conditions: func() []condition.Definition { return nil }}
			if name == "backup" || name == "recovery" {
				s.hears = words("DamageFound")
			}
			list = append(list, s)
		}
		cfg := treeConfig{
			peers: kit.NewPeers(b.system, rootName+"/"+tree), log: slog.New(slog.DiscardHandler),
			policy: standardPolicy(), database: tree, systems: list,
			props: func(s system) *actor.Props {
				return kit.Props(func() actor.Actor { return &fakePart{name: s.name, log: b.log} })
			},
		}
		wards = append(wards, &ward{name: tree, props: treeProps(cfg)})
	}
	var err error
	if b.root, err = b.system.Root.SpawnNamed(rootProps(standardPolicy(), wards), rootName); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return b
}

func (b *bench) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := kit.StopTree(ctx, b.system, b.root); err != nil {
		b.t.Errorf("stop: %v", err)
	}
	pass(time.Second) // let protoactor's own timers end within the bubble
}

func (b *bench) pid(id string) *actor.PID { return b.system.NewLocalPID(rootName + "/" + id) }

// ask gives the failure code, "" for an answer.
func (b *bench) ask(id string, msg any) string {
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	_, err := kit.Ask[any](ctx, b.system, b.pid(id), msg, nil)
	var f *messages.Failure
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func (b *bench) want(got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("got %q, want %q", got, want)
	}
}

func (b *bench) crash(id string) { b.want(b.ask(id, &messages.GetLogs{}), "internal") }

// states is "name=state" of each part.
func (b *bench) states(tree string) (list []string) {
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	st, err := kit.Ask[*messages.Status](ctx, b.system, b.pid(tree), &messages.GetStatus{}, nil)
	if err != nil {
		b.t.Fatalf("status: %v", err)
	}
	for _, a := range st.Actors {
		list = append(list, a.Name+"="+a.State)
	}
	return list
}

func TestTree_aCrashedPartComesBackAndItsAskersAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "app")
		defer b.stop()
		waiting := make(chan string, 1)
		go func() { waiting <- b.ask("app/backup", &messages.GetSchedules{}) }()
		synctest.Wait()
		b.crash("app/backup")
		b.want(<-waiting, "actor_gone")
		b.want(b.ask("app/backup", &messages.GetInfo{}), "") // waits in the mailbox until it is back
		if n := b.log.count("backup started"); n != 2 {
			t.Errorf("started %d times, want 2", n)
		}
		for _, other := range []string{"logs", "health", "recovery"} {
			if n := b.log.count(other + " started"); n != 1 {
				t.Errorf("%s started %d times, want 1", other, n)
			}
		}
	})
}

func TestTree_aRestartStormEndsInSafeModeWithARedCondition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "app")
		defer b.stop()
		answers := make(chan string, 100)
		for range cap(answers) {
			go func() { answers <- b.ask("app/backup", &messages.GetLogs{}) }()
		}
		crashed, gone := 0, 0
		for range cap(answers) {
			switch code := <-answers; code {
			case "internal":
				crashed++
			case "actor_gone":
				gone++
			default:
				t.Errorf("an asker got %q", code)
			}
		}
		if crashed != standardPolicy().burst+1 || gone != cap(answers)-crashed {
			t.Errorf("got %d crashes and %d gone, want %d and the rest", crashed, gone, standardPolicy().burst+1)
		}
		synctest.Wait()
		if b.log.count("raised actor_gave_up:backup") == 0 {
			t.Errorf("no red condition in %q", b.log.all())
		}
		if got := b.states("app"); !slices.Contains(got, "backup=gave_up") || !slices.Contains(got, "recovery=running") {
			t.Errorf("got %q", got)
		}
		b.want(b.ask("app/recovery", &messages.GetInfo{}), "") // everything else goes on
		b.want(b.ask("app/backup", &messages.GetInfo{}), "actor_gone")
	})
}

func TestTree_aGivenUpPartIsTriedAgainEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "app")
		defer b.stop()
		for range standardPolicy().burst + 1 {
			b.crash("app/backup")
		}
		synctest.Wait()
		started := b.log.count("backup started")
		pass(standardPolicy().retry + time.Second)
		b.want(b.ask("app/backup", &messages.GetInfo{}), "")
		b.crash("app/backup") // on probation one crash is enough
		b.want(b.ask("app/backup", &messages.GetInfo{}), "actor_gone")
		if b.log.count("cleared actor_gave_up:backup") != 0 {
			t.Error("the condition went before the part had settled")
		}
		pass(standardPolicy().retry + standardPolicy().settled + time.Second)
		synctest.Wait()
		if b.log.count("cleared actor_gave_up:backup") != 1 || b.log.count("backup started") != started+2 {
			t.Errorf("got %q, want it back for good after the second hour", b.log.all())
		}
	})
}

func TestTree_stoppedDuringBackOffStaysStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "app")
		b.crash("app/backup")
		b.stop()
		pass(2 * time.Hour)
		if n := b.log.count("backup started"); n != 1 {
			t.Errorf("started %d times, want 1: it came back after the stop", n)
		}
	})
}

func TestTree_stopsInReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "app")
		b.stop()
		want := []string{"recovery stopped", "backup stopped", "health stopped", "logs stopped"}
		if got := b.log.all(); !slices.Equal(got[len(got)-4:], want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestTree_withHealthDownTheStatusIsRedAndSaysWho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "app")
		defer b.stop()
		for range standardPolicy().burst + 1 {
			b.crash("app/health")
		}
		synctest.Wait()
		st, err := kit.Ask[*messages.Status](t.Context(), b.system, b.pid("app"), &messages.GetStatus{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if st.Health.Health != messages.Severity_SEVERITY_RED || len(st.Health.Conditions) == 0 ||
			st.Health.Conditions[0].Code != "actor_gave_up:health" {
			t.Errorf("got %v", st.Health)
		}
	})
}

func TestTree_healthThatStartsAnewHearsAgainWhoIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "app")
		defer b.stop()
		for range standardPolicy().burst + 1 {
			b.crash("app/backup")
		}
		synctest.Wait()
		before := b.log.count("raised actor_gave_up:backup")
		b.crash("app/health")
		pass(time.Minute)
		if after := b.log.count("raised actor_gave_up:backup"); after <= before {
			t.Errorf("raised %d times before and %d after health came back", before, after)
		}
	})
}

func TestRoot_aCrashedTreeComesBackWholeAndLeavesItsNeighbourAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "app", "other")
		defer b.stop()
		b.system.Root.Send(b.pid("app"), &wardDue{}) // a nil ward: a defect in the tree itself
		pass(time.Minute)
		b.want(b.ask("app/backup", &messages.GetInfo{}), "")
		b.want(b.ask("other/backup", &messages.GetInfo{}), "")
		if n := b.log.count("backup started"); n != 3 {
			t.Errorf("backup started %d times, want 3: two trees, one of them twice", n)
		}
	})
}

// ear is a subscriber.
type ear struct {
	mu     sync.Mutex
	events []*messages.Event
}

func (e *ear) SendUserMessage(_ *actor.PID, m any) {
	_, msg, _ := actor.UnwrapEnvelope(m)
	if ev, ok := msg.(*messages.Event); ok {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.events = append(e.events, ev)
	}
}
func (e *ear) SendSystemMessage(*actor.PID, any) {}
func (e *ear) Stop(*actor.PID)                   {}

func TestTree_eventsAreNumberedWithoutGapsAndReachWhoHearsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "app")
		defer b.stop()
		b.system.Root.Send(b.pid("app"), &messages.DamageFound{})
		synctest.Wait()
		e := &ear{}
		pid, _ := b.system.ProcessRegistry.Add(e, "ear")
		b.system.Root.RequestWithCustomSender(b.pid("app"), &messages.Subscribe{Replay: true}, pid)
		b.crash("app/backup")
		pass(time.Minute)
		b.system.Root.Send(b.pid("app"), &messages.Progress{JobId: "x"})
		b.system.Root.Send(b.pid("app"), &messages.DamageGone{})
		synctest.Wait()
		b.system.Root.RequestWithCustomSender(b.pid("app"), &messages.Unsubscribe{}, pid)
		b.system.Root.Send(b.pid("app"), &messages.DamageGone{})
		synctest.Wait()
		var got []string
		for _, ev := range e.events {
			got = append(got, fmt.Sprintf("%d %s", ev.Sequence, ev.Type))
		}
		want := []string{"1 officer.started", "2 integrity.damage_found", "3 actor.restarted", "0 progress", "4 integrity.damage_gone"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		for _, line := range []string{"backup heard DamageFound", "recovery heard DamageFound"} {
			if b.log.count(line) != 1 {
				t.Errorf("%q: %d times, want once", line, b.log.count(line))
			}
		}
		if b.log.count("health heard DamageFound") != 0 {
			t.Error("health heard what it does not listen to")
		}
	})
}

func TestEventLog_keepsTheNewest(t *testing.T) {
	var l eventLog
	for range eventsKept + 10 {
		l.add(&messages.Event{}, time.Unix(1, 0))
	}
	all := l.since(0)
	if len(all) != eventsKept || all[0].Sequence != 11 || all[len(all)-1].Sequence != eventsKept+10 {
		t.Errorf("got %d events from %d", len(all), all[0].Sequence)
	}
	if rest := l.since(eventsKept + 8); len(rest) != 2 {
		t.Errorf("got %d events after the last but two, want 2", len(rest))
	}
	if none := l.since(eventsKept + 10); len(none) != 0 {
		t.Errorf("got %d events after the last", len(none))
	}
}

// pass lets virtual time go by, and everything that it wakes settle.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
