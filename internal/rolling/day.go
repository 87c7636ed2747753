package rolling

import "time"

const dateLayout = "2006-01-02"

// day is one operation on one local day. While it lasts it has the spread of its runs;
// afterwards only its summary is left.
type day struct {
	date  string
	runs  *spread // nil once the day is closed
	sumUS int64
	Summary
}

// today gives the open day for a run at now. A clock that was set back does not open a
// day again that is over: its runs count for the newest day, unless that lies so far
// ahead that the clock was wrong then.
func (o *operation) today(c calendar) *day {
	o.expire(c)
	date := c.today
	if n := len(o.days); n > 0 {
		last := &o.days[n-1]
		if last.date >= date {
			if last.runs == nil {
				last.runs = &spread{} // those before are in the summary alone
			}
			return last
		}
		last.close()
	}
	if len(o.days) >= DaysMax {
		o.days = append(o.days[:0], o.days[len(o.days)-DaysMax+1:]...)
	}
	o.days = append(o.days, day{date: date, runs: &spread{}})
	return &o.days[len(o.days)-1]
}

// expire forgets days that are too old, and those that a wrong clock put ahead.
func (o *operation) expire(c calendar) {
	kept := o.days[:0]
	for _, d := range o.days {
		if d.date >= c.oldest && d.date <= c.ahead {
			kept = append(kept, d)
		}
	}
	clear(o.days[len(kept):])
	o.days = kept
}

// calendar is what counts as today, as the oldest day kept, and as ahead of now.
type calendar struct {
	minute               int64 // of Unix time
	zone                 *time.Location
	today, oldest, ahead string
}

// calendarOf counts calendar days, at noon so that no change of clocks matters.
func calendarOf(now time.Time) calendar {
	y, m, d := now.Date()
	date := func(days int) string {
		return time.Date(y, m, d+days, 12, 0, 0, 0, time.UTC).Format(dateLayout)
	}
	return calendar{minute: minuteOf(now), zone: now.Location(), today: date(0), oldest: date(1 - DaysMax), ahead: date(1)}
}

func minuteOf(now time.Time) int64 { return now.Unix() / 60 }

// dates gives the calendar of now; in the same minute it is the same.
func (b *Book) dates(now time.Time) calendar {
	if b.calendar.minute != minuteOf(now) || b.calendar.zone != now.Location() {
		b.calendar = calendarOf(now)
	}
	return b.calendar
}

func (d *day) add(r run) {
	d.Count++
	if r.failed {
		d.Failed++
	}
	d.sumUS += r.us
	d.Max = max(d.Max, micro(r.us))
	d.Mean = micro(d.sumUS / d.Count)
	d.runs.add(r.us, 1)
}

// summary computes the percentiles of a day that lasts; they are within one percent.
func (d *day) summary() Summary {
	s := d.Summary
	if d.runs == nil || d.runs.count() == 0 {
		return s
	}
	at := func(percent int64) time.Duration { return min(micro(d.runs.at(percent)), s.Max) }
	s.P50, s.P95, s.P99 = at(50), at(95), at(99)
	return s
}

func (d *day) close() {
	d.Summary = d.summary()
	d.runs = nil
}

// summaries gives the days that are still to be shown, oldest first.
func (o *operation) summaries(c calendar) []Day {
	o.expire(c)
	out := make([]Day, 0, len(o.days))
	for i := range o.days {
		out = append(out, Day{Date: o.days[i].date, Summary: o.days[i].summary()})
	}
	return out
}
