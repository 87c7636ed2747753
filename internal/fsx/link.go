package fsx

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/officer-doofy/officer/internal/fault"
)

// Linker is an FS that can give a file a second name. Not every FS has it, and not
// every volume (FAT, some network mounts): whoever asks needs another way.
type Linker interface {
	// Link gives from the additional name to. It fails with fs.ErrExist when to exists, and
	// with fault.Refused where there are no hard links: any other failure is one of the disk.
	Link(from, to string) error
}

// Link is os.Link.
func (osFS) Link(from, to string) error {
	err := os.Link(from, to)
	if err != nil && noLinks(err) {
		return fault.Wrap(fault.Refused, "link file", "this volume makes no hard links", err)
	}
	return Wrap("link file", err)
}

// LinkFile gives a regular file that nobody writes any more, and that is durable, a second
// name, and syncs the directory. It fails with fs.ErrExist when to exists, and with
// fault.Refused where that cannot be: then it has to be copied.
func LinkFile(fsys FS, from, to string) error {
	op := "link " + filepath.Base(from)
	info, err := fsys.Lstat(from)
	switch {
	case err != nil:
		return Wrap(op, err)
	case !info.Mode().IsRegular():
		return fault.New(fault.Refused, op, "not a regular file but %s", KindOf(info.Mode()))
	}
	l, ok := fsys.(Linker)
	if !ok {
		return fault.New(fault.Refused, op, "this file system makes no hard links")
	}
	if err := l.Link(from, to); err != nil {
		return Wrap(op, err)
	}
	return Wrap(op, fsys.SyncDir(filepath.Dir(to)))
}

// LinkOrCopy is LinkFile, and CopyFile where that cannot be.
func LinkOrCopy(ctx context.Context, fsys FS, from, to string, progress func(doneBytes, totalBytes int64)) error {
	err := LinkFile(fsys, from, to)
	if err == nil || errors.Is(err, fs.ErrExist) || fault.CodeOf(err) != fault.Refused {
		return err
	}
	return CopyFile(ctx, fsys, from, to, progress)
}
