package supervisor

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// place is where one database and everything of Officer's about it lies.
type place struct {
	path    string // of the database, absolute
	name    string
	home    string // absolute
	missing bool   // the database file is not there (but backups are)
}

// Folders of a home.
func (p place) backupDir() string { return filepath.Join(p.home, "backups") }
func (p place) logDir() string    { return filepath.Join(p.home, "logs") }
func (p place) lockFile() string  { return filepath.Join(p.home, "officer.lock") }

// HomeOf is the home of a single database at path when nothing else is configured:
// "{path}-officer".
func HomeOf(path string) string { return path + "-officer" }

// PlacesOf says where each database of a config lies and has its home, in order; nothing
// is looked at.
func PlacesOf(cfg Config) ([]Looked, error) {
	places, err := placesOf(cfg)
	if err != nil {
		return nil, err
	}
	list := make([]Looked, 0, len(places))
	for _, p := range places {
		list = append(list, Looked{Name: p.name, Path: p.path, Home: p.home})
	}
	return list, nil
}

// placesOf gives each database its name and home, in order.
func placesOf(cfg Config) ([]place, error) {
	if len(cfg.Databases) == 0 {
		return nil, messages.NewFailure("invalid", "start", "no database was named").
			WithHints("officer run app.db")
	}
	taken := make(map[string]bool)
	paths := make(map[string]bool)
	list := make([]place, 0, len(cfg.Databases))
	for _, db := range cfg.Databases {
		path, err := filepath.Abs(db.Path)
		if err != nil || db.Path == "" {
			return nil, messages.NewFailure("invalid", "start", "%q is no usable path", db.Path)
		}
		if paths[path] {
			return nil, messages.NewFailure("invalid", "start", "%s is named twice", path)
		}
		paths[path] = true
		p := place{path: path, name: nameFor(db, taken)}
		switch {
		case db.Home != "":
			p.home = db.Home
		case cfg.Home == "":
			p.home = HomeOf(path)
		case len(cfg.Databases) == 1:
			p.home = cfg.Home
		default:
			p.home = filepath.Join(cfg.Home, p.name)
		}
		if p.home, err = filepath.Abs(p.home); err != nil {
			return nil, messages.NewFailure("invalid", "start", "%q is no usable path", p.home)
		}
		list = append(list, p)
	}
	return list, nil
}

// nameFor gives a name that is free: the second app.db is "app-2". Names are compared
// without case, because they become folders.
func nameFor(db Database, taken map[string]bool) string {
	name := db.Name
	if name == "" {
		name = filepath.Base(db.Path)
		if stem := strings.TrimSuffix(name, filepath.Ext(name)); stem != "" {
			name = stem
		}
	}
	name = manifest.SafeName(name)
	free := name
	for i := 2; taken[strings.ToLower(free)]; i++ {
		free = name + "-" + strconv.Itoa(i)
	}
	taken[strings.ToLower(free)] = true
	return free
}

// look finds out whether the database is there. Officer never creates one: a missing
// file with backups is for restore, one without is a mistake in the name.
func (p *place) look(fsys fsx.FS, allowMissing bool) error {
	info, err := fsys.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.missing = true
		if !hasBackups(fsys, p.backupDir()) {
			return messages.NewFailure("missing", "open "+filepath.Base(p.path), "there is no file %s", p.path).
				WithDid("Nothing was created or changed.").WithHints("ls -l " + shell.Word(filepath.Dir(p.path)))
		}
		if allowMissing {
			return nil
		}
		return messages.NewFailure("database_missing", "open "+filepath.Base(p.path),
			"%s is missing, but backups of it exist in %s", p.path, p.backupDir()).
			WithDid("No empty database was created; the backups were not touched.").
			WithHints("officer restore "+shell.Word(p.path), "officer list "+shell.Word(p.path))
	case err != nil:
		return failureOf("open "+filepath.Base(p.path), fsx.Wrap("open "+p.path, err))
	case !info.Mode().IsRegular():
		return messages.NewFailure("invalid", "open "+filepath.Base(p.path), "%s is not a regular file but %s",
			p.path, fsx.KindOf(info.Mode())).WithDid("Nothing was changed.")
	}
	return nil
}

