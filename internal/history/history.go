// Package history keeps how quantities went over time, for the plots of the page. A day is
// kept in steps of five minutes, a month in hours, two years in days; what is older goes.
// It is pure: now is an argument.
package history

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"
)

// Names of the series; those of tables begin with RowsPrefix.
const (
	DatabaseBytes = "database_bytes"
	WALBytes      = "wal_bytes"
	FreeBytes     = "free_bytes"
	RowsPrefix    = "rows:"
)

// Limits of a History. A series has at most a day of five minutes, a month of hours and two
// years of days (1,738 points, and one more at each change of step), and what a clock in
// doubt adds; a History is below 2 MB in memory.
const (
	TablesMax    = 50 // the biggest ones
	SeriesMax    = TablesMax + 3
	PointsMax    = 2100 // of one series
	NameBytesMax = 256  // a table with a longer name has no series
	ValueMax     = int64(1) << 53
)

// What is kept of each age.
const (
	fine, fineFor     = 5 * 60, 24 * 60 * 60 // seconds
	medium, mediumFor = 60 * 60, 30 * 24 * 60 * 60
	coarse, coarseFor = 24 * 60 * 60, 2 * 365 * 24 * 60 * 60
)

// A clock that jumps has to go on for a while before it is believed, in seconds.
const (
	jump     = 24 * 60 * 60
	doubtFor = 24 * 60 * 60
	leapMax  = 30 * 24 * 60 * 60 // within a doubt: more is another jump
)

// Point is one sample: Unix seconds, and bytes or rows.
type Point struct{ At, Value int64 }

// Series is one quantity, oldest point first.
type Series struct {
	Name   string
	Points []Point
}

// Sample is the value of one series now.
type Sample struct {
	Name  string
	Value int64
}

// Table is a table and how many rows it has.
type Table struct {
	Name string
	Rows int64
}

// History is what is known of all series. It belongs to one goroutine.
type History struct {
	series map[string][]Point
	newest int64 // time of the newest sample
	doubt  doubt

	generation int64 // as it was parsed, 0 = unknown
}

// doubt is about a clock that jumped by more than a day: the machine was off, or the clock
// is wrong now, or it was. All are Unix seconds; since is 0 without a doubt.
type doubt struct {
	since  int64 // its first time after the jump
	last   int64 // its newest one
	before int64 // the newest point at the jump
}

func (d doubt) ahead() bool { return d.since > d.before }

// New makes an empty history.
func New() *History { return &History{series: map[string][]Point{}} }

// Record takes samples of now. It tells whether the history changed: samples of a clock
// that went back by more than a day are left out until it has gone on for a day, since it
// may be the clock that is wrong and not what is known.
func (h *History) Record(now time.Time, samples ...Sample) bool {
	at := now.Unix()
	if at <= 0 || !h.believe(at) {
		return false
	}
	changed := false
	for _, s := range samples {
		points, known := h.series[s.Name]
		if !validName(s.Name) || s.Value < 0 || s.Value > ValueMax || !known && !h.makeRoom(s.Name) {
			continue
		}
		when := at
		if n := len(points); n > 0 {
			when = max(when, points[n-1].At) // a clock that was set back a little
		}
		h.series[s.Name] = thinned(append(points, Point{when, s.Value}), h.present(at), choiceOf(s.Name))
		h.newest = max(h.newest, when)
		changed = true
	}
	for name := range h.series { // of tables that are no more
		if stepAt(h.present(at)-h.lastOf(name)) == 0 {
			delete(h.series, name)
		}
	}
	return changed
}

// RowsOf are samples of how many rows tables have: of the biggest ones.
func RowsOf(tables []Table) []Sample {
	tables = slices.DeleteFunc(slices.Clone(tables), func(t Table) bool { return !validName(RowsPrefix + t.Name) })
	sort.Slice(tables, func(i, k int) bool {
		a, b := tables[i], tables[k]
		return a.Rows > b.Rows || a.Rows == b.Rows && a.Name < b.Name
	})
	tables = tables[:min(len(tables), TablesMax)]
	samples := make([]Sample, len(tables))
	for i, t := range tables {
		samples[i] = Sample{RowsPrefix + t.Name, t.Rows}
	}
	return samples
}

// Since gives the series with what is not older than from: sizes first, then tables, by name.
func (h *History) Since(from time.Time) []Series {
	var out []Series
	for name, points := range h.series {
		i, _ := slices.BinarySearchFunc(points, from.Unix(), func(p Point, at int64) int { return cmp.Compare(p.At, at) })
		if i < len(points) {
			out = append(out, Series{name, slices.Clone(points[i:])})
		}
	}
	sort.Slice(out, func(i, k int) bool {
		a, b := out[i].Name, out[k].Name
		return rank(a) < rank(b) || rank(a) == rank(b) && a < b
	})
	return out
}

