package fsvfs

import (
	"io/fs"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// locks is who holds what of one database file, by the protocol of rollback mode
// (https://sqlite.org/lockingv3.html). The mutex of the disk guards it.
type locks struct {
	open     int   // files that share it
	shared   int   // holders of SHARED or more
	reserved *file // holder of RESERVED or more
	pending  *file // holder of PENDING or EXCLUSIVE: no new SHARED is given
}

// attach finds the locks that all opened files of one identity share.
func (d *disk) attach(f *file) error {
	info, err := f.f.Stat()
	if err != nil {
		return err
	}
	f.id, _ = d.identify(info)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locks[f.id] == nil {
		d.locks[f.id] = &locks{}
	}
	f.locks = d.locks[f.id]
	f.locks.open++
	return nil
}

func (d *disk) detach(f *file) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.locks.open--; f.locks.open == 0 {
		delete(d.locks, f.id)
	}
}

func (d *disk) identify(info fs.FileInfo) (fileID, bool) {
	device, inode, ok := d.cfg.FS.Identity(info)
	return fileID{device, inode}, ok
}

// Lock takes a higher lock or fails at once with BUSY; SQLite's busy handler waits.
func (f *file) Lock(level vfs.LockLevel) error {
	if f.lock >= level || f.locks == nil {
		return nil
	}
	if level >= vfs.LOCK_RESERVED && f.flags&vfs.OPEN_READONLY != 0 {
		return sqlite3.IOERR_LOCK
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	l := f.locks
	switch level {
	case vfs.LOCK_SHARED:
		if l.pending != nil {
			return sqlite3.BUSY
		}
		l.shared++
	case vfs.LOCK_RESERVED:
		if l.reserved != nil {
			return sqlite3.BUSY
		}
		l.reserved = f
	case vfs.LOCK_EXCLUSIVE:
		// From SHARED straight to EXCLUSIVE goes only who rolls back a hot journal.
		if l.pending != nil && l.pending != f || l.reserved != nil && l.reserved != f {
			return sqlite3.BUSY
		}
		if f.lock == vfs.LOCK_RESERVED {
			f.lock, l.pending = vfs.LOCK_PENDING, f
		}
		if l.shared > 1 {
			return sqlite3.BUSY
		}
		l.reserved, l.pending = f, f
	}
	f.lock = level
	return nil
}

// Unlock goes down to SHARED or to nothing.
func (f *file) Unlock(level vfs.LockLevel) error {
	if f.lock <= level || f.locks == nil {
		return nil
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	l := f.locks
	if l.reserved == f {
		l.reserved = nil
	}
	if l.pending == f {
		l.pending = nil
	}
	if level == vfs.LOCK_NONE {
		l.shared--
	}
	f.lock = level
	return nil
}

// CheckReservedLock tells whether anybody is about to write.
func (f *file) CheckReservedLock() (bool, error) {
	if f.locks == nil {
		return false, nil
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.locks.reserved != nil, nil
}

// LockState is the lock that this file holds.
func (f *file) LockState() vfs.LockLevel { return f.lock }
