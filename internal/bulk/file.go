package bulk

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/officer-doofy/officer/internal/page"
)

// ErrPointerMap says that a database keeps pointer maps (auto_vacuum), which this package
// does not write (https://sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages).
var ErrPointerMap = errors.New("a database with auto_vacuum is not written page by page")

// ErrFull says that a database has as many pages as it can have.
var ErrFull = errors.New("the database has as many pages as it can have")

// Storage is an open database file that nobody else writes at the moment.
type Storage interface {
	io.ReaderAt
	io.WriterAt
	// Truncate sets the size in bytes.
	Truncate(sizeBytes int64) error
}

const (
	// batchBytes is how much is written at once.
	batchBytes = 1 << 18
	pagesMax   = 1<<32 - 2 // https://sqlite.org/limits.html#max_page_count
)

// Offsets in the database header (https://sqlite.org/fileformat2.html#the_database_header).
const (
	offsetChange   = 24
	offsetCount    = 28
	offsetValidFor = 92
)

// File appends pages to a database file.
type File struct {
	to    Storage
	g     page.Geometry
	next  uint32 // the page that is given out next
	first uint32 // of the pages that wait in batch
	batch []byte
	long  bool // the file may go on behind the last page
	dirty bool // the header does not know of all pages
}

// Open goes on where a database file ends, which SQLite has made and committed. The error
// is ErrPointerMap, that of a header which cannot be read, or the storage's.
func Open(to Storage) (*File, error) {
	f := &File{to: to}
	return f, f.Resume()
}

// Resume finds the end of the file again, after SQLite has written to it.
func (f *File) Resume() error {
	var b [page.HeaderBytes]byte
	if _, err := f.to.ReadAt(b[:], 0); err != nil {
		return err
	}
	h, err := page.ParseHeader(b[:])
	if err != nil {
		return err
	}
	if h.LargestRoot != 0 {
		return ErrPointerMap
	}
	f.g = page.NewGeometry(h, h.PageCount)
	f.next = f.after(f.g.Count)
	return nil
}

// after gives the page after page n, over the lock-byte page
// (https://sqlite.org/fileformat2.html#the_lock_byte_page).
func (f *File) after(n uint32) uint32 {
	if n++; n == f.g.LockPage() {
		n++
	}
	return n
}

// Geometry gives the sizes that the pages have.
func (f *File) Geometry() *page.Geometry { return &f.g }

// Mark gives a place to go back to with Rewind.
func (f *File) Mark() uint32 { return f.next }

// Rewind forgets all pages that were added after Mark. They must be part of no tree.
func (f *File) Rewind(mark uint32) error {
	if err := f.flush(); err != nil {
		return err
	}
	f.next, f.long = mark, true
	return nil
}

// add writes a page behind the last and gives its number.
func (f *File) add(b []byte) (uint32, error) {
	n := f.next
	if n > pagesMax {
		return 0, ErrFull
	}
	f.next = f.after(n)
	return n, f.write(n, b)
}

// write writes page n. Pages that follow each other go out together.
func (f *File) write(n uint32, b []byte) error {
	f.dirty = true
	size := f.g.PageSize
	if len(f.batch) > 0 && (n != f.first+uint32(len(f.batch)/size) || len(f.batch)+size > batchBytes) {
		if err := f.flush(); err != nil {
			return err
		}
	}
	if len(f.batch) == 0 {
		f.first = n
	}
	f.batch = append(f.batch, b[:size]...)
	return nil
}

func (f *File) flush() error {
	if len(f.batch) == 0 {
		return nil
	}
	_, err := f.to.WriteAt(f.batch, int64(f.first-1)*int64(f.g.PageSize))
	f.batch = f.batch[:0]
	return err
}

// Publish writes what waits and puts the size of the file into its header, with a new
// change counter, so that SQLite looks at it anew
// (https://sqlite.org/fileformat2.html#file_change_counter).
func (f *File) Publish() error {
	if err := f.flush(); err != nil || !f.dirty && !f.long {
		return err
	}
	var b [page.HeaderBytes]byte
	if _, err := f.to.ReadAt(b[:], 0); err != nil {
		return err
	}
	last := f.next - 1
	if last == f.g.LockPage() {
		last--
	}
	if f.long {
		if err := f.to.Truncate(int64(last) * int64(f.g.PageSize)); err != nil {
			return err
		}
	}
	change := binary.BigEndian.Uint32(b[offsetChange:]) + 1
	binary.BigEndian.PutUint32(b[offsetChange:], change)
	binary.BigEndian.PutUint32(b[offsetCount:], last)
	binary.BigEndian.PutUint32(b[offsetValidFor:], change)
	if _, err := f.to.WriteAt(b[:], 0); err != nil {
		return err
	}
	f.dirty, f.long = false, false
	return nil
}
