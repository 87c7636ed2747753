package page

import (
	"errors"
	"io"
)

// ReadAt reads the database as one piece, as SQLite would: what the file lacks of the
// pages that the database counts is zeros
// (https://sqlite.org/c3ref/io_methods.html says so of a short read).
func (f *File) ReadAt(into []byte, off int64) (int, error) {
	into, rest := f.Geometry.cut(into, off)
	if err := readOrZero(f.r, into, off); err != nil {
		return 0, err
	}
	return len(into), rest
}

// ReadAt reads the database as one piece, as SQLite would: each page from the log if it
// is there, else from the file, and zeros for what the file lacks.
func (o *Overlay) ReadAt(into []byte, off int64) (int, error) {
	into, rest := o.Geometry.cut(into, off)
	size, done := int64(o.Geometry.PageSize), 0
	for i := o.wal.index.search(uint32(off/size) + 1); done < len(into); {
		at := off + int64(done)
		n, inside := uint32(at/size)+1, at%size
		if i < len(o.wal.index) && o.wal.index[i].page == n {
			p := into[done:min(len(into), done+int(size-inside))]
			if got, err := o.wal.r.ReadAt(p, o.wal.offset(o.wal.index[i].frame)+inside); got < len(p) {
				return done, shortIs(FrameSize, got, err)
			}
			done += len(p)
			i++
			continue
		}
		until := len(into)
		if i < len(o.wal.index) {
			until = int(min(int64(until), int64(o.wal.index[i].page-1)*size-off))
		}
		if err := readOrZero(o.file, into[done:until], at); err != nil {
			return done, err
		}
		done = until
	}
	return done, rest
}

// cut shortens what is to be read to what the database holds; rest is io.EOF if that is
// less.
func (g *Geometry) cut(into []byte, off int64) (within []byte, rest error) {
	left := int64(g.Count)*int64(g.PageSize) - off
	switch {
	case off < 0:
		return nil, broken(PageRange, 0, 0, off)
	case left >= int64(len(into)):
		return into, nil
	}
	return into[:max(left, 0)], io.EOF
}

func readOrZero(r io.ReaderAt, into []byte, off int64) error {
	if len(into) == 0 {
		return nil
	}
	n, err := r.ReadAt(into, off)
	if n < len(into) && err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	clear(into[n:])
	return nil
}
