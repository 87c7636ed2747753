package health_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/health"
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

func definitions() []condition.Definition {
	return []condition.Definition{
		{Code: "root", System: "a", Severity: condition.Red, Text: "{what} broke.", Hint: "mend {database}", Headline: "It broke."},
		{Code: "symptom", System: "b", Severity: condition.Red, DependsOn: []condition.Code{"root"}, Text: "It hurts."},
		{Code: "late", System: "c", Severity: condition.Yellow, Text: "{kind} is late since {since}.", VisibleAfter: 10 * time.Minute},
		{Code: "sticky", System: "c", Severity: condition.Yellow, Text: "Sticky.", VisibleFor: time.Hour},
		{Code: "remark", System: "d", Severity: condition.Green, Text: "By the way."},
	}
}

// bench is a health actor between a fake tree and a fake backup.
type bench struct {
	t      *testing.T
	system *actor.ActorSystem
	pid    *actor.PID
	mu     sync.Mutex
	events []*messages.HealthReport
	backup any // answer to FindBackup, nil = none
}

func start(t *testing.T, passive bool) *bench {
	t.Helper()
	b := &bench{t: t}
	b.system = actor.NewActorSystemWithConfig(actor.Configure(
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) })))
	registry, err := condition.NewRegistry(definitions()...)
	if err != nil {
		t.Fatal(err)
	}
	tree := b.spawn("db", func(ctx actor.Context) {
		if m, ok := ctx.Message().(*messages.HealthChanged); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events = append(b.events, m.GetReport())
		}
	})
	backup := b.spawn("db/backup", func(ctx actor.Context) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, ok := ctx.Message().(*messages.FindBackup); ok && b.backup != nil {
			ctx.Respond(b.backup)
		}
	})
	cfg := health.Config{Peers: kit.NewPeers(b.system, "db"), Registry: registry, Passive: passive}
	if b.pid, err = b.system.Root.SpawnNamed(health.Props(cfg), "db/health"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range []*actor.PID{b.pid, backup, tree} {
			_ = kit.StopTree(context.Background(), b.system, pid)
		}
		pass(time.Second)
	})
	synctest.Wait()
	return b
}

func (b *bench) spawn(id string, receive actor.ReceiveFunc) *actor.PID {
	pid, err := b.system.Root.SpawnNamed(actor.PropsFromFunc(receive), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return pid
}

func (b *bench) raise(code string, args ...string) {
	b.system.Root.Send(b.pid, &messages.RaiseCondition{Code: code, Args: args})
	synctest.Wait()
}

func (b *bench) clear(code string) {
	b.system.Root.Send(b.pid, &messages.ClearCondition{Code: code})
	synctest.Wait()
}

func (b *bench) report() *messages.HealthReport {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := kit.Ask[*messages.HealthReport](ctx, b.system, b.pid, &messages.GetHealth{}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) told() []*messages.HealthReport {
	pass(2 * time.Second) // the proof may be waited for
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events)
}

func codes(r *messages.HealthReport) string {
	var s []string
	for _, c := range r.GetConditions() {
		s = append(s, c.GetCode())
	}
	return strings.Join(s, " ")
}

const (
	green  = messages.Severity_SEVERITY_GREEN
	yellow = messages.Severity_SEVERITY_YELLOW
	red    = messages.Severity_SEVERITY_RED
)

func TestGetHealth_saysSafeOnlyWithProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, false)
		if r := b.report(); r.GetHealth() != green || strings.Contains(r.GetHeadline(), "safe") {
			t.Errorf("without an answer of backup: %v", r)
		}
		b.backup = messages.NewFailure("no_backup", "find backup", "none")
		if r := b.report(); strings.Contains(r.GetHeadline(), "safe") {
			t.Errorf("without a backup: %v", r)
		}
		b.backup = &messages.Backup{Verified: true, TakenAtUnixMs: time.Now().Add(-12 * time.Minute).UnixMilli()}
		want := "Your data is safe. The newest backup that Officer opened, checked and compared is 12 min old."
		if r := b.report(); r.GetHeadline() != want {
			t.Errorf("headline %q, want %q", r.GetHeadline(), want)
		}
		b.raise("remark")
		if r := b.report(); r.GetHeadline() != want || codes(r) != "remark" {
			t.Errorf("with a remark: %v", r)
		}
		b.backup = &messages.Backup{Verified: false}
		if r := b.report(); strings.Contains(r.GetHeadline(), "safe") {
			t.Errorf("with an unverified backup: %v", r)
		}
	})
}

