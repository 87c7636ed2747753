package retention

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

// world is a user's machine with its backups, driven cycle by cycle.
type world struct {
	t        testing.TB
	policy   Policy
	loc      *time.Location
	backups  []Backup
	told     map[string]Kept // what the last plan said about each
	lastTold Backup          // newest counted one of the last plan
	lastNow  time.Time
	taken    int

	dropped, held, heldCycles, cycles int
}

func newWorld(t testing.TB, loc *time.Location) *world {
	return &world{t: t, policy: Default(), loc: loc, told: map[string]Kept{}}
}

// cycle takes a backup unless it fails, plans, and carries the plan out. Elapsed is
// the true time since the cycle before, which differs from the wall clock's when
// that one jumped.
func (w *world) cycle(now time.Time, elapsed time.Duration, ok, liveSuspect bool) Decision {
	w.t.Helper()
	s := Situation{Now: now, Location: w.loc, LastNow: w.lastNow, Elapsed: elapsed, LiveSuspect: liveSuspect}
	if ok {
		w.taken++
		b := Backup{ID: fmt.Sprintf("b%06d", w.taken), TakenAt: now, Verified: true, Suspect: liveSuspect, SizeBytes: 1 << 20}
		w.backups = append(w.backups, b)
		s.VerifiedID = b.ID
	}
	d := Plan(s, w.backups, w.policy)
	w.checkDecision(s, d)
	for _, drop := range d.Drop {
		w.checkForetold(drop, s)
	}
	w.carryOut(d)
	w.lastNow = now
	return d
}

func (w *world) carryOut(d Decision) {
	kept := make(map[string]Kept, len(d.Keep))
	for _, k := range d.Keep {
		kept[k.ID] = k
	}
	var left []Backup
	for _, b := range w.backups {
		if k, is := kept[b.ID]; is {
			b.Tier = k.Tier
			left = append(left, b)
		}
	}
	w.backups, w.told = left, kept
	w.cycles++
	w.dropped += len(d.Drop)
	if d.Held != "" {
		w.heldCycles++
	}
	w.lastTold = Backup{}
	for _, b := range w.backups {
		k := kept[b.ID]
		if k.Tier.Counted() && b.Verified && !b.TakenAt.Before(w.lastTold.TakenAt) {
			w.lastTold = b
		}
		if k.Held {
			w.held++
		}
	}
}

// checkForetold compares a drop with what the last plan said about the backup.
func (w *world) checkForetold(drop Dropped, s Situation) {
	w.t.Helper()
	told, known := w.told[drop.ID]
	if !known {
		w.t.Fatalf("%s was dropped (%s) without ever having been explained", drop.ID, drop.Reason)
	}
	if told.Held {
		return
	}
	sameDay := sameDate(w.lastTold.TakenAt, s.Now, w.loc)
	asToldToday := sameDay && told.GoesSameDay
	asToldLater := !sameDay && !told.GoesFrom.IsZero() && !s.Now.Before(told.GoesFrom)
	if told.Tier != drop.From || !asToldToday && !asToldLater {
		w.t.Fatalf("at %s: drop of %s (%s) was not foretold: %+v", s.Now, drop.ID, drop.Reason, told)
	}
}

func sameDate(a, b time.Time, loc *time.Location) bool {
	return place("", a, loc).day == place("", b, loc).day
}

// checkDecision holds what is true of every decision whatever came before.
func (w *world) checkDecision(s Situation, d Decision) {
	w.t.Helper()
	checkInvariants(w.t, s, w.backups, w.policy, d)
}

// slotsHeld counts the backups that hold a slot, and per tier.
func slotsHeld(d Decision, backups []Backup) (int, map[Tier]int) {
	verified := map[string]bool{}
	for _, b := range backups {
		verified[b.ID] = b.Verified
	}
	n, per := 0, map[Tier]int{}
	for _, k := range d.Keep {
		if k.Tier.Counted() && !k.Held && verified[k.ID] {
			n++
			per[k.Tier]++
		}
	}
	return n, per
}

