package supervisor

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

// eventsKept is how many of the newest events a tree holds for late subscribers.
const eventsKept = 1000

// eventLog numbers the events of one database without gaps and knows who listens. It
// is a ledger: made outside the tree's producer, so a restart loses nothing.
type eventLog struct {
	database    string
	sequence    uint64
	kept        []*messages.Event // oldest first
	subscribers []*actor.PID
}

// add gives the event its number, time and database, and keeps it.
func (l *eventLog) add(e *messages.Event, now time.Time) {
	l.sequence++
	e.Sequence, e.TimeUnixMs, e.Database = l.sequence, now.UnixMilli(), l.database
	if len(l.kept) == eventsKept {
		copy(l.kept, l.kept[1:])
		l.kept[eventsKept-1] = e
		return
	}
	l.kept = append(l.kept, e)
}

// since gives the kept events after a sequence, oldest first.
func (l *eventLog) since(after uint64) []*messages.Event {
	for i, e := range l.kept {
		if e.Sequence > after {
			return l.kept[i:]
		}
	}
	return nil
}

// listen adds a subscriber once.
func (l *eventLog) listen(pid *actor.PID) {
	l.leave(pid)
	l.subscribers = append(l.subscribers, pid)
}

// leave removes a subscriber; false when it was none.
func (l *eventLog) leave(pid *actor.PID) bool {
	for i, s := range l.subscribers {
		if s.Equal(pid) {
			l.subscribers = append(l.subscribers[:i:i], l.subscribers[i+1:]...)
			return true
		}
	}
	return false
}

// eventOf gives the event for what an actor told the tree; nil when it is no event.
func eventOf(msg any) *messages.Event {
	switch m := msg.(type) {
	case *messages.BackupTaken:
		return &messages.Event{Type: "backup.verified", Body: &messages.Event_BackupTaken{BackupTaken: m}}
	case *messages.BackupFailed:
		return &messages.Event{Type: "backup.failed", Body: &messages.Event_BackupFailed{BackupFailed: m}}
	case *messages.BackupSkipped:
		return &messages.Event{Type: "backup.skipped", Body: &messages.Event_BackupSkipped{BackupSkipped: m}}
	case *messages.BackupPruned:
		return &messages.Event{Type: "backup.pruned", Body: &messages.Event_BackupPruned{BackupPruned: m}}
	case *messages.BackupRotten:
		return &messages.Event{Type: "backup.rotten", Body: &messages.Event_BackupRotten{BackupRotten: m}}
	case *messages.IntegrityChecked:
		return &messages.Event{Type: "integrity.checked", Body: &messages.Event_IntegrityChecked{IntegrityChecked: m}}
	case *messages.DamageFound:
		return &messages.Event{Type: "integrity.damage_found", Body: &messages.Event_DamageFound{DamageFound: m}}
	case *messages.DamageGone:
		return &messages.Event{Type: "integrity.damage_gone", Body: &messages.Event_DamageGone{DamageGone: m}}
	case *messages.RestoreFinished:
		return &messages.Event{Type: either(m.Undo, "restore.undone", "restore.finished"), Body: &messages.Event_RestoreFinished{RestoreFinished: m}}
	case *messages.RestoreFailed:
		return &messages.Event{Type: "restore.failed", Body: &messages.Event_RestoreFailed{RestoreFailed: m}}
	case *messages.HealthChanged:
		return &messages.Event{Type: "health.changed", Body: &messages.Event_HealthChanged{HealthChanged: m}}
	case *messages.FenceChanged:
		return &messages.Event{Type: either(m.Active, "fence.raised", "fence.lifted"), Body: &messages.Event_FenceChanged{FenceChanged: m}}
	case *messages.ActorRestarted:
		return &messages.Event{Type: "actor.restarted", Body: &messages.Event_ActorRestarted{ActorRestarted: m}}
	case *messages.ActorGaveUp:
		return &messages.Event{Type: "actor.gave_up", Body: &messages.Event_ActorGaveUp{ActorGaveUp: m}}
	case *messages.MaintenanceDone:
		return &messages.Event{Type: either(m.Report.GetKind() == "analyze", "maintenance.analyzed", "maintenance.vacuumed"),
			Body: &messages.Event_MaintenanceDone{MaintenanceDone: m}}
	case *messages.MaintenanceSkipped:
		return &messages.Event{Type: "maintenance.skipped", Body: &messages.Event_MaintenanceSkipped{MaintenanceSkipped: m}}
	case *messages.Lifecycle:
		return &messages.Event{Type: "officer." + m.State, Body: &messages.Event_Lifecycle{Lifecycle: m}}
	}
	return nil
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// nameOf is the name of a message as the .proto has it; "" for what is no message.
func nameOf(msg any) string {
	if m, ok := msg.(proto.Message); ok {
		return string(m.ProtoReflect().Descriptor().Name())
	}
	return ""
}
