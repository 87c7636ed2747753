package recovery

import (
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// unlisted is a device that does not list folders for a while.
type unlisted struct {
	fsx.FS
	is atomic.Bool
}

func (u *unlisted) ReadDir(name string) ([]fs.DirEntry, error) {
	if u.is.Load() {
		return nil, fault.New(fault.IO, "list "+name, "the device failed")
	}
	return u.FS.ReadDir(name)
}

// Nothing was open, but the first look could not tell: it stayed red until the next restore.
func TestResume_aDeviceThatFailsOnceLeavesNothingRed(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		w.kill()
		device := &unlisted{FS: fsx.OS()}
		device.is.Store(true)
		w.boot(func(c *Config) { c.FS = device })
		testkit.Advance(time.Minute)
		if _, up := w.condition(restoreUnfinished); !up {
			t.Fatal("it was not told that nobody can tell")
		}
		device.is.Store(false)
		testkit.Advance(time.Hour)
		if found, up := w.condition(restoreUnfinished); up {
			t.Errorf("an hour after the device was well: %s", found)
		}
	})
}

// The journal or the private copy of a killed restore that the device did not give once counted as lost for a day,
// while the database lay there half written.
func TestResume_whatTheDeviceDoesNotGiveIsAskedForAgain(t *testing.T) {
	for _, name := range []string{intentFile, sourceFile} {
		for _, test := range []struct {
			times    int32
			finished bool
		}{{1, true}, {looksPatient, true}, {1000, false}} {
			t.Run(fmt.Sprintf("%s/%d", name, test.times), func(t *testing.T) {
				inWorld(t, nil, nil, func(w *world) {
					w.set(only("kept", "hang"))
					go w.askAndForget(&messages.RestoreBackup{Confirmed: true})
					w.settle()
					w.kill()
					w.write(damagedFile)
					device := testkit.NewUnreadable(fsx.OS(), name, test.times)
					w.boot(func(c *Config) { c.FS = device })
					testkit.Advance(20 * time.Minute)
					found, up := w.condition(restoreUnfinished)
					if up == test.finished || (w.live() != damagedFile) != test.finished {
						t.Errorf("after 20 minutes: red %v (%s), live %s", up, found, w.live())
					}
					if up && !strings.Contains(found, "--yes") {
						t.Errorf("%s names no way out", found)
					}
					device.Times.Store(0)
					w.suspect = true
					if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
						t.Fatal(f)
					}
				})
			})
		}
	}
}

// An order that ran while a look was due, and ended without touching anything, cost that look: the interrupted restore
// stayed open for a day.
func TestResume_anOrderMeanwhileDoesNotCostTheLook(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		w.set(only("kept", "hang"))
		go w.askAndForget(&messages.RestoreBackup{Confirmed: true})
		w.settle()
		w.kill()
		damaged(w)
		w.shop.during = func() { <-time.After(2 * time.Minute) }
		device := testkit.NewUnreadable(fsx.OS(), intentFile, 1)
		w.boot(func(c *Config) { c.FS = device })
		w.settle()
		go w.askAndForget(&messages.RepairDatabase{DryRun: true})
		testkit.Advance(time.Minute)
		if len(w.shop.asked) == 0 || w.live() != damagedFile {
			t.Fatalf("the order does not run: live %s", w.live())
		}
		testkit.Advance(5 * time.Minute)
		if found, up := w.condition(restoreUnfinished); up || w.live() == damagedFile {
			t.Errorf("after the order: red %v (%s), live %s", up, found, w.live())
		}
	})
}

// A defect in a repair, or an owner that did not answer once, left the app without writes until the next repair.
func TestRepair_theFenceGoesWhateverEndedIt(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(w *world)
		lifts int
	}{
		{"a defect", func(w *world) { w.shop.during = func() { panic("a defect") } }, 1},
		{"an owner that does not answer once", func(w *world) {
			w.shop.fails = map[loss.Layer]fault.Code{loss.Reindex: fault.Full, loss.Merge: fault.Full, loss.Salvage: fault.Full}
			w.set(once("lift", "fail"))
		}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				damaged(w)
				test.spoil(w)
			}, func(w *world) {
				if _, f := w.ask(&messages.RepairDatabase{Confirmed: true}); f == nil {
					t.Fatal("the repair went")
				}
				testkit.Advance(time.Minute)
				lifts := 0
				for _, asked := range w.asked {
					if asked == "LiftFence restore" {
						lifts++
					}
				}
				if lifts != test.lifts {
					t.Errorf("the fence was lifted %d times, want %d: %v", lifts, test.lifts, w.asked)
				}
			})
		})
	}
}

// once does something at the first coming of a stage.
func once(stage, what string) func(string) string {
	var came atomic.Bool
	return func(s string) string {
		if s == stage && !came.Swap(true) {
			return what
		}
		return ""
	}
}
