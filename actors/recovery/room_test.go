package recovery

import (
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
)

// roomless is a disk with so much room and no more.
type roomless struct {
	fsx.FS
	freeBytes int64
}

func (c roomless) Space(string) (fsx.Space, error) {
	return fsx.Space{TotalBytes: 1 << 40, FreeBytes: c.freeBytes, FreeInodes: -1}, nil
}

// TestRestore_withoutRoomToKeepWhatItReplacesStops: an order that could not be taken back is
// not begun (P5, P8).
func TestRestore_withoutRoomToKeepWhatItReplacesStops(t *testing.T) {
	little := func(c *Config) { c.FS = roomless{FS: c.FS, freeBytes: spareBytes} }
	inWorld(t, little, nil, func(w *world) {
		old := w.live()
		_, f := w.ask(&messages.RestoreBackup{Confirmed: true})
		wantFailure(t, f, "disk_full", "are needed to keep what a restore replaces", "Nothing was changed")
		if w.live() != old {
			t.Error("the database was changed")
		}
	})
}
