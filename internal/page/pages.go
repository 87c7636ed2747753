package page

import (
	"errors"
	"io"
)

// Pages gives the pages of one state of a database. A reader of pages neither knows nor
// cares whether they come from a file, from a log over a file or from somewhere else.
// It must be safe to read several pages at once.
type Pages interface {
	// ReadPage fills into, which is one page long, with page n, counted from 1.
	ReadPage(n uint32, into []byte) error
}

// File is a database file by itself. Whatever waits in a write-ahead log or a rollback
// journal beside it is not seen.
type File struct {
	Header   Header
	Geometry Geometry
	r        io.ReaderAt
}

// OpenFile reads the header of a database file of fileBytes. An empty file, which SQLite
// takes for an empty database, has no header: HeaderSize.
func OpenFile(r io.ReaderAt, fileBytes int64) (*File, error) {
	var b [HeaderBytes]byte
	n, err := r.ReadAt(b[:], 0)
	if n < len(b) && err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	h, err := ParseHeader(b[:n])
	if err != nil {
		return nil, err
	}
	count, err := h.Pages(fileBytes)
	if err != nil {
		return nil, err
	}
	return &File{Header: h, Geometry: NewGeometry(h, count), r: r}, nil
}

// ReadPage reads page n. What a file that was cut short lacks of a page is an error.
func (f *File) ReadPage(n uint32, into []byte) error {
	return f.Geometry.read(f.r, n, int64(n-1)*int64(f.Geometry.PageSize), into)
}

// read reads page n from where it lies.
func (g *Geometry) read(r io.ReaderAt, n uint32, at int64, into []byte) error {
	if !g.Holds(n) {
		return broken(PageRange, n, 0, int64(n))
	}
	if len(into) != g.PageSize {
		return broken(PageBuffer, n, 0, int64(len(into)))
	}
	got, err := r.ReadAt(into, at)
	switch {
	case got == len(into):
		return nil
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return broken(PageMissing, n, got, int64(got))
	}
	return err
}
