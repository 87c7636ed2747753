package supervisor

import (
	"context"
	"path/filepath"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/messages"
)

// Recovered is a database that was salvaged into a new file.
type Recovered = rebuild.Result

// RecoverFile salvages what can be read of a damaged database, with the -wal and
// -journal beside it, into a new file, and verifies that. base is an older healthy copy
// that lends what is lost, "" = none. The damaged files are only read.
func RecoverFile(ctx context.Context, path, to, base string, progress func(*messages.Progress)) (*Recovered, error) {
	op := "recover " + filepath.Base(path)
	order := rebuild.Order{FS: fsx.OS(), File: path, To: to, Base: base}
	if progress != nil {
		order.Progress = func(stage string, done, total int64) {
			progress(&messages.Progress{Stage: stage, Done: done, Total: total, Unit: "pages"})
		}
	}
	out, err := rebuild.Recover(ctx, order)
	if err != nil {
		return nil, failureOf(op, fsx.Wrap(op, err)).WithDid("Nothing was changed, and no new file was left.")
	}
	return out, nil
}
