package fsx

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/officer-doofy/officer/internal/fault"
)

// Readable is a file that is only read.
type Readable interface {
	io.ReadSeekCloser
	// Stat tells about the open file, whatever has its name by now.
	Stat() (fs.FileInfo, error)
}

// OpenBeneath opens a regular file below a folder for reading, for somebody who may not see
// anything else. name is relative. No symbolic link is followed, neither at the end nor on
// the way, and what is no regular file is refused with fault.Refused: opening a FIFO would
// hang.
func OpenBeneath(dir, name string) (Readable, error) {
	const op = "open a stored file"
	if !filepath.IsLocal(name) {
		return nil, fault.New(fault.Refused, op, "the name leads out of the folder")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, Wrap(op, err)
	}
	defer root.Close()
	parts := strings.Split(filepath.Clean(name), string(filepath.Separator))
	for i := range parts {
		info, err := root.Lstat(filepath.Join(parts[:i+1]...))
		if err != nil {
			return nil, Wrap(op, err)
		}
		if last := i == len(parts)-1; last != info.Mode().IsRegular() || !last && !info.IsDir() {
			return nil, fault.New(fault.Refused, op, "on the way is %s", KindOf(info.Mode()))
		}
	}
	seen, err := root.Lstat(name)
	if err != nil {
		return nil, Wrap(op, err)
	}
	f, err := root.OpenFile(name, os.O_RDONLY|flagNoFollow, 0)
	if err != nil {
		return nil, Wrap(op, err)
	}
	// Between the look and the open somebody may have put something else there.
	if now, err := f.Stat(); err != nil || !os.SameFile(seen, now) || !now.Mode().IsRegular() {
		_ = f.Close()
		return nil, fault.New(fault.Refused, op, "another file was put there meanwhile")
	}
	return f, nil
}
