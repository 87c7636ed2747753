//go:build e2e

package e2e

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	house "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// tinyVolume mounts a real file system of 200 MB; it needs root and Linux.
func tinyVolume(t *testing.T) string {
	t.Helper()
	mount := need(t, "mount")
	dir := t.TempDir()
	if out, err := exec.Command(mount, "-t", "tmpfs", "-o", "size=200m,mode=0700", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v %s", err, out)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(patience); ; { // who ended is gone a moment later
			out, err := exec.Command("umount", dir).CombinedOutput()
			if err == nil {
				return
			}
			if time.Now().After(end) {
				t.Errorf("umount: %v\n%s", err, out)
				return
			}
			<-time.After(10 * time.Millisecond)
		}
	})
	return dir
}

// fullDisk is a database and its Officer on a small volume.
type fullDisk struct {
	*patient
	dir    string
	o      *house.Officer
	rows   int
	filler *os.File
}

// TestDisk_fullAndEmptyAgain: warning, refused imports, write fence, reserve released,
// full to the last byte, and everything by itself again when there is room (P8).
func TestDisk_fullAndEmptyAgain(t *testing.T) {
	t.Parallel()
	dir := tinyVolume(t)
	f := &fullDisk{patient: &patient{t: t, cli: need(t, "sqlite3"), db: filepath.Join(dir, "app.db")}, dir: dir}
	f.sql("pragma journal_mode=wal; create table kept(id integer primary key, note text)")
	f.insert()
	var err error
	if f.o, err = house.Start(t.Context(), house.Config{Databases: []house.Database{{Path: f.db, Disk: house.Disk{
		WarnBytes: 120e6, BlockImportsBytes: 80e6, BlockWritesBytes: 30e6, ReserveBytes: 8e6, Every: time.Second}}}}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.o.Close(); err != nil {
			t.Error(err)
		}
	}()
	if f.filler, err = os.Create(filepath.Join(dir, "filler")); err != nil {
		t.Fatal(err)
	}
	defer f.filler.Close()
	reserve := filepath.Join(f.db+"-officer", "reserve")
	f.await("the reserve is there and nothing is wrong", func() bool { return fileBytes(reserve) == 8e6 && len(f.conditions()) == 0 })

	f.fillTo(100e6)
	f.await("the warning", func() bool { return f.conditions()["disk_low"] != nil })
	f.insert()
	if v := f.mayImport(1e6); !v.Allowed {
		t.Errorf("a small import was refused: %s", v.Text)
	}
	f.fillTo(60e6)
	f.await("imports are refused", func() bool { return f.conditions()["disk_imports_blocked"] != nil })
	f.insert()
	if v := f.mayImport(1e6); v.Allowed || v.FreeBytes > 61e6 {
		t.Errorf("got %v, want a refusal with the numbers", v)
	} else {
		t.Log(v.Text)
	}
	f.fillTo(25e6)
	f.await("the fence", func() bool {
		return f.conditions()["disk_writes_blocked"] != nil && f.status().GetOwner().GetFence().GetHeld()
	})
	if n := fileBytes(reserve); n != 0 {
		t.Errorf("the reserve still has %d bytes", n)
	}
	f.fenced()
	f.toTheLastByte()

	if err := f.filler.Truncate(0); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	f.await("writes are let through again by themselves", func() bool { return !f.status().GetOwner().GetFence().GetActive() })
	t.Logf("the fence was lifted %v after there was room", time.Since(began).Round(time.Millisecond))
	f.insert()
	f.await("the reserve is there again and nothing is wrong", func() bool { return fileBytes(reserve) == 8e6 && len(f.conditions()) == 0 })
	if b, err := f.o.Backup(t.Context(), "", "after"); err != nil || !b.GetVerified() {
		t.Errorf("no backup when there was room again: %v, %v", b, err)
	}
	if out := f.sql("select count(*) from kept"); out != strconv.Itoa(f.rows) {
		t.Errorf("got %s rows, %d were acknowledged", out, f.rows)
	}
	if bad := testkit.Integrity(t, f.db); len(bad) > 0 {
		t.Errorf("integrity: %q", bad)
	}
}

