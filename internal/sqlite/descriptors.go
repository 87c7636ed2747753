package sqlite

import (
	"slices"
	"sync"

	"github.com/ncruces/go-sqlite3"
)

// Descriptors knows which file descriptors this process's one SQLite holds, so that
// ForeignDriverGuard can tell another SQLite's from them. One is shared by all
// connections of a process; nil forgets everything.
type Descriptors struct {
	turns   sync.RWMutex // held for writing while somebody looks, for reading while a handle opens or closes
	mu      sync.Mutex
	conns   map[*Conn]map[uintptr]bool
	handles map[*sqlite3.Conn]uintptr // main files of database/sql connections
}

// opening has a connection open its file and notes it before anybody can look: the fence
// is opened while the worker looks.
func (d *Descriptors) opening(c *Conn, open func() error) error {
	if d == nil {
		return open()
	}
	d.turns.RLock()
	defer d.turns.RUnlock()
	if err := open(); err != nil {
		return err
	}
	d.add(c)
	return nil
}

func (d *Descriptors) add(c *Conn) {
	held := heldBy(c.db)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns == nil {
		d.conns = map[*Conn]map[uintptr]bool{}
	}
	d.conns[c] = held
}

// closing keeps everybody from looking until the connection is closed and forget is called.
func (d *Descriptors) closing(c *Conn) (forget func()) {
	if d == nil {
		return func() {}
	}
	d.turns.RLock()
	return func() {
		d.mu.Lock()
		delete(d.conns, c)
		d.mu.Unlock()
		d.turns.RUnlock()
	}
}

// openHandle opens a connection of database/sql and notes it before anybody can look: its pool
// opens and closes connections whenever it likes.
func (d *Descriptors) openHandle(open func() (*sqlite3.Conn, error)) (*sqlite3.Conn, error) {
	if d == nil {
		return open()
	}
	d.turns.RLock()
	defer d.turns.RUnlock()
	conn, err := open()
	if err != nil {
		return nil, err
	}
	if fd, ok := descriptorOf(conn, sqlite3.FCNTL_FILE_POINTER); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.handles == nil {
			d.handles = map[*sqlite3.Conn]uintptr{}
		}
		d.handles[conn] = fd
	}
	return conn, nil
}

// closeHandle closes it and forgets it, likewise in one step.
func (d *Descriptors) closeHandle(conn *sqlite3.Conn) error {
	if d == nil {
		return conn.Close()
	}
	d.turns.RLock()
	defer d.turns.RUnlock()
	d.mu.Lock()
	delete(d.handles, conn)
	d.mu.Unlock()
	return conn.Close()
}

// look keeps handles from being opened and closed until done is called.
func (d *Descriptors) look() (done func()) {
	if d == nil {
		return func() {}
	}
	d.turns.Lock()
	return d.turns.Unlock
}

// held lists the known descriptors: those of connections to paths, or with none all.
// complete is false when a connection is at work or
// belongs to database/sql: it may then hold a journal, WAL or -shm that is not listed.
// The database files themselves are always listed.
func (d *Descriptors) held(paths []string) (fds map[uintptr]bool, complete bool) {
	fds, complete = map[uintptr]bool{}, true
	if d == nil {
		return fds, true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for c, known := range d.conns {
		if paths != nil && !slices.Contains(paths, c.path) {
			continue
		}
		if c.mu.TryLock() {
			if c.db != nil && !c.broken {
				known = heldBy(c.db)
				d.conns[c] = known
			}
			c.mu.Unlock()
		} else {
			complete = false
		}
		for fd := range known {
			fds[fd] = true
		}
	}
	for _, fd := range d.handles {
		fds[fd], complete = true, false
	}
	return fds, complete
}

func heldBy(db *sqlite3.Conn) map[uintptr]bool {
	fds := map[uintptr]bool{}
	for _, which := range []sqlite3.FcntlOpcode{sqlite3.FCNTL_FILE_POINTER, sqlite3.FCNTL_JOURNAL_POINTER} {
		if fd, ok := descriptorOf(db, which); ok {
			fds[fd] = true
		}
	}
	if fd, ok := shmDescriptorOf(db); ok {
		fds[fd] = true
	}
	return fds
}
