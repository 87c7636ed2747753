package schedule

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

// zones have every oddity: half-hour DST, DST at midnight, clocks set back across
// midnight, a day that never was, and none at all.
var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "America/St_Johns",
	"Pacific/Apia", "Asia/Beirut", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Kathmandu", "Antarctica/Troll",
}

func zone(t interface{ Fatalf(string, ...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return loc
}

func spec(t interface{ Fatalf(string, ...any) }, text string) Spec {
	s, err := Parse(text)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

func TestPeriod_cases(t *testing.T) {
	for _, c := range []struct{ name, zone, spec, at, start, end string }{
		{"every 4 h", "Europe/Berlin", "4h", "2026-11-23T09:30:00+01:00", "2026-11-23T08:00:00+01:00", "2026-11-23T12:00:00+01:00"},
		{"every 4 h at a cut", "Europe/Berlin", "4h", "2026-11-23T08:00:00+01:00", "2026-11-23T08:00:00+01:00", "2026-11-23T12:00:00+01:00"},
		{"spring: the last one is short", "Europe/Berlin", "4h", "2026-03-29T23:59:00+02:00", "2026-03-29T21:00:00+02:00", "2026-03-30T00:00:00+02:00"},
		{"autumn: the last one is long", "Europe/Berlin", "4h", "2026-10-25T23:59:00+01:00", "2026-10-25T19:00:00+01:00", "2026-10-26T00:00:00+01:00"},
		{"autumn: the doubled hour has two", "Europe/Berlin", "1h", "2026-10-25T02:30:00+01:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"},
		{"half an hour back: a short one more", "Australia/Lord_Howe", "1h", "2026-04-05T23:50:00+10:30", "2026-04-05T23:30:00+10:30", "2026-04-06T00:00:00+10:30"},
		{"half an hour ahead: a short one", "Australia/Lord_Howe", "1h", "2026-10-04T23:50:00+11:00", "2026-10-04T23:30:00+11:00", "2026-10-05T00:00:00+11:00"},
		{"a day", "Europe/Berlin", "24h", "2026-10-25T12:00:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"},
		{"seven days begin on a Sunday", "Europe/Berlin", "168h", "2026-11-23T12:00:00+01:00", "2026-11-22T00:00:00+01:00", "2026-11-29T00:00:00+01:00"},
		{"five hours from the epoch", "Europe/Berlin", "5h", "1970-01-01T06:00:00Z", "1970-01-01T05:00:00Z", "1970-01-01T10:00:00Z"},
		{"five hours before the epoch", "UTC", "5h", "1969-12-31T23:00:00Z", "1969-12-31T19:00:00Z", "1970-01-01T00:00:00Z"},
		{"daily, before the time", "Europe/Berlin", "03:00", "2026-11-23T02:59:59+01:00", "2026-11-22T03:00:00+01:00", "2026-11-23T03:00:00+01:00"},
		{"daily, time skipped", "Europe/Berlin", "02:30", "2026-03-29T12:00:00+02:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"},
		{"daily, time doubled", "Europe/Berlin", "02:30", "2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		{"weekly", "Europe/Berlin", "Sun 03:00", "2026-11-23T12:00:00+01:00", "2026-11-22T03:00:00+01:00", "2026-11-29T03:00:00+01:00"},
		{"weekly, on the day before the time", "Europe/Berlin", "sunday 03:00", "2026-11-22T02:00:00+01:00", "2026-11-15T03:00:00+01:00", "2026-11-22T03:00:00+01:00"},
		{"weekly over a change", "Europe/Berlin", "Wed 23:45", "2026-10-26T02:00:00+01:00", "2026-10-21T23:45:00+02:00", "2026-10-28T23:45:00+01:00"},
		{"weekly before the epoch", "UTC", "Sat 12:00", "1960-01-01T00:00:00Z", "1959-12-26T12:00:00Z", "1960-01-02T12:00:00Z"},
		{"midnight skipped", "America/Havana", "24h", "2026-03-08T12:00:00-04:00", "2026-03-08T01:00:00-04:00", "2026-03-09T00:00:00-04:00"},
		{"midnight doubled", "America/Havana", "24h", "2026-11-01T00:30:00-05:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"},
		{"set back across midnight", "America/St_Johns", "24h", "2010-11-06T23:30:00-03:30", "2010-11-07T00:00:00-02:30", "2010-11-08T00:00:00-03:30"},
		{"the day that never was", "Pacific/Apia", "24h", "2011-12-29T23:00:00-10:00", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := func(text string) time.Time {
				tm, err := time.Parse(time.RFC3339, text)
				if err != nil {
					t.Fatal(err)
				}
				return tm
			}
			loc := zone(t, c.zone)
			start, end := Period(spec(t, c.spec), at(c.at), loc)
			if !start.Equal(at(c.start)) || !end.Equal(at(c.end)) {
				t.Errorf("got %s to %s, want %s to %s", start.Format(time.RFC3339), end.Format(time.RFC3339), c.start, c.end)
			}
		})
	}
}

func drawSpec(t *rapid.T) Spec {
	return spec(t, rapid.SampledFrom([]string{
		"1s", "10s", "7m", "15m", "30m", "1h", "90m", "4h", "5h", "6h", "8h", "12h", "24h", "36h", "48h", "168h", "720h",
		"00:00", "00:30", "02:00", "02:30", "03:00", "23:59", "Sun 03:00", "Sun 02:30", "Sat 00:00", "Fri 23:30",
	}).Draw(t, "spec"))
}

// drawInstant likes the hours around changes of clocks.
func drawInstant(t *rapid.T, loc *time.Location) time.Time {
	at := time.Unix(rapid.Int64Range(-200_000_000, 2_000_000_000).Draw(t, "unix"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
	if _, change := at.In(loc).ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
		at = change.Add(time.Duration(rapid.Int64Range(-int64(27*time.Hour), int64(27*time.Hour)).Draw(t, "offset")))
	}
	return at
}

// TestPeriod_cutsTimeWithoutGapOrOverlap: every instant lies in its period, both its
// ends agree about that, and the next period begins where this one ends.
func TestPeriod_cutsTimeWithoutGapOrOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		s := drawSpec(t)
		at := drawInstant(t, loc)
		start, end := Period(s, at, loc)
		if at.Before(start) || !at.Before(end) {
			t.Fatalf("%s: %s is not in %s to %s", s, at.In(loc), start, end)
		}
		for _, same := range []time.Time{start, end.Add(-1), start.Add(end.Sub(start) / 3)} {
			if a, b := Period(s, same, loc); !a.Equal(start) || !b.Equal(end) {
				t.Fatalf("%s: %s is in %s to %s, but %s in %s to %s", s, at.In(loc), start, end, same.In(loc), a, b)
			}
		}
		if next, _ := Period(s, end, loc); !next.Equal(end) || !Next(s, at, loc).Equal(end) {
			t.Fatalf("%s: after %s to %s comes one from %s", s, start, end, next)
		}
		if before, to := Period(s, start.Add(-1), loc); !to.Equal(start) {
			t.Fatalf("%s: before %s comes %s to %s", s, start, before, to)
		}
	})
}

// TestNextRun_oneRunAPeriod drives a machine that is on, then asleep, then on: a
// period in which it was on long enough has exactly one run, none has two.
func TestNextRun_oneRunAPeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		s := drawSpec(t)
		j := Jitter{Seed: rapid.Uint64().Draw(t, "seed"), Key: "backup/app", Max: time.Duration(rapid.IntRange(0, 600).Draw(t, "jitter")) * time.Second}
		now := drawInstant(t, loc)
		var lastDone time.Time
		runs := map[int64]int{}
		slept := map[int64]bool{}
		first, _ := Period(s, now, loc)
		slept[first.Unix()] = false
		for range 60 {
			next := NextRun(s, lastDone, now, loc, j)
			if next.Before(now) {
				t.Fatalf("next run %s lies before now %s", next, now)
			}
			if again := NextRun(s, lastDone, now, loc, j); !again.Equal(next) {
				t.Fatalf("asked twice: %s and %s", next, again)
			}
			if rapid.IntRange(0, 9).Draw(t, "sleeps") == 0 {
				wake := now.Add(time.Duration(rapid.Int64Range(0, int64(60*day)).Draw(t, "sleep")))
				for p, end := Period(s, now, loc); !p.After(wake) && len(slept) < 2000; p, end = Period(s, end, loc) {
					slept[p.Unix()] = true
				}
				now = wake
				continue
			}
			now = next
			if !Due(s, lastDone, now, loc) {
				t.Fatalf("%s: sent to run at %s, where it is not due", s, now)
			}
			lastDone = now
			start, _ := Period(s, now, loc)
			runs[start.Unix()]++
			if runs[start.Unix()] > 1 {
				t.Fatalf("%s: two runs in the period from %s", s, start)
			}
			if Due(s, lastDone, now, loc) {
				t.Fatalf("%s: still due right after the run at %s", s, now)
			}
		}
		for p, end := Period(s, first, loc); end.Before(now) && len(slept) < 2000; p, end = Period(s, end, loc) {
			if runs[p.Unix()] == 0 && !slept[p.Unix()] {
				t.Fatalf("%s: no run in the period from %s, though the machine was on", s, p.In(loc))
			}
			if end.Sub(first) > 90*day {
				break
			}
		}
	})
}

