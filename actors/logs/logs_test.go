package logs_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/logs"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

type fakeBook struct {
	mu     sync.Mutex
	asked  []any
	prunes []time.Time
	err    error
}

func (f *fakeBook) Recent(level string, limit int, after uint64) []logs.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = []any{level, limit, after}
	return []logs.Record{{Sequence: 8, Time: time.UnixMilli(5), Level: "warn", Component: "wal", Message: "grew", Context: `{"n":1}`, Stack: "s"}}
}

func (f *fakeBook) Prune(now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prunes = append(f.prunes, now)
	return f.err
}

type bench struct {
	system *actor.ActorSystem
	pid    *actor.PID
}

func start(t *testing.T, cfg logs.Config) bench {
	t.Helper()
	system := actor.NewActorSystemWithConfig(actor.Configure(
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) })))
	cfg.Peers = kit.NewPeers(system, "db")
	pid, err := system.Root.SpawnNamed(logs.Props(cfg), "db/logs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = kit.StopTree(context.Background(), system, pid)
		pass(time.Second)
	})
	return bench{system, pid}
}

func ask[R any](t *testing.T, b bench, msg any) (R, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return kit.Ask[R](ctx, b.system, b.pid, msg, nil)
}

func TestGetLogs_givesThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &fakeBook{}
		b := start(t, logs.Config{Book: book, Passive: true})
		p, err := ask[*messages.LogPage](t, b, &messages.GetLogs{Level: "warn", After: 7})
		if err != nil || len(p.GetRecords()) != 1 {
			t.Fatalf("page %v, %v; want one record", p, err)
		}
		r := p.GetRecords()[0]
		if r.GetSequence() != 8 || r.GetTimeUnixMs() != 5 || r.GetLevel() != "warn" || r.GetComponent() != "wal" ||
			r.GetMessage() != "grew" || r.GetContext() != `{"n":1}` || r.GetStack() != "s" {
			t.Errorf("record %v", r)
		}
		for _, tt := range []struct {
			limit int32
			want  int
		}{{0, 100}, {-5, 100}, {7, 7}, {1 << 30, 1500}} {
			if _, err := ask[*messages.LogPage](t, b, &messages.GetLogs{Limit: tt.limit}); err != nil {
				t.Fatal(err)
			}
			if book.asked[1] != tt.want {
				t.Errorf("limit %d asked the book for %v, want %d", tt.limit, book.asked[1], tt.want)
			}
		}
	})
}

func TestGetLogs_unknownLevelIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, logs.Config{Book: &fakeBook{}, Passive: true})
		_, err := ask[*messages.LogPage](t, b, &messages.GetLogs{Level: "loud"})
		var f *messages.Failure
		if !errors.As(err, &f) || f.GetCode() != "invalid" {
			t.Errorf("got %v, want invalid", err)
		}
	})
}

func TestStarted_waitsForTheScheduleThenPrunesWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &fakeBook{err: errors.New("disk on fire")}
		b := start(t, logs.Config{Book: book})
		pass(3500 * time.Millisecond) // the schedule is not there yet, and no try falls on its start
		var got []*messages.AddSchedule
		schedule, err := b.system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
			if m, ok := ctx.Message().(*messages.AddSchedule); ok {
				got = append(got, m)
				ctx.Respond(&messages.ScheduleAdded{})
			}
		}), "db/schedule")
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		synctest.Wait()
		if len(got) != 1 || got[0].GetKey() != "logs.prune" || got[0].GetEveryMs() != time.Hour.Milliseconds() {
			t.Fatalf("schedules %v, want one hourly logs.prune", got)
		}
		for range 2 { // an error does not end it
			b.system.Root.Send(b.pid, &messages.Due{Key: "logs.prune"})
			synctest.Wait()
		}
		if len(book.prunes) != 2 || !book.prunes[1].Equal(time.Now()) {
			t.Errorf("pruned at %v, want twice, as of now", book.prunes)
		}
		_ = kit.StopTree(context.Background(), b.system, schedule)
	})
}

func TestStarted_passiveDoesNothingOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &fakeBook{}
		b := start(t, logs.Config{Book: book, Passive: true})
		b.system.Root.Send(b.pid, &messages.Due{Key: "logs.prune"})
		pass(48 * time.Hour)
		synctest.Wait()
		if len(book.prunes) != 0 {
			t.Errorf("pruned %d times", len(book.prunes))
		}
	})
}

// pass lets virtual time go by; every test that calls it runs in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }
