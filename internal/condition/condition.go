// Package condition turns what is wrong into what people see. Conditions are
// declared as data by the system that owns them; a State holds which are up; colour and
// headline are pure functions of it. Absence means healthy, and only root causes show.
package condition

import "time"

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
func (s Severity) String() string { return "" }

// Args are the values a text names as {key}.
type Args map[string]string

// Definition declares one condition.
type Definition struct {
	Code      Code
	System    string // owner: "backup", "disk" …
	Severity  Severity
	DependsOn []Code // while one of these is visible, this is a consequence and hidden
	Text      string // one sentence, {key} is replaced from Args
	Hint      string // what one can do, same replacements
	Headline  string // the whole's sentence when this is the worst; "" = Text
	// VisibleAfter: it must have been up this long before it shows. VisibleFor: once
	// shown it stays at least this long, even if cleared meanwhile. Both stop flapping.
	VisibleAfter time.Duration
	VisibleFor   time.Duration
}

// Registry is the set of declared conditions, in the order they were declared.
type Registry struct {
	definitions []Definition
	index       map[Code]int
}

// NewRegistry refuses empty or duplicate codes, empty texts, dependencies on
// undeclared codes and cycles.
func NewRegistry(definitions ...Definition) (Registry, error) { return Registry{}, nil }

// Find gives a definition.
func (r Registry) Find(code Code) (Definition, bool) { return Definition{}, false }

// All gives a copy of the definitions.
func (r Registry) All() []Definition { return nil }

// State is which conditions are up. It is a value; the zero State is healthy.
type State struct {
	up map[Code]raised
}

type raised struct {
	since   time.Time
	cleared time.Time
	args    Args
}

// Raise gives the state with code up. Raising again keeps the time it began and
// takes the new args. Undeclared codes are an error.
func (s State) Raise(r Registry, code Code, args Args, now time.Time) (State, error) { return s, nil }

// Clear gives the state without code.
func (s State) Clear(r Registry, code Code, now time.Time) (State, error) { return s, nil }

// Up tells whether code is up, visible or not.
func (s State) Up(code Code) bool { return false }

// Shown is a visible condition.
type Shown struct {
	Code     Code
	System   string
	Severity Severity
	Text     string
	Hint     string
	Since    time.Time
}

// Visible gives what people should see: root causes only, worst first, then in the
// order of declaration.
func (s State) Visible(r Registry, now time.Time) []Shown { return nil }

// Colour is the severity of the worst visible condition.
func (s State) Colour(r Registry, now time.Time) Severity { return Green }

// NextChange is when Visible will change by the passing of time alone; zero = never.
func (s State) NextChange(r Registry, now time.Time) time.Time { return time.Time{} }

// Headline is the one sentence: "Your data is safe." with the proof, or what is wrong.
func (s State) Headline(r Registry, now time.Time, proof string) string { return "" }
