package backup_test

import (
	"sync/atomic"
	"testing"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
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
