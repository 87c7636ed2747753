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
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
)

// sealed is the seal of what is written in bursts.
func sealed(s *Sealer, data []byte) (seal uint64) {
	for off := 0; off < len(data); off += SealBytes {
		seal += s.Burst(int64(off), data[off:min(off+SealBytes, len(data))])
	}
	return seal
}

// back is what a device gives back that holds data.
func back(s *Sealer, data []byte) GivenBack {
	sum := sha256.Sum256(data)
	return GivenBack{Seal: sealed(s, data), SHA256: hex.EncodeToString(sum[:]), SizeBytes: int64(len(data))}
}

// patterned gives bytes that are nowhere alike.
func patterned(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i ^ i>>8*7 ^ i>>16*13)
	}
	return data
}

// cachedOnly is a volume whose cache has to be dropped.
type cachedOnly struct{ FS }

func volumes() map[string]FS { return map[string]FS{"as it is": OS(), "dropped": cachedOnly{OS()}} }

func TestReadBack_sealsWhatWasWritten(t *testing.T) {
	s := NewSealer()
	for name, fsys := range volumes() {
		for _, size := range []int{0, 1, 512, 4095, 4096, SealBytes, SealBytes + 512, besideMin - 1, besideMin + 4096, 3*besideMin + 1} {
			data, looked := patterned(size), 0
			file := write(t, filepath.Join(t.TempDir(), "a"), data)
			got, err := s.ReadBack(t.Context(), fsys, file, func() { looked++ })
			if want := back(s, data); err != nil || got != want || looked != 1 {
				t.Errorf("%s, %d bytes: got %+v, %d looks, %v; want %+v", name, size, got, looked, err, want)
			}
		}
	}
}

func TestSealer_isBrokenByAnyOtherByte(t *testing.T) {
	s, data := NewSealer(), patterned(3*SealBytes+100)
	want := sealed(s, data)
	if sealed(NewSealer(), data) == want {
		t.Error("another one makes the same seal")
	}
	for _, at := range []int{0, 17, SealBytes - 1, SealBytes, 2*SealBytes + 5, len(data) - 1} {
		other := bytes.Clone(data)
		other[at] ^= 1
		if sealed(s, other) == want {
			t.Errorf("a bit flipped at %d leaves the seal", at)
		}
	}
	swapped := bytes.Clone(data)
	copy(swapped, data[SealBytes:2*SealBytes])
	copy(swapped[SealBytes:], data[:SealBytes])
	if sealed(s, swapped) == want || sealed(s, data[:len(data)-1]) == want {
		t.Error("bursts that are swapped, or an end that is cut off, leave the seal")
	}
}

// told is a volume that says what is done to it.
type told struct {
	FS
	did  []string
	sync error
}

type toldFile struct {
	File
	of *told
}

func (v *told) Open(name string) (File, error) {
	v.did = append(v.did, "open")
	f, err := v.FS.Open(name)
	return toldFile{f, v}, err
}

func (v *told) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := v.FS.OpenFile(name, flag, perm)
	return toldFile{f, v}, err
}

func (v *told) DropCache(f File) error {
	v.did = append(v.did, "drop")
	return v.FS.DropCache(f.(toldFile).File)
}

func (f toldFile) Sync() error {
	f.of.did = append(f.of.did, "sync")
	return errors.Join(f.of.sync, f.File.Sync())
}

func (f toldFile) ReadAt(p []byte, off int64) (int, error) {
	f.of.did = append(f.of.did, "read")
	return f.File.ReadAt(p, off)
}

// Pages that are not yet written cannot be dropped, and pages that are not dropped are
// remembered, not read.
func TestReadBack_syncsAndDropsBeforeItReads(t *testing.T) {
	v := &told{FS: cachedOnly{OS()}}
	file := write(t, filepath.Join(t.TempDir(), "a"), patterned(5000))
	if _, err := NewSealer().ReadBack(t.Context(), v, file, func() { v.did = append(v.did, "beside") }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"sync", "open", "drop", "read", "beside"}; !slices.Equal(slices.Compact(v.did), want) {
		t.Errorf("got %v, want %v", v.did, want)
	}
	v.did, v.sync = nil, fault.New(fault.IO, "sync", "failed")
	if _, err := NewSealer().ReadBack(t.Context(), v, file, func() { v.did = append(v.did, "beside") }); fault.CodeOf(err) != fault.IO {
		t.Errorf("got %v after a failed fsync", err)
	}
	if slices.Contains(v.did, "read") || slices.Contains(v.did, "beside") {
		t.Errorf("got %v after a failed fsync", v.did)
	}
}

