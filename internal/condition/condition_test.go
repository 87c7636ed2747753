package condition

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/fault"
)

var t0 = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func registry(t testing.TB) Registry {
	t.Helper()
	r, err := NewRegistry(
		Definition{Code: "backup.overdue", System: "backup", Severity: Yellow, DependsOn: []Code{"disk.full"}, Text: "The newest backup is {age} old.", Hint: "Back up now."},
		Definition{Code: "backup.failing", System: "backup", Severity: Red, DependsOn: []Code{"disk.low"}, Text: "Backups fail."},
		Definition{Code: "disk.full", System: "disk", Severity: Red, Text: "{volume} is full.", Headline: "Nothing can be backed up: {volume} is full.", VisibleAfter: time.Minute, VisibleFor: 10 * time.Minute},
		Definition{Code: "disk.low", System: "disk", Severity: Yellow, Text: "{volume} has {free} left."},
		Definition{Code: "drill.overdue", System: "backup", Severity: Yellow, DependsOn: []Code{"backup.overdue"}, Text: "No restore was tried lately."},
		Definition{Code: "disk.same", System: "disk", Severity: Green, Text: "Backups lie on the same disk."},
	)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func raise(t testing.TB, s State, r Registry, code Code, args Args, at time.Time) State {
	t.Helper()
	next, err := s.Raise(r, code, args, at)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func clearUp(t testing.TB, s State, r Registry, code Code, at time.Time) State {
	t.Helper()
	next, err := s.Clear(r, code, at)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func codes(shown []Shown) []Code {
	out := []Code{}
	for _, s := range shown {
		out = append(out, s.Code)
	}
	return out
}

func wantVisible(t *testing.T, s State, r Registry, at time.Time, want ...Code) {
	t.Helper()
	if got := codes(s.Visible(r, at)); !reflect.DeepEqual(got, append([]Code{}, want...)) {
		t.Errorf("at +%s: got %v, want %v", at.Sub(t0), got, want)
	}
}

func TestVisible_onlyRootCauses(t *testing.T) {
	r, s := registry(t), State{}
	s = raise(t, s, r, "drill.overdue", nil, t0)
	s = raise(t, s, r, "backup.overdue", Args{"age": "9 h"}, t0)
	wantVisible(t, s, r, t0, "backup.overdue")
	s = raise(t, s, r, "disk.full", Args{"volume": "/data"}, t0)
	wantVisible(t, s, r, t0, "backup.overdue") // the cause does not show yet
	wantVisible(t, s, r, t0.Add(time.Minute), "disk.full")
	s = clearUp(t, s, r, "backup.overdue", t0.Add(time.Minute))
	wantVisible(t, s, r, t0.Add(time.Minute), "disk.full") // drill.overdue is explained over two steps
	s = clearUp(t, s, r, "disk.full", t0.Add(time.Hour))
	wantVisible(t, s, r, t0.Add(time.Hour), "drill.overdue")
}

func TestVisible_aYellowCauseDoesNotHideRed(t *testing.T) {
	r := registry(t)
	s := raise(t, State{}, r, "disk.low", Args{"volume": "/data", "free": "900 MB"}, t0)
	s = raise(t, s, r, "backup.failing", nil, t0)
	wantVisible(t, s, r, t0, "backup.failing", "disk.low")
	if got := Colour(s.Visible(r, t0)); got != Red {
		t.Errorf("got %s, want red", got)
	}
}

func TestVisible_doesNotFlap(t *testing.T) {
	r := registry(t)
	at := func(d time.Duration) time.Time { return t0.Add(d) }
	args := Args{"volume": "/data"}
	s := raise(t, State{}, r, "disk.full", args, t0)
	wantVisible(t, s, r, at(59*time.Second))
	if got := s.NextChange(r, t0); !got.Equal(at(time.Minute)) {
		t.Errorf("next change: got %s, want after a minute", got)
	}
	brief := clearUp(t, s, r, "disk.full", at(30*time.Second))
	wantVisible(t, brief, r, at(2*time.Minute)) // gone before it ever showed
	if got := brief.NextChange(r, at(30*time.Second)); !got.IsZero() {
		t.Errorf("next change: got %s, want never", got)
	}
	s = clearUp(t, s, r, "disk.full", at(2*time.Minute))
	if s.Up("disk.full") {
		t.Error("cleared, yet up")
	}
	wantVisible(t, s, r, at(10*time.Minute), "disk.full")
	wantVisible(t, s, r, at(11*time.Minute))
	again := raise(t, s, r, "disk.full", args, at(5*time.Minute))
	if shown := again.Visible(r, at(5*time.Minute)); len(shown) != 1 || !shown[0].Since.Equal(t0) {
		t.Errorf("raised again while it shows: got %+v, want one since the start", shown)
	}
	anew := raise(t, s, r, "disk.full", args, at(20*time.Minute))
	wantVisible(t, anew, r, at(20*time.Minute))
	wantVisible(t, anew, r, at(21*time.Minute), "disk.full")
}

func TestHeadline(t *testing.T) {
	r, proof := registry(t), "The newest verified backup is 12 minutes old."
	for _, c := range []struct {
		name  string
		up    []Code
		proof string
		want  string
	}{
		{"healthy", nil, proof, "Your data is safe. " + proof},
		{"no proof", nil, "", "Nothing is known to be wrong, but no verified backup proves it yet."},
		{"a remark", []Code{"disk.same"}, proof, "Your data is safe. " + proof},
		{"its text", []Code{"disk.low"}, proof, "/{free} has 1 left."},
		{"its headline, red before yellow", []Code{"disk.low", "disk.full"}, proof, "Nothing can be backed up: /{free} is full."},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := State{}
			for _, code := range c.up {
				s = raise(t, s, r, code, Args{"volume": "/{free}", "free": "1"}, t0)
			}
			if got := s.Headline(r, s.Visible(r, t0.Add(time.Hour)), c.proof); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestNewRegistry_refuses(t *testing.T) {
	d := func(code Code, deps ...Code) Definition {
		return Definition{Code: code, System: "s", Text: "t", DependsOn: deps}
	}
	for name, ds := range map[string][]Definition{
		"no code": {d("")}, "no text": {{Code: "a", System: "s"}}, "twice": {d("a"), d("a")}, "unknown cause": {d("a", "b")}, "itself": {d("a", "a")},
		"cycle": {d("a", "b"), d("b", "c"), d("c", "a")}, "severity": {{Code: "a", System: "s", Text: "t", Severity: 9}}, "negative": {{Code: "a", System: "s", Text: "t", VisibleFor: -1}},
	} {
		if _, err := NewRegistry(ds...); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	r := registry(t)
	if _, err := (State{}).Raise(r, "nobody", nil, t0); err == nil {
		t.Error("an undeclared code was raised")
	}
	if _, err := (State{}).Clear(r, "nobody", t0); err == nil {
		t.Error("an undeclared code was cleared")
	}
	if len(r.All()) != 6 || Severity(9).String() != "red" || Green.String() != "green" || Yellow.String() != "yellow" {
		t.Error("definitions or names of severities are lost")
	}
}

// TestState_anyHistory: what is hidden is never worse than what shows, nothing is
// worse than what is known, order and answers are stable, and old states stay as they were.
func TestState_anyHistory(t *testing.T) {
	r := registry(t)
	rapid.Check(t, func(t *rapid.T) {
		s, now := State{}, t0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second)
			d := rapid.SampledFrom(r.All()).Draw(t, "definition")
			was, before := s, fmt.Sprint(s.Visible(r, now), s.up)
			var err error
			if rapid.Bool().Draw(t, "raise") {
				s, err = s.Raise(r, d.Code, Args{"volume": "/"}, now)
			} else {
				s, err = s.Clear(r, d.Code, now)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(was.Visible(r, now), was.up); got != before {
				t.Fatalf("the old state changed:\ngot  %s\nwant %s", got, before)
			}
			worst := Green
			for code, c := range s.up {
				if d, _ := r.Find(code); c.shownAt(d, now) {
					worst = max(worst, d.Severity)
				}
			}
			if got := Colour(s.Visible(r, now)); got != worst {
				t.Fatalf("got %s, want %s: %+v", got, worst, s.Visible(r, now))
			}
			if next := s.NextChange(r, now); !next.IsZero() {
				if got, want := codes(s.Visible(r, next.Add(-1))), codes(s.Visible(r, now)); !reflect.DeepEqual(got, want) {
					t.Fatalf("before the next change at %s: got %v, want %v", next, got, want)
				}
			}
			quiet := codes(s.Visible(r, now.Add(time.Hour)))
			if later := codes(s.Visible(r, now.Add(2*time.Hour))); !reflect.DeepEqual(quiet, later) {
				t.Fatalf("an hour without events later: %v, two hours later: %v", quiet, later)
			}
		}
	})
}