func TestDue_whenTheClockIsSet(t *testing.T) {
	loc := zone(t, "Europe/Berlin")
	s := spec(t, "4h")
	at := func(h, m int) time.Time { return time.Date(2026, 11, 23, h, m, 0, 0, loc) }
	for _, c := range []struct {
		name          string
		lastDone, now time.Time
		want          bool
	}{
		{"never done", time.Time{}, at(9, 0), true},
		{"done in this period", at(8, 0), at(11, 59), false},
		{"done in the one before", at(7, 59), at(8, 0), true},
		{"slept for a week", at(8, 0).AddDate(0, 0, -7), at(9, 0), true},
		{"clock set back within the period", at(9, 0), at(8, 30), false},
		{"clock set back over a cut", at(12, 1), at(11, 58), false},
		{"and arrived there again", at(12, 1), at(12, 0), false},
		{"clock set back by a day", at(9, 0).AddDate(0, 0, 1), at(9, 0), true},
		{"clock set ahead by a year", at(9, 0), at(9, 0).AddDate(1, 0, 0), true},
		{"clock had been a year ahead", at(9, 0).AddDate(1, 0, 0), at(9, 0), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Due(s, c.lastDone, c.now, loc); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestNextRun_catchesUpOnceAfterSleep(t *testing.T) {
	loc := zone(t, "Europe/Berlin")
	s := spec(t, "Sun 03:00")
	done := time.Date(2026, 11, 1, 3, 0, 5, 0, loc)
	woke := time.Date(2026, 11, 23, 9, 0, 0, 0, loc) // three Sundays later
	if got := NextRun(s, done, woke, loc, Jitter{}); !got.Equal(woke) {
		t.Errorf("got %s, want at once", got)
	}
	want := time.Date(2026, 11, 29, 3, 0, 0, 0, loc)
	if got := NextRun(s, woke, woke, loc, Jitter{}); !got.Equal(want) {
		t.Errorf("after the catch-up: got %s, want %s", got, want)
	}
}

func TestJitter_isSpreadAndStable(t *testing.T) {
	start := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	j := Jitter{Seed: 7, Key: "backup/app", Max: time.Hour}
	if a, b := j.Of(start), j.Of(start.In(time.FixedZone("", 3600))); a != b {
		t.Errorf("the same instant gives %s and %s", a, b)
	}
	quarters := map[time.Duration]int{}
	for i := range 400 {
		off := j.Of(start.Add(time.Duration(i) * 4 * time.Hour))
		if off < 0 || off >= j.Max {
			t.Fatalf("got %s, want 0 to %s", off, j.Max)
		}
		quarters[off/(15*time.Minute)]++
	}
	for q := range time.Duration(4) {
		if quarters[q] < 60 {
			t.Errorf("%d of 400 lie in quarter %d, want about 100", quarters[q], q)
		}
	}
	if other := (Jitter{Seed: 7, Key: "backup/b", Max: time.Hour}); other.Of(start) == j.Of(start) {
		t.Error("two jobs start at the same moment")
	}
	if got := (Jitter{}).Of(start); got != 0 {
		t.Errorf("without Max: got %s, want 0", got)
	}
}

func TestParse(t *testing.T) {
	for _, text := range []string{"4h", "1h30m", "15m", "10s", "168h", "03:00", "23:59", "Sun 03:00", "Sat 00:05"} {
		s, err := Parse(text)
		if err != nil || s.String() != text {
			t.Errorf("%q: got %q, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "4", "0s", "-4h", "9000h", "24:00", "3", "03:60", "Sun", "Sun 4h", "Someday 03:00", "Sun 03:00 CET"} {
		if s, err := Parse(text); err == nil {
			t.Errorf("%q: got %q, want a refusal", text, s)
		}
	}
	if _, err := WeeklyAt(7, 3, 0); err == nil {
		t.Error("weekday 7: want a refusal")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("4h")
	f.Add("Sun 03:00")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(s.String()); err != nil || again != s {
			t.Fatalf("%q reads as %q, which reads as %q (%v)", text, s, again, err)
		}
		now := time.Unix(1795369539, 0)
		if start, end := Period(s, now, time.UTC); now.Before(start) || !now.Before(end) {
			t.Fatalf("%q: %s to %s", text, start, end)
		}
	})
}
