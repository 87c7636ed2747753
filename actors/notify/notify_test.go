package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/notice"
	"github.com/officer-doofy/officer/messages"
)

// outbox is a Sender that keeps what it was given and fails when told to.
type outbox struct {
	mu   sync.Mutex
	sent []notice.Note
	down bool
}

func (o *outbox) Send(_ context.Context, n notice.Note) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return errors.New("down")
	}
	o.sent = append(o.sent, n)
	return nil
}

func (o *outbox) set(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = down
}

func (o *outbox) types() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []string
	for _, n := range o.sent {
		list = append(list, n.Type+"/"+n.Severity.String())
	}
	return strings.Join(list, " ")
}

// neighbour keeps what health was told.
type neighbour struct {
	mu   sync.Mutex
	told []string
}

func (h *neighbour) Receive(ctx actor.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch m := ctx.Message().(type) {
	case *messages.RaiseCondition:
		h.told = append(h.told, "raise "+m.Code)
	case *messages.ClearCondition:
		h.told = append(h.told, "clear "+m.Code)
	}
}

// bench runs one notify actor in a bubble.
func bench(t *testing.T, passive bool, targets []Target, test func(send func(any), health *neighbour)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		system := actor.NewActorSystem(actor.WithDeadLetterThrottleInterval(time.Millisecond))
		health := &neighbour{}
		peers := kit.NewPeers(system, "officer/app")
		if _, err := system.Root.SpawnNamed(kit.Props(func() actor.Actor { return health }), "officer/app/health"); err != nil {
			t.Fatal(err)
		}
		pid, err := system.Root.SpawnNamed(Props(Config{Peers: peers, Database: "app", Passive: passive, Targets: targets}), "officer/app/notify")
		if err != nil {
			t.Fatal(err)
		}
		test(func(m any) {
			system.Root.Send(pid, m)
			synctest.Wait()
		}, health)
		system.Root.Stop(pid)
		system.Root.Stop(peers.Of("health"))
		pass(time.Second)
	})
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func report(s messages.Severity, codes ...string) *messages.HealthChanged {
	r := &messages.HealthReport{Health: s, Headline: "so it is"}
	for _, c := range codes {
		r.Conditions = append(r.Conditions, &messages.Condition{Code: c, Severity: s, Text: c, Hint: "do " + c})
	}
	return &messages.HealthChanged{Report: r}
}

const (
	green  = messages.Severity_SEVERITY_GREEN
	yellow = messages.Severity_SEVERITY_YELLOW
	red    = messages.Severity_SEVERITY_RED
)

