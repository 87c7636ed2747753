package supervisor

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// restoringSuffix names the file under which a missing database is made before it gets
// its name. Nobody but Officer uses it, so a stray of a killed run may be removed.
const restoringSuffix = ".officer-restoring"

// gone tells whether an order is to restore a database whose file is not there.
func (p *post) gone(files fsx.FS, msg proto.Message) (*messages.RestoreBackup, bool) {
	order, ok := msg.(*messages.RestoreBackup)
	if !ok || order.ToFile != "" || order.DryRun {
		return nil, false
	}
	_, err := files.Lstat(p.path)
	return order, errors.Is(err, fs.ErrNotExist)
}

// bringBack restores a database whose file is missing: there is nothing to write in
// place, so a verified new file is given the free name, replacing nothing. A -wal or
// -journal left from the lost file would corrupt it (https://sqlite.org/howtocorrupt.html,
// section 1.4) and must go first, by the user's hand: it may be all that is left of the
// newest rows.
func (r *Running) bringBack(ctx context.Context, p *post, order *messages.RestoreBackup, ask asking) (proto.Message, error) {
	op, files := "restore "+filepath.Base(p.path), p.engine.files
	for _, suffix := range []string{"-wal", "-journal"} {
		if _, err := files.Lstat(p.path + suffix); !errors.Is(err, fs.ErrNotExist) {
			left := p.path + suffix
			return nil, messages.NewFailure("refused", op, "%s of the lost database is still there and would corrupt a restored one", filepath.Base(left)).
				WithDid("Nothing was changed.").WithHints("mv "+shell.Word(left)+" "+shell.Word(left+".lost"), "officer restore "+shell.Word(p.path))
		}
	}
	temp := p.path + restoringSuffix
	if err := files.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, failureOf(op, fsx.Wrap(op, err))
	}
	answer, err := ask(&messages.RestoreBackup{
		Id: order.Id, BeforeUnixMs: order.BeforeUnixMs, ToFile: temp, Confirmed: order.Confirmed, JobId: order.JobId,
	})
	if err != nil {
		return nil, err
	}
	err = files.RenameNoReplace(temp, p.path)
	if err == nil {
		err = files.SyncDir(filepath.Dir(p.path))
	}
	if err != nil {
		p.log.Error("the restored database did not get its name", "error", err)
		return nil, failureOf(op, fsx.Wrap(op, err)).WithDid("The restored database is kept as " + temp + ".")
	}
	if report, ok := answer.(*messages.RestoreReport); ok {
		report.ToFile = p.path
	}
	return answer, nil
}

// asking sends one more request on the way of another.
type asking func(proto.Message) (proto.Message, error)
