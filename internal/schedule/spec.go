package schedule

import (
	"fmt"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
)

const (
	day      = 24 * time.Hour
	everyMin = time.Second
	everyMax = 366 * day
)

// Spec says how time is cut into periods. Make one with Every, DailyAt, WeeklyAt or
// Parse; the zero Spec is DailyAt(0, 0).
type Spec struct {
	every   time.Duration // > 0: every so often; else at hour:minute
	weekly  bool
	weekday time.Weekday
	hour    int
	minute  int
}

// Every cuts time into periods of d, a second to 366 days: aligned to local midnight
// when d divides a day (on days on which clocks change the last period is shorter
// or longer), to whole local days counted from a Sunday when it is a multiple of a
// day, and to the Unix epoch otherwise. Other lengths give a fault.Invalid.
func Every(d time.Duration) (Spec, error) {
	if d < everyMin || d > everyMax {
		return Spec{}, fault.New(fault.Invalid, "read schedule", "every %s: it must be %s to %s", d, everyMin, everyMax)
	}
	return Spec{every: d}, nil
}

// DailyAt cuts at hour:minute of every local day. On a day on which clocks skip that
// time it is the instant of the change, and the first of the two where it comes twice.
func DailyAt(hour, minute int) (Spec, error) {
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return Spec{}, fault.New(fault.Invalid, "read schedule", "%02d:%02d is not a time of day", hour, minute)
	}
	return Spec{hour: hour, minute: minute}, nil
}

// WeeklyAt cuts at hour:minute of every such local weekday.
func WeeklyAt(weekday time.Weekday, hour, minute int) (Spec, error) {
	if weekday < time.Sunday || weekday > time.Saturday {
		return Spec{}, fault.New(fault.Invalid, "read schedule", "weekday %d does not exist", weekday)
	}
	s, err := DailyAt(hour, minute)
	s.weekly, s.weekday = err == nil, weekday
	return s, err
}

// Parse reads "4h", "03:00" or "Sun 03:00" (English weekday, three letters or all).
func Parse(text string) (Spec, error) {
	fields := strings.Fields(text)
	switch len(fields) {
	case 1:
		if d, err := time.ParseDuration(fields[0]); err == nil {
			return Every(d)
		}
		if h, m, ok := timeOfDay(fields[0]); ok {
			return DailyAt(h, m)
		}
	case 2:
		weekday, isDay := weekdayNamed(fields[0])
		if h, m, ok := timeOfDay(fields[1]); ok && isDay {
			return WeeklyAt(weekday, h, m)
		}
	}
	return Spec{}, fault.New(fault.Invalid, "read schedule", `%q is not a schedule; write "4h", "03:00" or "Sun 03:00"`, text)
}

func timeOfDay(text string) (hour, minute int, ok bool) {
	t, err := time.Parse("15:04", text)
	return t.Hour(), t.Minute(), err == nil
}

func weekdayNamed(text string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(text, d.String()) || strings.EqualFold(text, d.String()[:3]) {
			return d, true
		}
	}
	return 0, false
}

// String gives the form that Parse reads.
func (s Spec) String() string {
	switch {
	case s.every > 0:
		text := s.every.String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		return text
	case s.weekly:
		return fmt.Sprintf("%s %02d:%02d", s.weekday.String()[:3], s.hour, s.minute)
	}
	return fmt.Sprintf("%02d:%02d", s.hour, s.minute)
}
