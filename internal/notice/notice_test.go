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
