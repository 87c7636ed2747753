package retention

import (
	"strings"
	"testing"
	"time"
)

// A pin that ends by itself keeps a backup that no slot needs, changes nothing for the
// others, and when it is over the backup goes like any other.
func TestPlan_pinUntil(t *testing.T) {
	day := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	var list []Backup
	for i := range 6 {
		list = append(list, Backup{ID: string(rune('a' + i)), TakenAt: day.Add(time.Duration(i) * time.Hour), Tier: Recent, Verified: true})
	}
	now := day.Add(6 * time.Hour)
	s := Situation{Now: now, VerifiedID: "f"}
	without := Plan(s, list, Default())
	list[2].PinnedUntil = now.Add(time.Hour)
	with := Plan(s, list, Default())
	if len(with.Drop) != len(without.Drop)-1 || len(with.Keep) != len(without.Keep)+1 {
		t.Fatalf("with the pin %d go and %d stay, without %d and %d", len(with.Drop), len(with.Keep), len(without.Drop), len(without.Keep))
	}
	for _, k := range with.Keep {
		if k.ID == "c" && (k.Tier != Pinned || !strings.Contains(k.Reason, "before the schema changed") || k.Goes == "") {
			t.Errorf("got %+v", k)
		}
		for _, old := range without.Keep {
			if old.ID == k.ID && old.Tier != k.Tier {
				t.Errorf("%s moved from %s to %s for the pin of another", k.ID, old.Tier, k.Tier)
			}
		}
	}
	s.Now = now.Add(2 * time.Hour)
	after := Plan(s, list, Default())
	if len(after.Drop) != len(without.Drop) {
		t.Errorf("after the pin %d go, want %d", len(after.Drop), len(without.Drop))
	}
}

// The backup that a restore is of may be the one whose place the backup before the restore takes.
func TestPlan_nothingGoesUntilARestoreHasEnded(t *testing.T) {
	day := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	var list []Backup
	for i := range 6 {
		list = append(list, Backup{ID: string(rune('a' + i)), TakenAt: day.Add(time.Duration(i) * time.Hour), Tier: Recent, Verified: true})
	}
	s := Situation{Now: day.Add(6 * time.Hour), VerifiedID: "f"}
	if d := Plan(s, list, Default()); len(d.Drop) == 0 {
		t.Fatal("otherwise nothing goes either")
	}
	s.Restoring = true
	if d := Plan(s, list, Default()); len(d.Drop) != 0 || !strings.Contains(d.Held, "restore") {
		t.Errorf("%v go, held because %q", d.Drop, d.Held)
	}
}
