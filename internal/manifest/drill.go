package manifest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
)

// seal is what Seal must be.
func (d LastDrill) seal() (string, error) {
	d.Seal = ""
	data, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	return digest(data), nil
}

// NoteDrill notes the outcome of a restore drill of the backup id, taken then: with its
// entry, unless that was dropped meanwhile, and for the whole list.
func (m Manifest) NoteDrill(id string, taken time.Time, d Drill) (Manifest, error) {
	const op = "note restore drill"
	d.At, d.Detail = d.At.UTC().Truncate(time.Millisecond), strings.ToValidUTF8(d.Detail, "?")
	next := m
	if m.index(id) >= 0 {
		var err error
		if next, err = m.Update(id, func(e *Entry) { e.Drill = &d }); err != nil {
			return m, err
		}
	}
	last := &LastDrill{ID: id, Taken: taken.UTC(), Drill: d}
	var err error
	if last.Seal, err = last.seal(); err != nil {
		return m, fault.Wrap(fault.Invalid, op, "its record cannot be written", err)
	}
	next.Drilled = last
	return next, nil
}

// schemaPinsMax bounds how many backups are pinned by themselves at one time: an app
// whose schema changes every day must not fill the disk with pins.
const schemaPinsMax = 8

// PinBeforeSchemaChange pins the newest verified backup before the entry id until a
// moment when id holds another schema; pinned is its id, "" when nothing was to pin. The
// oldest such pins end when there are too many.
func (m Manifest) PinBeforeSchemaChange(id string, now, until time.Time) (next Manifest, pinned string, err error) {
	e, ok := m.Find(id)
	if !ok || !e.Verified || e.State != "" || e.SchemaDigest == "" {
		return m, "", nil
	}
	var before Entry
	for _, other := range m.Entries {
		if other.ID != id && other.Verified && other.State == "" && other.SchemaDigest != "" && !other.Taken.After(e.Taken) {
			before = other // they are sorted by time
		}
	}
	if before.ID == "" || before.SchemaDigest == e.SchemaDigest {
		return m, "", nil
	}
	if next, err = m.Update(before.ID, func(e *Entry) { e.PinnedUntil = until }); err != nil {
		return m, "", err
	}
	pins := 0
	for i := len(next.Entries) - 1; i >= 0; i-- {
		old := next.Entries[i]
		if !old.PinnedUntil.After(now) {
			continue
		}
		if pins++; pins <= schemaPinsMax {
			continue
		}
		if next, err = next.Update(old.ID, func(e *Entry) { e.PinnedUntil = time.Time{} }); err != nil {
			return m, "", err
		}
	}
	return next, before.ID, nil
}

// EndPins takes away the pins whose time is over; changed tells whether there were any.
func (m Manifest) EndPins(now time.Time) (next Manifest, changed bool, err error) {
	next = m
	for _, e := range m.Entries {
		if e.PinnedUntil.IsZero() || e.PinnedUntil.After(now) {
			continue
		}
		if next, err = next.Update(e.ID, func(e *Entry) { e.PinnedUntil = time.Time{} }); err != nil {
			return m, false, err
		}
		changed = true
	}
	return next, changed, nil
}
