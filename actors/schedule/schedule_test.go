package schedule_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/schedule"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// due is a Due with the time at which it arrived.
type due struct {
	*messages.Due
	at time.Time
}

// neighbour stands in for an actor that has schedules.
type neighbour struct {
	kit.Base
	w *world
}

func (n *neighbour) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.Due:
		n.w.mu.Lock()
		defer n.w.mu.Unlock()
		n.w.dues = append(n.w.dues, due{msg, time.Now()})
	case *messages.AddSchedule, *messages.ScheduleDone, *messages.RemoveSchedule:
		n.Ask(ctx, n.w.pid, msg, time.Second, nil) // the way actors ask
	case *kit.Answer:
		n.w.mu.Lock()
		defer n.w.mu.Unlock()
		n.w.answers = append(n.w.answers, msg)
	}
}

// world is a schedule actor under a parent that restarts it, and one neighbour.
type world struct {
	t       *testing.T
	system  *actor.ActorSystem
	pid     *actor.PID
	owner   *actor.PID
	mu      sync.Mutex
	dues    []due
	answers []*kit.Answer
	set     atomic.Pointer[time.Duration] // how far the clock was set
}

func (w *world) setClock(d time.Duration) { w.set.Store(&d) }

func newWorld(t *testing.T, cfg schedule.Config) *world {
	t.Helper()
	w := &world{t: t}
	w.set.Store(new(time.Duration))
	clock := func() time.Time { return time.Now().Round(0).Add(*w.set.Load()) }
	w.system = actor.NewActorSystem(actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	cfg.Peers = kit.NewPeers(w.system, "officer/app")
	parent, err := w.system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			w.pid, _ = ctx.SpawnNamed(schedule.PropsAt(cfg, clock), "schedule")
			w.owner, _ = ctx.SpawnNamed(kit.Props(func() actor.Actor { return &neighbour{w: w} }), "integrity")
		}
	}), "officer/app")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	t.Cleanup(func() {
		if err := kit.StopTree(t.Context(), w.system, parent); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) end() {
	w.system.Root.Stop(w.system.NewLocalPID("officer/app"))
	advance(time.Second)
}

func (w *world) send(msg any) {
	w.system.Root.Send(w.owner, msg)
	advance(500 * time.Microsecond)
	synctest.Wait()
}

func (w *world) got() []due {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.dues
	w.dues = nil
	return out
}

func every(key string, d time.Duration, lastDone time.Time) *messages.AddSchedule {
	m := &messages.AddSchedule{Key: key, Spec: &messages.AddSchedule_EveryMs{EveryMs: d.Milliseconds()}}
	if !lastDone.IsZero() {
		m.LastDoneUnixMs = lastDone.UnixMilli()
	}
	return m
}

func calendar(key, text string) *messages.AddSchedule {
	return &messages.AddSchedule{Key: key, Spec: &messages.AddSchedule_Calendar{Calendar: text}, LastDoneUnixMs: time.Now().UnixMilli()}
}

func bubble(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

func TestAddSchedule_neverDoneIsDueAtOnceAndThenOnceAPeriod(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{Location: time.UTC})
		defer w.end()
		w.send(every("integrity.full", 24*time.Hour, time.Time{}))
		advance(time.Second)
		if got := w.got(); len(got) != 1 || got[0].Key != "integrity.full" || got[0].Late {
			t.Fatalf("got %v, want one Due at once, not late", got)
		}
		advance(10 * 24 * time.Hour)
		if got := w.got(); len(got) != 10 {
			t.Errorf("got %d runs in ten days, want 10", len(got))
		}
	})
}

