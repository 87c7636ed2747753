package rolling_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/rolling"
)

func TestMarshal_parsesToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, now := book(), at("2026-05-10 12:00")
		for range rapid.IntRange(0, 400).Draw(t, "runs") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Hour)).Draw(t, "later")))
			b.Record(now, rolling.Sample{
				Name:   rapid.SampledFrom([]string{"query", "start", "app.x"}).Draw(t, "name"),
				Took:   time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "took")),
				Failed: rapid.Bool().Draw(t, "failed"),
			})
		}
		data, err := b.Marshal(0)
		if err != nil {
			t.Fatal(err)
		}
		again, err := rolling.Parse(data, rolling.Budgets())
		if err != nil {
			t.Fatalf("parse: %v\n%s", err, data)
		}
		got, want := again.Reports(now, ""), b.Reports(now, "")
		for i := range want {
			want[i].Runs, want[i].Failures, want[i].Total = 0, 0, 0 // count from the start of the process
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if second, _ := again.Marshal(0); !bytes.Equal(second, data) {
			t.Fatalf("written again it differs:\n%s\n%s", second, data)
		}
	})
}

func TestParse_aDayGoesOnAfterARestart(t *testing.T) {
	b, now := book(), at("2026-05-10 12:00")
	for range 10 {
		b.Record(now, rolling.Sample{Name: "x", Took: time.Millisecond})
	}
	data, _ := b.Marshal(0)
	again, err := rolling.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	again.Record(now, rolling.Sample{Name: "x", Took: time.Second})
	d := only(t, again, now, "x").Days[0]
	if d.Count != 11 || d.P50 > 2*time.Millisecond || d.Max != time.Second {
		t.Errorf("got %+v, want 11 runs, the median of them a millisecond", d)
	}
}

func TestParse_refusesWhatIsNoBook(t *testing.T) {
	one := func(rest string) string { return `{"version":1,"operations":[` + rest + `]}` }
	day := func(rest string) string { return one(`{"name":"x","window":[],"days":[` + rest + `]}`) }
	const sound = `{"day":"2026-05-10","count":2,"failed":0,"sum_us":4,"p50_us":1,"p95_us":3,"p99_us":3,"max_us":3`
	for name, text := range map[string]string{
		"nothing":             "",
		"no JSON":             "SQLite format 3\x00",
		"cut":                 `{"version":1,"operations":[{"name":"x"`,
		"other version":       `{"version":2}`,
		"no version":          `{}`,
		"wrong name":          one(`{"name":"../x"}`),
		"twice":               one(`{"name":"x"},{"name":"x"}`),
		"negative duration":   one(`{"name":"x","window":[[1,-1,0]]}`),
		"unknown flag":        one(`{"name":"x","window":[[1,1,4]]}`),
		"long window":         one(`{"name":"x","window":[` + strings.Repeat("[1,1,0],", 100) + `[1,1,0]]}`),
		"no day":              day(strings.Replace(sound, "2026-05-10", "2026-02-30", 1) + "}"),
		"days out of order":   day(sound + "}," + sound + "}"),
		"more failed than":    day(strings.Replace(sound, `"failed":0`, `"failed":3`, 1) + "}"),
		"percentiles crossed": day(strings.Replace(sound, `"p50_us":1`, `"p50_us":4`, 1) + "}"),
		"impossible sum":      day(strings.Replace(sound, `"sum_us":4`, `"sum_us":7`, 1) + "}"),
		"cells too many":      day(sound + `,"cells":[[1,3]]}`),
		"cell of nothing":     day(sound + `,"cells":[[1,0]]}`),
		"number too large":    one(`{"name":"x","window":[[1,99999999999999999999,0]]}`),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := rolling.Parse([]byte(text), nil); fault.CodeOf(err) != fault.Invalid {
				t.Errorf("got %v, want %s", err, fault.Invalid)
			}
		})
	}
	if _, err := rolling.Parse([]byte(day(sound+"}")), nil); err != nil {
		t.Errorf("the sound one: %v", err)
	}
	if _, err := rolling.Parse(make([]byte, rolling.SizeBytesMax+1), nil); fault.CodeOf(err) != fault.TooBig {
		t.Errorf("got %v, want %s", err, fault.TooBig)
	}
}

func FuzzParse(f *testing.F) {
	b, now := book(), at("2026-05-10 12:00")
	for i := range 30 {
		b.Record(now.AddDate(0, 0, i/10), rolling.Sample{Name: "query", Took: time.Duration(i) * time.Second, Failed: i%3 == 0})
	}
	data, _ := b.Marshal(0)
	f.Add(data)
	f.Add([]byte(`{"version":1,"operations":[{"name":"x","window":[[1,1,0]],"days":[]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := rolling.Parse(data, rolling.Budgets())
		if err != nil {
			return
		}
		again, err := b.Marshal(0)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := rolling.Parse(again, nil); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, again)
		}
		b.Record(now, rolling.Sample{Name: "query", Took: time.Second})
		b.Reports(now, "")
		b.Expire(now)
	})
}
