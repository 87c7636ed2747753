// Package schedule answers "is there a run for this period yet?". Time is cut into
// calendar periods; a job is due when its last run lies before the period that
// contains now. So sleep, a missed night, DST and a clock that was set cost at most
// one run, and a period never gets two. It is pure: now is an argument.
package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Period gives the period that contains t: start <= t < end. Every instant lies
// in exactly one period; end is the start of the next. A nil loc is UTC.
func Period(s Spec, t time.Time, loc *time.Location) (start, end time.Time) {
	if loc == nil {
		loc = time.UTC
	}
	t = t.Round(0) // periods are about the wall clock
	switch {
	case s.every <= 0:
		return s.atTime(t, loc)
	case s.every%day == 0:
		return wholeDays(int(s.every/day), t, loc)
	case day%s.every == 0:
		return withinDay(s.every, t, loc)
	}
	return sinceEpoch(s.every, t, loc)
}

// atTime gives the period between two times of day.
func (s Spec) atTime(t time.Time, loc *time.Location) (start, end time.Time) {
	step, first := 1, 0
	if s.weekly {
		step, first = 7, int(s.weekday) // day 0 was a Sunday
	}
	n := floorDiv(dayNumber(t, loc)-first, step)*step + first
	cut := func(n int) time.Time {
		return wallClock(1969, time.December, 28+n, s.hour, s.minute, loc)
	}
	// A time that was skipped is cut at the change, which may lie on the next day.
	for n += step; cut(n).After(t); n -= step {
	}
	start = cut(n)
	for end = start; !end.After(start); n += step {
		end = cut(n + step)
	}
	return start, end
}

// wholeDays gives the period of n local days.
func wholeDays(n int, t time.Time, loc *time.Location) (start, end time.Time) {
	first := floorDiv(dayNumber(t, loc), n) * n
	start, end = dayByNumber(first, loc), dayByNumber(first+n, loc)
	// Clocks set back across midnight show the evening before once more.
	if !t.Before(end) {
		start, end = end, dayByNumber(first+2*n, loc)
	}
	return start, end
}

// withinDay cuts a local day into pieces of d. They are counted in elapsed time, so
// that no period is skipped or doubled when clocks change; what is left at the end of
// the day is a period of its own if it has at least half the length.
func withinDay(d time.Duration, t time.Time, loc *time.Location) (start, end time.Time) {
	dayStart, dayEnd := wholeDays(1, t, loc)
	start = dayStart.Add(t.Sub(dayStart) / d * d)
	if start.After(dayStart) && dayEnd.Sub(start) < d/2 {
		start = start.Add(-d)
	}
	end = start.Add(d)
	if dayEnd.Sub(end) < d/2 {
		end = dayEnd
	}
	return start, end
}

// sinceEpoch cuts time into pieces of d from 1 Jan 1970 UTC on.
func sinceEpoch(d time.Duration, t time.Time, loc *time.Location) (start, end time.Time) {
	epoch := time.Unix(0, 0).In(loc)
	n := t.Sub(epoch) / d
	if t.Before(epoch.Add(n * d)) {
		n--
	}
	return epoch.Add(n * d), epoch.Add((n + 1) * d)
}

// Next gives the start of the period after the one that contains now.
func Next(s Spec, now time.Time, loc *time.Location) time.Time {
	_, end := Period(s, now, loc)
	return end
}

// Due tells whether the period that contains now still lacks its run. lastDone is
// when the newest run was, zero = never. A lastDone in the coming period (the clock
// was set back a little) counts for this one and for that one; one further ahead
// cannot be true and is ignored.
func Due(s Spec, lastDone, now time.Time, loc *time.Location) bool {
	if lastDone.IsZero() {
		return true
	}
	start, end := Period(s, now, loc)
	_, coming := Period(s, end, loc)
	return lastDone.Before(start) || !lastDone.Before(coming)
}

// NextRun gives when to run next, never before now: in this period if it still lacks
// its run, else in the next one; at its start plus its Jitter, or now if that has passed.
func NextRun(s Spec, lastDone, now time.Time, loc *time.Location, j Jitter) time.Time {
	start, end := Period(s, now, loc)
	if !Due(s, lastDone, now, loc) {
		for start = end; !Due(s, lastDone, start, loc); start = Next(s, start, loc) {
		}
		_, end = Period(s, start, loc)
	}
	at := start.Add(min(j.Of(start), end.Sub(start)/2))
	if at.Before(now) {
		return now
	}
	return at
}

// Jitter spreads the runs of many jobs over the first Max of their periods (NextRun
// takes at most half of one). The offset is a pure function of Seed, Key and the
// period's start, so a restart does not move it.
type Jitter struct {
	Seed uint64
	Key  string // of the job and its database
	Max  time.Duration
}

// Of gives the offset for the period that starts at start: 0 <= offset < Max, or 0.
func (j Jitter) Of(start time.Time) time.Duration {
	if j.Max <= 0 {
		return 0
	}
	var b []byte
	b = binary.BigEndian.AppendUint64(b, j.Seed)
	b = binary.BigEndian.AppendUint64(b, uint64(start.Unix()))
	sum := sha256.Sum256(append(b, j.Key...))
	return time.Duration(binary.BigEndian.Uint64(sum[:8]) % uint64(j.Max))
}
