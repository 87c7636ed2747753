package supervisor

import (
	"testing"
	"time"
)

func TestPolicy_waitsDoubleUntilItGivesUp(t *testing.T) {
	p := standardPolicy()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var c crashes
	var next step
	want := p.base
	for i := range p.burst {
		c, next = p.after(c, now, 0)
		if next.giveUp || next.wait != want {
			t.Fatalf("crash %d: got %+v, want a wait of %s", i+1, next, want)
		}
		want *= 2
		now = now.Add(time.Second)
	}
	if _, next = p.after(c, now, 0); !next.giveUp || next.wait != p.retry {
		t.Errorf("got %+v, want giving up for %s", next, p.retry)
	}
}

func TestPolicy_after(t *testing.T) {
	p := standardPolicy()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(all ...time.Duration) (at []time.Time) {
		for _, d := range all {
			at = append(at, now.Add(-d))
		}
		return at
	}
	for _, tc := range []struct {
		name   string
		before crashes
		giveUp bool
		kept   int
	}{
		{"the first", crashes{}, false, 1},
		{"five that are too old", crashes{at: ago(14*time.Minute, 13*time.Minute, 12*time.Minute, 11*time.Minute, 10*time.Minute)}, false, 1},
		{"five within the window", crashes{at: ago(9*time.Minute, 8*time.Minute, 7*time.Minute, 6*time.Minute, time.Minute)}, true, 6},
		{"the clock was set back", crashes{at: ago(-time.Hour, -time.Hour, -time.Hour, -time.Hour, -time.Hour)}, false, 1},
		{"on probation", crashes{probation: true}, true, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			after, next := p.after(tc.before, now, 0.5)
			if next.giveUp != tc.giveUp || len(after.at) != tc.kept || after.probation != tc.before.probation {
				t.Errorf("got give up %v with %d crashes, want %v with %d", next.giveUp, len(after.at), tc.giveUp, tc.kept)
			}
		})
	}
}
