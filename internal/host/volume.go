package host

import (
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/shirou/gopsutil/v3/disk"

	"github.com/officer-doofy/officer/internal/fsx"
)

// Volume is one file system as it is now, seen from one path on it. FreeBytes is what
// this user may still write. FreeInodes is -1 where the system does not tell.
type Volume struct {
	ID         string // the same for all paths on it, while it is mounted
	MountPoint string // "" = unknown
	FSType     string // as the table of mounts names it ("fuse.sshfs"), else as statfs does; "" = unknown
	TotalBytes int64
	FreeBytes  int64
	FreeInodes int64
	Remote     bool // the system itself says that another machine serves it
}

// Volumes looks at volumes. Room is told by an fsx.FS, so that a simulated disk is
// believed; the table of mounts is the machine's. Safe for use from several goroutines.
type Volumes struct {
	files  fsx.FS
	mounts func() ([]mount, error)

	mu    sync.Mutex
	known map[string]mount // by ID: the table is read again only for a volume not seen yet
}

// mount is one line of the table of mounts.
type mount struct{ point, fsType string }

// NewVolumes looks through files.
func NewVolumes(files fsx.FS) *Volumes {
	return &Volumes{files: files, mounts: mounts, known: make(map[string]mount)}
}

// Look gives the volume on which path, a file or folder that exists, lies. It may hang as long as
// the volume does (a network mount without its server): never call it in Receive.
func (v *Volumes) Look(path string) (Volume, error) {
	info, err := v.files.Stat(path)
	if err != nil {
		return Volume{}, fsx.Wrap("look at volume", err)
	}
	room, err := v.files.Space(path)
	if err != nil {
		return Volume{}, fsx.Wrap("look at volume", err)
	}
	found := Volume{TotalBytes: room.TotalBytes, FreeBytes: room.FreeBytes, FreeInodes: room.FreeInodes,
		FSType: room.FSType, Remote: remote(path)}
	device, _, ok := v.files.Identity(info)
	if ok {
		found.ID = "device " + strconv.FormatUint(device, 16)
	} else {
		found.ID = "volume " + strings.ToLower(filepath.VolumeName(path))
	}
	m := v.mountOf(found.ID, path)
	found.MountPoint = m.point
	// statfs says "fuse" for everything that a program serves; the table is exact.
	if m.fsType != "" && (room.FSType == "" || strings.HasPrefix(room.FSType, "fuse") || strings.HasPrefix(room.FSType, "0x")) {
		found.FSType = m.fsType
	}
	return found, nil
}

// mountOf finds the line of a path: the longest mount point above it. A table that
// cannot be read costs a name, nothing else.
func (v *Volumes) mountOf(id, path string) mount {
	v.mu.Lock()
	defer v.mu.Unlock()
	if m, ok := v.known[id]; ok {
		return m
	}
	table, err := v.mounts()
	if err != nil {
		return mount{}
	}
	m := longest(table, path)
	v.known[id] = m
	return m
}

// longest picks the deepest mount point that holds path; of two at one place the later
// one covers the other.
func longest(table []mount, path string) (found mount) {
	for _, m := range table {
		if holds(m.point, path) && len(m.point) >= len(found.point) {
			found = m
		}
	}
	return found
}

func holds(point, path string) bool {
	rest, ok := strings.CutPrefix(path, point)
	return ok && point != "" && (rest == "" || strings.HasSuffix(point, string(filepath.Separator)) || rest[0] == filepath.Separator)
}

func mounts() ([]mount, error) {
	partitions, err := disk.Partitions(true)
	if err != nil {
		return nil, err
	}
	table := make([]mount, 0, len(partitions))
	for _, p := range partitions {
		table = append(table, mount{p.Mountpoint, p.Fstype})
	}
	return table, nil
}
