package history_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/history"
)

var start = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// size records one value of the database's size.
func size(h *history.History, at time.Time, value int64) bool {
	return h.Record(at, history.Sample{Name: history.DatabaseBytes, Value: value})
}

// points gives one series.
func points(h *history.History, name string) []history.Point {
	for _, s := range h.Since(time.Time{}) {
		if s.Name == name {
			return s.Points
		}
	}
	return nil
}

// ages counts the points younger than a day, a month and two years.
func ages(list []history.Point, now time.Time) (counts [3]int) {
	for _, p := range list {
		switch age := now.Sub(time.Unix(p.At, 0)); {
		case age < day:
			counts[0]++
		case age < 30*day:
			counts[1]++
		default:
			counts[2]++
		}
	}
	return counts
}

func TestRecord_isThinnedWithAge(t *testing.T) {
	h, now := history.New(), start
	for now.Before(start.Add(1000 * day)) {
		size(h, now, int64(now.Sub(start)/time.Minute))
		now = now.Add(10 * time.Minute)
	}
	list := points(h, history.DatabaseBytes)
	got := ages(list, now)
	// A step that spans the border of two ages may be in both.
	for i, want := range [3]int{144, 29 * 24, 700} {
		if got[i] < want-1 || got[i] > want+1 {
			t.Errorf("age %d: got %d points, want %d", i, got[i], want)
		}
	}
	if oldest := now.Sub(time.Unix(list[0].At, 0)); oldest > 731*day {
		t.Errorf("the oldest point is %s old, want two years", oldest)
	}
	for _, p := range list {
		if p.Value != (p.At-start.Unix())/60 {
			t.Fatalf("the point of %d has the value of another time", p.At)
		}
	}
}

