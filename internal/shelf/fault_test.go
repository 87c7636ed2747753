package shelf

import (
	"io/fs"
	"sync"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
)

// killFS dies at the n-th operation that changes or reads the disk: that one and every
// later one fail and do nothing, as if the process had been killed there.
type killFS struct {
	fsx.FS
	noLinks bool

	mu    sync.Mutex
	left  int // operations until the kill; < 0 = never
	count int
}

func (k *killFS) step() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.count++
	if k.left == 0 {
		return fault.New(fault.IO, "operate", "killed")
	}
	if k.left > 0 {
		k.left--
	}
	return nil
}

func (k *killFS) file(f fsx.File, err error) (fsx.File, error) {
	if err != nil {
		return nil, err
	}
	return &killFile{f, k}, nil
}

func (k *killFS) Open(name string) (fsx.File, error) {
	if err := k.step(); err != nil {
		return nil, err
	}
	return k.file(k.FS.Open(name))
}

func (k *killFS) Create(name string) (fsx.File, error) {
	if err := k.step(); err != nil {
		return nil, err
	}
	return k.file(k.FS.Create(name))
}

func (k *killFS) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	if err := k.step(); err != nil {
		return nil, err
	}
	return k.file(k.FS.OpenFile(name, flag, perm))
}

func (k *killFS) MkdirAll(name string) error {
	return k.do(func() error { return k.FS.MkdirAll(name) })
}
func (k *killFS) Remove(name string) error  { return k.do(func() error { return k.FS.Remove(name) }) }
func (k *killFS) SyncDir(name string) error { return k.do(func() error { return k.FS.SyncDir(name) }) }

func (k *killFS) Rename(from, to string) error {
	return k.do(func() error { return k.FS.Rename(from, to) })
}

func (k *killFS) RenameNoReplace(from, to string) error {
	return k.do(func() error { return k.FS.RenameNoReplace(from, to) })
}

func (k *killFS) Link(from, to string) error {
	if k.noLinks {
		return fault.New(fault.Refused, "link file", "no hard links here")
	}
	return k.do(func() error { return k.FS.(fsx.Linker).Link(from, to) })
}

func (k *killFS) Lstat(name string) (fs.FileInfo, error) {
	if err := k.step(); err != nil {
		return nil, err
	}
	return k.FS.Lstat(name)
}

func (k *killFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := k.step(); err != nil {
		return nil, err
	}
	return k.FS.ReadDir(name)
}

func (k *killFS) do(f func() error) error {
	if err := k.step(); err != nil {
		return err
	}
	return f()
}

type killFile struct {
	fsx.File
	k *killFS
}

// Write does half of it when it is the one killed: a torn write.
func (f *killFile) Write(p []byte) (int, error) {
	if err := f.k.step(); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f *killFile) Sync() error { return f.k.step() }
