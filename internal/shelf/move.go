package shelf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
)

// relocation is one file on its way to another tier.
type relocation struct {
	id                 string
	newRel             string
	oldFile, newFile   string // absolute
	tier               retention.Tier
	oneName, wasLinked bool // oneName: renamed, because there are no hard links here
}

// Move puts backups into other tiers (id → tier) and saves the manifest once. Each file
// gets its new name as a hard link, the manifest is saved, then the old name goes: at
// every moment the manifest on disk names a file that is there. Where there are no hard
// links the file is renamed and Load finds it again after a kill. What is missing, or is
// no file, stays where the manifest has it for the next verification to report. The manifest given back is the one on disk.
func (s *Shelf) Move(m manifest.Manifest, to map[string]retention.Tier) (manifest.Manifest, error) {
	moves, err := s.relocations(m, to)
	if err != nil || len(moves) == 0 {
		return m, err
	}
	next := m
	for i := range moves {
		r := &moves[i]
		if err = s.addName(r); err != nil {
			break
		}
		next, err = next.Update(r.id, func(e *manifest.Entry) { e.File, e.Tier = r.newRel, r.tier })
		if err != nil {
			break
		}
	}
	if err != nil {
		return m, errors.Join(err, s.takeBack(moves))
	}
	if err := s.Save(next); err != nil {
		// Nothing is taken back: the disk may hold the new manifest already. A name too
		// many is for the janitor, a renamed file for Load.
		return m, err
	}
	for _, r := range moves {
		if r.oneName {
			continue
		}
		rerr := s.cfg.FS.Remove(r.oldFile)
		if rerr == nil {
			rerr = s.cfg.FS.SyncDir(filepath.Dir(r.oldFile))
		}
		if rerr != nil && !errors.Is(rerr, fs.ErrNotExist) && err == nil {
			err = fsx.Wrap("move backup", rerr)
		}
	}
	return next, err
}

func (s *Shelf) relocations(m manifest.Manifest, to map[string]retention.Tier) ([]relocation, error) {
	const op = "move backup"
	ids := make([]string, 0, len(to))
	for id := range to {
		ids = append(ids, id)
	}
	slices.Sort(ids) // the same order at every run: a simulated fault hits the same place
	var moves []relocation
	for _, id := range ids {
		e, ok := m.Find(id)
		p, named := manifest.ParseFileName(e.File)
		if !ok || !named || !to[id].Valid() {
			return nil, fault.New(fault.Invalid, op, "there is no backup %q or no tier %q", id, to[id])
		}
		if e.Tier == to[id] && p.Tier == to[id] {
			continue
		}
		r := relocation{id: id, newRel: manifest.FileName(p.Name, p.ID, to[id]), tier: to[id]}
		var err error
		if r.oldFile, err = s.Path(e.File); err != nil {
			return nil, err
		}
		if r.newFile, err = s.Path(r.newRel); err != nil {
			return nil, err
		}
		switch _, err := s.Size(e.File); fault.CodeOf(err) {
		case "":
		case fault.Missing, fault.Refused:
			continue
		default:
			return nil, err
		}
		moves = append(moves, r)
	}
	return moves, nil
}

// addName gives the file its new name, durably. A second name that a killed move left
// behind is taken as done; another file of that name is never replaced.
func (s *Shelf) addName(r *relocation) error {
	const op = "move backup"
	if err := s.cfg.FS.MkdirAll(filepath.Dir(r.newFile)); err != nil {
		return fsx.Wrap(op, err)
	}
	if _, err := s.Path(r.newRel); err != nil {
		return err
	}
	err := s.link(r.oldFile, r.newFile)
	switch {
	case err == nil:
		r.wasLinked = true
	case errors.Is(err, fs.ErrExist):
		if !s.sameFile(r.oldFile, r.newFile) {
			return fsx.Wrap(op, err)
		}
	case fault.CodeOf(err) == fault.Refused:
		if err := s.cfg.FS.RenameNoReplace(r.oldFile, r.newFile); err != nil {
			return fsx.Wrap(op, err)
		}
		r.oneName = true
	default:
		// A rename might still succeed on a disk that is full or fails, and the list that
		// has to name the new place might not.
		return fsx.Wrap(op, err)
	}
	return s.syncUp(r.newRel)
}

func (s *Shelf) link(from, to string) error {
	l, ok := s.cfg.FS.(fsx.Linker)
	if !ok {
		return fault.New(fault.Refused, "link file", "this file system makes no hard links")
	}
	return l.Link(from, to)
}

// takeBack undoes names given for a move that was not saved. What it cannot undo, the
// janitor does.
func (s *Shelf) takeBack(moves []relocation) error {
	var first error
	for _, r := range moves {
		var err error
		switch {
		case r.wasLinked:
			err = s.cfg.FS.Remove(r.newFile)
		case r.oneName:
			err = s.cfg.FS.RenameNoReplace(r.newFile, r.oldFile)
		}
		if err != nil && first == nil {
			first = err
		}
	}
	return first
}

// sameFile tells whether two names are one file; false where the system cannot say.
func (s *Shelf) sameFile(a, b string) bool {
	ia, err := s.cfg.FS.Lstat(a)
	if err != nil {
		return false
	}
	ib, err := s.cfg.FS.Lstat(b)
	if err != nil || !ia.Mode().IsRegular() || !ib.Mode().IsRegular() {
		return false
	}
	da, na, oka := s.cfg.FS.Identity(ia)
	db, nb, okb := s.cfg.FS.Identity(ib)
	return oka && okb && da == db && na == nb || os.SameFile(ia, ib)
}