func TestYear_hasOneRunForEachPeriodAndNoTwoAtOneInstant(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data here")
	}
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{Location: berlin, Seed: 7})
		defer w.end()
		begun := time.Now()
		w.send(every("backup", 4*time.Hour, begun))
		w.send(every("integrity.fk", 6*time.Hour, begun))
		w.send(calendar("daily", "daily 03:00"))
		w.send(calendar("vacuum", "Sun 03:00"))
		jittered := every("jittered", time.Hour, begun)
		jittered.JitterMs = (10 * time.Minute).Milliseconds()
		w.send(jittered)
		const days = 365
		advance(days * 24 * time.Hour)
		runs, periods, instants := map[string]int{}, map[string]bool{}, map[time.Time]bool{}
		for _, d := range w.got() {
			runs[d.Key]++
			period := fmt.Sprint(d.Key, d.PeriodStartUnixMs)
			if periods[period] {
				t.Errorf("%s ran twice in the period from %s", d.Key, time.UnixMilli(d.PeriodStartUnixMs))
			}
			periods[period] = true
			if instants[d.at] {
				t.Errorf("two runs at %s", d.at)
			}
			instants[d.at] = true
			if d.Late {
				t.Errorf("%s at %s counts as late on a machine that never slept", d.Key, d.at)
			}
			if local := d.at.In(berlin); strings.HasPrefix(d.Key, "vac") && (local.Weekday() != time.Sunday || local.Hour() != 3) {
				t.Errorf("vacuum ran at %s, want Sunday 03:00", local)
			}
			if local := d.at.In(berlin); d.Key == "daily" && local.Hour() != 3 {
				t.Errorf("daily ran at %s, want 03:00 also when clocks change", local)
			}
		}
		for key, want := range map[string]int{"backup": days * 6, "integrity.fk": days * 4, "daily": days, "vacuum": 52} {
			if got := runs[key]; got < want-1 || got > want+1 {
				t.Errorf("%s ran %d times, want %d", key, got, want)
			}
		}
	})
}

func TestScheduleDone_standsInForThePeriod(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{Location: time.UTC})
		defer w.end()
		w.send(every("backup", 4*time.Hour, time.Now()))
		advance(4*time.Hour + time.Minute)
		if got := w.got(); len(got) != 1 {
			t.Fatalf("got %d runs, want 1", len(got))
		}
		advance(4 * time.Hour) // the next one has run
		w.got()
		w.send(every("backup", 4*time.Hour, time.Now().Add(-9*time.Hour)))
		w.send(&messages.ScheduleDone{Key: "backup"})
		advance(time.Hour)
		if got := w.got(); len(got) > 1 {
			t.Errorf("got %d runs after the work was done by hand, want at most the one that was due at once", len(got))
		}
	})
}

func TestAddSchedule_sleptThroughIsCaughtUpOnceAndLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{Location: time.UTC})
		defer w.end()
		advance(13 * time.Hour) // the middle of a period
		w.send(every("integrity.full", 24*time.Hour, time.Now().Add(-30*24*time.Hour)))
		advance(time.Minute)
		got := w.got()
		if len(got) != 1 || !got[0].Late {
			t.Errorf("got %v, want one late run for a month off", got)
		}
	})
}

func TestOnce_runsOnceAndIsGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{})
		defer w.end()
		begun := time.Now()
		w.send(&messages.AddSchedule{Key: "retry", Spec: &messages.AddSchedule_OnceAfterMs{OnceAfterMs: 90_000}})
		advance(time.Hour)
		got := w.got()
		if len(got) != 1 || got[0].at.Sub(begun) < 90*time.Second || got[0].at.Sub(begun) > 91*time.Second {
			t.Fatalf("got %v, want one run after 90 s", got)
		}
		if list := w.list(); len(list) != 0 {
			t.Errorf("got %v, want no schedule left", list)
		}
	})
}

func (w *world) list() []*messages.ScheduleState {
	w.t.Helper()
	got, err := kit.Ask[*messages.ScheduleList](w.t.Context(), w.system, w.pid, &messages.GetSchedules{}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return got.Schedules
}

func TestRemoveSchedule_endsIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{Location: time.UTC})
		defer w.end()
		w.send(every("a", time.Hour, time.Now()))
		w.send(every("b", time.Hour, time.Now()))
		w.send(&messages.RemoveSchedule{Key: "a"})
		advance(90 * time.Minute)
		for _, d := range w.got() {
			if d.Key == "a" {
				t.Error("a removed schedule ran")
			}
		}
		if list := w.list(); len(list) != 1 || list[0].Key != "b" || list[0].Owner != "officer/app/integrity" {
			t.Errorf("got %v, want b of officer/app/integrity alone", list)
		}
	})
}

