// Package fsvfs lets SQLite work on an fsx.FS: every open, write, fsync and removal of
// SQLite becomes one of the FS, in the order in which the driver's own VFS would make
// them (https://sqlite.org/vfs.html). It is how a simulated disk gets to see SQLite and
// Officer's own files as one medium.
//
// Locks are held in memory, between the connections of one registration; the shared
// memory of a WAL (https://sqlite.org/wal.html#implementation_of_shared_memory_for_the_wal_index)
// is the driver's own, on real files in a folder of their own: it never outlives the last
// connection, so a simulated disk loses nothing by not holding it.
package fsvfs

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/fsx"
)

// Config says what is registered.
type Config struct {
	// Name under which SQLite finds it; it must be free.
	Name string
	FS   fsx.FS
	// ShmDir is a real folder for the shared memory of databases in WAL mode; the files are
	// named by Name.
	ShmDir string
	// TempDir is a folder of FS where SQLite's nameless temporary files lie.
	TempDir string
}

// Register makes an FS known to SQLite until unregister is called, after the last
// connection was closed: it also removes what is left of the shared memory.
func Register(cfg Config) (unregister func()) {
	d := &disk{cfg: cfg, locks: map[fileID]*locks{}, shms: map[string]bool{}}
	vfs.Register(cfg.Name, d)
	return func() {
		vfs.Unregister(cfg.Name)
		d.mu.Lock()
		defer d.mu.Unlock()
		for name := range d.shms {
			_ = fsx.OS().Remove(name) // most went with the last connection
		}
	}
}

// sharedMemory gives the memory that all connections to one database share.
func (d *disk) sharedMemory(path string, flags vfs.OpenFlag) vfs.SharedMemory {
	name := filepath.Join(d.cfg.ShmDir, d.cfg.Name+url.QueryEscape(path)+"-shm")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shms[name] = true
	return vfs.NewSharedMemory(name, flags)
}

// disk is one registration.
type disk struct {
	cfg   Config
	temps atomic.Uint64

	mu    sync.Mutex
	locks map[fileID]*locks // of files that somebody has open
	shms  map[string]bool   // real files
}

// fileID tells one file from another, whatever it is called.
type fileID struct{ device, inode uint64 }

// FullPathname makes a path absolute. An FS for SQLite has no symbolic links.
func (d *disk) FullPathname(path string) (string, error) { return filepath.Abs(path) }

// Delete removes a file, and syncs its folder when SQLite asks for that.
func (d *disk) Delete(path string, syncDir bool) error {
	err := d.cfg.FS.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return vfs.SystemError(err, sqlite3.IOERR_DELETE_NOENT)
	}
	if err != nil || !syncDir {
		return err
	}
	return vfs.SystemError(d.cfg.FS.SyncDir(filepath.Dir(path)), sqlite3.IOERR_DIR_FSYNC)
}

