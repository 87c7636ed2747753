// Package schedule answers "is there a run for this period yet?". Time is cut into
// calendar periods; a job is due when its last run lies before the period that
// contains now. So sleep, a missed night, DST and a clock that was set cost at most
// one run, and a period never gets two. It is pure: now is an argument.
package schedule

import "time"

// Spec says how time is cut into periods. Make one with Every, DailyAt, WeeklyAt or Parse.
type Spec struct {
	every   time.Duration // > 0: every so often
	weekly  bool
	weekday time.Weekday
	hour    int
	minute  int
}

// Every cuts time into periods of d, at least a second: aligned to local midnight
// when d divides a day, to whole local days counted from a Sunday when it is a
// multiple of a day, and to the Unix epoch otherwise.
func Every(d time.Duration) (Spec, error) { return Spec{every: d}, nil }

// DailyAt cuts at hour:minute of every local day.
func DailyAt(hour, minute int) (Spec, error) { return Spec{hour: hour, minute: minute}, nil }

// WeeklyAt cuts at hour:minute of every such local weekday.
func WeeklyAt(day time.Weekday, hour, minute int) (Spec, error) {
	return Spec{weekly: true, weekday: day, hour: hour, minute: minute}, nil
}

// Parse reads "4h", "03:00" or "Sun 03:00".
func Parse(text string) (Spec, error) { return Spec{}, nil }

// String gives the form that Parse reads.
func (s Spec) String() string { return "" }

// Period gives the period that contains t: start <= t < end.
func Period(s Spec, t time.Time, loc *time.Location) (start, end time.Time) { return t, t }

// Next gives the start of the period after the one that contains now.
func Next(s Spec, now time.Time, loc *time.Location) time.Time { return now }

// Due tells whether the period that contains now still lacks its run. lastDone is
// when the newest run was, zero = never. A lastDone in the coming period (the clock was
// set back a little) counts as done; one further ahead cannot be true and is ignored.
func Due(s Spec, lastDone, now time.Time, loc *time.Location) bool { return false }

// NextRun gives when to run next, never before now: the start of the first period
// that lacks its run plus that period's Jitter, or now when that has passed.
func NextRun(s Spec, lastDone, now time.Time, loc *time.Location, j Jitter) time.Time { return now }

// Jitter spreads runs of many jobs over the first Max of their period. The offset
// is a pure function of Seed, Key and the period's start.
type Jitter struct {
	Seed uint64
	Key  string
	Max  time.Duration
}

// Of gives the offset for the period that starts at start: 0 <= offset < Max.
func (j Jitter) Of(start time.Time) time.Duration { return 0 }
