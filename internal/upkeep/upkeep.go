// Package upkeep decides when a database is worth tidying: whether VACUUM pays, how
// much room it needs, and whether it may run now without holding the app up. It is
// pure: facts, the time since the last commit and the policy are arguments.
//
// VACUUM rebuilds the whole file in one transaction (https://sqlite.org/lang_vacuum.html)
// and holds the write lock for all of it; no other process can preempt it. So its length
// is foretold from the size, and what is foretold decides how idle the app must be.
package upkeep

import (
	"fmt"
	"time"
)

// Kinds of tidying, as reports name them.
const (
	Vacuum      = "vacuum"
	Incremental = "incremental_vacuum"
	Analyze     = "analyze"
)

// Figures, each with its reason.
const (
	freeShareMin = 0.10
	idleDefault  = time.Hour
	// quietDue is the idleness that the calendar's hour needs: nobody works on Sunday at
	// 03:00, and one nightly job every few minutes must not put it off for ever.
	quietDue = 5 * time.Minute
	// quietAsked is for somebody who asks for it now, but not by force.
	quietAsked = time.Minute
	// holdMax is how long a VACUUM of Officer's own may be foretold to hold writers up. It is
	// interrupted at twice that, still below the 5 s that drivers wait for a lock by default.
	holdMax = 2 * time.Second
	// longIdle: nobody has committed for so long that a longer VACUUM meets nobody.
	longIdle = 6 * time.Hour
	// rateDefault is for a database that was never vacuumed here: an old SSD does it.
	rateDefault = 100_000_000 // bytes per second
	// rateMin keeps one run on a busy disk from foretelling hours.
	rateMin = 1_000_000
	// slack multiplies what was foretold into the time after which a run is interrupted.
	slack = 2
	// holdLongMin is the least limit of a run in a long idle time: a small database on a
	// slow disk shall come to its end.
	holdLongMin = 30 * time.Second
	// spareBytes stay free beside a VACUUM for the app's own writes.
	spareBytes = 64 << 20
)

// Policy are the settings. The zero value stands for the defaults: a tenth of the pages
// free, an hour idle, two seconds of holding writers up.
type Policy struct {
	FreeShareMin float64       // of all pages, 0…1; 0 = 0.10
	Idle         time.Duration // without a commit before an overdue VACUUM; 0 = 1 h
	HoldMax      time.Duration // foretold time of holding writers up; 0 = 2 s
}

// WithDefaults fills what is zero.
func (p Policy) WithDefaults() Policy {
	if p.FreeShareMin <= 0 {
		p.FreeShareMin = freeShareMin
	}
	if p.Idle <= 0 {
		p.Idle = idleDefault
	}
	if p.HoldMax <= 0 {
		p.HoldMax = holdMax
	}
	return p
}

// Facts are what the database looks like.
type Facts struct {
	PageSize   int64 // bytes
	Pages      int64
	FreePages  int64  // on the freelist
	AutoVacuum string // "none", "full", "incremental"
	WAL        bool   // journal mode
}

// SizeBytes is the size of the file with its WAL moved in.
func (f Facts) SizeBytes() int64 { return f.Pages * f.PageSize }

// LiveBytes is what remains after a VACUUM, at most.
func (f Facts) LiveBytes() int64 { return max(f.Pages-f.FreePages, 0) * f.PageSize }

// FreeShare is the part of the pages that is free, 0…1.
func (f Facts) FreeShare() float64 {
	if f.Pages <= 0 {
		return 0
	}
	return float64(f.FreePages) / float64(f.Pages)
}

// Kind is how free pages leave this file: in small steps where the file keeps the
// pointer map for it (https://sqlite.org/pragma.html#pragma_auto_vacuum), else by VACUUM.
func (f Facts) Kind() string {
	if f.AutoVacuum == "incremental" {
		return Incremental
	}
	return Vacuum
}

// NeedBytes is the room that tidying takes beside the file: a VACUUM writes all live
// pages once into a temporary file and once more into the WAL, or the old pages into a
// rollback journal ("as much as twice the size of the original",
// https://sqlite.org/lang_vacuum.html#how_vacuum_works).
func (f Facts) NeedBytes() int64 {
	if f.Kind() == Incremental {
		return spareBytes
	}
	again := f.SizeBytes() // rollback journal
	if f.WAL {
		again = f.LiveBytes()
	}
	return f.LiveBytes() + again + spareBytes
}

// Foretell is how long a VACUUM will hold writers up, at a rate in bytes per second
// that was measured here; 0 = none yet.
func (f Facts) Foretell(rateBytesPerSecond int64) time.Duration {
	rate := rateBytesPerSecond
	if rate <= 0 {
		rate = rateDefault
	}
	return time.Duration(float64(f.SizeBytes()) / float64(max(rate, rateMin)) * float64(time.Second))
}

// Rate is what one run teaches for the next: bytes per second, the mean of what was
// known and what was seen, so that one odd run does not decide. Runs below 10 ms teach nothing.
func Rate(known, sizeBytes int64, took time.Duration) int64 {
	if took < 10*time.Millisecond || sizeBytes <= 0 {
		return known
	}
	seen := max(int64(float64(sizeBytes)/took.Seconds()), rateMin)
	if known <= 0 {
		return seen
	}
	return (known + seen) / 2
}

// Pays tells whether enough pages are free, and says so with the numbers.
func (p Policy) Pays(f Facts) (bool, string) {
	p = p.WithDefaults()
	share, least := f.FreeShare()*100, p.FreeShareMin*100
	if f.FreePages > 0 && f.FreeShare() >= p.FreeShareMin {
		return true, fmt.Sprintf("%.0f %% of the pages are free", share)
	}
	return false, fmt.Sprintf("it does not pay: %.1f %% of the pages are free, it begins at %.0f %%", share, least)
}
