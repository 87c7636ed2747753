package rolling_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/rolling"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

func book() *rolling.Book { return rolling.NewBook(rolling.Budgets()) }

func only(t testing.TB, b *rolling.Book, now time.Time, name string) rolling.Report {
	t.Helper()
	got := b.Reports(now, name)
	if len(got) != 1 {
		t.Fatalf("got %d reports of %s, want 1", len(got), name)
	}
	return got[0]
}

// nearest is the definition: the smallest value that at least percent of all do not exceed.
func nearest(sorted []int64, percent int) int64 {
	for i, v := range sorted {
		if (i+1)*100 >= percent*len(sorted) {
			return v
		}
	}
	return sorted[len(sorted)-1]
}

func TestWindow_percentilesAreThoseOfTheSortedLastHundred(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, 10_000_000), 1, 350).Draw(t, "values")
		b, now := book(), at("2026-11-23 10:00")
		var failed int64
		for i, us := range values {
			fails := us%7 == 0
			if fails && i >= len(values)-rolling.WindowRuns {
				failed++
			}
			b.Record(now, rolling.Sample{Name: "x", Took: time.Duration(us) * time.Microsecond, Failed: fails})
		}
		last := slices.Clone(values[max(0, len(values)-rolling.WindowRuns):])
		slices.Sort(last)
		var sum int64
		for _, v := range last {
			sum += v
		}
		w := b.Reports(now, "x")[0].Window
		got := []int64{w.Count, w.Failed, w.Mean.Microseconds(), w.P50.Microseconds(), w.P95.Microseconds(), w.P99.Microseconds(), w.Max.Microseconds()}
		want := []int64{int64(len(last)), failed, sum / int64(len(last)), nearest(last, 50), nearest(last, 95), nearest(last, 99), last[len(last)-1]}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestDay_percentilesAreWithinOnePercentOfTheSortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(1, 100_000_000), 1, 2000).Draw(t, "values")
		b, now := book(), at("2026-11-23 10:00")
		for _, us := range values {
			b.Record(now, rolling.Sample{Name: "x", Took: time.Duration(us) * time.Microsecond})
		}
		d := b.Reports(now, "x")[0].Days[0]
		slices.Sort(values)
		for _, c := range []struct {
			percent int
			got     time.Duration
		}{{50, d.P50}, {95, d.P95}, {99, d.P99}} {
			want := float64(nearest(values, c.percent))
			if off := math.Abs(float64(c.got.Microseconds()) - want); off > want/100+1 {
				t.Fatalf("p%d: got %v, want %v us within 1 %%", c.percent, c.got, want)
			}
		}
		if d.Count != int64(len(values)) || d.Max.Microseconds() != values[len(values)-1] {
			t.Fatalf("got count %d and max %v, want %d and %d us", d.Count, d.Max, len(values), values[len(values)-1])
		}
	})
}

func TestDays_areKeptForThirtyLocalDays(t *testing.T) {
	b, day := book(), at("2026-01-01 12:00")
	for i := range 100 {
		now := day.AddDate(0, 0, i)
		b.Record(now, rolling.Sample{Name: "x", Took: time.Duration(i+1) * time.Millisecond})
		got := only(t, b, now, "x").Days
		if want := min(i+1, rolling.DaysMax); len(got) != want {
			t.Fatalf("after %d days: got %d, want %d", i+1, len(got), want)
		}
		if first := now.AddDate(0, 0, 1-len(got)).Format("2006-01-02"); got[0].Date != first {
			t.Fatalf("after %d days: the oldest is %s, want %s", i+1, got[0].Date, first)
		}
	}
	later := day.AddDate(0, 0, 99+29)
	if got := only(t, b, later, "x").Days; len(got) != 1 {
		t.Errorf("29 idle days later: got %d days, want the last one", len(got))
	}
	if got := only(t, b, later.AddDate(0, 0, 1), "x").Days; len(got) != 0 {
		t.Errorf("30 idle days later: got %d days, want none", len(got))
	}
	b.Expire(later.AddDate(0, 0, 2))
	if got := b.Reports(later.AddDate(0, 0, 2), ""); len(got) != 0 {
		t.Errorf("got %d operations after they all expired, want none", len(got))
	}
}

