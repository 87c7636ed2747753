package space_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/space"
)

var start = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// grown is a history of a volume that loses so much a day, seen every six hours.
func grown(days int, free, lostPerDay int64) (h space.History, now time.Time, left int64) {
	now, left = start, free
	for range days * 4 {
		h, _ = h.Add("/", space.Sample{At: now, FreeBytes: left})
		now, left = now.Add(6*time.Hour), left-lostPerDay/4
	}
	return h, now, left
}

func TestForecast_ofASteadyLoss(t *testing.T) {
	h, now, left := grown(10, 100*gb, 5*gb)
	if got := h.DaysUntilFull("/", now, left); math.Abs(got-10) > 0.5 {
		t.Errorf("got %.2f days, want 10", got)
	}
	if got := h.DaysUntilFull("/other", now, left); got != 0 {
		t.Errorf("got %.2f days for an unknown volume, want 0", got)
	}
	// One file of 30 GB that came and went does not decide.
	h, _ = h.Add("/", space.Sample{At: now, FreeBytes: left - 30*gb})
	if got := h.DaysUntilFull("/", now.Add(6*time.Hour), left); math.Abs(got-10) > 1 {
		t.Errorf("after a spike: got %.2f days, want about 10", got)
	}
}

func TestForecast_saysNothingWithoutReason(t *testing.T) {
	for _, tc := range []struct {
		name       string
		days       int
		lostPerDay int64
	}{{"one day of history", 1, 5 * gb}, {"steady", 10, 0}, {"room is growing", 10, -gb}, {"in ten years", 10, 1000}} {
		h, now, left := grown(tc.days, 100*gb, tc.lostPerDay)
		if got := h.DaysUntilFull("/", now, left); got != 0 {
			t.Errorf("%s: got %.2f days, want 0", tc.name, got)
		}
	}
	h, now, left := grown(10, 100*gb, 5*gb)
	if got := h.DaysUntilFull("/", now.Add(60*24*time.Hour), left); got != 0 {
		t.Errorf("from samples of last month: got %.2f days, want 0", got)
	}
}

func TestFullSoon_hasAMemory(t *testing.T) {
	for _, tc := range []struct {
		was  bool
		days float64
		want bool
	}{{false, 0, false}, {true, 0, false}, {false, 6.9, true}, {false, 7.5, false}, {true, 7.5, true}, {true, 9.5, false}} {
		if got := space.FullSoon(tc.was, tc.days); got != tc.want {
			t.Errorf("%v, %.1f days: got %v, want %v", tc.was, tc.days, got, tc.want)
		}
	}
}

func TestHistory_survivesABadClock(t *testing.T) {
	var h space.History
	var took bool
	for _, tc := range []struct {
		at   time.Time
		want bool
	}{
		{start, true}, {start.Add(time.Hour), false}, {start.Add(6 * time.Hour), true},
		{start.Add(-24 * time.Hour), true}, {start.Add(-23 * time.Hour), false}, {start, true},
	} {
		if h, took = h.Add("/", space.Sample{At: tc.at, FreeBytes: gb}); took != tc.want {
			t.Errorf("%v: taken %v, want %v", tc.at, took, tc.want)
		}
		mustRead(t, h)
	}
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func mustRead(t failer, h space.History) space.History {
	t.Helper()
	data, err := h.Encode()
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	if len(data) > space.HistoryBytesMax {
		t.Fatalf("%d bytes, at most %d", len(data), space.HistoryBytesMax)
	}
	back, err := space.ParseHistory(data)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v\n%s", err, data)
	}
	return back
}

func TestHistory_isBoundedAndReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h space.History
		at := start
		for range rapid.IntRange(0, 400).Draw(t, "samples") {
			at = at.Add(time.Duration(rapid.IntRange(-3, 20).Draw(t, "hours")) * time.Hour)
			volume := string(rune('a' + rapid.IntRange(0, 20).Draw(t, "volume")))
			h, _ = h.Add(volume, space.Sample{At: at, FreeBytes: rapid.Int64Range(0, gb).Draw(t, "free")})
		}
		back := mustRead(t, h)
		one, _ := h.Encode()
		two, _ := back.Encode()
		if !bytes.Equal(one, two) {
			t.Fatalf("read back differs:\n%s\n%s", one, two)
		}
		for _, volume := range []string{"a", "b"} {
			if d := back.DaysUntilFull(volume, at, gb); d < 0 || math.IsNaN(d) || math.IsInf(d, 0) {
				t.Fatalf("a forecast of %v days", d)
			}
		}
	})
}

func FuzzParseHistory(f *testing.F) {
	h, _, _ := grown(3, 100*gb, gb)
	data, err := h.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"volumes":[{"volume":"/","samples":[{"at":"2026-01-01T00:00:00Z","free_bytes":-1}]}]}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := space.ParseHistory(data)
		if err != nil {
			return
		}
		h, _ = h.Add("/", space.Sample{At: start, FreeBytes: gb})
		if d := h.DaysUntilFull("/", start, gb); d < 0 || math.IsNaN(d) {
			t.Errorf("a forecast of %v days", d)
		}
		if _, err := h.Encode(); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