func rank(name string) int {
	if strings.HasPrefix(name, RowsPrefix) {
		return 1
	}
	return 0
}

// believe tells whether a time can be one of a sample, and keeps book of the doubt: a clock
// that jumped ahead is believed for the sample, not for the age of what was before; one that
// went back is not believed at all until it has gone on for a day.
func (h *History) believe(at int64) bool {
	d := &h.doubt
	switch {
	case d.since == 0:
	case at < d.since && d.ahead():
		h.forget(d.before) // it was ahead for a while only
		h.doubt = doubt{}
	case at < d.since || at-d.last > leapMax:
		d.since = at // another jump: it begins anew
	case at-d.since >= doubtFor:
		if !d.ahead() {
			h.forget(at) // it was ahead before
		}
		h.doubt = doubt{}
	}
	switch {
	case h.newest == 0:
		h.doubt = doubt{}
		return true
	case d.since != 0 && d.ahead():
	case at > h.newest+jump:
		h.doubt = doubt{since: at, before: h.newest}
	case at < h.newest-jump && d.since == 0:
		h.doubt = doubt{since: at, before: h.newest}
	case at >= h.newest-jump:
		h.doubt = doubt{}
		return true
	}
	d.last = at
	return d.ahead()
}

// forget drops what is later than a time.
func (h *History) forget(at int64) {
	h.newest = 0
	for name, points := range h.series {
		i, _ := slices.BinarySearchFunc(points, at+1, func(p Point, at int64) int { return cmp.Compare(p.At, at) })
		if i == 0 {
			delete(h.series, name)
			continue
		}
		h.series[name] = points[:i]
		h.newest = max(h.newest, points[i-1].At)
	}
}

// present is the time that ages are counted from: while the clock is in doubt, that of
// before, so that nothing goes for a clock that is wrong.
func (h *History) present(at int64) int64 {
	if h.doubt.ahead() {
		return h.doubt.before
	}
	return at
}

// makeRoom tells whether there is a place for a new series. A table's may take that of the
// table which was seen last the longest time ago.
func (h *History) makeRoom(name string) bool {
	if !strings.HasPrefix(name, RowsPrefix) {
		return name == DatabaseBytes || name == WALBytes || name == FreeBytes
	}
	tables, stalest := 0, ""
	for other, points := range h.series {
		if !strings.HasPrefix(other, RowsPrefix) {
			continue
		}
		tables++
		last := points[len(points)-1].At
		if stalest == "" || last < h.lastOf(stalest) || last == h.lastOf(stalest) && other < stalest {
			stalest = other
		}
	}
	if tables >= TablesMax {
		delete(h.series, stalest)
	}
	return true
}

func (h *History) lastOf(name string) int64 {
	points := h.series[name]
	return points[len(points)-1].At
}

func validName(name string) bool { return name != "" && len(name) <= NameBytesMax }

// choice is which of several samples of one step is kept.
type choice int

const (
	latest  choice = iota
	highest        // of the WAL: how large it became
	lowest         // of free space: how little there was
)

func choiceOf(name string) choice {
	switch name {
	case WALBytes:
		return highest
	case FreeBytes:
		return lowest
	}
	return latest
}

func (c choice) of(a, b Point) Point {
	if c == highest && a.Value > b.Value || c == lowest && a.Value < b.Value {
		return a
	}
	return b
}

// stepAt is the step that a sample of an age is kept in; 0 = it is too old.
func stepAt(age int64) int64 {
	switch {
	case age < fineFor:
		return fine
	case age < mediumFor:
		return medium
	case age < coarseFor:
		return coarse
	}
	return 0
}

// thinned keeps one point of each step of points in order, in place.
func thinned(points []Point, present int64, which choice) []Point {
	kept := points[:0]
	lastStep, lastPlace := int64(-1), int64(-1)
	for _, p := range points {
		step := stepAt(present - p.At)
		if step == 0 {
			continue
		}
		place := p.At / step
		if step == lastStep && place == lastPlace {
			kept[len(kept)-1] = which.of(kept[len(kept)-1], p)
			continue
		}
		kept = append(kept, p)
		lastStep, lastPlace = step, place
	}
	if over := len(kept) - PointsMax; over > 0 {
		kept = append(kept[:0], kept[over:]...)
	}
	return kept
}