func TestDays_ofDaylightSavingAreOneEach(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones on this machine")
	}
	for _, c := range []struct {
		name  string
		month time.Month
		day   int
		hours int64
	}{
		{"clocks forward", time.March, 29, 23},
		{"clocks back", time.October, 25, 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := book()
			from := time.Date(2026, c.month, c.day-1, 0, 0, 0, 0, zone)
			until := time.Date(2026, c.month, c.day+2, 0, 0, 0, 0, zone)
			var now time.Time
			for now = from; now.Before(until); now = now.Add(time.Hour) {
				b.Record(now, rolling.Sample{Name: "x", Took: time.Second})
			}
			days := only(t, b, now.Add(-time.Hour), "x").Days
			var counts []int64
			for _, d := range days {
				counts = append(counts, d.Count)
			}
			if want := []int64{24, c.hours, 24}; !slices.Equal(counts, want) {
				t.Errorf("got %v runs a day, want %v", counts, want)
			}
		})
	}
}

func TestDays_survivalOfClocksThatAreSet(t *testing.T) {
	b, now := book(), at("2026-05-10 00:30")
	b.Record(now.AddDate(0, 0, -3), rolling.Sample{Name: "x", Took: time.Second})
	b.Record(now, rolling.Sample{Name: "x", Took: time.Second})
	b.Record(now.Add(-time.Hour), rolling.Sample{Name: "x", Took: 3 * time.Second})
	days := only(t, b, now, "x").Days
	if len(days) != 2 || days[1].Date != "2026-05-10" || days[1].Count != 2 {
		t.Fatalf("clock an hour back: got %+v, want its run on the newest day", days)
	}
	b.Record(now.AddDate(0, 0, 20), rolling.Sample{Name: "x", Took: time.Second})
	b.Record(now.Add(time.Minute), rolling.Sample{Name: "x", Took: time.Second})
	days = only(t, b, now, "x").Days
	if got := days[len(days)-1]; got.Date != "2026-05-10" {
		t.Errorf("clock 20 days ahead and back: the newest day is %s, want 2026-05-10", got.Date)
	}
}

func TestTrend_isNewestDayAgainstTheMedianBefore(t *testing.T) {
	b, day := book(), at("2026-05-10 12:00")
	for i, ms := range []int{10, 10, 1000, 10, 10, 30} {
		b.Record(day.AddDate(0, 0, i), rolling.Sample{Name: "x", Took: time.Duration(ms) * time.Millisecond})
		r := only(t, b, day.AddDate(0, 0, i), "x")
		if i == 0 && r.Trend != 0 {
			t.Errorf("the first day has a trend of %v, want none", r.Trend)
		}
	}
	if got := only(t, b, day.AddDate(0, 0, 5), "x").Trend; math.Abs(got-3) > 0.05 {
		t.Errorf("got %v, want 3: one slow day is no base line", got)
	}
}

func TestBudget_growsWithTheSize(t *testing.T) {
	b := rolling.Budget{Limit: 5 * time.Second, PerBytes: 100_000_000}
	for size, want := range map[int64]time.Duration{
		0: 0, 1: 5 * time.Second, 100_000_000: 5 * time.Second,
		200_000_000: 10 * time.Second, 1_000_000_000: 50 * time.Second,
	} {
		if got := b.For(size); got != want {
			t.Errorf("%d bytes: got %v, want %v", size, got, want)
		}
	}
}

