package maint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/actors/maint"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// storedBefore is a home with the state of an earlier life that a device does not give that many times.
func storedBefore(t *testing.T, times int32) (cfg maint.Config, file func() string) {
	t.Helper()
	cfg = maint.Config{Home: t.TempDir(), Files: testkit.NewUnreadable(fsx.OS(), "maintenance.json", times)}
	path := filepath.Join(cfg.Home, "maintenance.json")
	if err := os.WriteFile(path, []byte(earlier), 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg, func() string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
}

const earlier = `{"version":1,"settled_at":"1999-12-26T03:00:00Z","rate_bytes_per_second":5,"last_analyze":{"kind":"analyze","at":"1999-12-31T12:00:00Z"}}`

func TestState_thatADeviceDoesNotGiveIsReadAgain(t *testing.T) {
	cfg, file := storedBefore(t, 2)
	play(t, cfg, func(s *scene) {
		if file() != earlier {
			t.Errorf("replaced by %s", file())
		}
		s.Advance(5 * time.Second)
		settled := int64(0)
		for _, h := range s.schedule.Heard() {
			if add, ok := h.Message.(*messages.AddSchedule); ok && add.GetKey() == "maint.vacuum" {
				settled = add.GetLastDoneUnixMs()
			}
		}
		if got := time.UnixMilli(settled).UTC(); got.Day() != 26 {
			t.Errorf("got %v as the last time, want what the file says", got)
		}
		if file() != earlier {
			t.Errorf("replaced by %s", file())
		}
	})
}

func TestState_thatIsNeverGivenIsNeverReplaced(t *testing.T) {
	for _, passive := range []bool{false, true} {
		cfg, file := storedBefore(t, 1<<20)
		cfg.Passive = passive
		play(t, cfg, func(s *scene) {
			if r := testkit.Ask[*messages.MaintenanceReport](s.Bench, s.pid, &messages.VacuumNow{Force: true}); r.GetKind() != "vacuum" {
				t.Errorf("got %v, want who asks to be served", r)
			}
			s.Advance(8 * time.Hour)
			if file() != earlier {
				t.Errorf("passive %v: replaced by %s", passive, file())
			}
			cfg.Files.(*testkit.Unreadable).Times.Store(0)
			testkit.Ask[*messages.MaintenanceReport](s.Bench, s.pid, &messages.VacuumNow{Force: true})
			s.Advance(time.Second)
			if got := file(); !strings.Contains(got, `1999-12-31T12:00:00Z`) || !strings.Contains(got, `"last_vacuum"`) {
				t.Errorf("passive %v: got %s, want the old analyze and the new vacuum", passive, got)
			}
		})
	}
}
