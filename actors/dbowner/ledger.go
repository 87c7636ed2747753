package dbowner

import (
	"context"
	"slices"
	"sync"
	"time"
)

// ledger is what outlives a restart of the owner: made once in Props, outside the
// producer. Owner, worker and fence never run a handler on it at the same time unless
// stated, because it passes between them only with the messages that start and end them.
type ledger struct {
	reasons   []string // why the fence is up, in the order in which they were raised
	since     time.Time
	ownReason bool // reasonRestore was raised by a job and ends with it

	lock fenceLock // used by the fence child alone
	// keepLock tells a stopping fence child to leave the lock held for its successor. The
	// owner sets it before its children are stopped.
	keepLock bool

	serial         uint64 // of the newest job
	workerRestarts int32
	crashesInRow   int // since the last job that came back
	lastFailure    string

	activity activity
	seen     identitySeen
	// descriptors keeps Opener.Guard apart from everything that opens or closes the
	// database, its -wal or its -journal: a descriptor that SQLite does not list (yet, any
	// more) would be taken for a foreign driver. Openers share it, the guard has it alone.
	descriptors sync.RWMutex
}

// fenceLock is the fence's connection and whether it holds the write lock.
type fenceLock struct {
	db   Database
	held bool
}

// identitySeen is the file that was opened first. The worker alone uses it.
type identitySeen struct {
	device, inode uint64
	known         bool
}

// raise adds a reason and tells whether it is new.
func (l *ledger) raise(reason string, now time.Time) bool {
	if slices.Contains(l.reasons, reason) {
		return false
	}
	if len(l.reasons) == 0 {
		l.since = now
	}
	l.reasons = append(l.reasons, reason)
	return true
}

// lift takes a reason away and tells whether it was there.
func (l *ledger) lift(reason string) bool {
	at := slices.Index(l.reasons, reason)
	if at < 0 {
		return false
	}
	l.reasons = slices.Delete(l.reasons, at, at+1)
	return true
}

// guard looks for a foreign driver, unless Officer itself is opening or closing
// something just now; then the next look will do.
func (l *ledger) guard(ctx context.Context, opener Opener) error {
	if !l.descriptors.TryLock() {
		return nil
	}
	defer l.descriptors.Unlock()
	return opener.Guard(ctx)
}

func (l *ledger) open(ctx context.Context, opener Opener, purpose Purpose) (Database, error) {
	l.descriptors.RLock()
	defer l.descriptors.RUnlock()
	return opener.Open(ctx, purpose)
}

func (l *ledger) close(db Database) error {
	l.descriptors.RLock()
	defer l.descriptors.RUnlock()
	return db.Close()
}
