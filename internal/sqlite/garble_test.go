package sqlite

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite/fsvfs"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// garbling is a disk that changes what is written to one file, without a sound.
type garbling struct {
	fsx.FS
	victim   string
	old, new string
}

func (g garbling) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	f, err := g.FS.OpenFile(name, flag, perm)
	if err == nil && name == g.victim {
		return garbled{f, g}, nil
	}
	return f, err
}

type garbled struct {
	fsx.File
	g garbling
}

func (f garbled) WriteAt(p []byte, off int64) (int, error) {
	return f.File.WriteAt([]byte(strings.Replace(string(p), f.g.old, f.g.new, 1)), off)
}

// ledgers are two databases on a disk that changes what is written to victim; the live one
// holds what balance says, the other one, a backup, 'balance 100'.
func ledgers(t *testing.T, victim, balance string) (vfs, live, other string) {
	t.Helper()
	shm := t.TempDir()
	life := simfs.New(0).Boot(simfs.Plan{ShmDir: shm})
	t.Cleanup(life.End)
	live, other, vfs = "/app.db", "/other.db", "garbling-"+t.Name()
	t.Cleanup(fsvfs.Register(fsvfs.Config{Name: vfs, ShmDir: shm, TempDir: "/",
		FS: garbling{FS: life, victim: victim, old: "balance 100", new: "balance 900"}}))
	for name, row := range map[string]string{live: balance, other: "balance 100", "/empty.db": ""} {
		f, err := life.Create(name)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		if row == "" {
			continue
		}
		db, err := OpenDB(name, Options{VFS: life.VFS()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "create table a(b); insert into a values('"+row+"')"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return vfs, live, other
}

// TestCopy_ofWhichADiskChangedAByteIsRefused: in rollback mode the content is digested from
// the copy, so that the lock can go early; only the comparison of pages sees what the disk
// changed on the way, for the copy is sound in itself (P1).
func TestCopy_ofWhichADiskChangedAByteIsRefused(t *testing.T) {
	vfs, live, _ := ledgers(t, "/empty.db", "balance 100")
	c := open(t, live, Options{VFS: vfs})
	if _, err := c.Copy(t.Context(), "/empty.db", CopyOptions{}); fault.CodeOf(err) != fault.Mismatch {
		t.Errorf("got %v, want the changed copy refused", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRestore_ofWhichADiskChangedAByteIsSaid: what is live after a restore is compared with
// what was to be restored (P4).
func TestRestore_ofWhichADiskChangedAByteIsSaid(t *testing.T) {
	vfs, live, backup := ledgers(t, "/app.db", "balance 0")
	c := open(t, live, Options{VFS: vfs})
	if err := c.Restore(t.Context(), backup, RestoreOptions{}); fault.CodeOf(err) != fault.Mismatch {
		t.Errorf("got %v, want it said that the live content differs", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
