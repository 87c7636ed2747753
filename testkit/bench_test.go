package testkit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clerk passes requests on to its neighbour and sends an event a day later.
type clerk struct {
	kit.Base
	peer *actor.PID
}

type tick struct{}

func (c *clerk) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.GetHealth:
		c.Ask(ctx, c.peer, &messages.InspectDatabase{}, time.Minute, c.Accept(ctx))
	case *kit.Answer:
		if msg.Err != nil {
			msg.Tag.(*kit.Request).Answer(msg.Err)
			return
		}
		msg.Tag.(*kit.Request).Answer(&messages.HealthReport{})
		c.After(ctx, 24*time.Hour, tick{})
	case tick:
		ctx.Send(c.peer, &messages.HealthChanged{})
	default:
		c.Unhandled(ctx)
	}
}

func clerkProps(peer *actor.PID) *actor.Props {
	return kit.Props(func() actor.Actor { return &clerk{peer: peer} })
}

func TestProbe_recordsInOrderAndAnswersByPlan(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		owner := b.Probe("officer/app/dbowner")
		pid := b.Spawn(clerkProps(owner.PID()), "officer/app/clerk")
		testkit.On(owner, func(*messages.InspectDatabase) any { return &messages.DatabaseFacts{} })
		testkit.Ask[*messages.HealthReport](b, pid, &messages.GetHealth{})
		testkit.Expect[*messages.InspectDatabase](owner)
		owner.Silent(23 * time.Hour)
		b.Advance(2 * time.Hour)
		testkit.Expect[*messages.HealthChanged](owner)
		if h := owner.Heard(); len(h) != 2 || h[1].At.Sub(h[0].At) != 24*time.Hour {
			t.Errorf("got %v, want the event a day after the request", h)
		}
	})
}

func TestProbe_answersLate(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		owner, asker := b.Probe("owner"), b.Probe("asker")
		pid := b.Spawn(clerkProps(owner.PID()), "clerk")
		asker.Request(pid, &messages.GetHealth{})
		testkit.Expect[*messages.InspectDatabase](owner)
		asker.Silent(59 * time.Second)
		owner.Reply(&messages.DatabaseFacts{})
		testkit.Expect[*messages.HealthReport](asker)
	})
}

func TestProbe_thatDiesTellsItsAsker(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		owner, asker := b.Probe("owner"), b.Probe("asker")
		pid := b.Spawn(clerkProps(owner.PID()), "clerk")
		asker.Request(pid, &messages.GetHealth{})
		testkit.Expect[*messages.InspectDatabase](owner)
		owner.Die()
		if f := testkit.Expect[*messages.Failure](asker); f.GetCode() != "actor_gone" {
			t.Errorf("got %v, want actor_gone", f)
		}
		if _, err := b.Ask(owner.PID(), &messages.Ping{}); err == nil {
			t.Error("a dead probe answers")
		}
	})
}

func TestBench_askGivesAFailureAsTheError(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		pid := b.Spawn(clerkProps(b.Probe("owner").PID()), "clerk")
		start := time.Now()
		_, err := b.Ask(pid, &messages.GetHealth{})
		var f *messages.Failure
		if !errors.As(err, &f) || f.GetCode() != "no_answer" || time.Since(start) != time.Minute {
			t.Errorf("got %v after %v, want no_answer after the clerk's minute", err, time.Since(start))
		}
		if _, err := b.Ask(pid, &messages.ListBackups{}); !errors.As(err, &f) || f.GetCode() != "unhandled" {
			t.Errorf("got %v, want unhandled", err)
		}
	})
}

func TestStrays_findsWhatWasLeftBehind(t *testing.T) {
	dir := t.TempDir()
	path := testkit.Build(t, dir, testkit.WAL)
	for _, name := range []string{
		"wal-copy.db.tmp", "wal.db-journal", "wal.db-officer/backups/2026/recent/a.db.tmp-journal",
		"wal.db-officer/backups/2026/recent/a.db-wal",
		"wal.db-officer/quarantine/1/wal.db-wal", "wal.db-officer/backups/2026/recent/a.db", "other.db-journal", // no strays
	} {
		write(t, dir, name)
	}
	got := testkit.Strays(t, path)
	for i, s := range got {
		got[i] = strings.TrimPrefix(s, dir+"/")
	}
	want := "wal-copy.db.tmp wal.db-journal wal.db-officer/backups/2026/recent/a.db-wal wal.db-officer/backups/2026/recent/a.db.tmp-journal"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// recorder is a test that remembers its errors.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func TestCheckDatabase_failsOnDamageAndOnStrays(t *testing.T) {
	dir := t.TempDir()
	path := testkit.Build(t, dir, testkit.Page1024)
	r := &recorder{TB: t}
	testkit.CheckDatabase(r, path)
	if len(r.errors) > 0 {
		t.Errorf("healthy: got %q, want nothing", r.errors)
	}
	testkit.ZeroPageOf(t, path, "items", 1)
	write(t, dir, "page-1024.db-officer/backups/backups.json.tmp")
	testkit.CheckDatabase(r, path)
	if len(r.errors) != 2 || !strings.Contains(r.errors[0], "damaged") || !strings.Contains(r.errors[1], "backups.json.tmp") {
		t.Errorf("got %q, want the damage and the stray", r.errors)
	}
}

func TestBench_checksRealDatabasesInItsBubble(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		for _, kind := range []testkit.Kind{testkit.WAL, testkit.Delete, testkit.FTS5} {
			b.Database(testkit.Build(b.T, b.T.TempDir(), kind))
		}
		start := time.Now()
		b.Advance(365 * 24 * time.Hour)
		if got := time.Since(start); got != 365*24*time.Hour {
			t.Errorf("got %v, want a year", got)
		}
	})
}
