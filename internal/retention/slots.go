package retention

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/officer-doofy/officer/internal/schedule"
)

// item is a counted backup with its place in the calendar. The numbers only need
// to be equal within a period and to rise with time.
type item struct {
	id    string
	at    time.Time
	day   int // local civil day since 1 Jan 1970
	week  int // Sunday to Saturday
	month int
	year  int
}

// place puts a backup into the calendar of loc.
func place(id string, at time.Time, loc *time.Location) item {
	y, m, d := at.In(loc).Date()
	day := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
	// 1 Jan 1970 was a Thursday, so week 0 began four days before it.
	return item{id: id, at: at, day: day, week: floorDiv(day+4, 7), month: y*12 + int(m) - 1, year: y}
}

func floorDiv(a, b int) int {
	if a < 0 {
		return (a - b + 1) / b
	}
	return a / b
}

// newestFirst sorts by time and, within one second, by id.
func newestFirst(a, b item) int {
	if c := b.at.Compare(a.at); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(len(b.id), len(a.id)), cmp.Compare(b.id, a.id))
}

// slots gives each item the tier whose slot it holds, "" for none. Items must be
// sorted newest first. The order of giving matters: the short tiers first, so that
// a backup moves only towards longer ones in the course of its life.
func slots(items []item, p Policy) []Tier {
	tiers := make([]Tier, len(items))
	for i := range min(p.Recent, len(items)) {
		tiers[i] = Recent
	}
	give := func(t Tier, free int, heads func(i int) bool) {
		for i := 0; i < len(items) && free > 0; i++ {
			if tiers[i] == "" && heads(i) {
				tiers[i] = t
				free--
			}
		}
	}
	give(Daily, p.Daily, func(i int) bool { return i == 0 || items[i].day != items[i-1].day })
	give(Weekly, p.Weekly, firstOf(items, func(it item) int { return it.week }))
	give(Monthly, p.Monthly, firstOf(items, func(it item) int { return it.month }))
	give(Yearly, p.Yearly, firstOf(items, func(it item) int { return it.year }))
	return tiers
}

// firstOf tells whether an item is the first (so the last in this order) of its period.
func firstOf(items []item, period func(item) int) func(i int) bool {
	return func(i int) bool {
		return i == len(items)-1 || period(items[i]) != period(items[i+1])
	}
}

// guardedNewest is how many of the newest are kept even without a slot.
const guardedNewest = 2

// survivors gives each item its tier like slots, and Recent to those of the two
// newest that have none, as long as there is room.
func survivors(items []item, p Policy) []Tier {
	tiers := slots(items, p)
	room := max(p.Total(), guardedNewest)
	for _, t := range tiers {
		if t != "" {
			room--
		}
	}
	for i := 0; i < min(guardedNewest, len(items)) && room > 0; i++ {
		if tiers[i] == "" {
			tiers[i] = Recent
			room--
		}
	}
	return tiers
}

// future is what one further backup, taken at at, would do.
type future struct {
	at   time.Time
	lost map[string]bool // ids that it would cost their place
}

// futures tries one further backup of each kind that can make a difference: of the
// newest one's day first, then the first of later days, weeks, months and years, in
// order of time. Nothing between two of these instants makes another difference.
func futures(items []item, p Policy, loc *time.Location) []future {
	if len(items) == 0 {
		return nil
	}
	newest := items[0].at
	y, m, d := newest.In(loc).Date()
	midnight := func(y int, m time.Month, d int) time.Time { return schedule.DayStart(y, m, d, loc) }
	sunday := d + 7 - int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday())
	instants := []time.Time{
		midnight(y, m, d+1), midnight(y, m, sunday), midnight(y, m+1, 1), midnight(y+1, 1, 1),
	}
	sort.Slice(instants, func(a, b int) bool { return instants[a].Before(instants[b]) })
	out := []future{tryOne(items, p, place("", newest.Add(1), loc))}
	for _, at := range slices.CompactFunc(instants, time.Time.Equal) {
		out = append(out, tryOne(items, p, place("", at, loc)))
	}
	return out
}

func tryOne(items []item, p Policy, one item) future {
	with := append([]item{one}, items...)
	f := future{at: one.at, lost: map[string]bool{}}
	for i, t := range survivors(with, p) {
		if t == "" && i > 0 {
			f.lost[with[i].id] = true
		}
	}
	return f
}

// fate is when a backup would go, and the tier it would hold until then.
type fate struct {
	at   time.Time
	tier Tier
}

// forecast gives the fate of every item if one more backup were verified at noon of
// every day from the day after the newest on; none = later than forecastDaysMax.
func forecast(items []item, p Policy, loc *time.Location) map[string]fate {
	fates := make(map[string]fate, len(items))
	if len(items) == 0 {
		return fates
	}
	tiers := survivors(items, p)
	for i, it := range items {
		fates[it.id] = fate{tier: tiers[i]}
	}
	y, m, d := items[0].at.In(loc).Date()
	// A backup outlives its yearly slots by at most the months that come before them.
	days := min(366*(p.Yearly+p.Monthly/12+3), forecastDaysMax)
	live, left := slices.Clone(items), len(items)
	for n := 1; n <= days && left > 0; n++ {
		at := time.Date(y, m, d+n, 12, 0, 0, 0, loc)
		live = slices.Insert(live, 0, place("", at, loc))
		kept := live[:0]
		for i, t := range survivors(live, p) {
			f, ours := fates[live[i].id]
			switch {
			case t == "" && ours:
				f.at, left = at, left-1
			case t != "":
				f.tier = t
				kept = append(kept, live[i])
			}
			if ours {
				fates[live[i].id] = f
			}
		}
		live = kept
	}
	return fates
}

// forecastDaysMax bounds the work of one forecast; what lies beyond is "not known".
const forecastDaysMax = 10 * 366
