// Package condition turns what is wrong into what people see. Conditions are
// declared as data by the system that owns them; a State holds which are up; colour and
// headline are pure functions of it. Absence means healthy, and only root causes show.
package condition

import (
	"slices"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
)

// Code names a condition: "backup.overdue". Codes only grow.
type Code string

// Severity orders conditions; the worst visible one is the colour of the whole.
type Severity int

// The severities. A green condition is a remark that changes no colour.
const (
	Green Severity = iota
	Yellow
	Red
)

// String gives "green", "yellow" or "red".
func (s Severity) String() string {
	switch s {
	case Green:
		return "green"
	case Yellow:
		return "yellow"
	}
	return "red" // an unknown severity is no reason to feel safe
}

// Args are the values a text names as {key}.
type Args map[string]string

// fill replaces {key} in text. A key without a value stays as it is, which shows
// the mistake; a value is never looked at for further keys.
func (a Args) fill(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	pairs := make([]string, 0, 2*len(a))
	for key, value := range a {
		pairs = append(pairs, "{"+key+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Definition declares one condition.
type Definition struct {
	Code      Code
	System    string // owner: "backup", "disk" …
	Severity  Severity
	DependsOn []Code // while one of these shows and is no less severe, this is hidden as its consequence
	Text      string // one sentence, {key} is replaced from Args
	Hint      string // what one can do, same replacements
	Headline  string // the whole's sentence when this is the worst, same replacements; "" = Text
	// VisibleAfter: it must have been up this long before it shows. VisibleFor: once
	// shown it stays at least this long, even if cleared meanwhile. Both stop flapping.
	VisibleAfter time.Duration
	VisibleFor   time.Duration
}

// Registry is the set of declared conditions, in the order they were declared. It
// never changes after NewRegistry.
type Registry struct {
	definitions []Definition
	index       map[Code]int
}

// NewRegistry refuses (fault.Invalid) empty or duplicate codes, empty texts, unknown
// severities, negative times, dependencies on undeclared codes and cycles.
func NewRegistry(definitions ...Definition) (Registry, error) {
	const op = "declare conditions"
	r := Registry{index: make(map[Code]int, len(definitions))}
	for i, d := range definitions {
		if d.Code == "" || d.System == "" || d.Text == "" {
			return Registry{}, fault.New(fault.Invalid, op, "condition %d (%q) lacks a code, a system or a text", i, d.Code)
		}
		if d.Severity < Green || d.Severity > Red || d.VisibleAfter < 0 || d.VisibleFor < 0 {
			return Registry{}, fault.New(fault.Invalid, op, "%s has an unknown severity or a negative time", d.Code)
		}
		if _, twice := r.index[d.Code]; twice {
			return Registry{}, fault.New(fault.Invalid, op, "%s is declared twice", d.Code)
		}
		r.index[d.Code] = i
		d.DependsOn = slices.Clone(d.DependsOn)
		r.definitions = append(r.definitions, d)
	}
	for _, d := range r.definitions {
		for _, cause := range d.DependsOn {
			if _, declared := r.index[cause]; !declared {
				return Registry{}, fault.New(fault.Invalid, op, "%s depends on %s, which nobody declares", d.Code, cause)
			}
		}
		if slices.Contains(r.causes(d.Code, nil), d.Code) {
			return Registry{}, fault.New(fault.Invalid, op, "%s depends on itself", d.Code)
		}
	}
	return r, nil
}

// causes adds to known all that code depends on, however far.
func (r Registry) causes(code Code, known []Code) []Code {
	for _, cause := range r.definitions[r.index[code]].DependsOn {
		if !slices.Contains(known, cause) {
			known = r.causes(cause, append(known, cause))
		}
	}
	return known
}

// Find gives a definition.
func (r Registry) Find(code Code) (Definition, bool) {
	i, ok := r.index[code]
	if !ok {
		return Definition{}, false
	}
	return r.definitions[i], true
}

// All gives a copy of the definitions, in order.
func (r Registry) All() []Definition {
	return slices.Clone(r.definitions)
}