func TestPlan_threeYearsOfDailyUse(t *testing.T) {
	for _, c := range []struct {
		name  string
		zone  string
		hours []int
	}{
		{"one a day", "Europe/Berlin", []int{12}},
		{"six a day", "Europe/Berlin", []int{1, 5, 9, 13, 17, 21}},
		{"every four hours at the edges", "America/New_York", []int{0, 4, 8, 12, 16, 20, 23}},
		{"two a day where clocks move half an hour", "Australia/Lord_Howe", []int{9, 22}},
	} {
		t.Run(c.name, func(t *testing.T) {
			loc := mustZone(t, c.zone)
			w := newWorld(t, loc)
			start := time.Date(2024, 2, 13, 0, 0, 0, 0, loc)
			most, exact, days := 0, 0, 0
			for day := range 3 * 365 {
				for _, hour := range c.hours {
					now := time.Date(2024, 2, 13+day, hour, 30, 0, 0, loc)
					d := w.cycle(now, 0, true, false)
					n, per := slotsHeld(d, w.backups)
					most = max(most, n)
					full := now.After(start.AddDate(0, 14, 0)) // the 15th month begins
					if full && (n != 16 || per[Recent] != 1 || per[Daily] != 1 || per[Weekly] != 1 || per[Monthly] != 12 || per[Yearly] != 1) {
						t.Fatalf("at %s: got %d files %v, want 16 in tiers of 1, 1, 1, 12, 1", now, n, per)
					}
					if full {
						exact++
					}
					if day > 0 {
						w.checkYesterday(now)
					}
					if len(w.backups) != n {
						t.Fatalf("at %s: %d files on disk, want only the %d counted ones", now, len(w.backups), n)
					}
				}
				days++
			}
			if most != 16 {
				t.Errorf("at most %d files, want 16", most)
			}
			t.Logf("%d days, %d backups, %d dropped and all foretold, at most %d files, exactly 16 after each of the %d backups from month 15 on",
				days, w.taken, w.dropped, most, exact)
		})
	}
}

// checkYesterday: of the backups of earlier days, the newest one kept is of yesterday.
func (w *world) checkYesterday(now time.Time) {
	w.t.Helper()
	today := place("", now, w.loc).day
	newest := 0
	for _, b := range w.backups {
		if day := place("", b.TakenAt, w.loc).day; day < today {
			newest = max(newest, day)
		}
	}
	if today-newest != 1 {
		w.t.Fatalf("at %s: the newest backup of an earlier day is %d days old, want 1", now, today-newest)
	}
}