// fenced: the app cannot write, can read, and is told why.
func (f *fullDisk) fenced() {
	f.t.Helper()
	if out, err := f.try("insert into kept(note) values('no')"); err == nil || !strings.Contains(out, "database is locked") {
		f.t.Errorf("a write under the fence gave %q, %v; want that the database is locked", out, err)
	}
	if out := f.sql("select count(*) from kept"); out != strconv.Itoa(f.rows) {
		f.t.Errorf("under the fence: got %s rows, %d were acknowledged", out, f.rows)
	}
	h := f.status().Health
	if h.Health != messages.Severity_SEVERITY_RED || !strings.Contains(h.Headline, "The disk is full") {
		f.t.Errorf("got %v %q, want red and that the disk is full", h.Health, h.Headline)
	}
	f.t.Log(h.Headline)
}

// toTheLastByte: SQLite says "I/O error" on a disk without a byte; Officer says what it is.
func (f *fullDisk) toTheLastByte() {
	f.t.Helper()
	if _, err := f.filler.Seek(0, io.SeekEnd); err != nil {
		f.t.Fatal(err)
	}
	burst := make([]byte, 1<<20)
	for n := len(burst); n > 0; {
		if _, err := f.filler.Write(burst[:n]); err != nil {
			n /= 2
		}
	}
	_, err := f.o.Ask(f.t.Context(), "", &messages.TakeBackup{Reason: "full", Force: true, Priority: messages.Priority_PRIORITY_INTERACTIVE}, nil)
	var failure *messages.Failure
	if !errors.As(err, &failure) || failure.Code != "disk_full" {
		f.t.Errorf("a backup on a full disk gave %v, want disk_full", err)
	} else {
		f.t.Log(failure.Text)
	}
	if out := f.sql("select count(*) from kept"); out != strconv.Itoa(f.rows) {
		f.t.Errorf("without a byte free: got %s rows, %d were acknowledged", out, f.rows)
	}
}

func (f *fullDisk) insert() {
	f.t.Helper()
	f.sql("insert into kept(note) values(hex(randomblob(2000)))")
	f.rows++
}

// fillTo leaves so many bytes free, as df tells them.
func (f *fullDisk) fillTo(freeBytes int64) {
	f.t.Helper()
	var r *messages.DiskReport
	if got, err := f.o.Ask(f.t.Context(), "", &messages.GetDisk{}, nil); err != nil {
		f.t.Fatal(err)
	} else {
		r = got.(*messages.DiskReport)
	}
	more := r.Volumes[0].FreeBytes - freeBytes
	if _, err := f.filler.Seek(0, io.SeekEnd); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.filler.Write(make([]byte, more)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fullDisk) mayImport(bytes int64) *messages.SpaceVerdict {
	f.t.Helper()
	got, err := f.o.Ask(f.t.Context(), "", &messages.MayUse{Purpose: "import", Bytes: bytes}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return got.(*messages.SpaceVerdict)
}

func (f *fullDisk) status() *messages.Status {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	st, err := f.o.Status(ctx, "")
	if err != nil {
		f.t.Fatal(err)
	}
	return st
}

// conditions are those of the disk that are shown now.
func (f *fullDisk) conditions() map[string]*messages.Condition {
	up := map[string]*messages.Condition{}
	for _, c := range f.status().GetHealth().GetConditions() {
		if c.System == "disk" {
			up[c.Code] = c
		}
	}
	return up
}

func (f *fullDisk) await(what string, holds func() bool) {
	f.t.Helper()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-deadline:
			f.t.Fatalf("not within %v: %s\n%v", patience, what, f.status())
		}
	}
}

func fileBytes(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