func TestRaiseCondition_showsOnlyRootCausesWithTheirArgs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, false)
		b.raise("symptom")
		b.raise("root", "the disk", "database=a=b.db")
		r := b.report()
		if codes(r) != "root" || r.GetHealth() != red || r.GetHeadline() != "It broke." {
			t.Fatalf("report %v, want only root", r)
		}
		c := r.GetConditions()[0]
		if c.GetText() != "the disk broke." || c.GetHint() != "mend a=b.db" || c.GetSystem() != "a" || c.GetSinceUnixMs() != time.Now().UnixMilli() {
			t.Errorf("condition %v", c)
		}
		b.clear("root")
		if r := b.report(); codes(r) != "symptom" {
			t.Errorf("after the cause went: %v, want symptom", codes(r))
		}
		b.raise("late", "full", "Monday") // without names: in order
		pass(time.Hour)
		if r := b.report(); r.GetConditions()[1].GetText() != "full is late since Monday." {
			t.Errorf("text %q", r.GetConditions()[1].GetText())
		}
	})
}

func TestHealthChanged_isToldWhenThePictureChangesAndOnlyThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, false)
		b.backup = &messages.Backup{Verified: true, TakenAtUnixMs: time.Now().UnixMilli()}
		b.clear("root") // not raised: nothing
		for range 5 {
			b.raise("root", "what=x")
		}
		b.raise("symptom") // hidden: nothing
		b.clear("symptom")
		b.clear("root")
		events := b.told()
		if len(events) != 2 || events[0].GetHealth() != red || events[1].GetHealth() != green {
			t.Fatalf("%d events: %v; want red, green", len(events), events)
		}
		if !strings.HasPrefix(events[1].GetHeadline(), "Your data is safe. ") {
			t.Errorf("the green event says %q", events[1].GetHeadline())
		}
	})
}

func TestHealthChanged_waitsForTheTimeToVisibleAndDoesNotFlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, false)
		for range 20 { // up for 9 minutes, gone for 1
			b.raise("late")
			pass(9 * time.Minute)
			b.clear("late")
			pass(time.Minute)
		}
		if events := b.told(); len(events) != 0 {
			t.Fatalf("flapping below the time to visible told %v", events)
		}
		b.raise("late")
		pass(10*time.Minute + time.Second)
		if events := b.told(); len(events) != 1 || codes(events[0]) != "late" {
			t.Fatalf("events %v, want late without a further message", events)
		}
		b.clear("late")
		for range 10 { // shown for an hour each time: one change up, one down
			b.raise("sticky")
			pass(time.Minute)
			b.clear("sticky")
			pass(time.Minute)
		}
		pass(2 * time.Hour)
		var got []string
		for _, e := range b.told()[1:] {
			got = append(got, codes(e))
		}
		if s := strings.Join(got, ","); s != ",sticky," && s != "sticky," {
			t.Errorf("events after late: %q, want sticky once", s)
		}
	})
}

func TestRaiseCondition_ofUndeclaredCodeIsShownYellow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, false)
		b.raise("mystery", "x=1")
		b.raise("mystery", "x=2")
		r := b.report()
		if r.GetHealth() != yellow || codes(r) != "mystery" || !strings.Contains(r.GetHeadline(), `"mystery"`) || !strings.Contains(r.GetHeadline(), "x=2") {
			t.Errorf("report %v, want the code in yellow", r)
		}
		b.raise("root")
		if r := b.report(); r.GetHealth() != red || codes(r) != "root mystery" || r.GetHeadline() != "It broke." {
			t.Errorf("report %v, want root first", r)
		}
		b.clear("root")
		b.clear("mystery")
		if r := b.report(); r.GetHealth() != green || len(r.GetConditions()) != 0 {
			t.Errorf("report %v, want nothing left", r)
		}
		for n := range 1000 {
			b.system.Root.Send(b.pid, &messages.RaiseCondition{Code: strings.Repeat("x", n+1)})
		}
		if r := b.report(); len(r.GetConditions()) > 60 {
			t.Errorf("%d conditions of undeclared codes are held", len(r.GetConditions()))
		}
	})
}

func TestHealth_crashForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, false)
		b.raise("root", "what=x")
		b.raise("late")
		process, _ := b.system.ProcessRegistry.Get(b.pid)
		process.SendSystemMessage(b.pid, &actor.Restart{})
		pass(11 * time.Minute) // also the timer of what is not yet visible
		if r := b.report(); codes(r) != "root late" {
			t.Errorf("report %v, want root and late still", r)
		}
		if events := b.told(); len(events) != 2 {
			t.Errorf("events %v, want root, then root and late", events)
		}
	})
}

func TestHealthChanged_notWhenPassive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, true)
		b.raise("root")
		if events := b.told(); len(events) != 0 {
			t.Errorf("told %v", events)
		}
		if r := b.report(); r.GetHealth() != red {
			t.Errorf("report %v, want red", r)
		}
	})
}

// pass lets virtual time go by; every test that calls it runs in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }
