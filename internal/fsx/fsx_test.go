package fsx

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
)

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func wantCode(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}

func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := OS().ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(names) {
		t.Errorf("got files %v, want %v", got, names)
	}
}

func TestCreate_isExclusiveAndPrivate(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	f, err := OS().Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, _ := f.Stat(); runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, want 0600", info.Mode())
	}
	_, err = OS().Create(name)
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want fs.ErrExist", err)
	}
	wantCode(t, err, fault.Refused)
	link := filepath.Join(t.TempDir(), "planted")
	if os.Symlink(name+".nowhere", link) == nil {
		if _, err := OS().Create(link); !errors.Is(err, fs.ErrExist) {
			t.Errorf("through a planted link: got %v, want fs.ErrExist", err)
		}
	}
}

func TestRenameNoReplace_neverReplaces(t *testing.T) {
	dir := t.TempDir()
	from, to := write(t, filepath.Join(dir, "from"), []byte("new")), write(t, filepath.Join(dir, "to"), []byte("old"))
	if err := OS().RenameNoReplace(from, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want fs.ErrExist", err)
	}
	if data, _ := os.ReadFile(to); string(data) != "old" {
		t.Errorf("got %q, want old", data)
	}
	if err := OS().RenameNoReplace(from, to+"2"); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, "to", "to2")
	wantCode(t, OS().RenameNoReplace(from, to+"3"), fault.Missing)
}

func TestWriteAtomic_replacesWholeAndLeavesNoStray(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "m.json")
	for _, data := range []string{"one", "two and longer", ""} {
		if err := WriteAtomic(OS(), name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadLimited(OS(), name, 100); err != nil || string(got) != data {
			t.Errorf("got %q %v, want %q", got, err, data)
		}
	}
	wantOnly(t, dir, "m.json")
	// A stray of a killed run and a planted link are stepped round.
	write(t, name+".tmp", []byte("stray"))
	if err := WriteAtomic(OS(), name, []byte("three"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, "m.json", "m.json.tmp")
}

// failing fails the Nth call that changes something.
type failing struct {
	FS
	n   int
	err error
}

func (f *failing) hit() error {
	f.n--
	if f.n == 0 {
		return Wrap("test", f.err)
	}
	return nil
}

func (f *failing) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if err := f.hit(); err != nil {
		return nil, err
	}
	file, err := f.FS.OpenFile(name, flag, perm)
	return failingFile{file, f}, err
}

func (f *failing) Create(name string) (File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, modeFile)
}

