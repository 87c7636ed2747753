// Package fsx is the only way Officer touches files. Production code gets OS();
// tests and the fault simulator put another FS in its place, so that every write,
// fsync and rename of Officer can be counted, failed or lost at will.
//
// Errors are *fault.Error whose cause is the operating system's, so both
// fault.CodeOf(err) and errors.Is(err, fs.ErrNotExist) work.
package fsx

import (
	"io"
	"io/fs"
)

// FS is a file system as Officer uses it. All names are paths of the operating
// system. Implementations are safe for use from several goroutines.
type FS interface {
	// Open opens a file for reading.
	Open(name string) (File, error)
	// Create makes a new file with mode 0600 for reading and writing. It fails with
	// fs.ErrExist when anything, even a dangling symbolic link, has that name.
	Create(name string) (File, error)
	// OpenFile is os.OpenFile.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// MkdirAll makes a directory and its missing parents, all with mode 0700.
	MkdirAll(name string) error
	// Remove removes one file or empty directory.
	Remove(name string) error
	// Rename puts from in the place of to, replacing it.
	Rename(from, to string) error
	// RenameNoReplace gives from the name to and fails with fs.ErrExist when to exists.
	RenameNoReplace(from, to string) error
	// Stat follows symbolic links, Lstat does not.
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	// ReadDir lists a directory, sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	// SyncDir makes the entries of a directory durable. It does nothing on Windows,
	// where a directory cannot be flushed.
	SyncDir(name string) error
	// Space tells how much room the volume of path has.
	Space(path string) (Space, error)
	// DropCache asks the system to forget the pages of f it holds in memory, so that
	// the next read comes from the device. It is advice: nil does not prove it.
	DropCache(f File) error
	// Identity gives device and inode of what a Stat of this FS told; ok is false
	// where the system has no such numbers.
	Identity(info fs.FileInfo) (device, inode uint64, ok bool)
}

// File is an open file.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	io.Closer
	// Sync returns once the content is on the device (fsync).
	Sync() error
	// Truncate sets the size in bytes.
	Truncate(sizeBytes int64) error
	Stat() (fs.FileInfo, error)
	// Name is the name it was opened with.
	Name() string
}

// Space is the room on a volume. FreeBytes is what this user may still write.
// FreeInodes is -1 and FSType "" where the system does not tell.
type Space struct {
	TotalBytes int64
	FreeBytes  int64
	FreeInodes int64
	FSType     string // "ext4", "xfs", "nfs", … or the number of an unknown one in hexadecimal
}

const (
	modeFile = 0o600 // database copies and manifests hold the app's data
	modeDir  = 0o700
)
