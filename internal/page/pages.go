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

// Runs is what Pages may also have: neighbours are read at once.
type Runs interface {
	// ReadRun fills into, which is some pages long, with pages from n on.
	ReadRun(n uint32, into []byte) error
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
	return f.Geometry.read(f.r, n, 1, int64(n-1)*int64(f.Geometry.PageSize), into)
}

// ReadRun reads pages from n on.
func (f *File) ReadRun(n uint32, into []byte) error {
	return f.Geometry.read(f.r, n, len(into)/f.Geometry.PageSize, int64(n-1)*int64(f.Geometry.PageSize), into)
}

// read reads so many pages, of which n is the first, from where they lie.
func (g *Geometry) read(r io.ReaderAt, n uint32, pages int, at int64, into []byte) error {
	if !g.Holds(n) || uint64(n)+uint64(pages)-1 > uint64(g.Count) {
		return broken(PageRange, n, 0, int64(n))
	}
	if len(into) != pages*g.PageSize || pages == 0 {
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
