package backup_test

import (
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