// Access tells whether a file is there; who can see it may read and write it.
func (d *disk) Access(path string, _ vfs.AccessFlag) (bool, error) {
	_, err := d.cfg.FS.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Open opens a file; one without a name is temporary and has none.
func (d *disk) Open(path string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	nameless := path == ""
	if nameless {
		path = filepath.Join(d.cfg.TempDir, "etilqs-"+strconv.FormatUint(d.temps.Add(1), 10))
		flags |= vfs.OPEN_CREATE | vfs.OPEN_EXCLUSIVE
	}
	f, err := d.cfg.FS.OpenFile(path, openFlag(flags), 0o600)
	if err != nil {
		return nil, flags, err
	}
	if nameless { // as on Unix: the file lives as long as it is open
		if err := d.cfg.FS.Remove(path); err != nil {
			return nil, flags, errors.Join(err, f.Close())
		}
	}
	opened := &file{disk: d, f: f, path: path, flags: flags, overwriteSafe: true}
	journal := flags&(vfs.OPEN_MAIN_JOURNAL|vfs.OPEN_SUPER_JOURNAL|vfs.OPEN_WAL) != 0
	opened.syncDir = journal && flags&vfs.OPEN_CREATE != 0
	if flags&vfs.OPEN_MAIN_DB != 0 && !nameless {
		if err := d.attach(opened); err != nil {
			return nil, flags, errors.Join(err, f.Close())
		}
		opened.shm = d.sharedMemory(path, flags)
	}
	return opened, flags, nil
}

func openFlag(flags vfs.OpenFlag) (flag int) {
	if flags&vfs.OPEN_EXCLUSIVE != 0 {
		flag |= os.O_EXCL
	}
	if flags&vfs.OPEN_CREATE != 0 {
		flag |= os.O_CREATE
	}
	if flags&vfs.OPEN_READWRITE != 0 {
		flag |= os.O_RDWR
	}
	return flag
}

// file is an open file.
type file struct {
	disk          *disk
	f             fsx.File
	path          string
	flags         vfs.OpenFlag
	syncDir       bool // the folder is synced with the first sync of a new journal
	overwriteSafe bool
	keepWAL       bool
	shm           vfs.SharedMemory
	id            fileID
	locks         *locks // nil for what SQLite never locks
	lock          vfs.LockLevel
	closed        bool
}

var (
	_ vfs.FileLockState          = (*file)(nil)
	_ vfs.FileHasMoved           = (*file)(nil)
	_ vfs.FileSizeHint           = (*file)(nil)
	_ vfs.FilePersistWAL         = (*file)(nil)
	_ vfs.FilePowersafeOverwrite = (*file)(nil)
	_ vfs.FileSharedMemory       = (*file)(nil)
)

// Close gives back what the file holds, locks included.
func (f *file) Close() error {
	if f.closed {
		return nil
	}
	f.closed = true
	var err error
	if f.shm != nil {
		err = f.shm.Close()
	}
	if f.locks != nil {
		err = errors.Join(err, f.Unlock(vfs.LOCK_NONE))
		f.disk.detach(f)
	}
	return errors.Join(err, f.f.Close())
}

// Plain says that reads give the bytes of the medium, also to several at once.
func (f *file) Plain() {}

// ReadAt gives io.EOF bare, which SQLite takes for a short read.
func (f *file) ReadAt(p []byte, off int64) (int, error)  { return f.f.ReadAt(p, off) }
func (f *file) WriteAt(p []byte, off int64) (int, error) { return f.f.WriteAt(p, off) }
func (f *file) Truncate(sizeBytes int64) error           { return f.f.Truncate(sizeBytes) }

// Sync makes the content durable, and with it, once, the name of a new journal.
func (f *file) Sync(vfs.SyncFlag) error {
	if err := f.f.Sync(); err != nil {
		return err
	}
	if !f.syncDir {
		return nil
	}
	f.syncDir = false
	return vfs.SystemError(f.disk.cfg.FS.SyncDir(filepath.Dir(f.path)), sqlite3.IOERR_DIR_FSYNC)
}

// Size is the size in bytes.
func (f *file) Size() (int64, error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// SizeHint makes room ahead, as the driver does with fallocate(2).
func (f *file) SizeHint(sizeBytes int64) error {
	now, err := f.Size()
	if err != nil || sizeBytes <= now {
		return err
	}
	return f.f.Truncate(sizeBytes)
}

// HasMoved tells whether the path names another file than the one that is open.
func (f *file) HasMoved() (bool, error) {
	info, err := f.disk.cfg.FS.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	id, ok := f.disk.identify(info)
	return ok && f.locks != nil && id != f.id, nil
}

// sectorBytes is what the driver claims for every file.
const sectorBytes = 4096

// SectorSize is that of the driver.
func (f *file) SectorSize() int { return sectorBytes }

// DeviceCharacteristics are those of the driver on a file system that promises nothing
// but that bytes beside those written stay (https://sqlite.org/psow.html).
func (f *file) DeviceCharacteristics() vfs.DeviceCharacteristic {
	if f.overwriteSafe {
		return vfs.IOCAP_SUBPAGE_READ | vfs.IOCAP_POWERSAFE_OVERWRITE
	}
	return vfs.IOCAP_SUBPAGE_READ
}

// SharedMemory is nil for everything but a database.
func (f *file) SharedMemory() vfs.SharedMemory  { return f.shm }
func (f *file) PowersafeOverwrite() bool        { return f.overwriteSafe }
func (f *file) SetPowersafeOverwrite(safe bool) { f.overwriteSafe = safe }
func (f *file) PersistWAL() bool                { return f.keepWAL }
func (f *file) SetPersistWAL(keep bool)         { f.keepWAL = keep }
