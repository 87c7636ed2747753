package fsx

import (
	"errors"
	"io/fs"
	"os"
)

// OS is the file system of the operating system.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) Open(name string) (File, error) { return openOS(name, os.O_RDONLY, 0) }

func (osFS) Create(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, modeFile)
}

func (osFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	return openOS(name, flag, perm)
}

func openOS(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, Wrap("open file", err)
	}
	return osFile{f}, nil
}

func (osFS) MkdirAll(name string) error {
	return Wrap("make directory", whyNotMade(os.MkdirAll(name, modeDir), os.Stat))
}

// whyNotMade gives the error that os.MkdirAll met first: where the look at a directory
// fails, it tries to make it, and tells of a name that is taken and not of the device.
func whyNotMade(err error, look func(string) (fs.FileInfo, error)) error {
	var at *fs.PathError
	if !errors.Is(err, fs.ErrExist) || !errors.As(err, &at) {
		return err
	}
	if _, looked := look(at.Path); looked != nil && !errors.Is(looked, fs.ErrNotExist) {
		return looked
	}
	return err
}

func (osFS) Remove(name string) error { return Wrap("remove file", os.Remove(name)) }

func (osFS) Rename(from, to string) error { return Wrap("rename file", os.Rename(from, to)) }

func (osFS) RenameNoReplace(from, to string) error {
	return Wrap("rename file", renameNoReplace(from, to))
}

func (osFS) Stat(name string) (fs.FileInfo, error) {
	info, err := os.Stat(name)
	return info, Wrap("look at file", err)
}

func (osFS) Lstat(name string) (fs.FileInfo, error) {
	info, err := os.Lstat(name)
	return info, Wrap("look at file", err)
}

func (osFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(name)
	return entries, Wrap("read directory", err)
}

func (osFS) SyncDir(name string) error { return Wrap("sync directory", syncDir(name)) }

func (osFS) Space(path string) (Space, error) {
	s, err := space(path)
	return s, Wrap("look at volume", err)
}

func (osFS) DropCache(f File) error {
	of, ok := f.(osFile)
	if !ok {
		return nil
	}
	return Wrap("drop page cache", dropCache(of.f))
}

func (osFS) Identity(info fs.FileInfo) (device, inode uint64, ok bool) { return identity(info) }

// osFile is an *os.File whose errors carry a fault code.
type osFile struct{ f *os.File }

func (o osFile) Read(p []byte) (int, error) {
	n, err := o.f.Read(p)
	return n, wrapRead(err)
}

func (o osFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.f.ReadAt(p, off)
	return n, wrapRead(err)
}

func (o osFile) Write(p []byte) (int, error) {
	n, err := o.f.Write(p)
	return n, Wrap("write file", err)
}

func (o osFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := o.f.WriteAt(p, off)
	return n, Wrap("write file", err)
}

func (o osFile) Close() error { return Wrap("close file", o.f.Close()) }
func (o osFile) Sync() error  { return Wrap("sync file", o.f.Sync()) }

func (o osFile) Truncate(sizeBytes int64) error {
	return Wrap("truncate file", o.f.Truncate(sizeBytes))
}

func (o osFile) Stat() (fs.FileInfo, error) {
	info, err := o.f.Stat()
	return info, Wrap("look at file", err)
}

func (o osFile) Name() string { return o.f.Name() }
