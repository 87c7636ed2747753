package backup_test

import (
	"testing"
	"time"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/messages"
)

// TestTakeBackup_noClockThatJumpsExpiresAnything: a house full of backups, and a clock that is set while Officer runs, stays wrong for some
// hours and is set right. No backup goes in the cycle after either; in between a new one takes the
// places that it takes by a clock that is right, and as many are kept as before (P3).
func TestTakeBackup_noClockThatJumpsExpiresAnything(t *testing.T) {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for _, c := range []struct {
		name  string
		begin time.Time // where the clock stands when it jumps
		jump  time.Duration
	}{
		{"an hour ahead", time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC), time.Hour},
		{"an hour back", time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC), -time.Hour},
		{"an hour back over midnight", time.Date(2024, 5, 15, 0, 30, 0, 0, time.UTC), -time.Hour},
		{"an hour back over the end of a month", time.Date(2024, 6, 1, 0, 30, 0, 0, time.UTC), -time.Hour},
		{"an hour back over the end of a year", time.Date(2025, 1, 1, 0, 30, 0, 0, time.UTC), -time.Hour},
		{"two days ahead", time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC), 2 * day},
		{"three weeks ahead", time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC), 21 * day},
		{"a year ahead", time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC), year},
		{"a year back", time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC), -year},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				start := time.Now()
				w.start(passive, func(cfg *backup.Config) {
					cfg.Elapsed = func() time.Duration { return time.Since(start) + time.Second }
				})
				const days = 24
				w.locked(func() { w.skew = c.begin.Sub(start.Add(days * day)) })
				row := 10
				cycle := func(after time.Duration) {
					w.commit(row)
					row++
					w.Advance(after)
					w.take(&messages.TakeBackup{})
				}
				for range days {
					cycle(24 * time.Hour)
				}
				full := len(w.list().GetBackups())
				if full < 4 {
					w.T.Fatalf("only %d backups: nothing could expire", full)
				}
				set := func(d time.Duration, what string) {
					w.T.Helper()
					before := w.listed()
					w.locked(func() { w.skew += d })
					cycle(time.Minute)
					if gone := before.without(w.listed()); len(gone) > 0 {
						w.T.Errorf("%s: %v went", what, gone)
					}
				}
				set(c.jump, "the clock was set wrong")
				for range 5 {
					before := w.listed()
					cycle(time.Hour)
					if gone := before.without(w.listed()); len(gone) > 3 { // a day, a week and what the cycle before held back
						w.T.Errorf("while it is wrong: %v went at once", gone)
					}
				}
				set(-c.jump, "the clock was set right")
				if n := len(w.list().GetBackups()); n < full {
					w.T.Errorf("%d backups after the clock was wrong, %d before", n, full)
				}
				w.tidy()
			})
		})
	}
}

// ids of backups.
type ids map[string]bool

func (w *world) listed() ids {
	w.T.Helper()
	all := ids{}
	for _, b := range w.list().GetBackups() {
		all[b.GetId()] = true
	}
	return all
}

func (i ids) without(others ids) (gone []string) {
	for id := range i {
		if !others[id] {
			gone = append(gone, id)
		}
	}
	return gone
}
