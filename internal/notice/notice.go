// Package notice decides which news a person is told: who wants it, what was told
// already, and how much is too much. It is pure: now is an argument.
package notice

import (
	"slices"
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
	repeatAfter = 6 * time.Hour // the same again only then; pictures of health have a rule of their own
	hourlyMax   = 12            // notes an hour; a person who gets more reads none
)

// Gate remembers what one receiver was told. The zero value has told nothing.
type Gate struct {
	told    []past
	bad     bool   // something bad was told and is not over
	held    int    // notes swallowed since the last one that passed
	refused string // the picture that was swallowed last; it is offered again, and counts once
}

type past struct {
	key string
	at  time.Time
}

// Pass decides about a note: whether it goes, and how many were held back since the
// last one that went. Good news goes only when bad news went before.
func (g Gate) Pass(n Note, now time.Time) (next Gate, pass bool, held int) {
	next, burst := g.recent(now)
	same := slices.ContainsFunc(next.told, func(p past) bool { return p.key == n.Key })
	return next.decide(n, same || burst, now)
}

// Picture is Pass for a note that says how things stand. It is news unless it is the one
// that the receiver has: shown is the key of that, "" for none. What was told before does
// not count, or a receiver would go on believing what is over.
func (g Gate) Picture(n Note, shown string, now time.Time) (next Gate, pass bool, held int) {
	next, burst := g.recent(now)
	if n.Severity == Green {
		return next.decide(n, false, now)
	}
	if n.Key == shown {
		next.refused = "" // it is over, and counts anew when it comes back
		return next, false, 0
	}
	if next.refused == n.Key {
		next.held, next.refused = next.held-1, ""
	}
	if burst {
		next.refused = n.Key
	}
	return next.decide(n, burst, now)
}

// Lost takes back that a note passed: it was dropped before the receiver got it.
func (g Gate) Lost(n Note) Gate {
	g.told = slices.Clone(g.told)
	for i := range g.told {
		if g.told[i].key == n.Key {
			g.told[i].key = "" // it may be told anew, within the hour's limit
		}
	}
	g.bad = g.bad || n.Severity == Green
	return g
}

// recent is the gate without what is too old to matter, and whether the hour is full.
func (g Gate) recent(now time.Time) (next Gate, burst bool) {
	next = g
	next.told = nil
	inHour := 0
	for _, p := range g.told {
		age := now.Sub(p.at)
		if age < 0 || age >= repeatAfter { // a clock that was set back must not silence for hours
			continue
		}
		next.told = append(next.told, p)
		if age < time.Hour {
			inHour++
		}
	}
	return next, inHour >= hourlyMax
}

// decide notes what becomes of a note, in a gate that nobody else has.
func (g Gate) decide(n Note, hold bool, now time.Time) (next Gate, pass bool, held int) {
	switch {
	case n.Severity == Green && !g.bad:
		return g, false, 0
	case n.Severity == Green:
		// What was told of a trouble that is over may be told anew when it comes back,
		// within the hour's limit.
		for i := range g.told {
			g.told[i].key = ""
		}
		g.told = append(g.told, past{at: now})
	case hold:
		g.held++
		return g, false, 0
	default:
		g.told = append(g.told, past{key: n.Key, at: now})
	}
	held = g.held
	g.bad, g.held, g.refused = n.Severity != Green, 0, ""
	return g, true, held
}
