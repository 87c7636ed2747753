package supervisor

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite"
)

// drillTemp is the pattern of names that only a drill gives, with what SQLite makes
// beside a database (https://sqlite.org/tempfiles.html). Sweep removes nothing else.
var drillTemp = regexp.MustCompile(`^\.officer-drill-\d{8}T\d{6}Z(-\d+)?\.tmp(-journal|-wal|-shm)?$`)

// drillGround is where backups are restored to for a drill: backup.Drill. The live
// database is never touched.
type drillGround struct {
	home   string
	engine *engine
}

func (g drillGround) temp(id string) (string, error) {
	name := ".officer-drill-" + id + ".tmp"
	if _, ok := manifest.ParseID(id); !ok || !drillTemp.MatchString(name) {
		return "", fault.New(fault.Refused, "drill a restore", "%q is not the id of a backup", id)
	}
	return filepath.Join(g.home, name), nil
}

// Free tells how much may still be written where a drill restores to.
func (g drillGround) Free() (freeBytes int64, err error) {
	s, err := g.engine.files.Space(g.home)
	return s.FreeBytes, fsx.Wrap("look at room for a drill", err)
}

// Restore copies a backup into a new file as a restore into a file does, and opens and
// queries it.
func (g drillGround) Restore(ctx context.Context, from, id string, progress func(doneBytes, totalBytes int64)) (string, error) {
	path, err := g.temp(id)
	if err == nil {
		err = g.Discard(id) // of a drill that was killed
	}
	if err == nil {
		err = fsx.CopyFile(ctx, g.engine.files, from, path, progress)
	}
	if err != nil {
		return "", err
	}
	c, err := sqlite.Open(ctx, path, sqlite.Options{VFS: g.engine.vfs, ReadOnly: true, Untrusted: true, BusyTimeout: busyTimeout})
	if err != nil {
		return "", err
	}
	_, err = c.Facts(ctx)
	return path, errors.Join(err, c.Close())
}

// Check judges what was restored as a stored backup is judged, and runs the app's rules.
func (g drillGround) Check(ctx context.Context, path string, want manifest.Content, rules []check.Rule) (check.Report, error) {
	report, _, err := sqlite.VerifyCopy(ctx, path, g.engine.vfs, want)
	if err != nil || len(rules) == 0 || report.Verdict == check.Damaged {
		return report, err
	}
	c, err := sqlite.Open(ctx, path, sqlite.Options{VFS: g.engine.vfs, ReadOnly: true, BusyTimeout: busyTimeout})
	if err != nil {
		return report, err
	}
	ruled, err := c.RunRules(ctx, rules)
	report.RuleBreaks = ruled.RuleBreaks
	return report, errors.Join(err, c.Close())
}

// Discard removes what Restore made for a backup.
func (g drillGround) Discard(id string) error {
	path, err := g.temp(id)
	if err != nil {
		return err
	}
	for _, suffix := range []string{"-journal", "-wal", "-shm", ""} {
		if rerr := g.engine.files.Remove(path + suffix); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, fsx.Wrap("remove what a drill restored", rerr))
		}
	}
	return err
}

// Sweep removes what killed drills left. None may be under way.
func (g drillGround) Sweep() error {
	entries, err := g.engine.files.ReadDir(g.home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.Type().IsRegular() && drillTemp.MatchString(e.Name()) {
			err = errors.Join(err, g.engine.files.Remove(filepath.Join(g.home, e.Name())))
		}
	}
	return fsx.Wrap("sweep after drills", err)
}
