// Package notice decides which news a person is told: who wants it, what was told
// already, and how much is too much. It is pure: now is an argument.
package notice

import (
	"strings"
	"time"
)

// Severity orders news.
type Severity int

// The severities. Green is good news: it goes to whoever was told the bad ones.
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
	return "red"
}

// Note is one piece of news for people. Nothing in it is secret.
type Note struct {
	ID       string // unique; the same for every try of a delivery
	Type     string // of the event: "health.changed"
	Database string
	Severity Severity
	Title    string // one line
	Text     string
	Hints    []string // commands that can be pasted
	At       time.Time
	Key      string // equal keys say the same thing
	Ping     Ping   // what it means for a dead man's switch
}

// Ping is what a healthchecks check is told; absence of pings is its alarm.
type Ping string

// The pings.
const (
	NoPing  Ping = ""
	Start   Ping = "start"
	Success Ping = "success"
	Fail    Ping = "fail"
)

// Filter is what one receiver wants. The zero value wants everything from yellow on.
type Filter struct {
	Severity Severity // from this on; Green counts as Yellow
	Events   []string // types, or "backup.*"; empty = all
}

// Wants tells whether the receiver wants a note. Good news passes every severity: that
// something is over matters to whoever heard that it began.
func (f Filter) Wants(n Note) bool {
	if n.Severity != Green && n.Severity < max(f.Severity, Yellow) {
		return false
	}
	if len(f.Events) == 0 {
		return true
	}
	for _, want := range f.Events {
		group, all := strings.CutSuffix(want, "*")
		if want == n.Type || all && strings.HasPrefix(n.Type, group) {
			return true
		}
	}
	return false
}

// Limits of what one receiver is told.
const (
	repeatAfter = 6 * time.Hour // the same again only then
	hourlyMax   = 12            // notes an hour; a person who gets more reads none
)

// Gate remembers what one receiver was told. The zero value has told nothing.
type Gate struct {
	told []past
	bad  bool // something bad was told and is not over
	held int  // notes swallowed since the last one that passed
}

type past struct {
	key string
	at  time.Time
}

// Pass decides about a note: whether it goes, and how many were held back since the
// last one that went. Good news goes only when bad news went before.
func (g Gate) Pass(n Note, now time.Time) (next Gate, pass bool, held int) {
	next = Gate{bad: g.bad, held: g.held}
	inHour, same := 0, false
	for _, p := range g.told {
		age := now.Sub(p.at)
		if age < 0 || age >= repeatAfter { // a clock that was set back must not silence for hours
			continue
		}
		next.told = append(next.told, p)
		if age < time.Hour {
			inHour++
		}
		same = same || p.key == n.Key
	}
	if n.Severity == Green {
		if !g.bad {
			return next, false, 0
		}
		// What was told of a trouble that is over may be told anew when it comes back,
		// within the hour's limit.
		for i := range next.told {
			next.told[i].key = ""
		}
		next.bad = false
		next.told = append(next.told, past{at: now})
		next.held = 0
		return next, true, g.held
	}
	if same || inHour >= hourlyMax {
		next.held++
		return next, false, 0
	}
	next.told = append(next.told, past{key: n.Key, at: now})
	next.bad, next.held = true, 0
	return next, true, g.held
}
