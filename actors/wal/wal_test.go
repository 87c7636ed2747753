package wal_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/wal"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// world is the wal actor among probes; the WAL is a plain file that the test fills.
type world struct {
	*testkit.Bench
	pid                            *actor.PID
	path                           string
	owner, integrity, health, tree *testkit.Probe

	mu               sync.Mutex // of what follows: probes answer elsewhere
	blocked, suspect bool
	reasons          []string
	writer           int64
}

// Holders names one reader in slot 1 while the world is blocked.
func (w *world) Holders(context.Context, uint64, uint64) ([]wal.Holder, bool, error) {
	return []wal.Holder{{PID: 4711, Command: "report.py", Slots: []int{1}}}, true, nil
}

// set changes the world.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) fill(bytes int) {
	w.T.Helper()
	if err := os.WriteFile(w.path+"-wal", make([]byte, bytes), 0o600); err != nil {
		w.T.Fatal(err)
	}
}

func inWorld(t *testing.T, passive bool, test func(w *world)) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := &world{Bench: b, path: filepath.Join(b.T.TempDir(), "app.db"), writer: 3053002}
		w.owner, w.integrity = b.Probe("officer/app/dbowner"), b.Probe("officer/app/integrity")
		w.health, w.tree = b.Probe("officer/app/health"), b.Probe("officer/app")
		testkit.On(w.integrity, func(*messages.GetIntegrity) any {
			w.mu.Lock()
			defer w.mu.Unlock()
			return &messages.IntegrityStatus{Suspect: w.suspect}
		})
		testkit.On(w.owner, func(*messages.GetOwnerStatus) any {
			w.mu.Lock()
			defer w.mu.Unlock()
			return &messages.OwnerStatus{State: "open", Fence: &messages.FenceState{Active: len(w.reasons) > 0, Reasons: w.reasons}}
		})
		testkit.On(w.owner, func(*messages.InspectWal) any {
			return &messages.WalIndex{Known: true, JournalMode: "wal", Frames: 100, ReadMarks: []int64{0, 40, -1, -1, -1}}
		})
		testkit.On(w.owner, func(*messages.InspectDatabase) any {
			w.mu.Lock()
			defer w.mu.Unlock()
			return &messages.DatabaseFacts{JournalMode: "wal", Source: &messages.Source{WriterVersion: w.writer}}
		})
		testkit.On(w.owner, func(m *messages.CheckpointDatabase) any {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.blocked {
				return &messages.CheckpointReport{LogFrames: 100, DoneFrames: 40, Busy: true}
			}
			if m.GetMode() == "truncate" {
				w.fill(0)
				return &messages.CheckpointReport{}
			}
			return &messages.CheckpointReport{LogFrames: 100, DoneFrames: 100}
		})
		w.pid = b.Spawn(wal.Props(wal.Config{Peers: kit.NewPeers(b.System(), "officer/app"), Log: b.Log(), Passive: passive,
			Database: w.path, Files: fsx.OS(), Holders: w, LookEvery: time.Minute}), "officer/app/wal")
		test(w)
	})
}

// modes are the checkpoints that were ordered, in their order.
func (w *world) modes() (list []string) {
	for _, h := range w.owner.Heard() {
		if m, ok := h.Message.(*messages.CheckpointDatabase); ok {
			list = append(list, m.GetMode())
		}
	}
	return list
}

func (w *world) raised(code string) (up bool) {
	for _, h := range w.health.Heard() {
		switch m := h.Message.(type) {
		case *messages.RaiseCondition:
			up = up || m.GetCode() == code
		case *messages.ClearCondition:
			up = up && m.GetCode() != code
		}
	}
	return up
}

func TestStart_emptiesTheWALAfterFiveSecondsAndNamesTheEngine(t *testing.T) {
	inWorld(t, false, func(w *world) {
		w.set(func() { w.writer = 3040001 })
		w.fill(1000)
		w.Advance(4 * time.Second)
		if got := w.modes(); len(got) != 0 {
			t.Errorf("got %v before five seconds", got)
		}
		w.Advance(2 * time.Second)
		if got := w.modes(); len(got) != 2 || got[0] != "passive" || got[1] != "truncate" {
			t.Errorf("got %v, want passive, then truncate", got)
		}
		if !w.raised("engine_hazard") {
			t.Error("an engine with the WAL-reset defect is not named")
		}
	})
}

