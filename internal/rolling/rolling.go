// Package rolling keeps what operations took: the last 100 runs of each, a summary of
// each of the last 30 local days, budgets, and the trend against the base line. It is
// pure: now is an argument, and its location is the one whose days are meant.
package rolling

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// Limits of a Book: whoever reports cannot make it grow without end.
const (
	WindowRuns     = 100 // the newest runs of an operation that are looked at
	DaysMax        = 30  // local days kept, today among them
	OperationsMax  = 200 // names; what comes later is counted as Overflow
	AppNamesMax    = 100 // of them, names that an app reported
	NameBytesMax   = 64
	recentRuns     = 10 // of the window, for the trend over a budget
	trendRuns      = 3  // of them over budget: that is no accident any more
	recentWithin   = 7 * 24 * time.Hour
	durationMax    = 24 * time.Hour // what takes longer counts as that long
	microsecondMax = int64(durationMax / time.Microsecond)
)

// Overflow is the operation that takes the runs of names beyond OperationsMax.
const Overflow = "other"

// AppPrefix begins the name of every operation that an app reported.
const AppPrefix = "app."

// Sample is one finished run of an operation.
type Sample struct {
	Name      string
	Took      time.Duration
	Failed    bool
	SizeBytes int64 // what the work was about, for budgets that grow with it
}

// Summary says what a number of runs took. Percentiles are by nearest rank: the
// smallest value that at least that share of the runs does not exceed.
type Summary struct {
	Count, Failed            int64
	Mean, P50, P95, P99, Max time.Duration
}

// Day is the summary of one operation on one local day, "2026-11-23".
type Day struct {
	Date string
	Summary
}

// Report is everything known of one operation.
type Report struct {
	Name       string
	Window     Summary // of the last WindowRuns runs
	Budget     Budget  // its Limit is 0 without one
	OverBudget int     // of the newest ten runs of the past week
	Trend      float64 // p50 of the newest day ÷ median p50 of the days before; 0 = unknown
	Days       []Day   // oldest first
	// Since the Book was made or parsed, for counters that only rise.
	Runs, Failures int64
	Total          time.Duration
}

// Verdict is what a recorded run means.
type Verdict struct {
	Name   string        // under which it was counted
	Budget time.Duration // of this run; 0 = none
	Over   bool          // it took longer than its budget
	Alert  bool          // it took so long that it is an event of its own
}

// Book is what is known of all operations. It belongs to one goroutine.
type Book struct {
	budgets    map[string]Budget
	operations map[string]*operation
	calendar   calendar // of the last now
	generation int64    // as it was parsed, 0 = unknown
}

type operation struct {
	window         []run // a ring, next is where the next run goes once it is full
	next           int
	days           []day // oldest first, all closed but the last
	runs, failures int64
	total          time.Duration
}

// run is one run in a window.
type run struct {
	at     int64 // Unix seconds
	us     int64
	failed bool
	over   bool // its budget
}

// NewBook makes an empty book that knows budgets.
func NewBook(budgets []Budget) *Book {
	b := &Book{budgets: make(map[string]Budget, len(budgets)), operations: map[string]*operation{}}
	for _, budget := range budgets {
		b.budgets[budget.Operation] = budget
	}
	return b
}

// Record counts one run that ended now, on the local day of now's location.
func (b *Book) Record(now time.Time, s Sample) Verdict {
	name := s.Name
	if !ValidName(name) {
		name = Overflow
	}
	op := b.operations[name]
	if op == nil && len(b.operations) >= OperationsMax-1 {
		name = Overflow // which has the last place
		op = b.operations[name]
	}
	if op == nil {
		op = &operation{}
		b.operations[name] = op
	}
	budget := b.budgets[name]
	took := min(max(s.Took, 0), durationMax)
	v := Verdict{Name: name, Budget: budget.For(s.SizeBytes)}
	v.Over = v.Budget > 0 && took > v.Budget
	v.Alert = v.Over && took > budget.Alert
	op.add(b.dates(now), run{at: now.Unix(), us: took.Microseconds(), failed: s.Failed, over: v.Over})
	return v
}

