package history_test

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/history"
	"github.com/officer-doofy/officer/internal/tail"
)

// Whatever a kill leaves of a tail, the history is that of the lines that are whole.
func TestContinue_givesTheHistoryOfTheWholeLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, now := history.New(), start
		record := func() (line []byte) {
			now = now.Add(time.Duration(rapid.Int64Range(-3600, 23*3600).Draw(t, "later")) * time.Second)
			var samples []history.Sample
			for range rapid.IntRange(1, 4).Draw(t, "samples") {
				samples = append(samples, history.Sample{
					Name:  rapid.SampledFrom([]string{history.DatabaseBytes, history.WALBytes, history.FreeBytes, "rows:a", "rows:b", "none"}).Draw(t, "name"),
					Value: rapid.Int64Range(-1, 1<<40).Draw(t, "value"),
				})
			}
			h.Record(now, samples...)
			line, err := history.Line(now, samples...)
			if err != nil {
				t.Fatal(err)
			}
			return line
		}
		for range rapid.IntRange(1, 60).Draw(t, "before") {
			record()
		}
		if h.InDoubt() {
			t.Skip("then no tail is written")
		}
		base, err := h.Marshal(7)
		if err != nil {
			t.Fatal(err)
		}
		tail, err := tail.Begin(7)
		if err != nil {
			t.Fatal(err)
		}
		want, lines := base, rapid.IntRange(0, 30).Draw(t, "lines")
		for range lines {
			tail = append(tail, record()...)
			if h.InDoubt() {
				t.Skip("then no tail is written")
			}
			if want, err = h.Marshal(7); err != nil {
				t.Fatal(err)
			}
		}
		more := record()
		tail = append(tail, more[:rapid.IntRange(0, len(more)-1).Draw(t, "part")]...)
		again, err := history.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		if n := again.Continue(tail); n != lines {
			t.Fatalf("%d lines were taken, want %d", n, lines)
		}
		if got, _ := again.Marshal(7); !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestContinue_takesNoTailOfAnotherHistory(t *testing.T) {
	line, err := history.Line(start, history.Sample{Name: history.WALBytes, Value: 5})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		generation int64
		head       string
	}{
		"another generation": {2, `{"continues":1}`}, "a history without one": {0, `{"continues":0}`}, "no head": {1, `[]`}, "nothing": {1, ``},
	} {
		data, err := history.New().Marshal(c.generation)
		if err != nil {
			t.Fatal(err)
		}
		h, err := history.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if n := h.Continue(append([]byte(c.head+"\n"), line...)); n != 0 || len(h.Since(time.Time{})) != 0 {
			t.Errorf("%s: %d lines were taken, want none", name, n)
		}
	}
}
