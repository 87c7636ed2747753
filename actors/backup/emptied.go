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
	return b.nothingToSave("is empty (0 bytes)")
}

// stripped is emptied for a database that has pages and no table in them: what a restore
// over a destroyed header leaves when it is killed halfway, and what only dropping
// everything makes otherwise.
func (b *backup) stripped(t *take) *messages.Failure {
	if len(t.backup.content.Tables) > 0 || len(t.standing.Tables) == 0 || t.msg.GetForce() {
		return nil
	}
	return b.nothingToSave("holds no table any more")
}

func (b *backup) nothingToSave(how string) *messages.Failure {
	return messages.NewFailure("database_emptied", takeOp,
		"%s %s, but its newest verified backup holds tables", b.cfg.Database, how).
		WithDid(didNothing).
		WithHints("officer restore "+b.cfg.Database, "officer list "+b.cfg.Database)
}
