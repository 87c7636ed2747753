package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/sqlite/handle"
)

// handleBusyTimeout is what a statement of the app waits for a lock when Options say
// nothing: longer than any fence that Officer does not announce.
const handleBusyTimeout = 5 * time.Second

// OpenDB gives an embedding program its handle on an existing database: the same
// driver and modules as Officer's own connections, so that the two never take each other's locks
// away. Of opts it heeds VFS, ReadOnly, BusyTimeout (0 = 5 s), Descriptors and Trace; the
// hardening of Conn is not the app's. The driver's default of enforced foreign keys
// stays. The file is never created: errors of opening come with the first statement.
func OpenDB(path string, opts Options) (*sql.DB, error) {
	if path == "" {
		return nil, fault.New(fault.Invalid, "open handle", "no path")
	}
	mode, busy := "rw", opts.BusyTimeout
	if opts.ReadOnly {
		mode = "ro"
	}
	if busy <= 0 {
		busy = handleBusyTimeout
	}
	uri := fileURI(path, append(vfsParam(opts.VFS), "mode", mode)...)
	connect := func(ctx context.Context) (*sqlite3.Conn, error) {
		conn, err := opts.Descriptors.openHandle(func() (*sqlite3.Conn, error) { return sqlite3.OpenContext(ctx, uri) })
		if err != nil {
			return nil, err
		}
		err = errors.Join(conn.BusyTimeout(busy), register(conn))
		if err == nil && opts.Durable {
			err = conn.Exec(`PRAGMA main.synchronous=FULL`)
		}
		if err != nil {
			return nil, errors.Join(err, opts.Descriptors.closeHandle(conn))
		}
		return conn, nil
	}
	return handle.Open(connect, opts.Descriptors.closeHandle, opts.Trace), nil
}

// fder is a file of the operating system.
type fder interface {
	vfs.File
	Fd() uintptr
}

// descriptorOf gives the descriptor behind a file of the driver; ok is false for files
// of another VFS.
func descriptorOf(db *sqlite3.Conn, which sqlite3.FcntlOpcode) (fd uintptr, ok bool) {
	p, err := db.FileControl("main", which)
	if err != nil {
		return 0, false
	}
	f, ok := p.(vfs.File)
	if !ok {
		return 0, false
	}
	real, ok := vfsutil.UnwrapFile[fder](f)
	if !ok {
		return 0, false
	}
	return real.Fd(), true
}

// shmDescriptorOf gives the descriptor of the -shm, when one is open.
func shmDescriptorOf(db *sqlite3.Conn) (fd uintptr, ok bool) {
	p, err := db.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return 0, false
	}
	f, ok := p.(vfs.FileSharedMemory)
	if !ok {
		return 0, false
	}
	shm, ok := f.SharedMemory().(interface{ Fd() uintptr })
	if !ok {
		return 0, false
	}
	fd = shm.Fd()
	return fd, fd != ^uintptr(0)
}
