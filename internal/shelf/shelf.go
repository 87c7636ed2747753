// Package shelf is where backups lie: the folder {home}/backups with its manifest
// backups.json, its tier folders and its temporary files. It is the only part of
// Officer that changes them, in an order that leaves the manifest whole and without a
// missing file wherever the machine stops (promises P1, P2, P7).
//
// Names inside the folder are relative, with slashes; no other form is accepted, and
// a symbolic link in the place of a folder is refused (promise P13). A Shelf holds no
// state: its caller owns the manifest and lets one change run at a time. After an error
// the caller loads again, because only the disk knows how far the change came.
package shelf

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
)

// Config says which shelf.
type Config struct {
	FS   fsx.FS
	Dir  string // {home}/backups, absolute; made when missing
	Name string // name of the database; made safe for files
	// Looks leaves the disk as it is: what a Load finds out is known and not saved.
	Looks bool
	// Sealer seals what ReadBack reads: that of who writes the copies. nil = one of its own.
	Sealer *fsx.Sealer
}

// Shelf is the folder of backups of one database.
type Shelf struct {
	cfg Config
}

const (
	manifestName = "backups.json"
	modeFile     = 0o600 // backups hold the app's data, the manifest its table names
)

// ownTemp is the pattern of names that only Temp gives, with what SQLite makes beside
// a database (https://sqlite.org/tempfiles.html). The janitor removes nothing else.
var ownTemp = regexp.MustCompile(`^\.officer-\d{8}T\d{6}Z(-\d+)?\.tmp(-journal|-wal|-shm)?$`)

// ownManifestTemp is what fsx.WriteAtomic leaves of the manifest when it is killed.
var ownManifestTemp = regexp.MustCompile(`^backups\.json\.tmp\d*$`)

// New gives the shelf; nothing is read or written yet.
func New(cfg Config) *Shelf {
	cfg.Name = manifest.SafeName(cfg.Name)
	if cfg.Sealer == nil {
		cfg.Sealer = fsx.NewSealer()
	}
	return &Shelf{cfg: cfg}
}

// Save makes m the manifest on disk, the old or the new one whatever happens.
func (s *Shelf) Save(m manifest.Manifest) error {
	data, err := m.Marshal()
	if err != nil {
		return err
	}
	if err := s.guard("save manifest", "."); err != nil {
		return err
	}
	return fsx.WriteAtomic(s.cfg.FS, filepath.Join(s.cfg.Dir, manifestName), data, modeFile)
}

// Temp makes the folder of the file rel and gives the absolute path of the temporary
// file in it under which the copy of backup id is to be written: in the folder of the
// final file, so that the rename stays on one volume and in one directory.
func (s *Shelf) Temp(rel, id string) (string, error) {
	const op = "make room for a backup"
	name := ".officer-" + id + ".tmp"
	if _, ok := manifest.ParseID(id); !ok || !ownTemp.MatchString(name) {
		return "", fault.New(fault.Refused, op, "%q is not the id of a backup", id)
	}
	final, err := s.Path(rel)
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(final)
	if err := s.cfg.FS.MkdirAll(dir); err != nil {
		return "", fsx.Wrap(op, err)
	}
	// Again, now that everything exists: what was there before may be a link.
	if err := s.guard(op, path.Dir(rel)); err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}

// Discard removes a temporary file and what SQLite may have left beside it.
func (s *Shelf) Discard(temp string) error {
	if err := s.own(temp); err != nil {
		return err
	}
	var first error
	for _, suffix := range []string{"-journal", "-wal", "-shm", ""} {
		err := s.cfg.FS.Remove(temp + suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && first == nil {
			first = err
		}
	}
	return first
}

// Publish gives the temporary file its final name: fsync of the file, rename that
// replaces nothing, fsync of the folders (promise P1).
func (s *Shelf) Publish(temp, rel string) error {
	if err := s.own(temp); err != nil {
		return err
	}
	final, err := s.Path(rel)
	if err != nil {
		return err
	}
	if err := s.cfg.FS.MkdirAll(filepath.Dir(final)); err != nil {
		return fsx.Wrap("publish backup", err)
	}
	if _, err := s.Path(rel); err != nil {
		return err // what stands there now is no folder of the shelf
	}
	if err := fsx.SyncFile(s.cfg.FS, "sync copy", temp); err != nil {
		return err
	}
	if err := s.cfg.FS.RenameNoReplace(temp, final); err != nil {
		return fsx.Wrap("publish backup", err)
	}
	return s.syncUp(rel)
}

// Remove takes a backup out of the manifest, saves it, and then removes the file: a
// kill in between leaves a file too many, never an entry too many. The manifest given
// back is the one on disk, also beside an error.
func (s *Shelf) Remove(m manifest.Manifest, id string, at time.Time, reason string) (manifest.Manifest, error) {
	e, ok := m.Find(id)
	if !ok {
		return m, fault.New(fault.Invalid, "remove backup", "there is no backup %s", id)
	}
	file, err := s.Path(e.File)
	if err != nil {
		return m, err
	}
	next, err := m.Drop(id, at, reason)
	if err != nil {
		return m, err
	}
	if err := s.Save(next); err != nil {
		return m, err
	}
	if err := s.cfg.FS.Remove(file); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return next, nil
		}
		return next, fsx.Wrap("remove backup", err)
	}
	return next, fsx.Wrap("remove backup", s.cfg.FS.SyncDir(filepath.Dir(file)))
}