func TestRestart_keepsSchedulesAndRunsNoneTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{Location: time.UTC})
		defer w.end()
		w.send(every("a", time.Hour, time.Now()))
		advance(30 * time.Minute)
		process, _ := w.system.ProcessRegistry.Get(w.pid)
		process.SendSystemMessage(w.pid, &actor.Restart{}) // as its supervisor does after a panic
		advance(10 * time.Hour)
		if got := w.got(); len(got) != 10 {
			t.Errorf("got %d runs, want 10", len(got))
		}
	})
}

func TestAddSchedule_badSpecsAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{})
		defer w.end()
		for name, m := range map[string]*messages.AddSchedule{
			"no key":       every("", time.Hour, time.Time{}),
			"no spec":      {Key: "x"},
			"zero period":  every("x", 0, time.Time{}),
			"bad calendar": calendar("x", "Someday 99:00"),
		} {
			w.send(m)
			w.mu.Lock()
			last := w.answers[len(w.answers)-1]
			w.mu.Unlock()
			f, ok := last.Err.(*messages.Failure)
			if !ok || f.Code != "invalid" {
				t.Errorf("%s: got %v, want a Failure invalid", name, last.Err)
			}
		}
		if list := w.list(); len(list) != 0 {
			t.Errorf("got %v, want none taken", list)
		}
	})
}

func TestPassive_nothingIsDue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{Passive: true})
		defer w.end()
		w.send(every("a", time.Hour, time.Time{}))
		advance(48 * time.Hour)
		if got := w.got(); len(got) != 0 {
			t.Errorf("got %v, want nothing due", got)
		}
		if list := w.list(); len(list) != 1 {
			t.Errorf("got %v, want the schedule listed", list)
		}
	})
}

func TestSeed_givesTheSameRunAgain(t *testing.T) {
	run := func(seed uint64) (out []string) {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, schedule.Config{Location: time.UTC, Seed: seed})
			defer w.end()
			m := every("a", 4*time.Hour, time.Now())
			m.JitterMs = time.Hour.Milliseconds()
			w.send(m)
			advance(7 * 24 * time.Hour)
			for _, d := range w.got() {
				out = append(out, d.at.Format(time.RFC3339Nano))
			}
		})
		return out
	}
	a, b, c := strings.Join(run(1), "\n"), strings.Join(run(1), "\n"), strings.Join(run(2), "\n")
	if a != b {
		t.Errorf("the same seed gave\n%s\nand\n%s", a, b)
	}
	if a == c {
		t.Error("another seed gave the same times")
	}
}

func TestClock_setForwardRunsAtMostOnceAndSoon(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{Location: time.UTC})
		defer w.end()
		w.send(every("backup", 4*time.Hour, time.Now()))
		advance(time.Hour)
		// A machine that was suspended for ten days wakes up: its timers stood still.
		w.setClock(10*24*time.Hour + 30*time.Minute)
		advance(6 * time.Minute)
		got := w.got()
		if len(got) != 1 || !got[0].Late {
			t.Fatalf("got %v within six minutes after ten days of sleep, want one late run", got)
		}
		advance(8 * time.Hour)
		if got := w.got(); len(got) != 2 {
			t.Errorf("got %d runs in the eight hours after, want 2", len(got))
		}
	})
}

func TestClock_setBackStopsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, schedule.Config{Location: time.UTC})
		defer w.end()
		w.send(every("backup", 4*time.Hour, time.Now()))
		w.send(&messages.AddSchedule{Key: "retry", Spec: &messages.AddSchedule_OnceAfterMs{OnceAfterMs: (2 * time.Hour).Milliseconds()}})
		advance(time.Hour)
		w.setClock(-365 * 24 * time.Hour)
		advance(24 * time.Hour)
		runs := map[string]int{}
		for _, d := range w.got() {
			runs[d.Key]++
		}
		if runs["backup"] < 5 || runs["backup"] > 7 {
			t.Errorf("backup ran %d times in the day after the clock was set back a year, want 6", runs["backup"])
		}
		if runs["retry"] != 1 {
			t.Errorf("a single run ran %d times, want once and not a year late", runs["retry"])
		}
	})
}

// advance lets virtual time pass; every test here runs in a bubble.
func advance(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
