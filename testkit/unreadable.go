package testkit

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/officer-doofy/officer/internal/fsx"
)

// Unreadable is a file system on a device that fails (EIO) when files of one base name are opened for reading, as
// often as Times says. Writing goes through.
type Unreadable struct {
	fsx.FS
	Name  string
	Times atomic.Int32
}

// NewUnreadable gives one that fails times times.
func NewUnreadable(under fsx.FS, name string, times int32) *Unreadable {
	u := &Unreadable{FS: under, Name: name}
	u.Times.Store(times)
	return u
}

// Open is fsx.FS.
func (u *Unreadable) Open(name string) (fsx.File, error) { return u.OpenFile(name, os.O_RDONLY, 0) }

// OpenFile is fsx.FS.
func (u *Unreadable) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	if flag&os.O_WRONLY == 0 && filepath.Base(name) == u.Name && u.Times.Add(-1) >= 0 {
		return nil, fsx.Wrap("open file", syscall.EIO)
	}
	return u.FS.OpenFile(name, flag, perm)
}
