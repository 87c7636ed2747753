package supervisor

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/journal"
	"github.com/officer-doofy/officer/messages"
)

// eventsKept is how many of the newest events a tree holds for late subscribers.
const eventsKept = 1000

// eventLog numbers the events of one database without gaps, also across restarts of
// Officer, chains them by hash, and knows who listens. It is a ledger: made outside the
// tree's producer, so a restart of the tree loses nothing.
type eventLog struct {
	database    string
	sequence    uint64
	head        string // hash of the newest
	begun       uint64 // sequence of the newest before this run
	kept        []kept // oldest first
	subscribers []*actor.PID
	journal     *eventJournal // nil: in memory only
	found       []finding     // what was changed while Officer did not run
}

// kept is one event: as it was told in this run, or the line of an earlier one.
type kept struct {
	sequence uint64
	kind     string
	event    *messages.Event
	line     []byte
}

// keep has the events written down, and goes on where the journal ends, or where it was
// noted to have ended. A tree that is made anew goes on with the same journal.
func (l *eventLog) keep(files fsx.FS, at place, log *slog.Logger) {
	if l.journal != nil {
		l.journal.speak(log)
		return
	}
	j, lines := openJournal(files, at, log)
	l.journal = j
	// Before any part runs: the first change of the list of backups would seal anew what
	// was changed while nobody watched.
	l.found = j.verify()
	for _, line := range lines[max(0, len(lines)-eventsKept):] {
		l.kept = append(l.kept, kept{sequence: line.Sequence, kind: line.Type, line: line.Raw})
		l.sequence, l.head = line.Sequence, line.Hash
	}
	if j.noted.Sequence > l.sequence {
		l.sequence, l.head = j.noted.Sequence, j.noted.Hash
	}
	l.begun = l.sequence
}

// add gives the event its number, time, database and place in the chain, and keeps it.
// write asks the caller to have the journal written.
func (l *eventLog) add(e *messages.Event, now time.Time) (write bool) {
	l.sequence++
	e.Sequence, e.TimeUnixMs, e.Database = l.sequence, now.UnixMilli(), l.database
	e.Prev, e.Hash = l.head, ""
	line, hash, err := sealed(e)
	if err == nil {
		e.Hash, l.head = hash, hash
		write = l.journal != nil && l.journal.put(line, important(e.Type))
	}
	if len(l.kept) == eventsKept {
		copy(l.kept, l.kept[1:])
		l.kept = l.kept[:eventsKept-1]
	}
	l.kept = append(l.kept, kept{sequence: e.Sequence, kind: e.Type, event: e})
	return write
}

// sealed is the line of an event in the journal. Compacting takes away the spaces that
// protojson puts in at random.
func sealed(e *messages.Event) (line []byte, hash string, err error) {
	object, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(e)
	if err != nil {
		return nil, "", err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, object); err != nil {
		return nil, "", err
	}
	return journal.Seal(compact.Bytes())
}

// important events are on the device before the next one is written: what was done to
// data, and what a person must hear of.
func important(kind string) bool {
	switch kind {
	case "backup.skipped", "integrity.checked", "health.changed", "query.slow", "actor.restarted",
		"wal.checkpointed", "wal.grew", "wal.blocked", "maintenance.skipped", "officer.started", "officer.stopping":
		return false
	}
	return true
}