func TestRecord_keepsWhatMattersOfAStep(t *testing.T) {
	h := history.New()
	for i, v := range []int64{5, 9, 2, 7} {
		h.Record(start.Add(time.Duration(i)*time.Minute), history.Sample{Name: history.DatabaseBytes, Value: v},
			history.Sample{Name: history.WALBytes, Value: v}, history.Sample{Name: history.FreeBytes, Value: v})
	}
	for name, want := range map[string]history.Point{
		history.DatabaseBytes: {At: start.Unix() + 180, Value: 7},
		history.WALBytes:      {At: start.Unix() + 60, Value: 9},
		history.FreeBytes:     {At: start.Unix() + 120, Value: 2},
	} {
		if got := points(h, name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestRecord_refusesWhatIsNoSample(t *testing.T) {
	h := history.New()
	for _, s := range []history.Sample{
		{Name: "", Value: 1}, {Name: "other", Value: 1}, {Name: history.WALBytes, Value: -1},
		{Name: history.WALBytes, Value: history.ValueMax + 1}, {Name: history.RowsPrefix + strings.Repeat("x", 300), Value: 1},
	} {
		if h.Record(start, s) {
			t.Errorf("%v was taken", s)
		}
	}
	if h.Record(time.Time{}, history.Sample{Name: history.WALBytes, Value: 1}) {
		t.Error("a sample of the year 1 was taken")
	}
	if got := h.Since(time.Time{}); len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

func TestRecordRows_biggestFiftyTables(t *testing.T) {
	h := history.New()
	var tables []history.Table
	for i := range 80 {
		tables = append(tables, history.Table{Name: fmt.Sprintf("t%02d", i), Rows: int64(i)})
	}
	h.Record(start, history.RowsOf(tables)...)
	got := h.Since(time.Time{})
	if len(got) != 50 || got[0].Name != "rows:t30" || got[49].Name != "rows:t79" {
		t.Fatalf("got %d series, %s to %s; want the 50 biggest", len(got), got[0].Name, got[len(got)-1].Name)
	}
	// One that grows into them takes the place of the one that was left behind.
	tables[0].Rows = 1000
	h.Record(start.Add(4*time.Hour), history.RowsOf(tables)...)
	if got := points(h, "rows:t00"); len(got) != 1 {
		t.Errorf("a table that grew: got %v, want one point", got)
	}
	if got := points(h, "rows:t30"); got != nil {
		t.Errorf("the one it left behind is still there: %v", got)
	}
	if n := len(h.Since(time.Time{})); n != 50 {
		t.Errorf("got %d series, want 50", n)
	}
}

func TestRecord_aTableThatIsNoMoreGoesAfterTwoYears(t *testing.T) {
	h := history.New()
	h.Record(start, history.RowsOf([]history.Table{{Name: "old", Rows: 3}})...)
	for now := start; now.Before(start.Add(735 * day)); now = now.Add(day) {
		size(h, now, 1)
		if now.Before(start.Add(700*day)) && points(h, "rows:old") == nil {
			t.Fatalf("gone after %s", now.Sub(start))
		}
	}
	if points(h, "rows:old") != nil {
		t.Error("still there after two years")
	}
}

// hours records a sample an hour, from a time on.
func hours(h *history.History, from time.Time, n int) time.Time {
	for range n {
		size(h, from, 1)
		from = from.Add(time.Hour)
	}
	return from
}

func TestRecord_aWrongClockForHoursChangesNothing(t *testing.T) {
	for name, wrong := range map[string]time.Time{
		"far ahead": start.AddDate(70, 0, 0), "far back": time.Date(1970, 1, 1, 0, 10, 0, 0, time.UTC), "a week back": start.Add(-7 * day).Add(100 * day),
	} {
		t.Run(name, func(t *testing.T) {
			h := history.New()
			now := hours(h, start, 100*24)
			before := points(h, history.DatabaseBytes)
			hours(h, wrong, 20)
			hours(h, now, 1)
			got := points(h, history.DatabaseBytes)
			if n := len(got); n < len(before) || n > len(before)+1 || got[n-1].At != now.Unix() || got[0] != before[0] {
				t.Errorf("got %d points to %d, want the %d of before and that of now", n, got[n-1].At, len(before))
			}
		})
	}
}

func TestRecord_aClockThatGoesOnForADayIsBelieved(t *testing.T) {
	t.Run("back", func(t *testing.T) { // it had been ahead for weeks
		h := history.New()
		hours(h, start, 100*24)
		hours(h, start.Add(10*day), 26)
		got := points(h, history.DatabaseBytes)
		if last := got[len(got)-1].At; last != start.Add(10*day+25*time.Hour).Unix() {
			t.Errorf("the newest point is of %s, want now", time.Unix(last, 0).UTC())
		}
	})
	t.Run("ahead", func(t *testing.T) { // the machine was off for two months
		h := history.New()
		hours(h, start, 24*24)
		now := hours(h, start.Add(90*day), 30)
		got := ages(points(h, history.DatabaseBytes), now)
		if got[0] < 23 || got[2] < 24 || got[2] > 26 {
			t.Errorf("got %v points by age, want the day in hours and what is old in days", got)
		}
	})
}

func TestRecord_aClockSetBackALittleLosesNothing(t *testing.T) {
	h := history.New()
	now := hours(h, start, 10)
	size(h, now.Add(-3*time.Hour), 7)
	got := points(h, history.DatabaseBytes)
	if n := len(got); n != 10 || got[n-1].Value != 7 {
		t.Errorf("got %v, want the newest point to have the newest value", got)
	}
}

func TestSince_leavesOutWhatIsOlder(t *testing.T) {
	h := history.New()
	now := hours(h, start, 48)
	h.Record(start, history.RowsOf([]history.Table{{Name: "b", Rows: 1}})...)
	list := h.Since(now.Add(-10 * time.Hour))
	if len(list) != 1 || len(list[0].Points) != 10 {
		t.Fatalf("got %v, want ten points of one series", list)
	}
	list[0].Points[0].Value = 99
	if got := h.Since(now.Add(-10 * time.Hour))[0].Points[0].Value; got != 1 {
		t.Error("what was given out is not a copy")
	}
}

// TestHistory_staysWithinItsBounds jumps about with the clock, and expects order, bounds,
// and that what is written is read as the same.
func TestHistory_staysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, now := history.New(), start
		for range rapid.IntRange(1, 40).Draw(t, "stretches") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int64{0, 1, 25, 200, 9000, -1, -30, -9000}).Draw(t, "jump")) * time.Hour)
			step := time.Duration(rapid.Int64Range(1, int64(30*time.Hour)).Draw(t, "step"))
			for range rapid.IntRange(0, 200).Draw(t, "samples") {
				now = now.Add(step)
				size(h, now, rapid.Int64Range(0, history.ValueMax).Draw(t, "value"))
			}
			h.Record(now, history.RowsOf([]history.Table{{Name: rapid.StringN(1, 3, 10).Draw(t, "table"), Rows: 5}})...)
		}
		list := h.Since(time.Time{})
		if len(list) > history.SeriesMax {
			t.Fatalf("%d series", len(list))
		}
		for _, s := range list {
			if len(s.Points) == 0 || len(s.Points) > history.PointsMax {
				t.Fatalf("%s has %d points", s.Name, len(s.Points))
			}
			for i, p := range s.Points[1:] {
				if p.At < s.Points[i].At {
					t.Fatalf("%s: %d after %d", s.Name, p.At, s.Points[i].At)
				}
			}
		}
		data, err := h.Marshal(0)
		if err != nil {
			t.Fatal(err)
		}
		again, err := history.Parse(data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if got := again.Since(time.Time{}); !reflect.DeepEqual(got, list) {
			t.Fatalf("got %v, want %v", got, list)
		}
	})
}

