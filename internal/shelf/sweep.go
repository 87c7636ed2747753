package shelf

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
)

// walkEntriesMax bounds what one walk looks at: a shelf has some tens of files, and a
// folder full of somebody's junk must not cost the memory of the host.
const walkEntriesMax = 100_000

// Sweep is the janitor. It removes temporary files that Officer named (ownTemp,
// ownManifestTemp) and second names that a killed move left of a listed file; it lists
// files in tier folders that the manifest does not know, as unverified, and finds those
// that lie in another tier than listed. It never deletes the only name of a backup.
// removed and listed are relative names; the manifest given back is the one on disk.
// No copy may be under way, and at is the time of the sweep.
func (s *Shelf) Sweep(m manifest.Manifest, at time.Time) (swept manifest.Manifest, removed, listed []string, err error) {
	found, err := s.walk()
	if err != nil {
		return m, nil, nil, err
	}
	remove := func(rel string) {
		file := filepath.Join(s.cfg.Dir, filepath.FromSlash(rel))
		rerr := s.cfg.FS.Remove(file)
		if rerr == nil {
			removed = append(removed, rel)
			rerr = s.cfg.FS.SyncDir(filepath.Dir(file))
		}
		if rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, fsx.Wrap("sweep", rerr))
		}
	}
	for _, rel := range found.temps {
		remove(rel)
	}
	next, changed := s.heal(m)
	var unknown []string
	for _, rel := range found.backups {
		p, _ := manifest.ParseFileName(rel)
		e, ok := next.Find(p.ID)
		switch {
		case !ok:
			unknown = append(unknown, rel)
		case e.File != rel && s.sameName(e.File, rel):
			remove(rel)
		}
	}
	for _, e := range s.unknown(unknown) {
		// An id that is taken twice (two names, one time) stays unlisted and untouched.
		if more, aerr := next.Append(e); aerr == nil {
			next, changed = more, true
			listed = append(listed, e.File)
		}
	}
	if !changed {
		return m, removed, listed, err
	}
	if serr := s.Save(next); serr != nil {
		return m, removed, nil, errors.Join(err, serr)
	}
	return next, removed, listed, err
}

func (s *Shelf) unknown(rels []string) []manifest.Entry {
	if len(rels) == 0 {
		return nil
	}
	m, _ := manifest.Rebuild(s.cfg.Name, s.facts(rels))
	return m.Entries
}

func (s *Shelf) sameName(listed, other string) bool {
	a, err := s.Path(listed)
	if err != nil {
		return false
	}
	b, err := s.Path(other)
	return err == nil && s.sameFile(a, b)
}

// found is what lies on the shelf, relative names in order.
type found struct {
	temps   []string
	backups []string
}

// walk looks at the shelf and its folders {year}/{tier}, never through symbolic links.
func (s *Shelf) walk() (found, error) {
	var f found
	budget := walkEntriesMax
	if err := s.guard("walk backups", "."); err != nil {
		return f, err
	}
	err := s.walkDir(".", 0, &f, &budget)
	return f, err
}

func (s *Shelf) walkDir(rel string, depth int, f *found, budget *int) error {
	const op = "walk backups"
	entries, err := s.cfg.FS.ReadDir(filepath.Join(s.cfg.Dir, filepath.FromSlash(rel)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fsx.Wrap(op, err)
	}
	for _, e := range entries {
		if *budget--; *budget < 0 {
			return fault.New(fault.TooBig, op, "more than %d files lie there", walkEntriesMax)
		}
		name := path.Join(rel, e.Name())
		switch {
		case e.IsDir() && depth < 2:
			if err := s.walkDir(name, depth+1, f, budget); err != nil {
				return err
			}
		case !e.Type().IsRegular():
		case depth == 0 && ownManifestTemp.MatchString(e.Name()), depth == 2 && ownTemp.MatchString(e.Name()):
			f.temps = append(f.temps, name)
		case depth == 2:
			if _, ok := manifest.ParseFileName(name); ok {
				f.backups = append(f.backups, name)
			}
		}
	}
	return nil
}

// facts reads what the files tell by themselves; one that cannot be read still has a
// name and a place.
func (s *Shelf) facts(rels []string) []manifest.FileFact {
	facts := make([]manifest.FileFact, 0, len(rels))
	for _, rel := range rels {
		size, err := s.Size(rel)
		if err != nil {
			continue
		}
		facts = append(facts, manifest.FileFact{Path: rel, SizeBytes: size, PageSize: s.pageSize(rel)})
	}
	return facts
}

// pageSize reads the page size in bytes from a database header, 0 when it is none
// (https://sqlite.org/fileformat2.html#page_size).
func (s *Shelf) pageSize(rel string) int64 {
	file, err := s.Path(rel)
	if err != nil {
		return 0
	}
	f, err := s.cfg.FS.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	var header [18]byte
	if _, err := io.ReadFull(f, header[:]); err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return 0
	}
	size := int64(binary.BigEndian.Uint16(header[16:]))
	if size == 1 {
		return 65536
	}
	if size < 512 || size&(size-1) != 0 {
		return 0
	}
	return size
}
