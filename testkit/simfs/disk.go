package simfs

import (
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Disk is a volume. Its methods may be called from several goroutines.
type Disk struct {
	mu       sync.Mutex
	root     *inode
	journal  []*nameOp // changes of names that no folder's fsync has made durable, in order
	serial   uint64    // of the newest inode
	capacity int64     // bytes; 0 = without end
	lives    []*Life   // that run on it
	holders  map[*inode]*Life
}

// New makes an empty volume with room for so many bytes, 0 = without end.
func New(capacityBytes int64) *Disk {
	d := &Disk{capacity: capacityBytes, holders: map[*inode]*Life{}}
	d.root = d.node(true)
	return d
}

// Resize gives the volume another size.
func (d *Disk) Resize(capacityBytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity = capacityBytes
}

// Clone copies the volume as it is, what is not durable included, for another run from
// the same point. Nothing runs on the copy.
func (d *Disk) Clone() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &Disk{capacity: d.capacity, serial: d.serial, holders: map[*inode]*Life{}}
	copies := map[*inode]*inode{}
	c.root = d.root.clone(copies)
	for _, op := range d.journal {
		twin := &nameOp{edits: slices.Clone(op.edits)}
		for i := range twin.edits {
			twin.edits[i].dir = op.edits[i].dir.clone(copies)
			twin.edits[i].to = op.edits[i].to.clone(copies)
		}
		c.journal = append(c.journal, twin)
	}
	return c
}

// SyncAll makes everything durable, as an hour of rest does.
func (d *Disk) SyncAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, op := range d.journal {
		op.settle()
	}
	d.journal = nil
	d.walk(d.root, "", func(_ string, n *inode) { n.sync() })
}

func (d *Disk) node(dir bool) *inode {
	d.serial++
	n := &inode{id: d.serial, dir: dir, modified: time.Now()}
	if dir {
		n.names, n.kept = map[string]*inode{}, map[string]*inode{}
	}
	return n
}

// walk visits what is below a folder, in the order of names.
func (d *Disk) walk(dir *inode, path string, visit func(path string, n *inode)) {
	for _, name := range slices.Sorted(maps.Keys(dir.names)) {
		n := dir.names[name]
		visit(path+"/"+name, n)
		if n.dir {
			d.walk(n, path+"/"+name, visit)
		}
	}
}

// used is the size of all files, a file with two names once.
func (d *Disk) used() (bytes int64) {
	seen := map[*inode]bool{}
	d.walk(d.root, "", func(_ string, n *inode) {
		if !seen[n] {
			seen[n] = true
			bytes += int64(len(n.data))
		}
	})
	return bytes
}

// parts splits a path of the operating system into names from the root on.
func parts(path string) []string {
	path = strings.Trim(filepath.ToSlash(filepath.Clean(path)[len(filepath.VolumeName(path)):]), "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/") // Clean leaves no empty name
}

// find gives what a path names.
func (d *Disk) find(path string) (*inode, syscall.Errno) {
	n := d.root
	for _, name := range parts(path) {
		if !n.dir {
			return nil, syscall.ENOTDIR
		}
		if n = n.names[name]; n == nil {
			return nil, syscall.ENOENT
		}
	}
	return n, 0
}

// place gives the folder of a path and the name in it.
func (d *Disk) place(path string) (dir *inode, name string, errno syscall.Errno) {
	names := parts(path)
	if len(names) == 0 {
		return nil, "", syscall.EINVAL
	}
	dir, errno = d.find("/" + strings.Join(names[:len(names)-1], "/"))
	if errno == 0 && !dir.dir {
		errno = syscall.ENOTDIR
	}
	return dir, names[len(names)-1], errno
}

// info is what a Stat tells.
type info struct {
	name string
	node *inode
	size int64
	at   time.Time
}

func (d *Disk) info(path string, n *inode) info {
	return info{filepath.Base(path), n, int64(len(n.data)), n.modified}
}

func (i info) Name() string               { return i.name }
func (i info) Size() int64                { return i.size }
func (i info) ModTime() time.Time         { return i.at }
func (i info) IsDir() bool                { return i.node.dir }
func (i info) Sys() any                   { return nil }
func (i info) Type() fs.FileMode          { return i.Mode().Type() }
func (i info) Info() (fs.FileInfo, error) { return i, nil }

func (i info) Mode() fs.FileMode {
	if i.node.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