func TestNotify_tellsRootCausesOnceAndThatTheyAreOver(t *testing.T) {
	all, grave := &outbox{}, &outbox{}
	bench(t, false, []Target{{Name: "all", Sender: all}, {Name: "grave", Filter: notice.Filter{Severity: notice.Red}, Sender: grave}}, func(send func(any), _ *neighbour) {
		send(report(green))
		send(report(yellow, "backup_overdue"))
		send(report(yellow, "backup_overdue"))
		send(&messages.BackupFailed{Failure: messages.NewFailure("disk_full", "back up", "the disk is full")})
		send(&messages.BackupTaken{})
		send(report(green))
		if got, want := all.types(), "health.changed/yellow backup.failed/red health.changed/green"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := grave.types(), "backup.failed/red health.changed/green"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestNotify_tellsThatAllButTellingIsOver(t *testing.T) {
	box := &outbox{}
	bench(t, false, []Target{{Name: "ops", Sender: box}}, func(send func(any), _ *neighbour) {
		send(report(yellow, failingCode))
		if got := box.types(); got != "" {
			t.Errorf("told that telling fails: %s", got)
		}
		send(report(red, "damage_found"))
		send(report(yellow, failingCode))
		if got, want := box.types(), "health.changed/red health.changed/green"; got != want {
			t.Errorf("while another receiver fails: got %s, want %s", got, want)
		}
		send(report(green))
		send(report(red, "damage_found"))
		if got, want := box.types(), "health.changed/red health.changed/green health.changed/red"; got != want {
			t.Errorf("when the damage is back: got %s, want %s", got, want)
		}
	})
}

func TestNotify_tellsThePictureThatIsBack(t *testing.T) {
	all, grave := &outbox{}, &outbox{}
	bench(t, false, []Target{{Name: "all", Sender: all}, {Name: "grave", Filter: notice.Filter{Severity: notice.Red}, Sender: grave}}, func(send func(any), _ *neighbour) {
		send(report(yellow, "engine_hazard"))
		pass(time.Hour)
		send(report(red, "engine_hazard", "database_unreadable"))
		pass(5 * time.Minute)
		send(report(yellow, "engine_hazard"))
		if got, want := all.types(), "health.changed/yellow health.changed/red health.changed/yellow"; got != want {
			t.Errorf("when the red is over: got %s, want %s", got, want)
		}
		send(report(yellow, "engine_hazard", failingCode)) // that telling fails is no news
		send(report(yellow, "engine_hazard"))
		pass(4 * time.Hour)
		send(report(red, "engine_hazard", "database_unreadable"))
		pass(48 * time.Hour)
		if got, want := all.types(), "health.changed/yellow health.changed/red health.changed/yellow health.changed/red"; got != want {
			t.Errorf("when the red is back and lasts: got %s, want %s", got, want)
		}
		if got, want := grave.types(), "health.changed/red health.changed/red"; got != want {
			t.Errorf("who wants red alone: got %s, want %s", got, want)
		}
	})
}

func TestNotify_aPictureHeldBackIsOfferedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		pictures int // that come in turn
		restart  bool
		held     string
	}{
		"two in turn":      {2, false, "(9 more were held back"},
		"always another":   {30, false, "(18 more were held back"},
		"across a restart": {30, true, "(18 more were held back"},
	} {
		box := &outbox{}
		bench(t, false, []Target{{Name: "ops", Sender: box}}, func(send func(any), _ *neighbour) {
			for i := range 30 {
				send(report(yellow, fmt.Sprint("cause_", i%c.pictures)))
				pass(time.Minute)
			}
			told := len(strings.Fields(box.types()))
			if told == 0 || told > 12 {
				t.Errorf("%s: %d notes in half an hour, want 1 to 12", name, told)
			}
			send(report(red, "damage_found"))
			if c.restart {
				send(&messages.RestoreFinished{Report: &messages.RestoreReport{Recovered: []*messages.RecoveredTable{nil}}}) // it panics
			}
			pass(48 * time.Hour)
			box.mu.Lock()
			defer box.mu.Unlock()
			last := box.sent[len(box.sent)-1]
			if got := len(box.sent) - told; got != 1 || !strings.Contains(last.Text, "damage_found") || !strings.Contains(last.Text, c.held) {
				t.Errorf("%s: %d notes in the two days after it, want the present picture, once; the last says %q", name, got, last.Text)
			}
		})
	}
}

func TestNotify_whatIsGivenUpIsToldWhenTheReceiverIsBack(t *testing.T) {
	restored := &messages.RestoreFinished{Report: &messages.RestoreReport{RestoredFrom: "x"}}
	failed := &messages.BackupFailed{Failure: messages.NewFailure("disk_full", "back up", "the disk is full")}
	for name, c := range map[string]struct {
		before, down []any // what comes before the receiver fails, and while it does
		after        []any
		want         string // all that it was told
	}{
		"a trouble":         {nil, []any{report(red, "damage_found"), restored}, nil, "restore.finished/yellow health.changed/red"},
		"a trouble at last": {nil, []any{report(red, "damage_found"), restored, report(yellow, "disk_low"), failed}, nil, "backup.failed/red health.changed/yellow"},
		"that it is over":   {[]any{report(red, "damage_found")}, []any{report(green), failed}, nil, "health.changed/red backup.failed/red health.changed/green"},
		"not what is over":  {nil, []any{report(red, "damage_found"), restored, report(green)}, nil, "health.changed/green"},
		"a backup's":        {nil, []any{failed, restored}, []any{failed}, "restore.finished/yellow backup.failed/red"},
	} {
		box := &outbox{}
		bench(t, false, []Target{{Name: "ops", Sender: box}}, func(send func(any), _ *neighbour) {
			for _, m := range c.before {
				send(m)
			}
			box.set(true)
			for _, m := range c.down {
				send(m)
				pass(10 * time.Minute)
			}
			pass(2 * time.Hour)
			box.set(false)
			pass(2 * time.Hour)
			for _, m := range c.after {
				send(m)
			}
			pass(48 * time.Hour)
			if got := box.types(); got != c.want {
				t.Errorf("%s: got %s, want %s", name, got, c.want)
			}
		})
	}
}

func TestNotify_pingsADeadMansSwitch(t *testing.T) {
	box := &outbox{}
	bench(t, false, []Target{{Name: "hc", Pings: true, Sender: box}}, func(send func(any), _ *neighbour) {
		synctest.Wait()
		send(&messages.BackupSkipped{})
		send(report(red, "damage_found"))
		send(report(yellow, "backup_overdue"))
		box.mu.Lock()
		defer box.mu.Unlock()
		var pings []string
		for _, n := range box.sent {
			pings = append(pings, string(n.Ping))
		}
		if got := strings.Join(pings, " "); got != "start success fail" {
			t.Errorf("got %s", got)
		}
	})
}

func TestNotify_triesAgainThenSaysThatNobodyIsTold(t *testing.T) {
	box := &outbox{down: true}
	bench(t, false, []Target{{Name: "ops", Sender: box}}, func(send func(any), health *neighbour) {
		send(report(red, "damage_found"))
		pass(30 * time.Second)
		box.set(false)
		pass(10 * time.Minute)
		if got := box.types(); got != "health.changed/red" {
			t.Errorf("after the first tries: got %q", got)
		}
		box.set(true)
		send(report(red, "damage_found", "disk_low"))
		pass(2 * time.Hour)
		send(report(red, failingCode))
		box.set(false)
		send(report(green))
		pass(time.Hour)
		if got := box.types(); got != "health.changed/red health.changed/green" && got != "health.changed/red health.changed/red health.changed/green" {
			t.Errorf("got %q", got)
		}
		health.mu.Lock()
		defer health.mu.Unlock()
		if got := strings.Join(health.told, ", "); !strings.HasPrefix(got, "raise notify_failing") || !strings.HasSuffix(got, "raise notify_failing, clear notify_failing") {
			t.Errorf("health was told %s", got)
		}
	})
}

func TestNotify_theQueueIsBounded(t *testing.T) {
	box := &outbox{down: true}
	cfg := Config{Targets: []Target{{Name: "ops", Sender: box}}}
	bench(t, false, cfg.Targets, func(send func(any), _ *neighbour) {
		for range 1000 { // a failed restore is news each time
			pass(time.Second)
			send(&messages.RestoreFinished{Report: &messages.RestoreReport{RestoredFrom: "x"}})
		}
		box.set(false)
		pass(24 * time.Hour)
		if n := len(strings.Fields(box.types())); n == 0 || n > queueMax {
			t.Errorf("%d notes came, at most %d", n, queueMax)
		}
	})
}

func TestNotify_passiveTellsNobody(t *testing.T) {
	box := &outbox{}
	bench(t, true, []Target{{Name: "ops", Sender: box}, {Name: "hc", Pings: true, Sender: box}}, func(send func(any), _ *neighbour) {
		send(report(red, "damage_found"))
		if got := box.types(); got != "" {
			t.Errorf("got %s", got)
		}
	})
}