func TestReadBack_refusesWhatIsNoFileAndEndsWithItsContext(t *testing.T) {
	dir, s := t.TempDir(), NewSealer()
	file := write(t, filepath.Join(dir, "a"), patterned(2*besideMin))
	if err := os.Symlink(file, filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	for name, fsys := range volumes() {
		for what, want := range map[string]fault.Code{"link": fault.Refused, ".": fault.Refused, "none": fault.Missing} {
			_, err := s.ReadBack(t.Context(), fsys, filepath.Join(dir, what), nil)
			if fault.CodeOf(err) != want {
				t.Errorf("%s, %s: got %v, want %s", name, what, err, want)
			}
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.ReadBack(over, fsys, file, nil)
		wantCode(t, err, fault.Interrupted)
	}
}

// short is a file that ends before it should.
type short struct{ File }

func (s short) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.File.ReadAt(p[:min(len(p), 100)], off)
	if off > SealBytes {
		return 0, nil
	}
	return n, err
}

func TestSealer_aFileThatEndsTooSoonIsAnError(t *testing.T) {
	f, err := OS().Open(write(t, filepath.Join(t.TempDir(), "a"), patterned(3*SealBytes)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, readers := range []int64{1, readersMax} {
		if _, err := NewSealer().read(t.Context(), "read", short{f}, 3*SealBytes, readers); fault.CodeOf(err) != fault.IO {
			t.Errorf("%d readers: got %v, want an error", readers, err)
		}
		if _, err := NewSealer().read(t.Context(), "read", f, 4*SealBytes, readers); fault.CodeOf(err) != fault.IO {
			t.Errorf("%d readers: got %v, want an error", readers, err)
		}
	}
}

func TestReadBack_handsOnAPanicFromBeside(t *testing.T) {
	for name, fsys := range volumes() {
		file := write(t, filepath.Join(t.TempDir(), "a"), patterned(besideMin))
		func() {
			defer func() {
				if r := recover(); r != "a defect" {
					t.Errorf("%s: got %v, want the panic", name, r)
				}
			}()
			_, _ = NewSealer().ReadBack(t.Context(), fsys, file, func() { panic("a defect") })
		}()
	}
}

// TestReadBack_runsBesideTheLook: they run at the same time, or the look would
// never end.
func TestReadBack_runsBesideTheLook(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "a"), patterned(besideMin))
	u, ok := OS().(Uncached)
	if !ok {
		t.Skip("this system cannot read past its cache")
	}
	if f, err := u.OpenUncached(file); err != nil {
		t.Skip("this volume cannot be read past the cache:", err)
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var synced atomic.Bool
	v := &watched{FS: OS(), u: u, synced: make(chan struct{})}
	_, err := NewSealer().ReadBack(t.Context(), v, file, func() {
		<-v.synced
		synced.Store(true)
	})
	if err != nil || !synced.Load() {
		t.Errorf("got %v", err)
	}
}

// watched tells when a file was fsynced.
type watched struct {
	FS
	u      Uncached
	synced chan struct{}
}

func (w *watched) OpenUncached(name string) (File, error) { return w.u.OpenUncached(name) }

func (w *watched) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := w.FS.OpenFile(name, flag, perm)
	return watchedFile{f, w}, err
}

type watchedFile struct {
	File
	w *watched
}

func (f watchedFile) Sync() error {
	defer close(f.w.synced)
	return f.File.Sync()
}

// promising is a volume that opens a file past the cache and cannot read it so.
type promising struct{ FS }

func (v promising) OpenUncached(name string) (File, error) {
	f, err := v.Open(name)
	return unable{f}, err
}

type unable struct{ File }

func (unable) ReadAt([]byte, int64) (int, error) { return 0, Wrap("read file", syscall.EINVAL) }

func TestReadBack_dropsTheCacheWhereItCannotBePassedAfterAll(t *testing.T) {
	s, data := NewSealer(), patterned(besideMin+5)
	file, looks := write(t, filepath.Join(t.TempDir(), "a"), data), 0
	got, err := s.ReadBack(t.Context(), promising{OS()}, file, func() { looks++ })
	if want := back(s, data); err != nil || got != want || looks != 1 {
		t.Errorf("got %+v, %v, %d looks; want %+v", got, err, looks, want)
	}
}
