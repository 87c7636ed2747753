// Package space holds the rules about room on volumes: which level a free space means,
// when that level is left again, what the next job needs, when a volume will be full,
// and which places SQLite should not live on. It is pure: whoever looks at volumes
// passes the numbers in.
package space

import "time"

// Level says how bad the want of room on a volume is. Higher is worse.
type Level int

// The levels.
const (
	OK             Level = iota
	Low                  // a warning
	ImportsBlocked       // bulk imports are refused
	WritesBlocked        // all writes are held back
)

// String gives the name that messages carry.
func (l Level) String() string {
	switch l {
	case OK:
		return "ok"
	case Low:
		return "low"
	case ImportsBlocked:
		return "imports_blocked"
	}
	return "writes_blocked"
}

// Limits are the free bytes below which a volume has a level. In settings 0 means the
// default and a negative number never; For resolves that.
type Limits struct {
	WarnBytes    int64
	ImportsBytes int64
	WritesBytes  int64
}

// The defaults, and the share of a volume that each may be at most: a volume of 100 MB
// is not full because it is small. A limit that somebody set is taken as it is.
const (
	warnDefaultBytes    = 1_000_000_000
	importsDefaultBytes = 500_000_000
	writesDefaultBytes  = 100_000_000

	warnShare    = 2
	importsShare = 4
	writesShare  = 10
)

// For resolves settings for a volume of totalBytes: then 0 means never.
func (l Limits) For(totalBytes int64) Limits {
	return Limits{
		WarnBytes:    resolved(l.WarnBytes, warnDefaultBytes, totalBytes/warnShare),
		ImportsBytes: resolved(l.ImportsBytes, importsDefaultBytes, totalBytes/importsShare),
		WritesBytes:  resolved(l.WritesBytes, writesDefaultBytes, totalBytes/writesShare),
	}
}

func resolved(set, otherwise, mostBytes int64) int64 {
	switch {
	case set < 0:
		return 0
	case set > 0:
		return set
	case mostBytes > 0:
		return min(otherwise, mostBytes)
	}
	return otherwise // a file system that does not tell its size
}

// Needing raises the warning to what the next job needs, if that is more. A warning that
// was switched off stays off.
func (l Limits) Needing(nextJobBytes int64) Limits {
	if l.WarnBytes > 0 {
		l.WarnBytes = max(l.WarnBytes, nextJobBytes)
	}
	return l
}

// OnlyWarning is for volumes that hold nothing of value (temporary files): they warn
// when writes would stop elsewhere, and stop nothing.
func (l Limits) OnlyWarning() Limits { return Limits{WarnBytes: l.WritesBytes} }

// at is the level of a free space, without memory.
func (l Limits) at(freeBytes int64) Level {
	switch {
	case freeBytes < l.WritesBytes:
		return WritesBlocked
	case freeBytes < l.ImportsBytes:
		return ImportsBlocked
	case freeBytes < l.WarnBytes:
		return Low
	}
	return OK
}

// calmShare is the part of a limit that must be free above it before its level is left.
const calmShare = 10

// Next is the level after one more look, of resolved limits. It gets worse at once and
// better only when a tenth more than the limit is free, so that it does not flap.
func (l Limits) Next(was Level, freeBytes int64) Level {
	now := l.at(freeBytes)
	if now >= was {
		return now
	}
	calm := Limits{
		WarnBytes:    l.WarnBytes + l.WarnBytes/calmShare,
		ImportsBytes: l.ImportsBytes + l.ImportsBytes/calmShare,
		WritesBytes:  l.WritesBytes + l.WritesBytes/calmShare,
	}
	return min(was, calm.at(freeBytes))
}

// BetterAtBytes is the free space at which a level is left for a better one.
func (l Limits) BetterAtBytes(level Level) int64 {
	limit := int64(0)
	switch level {
	case Low:
		limit = l.WarnBytes
	case ImportsBlocked:
		limit = l.ImportsBytes
	case WritesBlocked:
		limit = l.WritesBytes
	}
	return limit + limit/calmShare
}

// Free inodes below which new files may soon be refused, and from which on not.
const (
	inodesLow  = 1000
	inodesCalm = 1500
)

// InodesLow tells whether inodes run short; was is the last answer. -1 is unknown.
func InodesLow(was bool, freeInodes int64) bool {
	if freeInodes < 0 {
		return false
	}
	return freeInodes < inodesLow || was && freeInodes < inodesCalm
}

// Waits until the next look, when the calendar's hour is too long.
const (
	lookWhenBad  = time.Minute
	lookWhenNear = 5 * time.Minute
	nearTimes    = 3 // times the warning
)

// LookAgain says how soon to look again at a volume; 0 = by the calendar.
func (l Limits) LookAgain(level Level, freeBytes int64) time.Duration {
	switch {
	case level > OK:
		return lookWhenBad
	case freeBytes < nearTimes*l.WarnBytes:
		return lookWhenNear
	}
	return 0
}