// Hash reads a backup or a temporary file back from the device: SHA-256 in hex and size
// in bytes. A temporary file is fsynced first, because pages that are not yet written
// cannot be forgotten.
func (s *Shelf) Hash(ctx context.Context, file string) (sha256Hex string, sizeBytes int64, err error) {
	if s.own(file) == nil {
		if err := fsx.SyncFile(s.cfg.FS, "sync copy", file); err != nil {
			return "", 0, err
		}
	} else if err := s.listed(file); err != nil {
		return "", 0, err
	}
	return fsx.HashFile(ctx, s.cfg.FS, file)
}

// ReadBack reads a temporary file back from the device, after an fsync. beside looks at the same file meanwhile or thereafter (fsx.Sealer.ReadBack).
func (s *Shelf) ReadBack(ctx context.Context, temp string, beside func()) (fsx.GivenBack, error) {
	if err := s.own(temp); err != nil {
		return fsx.GivenBack{}, err
	}
	return s.cfg.Sealer.ReadBack(ctx, s.cfg.FS, temp, beside)
}

// Size gives the size of a backup in bytes: fault.Missing when it is gone,
// fault.Refused when something else than a file has its name.
func (s *Shelf) Size(rel string) (sizeBytes int64, err error) {
	file, err := s.Path(rel)
	if err != nil {
		return 0, err
	}
	info, err := s.cfg.FS.Lstat(file)
	if err != nil {
		return 0, fsx.Wrap("look at backup", err)
	}
	if !info.Mode().IsRegular() {
		return 0, fault.New(fault.Refused, "look at backup", "%s is not a regular file", rel)
	}
	return info.Size(), nil
}

// Free tells how many bytes may still be written where the backups lie.
func (s *Shelf) Free() (freeBytes int64, err error) {
	dir := s.cfg.Dir
	for {
		space, err := s.cfg.FS.Space(dir)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			return space.FreeBytes, fsx.Wrap("look at room for backups", err)
		}
		dir = filepath.Dir(dir) // not made yet: its parent is on the same volume
	}
}

// Path gives the absolute path of a backup's name and refuses every other name, and
// names below a symbolic link.
func (s *Shelf) Path(rel string) (string, error) {
	const op = "find backup file"
	if _, ok := manifest.ParseFileName(rel); !ok || !filepath.IsLocal(filepath.FromSlash(rel)) {
		return "", fault.New(fault.Refused, op, "%q is not the name of a backup", rel)
	}
	if err := s.guard(op, path.Dir(rel)); err != nil {
		return "", err
	}
	return filepath.Join(s.cfg.Dir, filepath.FromSlash(rel)), nil
}

// guard refuses a folder of the shelf, or one above it inside the shelf, that is a
// symbolic link or no folder at all: somebody planted it (promise P13). Folders that do
// not exist yet are fine.
func (s *Shelf) guard(op, relDir string) error {
	dir := s.cfg.Dir
	steps := []string{}
	if relDir != "." {
		steps = strings.Split(relDir, "/")
	}
	for i := -1; i < len(steps); i++ {
		if i >= 0 {
			dir = filepath.Join(dir, steps[i])
		}
		info, err := s.cfg.FS.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fsx.Wrap(op, err)
		}
		if !info.IsDir() {
			return fault.New(fault.Refused, op, "%s is not a folder but %s", dir, fsx.KindOf(info.Mode()))
		}
	}
	return nil
}

// own refuses every path that is not a temporary file of this shelf.
func (s *Shelf) own(temp string) error {
	rel, ok := s.rel(temp)
	if !ok || !ownTemp.MatchString(path.Base(rel)) || strings.Count(rel, "/") != 2 {
		return fault.New(fault.Refused, "use temporary file", "%q is not a temporary file of the shelf", temp)
	}
	return s.guard("use temporary file", path.Dir(rel))
}

// listed refuses every path that is not one of a backup.
func (s *Shelf) listed(file string) error {
	rel, ok := s.rel(file)
	if !ok {
		return fault.New(fault.Refused, "read backup", "%q does not lie on the shelf", file)
	}
	if _, err := s.Path(rel); err != nil {
		return err
	}
	_, err := s.Size(rel)
	return err
}

func (s *Shelf) rel(file string) (string, bool) {
	rel, err := filepath.Rel(s.cfg.Dir, file)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// homeLevels are the folders above the shelf that may be as new as it is: {home}, and the
// folder in which {home} has its name.
const homeLevels = 2

// syncUp makes the entry of rel durable, and those of its folders and of the home: they
// may be new, or made by a run that was killed before it could sync them. A backup whose
// home is lost with the power is lost too.
func (s *Shelf) syncUp(rel string) error {
	dir := filepath.Join(s.cfg.Dir, filepath.FromSlash(path.Dir(rel)))
	for levels := strings.Count(rel, "/") + homeLevels; levels >= 0; levels-- {
		err := s.cfg.FS.SyncDir(dir)
		if fault.CodeOf(err) == fault.Permission && levels == 0 {
			return nil // a folder of somebody else that may not be read: it is older than we are
		}
		if err != nil {
			return fsx.Wrap("sync folder of backups", err)
		}
		dir = filepath.Dir(dir)
	}
	return nil
}

// Dir is the absolute path of the shelf.
func (s *Shelf) Dir() string { return s.cfg.Dir }