func (o *operation) add(c calendar, r run) {
	o.runs++
	o.total += time.Duration(r.us) * time.Microsecond
	if r.failed {
		o.failures++
	}
	if len(o.window) < WindowRuns {
		o.window = append(o.window, r)
	} else {
		o.window[o.next] = r
		o.next = (o.next + 1) % WindowRuns
	}
	o.today(c).add(r)
}

// newest gives the runs of the window, the newest first.
func (o *operation) newest() []run {
	out := slices.Concat(o.window[o.next:], o.window[:o.next])
	slices.Reverse(out)
	return out
}

// overBudget counts runs over their budget among the newest ten of the past week.
func (o *operation) overBudget(now time.Time) (n int) {
	since := now.Add(-recentWithin).Unix()
	for i, r := range o.newest() {
		if i == recentRuns || r.at < since {
			break
		}
		if r.over {
			n++
		}
	}
	return n
}

// Trending names the operations that go over their budget again and again: three of
// the newest ten runs of the past week.
func (b *Book) Trending(now time.Time) []string {
	var names []string
	for name, op := range b.operations {
		if op.overBudget(now) >= trendRuns {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Expire forgets days that are no longer among the last DaysMax, and operations of
// which nothing else is left.
func (b *Book) Expire(now time.Time) {
	for name, op := range b.operations {
		op.expire(b.dates(now))
		since := now.AddDate(0, 0, -DaysMax).Unix()
		if len(op.days) == 0 && !slices.ContainsFunc(op.window, func(r run) bool { return r.at >= since }) {
			delete(b.operations, name)
		}
	}
}

// Reports gives what is known, by name. Only the operation called only, when that is
// not empty.
func (b *Book) Reports(now time.Time, only string) []Report {
	var out []Report
	for name, op := range b.operations {
		if only != "" && name != only {
			continue
		}
		r := Report{
			Name: name, Window: summaryOf(op.window), Budget: b.budgets[name], OverBudget: op.overBudget(now),
			Days: op.summaries(b.dates(now)), Runs: op.runs, Failures: op.failures, Total: op.total,
		}
		r.Trend = trend(r.Days)
		out = append(out, r)
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Name < out[b].Name })
	return out
}

// Knows tells whether an operation has a place.
func (b *Book) Knows(name string) bool { return b.operations[name] != nil }

// AppNames counts the operations that an app reported.
func (b *Book) AppNames() (n int) {
	for name := range b.operations {
		if strings.HasPrefix(name, AppPrefix) {
			n++
		}
	}
	return n
}

// ValidName tells whether a name can be one of an operation: a lower-case letter, then
// letters, digits, dots, dashes and underscores.
func ValidName(name string) bool {
	if name == "" || len(name) > NameBytesMax || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// summaryOf computes the summary of the runs of a window.
func summaryOf(runs []run) Summary {
	if len(runs) == 0 {
		return Summary{}
	}
	us := make([]int64, len(runs))
	var s Summary
	var sum int64
	for i, r := range runs {
		us[i] = r.us
		sum += r.us
		if r.failed {
			s.Failed++
		}
	}
	slices.Sort(us)
	rank := func(percent int) time.Duration {
		return micro(us[(len(us)*percent+99)/100-1])
	}
	s.Count = int64(len(us))
	s.Mean = micro(sum / s.Count)
	s.P50, s.P95, s.P99, s.Max = rank(50), rank(95), rank(99), micro(us[len(us)-1])
	return s
}

func micro(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// trend compares the newest day with the days before it.
func trend(days []Day) float64 {
	if len(days) < 2 {
		return 0
	}
	before := make([]time.Duration, 0, len(days)-1)
	for _, d := range days[:len(days)-1] {
		before = append(before, d.P50)
	}
	slices.Sort(before)
	n := len(before)
	median := float64(before[n/2]+before[(n-1)/2]) / 2
	if median == 0 {
		return 0
	}
	return float64(days[len(days)-1].P50) / median
}
