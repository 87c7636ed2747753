package backup

import (
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// emptied refuses to back up a file without a byte while the newest verified backup has
// tables: to SQLite it is a sound empty database, but it is what a failed copy, a full
// disk or "> app.db" leave. There is nothing in it to save, and as the newest backup it
// would be the one that a restore takes. nil when all is well or the order was to force.
func (b *backup) emptied(t *take, standing manifest.Entry) *messages.Failure {
	if t.facts.GetSizeBytes() > 0 || len(standing.Tables) == 0 || t.msg.GetForce() {
		return nil
	}
	return messages.NewFailure("database_emptied", takeOp,
		"%s is empty (0 bytes), but its newest verified backup holds tables", b.cfg.Database).
		WithDid(didNothing).
		WithHints("officer restore "+b.cfg.Database, "officer list "+b.cfg.Database)
}
