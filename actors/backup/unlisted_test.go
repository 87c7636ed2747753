package backup_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// fullOnce is a shelf whose list cannot be written once.
type fullOnce struct {
	backup.Shelf
	full *atomic.Bool
}

func (s fullOnce) Save(m manifest.Manifest) error {
	if s.full.CompareAndSwap(true, false) {
		return fault.New(fault.Full, "write the list", "no space left")
	}
	return s.Shelf.Save(m)
}

// The file has its name by then: what is on no list would stay until the next day.
func TestTakeBackup_thatCannotBeListedIsFoundByTheJanitor(t *testing.T) {
	inWorld(t, func(w *world) {
		var full atomic.Bool
		w.start(passive, func(c *backup.Config) { c.Shelf = fullOnce{c.Shelf, &full} })
		full.Store(true)
		if f := w.fails(&messages.TakeBackup{}); f.GetCode() != "disk_full" {
			t.Errorf("got %v, want disk_full", f)
		}
		w.Settle()
		if n := len(w.files()); n != 1 {
			t.Errorf("%d files, want the one that has its name", n)
		}
		w.tidy()
	})
}

// unseen is a shelf on a device that does not tell the size of a file for a while.
type unseen struct {
	backup.Shelf
	is *atomic.Bool
}

func (s unseen) Size(rel string) (int64, error) {
	if s.is.Load() {
		return 0, fault.New(fault.IO, "look at "+rel, "the device failed")
	}
	return s.Shelf.Size(rel)
}

// It was red until the next backup, a day or a week away, and called the backup that
// nobody could look at one of the last two.
func TestExpire_aDeviceThatFailsOnceIsGreenWithinTheHour(t *testing.T) {
	inWorld(t, func(w *world) {
		var is atomic.Bool
		w.start(func(c *backup.Config) { c.Shelf = unseen{c.Shelf, &is} })
		for n := range 3 {
			w.commit(n + 1)
			w.take(&messages.TakeBackup{})
			testkit.Advance(time.Minute)
		}
		is.Store(true)
		w.commit(4)
		w.take(&messages.TakeBackup{})
		if !w.up("manifest_unwritable") {
			t.Fatal("a device that does not answer was not told")
		}
		is.Store(false)
		testkit.Advance(30 * time.Minute)
		if w.up("manifest_unwritable") {
			t.Error("half an hour later the list still counts as one that cannot be written")
		}
		w.tidy()
	})
}

// unreadable is a shelf whose list cannot be read some times.
type unreadable struct {
	backup.Shelf
	times *atomic.Int32
}

func (s unreadable) Load(ctx context.Context, now time.Time) (manifest.Manifest, string, error) {
	if s.times.Add(-1) >= 0 {
		return manifest.Manifest{}, "", fault.New(fault.IO, "read the list", "the device failed")
	}
	return s.Shelf.Load(ctx, now)
}

// A device that failed at one reading of the list cost the backup at start, and every other for an hour.
func TestStart_aListThatCannotBeReadAtFirstCostsSeconds(t *testing.T) {
	for _, test := range []struct {
		fails  int32
		within time.Duration
	}{{1, 2 * time.Second}, {3, 25 * time.Second}, {8, time.Hour}} {
		t.Run(strconv.Itoa(int(test.fails)), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var times atomic.Int32
				times.Store(test.fails)
				w.commit(1)
				w.start(func(c *backup.Config) { c.Shelf, c.Every = unreadable{c.Shelf, &times}, 7*24*time.Hour })
				if !w.up("manifest_unwritable") {
					t.Fatal("a list that cannot be read was not told")
				}
				testkit.Advance(test.within)
				if w.up("manifest_unwritable") || times.Load() >= 0 {
					t.Errorf("after %v the list was not read: %d times to fail", test.within, times.Load())
				}
				testkit.Advance(2*time.Minute + time.Second) // the wait for the first full check
				if n := len(w.files()); n != 1 {
					t.Errorf("%d backups, want the one at start", n)
				}
				w.tidy()
			})
		})
	}
}