func TestSuspectOrFenced_noCheckpointAtAll(t *testing.T) {
	inWorld(t, false, func(w *world) {
		w.fill(20_000_000)
		w.set(func() { w.suspect = true })
		w.Advance(10 * time.Minute)
		w.set(func() { w.suspect, w.reasons = false, []string{"damage"} })
		w.Advance(10 * time.Minute)
		o := testkit.Ask[*messages.CheckpointOutcome](w.Bench, w.pid, &messages.CheckpointNow{Reason: "stop"})
		if got := w.modes(); len(got) != 0 || o.GetSkippedBecause() == "" {
			t.Errorf("got %v and %v, want none", got, o)
		}
	})
}

func TestBlocked_namesTheReaderAndClearsIt(t *testing.T) {
	inWorld(t, false, func(w *world) {
		w.set(func() { w.blocked = true })
		w.fill(20_000_000)
		w.Advance(70 * time.Second) // the first look, and more
		if !w.raised("wal_blocked") || !w.raised("wal_large") {
			t.Error("nothing was raised")
		}
		r := testkit.Ask[*messages.WalReport](w.Bench, w.pid, &messages.GetWal{})
		if len(r.GetHostages()) != 1 || r.GetHostages()[0].GetPid() != 4711 || r.GetHostages()[0].GetPages() != 60 {
			t.Errorf("got %v, want process 4711 with 60 pages", r.GetHostages())
		}
		w.set(func() { w.blocked = false })
		w.Advance(10 * time.Second)
		if w.raised("wal_blocked") {
			t.Error("it stays raised after the reader has gone")
		}
		r = testkit.Ask[*messages.WalReport](w.Bench, w.pid, &messages.GetWal{})
		if len(r.GetHostages()) != 0 || r.GetWalBytes() != 0 {
			t.Errorf("got %v", r)
		}
	})
}

func TestIdle_emptiesOnceAfterHalfAnHour(t *testing.T) {
	inWorld(t, false, func(w *world) {
		w.Advance(time.Minute)
		before := len(w.modes())
		w.fill(1000)
		w.Advance(25 * time.Minute)
		if got := len(w.modes()); got != before {
			t.Errorf("got %d checkpoints before half an hour", got-before)
		}
		w.Advance(10 * time.Minute)
		if got := w.modes()[before:]; len(got) != 2 || got[1] != "truncate" {
			t.Errorf("got %v, want passive and truncate", got)
		}
	})
}

func TestPassive_doesNothingUnasked(t *testing.T) {
	inWorld(t, true, func(w *world) {
		w.fill(20_000_000)
		w.Advance(2 * time.Hour)
		w.owner.Silent(0)
		if _, err := w.Ask(w.pid, &messages.CheckpointNow{Mode: "sideways"}); err == nil {
			t.Error("an unknown mode was taken")
		}
		o := testkit.Ask[*messages.CheckpointOutcome](w.Bench, w.pid, &messages.CheckpointNow{})
		if !o.GetComplete() || o.GetWalBytesBefore() != 20_000_000 || o.GetWalBytesAfter() != 0 {
			t.Errorf("got %v", o)
		}
	})
}

// A WAL that rests is looked at beside the actor; one that then grows is emptied as soon as
// if it had been looked at all the time.
func TestRest_growthIsSeenAtTheNextLook(t *testing.T) {
	inWorld(t, false, func(w *world) {
		w.Advance(20 * time.Minute)
		before := len(w.modes())
		w.fill(6_000_000)
		w.Advance(time.Minute)
		if got := w.modes()[before:]; len(got) != 2 || got[1] != "truncate" {
			t.Errorf("got %v, want it emptied", got)
		}
		if r := testkit.Ask[*messages.WalReport](w.Bench, w.pid, &messages.GetWal{}); r.GetWalBytes() != 0 {
			t.Errorf("got %v", r)
		}
	})
}
