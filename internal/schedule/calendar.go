package schedule

import "time"

// DayStart gives the first instant of a local civil day; d may lie outside the
// month, as with time.Date. Where clocks skip midnight it is the instant of the change.
func DayStart(y int, m time.Month, d int, loc *time.Location) time.Time {
	return wallClock(y, m, d, 0, 0, loc)
}

// wallClock gives the first instant at which a local clock shows the given time:
// the earlier one where clocks are set back, and the instant of the change where
// the time is skipped. (time.Date promises neither.)
func wallClock(y int, m time.Month, d, hour, minute int, loc *time.Location) time.Time {
	wall := time.Date(y, m, d, hour, minute, 0, 0, time.UTC).Unix()
	const day = 24 * 60 * 60
	before, after := offset(wall-day, loc), offset(wall+day, loc)
	// The larger offset gives the earlier instant.
	for _, off := range []int64{max(before, after), min(before, after)} {
		if offset(wall-off, loc) == off {
			return time.Unix(wall-off, 0).In(loc)
		}
	}
	change, _ := time.Unix(wall-before, 0).In(loc).ZoneBounds()
	return change.In(loc)
}

// offset is the zone's offset in seconds east of UTC at a Unix time.
func offset(unix int64, loc *time.Location) int64 {
	_, off := time.Unix(unix, 0).In(loc).Zone()
	return int64(off)
}

// dayNumber counts local civil days since Sunday, 28 Dec 1969.
func dayNumber(t time.Time, loc *time.Location) int {
	y, m, d := t.In(loc).Date()
	return floorDiv(int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()), 24*60*60) + 4
}

// dayByNumber gives the first instant of a day counted by dayNumber.
func dayByNumber(n int, loc *time.Location) time.Time {
	return DayStart(1969, time.December, 28+n, loc)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
