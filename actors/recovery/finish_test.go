package recovery

import (
	"io/fs"
	"sync/atomic"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
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
