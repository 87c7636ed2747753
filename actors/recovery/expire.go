package recovery

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
)

// sortSets puts sets in the order of their ids, which is that of their time.
func sortSets(all []*set) {
	slices.SortFunc(all, func(a, b *set) int {
		if c := strings.Compare(a.id[:len(setLayout)], b.id[:len(setLayout)]); c != 0 {
			return c
		}
		return serial(a.id) - serial(b.id)
	})
}

// serial is the number of a set within its second.
func serial(id string) int {
	_, tail, _ := strings.Cut(strings.TrimSuffix(id, damageTail), "-")
	n, err := strconv.Atoi(tail)
	if err != nil {
		return 1
	}
	return n
}

// dropped is a set that need not be kept, with the reason.
type dropped struct {
	set    *set
	reason string
}

// expire tells which sets may go. Never: the newest undo point, the newest evidence, a
// restore whose outcome is open, a set whose record cannot be read, and one that is
// stamped in the future (a clock that jumped proves nothing). sets are oldest first.
func expire(now time.Time, sets []*set, keepSets int) []dropped {
	var drop []dropped
	undo, evidence := 0, 0
	needed := map[string]bool{} // sets that a kept one is undone from
	for _, s := range slices.Backward(sets) {
		if s.err != nil || s.rec.Began.After(now) {
			continue
		}
		switch {
		case needed[s.id] && s.rec.State == stateAborted:
		case s.rec.Kind == kindDamage && s.rec.State == stateKeeping:
			drop = append(drop, dropped{s, "it was never complete"})
		case s.rec.Kind == kindDamage:
			if evidence++; evidence > keepSets {
				drop = append(drop, dropped{s, "newer evidence is kept"})
			}
		case s.rec.State == stateAborted:
			if s.rec.Expires.IsZero() || now.After(s.rec.Expires) {
				drop = append(drop, dropped{s, "its restore never went live"})
			}
		case s.rec.State == stateVerified:
			undo++
			switch {
			case undo == 1:
			case now.After(s.rec.Expires):
				drop = append(drop, dropped{s, "the time for undo is over"})
				continue
			case undo > keepSets:
				drop = append(drop, dropped{s, "newer undo points are kept"})
				continue
			}
			needed[s.rec.UndoFrom] = true
		}
	}
	return drop
}

// remove deletes the files of a set that Officer named, its record last, and then the
// directory. What somebody else put there stays, and with it the directory.
func (q quarantine) remove(s *set) error {
	entries, err := q.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	last := recordFile(s.rec.Kind)
	foreign := false
	for _, e := range entries {
		switch {
		case e.Name() == last:
		case e.IsDir() || !s.names(e.Name()):
			foreign = true
		default:
			if err := q.fs.Remove(filepath.Join(s.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := q.fs.SyncDir(s.dir); err != nil {
		return err
	}
	if err := q.fs.Remove(filepath.Join(s.dir, last)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if foreign {
		return nil
	}
	if err := q.fs.Remove(s.dir); err != nil {
		return err
	}
	return q.fs.SyncDir(q.dir)
}

// names tells whether Officer gives this name to a file of the set.
func (s *set) names(name string) bool {
	return slices.Contains(s.rec.KeptFiles, name) || strings.HasPrefix(name, recordFile(s.rec.Kind)+".tmp") ||
		s.passing(name) || trimmed(name) == s.rec.Database || s.rec.Kind == kindRepair && slices.ContainsFunc(results(), func(own string) bool {
		return name == own || strings.HasPrefix(name, own+".tmp")
	})
}

// results are what a repair leaves beside its undo point.
func results() []string { return []string{asideFile, pageFile, jsonFile} }

// passing tells whether a file is needed only until the set is sealed: the private copy,
// the working copy it is made from, and the owner's rewrite to the live page size.
func (s *set) passing(name string) bool {
	base := trimmed(name)
	if strings.HasPrefix(base, candidateFile) || strings.HasPrefix(base, ".officer-recover-"+candidateFile) {
		return true
	}
	return base == sourceFile || base == sourceFile+".tmp" || base == sourceFile+".tmp-page" || base == matchFile
}

func trimmed(name string) string {
	for _, tail := range tails() {
		name = strings.TrimSuffix(name, tail)
	}
	return name
}

// tidy removes what a kill left in a set that is done: a record in the making, and what
// is needed only until a set is sealed.
func (q quarantine) tidy(s *set) error {
	for _, name := range append([]string{recordFile(s.rec.Kind)}, results()...) {
		if err := fsx.RemoveTemps(q.fs, filepath.Join(s.dir, name)); err != nil {
			return err
		}
	}
	entries, err := q.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() && s.passing(e.Name()) && !slices.Contains(s.rec.KeptFiles, e.Name()) {
			return q.dropSource(s)
		}
	}
	return nil
}

// removeUnbegun removes folders of sets that a life before this one made and was killed
// before it could write their record. Anything in them but that record in the making is
// not Officer's, and stays.
func (q quarantine) removeUnbegun() error {
	entries, err := q.fs.ReadDir(q.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && setName.MatchString(e.Name()) {
			if err := q.removeIfUnbegun(e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q quarantine) removeIfUnbegun(id string) error {
	q.mine.Lock()
	defer q.mine.Unlock()
	if q.mine.ids[id] || q.load(id) != nil {
		return nil
	}
	dir := filepath.Join(q.dir, id)
	if err := errors.Join(fsx.RemoveTemps(q.fs, filepath.Join(dir, intentFile)), fsx.RemoveTemps(q.fs, filepath.Join(dir, damageFile))); err != nil {
		return err
	}
	if rest, err := q.fs.ReadDir(dir); err != nil || len(rest) > 0 {
		return nil // what cannot be listed is not removed either
	}
	return errors.Join(q.fs.Remove(dir), q.fs.SyncDir(q.dir))
}

// dropSource removes the files that are needed only until the set is sealed.
func (q quarantine) dropSource(s *set) error {
	entries, err := q.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || !s.passing(e.Name()) || slices.Contains(s.rec.KeptFiles, e.Name()) {
			continue
		}
		if err := q.fs.Remove(filepath.Join(s.dir, e.Name())); err != nil {
			return err
		}
	}
	return q.fs.SyncDir(s.dir)
}