// hasBackups tells whether a stored backup lies anywhere in {year}/{tier}/.
func hasBackups(fsys fsx.FS, dir string) bool {
	years, err := fsys.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, year := range years {
		tiers, _ := fsys.ReadDir(filepath.Join(dir, year.Name()))
		for _, tier := range tiers {
			files, _ := fsys.ReadDir(filepath.Join(dir, year.Name(), tier.Name()))
			for _, f := range files {
				if strings.HasSuffix(f.Name(), ".db") {
					return true
				}
			}
		}
	}
	return false
}

// A verb that works directly has the lock for a moment: a start that falls into it must
// not turn a database away. An Officer that stays is told from it by patience.
const (
	lockPatience = 2 * time.Second
	lockRetry    = 20 * time.Millisecond
)

// settle makes the home and takes its lock, which is held until the process ends or
// release is called; the kernel drops it when the process is killed.
func (p place) settle(ctx context.Context, fsys fsx.FS, patience time.Duration) (release func(), err error) {
	op := "look after " + filepath.Base(p.path)
	if err := fsx.MakeDirs(fsys, p.home); err != nil {
		f := failureOf(op, err)
		return nil, messages.NewFailure(f.Code, op, "the folder %s cannot be made: %s", p.home, sentence(err)).
			WithDid("Nothing was changed.").WithHints("officer run --home /var/lib/officer " + shell.Word(p.path))
	}
	return p.lock(ctx, fsys, patience)
}

// visit takes the lock of a home that is there and was made by an Officer, and makes nothing.
func (p place) visit(ctx context.Context, fsys fsx.FS, patience time.Duration) (release func(), err error) {
	if _, err := fsys.Lstat(p.lockFile()); errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	return p.lock(ctx, fsys, patience)
}

// lock takes the lock of a home.
func (p place) lock(ctx context.Context, fsys fsx.FS, patience time.Duration) (release func(), err error) {
	op := "look after " + filepath.Base(p.path)
	// A named pipe under that name would hold the open of it for ever.
	if info, err := fsys.Lstat(p.lockFile()); err == nil && !info.Mode().IsRegular() {
		return nil, messages.NewFailure("refused", op, "%s is not a regular file but %s", p.lockFile(), fsx.KindOf(info.Mode())).
			WithDid("Nothing was changed.").WithHints("ls -l " + shell.Word(p.lockFile()))
	}
	release, got, err := takeLock(ctx, fsys, p.lockFile(), patience)
	if err != nil && ctx.Err() != nil {
		return nil, messages.NewFailure("interrupted", op, "interrupted while it was waited for %s", p.lockFile()).
			WithDid("Nothing was changed.")
	}
	if err != nil {
		return nil, failureOf(op, fsx.Wrap("lock "+p.lockFile(), err)).
			WithDid("Nothing was changed.").WithHints("ls -l " + shell.Word(p.home))
	}
	if !got {
		return nil, messages.NewFailure("locked", op, "another Officer looks after %s (it holds %s)", p.path, p.lockFile()).
			WithDid("Nothing was changed.").WithHints("officer status " + shell.Word(p.path))
	}
	return release, nil
}

// takeLock waits for the lock of a home, at most for patience, 0 = a little. The file stays
// when it is given back: removing it would let two processes lock two files of one name.
func takeLock(ctx context.Context, fsys fsx.FS, name string, patience time.Duration) (release func(), got bool, err error) {
	if own, ok := fsys.(fsx.Locker); ok {
		return own.TryLock(name)
	}
	if patience <= 0 {
		patience = lockPatience
	}
	lock := flock.New(name, flock.SetPermissions(0o600))
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	got, err = lock.TryLockContext(waiting, lockRetry)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil
	}
	return func() { _ = lock.Unlock() }, got, err
}

// sentence is what an error of an adapter says to people.
func sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Text
	}
	return "an unexpected error"
}

// failureOf makes a Failure out of an adapter's error: its sentence, never its chain.
func failureOf(op string, err error) *messages.Failure {
	var known *messages.Failure
	if errors.As(err, &known) {
		return known
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return messages.NewFailure(string(f.Code), op, "%s: %s", f.Op, f.Text)
	}
	return messages.NewFailure(string(fault.Internal), op, "an unexpected error; the log has it")
}