func (f *failing) Rename(from, to string) error {
	if err := f.hit(); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

func (f *failing) SyncDir(name string) error {
	if err := f.hit(); err != nil {
		return err
	}
	return f.FS.SyncDir(name)
}

type failingFile struct {
	File
	f *failing
}

func (w failingFile) Write(p []byte) (int, error) {
	if err := w.f.hit(); err != nil {
		n, _ := w.File.Write(p[:len(p)/2]) // a short write
		return n, err
	}
	return w.File.Write(p)
}

func (w failingFile) Sync() error {
	if err := w.f.hit(); err != nil {
		return err
	}
	return w.File.Sync()
}

func (w failingFile) Close() error {
	err := w.File.Close()
	if hit := w.f.hit(); hit != nil {
		return hit
	}
	return err
}

func TestWriteAtomic_failingAtAnyCallLeavesOldOrNewAndNoStray(t *testing.T) {
	const calls = 6 // open, write, sync, close, rename, sync of the directory
	for n := 1; n <= calls+1; n++ {
		dir := t.TempDir()
		name := write(t, filepath.Join(dir, "m.json"), []byte("old"))
		err := WriteAtomic(&failing{FS: OS(), n: n, err: syscall.ENOSPC}, name, []byte("new"), 0o600)
		data, _ := os.ReadFile(name)
		switch {
		case n > calls && (err != nil || string(data) != "new"):
			t.Errorf("no failure: got %q %v", data, err)
		case n <= calls:
			wantCode(t, err, fault.Full)
			if want := map[bool]string{true: "old", false: "new"}[n < calls]; string(data) != want {
				t.Errorf("call %d failed: got %q, want %q", n, data, want)
			}
		}
		wantOnly(t, dir, "m.json")
	}
}

func TestCopyFile_failingAtAnyCallLeavesNothing(t *testing.T) {
	src := write(t, filepath.Join(t.TempDir(), "src"), bytes.Repeat([]byte("abc"), 1000))
	for _, c := range []struct {
		calls int
		copy  func(fsys FS, to string) error
	}{
		{5, func(fsys FS, to string) error { return CopyFile(t.Context(), fsys, src, to, nil) }},
		{3, func(fsys FS, to string) error { return CopyToWork(t.Context(), fsys, src, to) }}, // without the two fsyncs
	} {
		for n := 1; n <= c.calls+1; n++ {
			dir := t.TempDir()
			to := filepath.Join(dir, "dst")
			err := c.copy(&failing{FS: OS(), n: n, err: syscall.EIO}, to)
			if n <= c.calls {
				wantCode(t, err, fault.IO)
				wantOnly(t, dir)
				continue
			}
			got, rerr := os.ReadFile(to)
			if err != nil || rerr != nil || !bytes.Equal(got, bytes.Repeat([]byte("abc"), 1000)) {
				t.Errorf("got %d bytes, %v %v", len(got), err, rerr)
			}
		}
	}
}

func TestReadLimited_refusesWhatIsNoSmallFile(t *testing.T) {
	dir := t.TempDir()
	name := write(t, filepath.Join(dir, "a"), []byte("12345"))
	if _, err := ReadLimited(OS(), name, 5); err != nil {
		t.Error(err)
	}
	_, err := ReadLimited(OS(), name, 4)
	wantCode(t, err, fault.TooBig)
	_, err = ReadLimited(OS(), dir, 1000)
	wantCode(t, err, fault.Refused)
	_, err = ReadLimited(OS(), name+"2", 5)
	wantCode(t, err, fault.Missing)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist in the chain", err)
	}
	if os.Symlink(name, name+".link") == nil {
		_, err = ReadLimited(OS(), name+".link", 5)
		wantCode(t, err, fault.Refused)
	}
}

func TestCopyFile_andHashFileAgree(t *testing.T) {
	dir := t.TempDir()
	data := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // four bursts
	src := write(t, filepath.Join(dir, "src"), data)
	dst := filepath.Join(dir, "dst")
	var heard []int64
	err := CopyFile(t.Context(), OS(), src, dst, func(done, total int64) {
		if total != int64(len(data)) {
			t.Errorf("got total %d", total)
		}
		heard = append(heard, done)
	})
	if err != nil || len(heard) != 4 || heard[3] != int64(len(data)) {
		t.Fatalf("got %v, progress %v", err, heard)
	}
	want := sha256.Sum256(data)
	got, size, err := HashFile(t.Context(), OS(), dst)
	if err != nil || got != hex.EncodeToString(want[:]) || size != int64(len(data)) {
		t.Errorf("got %s %d %v", got, size, err)
	}
	if err := CopyFile(t.Context(), OS(), src, dst, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto an existing file: got %v, want fs.ErrExist", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantCode(t, CopyFile(ctx, OS(), src, filepath.Join(dir, "third"), nil), fault.Interrupted)
	wantOnly(t, dir, "dst", "src")
}

func TestLinkFile_givesASecondNameAndReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	src := write(t, filepath.Join(dir, "src"), []byte("content"))
	if err := LinkFile(OS(), src, filepath.Join(dir, "dst")); fault.CodeOf(err) == fault.Refused {
		t.Skip("no hard links here")
	} else if err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, "dst", "src")
	if err := LinkFile(OS(), src, filepath.Join(dir, "dst")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto an existing file: got %v, want fs.ErrExist", err)
	}
	wantCode(t, LinkFile(OS(), filepath.Join(dir, "none"), filepath.Join(dir, "x")), fault.Missing)
	wantCode(t, LinkFile(OS(), dir, filepath.Join(dir, "x")), fault.Refused)
	wantOnly(t, dir, "dst", "src")
}

// linkless is a file system without hard links.
type linkless struct{ FS }

