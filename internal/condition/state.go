package condition

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
)

// State is which conditions are up. It is a value: Raise and Clear give a new one and
// leave the old one alone. The zero State is healthy.
type State struct {
	up map[Code]raised
}

type raised struct {
	since   time.Time
	cleared time.Time // zero = still up
	args    Args
}

// shownSpan gives when a condition shows: from <= t < until; a zero until is never.
// One that was cleared before it ever showed does not show at all.
func (c raised) shownSpan(d Definition) (from, until time.Time) {
	from = c.since.Add(d.VisibleAfter)
	if c.cleared.IsZero() {
		return from, time.Time{}
	}
	if !from.Before(c.cleared) {
		return from, from
	}
	until = from.Add(d.VisibleFor)
	if until.Before(c.cleared) {
		until = c.cleared
	}
	return from, until
}

func (c raised) shownAt(d Definition, now time.Time) bool {
	from, until := c.shownSpan(d)
	return !now.Before(from) && (until.IsZero() || now.Before(until))
}

// Raise gives the state with code up. Raising again keeps the time it began and
// takes the new args; so does raising one that was cleared but still shows. A code
// that nobody declared is a fault.Invalid.
func (s State) Raise(r Registry, code Code, args Args, now time.Time) (State, error) {
	d, declared := r.Find(code)
	if !declared {
		return s, fault.New(fault.Invalid, "raise condition", "nobody declares %s", code)
	}
	c, known := s.up[code]
	if !known || !c.cleared.IsZero() && !c.shownAt(d, now) {
		c.since = now
	}
	c.cleared, c.args = time.Time{}, maps.Clone(args)
	return s.with(r, code, c, now), nil
}

// Clear gives the state without code; it may go on showing for its VisibleFor.
// Clearing what is not up changes nothing.
func (s State) Clear(r Registry, code Code, now time.Time) (State, error) {
	if _, declared := r.Find(code); !declared {
		return s, fault.New(fault.Invalid, "clear condition", "nobody declares %s", code)
	}
	c, known := s.up[code]
	if !known || !c.cleared.IsZero() {
		return s, nil
	}
	c.cleared = now
	return s.with(r, code, c, now), nil
}

// with sets one condition and forgets those that are cleared and show no more.
func (s State) with(r Registry, code Code, c raised, now time.Time) State {
	up := make(map[Code]raised, len(s.up)+1)
	maps.Copy(up, s.up)
	up[code] = c
	maps.DeleteFunc(up, func(code Code, c raised) bool {
		d, declared := r.Find(code)
		return !declared || !c.cleared.IsZero() && !c.shownAt(d, now)
	})
	return State{up: up}
}

// Up tells whether code is raised and not cleared, visible or not.
func (s State) Up(code Code) bool {
	c, known := s.up[code]
	return known && c.cleared.IsZero()
}

// Shown is a visible condition.
type Shown struct {
	Code     Code
	System   string
	Severity Severity
	Text     string
	Hint     string
	Since    time.Time // when it was raised
}

// Visible gives what people should see: root causes only, worst first, then in the
// order of declaration.
func (s State) Visible(r Registry, now time.Time) []Shown {
	var out []Shown
	for _, d := range r.definitions { // in order, so the sort below is stable over runs
		c, known := s.up[d.Code]
		if !known || !c.shownAt(d, now) || s.explained(r, d, now) {
			continue
		}
		out = append(out, Shown{d.Code, d.System, d.Severity, c.args.fill(d.Text), c.args.fill(d.Hint), c.since})
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].Severity > out[b].Severity })
	return out
}

// explained tells whether one of d's causes, however far, shows and is at least as
// severe. What is hidden is thus always outdone by something that shows: neither a
// yellow cause nor one still waiting for its VisibleAfter makes red look better.
func (s State) explained(r Registry, d Definition, now time.Time) bool {
	return slices.ContainsFunc(r.causes(d.Code, nil), func(code Code) bool {
		cause, _ := r.Find(code)
		c, known := s.up[code]
		return known && cause.Severity >= d.Severity && c.shownAt(cause, now)
	})
}

// Colour is the severity of the worst of what is visible.
func Colour(visible []Shown) Severity {
	worst := Green
	for _, c := range visible {
		worst = max(worst, c.Severity)
	}
	return worst
}

// NextChange is when Visible may next change by the passing of time alone: set a
// timer for it. Zero = never.
func (s State) NextChange(r Registry, now time.Time) time.Time {
	var next time.Time
	for code, c := range s.up {
		d, _ := r.Find(code)
		from, until := c.shownSpan(d)
		for _, at := range []time.Time{from, until} {
			if at.After(now) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}

// Headline is the one sentence at the top: what is worst of what Visible gave, or that the data is safe.
// Proof is the sentence that follows it then ("The newest backup that was opened …");
// without proof nothing says safe, because that something runs is no safety.
func (s State) Headline(r Registry, visible []Shown, proof string) string {
	if len(visible) == 0 || visible[0].Severity == Green {
		if proof == "" {
			return "Nothing is known to be wrong, but no verified backup proves it yet."
		}
		return "Your data is safe. " + proof
	}
	worst := visible[0]
	d, _ := r.Find(worst.Code)
	if d.Headline == "" {
		return worst.Text
	}
	return s.up[d.Code].args.fill(d.Headline)
}
