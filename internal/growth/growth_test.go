package growth

import (
	"testing"
	"time"
)

func policy() Policy {
	return Policy{LimitBytes: 10_000_000, Idle: 30 * time.Minute, LookEvery: time.Minute}
}

func begin() time.Time { return time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC) }

func TestNext_aQuietWALIsLookedAtOnceAMinute(t *testing.T) {
	p, at, looks := policy(), begin(), 0
	var s State
	for end := at.Add(time.Hour); at.Before(end); looks++ {
		var step Step
		s, step = p.Next(s, Look{At: at, Bytes: 4_000_000, Modified: begin()})
		if step.Empty || step.Next > p.LookEvery || step.Next <= 0 {
			t.Fatalf("%v: got %+v", at.Sub(begin()), step)
		}
		at = at.Add(step.Next)
	}
	if looks > 67 {
		t.Errorf("got %d looks in an hour", looks)
	}
}

// A writer of some rate against the policy alone: the WAL is emptied at once when Empty
// says so, and must never reach its limit.
func TestNext_staysBelowTheLimit(t *testing.T) {
	for _, rate := range []float64{1_000, 100_000, 1_000_000, 5_000_000, 9_000_000} {
		p, at, bytes, worst := policy(), begin(), 0.0, 0.0
		var s State
		for end := at.Add(10 * time.Minute); at.Before(end); {
			var step Step
			s, step = p.Next(s, Look{At: at, Bytes: int64(bytes), Modified: at})
			worst = max(worst, bytes)
			if step.Empty {
				bytes, s = 0, s.Tried(false)
			}
			at = at.Add(step.Next)
			bytes += rate * step.Next.Seconds()
		}
		if worst >= float64(p.LimitBytes) && rate <= 5_000_000 {
			t.Errorf("%.0f bytes a second: the WAL reached %.0f", rate, worst)
		}
		t.Logf("%.0f bytes a second: %.1f MB at most", rate, worst/1e6)
	}
}

func TestNext_whatToDo(t *testing.T) {
	old := Look{At: begin(), Bytes: 6_000_000, Modified: begin()}
	for _, tc := range []struct {
		name string
		s    State
		l    Look
		want Step
	}{
		{"the first look at a large one", State{}, Look{At: begin(), Bytes: 20_000_000}, Step{Empty: true, Large: true, Next: lookChanged}},
		{"below the mark", State{}, Look{At: begin(), Bytes: 4_499_999}, Step{Next: lookChanged}},
		{"nothing there", State{}, Look{At: begin()}, Step{Next: lookChanged}},
		{"emptied in vain, unchanged", State{last: old, quiet: begin(), pause: time.Minute, tried: true},
			Look{At: begin().Add(time.Minute), Bytes: 6_000_000, Modified: begin()}, Step{Calm: true, Next: time.Minute}},
		{"emptied in vain, changed", State{last: old, quiet: begin(), pause: time.Minute, tried: true},
			Look{At: begin().Add(time.Minute), Bytes: 6_000_000, Modified: begin().Add(time.Second)}, Step{Empty: true, Next: lookChanged}},
		{"blocked, unchanged", State{last: old, quiet: begin(), tried: true, Blocked: true},
			Look{At: begin().Add(time.Minute), Bytes: 6_000_000, Modified: begin()}, Step{Empty: true, Next: lookBlocked}},
		{"idle", State{last: Look{At: begin(), Bytes: 5}, quiet: begin(), pause: time.Minute},
			Look{At: begin().Add(30 * time.Minute), Bytes: 5}, Step{Idle: true, Next: time.Minute}},
		{"not idle yet", State{last: Look{At: begin(), Bytes: 5}, quiet: begin(), pause: time.Minute},
			Look{At: begin().Add(29 * time.Minute), Bytes: 5}, Step{Calm: true, Next: time.Minute}},
		{"idle and empty", State{last: Look{At: begin()}, quiet: begin(), pause: time.Minute},
			Look{At: begin().Add(time.Hour)}, Step{Calm: true, Next: time.Minute}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, got := policy().Next(tc.s, tc.l); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestIdleDone_aFailedAttemptIsRepeated(t *testing.T) {
	p, at := policy(), begin()
	look := func(s State, after time.Duration) (State, Step) { return p.Next(s, Look{At: at.Add(after), Bytes: 5}) }
	s, _ := look(State{}, 0)
	s, step := look(s, p.Idle)
	if !step.Idle {
		t.Fatal("not idle after half an hour")
	}
	if _, step = look(s.IdleDone(p, at.Add(p.Idle), true), p.Idle+time.Hour); step.Idle {
		t.Error("emptied twice without a change")
	}
	failed := s.IdleDone(p, at.Add(p.Idle), false)
	if _, step = look(failed, p.Idle+4*time.Minute); step.Idle {
		t.Error("tried again at once")
	}
	if _, step = look(failed, p.Idle+5*time.Minute); !step.Idle {
		t.Error("not tried again after five minutes")
	}
}

func TestPinned_framesAfterTheMark(t *testing.T) {
	marks := []int64{0, 40, 100, -1, 70}
	for _, tc := range []struct {
		name  string
		slots []int
		want  int64
	}{
		{"nobody", nil, 0}, {"an old reader", []int{1}, 60}, {"one that is up to date", []int{2}, 0},
		{"two slots: the older", []int{4, 1}, 60}, {"unused", []int{3}, 0},
		{"the database file alone", []int{0}, 80}, {"no such slot", []int{9}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Pinned(100, 20, marks, tc.slots); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestNext_growthIsMeasuredFromWhatAnAttemptLeft(t *testing.T) {
	p, at := policy(), begin()
	s, _ := p.Next(State{}, Look{At: at, Bytes: 700_000})
	s, _ = p.Next(s, Look{At: at.Add(100 * time.Millisecond), Bytes: 900_000, Modified: at.Add(90 * time.Millisecond)})
	s = s.Emptied(Look{At: at.Add(120 * time.Millisecond)}).Tried(false)
	// 10 MB/s: without Emptied this looks like 100 kB in 120 ms.
	_, step := p.Next(s, Look{At: at.Add(220 * time.Millisecond), Bytes: 1_000_000, Modified: at.Add(220 * time.Millisecond)})
	if step.Next > 200*time.Millisecond {
		t.Errorf("the next look is in %v; by then the WAL is %d MB", step.Next, 1+step.Next.Milliseconds()/100)
	}
}

func TestStill_growthIsMeasuredFromTheLastLookThatSawNothing(t *testing.T) {
	p, at := policy(), begin()
	s, _ := p.Next(State{}, Look{At: at})
	seen := Look{At: at.Add(time.Minute), Bytes: 4_000_000, Modified: at.Add(time.Minute)}
	if _, step := p.Next(s, seen); step.Empty {
		t.Error("4 MB in a minute: emptied at once")
	}
	if _, step := p.Next(s.Still(at.Add(59*time.Second)), seen); step.Next > lookChanged/2 {
		t.Errorf("4 MB in a second: the next look is in %v", step.Next)
	}
	if got := s.Still(at.Add(-time.Second)); got.last.At != at {
		t.Error("an older look counts")
	}
}
