package simfs

import (
	"io"
	"io/fs"
	"syscall"
)

// file is an open file. Its methods may be called from several goroutines, but those
// with a position from one at a time, as with an os.File.
type file struct {
	life            *Life
	node            *inode
	name            string
	pos             int64
	appends, writes bool
	closed          bool
}

// Name is the name it was opened with.
func (f *file) Name() string { return f.name }

// Close never fails; what was not synced is not durable.
func (f *file) Close() error {
	f.life.disk.mu.Lock()
	defer f.life.disk.mu.Unlock()
	if f.closed {
		return wrap(Op{Kind: "close", Path: f.name}, fs.ErrClosed)
	}
	f.closed = true
	return nil
}

// Stat looks at the open file; it is no operation, since it cannot fail.
func (f *file) Stat() (fs.FileInfo, error) {
	f.life.disk.mu.Lock()
	defer f.life.disk.mu.Unlock()
	if f.life.dead {
		return nil, wrap(Op{Kind: OpStat, Path: f.name}, errDead)
	}
	return f.life.disk.info(f.name, f.node), nil
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.pos)
	f.pos += int64(n)
	if n > 0 && err == io.EOF { //nolint:errorlint // ReadAt gives it bare
		err = nil
	}
	return n, err
}

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	err = f.life.do(Op{Kind: OpRead, Path: f.name, Offset: off, Length: int64(len(p))}, func() syscall.Errno {
		if f.closed {
			return syscall.EBADF
		}
		if off < int64(len(f.node.data)) {
			n = copy(p, f.node.data[off:])
		}
		return 0
	})
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

func (f *file) Write(p []byte) (int, error) {
	off := f.pos
	if f.appends {
		off = -1 // the end, whoever wrote last
	}
	n, err := f.put(p, off)
	f.pos += int64(n)
	return n, err
}

func (f *file) WriteAt(p []byte, off int64) (int, error) { return f.put(p, off) }

// put writes p, the whole of it or, struck by a fault, what the fault leaves.
func (f *file) put(p []byte, off int64) (int, error) {
	l := f.life
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if off < 0 {
		off = int64(len(f.node.data))
	}
	end := off + int64(len(p))
	op := Op{Kind: OpWrite, Path: f.name, Offset: off, Length: int64(len(p)), Grows: end > int64(len(f.node.data))}
	if f.closed || !f.writes {
		return 0, wrap(op, syscall.EBADF)
	}
	if l.dead {
		return 0, wrap(op, errDead)
	}
	k, err := l.begin(op)
	n := len(p)
	switch {
	case k == Short:
		n = l.chance().IntN(len(p))
	case k == Kill:
		n = l.chance().IntN(len(p) + 1)
	case k == PowerCut: // all of it was under way
	case err != nil:
		n = 0
	}
	if need := end - int64(len(f.node.data)); err == nil && l.disk.capacity > 0 && need > 0 {
		if room := l.disk.capacity - l.disk.used(); room < need {
			n, err = int(max(0, int64(len(p))-(need-max(room, 0)))), syscall.ENOSPC
		}
	}
	if n > 0 {
		f.node.write(off, p[:n])
	}
	l.ended(k)
	if err != nil {
		return n, wrap(op, err)
	}
	return n, nil
}

// Sync makes the content durable, not the name.
func (f *file) Sync() error {
	l := f.life
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	op := Op{Kind: OpSync, Path: f.name}
	if f.closed {
		return wrap(op, syscall.EBADF)
	}
	k, err := l.begin(op)
	switch {
	case k == SyncFails:
		f.node.forget()
	case k == Lie || k == LieFrom:
		return nil
	case err == nil:
		f.node.sync()
	}
	l.ended(k)
	if err != nil {
		return wrap(op, err)
	}
	return nil
}

// Truncate sets the size.
func (f *file) Truncate(sizeBytes int64) error {
	grow := f.grow(sizeBytes)
	op := Op{Kind: OpTruncate, Path: f.name, Offset: sizeBytes, Grows: grow > 0}
	return f.life.do(op, func() syscall.Errno {
		d := f.life.disk
		switch {
		case f.closed || !f.writes:
			return syscall.EBADF
		case grow > 0 && d.capacity > 0 && d.capacity-d.used() < grow:
			return syscall.ENOSPC
		}
		f.node.truncate(sizeBytes)
		return 0
	})
}

// grow tells by how much a new size is larger.
func (f *file) grow(sizeBytes int64) int64 {
	f.life.disk.mu.Lock()
	defer f.life.disk.mu.Unlock()
	return sizeBytes - int64(len(f.node.data))
}