// TestPlan_threeYearsOfTrouble is three years of a machine that is switched off for
// days and weeks, whose clock jumps for a while, whose verification fails and
// whose database is suspect now and then.
func TestPlan_threeYearsOfTrouble(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	var taken, dropped, held, jumps, off, failed, touched, exact, most, mostOnDisk int
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 1))
		zone := []string{"Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Auckland"}[seed%4]
		w := newWorld(t, mustZone(t, zone))
		truth := time.Date(2024, 2, 13, 8, 0, 0, 0, w.loc)
		end, full := truth.AddDate(3, 0, 0), truth.AddDate(0, 14, 0)
		var skew, elapsed time.Duration
		jumped, suspect, everGood := 0, 0, false
		clock := seed%3 > 0 // in every third world the clock is right and no file is touched
		for truth.Before(end) {
			if jumped--; jumped == 0 {
				skew = 0
			}
			if clock && jumped < 0 && r.IntN(400) == 0 {
				skew = time.Duration(r.IntN(800*24)-400*24) * time.Hour
				jumped = 1 + r.IntN(12)
				jumps++
			}
			if suspect--; suspect < 0 && r.IntN(500) == 0 {
				suspect = 1 + r.IntN(10)
			}
			ok := r.IntN(8) != 0
			if !ok {
				failed++
			}
			d := w.cycle(truth.Add(skew), elapsed, ok, suspect > 0)
			n, _ := slotsHeld(d, w.backups)
			most, mostOnDisk = max(most, n), max(mostOnDisk, len(w.backups))
			if n > 16 {
				t.Fatalf("seed %d at %s: %d counted files, want at most 16", seed, truth, n)
			}
			if truth.After(full) && !clock {
				if exact++; n != 16 {
					t.Fatalf("seed %d at %s: %d counted files in the 15th month or later, want 16", seed, truth, n)
				}
			}
			if clock && len(w.backups) > 4 && r.IntN(100) == 0 {
				w.touch(r)
				touched++
			}
			if anyGood(w.backups) {
				everGood = true
			} else if everGood {
				t.Fatalf("seed %d at %s: no verified backup is left", seed, truth)
			}
			elapsed = time.Duration(1+r.IntN(24)) * time.Hour
			if r.IntN(60) == 0 {
				elapsed += time.Duration(r.IntN(21*24)) * time.Hour
				off++
			}
			truth = truth.Add(elapsed)
		}
		taken, dropped, held = taken+w.taken, dropped+w.dropped, held+w.heldCycles
	}
	t.Logf("%d seeds × 3 years: %d backups, %d dropped and all foretold, %d cycles held, %d clock jumps, %d times off, %d failed, %d pinned, unpinned or rotten; at most %d counted files (%d on disk with those set aside), exactly 16 after each of %d cycles from month 15 on",
		seeds, taken, dropped, held, jumps, off, failed, touched, most, mostOnDisk, exact)
}

// touch pins, unpins or finds one backup rotten, and plans anew as the rules ask.
func (w *world) touch(r *rand.Rand) {
	w.t.Helper()
	b := &w.backups[r.IntN(len(w.backups))]
	if r.IntN(3) == 0 {
		b.Quarantined = true
	} else {
		b.Pinned = !b.Pinned
	}
	s := Situation{Now: w.lastNow, Location: w.loc, LastNow: w.lastNow}
	d := Plan(s, w.backups, w.policy)
	w.checkDecision(s, d)
	w.carryOut(d)
}

// anyGood tells whether one is left that could be restored.
func anyGood(backups []Backup) bool {
	for _, b := range backups {
		if b.Verified && !b.Suspect && !b.Quarantined {
			return true
		}
	}
	return false
}

// TestPlan_neverMissesWhatItDropped compares dropping as one goes along with
// planning once over everything ever taken: the same backups must survive.
func TestPlan_neverMissesWhatItDropped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			Recent: rapid.IntRange(1, 4).Draw(t, "recent"), Daily: rapid.IntRange(0, 8).Draw(t, "daily"),
			Weekly: rapid.IntRange(0, 5).Draw(t, "weekly"), Monthly: rapid.IntRange(0, 13).Draw(t, "monthly"),
			Yearly: rapid.IntRange(0, 3).Draw(t, "yearly"),
		}
		steps := rapid.SliceOfN(rapid.IntRange(1, 24*40), 1, 250).Draw(t, "hours")
		at := time.Date(2023, 12, 20, 0, 0, 0, 0, time.UTC)
		var ever, live []item
		for i, hours := range steps {
			if hours > 24*20 { // mostly days and hours, sometimes weeks
				hours /= 20
			}
			at = at.Add(time.Duration(hours) * time.Hour)
			it := place(fmt.Sprintf("b%04d", i), at, time.UTC)
			ever = append([]item{it}, ever...)
			live = append([]item{it}, live...)
			live = surviving(live, slots(live, p))
			if got, want := ids(live), ids(surviving(ever, slots(ever, p))); got != want {
				t.Fatalf("after %d backups, policy %+v:\ngot  %s\nwant %s", i+1, p, got, want)
			}
		}
	})
}

func surviving(items []item, tiers []Tier) []item {
	var out []item
	for i, it := range items {
		if tiers[i] != "" {
			out = append(out, it)
		}
	}
	return out
}

func ids(items []item) string {
	s := ""
	for _, it := range items {
		s += it.id + " "
	}
	return s
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
