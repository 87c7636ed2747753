package retention

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkInvariants holds for every situation, set of backups and policy.
func checkInvariants(t fataler, s Situation, backups []Backup, p Policy, d Decision) {
	t.Helper()
	byID := map[string]Backup{}
	for _, b := range backups {
		byID[b.ID] = b
	}
	if got := len(d.Keep) + len(d.Drop); got != len(backups) {
		t.Fatalf("%d of %d backups are decided on", got, len(backups))
	}
	if d.Held != "" && len(d.Drop) > 0 {
		t.Fatalf("held (%s), yet %d are dropped", d.Held, len(d.Drop))
	}
	if (s.LiveSuspect || s.VerifiedID == "") && len(d.Drop) > 0 {
		t.Fatalf("suspect %v, verified %q, yet %d are dropped", s.LiveSuspect, s.VerifiedID, len(d.Drop))
	}
	for _, b := range backups {
		if b.Tier == Quarantined && eligible(b, s.Now) && len(d.Drop) > 0 {
			t.Fatalf("%s came back from the quarantine and %d others are dropped at once", b.ID, len(d.Drop))
		}
	}
	seen, counted, verifiedLeft := map[string]bool{}, 0, 0
	for _, k := range d.Keep {
		b := byID[k.ID]
		if seen[k.ID] = true; !k.Tier.Valid() || k.Reason == "" || k.Goes == "" {
			t.Fatalf("kept without tier, reason or forecast: %+v", k)
		}
		eligible := eligible(b, s.Now)
		if k.Tier.Counted() && eligible && !k.Held {
			counted++
		}
		if !k.Tier.Counted() && eligible {
			t.Fatalf("a good backup lies aside: %+v", k)
		}
		if eligible {
			verifiedLeft++
		}
	}
	if limit := max(p.Total(), 2); counted > limit {
		t.Fatalf("%d counted backups, want at most %d", counted, limit)
	}
	eligibleBefore := verifiedLeft + len(d.Drop)
	if verifiedLeft < min(2, eligibleBefore) {
		t.Fatalf("%d verified of %d are left, want at least two", verifiedLeft, eligibleBefore)
	}
	for _, drop := range d.Drop {
		b := byID[drop.ID]
		switch {
		case seen[drop.ID]:
			t.Fatalf("%s is kept and dropped", drop.ID)
		case !eligible(b, s.Now):
			t.Fatalf("dropped what is not counted: %+v", b)
		case drop.Reason == "":
			t.Fatalf("dropped without a reason: %+v", drop)
		case b.TakenAt.After(byID[s.VerifiedID].TakenAt):
			t.Fatalf("dropped %s, which is newer than the one just verified", drop.ID)
		}
	}
}

func eligible(b Backup, now time.Time) bool {
	return b.Verified && !b.Pinned && !b.Suspect && !b.Quarantined && !b.TakenAt.After(now.Add(clockSkew))
}

func TestPlan_invariants(t *testing.T) {
	tiers := []Tier{"", Recent, Daily, Weekly, Monthly, Yearly, Pinned, Suspect}
	drops := 0
	zones := []string{"UTC", "Europe/Berlin", "America/Havana", "Pacific/Apia"}
	rapid.Check(t, func(rt *rapid.T) {
		rare := func(name string) bool { return rapid.IntRange(0, 9).Draw(rt, name) == 0 }
		now := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
		p := Policy{rapid.IntRange(1, 3).Draw(rt, "r"), rapid.IntRange(0, 7).Draw(rt, "d"),
			rapid.IntRange(0, 4).Draw(rt, "w"), rapid.IntRange(0, 12).Draw(rt, "m"), rapid.IntRange(0, 2).Draw(rt, "y")}
		var backups []Backup
		for i := range rapid.IntRange(0, 40).Draw(rt, "n") {
			hours := rapid.IntRange(-24*30, 24*900).Draw(rt, "age")
			backups = append(backups, Backup{
				ID: fmt.Sprintf("b%02d", i), TakenAt: now.Add(-time.Duration(hours) * time.Hour),
				Tier: rapid.SampledFrom(tiers).Draw(rt, "tier"), Verified: !rare("unverified"),
				Pinned: rare("pinned"), Suspect: rare("suspect"), Quarantined: rare("quarantined"),
			})
		}
		s := Situation{Now: now, Location: mustZone(t, rapid.SampledFrom(zones).Draw(rt, "zone")), LiveSuspect: rare("live")}
		if len(backups) > 0 {
			s.VerifiedID = rapid.SampledFrom(backups).Draw(rt, "verified").ID
			newest := Backup{}
			for _, b := range backups {
				if eligible(b, now) && b.TakenAt.After(newest.TakenAt) {
					newest = b
				}
			}
			if newest.ID != "" && !rare("older verified") {
				s.VerifiedID = newest.ID
			}
		}
		if rare("last") {
			s.LastNow = now.Add(time.Duration(rapid.IntRange(-50*24, 50*24).Draw(rt, "since")) * time.Hour)
		}
		if len(backups) > 0 && rare("returns") {
			backups[0].Tier = Quarantined
		}
		d := Plan(s, backups, p)
		drops += len(d.Drop)
		checkInvariants(rt, s, backups, p, d)
	})
	if drops == 0 {
		t.Error("nothing was ever dropped, so nothing was tested")
	}
}
