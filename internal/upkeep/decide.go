package upkeep

import (
	"fmt"
	"time"
)

// Occasion is what brought tidying up.
type Occasion int

// The occasions, from the weakest wish to the strongest.
const (
	Overdue Occasion = iota // its calendar time is over; only a long enough idle time will do
	Due                     // its calendar time is now
	Asked                   // somebody asked for it
	Forced                  // somebody ordered it, also when it does not pay or the app works
)

// Situation is everything that a decision depends on.
type Situation struct {
	Occasion Occasion
	Facts    Facts
	Idle     time.Duration // since the last commit of anybody
	Rate     int64         // bytes per second of earlier runs, 0 = none

	Suspect     string // why the database is not trusted; empty = it is
	CannotJudge bool   // the last full check met a module or collation unknown here
	Fenced      bool
	Importing   bool
}

// Refusal is why nothing is done now.
type Refusal int

// The refusals.
const (
	None      Refusal = iota
	Unsafe            // never in this state, whoever orders it
	NotPaying         // settled until the next period
	NotNow            // the app works; later
)

const importRuns = "an import runs"

// Decision is what to do. With a Refusal other than None nothing; Because says why, in
// one sentence without a full stop, in both cases.
type Decision struct {
	Refusal   Refusal
	Because   string
	Kind      string        // Vacuum or Incremental
	Hold      time.Duration // interrupted when it holds writers up longer; 0 = no limit
	NeedBytes int64
	Wait      time.Duration // NotNow: idle time still missing, 0 = unknown
}

// Decide says whether the database may be tidied now.
func Decide(p Policy, s Situation) Decision {
	p = p.WithDefaults()
	d := Decision{Kind: s.Facts.Kind(), NeedBytes: s.Facts.NeedBytes()}
	if why := s.Unsafe(); why != "" {
		d.Refusal, d.Because = Unsafe, why
		return d
	}
	pays, words := p.Pays(s.Facts)
	d.Because = words
	if s.Occasion == Forced {
		if d.Because = "ordered"; d.Kind == Incremental && s.Facts.FreePages == 0 {
			d.Refusal, d.Because = NotPaying, "no page is free"
		}
		return d
	}
	if !pays {
		d.Refusal = NotPaying
		return d
	}
	if s.Importing {
		d.Refusal, d.Because = NotNow, importRuns
		return d
	}
	need, hold, why := p.idleNeeded(s)
	if s.Idle < need {
		d.Refusal, d.Wait = NotNow, need-s.Idle
		d.Because = fmt.Sprintf("the app is busy: its last commit was %s ago, and %s is needed%s", spoken(s.Idle), spoken(need), why)
		return d
	}
	d.Hold = hold
	return d
}

// Unsafe says why the database must not be tidied at all now, whoever orders it; empty
// = it may.
func (s Situation) Unsafe() string {
	switch {
	case s.Suspect != "":
		return "the database is not trusted: " + s.Suspect
	case s.CannotJudge:
		return "the database uses a module or collation that Officer does not have, so it could not rebuild it rightly"
	case s.Fenced:
		return "writes are held back"
	case s.Importing && s.Occasion == Forced:
		return importRuns
	}
	return ""
}

// idleNeeded gives the idle time that this occasion and this size ask for, and how long
// the run may take then.
func (p Policy) idleNeeded(s Situation) (need, hold time.Duration, why string) {
	switch s.Occasion {
	case Due:
		need = min(quietDue, p.Idle)
	case Asked:
		need = min(quietAsked, p.Idle)
	default:
		need = p.Idle
	}
	if s.Facts.Kind() == Incremental { // in steps that hold nobody up
		return need, p.HoldMax, ""
	}
	foretold := s.Facts.Foretell(s.Rate)
	if foretold <= p.HoldMax {
		return need, slack * p.HoldMax, ""
	}
	return max(need, longIdle), max(holdLongMin, 2*slack*foretold),
		fmt.Sprintf(", because it would hold writers up for about %s", spoken(foretold))
}

// spoken writes a duration for people: "0.4 s", "12 s", "5 min", "6 h".
func spoken(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", max(d, 0).Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}

// DecideAnalyze says whether statistics may be renewed now. That is bounded and short,
// so after some tries put off for a busy app it goes ahead; a wish goes ahead at once.
func DecideAnalyze(s Situation, putOff int) Decision {
	d := Decision{Kind: Analyze}
	if why := s.Unsafe(); why != "" {
		d.Refusal, d.Because = Unsafe, why
		return d
	}
	switch {
	case s.Occasion >= Asked:
	case s.Importing:
		d.Refusal, d.Because = NotNow, importRuns
	case s.Idle < quietAsked && putOff < putOffMax:
		d.Refusal, d.Wait = NotNow, quietAsked-s.Idle
		d.Because = fmt.Sprintf("the app is busy: its last commit was %s ago", spoken(s.Idle))
	}
	return d
}

// putOffMax is how often ANALYZE waits for a quiet minute.
const putOffMax = 6

// OverdueAfter is how long a VACUUM that would pay may be put off before it is said.
const OverdueAfter = 3 * 7 * 24 * time.Hour

// PutOff tells whether a VACUUM that would pay since wanted has been put off too long;
// a zero wanted means that none is wanted.
func PutOff(wanted, now time.Time) bool {
	return !wanted.IsZero() && now.Sub(wanted) > OverdueAfter
}
