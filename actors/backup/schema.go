package backup

import (
	"time"

	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/messages"
)

// pinBefore keeps the last backup before a change of the schema for a while: when a
// migration turns out to be wrong, the data before it are still there.
func pinBefore(m manifest.Manifest, id string, now time.Time) (manifest.Manifest, *messages.SchemaChanged, error) {
	until := now.Add(schemaPin)
	next, pinned, err := m.PinBeforeSchemaChange(id, now, until)
	if err != nil || pinned == "" {
		return next, nil, err
	}
	return next, &messages.SchemaChanged{PinnedId: pinned, UntilUnixMs: until.UnixMilli()}, nil
}

// endPins gives backups back to retention whose pin is over. In a cycle in which
// nothing may be deleted (a clock that jumped, say) none ends.
func (b *backup) endPins(m manifest.Manifest, s retention.Situation) (manifest.Manifest, error) {
	decision := retention.Plan(s, m.Backups(), b.cfg.Policy)
	next, changed, err := m.EndPins(s.Now)
	if err != nil || !changed || decision.Held != "" {
		return m, err
	}
	if err := b.cfg.Shelf.Save(next); err != nil {
		return m, err
	}
	return b.place(next, decision)
}