// told gives a kept event, nil for a line that no longer is one.
func (k kept) told() *messages.Event {
	if k.event != nil {
		return k.event
	}
	e := &messages.Event{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(k.line, e); err != nil {
		return nil
	}
	return e
}

// since gives the kept events after a sequence, oldest first; after 0 those of this run.
func (l *eventLog) since(after uint64) []*messages.Event {
	if after == 0 {
		after = l.begun
	}
	var out []*messages.Event
	for _, k := range l.kept {
		if k.sequence <= after {
			continue
		}
		if e := k.told(); e != nil {
			out = append(out, e)
		}
	}
	return out
}

// page gives the newest kept events that a question means, oldest first.
func (l *eventLog) page(q *messages.GetEvents) *messages.EventPage {
	page := &messages.EventPage{}
	if len(l.kept) > 0 {
		page.Oldest = l.kept[0].sequence
	}
	limit := pageEvents
	if q.GetLimit() > 0 {
		limit = min(int(q.GetLimit()), eventsKept)
	}
	for i := len(l.kept) - 1; i >= 0 && len(page.Events) < limit; i-- {
		k := l.kept[i]
		if k.sequence <= q.GetAfter() {
			break
		}
		if !journal.Matches(q.GetType(), k.kind) {
			continue
		}
		if e := k.told(); e != nil {
			page.Events = append(page.Events, e)
		}
	}
	slices.Reverse(page.Events)
	return page
}

// pageEvents is how many events a page has when nobody says how many.
const pageEvents = 100

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
		return &messages.Event{Type: restoreType(m), Body: &messages.Event_RestoreFinished{RestoreFinished: m}}
	case *messages.RestoreFailed:
		return &messages.Event{Type: either(m.Repair, "recovery.failed", "restore.failed"), Body: &messages.Event_RestoreFailed{RestoreFailed: m}}
	case *messages.RecoveryStarted:
		return &messages.Event{Type: "recovery.started", Body: &messages.Event_RecoveryStarted{RecoveryStarted: m}}
	case *messages.RecoveryStep:
		return &messages.Event{Type: "recovery.step", Body: &messages.Event_RecoveryStep{RecoveryStep: m}}
	case *messages.HealthChanged:
		return &messages.Event{Type: "health.changed", Body: &messages.Event_HealthChanged{HealthChanged: m}}
	case *messages.FenceChanged:
		return &messages.Event{Type: either(m.Active, "fence.raised", "fence.lifted"), Body: &messages.Event_FenceChanged{FenceChanged: m}}
	case *messages.ActorRestarted:
		return &messages.Event{Type: "actor.restarted", Body: &messages.Event_ActorRestarted{ActorRestarted: m}}
	case *messages.ActorGaveUp:
		return &messages.Event{Type: "actor.gave_up", Body: &messages.Event_ActorGaveUp{ActorGaveUp: m}}
	case *messages.WalCheckpointed:
		return &messages.Event{Type: "wal.checkpointed", Body: &messages.Event_WalCheckpointed{WalCheckpointed: m}}
	case *messages.WalGrew:
		return &messages.Event{Type: "wal.grew", Body: &messages.Event_WalGrew{WalGrew: m}}
	case *messages.WalBlocked:
		return &messages.Event{Type: "wal.blocked", Body: &messages.Event_WalBlocked{WalBlocked: m}}
	case *messages.DrillFinished:
		return &messages.Event{Type: "drill.finished", Body: &messages.Event_DrillFinished{DrillFinished: m}}
	case *messages.SchemaChanged:
		return &messages.Event{Type: "backup.schema_changed", Body: &messages.Event_SchemaChanged{SchemaChanged: m}}
	case *messages.TamperingFound:
		return &messages.Event{Type: tamperingType, Body: &messages.Event_TamperingFound{TamperingFound: m}}
	case *messages.MaintenanceDone:
		return &messages.Event{Type: either(m.Report.GetKind() == "analyze", "maintenance.analyzed", "maintenance.vacuumed"),
			Body: &messages.Event_MaintenanceDone{MaintenanceDone: m}}
	case *messages.MaintenanceSkipped:
		return &messages.Event{Type: "maintenance.skipped", Body: &messages.Event_MaintenanceSkipped{MaintenanceSkipped: m}}
	case *messages.DiskLevelChanged:
		return &messages.Event{Type: "disk.level_changed", Body: &messages.Event_DiskLevelChanged{DiskLevelChanged: m}}
	case *messages.QuerySlow:
		return &messages.Event{Type: "query.slow", Body: &messages.Event_QuerySlow{QuerySlow: m}}
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

// restoreType tells a repair from a restore and an undo.
func restoreType(m *messages.RestoreFinished) string {
	switch m.GetReport().GetLayer() {
	case "reindex", "merge", "salvage":
		return "recovery.finished"
	}
	return either(m.GetUndo(), "restore.undone", "restore.finished")
}