func TestLinkOrCopy_copiesWhereThereAreNoLinks(t *testing.T) {
	dir := t.TempDir()
	src := write(t, filepath.Join(dir, "src"), []byte("content"))
	if err := LinkOrCopy(t.Context(), linkless{OS()}, src, filepath.Join(dir, "dst"), nil); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "dst")); err != nil || string(got) != "content" {
		t.Errorf("got %q %v", got, err)
	}
	if err := LinkOrCopy(t.Context(), linkless{OS()}, src, filepath.Join(dir, "dst"), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto an existing file: got %v, want fs.ErrExist", err)
	}
}

func TestSpace_andIdentity(t *testing.T) {
	dir := t.TempDir()
	s, err := OS().Space(dir)
	if err != nil || s.TotalBytes <= 0 || s.FreeBytes < 0 || s.FreeBytes > s.TotalBytes {
		t.Errorf("got %+v %v", s, err)
	}
	_, err = OS().Space(filepath.Join(dir, "none"))
	wantCode(t, err, fault.Missing)
	name := write(t, filepath.Join(dir, "a"), nil)
	if os.Link(name, name+"2") != nil {
		t.Skip("no hard links here")
	}
	a, _ := OS().Stat(name)
	b, _ := OS().Stat(name + "2")
	d1, i1, ok := OS().Identity(a)
	d2, i2, _ := OS().Identity(b)
	if d1 != d2 || i1 != i2 || ok && i1 == 0 {
		t.Errorf("got %d/%d and %d/%d for one file", d1, i1, d2, i2)
	}
}

func TestWrap_namesTheKindOfFailure(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("other numbers there")
	}
	for errno, want := range map[syscall.Errno]fault.Code{
		syscall.ENOSPC: fault.Full, syscall.EDQUOT: fault.Full, syscall.EIO: fault.IO, syscall.EROFS: fault.ReadOnly,
		syscall.ENOENT: fault.Missing, syscall.EACCES: fault.Permission, syscall.EPERM: fault.Permission, syscall.EBADF: fault.IO,
	} {
		err := Wrap("x", &fs.PathError{Op: "write", Path: "p", Err: errno})
		wantCode(t, err, want)
		if !errors.Is(err, errno) {
			t.Errorf("%v is lost from the chain", errno)
		}
		if again := Wrap("y", err); again != err { //nolint:errorlint // the very same value is what is wanted
			t.Errorf("wrapped twice: %v", again)
		}
	}
	if Wrap("x", nil) != nil {
		t.Error("nil became an error")
	}
}

func TestMakeDirs_syncsEachNewName(t *testing.T) {
	dir := t.TempDir()
	s := &dirsSynced{FS: OS()}
	if err := MakeDirs(s, filepath.Join(dir, "a", "b")); err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(dir, "a"), dir}; !slices.Equal(s.names, want) {
		t.Errorf("synced %q, want %q", s.names, want)
	}
	s.names = nil
	if err := MakeDirs(s, filepath.Join(dir, "a", "b")); err != nil || len(s.names) > 0 {
		t.Errorf("of what is there %q were synced (%v)", s.names, err)
	}
}

// dirsSynced notes which folders are synced.
type dirsSynced struct {
	FS
	names []string
}

func (d *dirsSynced) SyncDir(name string) error {
	d.names = append(d.names, name)
	return d.FS.SyncDir(name)
}

func TestRemoveTemps_takesOnlyWhatWriteAtomicLeft(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.json", "a.json.tmp", "a.json.tmp2", "a.json.tmp2x", "b.json.tmp", "a.json.temp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "a.json.tmp3"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := RemoveTemps(OS(), filepath.Join(dir, "a.json")); err != nil {
		t.Fatal(err)
	}
	if err := RemoveTemps(OS(), filepath.Join(dir, "none", "a.json")); err != nil {
		t.Errorf("of a folder that is not there: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	if want := []string{"a.json", "a.json.temp", "a.json.tmp2x", "a.json.tmp3", "b.json.tmp"}; !slices.Equal(names, want) {
		t.Errorf("left %q, want %q", names, want)
	}
}
