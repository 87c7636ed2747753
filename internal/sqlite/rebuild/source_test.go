package rebuild_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/testkit"
)

// sick is a disk of which one file cannot be read beyond some bytes.
type sick struct {
	fsx.FS
	path string
	from int64
}

var errSick = errors.New("the sector cannot be read")

func (s sick) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	f, err := s.FS.OpenFile(name, flag, perm)
	if err != nil || name != s.path {
		return f, err
	}
	return sickFile{f, s.from}, nil
}

type sickFile struct {
	fsx.File
	from int64
}

func (f sickFile) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.from {
		return 0, errSick
	}
	return f.File.ReadAt(p, off)
}

// Who recovers from a dying disk gets what can still be read; a repair, whose files were
// whole a moment ago, must not take the disk's trouble for lost rows.
func TestRecover_aReadThatFailsIsLossOrTrouble(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Delete)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	disk := sick{fsx.OS(), path, info.Size() / 2}
	got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: disk, File: path, To: filepath.Join(t.TempDir(), "out.db")})
	if err != nil || len(got.Tables) == 0 {
		t.Errorf("from a dying disk: got %+v, %v, want what can be read", got, err)
	}
	to := filepath.Join(t.TempDir(), "out.db")
	_, err = rebuild.Recover(context.Background(), rebuild.Order{FS: disk, File: path, To: to, Readable: true})
	if fault.CodeOf(err) != fault.IO || !errors.Is(err, errSick) {
		t.Errorf("of files that were whole: got %v, want io with its cause", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(to), "*")); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// blind does not tell what lies under a name.
type blind struct{ fsx.FS }

func (blind) Lstat(string) (fs.FileInfo, error) { return nil, errSick }

// A refusal would have a repair go on to a layer that brings back less.
func TestRecover_aDiskThatDoesNotAnswerIsNoRefusal(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Delete)
	to := filepath.Join(t.TempDir(), "out.db")
	_, err := rebuild.Recover(t.Context(), rebuild.Order{FS: blind{fsx.OS()}, File: path, To: to})
	if code := fault.CodeOf(err); code == fault.Refused || !errors.Is(err, errSick) {
		t.Errorf("got %s: %v, want the device's own error", code, err)
	}
}
