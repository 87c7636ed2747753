// Package retention decides which backups stay and which may go. It is pure: the
// decision and its reasons follow from the situation, the backups and the policy
// alone, so that a user can ask why a file is still there and when it will go.
//
// # The rules
//
// Only verified backups count. Each counted backup holds at most one slot; slots
// are given out from the shortest reach to the longest, newest first:
//
//   - recent: the newest;
//   - daily: the last one of the newest day whose last one is still free (so: of
//     the newest earlier day, because the newest backup is held by recent);
//   - weekly: the first one of the newest week (Sunday to Saturday) whose first
//     one is still free;
//   - monthly: the first ones of the newest 12 months whose first ones are free;
//   - yearly: the first one of the newest year whose first one is free.
//
// Days, weeks, months and years that have no backup are not looked at, so a
// period in which the machine was off costs nothing. A backup that is the first of
// its week, month or year always finds a slot from its first day on, which is why
// nothing that a later plan wants has been dropped by an earlier one.
//
// The two newest counted backups are kept even without a slot as long as the
// policy's total (at least two) is not exceeded. Pinned backups stay for ever and
// outside the count; suspect, quarantined, unverified and future-stamped ones are
// kept aside: never counted, never dropped, never a reason to drop another.
//
// A backup whose pin ends by itself is counted like the others but stays while the pin
// lasts, also without a slot.
//
// Nothing at all is dropped while the live database is suspect, in a cycle in
// which the clock jumped, or unless the newest counted backup was verified just now.
package retention

import "time"

// Tier is the slot a backup holds, which is also the folder its file lies in.
type Tier string

// The tiers. Only the first five are counted.
const (
	Recent      Tier = "recent"
	Daily       Tier = "daily"
	Weekly      Tier = "weekly"
	Monthly     Tier = "monthly"
	Yearly      Tier = "yearly"
	Pinned      Tier = "pinned"
	Suspect     Tier = "suspect"
	Quarantined Tier = "quarantined"
)

// Counted tells whether backups of this tier count towards the policy's total.
func (t Tier) Counted() bool {
	switch t {
	case Recent, Daily, Weekly, Monthly, Yearly:
		return true
	}
	return false
}

// Valid tells whether t is one of the tiers.
func (t Tier) Valid() bool {
	return t.Counted() || t == Pinned || t == Suspect || t == Quarantined
}

// Backup is what retention needs to know of one backup.
type Backup struct {
	ID          string    // unique; breaks ties between equal times
	TakenAt     time.Time // when its snapshot was taken
	Tier        Tier      // where it lies now; "" = not placed yet
	Verified    bool      // its newest verdict is good
	Pinned      bool      // the user wants it for ever
	PinnedUntil time.Time // pinned until then, because the schema changed after it; zero = not
	Suspect     bool      // taken from a database that failed its check
	Quarantined bool      // found rotten, or set aside by hand
	SizeBytes   int64
}

// Situation is everything else a decision depends on.
type Situation struct {
	Now      time.Time
	Location *time.Location // whose calendar the days, weeks, months and years are; nil = UTC
	// LastNow is Now of the cycle before, zero when there was none. Elapsed is how
	// much time passed since then by a clock that nobody can set and that does not
	// stop in sleep; zero = unknown. Together they show that the clock jumped.
	LastNow time.Time
	Elapsed time.Duration
	// LiveSuspect says that the live database failed its check and is not yet repaired.
	LiveSuspect bool
	// Restoring says that this backup is taken for a restore, which can still fail: then the
	// backup that is to be restored is wanted once more.
	Restoring bool
	// VerifiedID is the backup whose verification occasions this cycle, "" when it is
	// only asked for an explanation. Nothing is dropped unless it is the newest one.
	VerifiedID string
}

// Kept is a backup that stays, why, and what will end that.
type Kept struct {
	ID     string
	Tier   Tier   // where its file belongs from now on
	Reason string // why it is kept, one sentence
	Goes   string // when it will go or what becomes of it, one sentence
	// Held marks a backup without a slot that only Decision.Held keeps alive.
	Held bool
	// GoesSameDay: it goes when one more backup of the newest one's day is verified.
	GoesSameDay bool
	// GoesFrom: it goes when a backup taken on or after this instant is verified
	// (a local midnight); zero = no single further backup makes it go.
	GoesFrom time.Time
	// ExpiresAt is the forecast by Explain if one backup a day is verified; zero =
	// never, or not known (and always in a Decision of Plan).
	ExpiresAt time.Time
}

// Dropped is a backup that goes now and why.
type Dropped struct {
	ID     string
	From   Tier   // the slot it lost; "" = it never had one
	Reason string // one sentence
}

// Decision is the outcome of one cycle. Keep and Drop are sorted newest first and
// hold every backup exactly once.
type Decision struct {
	Keep []Kept
	Drop []Dropped
	// Held says why nothing may be dropped in this cycle, "" when something may.
	Held string
}