// TestHistory_fullOneStaysSmall fills every place for two years and ten days, with a clock
// in doubt at the end, which is the most that can be.
func TestHistory_fullOneStaysSmall(t *testing.T) {
	h, now := history.New(), start
	samples := []history.Sample{{Name: history.DatabaseBytes, Value: 1 << 50}, {Name: history.WALBytes, Value: 1 << 50}, {Name: history.FreeBytes, Value: 1 << 50}}
	for i := range history.TablesMax {
		samples = append(samples, history.Sample{Name: fmt.Sprintf("%stable%d", history.RowsPrefix, i), Value: 1 << 50})
	}
	fill := func(span, step time.Duration) {
		for end := now.Add(span); now.Before(end); now = now.Add(step) {
			h.Record(now, samples...)
		}
	}
	fill(700*day, day)
	fill(38*day, time.Hour)
	fill(2*day, 5*time.Minute)
	now = now.Add(20 * day)
	fill(day, 5*time.Minute)
	most := 0
	for _, s := range h.Since(time.Time{}) {
		most = max(most, len(s.Points))
	}
	data, err := h.Marshal(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d points a series at most, %d bytes", most, len(data))
	if most > history.PointsMax || len(data) > history.SizeBytesMax {
		t.Errorf("got %d points and %d bytes, want at most %d and %d", most, len(data), history.PointsMax, history.SizeBytesMax)
	}
	if _, err := history.Parse(data); err != nil {
		t.Error(err)
	}
}

func TestParse_refusesWhatIsNoHistory(t *testing.T) {
	one := func(points string) string {
		return `{"version":1,"doubt":[0,0,0],"series":[{"name":"wal_bytes","points":[` + points + `]}]}`
	}
	for name, text := range map[string]string{
		"nothing":        "",
		"no JSON":        "SQLite format 3\x00",
		"cut":            `{"version":1,"series":[{"name":"wal_bytes","points":[[1,`,
		"other version":  `{"version":2}`,
		"unknown series": `{"version":1,"series":[{"name":"x","points":[[1,1]]}]}`,
		"twice":          `{"version":1,"series":[{"name":"wal_bytes","points":[[1,1]]},{"name":"wal_bytes","points":[[1,1]]}]}`,
		"no points":      one(""),
		"backwards":      one("[5,1],[-1,1]"),
		"below zero":     one("[5,-1]"),
		"no time":        one("[0,1]"),
		"far":            one("[1099511627776,1],[1,1]"),
		"too many":       one(strings.Repeat("[1,1],", history.PointsMax) + "[1,1]"),
		"doubt":          `{"version":1,"doubt":[-1,0,0],"series":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := history.Parse([]byte(text)); fault.CodeOf(err) != fault.Invalid {
				t.Errorf("got %v, want %s", err, fault.Invalid)
			}
		})
	}
	if _, err := history.Parse([]byte(one("[5,1],[0,2]"))); err != nil {
		t.Errorf("a sound one: %v", err)
	}
	if _, err := history.Parse(make([]byte, history.SizeBytesMax+1)); fault.CodeOf(err) != fault.TooBig {
		t.Errorf("got %v, want %s", err, fault.TooBig)
	}
}

func FuzzParse(f *testing.F) {
	h := history.New()
	hours(h, start, 30)
	h.Record(start, history.RowsOf([]history.Table{{Name: "t", Rows: 2}})...)
	data, _ := h.Marshal(0)
	f.Add(data)
	f.Add([]byte(`{"version":1,"doubt":[9,9,99999],"series":[{"name":"rows:é","points":[[1,1]]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := history.Parse(data)
		if err != nil {
			return
		}
		first, err := h.Marshal(0)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := history.Parse(first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		if second, _ := again.Marshal(0); !bytes.Equal(first, second) {
			t.Fatalf("written again it differs:\n%s\n%s", first, second)
		}
		hours(h, start, 30)
		h.Since(start)
	})
}
