package sqlite

import (
	"context"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite/fsvfs"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// readDisk is a disk that tells of each read of a log.
type readDisk struct {
	fsx.FS
	read func()
}

func (c readDisk) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	f, err := c.FS.OpenFile(name, flag, perm)
	if err == nil && strings.HasSuffix(name, "-wal") {
		return readFile{f, c.read}, nil
	}
	return f, err
}

type readFile struct {
	fsx.File
	read func()
}

func (f readFile) ReadAt(p []byte, off int64) (int, error) {
	f.read()
	return f.File.ReadAt(p, off)
}

// A log that nobody could empty may have gigabytes, and a snapshot reads it whole.
func TestSnapshot_ofALongLogStopsWithItsContext(t *testing.T) {
	const enough = 20
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var armed atomic.Bool
	var reads atomic.Int64
	shm := t.TempDir()
	life := simfs.New(0).Boot(simfs.Plan{ShmDir: shm})
	t.Cleanup(life.End)
	vfs := "reads-" + t.Name()
	t.Cleanup(fsvfs.Register(fsvfs.Config{Name: vfs, ShmDir: shm, TempDir: "/", FS: readDisk{life, func() {
		if armed.Load() && reads.Add(1) == enough {
			stop()
		}
	}}}))
	f, err := life.Create("/app.db")
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	app, err := OpenDB("/app.db", Options{VFS: vfs})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	for _, sql := range []string{"pragma journal_mode=wal", "create table a(b)", "insert into a values(zeroblob(4000000))"} {
		if _, err := app.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, "/app.db", Options{VFS: vfs, ReadOnly: true})
	if _, err := c.Facts(t.Context()); err != nil {
		t.Fatal(err)
	}
	armed.Store(true)
	_, err = c.Snapshot(ctx)
	if fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("got %v, want it interrupted", err)
	}
	if n := reads.Load(); n != enough {
		t.Errorf("read %d times of a log of about 1,000 frames, want %d", n, enough)
	}
	armed.Store(false)
	s, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatalf("the next one: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
