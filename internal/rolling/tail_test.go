package rolling_test

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/rolling"
	"github.com/officer-doofy/officer/internal/tail"
)

// Whatever a kill leaves of a tail, the book is that of the runs whose lines are whole.
func TestContinue_givesTheBookOfTheWholeLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, now := book(), at("2026-05-10 12:00")
		record := func() (line []byte) {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(9*time.Hour)).Draw(t, "later")))
			s := rolling.Sample{
				Name:   rapid.SampledFrom([]string{"query", "backup.copy", "app.x", "No name"}).Draw(t, "name"),
				Took:   time.Duration(rapid.Int64Range(-1, int64(25*time.Hour)).Draw(t, "took")).Truncate(time.Microsecond),
				Failed: rapid.Bool().Draw(t, "failed"), SizeBytes: rapid.Int64Range(0, 1<<40).Draw(t, "size"),
			}
			b.Record(now, s)
			line, err := rolling.Line(now, s)
			if err != nil {
				t.Fatal(err)
			}
			return line
		}
		for range rapid.IntRange(0, 150).Draw(t, "before") {
			record()
		}
		base, err := b.Marshal(7)
		if err != nil {
			t.Fatal(err)
		}
		tail, err := tail.Begin(7)
		if err != nil {
			t.Fatal(err)
		}
		lines, cutAfter := rapid.IntRange(0, 30).Draw(t, "lines"), rapid.IntRange(0, 30).Draw(t, "cut after")
		want := base
		for i := range lines {
			if i == cutAfter {
				break
			}
			tail = append(tail, record()...)
			if want, err = b.Marshal(7); err != nil {
				t.Fatal(err)
			}
		}
		if lines > cutAfter { // a part of one more
			more := record()
			tail = append(tail, more[:rapid.IntRange(0, len(more)-1).Draw(t, "part")]...)
		}
		again, err := rolling.Parse(base, rolling.Budgets())
		if err != nil {
			t.Fatal(err)
		}
		if n := again.Continue(tail, now.Location()); n != min(lines, cutAfter) {
			t.Fatalf("%d runs were taken, want %d", n, min(lines, cutAfter))
		}
		if got, _ := again.Marshal(7); !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		for _, r := range again.Reports(now, "") {
			if r.Runs != 0 || r.Failures != 0 || r.Total != 0 {
				t.Fatalf("%s counts %d runs since the start, want none", r.Name, r.Runs)
			}
		}
	})
}

func TestContinue_takesNoTailOfAnotherBook(t *testing.T) {
	now := at("2026-05-10 12:00")
	line, err := rolling.Line(now, rolling.Sample{Name: "x", Took: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		generation int64
		head       string
	}{
		"another generation": {2, `{"continues":1}`}, "a book without one": {0, `{"continues":0}`}, "no head": {1, `{}`},
		"no JSON": {1, `{"continues`}, "nothing": {1, ``},
	} {
		data, err := book().Marshal(c.generation)
		if err != nil {
			t.Fatal(err)
		}
		b, err := rolling.Parse(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := b.Continue(append([]byte(c.head+"\n"), line...), time.UTC); n != 0 || b.Knows("x") {
			t.Errorf("%s: %d runs were taken, want none", name, n)
		}
	}
	impossible := `{"at":-1,"name":"x","us":5}` + "\n" + string(line)
	data, _ := book().Marshal(1)
	b, _ := rolling.Parse(data, nil)
	if n := b.Continue([]byte(`{"continues":1}`+"\n"+impossible), time.UTC); n != 0 {
		t.Errorf("%d runs were taken behind an impossible one, want none", n)
	}
}

func FuzzContinue(f *testing.F) {
	f.Add([]byte(`{"continues":1}` + "\n" + `{"at":1778414400,"name":"x","us":5,"failed":true,"size_bytes":7}` + "\n"))
	f.Fuzz(func(t *testing.T, tail []byte) {
		data, err := book().Marshal(1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := rolling.Parse(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		b.Continue(tail, time.UTC)
		again, err := b.Marshal(1)
		if err == nil {
			_, err = rolling.Parse(again, nil)
		}
		if err != nil {
			t.Errorf("what a tail made of a book is none: %v", err)
		}
	})
}
