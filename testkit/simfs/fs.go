package simfs

import (
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/officer-doofy/officer/internal/fsx"
)

var (
	_ fsx.FS     = (*Life)(nil)
	_ fsx.Linker = (*Life)(nil)
	_ fsx.Locker = (*Life)(nil)
)

// endlessBytes is what a volume without end says is free.
const endlessBytes = 1 << 40

// Open opens a file for reading.
func (l *Life) Open(name string) (fsx.File, error) { return l.OpenFile(name, os.O_RDONLY, 0) }

// Create makes a file that must not exist.
func (l *Life) Create(name string) (fsx.File, error) {
	return l.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// OpenFile is os.OpenFile; flags that have no meaning here do nothing.
func (l *Life) OpenFile(name string, flag int, _ fs.FileMode) (fsx.File, error) {
	op := Op{Kind: OpOpen, Path: name}
	if flag&os.O_CREATE != 0 && !l.exists(name) {
		op.Kind, op.Grows = OpCreate, true
	}
	f := &file{life: l, name: name, appends: flag&os.O_APPEND != 0, writes: flag&(os.O_RDWR|os.O_WRONLY) != 0}
	err := l.do(op, func() syscall.Errno {
		dir, base, errno := l.disk.place(name)
		if errno != 0 {
			return errno
		}
		n := dir.names[base]
		switch {
		case n == nil && flag&os.O_CREATE == 0:
			return syscall.ENOENT
		case n == nil:
			n = l.disk.node(false)
			l.disk.rename(edit{dir, base, n})
		case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
			return syscall.EEXIST
		case n.dir && f.writes:
			return syscall.EISDIR
		}
		if flag&os.O_TRUNC != 0 && f.writes && len(n.data) > 0 {
			n.truncate(0)
		}
		f.node = n
		return 0
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (l *Life) exists(name string) bool {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	_, errno := l.disk.find(name)
	return errno == 0
}

// MkdirAll makes a folder and its missing parents, each an operation of its own.
func (l *Life) MkdirAll(name string) error {
	names := parts(name)
	for i := range names {
		path := "/" + strings.Join(names[:i+1], "/")
		if i < len(names)-1 && l.exists(path) {
			continue
		}
		op := Op{Kind: OpMkdir, Path: path, Grows: true}
		if l.exists(path) {
			op = Op{Kind: OpStat, Path: path}
		}
		err := l.do(op, func() syscall.Errno {
			dir, base, errno := l.disk.place(path)
			switch {
			case errno != 0:
				return errno
			case dir.names[base] == nil:
				l.disk.rename(edit{dir, base, l.disk.node(true)})
			case !dir.names[base].dir:
				return syscall.ENOTDIR
			}
			return 0
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Remove removes one file or empty folder. Who has the file open goes on with it.
func (l *Life) Remove(name string) error {
	return l.do(Op{Kind: OpRemove, Path: name}, func() syscall.Errno {
		dir, base, errno := l.disk.place(name)
		if errno != 0 {
			return errno
		}
		n := dir.names[base]
		switch {
		case n == nil:
			return syscall.ENOENT
		case n.dir && len(n.names) > 0:
			return syscall.ENOTEMPTY
		}
		l.disk.rename(edit{dir, base, nil})
		return 0
	})
}

// Rename puts from in the place of to.
func (l *Life) Rename(from, to string) error { return l.move(from, to, true) }

// RenameNoReplace fails when to exists.
func (l *Life) RenameNoReplace(from, to string) error { return l.move(from, to, false) }

func (l *Life) move(from, to string, replace bool) error {
	return l.do(Op{Kind: OpRename, Path: from + " " + to}, func() syscall.Errno {
		fromDir, fromBase, errno := l.disk.place(from)
		if errno != 0 {
			return errno
		}
		toDir, toBase, errno := l.disk.place(to)
		if errno != 0 {
			return errno
		}
		n, old := fromDir.names[fromBase], toDir.names[toBase]
		switch {
		case n == nil:
			return syscall.ENOENT
		case old != nil && !replace:
			return syscall.EEXIST
		case old == n:
			return 0
		case old != nil && old.dir:
			return syscall.EISDIR
		}
		l.disk.rename(edit{fromDir, fromBase, nil}, edit{toDir, toBase, n})
		return 0
	})
}

// Link gives a file a second name.
func (l *Life) Link(from, to string) error {
	return l.do(Op{Kind: OpLink, Path: from + " " + to, Grows: true}, func() syscall.Errno {
		n, errno := l.disk.find(from)
		if errno != 0 {
			return errno
		}
		dir, base, errno := l.disk.place(to)
		switch {
		case errno != 0:
			return errno
		case n.dir:
			return syscall.EPERM
		case dir.names[base] != nil:
			return syscall.EEXIST
		}
		l.disk.rename(edit{dir, base, n})
		return 0
	})
}

// Stat and Lstat are the same: there are no symbolic links.
func (l *Life) Stat(name string) (fs.FileInfo, error) { return l.Lstat(name) }

// Lstat looks at what a name stands for.
func (l *Life) Lstat(name string) (fs.FileInfo, error) {
	var found info
	err := l.do(Op{Kind: OpStat, Path: name}, func() syscall.Errno {
		n, errno := l.disk.find(name)
		if errno == 0 {
			found = l.disk.info(name, n)
		}
		return errno
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// ReadDir lists a folder.
func (l *Life) ReadDir(name string) (list []fs.DirEntry, err error) {
	err = l.do(Op{Kind: OpReadDir, Path: name}, func() syscall.Errno {
		n, errno := l.disk.find(name)
		switch {
		case errno != 0:
			return errno
		case !n.dir:
			return syscall.ENOTDIR
		}
		for _, base := range slices.Sorted(maps.Keys(n.names)) {
			list = append(list, l.disk.info(filepath.Join(name, base), n.names[base]))
		}
		return 0
	})
	return list, err
}

// SyncDir makes the names in a folder durable.
func (l *Life) SyncDir(name string) error {
	return l.do(Op{Kind: OpSyncDir, Path: name}, func() syscall.Errno {
		n, errno := l.disk.find(name)
		switch {
		case errno != 0:
			return errno
		case !n.dir:
			return syscall.ENOTDIR
		}
		l.disk.syncDir(n)
		return 0
	})
}

// Space tells the room on the volume.
func (l *Life) Space(path string) (s fsx.Space, err error) {
	err = l.do(Op{Kind: OpSpace, Path: path}, func() syscall.Errno {
		if _, errno := l.disk.find(path); errno != 0 {
			return errno
		}
		s = fsx.Space{TotalBytes: endlessBytes, FreeBytes: endlessBytes, FreeInodes: math.MaxInt32, FSType: "simfs"}
		if l.disk.capacity > 0 {
			s.TotalBytes, s.FreeBytes = l.disk.capacity, max(l.disk.capacity-l.disk.used(), 0)
		}
		for i, f := range l.plan.Faults {
			if f.Kind == FullFrom && l.began[i] {
				s.FreeBytes = 0
			}
		}
		return 0
	})
	return s, err
}

// DropCache does nothing: a read sees what was written, synced or not, as it does when
// the page cache is not dropped.
func (l *Life) DropCache(fsx.File) error { return nil }

// Identity gives the number of a file on this volume.
func (l *Life) Identity(i fs.FileInfo) (device, inode uint64, ok bool) {
	known, ok := i.(info)
	if !ok {
		return 0, 0, false
	}
	return 1, known.node.id, true
}

// TryLock takes the lock of a file; the end of the process gives it back.
func (l *Life) TryLock(name string) (release func(), got bool, err error) {
	f, err := l.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	n := f.(*file).node
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if h := l.disk.holders[n]; h != nil && !h.dead {
		return nil, false, nil
	}
	l.disk.holders[n] = l
	return func() {
		l.disk.mu.Lock()
		defer l.disk.mu.Unlock()
		if l.disk.holders[n] == l {
			delete(l.disk.holders, n)
		}
	}, true, nil
}
