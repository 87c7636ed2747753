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

// TestRoomNeeded_countsWhatIsSortedBesideTheCandidate: at 1 GB that was up to 550 MB.
func TestRoomNeeded_countsWhatIsSortedBesideTheCandidate(t *testing.T) {
	const gb = 1 << 30
	for _, c := range [][3]int64{{gb, 0, 3*gb + 550<<20}, {gb, 2 * gb, 5*gb + 1100<<20}, {0, 0, spareBytes}} {
		if got := roomNeeded(c[0], c[1]); got < c[2] || got > c[2]+gb/2 {
			t.Errorf("damaged files of %d MB, a backup of %d MB: %d MB, want a little more than %d", c[0]>>20, c[1]>>20, got>>20, c[2]>>20)
		}
	}
}
