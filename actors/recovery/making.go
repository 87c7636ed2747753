package recovery

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
)

const (
	// makingFile names new files in the making, which lie wherever somebody wants them.
	makingFile     = "restore-to.json"
	makingBytesMax = 1 << 20
	makingMax      = 16 // on volumes that are not there at present; older ones are forgotten
)

// making is what makingFile says: the absolute paths of files under the name that only
// Officer gives, with the nanosecond in which their restore began.
type making struct {
	Files []string `json:"files"`
}

// notebook guards the note of one home, and knows which files this life is making.
type notebook struct {
	sync.Mutex
	mine map[string]bool
}

// removeUnfinished removes the new files that killed restores left half-made, wherever they
// were to lie (promise P7): exactly those that {home} names, and of these only regular
// files with a name that Officer makes. What lies on a volume that is not there now is
// looked for again at the next start. Nothing waits for it: the volume may be a dead one.
func (n *notebook) removeUnfinished(fsys fsx.FS, home string) error {
	paths, err := n.unfinished(fsys, home)
	var errs []error
	for _, path := range paths {
		gone, err := removeMade(fsys, path)
		if gone {
			err = errors.Join(err, n.change(fsys, home, path, false))
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, err)...)
}

// unfinished are the paths of the note that are not being made now.
func (n *notebook) unfinished(fsys fsx.FS, home string) ([]string, error) {
	n.Lock()
	defer n.Unlock()
	paths, err := readMaking(fsys, home)
	return slices.DeleteFunc(paths, func(path string) bool { return n.mine[path] }), err
}

// change notes a path, or drops it.
func (n *notebook) change(fsys fsx.FS, home, path string, made bool) error {
	n.Lock()
	defer n.Unlock()
	if n.mine == nil {
		n.mine = map[string]bool{}
	}
	if made {
		n.mine[path] = true
	} else {
		delete(n.mine, path)
	}
	paths, err := readMaking(fsys, home)
	if err != nil {
		return err
	}
	paths = slices.DeleteFunc(paths, func(other string) bool { return other == path })
	if made {
		paths = append(paths, path)
	}
	return writeMaking(fsys, home, paths)
}

// removeMade removes one file, and tells whether it need not be remembered any more: that it
// is gone has to be durable, also where somebody else removed it, or a power cut brings it back.
func removeMade(fsys fsx.FS, path string) (gone bool, err error) {
	if !isMade(path) {
		return true, nil // Officer writes no such note
	}
	dir := filepath.Dir(path)
	if _, err := fsys.Stat(dir); err != nil {
		return false, nil //nolint:nilerr // the volume is not there
	}
	info, err := fsys.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return true, nil
	default:
		if err := fsys.Remove(path); err != nil {
			return false, err
		}
	}
	if err := fsys.SyncDir(dir); err != nil {
		return false, err
	}
	return true, nil
}

// isMade tells whether a path has the form that madeName gives, down to its nanosecond.
func isMade(path string) bool {
	head := strings.LastIndex(path, tempHead)
	if head < 0 || !filepath.IsAbs(path) || filepath.Clean(path) != path || !strings.HasSuffix(path, tempTail) {
		return false
	}
	stamp := strings.TrimSuffix(path[head+len(tempHead):], tempTail)
	at, err := time.Parse(setLayout, stamp)
	return err == nil && madeName(path[:head], at) == path
}

// madeName is the name under which a new file is written until it is whole.
func madeName(to string, began time.Time) string {
	return to + tempHead + began.UTC().Format(madeLayout) + tempTail
}

func readMaking(fsys fsx.FS, home string) ([]string, error) {
	data, err := fsx.ReadLimited(fsys, filepath.Join(home, makingFile), makingBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var note making
	if json.Unmarshal(data, &note) != nil {
		return nil, nil //nolint:nilerr // not Officer's: nothing is removed for it
	}
	for i, path := range note.Files {
		note.Files[i] = read(path)
	}
	return note.Files, nil
}

// writeMaking notes the paths, and removes the note of none.
func writeMaking(fsys fsx.FS, home string, paths []string) error {
	name := filepath.Join(home, makingFile)
	if len(paths) == 0 {
		err := fsys.Remove(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	note := making{}
	for _, path := range paths[max(0, len(paths)-makingMax):] {
		note.Files = append(note.Files, written(path))
	}
	data, err := json.Marshal(note)
	if err != nil {
		return fault.Wrap(fault.Internal, "note a file in the making", "it has no JSON form", err)
	}
	return fsx.WriteAtomic(fsys, name, append(data, '\n'), 0o600)
}

// noteMaking notes a file before it is made. A home that cannot be written to, because it is
// full, does not keep a backup from being restored elsewhere.
func (r *run) noteMaking(path string) {
	if err := r.led.making.change(r.cfg.FS, r.cfg.Home, path, true); err != nil {
		r.cfg.Log.Warn("a new file is made without a note of it", "file", path, "error", err)
	}
}

// noteMade takes the note back once nothing lies under the name any more.
func (r *run) noteMade(path string) {
	gone, err := removeMade(r.cfg.FS, path)
	if gone {
		err = errors.Join(err, r.led.making.change(r.cfg.FS, r.cfg.Home, path, false))
	}
	if err != nil {
		r.cfg.Log.Warn("the note of a new file stays behind", "file", path, "error", err)
	}
}
