package notice

import (
	"fmt"
	"testing"
	"time"
)

func TestFilter_wants(t *testing.T) {
	for name, c := range map[string]struct {
		filter Filter
		note   Note
		want   bool
	}{
		"everything from yellow on":   {Filter{}, Note{Severity: Yellow, Type: "health.changed"}, true},
		"good news":                   {Filter{Severity: Red}, Note{Severity: Green}, true},
		"less than wanted":            {Filter{Severity: Red}, Note{Severity: Yellow}, false},
		"a type":                      {Filter{Events: []string{"backup.failed"}}, Note{Severity: Red, Type: "backup.failed"}, true},
		"a group":                     {Filter{Events: []string{"backup.*"}}, Note{Severity: Red, Type: "backup.failed"}, true},
		"another type":                {Filter{Events: []string{"backup.*"}}, Note{Severity: Red, Type: "restore.failed"}, false},
		"a group is not a beginning":  {Filter{Events: []string{"backup.*"}}, Note{Severity: Red, Type: "backups"}, false},
		"a type is not its beginning": {Filter{Events: []string{"backup"}}, Note{Severity: Red, Type: "backup.failed"}, false},
	} {
		if got := c.filter.Wants(c.note); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestGate_tellsOnceAndThatItIsOver(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	bad, good := Note{Severity: Red, Key: "a"}, Note{Severity: Green, Key: "green"}
	var g Gate
	pass := func(n Note, want bool, what string) {
		t.Helper()
		var got bool
		g, got, _ = g.Pass(n, now)
		if got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	pass(good, false, "good news that nobody waits for")
	pass(bad, true, "the first time")
	pass(bad, false, "the same again")
	now = now.Add(repeatAfter)
	pass(bad, true, "the same after hours")
	pass(good, true, "it is over")
	pass(good, false, "it is over again")
	pass(bad, true, "it comes back")
}

func TestGate_aPictureIsComparedWithTheOneTheReceiverHas(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	low, high, good := Note{Severity: Yellow, Key: "a"}, Note{Severity: Red, Key: "a b"}, Note{Severity: Green, Key: "green"}
	var g Gate
	shown := ""
	look := func(n Note, want bool, wantHeld int, what string) {
		t.Helper()
		next, got, held := g.Picture(n, shown, now)
		if got != want || held != wantHeld {
			t.Errorf("%s: got %v, %d held back; want %v, %d", what, got, held, want, wantHeld)
		}
		g = next
		if got {
			shown = n.Key
		}
	}
	look(good, false, 0, "good news that nobody waits for")
	look(low, true, 0, "the first one")
	look(low, false, 0, "the same again")
	look(high, true, 0, "another one")
	look(low, true, 0, "the first one is back")
	now = now.Add(4 * time.Hour)
	look(high, true, 0, "the other one is back")
	now = now.Add(2 * repeatAfter)
	look(high, false, 0, "the same after hours: the receiver has it")
	look(good, true, 0, "it is over")
	look(good, false, 0, "it is over again")
	for i := range hourlyMax - 1 {
		look(Note{Severity: Red, Key: fmt.Sprint(i)}, true, 0, "another one in the hour")
	}
	look(low, false, 0, "one too many")
	look(high, false, 0, "two too many")
	look(high, false, 0, "the same is offered again")
	now = now.Add(time.Hour)
	look(high, true, 1, "it is offered when the hour is over; only the other one was held back for good")
}

func TestGate_whatWasLostIsToldAnew(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	bad, good := Note{Severity: Red, Key: "a"}, Note{Severity: Green, Key: "green"}
	var g Gate
	for i, n := range []Note{bad, good, bad} {
		first, pass, _ := g.Pass(n, now)
		if _, again, _ := first.Pass(n, now); !pass || again {
			t.Errorf("note %d: got %v, and %v again; want it once", i, pass, again)
		}
		second, pass, _ := first.Lost(n).Pass(n, now)
		if !pass {
			t.Errorf("note %d was lost and is not told", i)
		}
		g = second
	}
	for range hourlyMax {
		g, _, _ = g.Lost(bad).Pass(bad, now)
	}
	if _, pass, _ := g.Lost(bad).Pass(bad, now); pass {
		t.Error("what is lost again and again passes the hour's limit")
	}
}

func TestGate_anHourHasItsLimitWhateverComes(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var g Gate
	passed := 0
	for i := range 1000 {
		n := Note{Severity: Red, Key: fmt.Sprint(i)}
		if i%3 == 0 {
			n = Note{Severity: Green}
		}
		var ok bool
		if g, ok, _ = g.Pass(n, now.Add(time.Duration(i)*time.Second)); ok {
			passed++
		}
	}
	// Good news may follow each of the bad ones.
	if passed > 2*hourlyMax {
		t.Errorf("%d notes in 17 minutes, at most %d", passed, 2*hourlyMax)
	}
	_, ok, held := g.Pass(Note{Severity: Red, Key: "later"}, now.Add(3*time.Hour))
	if !ok || held == 0 {
		t.Errorf("got %v, %d held; want a note that says how many were held back", ok, held)
	}
}
