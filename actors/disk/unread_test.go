package disk_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/space"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// month stores a history in which the volume fills up, and gives what it wrote.
func month(w *world, path string) string {
	w.T.Helper()
	var h space.History
	for i := range 40 {
		back := time.Duration(40-i) * 6 * time.Hour
		h, _ = h.Add(w.volumes.list[0].MountPoint, space.Sample{At: time.Now().Add(-back), FreeBytes: 50*gb + int64(back/time.Hour)*gb})
	}
	data, err := h.Encode()
	if err == nil {
		w.write(path, 0)
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		w.T.Fatal(err)
	}
	return string(data)
}

func TestHistory_thatADeviceDoesNotGiveIsReadAgain(t *testing.T) {
	for name, times := range map[string]int32{"twice": 2, "never": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			var history, before string
			run(t, func(w *world) {
				w.cfg.Files = testkit.NewUnreadable(w.cfg.Files, "disk.json", times)
				history = filepath.Join(w.cfg.Home, "metrics", "disk.json")
				before = month(w, history)
			}, func(w *world) {
				if v := w.report().Volumes; len(v) != 1 || (v[0].DaysUntilFull > 0) != (name == "twice") {
					w.T.Errorf("got %v, want a forecast once the history is read", v)
				}
				w.volumes.free(1 * gb / 4) // the level changes, which is written down
				for range 5 {
					w.Tell(w.pid, &messages.Due{Key: "disk"})
					w.Advance(12 * time.Hour)
				}
				w.Stop(w.pid)
				data, err := os.ReadFile(history)
				if err != nil || (string(data) == before) != (name == "never") {
					w.T.Fatalf("got %s, %v", data, err)
				}
				h, err := space.ParseHistory(data)
				if days := h.DaysUntilFull(w.volumes.list[0].MountPoint, time.Now(), 50*gb); err != nil || days == 0 {
					w.T.Errorf("got %v days, %v; want the month that was stored to be in there", days, err)
				}
			})
		})
	}
}
