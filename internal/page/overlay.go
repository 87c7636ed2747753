package page

import (
	"cmp"
	"errors"
	"io"
	"slices"
)

// indexed is a frame and the page in it.
type indexed struct{ page, frame uint32 }

// frameIndex is sorted by page, with one frame a page: the newest.
type frameIndex []indexed

func (x frameIndex) sorted() frameIndex {
	slices.SortFunc(x, func(a, b indexed) int {
		return cmp.Or(cmp.Compare(a.page, b.page), cmp.Compare(b.frame, a.frame))
	})
	return slices.CompactFunc(x, func(a, b indexed) bool { return a.page == b.page })
}

func (x frameIndex) find(page uint32) uint32 {
	if i := x.search(page); i < len(x) && x[i].page == page {
		return x[i].frame
	}
	return 0
}

// within gives what is indexed of so many pages from n on.
func (x frameIndex) within(n, pages uint32) frameIndex {
	i := x.search(n)
	j := i
	for j < len(x) && x[j].page-n < pages {
		j++
	}
	return x[i:j]
}

func (x frameIndex) search(page uint32) int {
	lo, hi := 0, len(x)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if x[mid].page < page {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// Overlay is a database as of the last commit in its log: pages come from there, or
// else from the file below
// (https://sqlite.org/fileformat2.html#reader_algorithm).
type Overlay struct {
	Header   Header
	Geometry Geometry
	file     io.ReaderAt
	wal      *WAL
}

// OpenOverlay lays a log in which something is committed over the file it belongs to.
// The caller knows that it belongs to it: a log that was left behind by another state
// of the file looks the same.
func OpenOverlay(file io.ReaderAt, fileBytes int64, wal *WAL) (*Overlay, error) {
	if wal.Pages == 0 {
		return nil, broken(FrameSize, 0, 0, 0)
	}
	o := &Overlay{file: file, wal: wal}
	o.Geometry = Geometry{PageSize: wal.Header.PageSize, Count: wal.Pages}
	first := make([]byte, wal.Header.PageSize)
	if wal.Frame(1) == 0 && fileBytes < int64(len(first)) {
		return nil, broken(HeaderSize, 1, 0, fileBytes)
	}
	if err := o.ReadPage(1, first); err != nil {
		return nil, err
	}
	h, err := ParseHeader(first)
	if err != nil {
		return nil, err
	}
	if h.PageSize != wal.Header.PageSize {
		return nil, broken(WALPageSize, 0, 8, int64(h.PageSize))
	}
	count, err := h.Pages(int64(wal.Pages) * int64(h.PageSize))
	if err != nil {
		return nil, err
	}
	o.Header, o.Geometry = h, NewGeometry(h, count)
	return o, nil
}

// ReadPage reads page n.
func (o *Overlay) ReadPage(n uint32, into []byte) error {
	if frame := o.wal.Frame(n); frame != 0 {
		return o.Geometry.read(o.wal.r, n, 1, o.wal.offset(frame), into)
	}
	return o.Geometry.read(o.file, n, 1, int64(n-1)*int64(o.Geometry.PageSize), into)
}

// ReadRun reads pages from n on: from the file, neighbours at once, but for those that
// are in the log.
func (o *Overlay) ReadRun(n uint32, into []byte) error {
	size := o.Geometry.PageSize
	pages := len(into) / size
	for _, x := range o.wal.index.within(n, uint32(pages)) {
		if before := int(x.page - n); before > 0 {
			if err := o.Geometry.read(o.file, n, before, int64(n-1)*int64(size), into[:before*size]); err != nil {
				return err
			}
			n, into = x.page, into[before*size:]
		}
		if err := o.Geometry.read(o.wal.r, n, 1, o.wal.offset(x.frame), into[:size]); err != nil {
			return err
		}
		n, into = n+1, into[size:]
	}
	if len(into) == 0 && pages > 0 {
		return nil
	}
	return o.Geometry.read(o.file, n, len(into)/size, int64(n-1)*int64(size), into)
}

// shortIs makes a read that ended early the breach of a rule, unless something else
// was the matter.
func shortIs(rule Rule, got int, err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return broken(rule, 0, got, int64(got))
	}
	return err
}

func isBroken(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
