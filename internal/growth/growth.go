// Package growth decides when the write-ahead log is looked at again and when it is
// emptied, and tells which reader keeps how much of it.
package growth

import "time"

// Policy says how large the WAL may grow and when the app counts as idle. All fields are needed.
type Policy struct {
	LimitBytes int64
	Idle       time.Duration // without a change of the WAL
	LookEvery  time.Duration // between two looks at a WAL that nobody changes
}

// How often a WAL that changes is looked at. At 5 MB/s half of the default limit is full
// within a second, and a look is one stat.
const (
	lookFastest = 100 * time.Millisecond
	lookChanged = time.Second
	// Who is in the way must be named within 5 s, which takes two looks. When it stays it
	// must be cleared within a few seconds too, but may stay for days.
	lookBlocked    = 1500 * time.Millisecond
	lookBlockedMax = 5 * time.Second
	idleRetry      = 5 * time.Minute
)

// Look is one look at the WAL: its size and when it was last written.
type Look struct {
	At       time.Time
	Bytes    int64 // 0 = empty or not there
	Modified time.Time
}

// State is what is known from earlier looks; the zero value knows nothing.
type State struct {
	last    Look
	quiet   time.Time // since when nothing changed
	pause   time.Duration
	tried   bool // it was emptied as far as it could be since it last changed
	idle    bool // the same for want of activity
	Blocked bool // the last attempt left something because of a reader
}

// Step is what to do now.
type Step struct {
	Empty bool          // move its pages and empty it, because it grows
	Idle  bool          // the same, because nobody has written for a while
	Large bool          // it is beyond the limit
	Calm  bool          // Next is the slowest, and what it will find unless the WAL changes is known
	Next  time.Duration // until the next look
}

// soon is where work begins: what is written until the next look and during the
// checkpoint has to fit into what is left. Of the default limit it lies just above the
// 1,000 pages at which an app checkpoints by itself
// (https://sqlite.org/pragma.html#pragma_wal_autocheckpoint).
func (p Policy) soon() int64 { return p.LimitBytes / 100 * 45 }

// ahead is for how long the present growth must fit below the limit.
const ahead = 1200 * time.Millisecond

// fast tells whether the WAL would pass its limit at the present rate before an attempt
// that a writer holds up could be over.
func (p Policy) fast(before, now Look) bool {
	grown, took := now.Bytes-before.Bytes, now.At.Sub(before.At)
	if grown <= 0 || took <= 0 || now.Bytes < p.LimitBytes/4 {
		return false
	}
	return float64(now.Bytes)+float64(grown)*float64(ahead)/float64(took) > float64(p.LimitBytes)
}

// Small tells whether a WAL of a size is none to worry about.
func (p Policy) Small(bytes int64) bool { return bytes < p.soon() }

// Next takes a look and says what to do.
func (p Policy) Next(s State, l Look) (State, Step) {
	first := s.last.At.IsZero()
	changed := first || l.Bytes != s.last.Bytes || !l.Modified.Equal(s.last.Modified)
	// A clock that was set back makes nothing wait for ever.
	if changed || l.At.Before(s.quiet) {
		s.quiet, s.tried, s.idle = l.At, false, false
	}
	step := Step{Large: l.Bytes > p.LimitBytes}
	step.Empty = (!p.Small(l.Bytes) || !first && p.fast(s.last, l)) && (!s.tried || s.Blocked)
	step.Idle = !step.Empty && l.Bytes > 0 && !s.idle && l.At.Sub(s.quiet) >= p.Idle
	switch {
	case s.Blocked && !p.Small(l.Bytes):
		s.pause = min(max(s.pause+s.pause/2, lookBlocked), lookBlockedMax)
	case changed && !first:
		s.pause = p.untilSoon(s.last, l)
	default:
		s.pause = min(max(2*s.pause, lookChanged), p.LookEvery)
	}
	step.Next = s.pause
	step.Calm = !changed && !step.Large && !step.Empty && !step.Idle && !s.Blocked && s.pause == p.LookEvery
	s.last = l
	return s, step
}

// untilSoon is half the time in which the WAL will be large enough to be emptied at the
// present rate, within bounds.
func (p Policy) untilSoon(before, now Look) time.Duration {
	grown, took := now.Bytes-before.Bytes, now.At.Sub(before.At)
	switch {
	case grown < 0: // just emptied, under a writer
		return lookFastest
	case grown == 0 || took <= 0:
		return lookChanged
	}
	left := float64(p.soon()-now.Bytes) / float64(grown) * float64(took) / 2
	if left > float64(lookChanged) {
		return lookChanged
	}
	return max(time.Duration(left), lookFastest)
}

// Still notes that nothing had changed at a later time, so that growth is measured from there.
func (s State) Still(at time.Time) State {
	if at.After(s.last.At) {
		s.last.At = at
	}
	return s
}

// Emptied notes what an attempt left, so that growth is measured from there.
func (s State) Emptied(l Look) State {
	s.last = l
	return s
}

// Tried notes the outcome of an attempt: whether a reader was in the way.
func (s State) Tried(blocked bool) State {
	if blocked && !s.Blocked {
		s.pause = 0
	}
	s.tried, s.Blocked = true, blocked
	return s
}

// IdleDone notes an attempt for want of activity. One that failed is repeated in 5 minutes.
func (s State) IdleDone(p Policy, now time.Time, ok bool) State {
	s.idle = ok
	if !ok {
		s.quiet = now.Add(idleRetry - p.Idle)
	}
	return s
}

// Pinned is how many frames of a WAL cannot be moved into the database because of a
// reader in the given slots of the wal-index: those after its read mark. A reader in slot
// 0 uses the database file alone and lets nothing be moved at all
// (https://sqlite.org/walformat.html#wal_locks). Marks below 0 are unused.
func Pinned(frames, backfilled int64, marks []int64, slots []int) (pinned int64) {
	for _, slot := range slots {
		switch {
		case slot == 0:
			pinned = max(pinned, frames-backfilled)
		case slot > 0 && slot < len(marks) && marks[slot] >= 0:
			pinned = max(pinned, frames-marks[slot])
		}
	}
	return pinned
}
