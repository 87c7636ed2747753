package dbowner

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
)

// keepReplaced keeps the files that are about to be replaced (promise P5). Where kept_as is
// proved to hold the same, under the fence, it gets a second name; else they are copied.
// Files that are not those the candidate was made of are refused: what was written to them
// since would be lost.
func (r *restoring) keepReplaced() ([]string, error) {
	dir, want := r.message.GetUndoDir(), r.message.GetOnlyOver()
	same, err := r.isKept(want)
	if err != nil {
		return nil, err
	}
	if same {
		kept, err := r.linkKept(dir)
		if err == nil {
			return kept, nil
		}
		r.cfg.Log.Info("what is replaced is copied: it could not be linked", slog.String("kept", r.message.GetKeptAs()), slog.Any("error", err))
		r.forget(dir, kept)
	}
	kept, _, err := r.keep(r.watch, dir)
	if err != nil || want == "" {
		return kept, err
	}
	got, err := fsx.HashDatabase(r.ctx, r.cfg.Files, filepath.Join(dir, filepath.Base(r.cfg.Path)))
	if err == nil && got != want {
		err = r.changedMeanwhile()
	}
	if err != nil {
		r.forget(dir, kept)
		return nil, err
	}
	return kept, nil
}

func (r *restoring) changedMeanwhile() error {
	return messages.NewFailure(codeChanged, r.op, "somebody wrote to the database meanwhile").WithDid(nothingChanged)
}

// isKept tells whether what is live is what kept_as holds: by the bytes of the files, if the
// hash is given that they must have, else by the pages of the database. Without a fence it
// is not known, because nothing keeps the files as they are.
func (r *restoring) isKept(onlyOver string) (same bool, err error) {
	if r.message.GetKeptAs() == "" || r.noHeader {
		return false, nil
	}
	if onlyOver != "" {
		got, err := r.hashLive()
		if err == nil && got != onlyOver {
			err = r.changedMeanwhile()
		}
		return err == nil, err
	}
	same, err = r.watch.SameAs(r.ctx, r.message.GetKeptAs())
	if err != nil && r.ctx.Err() == nil {
		return false, nil // then they are copied, which says what is wrong
	}
	return same, err
}

// hashLive is fsx.HashDatabase of the live files, through the descriptors of SQLite.
func (r *restoring) hashLive() (string, error) {
	r.led.descriptors.RLock()
	defer r.led.descriptors.RUnlock()
	parts, err := r.parts(r.watch)
	files := map[string]*io.SectionReader{}
	for _, p := range parts {
		if p.closer != nil {
			defer p.closer.Close()
		}
		files[strings.TrimPrefix(p.name, filepath.Base(r.cfg.Path))] = io.NewSectionReader(p.reader, 0, p.sizeBytes)
	}
	if err != nil {
		return "", err
	}
	return fsx.HashOpened(r.ctx, files)
}

// linkKept gives kept_as, and what lies beside it, the names of the live files in dir.
func (r *restoring) linkKept(dir string) (names []string, err error) {
	if err := r.cfg.Files.MkdirAll(dir); err != nil {
		return nil, err
	}
	for _, suffix := range []string{"", "-wal", "-journal"} {
		name := filepath.Base(r.cfg.Path) + suffix
		err := fsx.LinkFile(r.cfg.Files, r.message.GetKeptAs()+suffix, filepath.Join(dir, name))
		if suffix != "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, r.cfg.Files.SyncDir(filepath.Dir(dir))
}
