package schedule

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/schedule"
)

// ledger outlives a restart of the actor.
type ledger struct {
	entries []*entry // in the order in which they were first added
}

// entry is one schedule of one owner.
type entry struct {
	owner    *actor.PID
	key      string
	spec     schedule.Spec
	jitter   schedule.Jitter
	lastDone time.Time // zero = never
	memo     memo

	once  bool // a single run, after so long, which is at
	after time.Duration
	at    time.Time
}

// memo is the last answer to when an entry runs next.
type memo struct{ askedAt, lastDone, next time.Time }

// put adds an entry, in the place of one with the same owner and key.
func (l *ledger) put(e *entry) {
	at := slices.IndexFunc(l.entries, func(o *entry) bool { return o.key == e.key && o.owner.Equal(e.owner) })
	if at >= 0 {
		l.entries[at] = e
		return
	}
	l.entries = append(l.entries, e)
}

func (l *ledger) drop(e *entry) {
	if at := slices.Index(l.entries, e); at >= 0 {
		l.entries = slices.Delete(l.entries, at, at+1)
	}
}

// find gives the entry of the actor behind a sender, nil when there is none.
func (l *ledger) find(sender *actor.PID, key string) *entry {
	if sender == nil {
		return nil
	}
	owner := kit.Origin(sender)
	for _, e := range l.entries {
		if e.key == key && e.owner.Equal(owner) {
			return e
		}
	}
	return nil
}

// withoutDaily takes "daily 03:00" to the "03:00" that the calendar reads.
func withoutDaily(text string) string {
	day, hour, ok := strings.Cut(strings.TrimSpace(text), " ")
	if ok && strings.EqualFold(day, "daily") {
		return hour
	}
	return text
}

func asFault(err error) *fault.Error {
	var e *fault.Error
	if errors.As(err, &e) {
		return e
	}
	return fault.Wrap(fault.Internal, "read schedule", err.Error(), err)
}