func TestRecord_alertsAndTrends(t *testing.T) {
	b, now := book(), at("2026-05-10 12:00")
	if v := b.Record(now, rolling.Sample{Name: "start", Took: 7 * time.Second}); !v.Over || v.Alert {
		t.Errorf("a start of 7 s: got %+v, want over its budget and no alert", v)
	}
	if v := b.Record(now, rolling.Sample{Name: "start", Took: 11 * time.Second}); !v.Alert {
		t.Errorf("a start of 11 s: got %+v, want an alert", v)
	}
	if v := b.Record(now, rolling.Sample{Name: "nothing.known", Took: time.Hour}); v.Over || v.Budget != 0 {
		t.Errorf("without a budget: got %+v", v)
	}
	if got := b.Trending(now); len(got) != 0 {
		t.Errorf("two of two: got %v, want no trend before the third", got)
	}
	b.Record(now, rolling.Sample{Name: "start", Took: 6 * time.Second})
	if got := b.Trending(now); !slices.Equal(got, []string{"start"}) {
		t.Errorf("three: got %v, want start", got)
	}
	if got := b.Trending(now.AddDate(0, 0, 8)); len(got) != 0 {
		t.Errorf("a week later: got %v, want none", got)
	}
	for range 8 {
		b.Record(now, rolling.Sample{Name: "start", Took: time.Second})
	}
	if got := b.Trending(now); len(got) != 0 {
		t.Errorf("after eight good ones: got %v, want none", got)
	}
}

func TestRecord_namesAreBounded(t *testing.T) {
	b, now := book(), at("2026-05-10 12:00")
	for i := range 1000 {
		b.Record(now, rolling.Sample{Name: fmt.Sprintf("op%d", i), Took: time.Second})
	}
	b.Record(now, rolling.Sample{Name: "NOT A NAME\n", Took: time.Second})
	got := b.Reports(now, "")
	if len(got) != rolling.OperationsMax {
		t.Errorf("got %d operations, want %d", len(got), rolling.OperationsMax)
	}
	if o := only(t, b, now, rolling.Overflow); o.Runs != 1000-rolling.OperationsMax+1+1 {
		t.Errorf("got %d runs of the rest, want %d", o.Runs, 1000-rolling.OperationsMax+2)
	}
}

func TestRecord_absurdDurationsAreCut(t *testing.T) {
	b, now := book(), at("2026-05-10 12:00")
	b.Record(now, rolling.Sample{Name: "x", Took: -time.Second})
	b.Record(now, rolling.Sample{Name: "x", Took: math.MaxInt64})
	if w := only(t, b, now, "x").Window; w.Max != 24*time.Hour || w.P50 != 0 {
		t.Errorf("got %+v, want 0 and a day", w)
	}
}

func TestShapes_theCostlyOnesStay(t *testing.T) {
	var s rolling.Shapes
	s.Record("costly", time.Hour, 1, false)
	for i := range 10 * rolling.ShapesMax {
		s.Record(fmt.Sprint("cheap ", i), time.Millisecond, 1, true)
	}
	s.Record("", time.Hour, 1, false)
	got := s.List()
	if len(got) != rolling.ShapesMax || got[0].Shape != "costly" || got[0].Total != time.Hour {
		t.Errorf("got %d shapes, the first %+v", len(got), got[0])
	}
}

func BenchmarkRecord(b *testing.B) {
	k, now := book(), at("2026-05-10 12:00")
	for b.Loop() {
		k.Record(now, rolling.Sample{Name: "query", Took: time.Millisecond})
	}
}

func TestDay_fewRunsAreExactAlsoAfterARestart(t *testing.T) {
	b, now := book(), at("2026-05-10 12:00")
	for i := range 200 {
		b.Record(now, rolling.Sample{Name: "x", Took: time.Duration(100_001+i) * time.Millisecond})
	}
	data, err := b.Marshal(0)
	if err != nil {
		t.Fatal(err)
	}
	again, err := rolling.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, book := range []*rolling.Book{b, again} {
		if d := only(t, book, now, "x").Days[0]; d.P50 != 100_100*time.Millisecond || d.P95 != 100_190*time.Millisecond {
			t.Errorf("got %v and %v, want the exact ranks", d.P50, d.P95)
		}
	}
}
