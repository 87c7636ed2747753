package salvage

import (
	"encoding/binary"

	"github.com/officer-doofy/officer/internal/page"
)

// store gives the pages of a database in their newest committed state: what a hot
// journal undoes, what the log holds, or what is in the file. Nothing is kept in memory;
// the caller has the buffers.
type store struct {
	src        *Source
	g          page.Geometry
	log        *log  // nil = none, or not believed
	undo       *undo // nil = none
	mended     map[uint32]flip
	unreadable int64 // pages that could not be read
}

func newStore(src *Source, g page.Geometry, l *log, u *undo) *store {
	s := &store{src: src, g: g, log: l, undo: u, mended: map[uint32]flip{}}
	// What a log or journal says of the size is not believed: only of pages that are there.
	if l != nil && len(l.frames) > 0 {
		s.g.Count = max(s.g.Count, min(l.pages, l.frames[len(l.frames)-1].page))
	}
	if l != nil {
		for n := range l.suspects {
			s.g.Count = max(s.g.Count, min(l.pages, n))
		}
	}
	if u == nil || u.size != g.PageSize {
		s.undo = nil
		return s
	}
	for n := range u.at {
		s.g.Count = max(s.g.Count, min(u.pages, n))
	}
	return s
}

// read fills into with page n and tells whether there is anything of it. What a file
// that was cut short lacks of its last page is zero.
func (s *store) read(n uint32, into []byte) bool {
	if !s.readRaw(n, into) {
		return false
	}
	if f, ok := s.mended[n]; ok {
		f.apply(into)
	}
	return true
}

func (s *store) readRaw(n uint32, into []byte) bool {
	if n == 0 || n > s.g.Count {
		return false
	}
	if s.undo != nil {
		if at, ok := s.undo.at[n]; ok {
			got, _ := s.src.Journal.ReadAt(into, at)
			return got == len(into)
		}
	}
	if s.log != nil {
		if f := s.log.newest(n); f != 0 && s.log.readFrame(f, into) {
			return true
		}
	}
	return s.readFile(n, into)
}

// present gives how many bytes of a page there are: fewer than all of them on the last
// page of a file that was cut inside it.
func (s *store) present(n uint32) int {
	whole := s.src.FileBytes / int64(s.g.PageSize)
	if int64(n) != whole+1 || s.log != nil && s.log.newest(n) != 0 {
		return s.g.PageSize
	}
	if s.undo != nil {
		if _, ok := s.undo.at[n]; ok {
			return s.g.PageSize
		}
	}
	return int(s.src.FileBytes - whole*int64(s.g.PageSize))
}

// suspicious tells whether the newest image of a page fails its checksum.
func (s *store) suspicious(n uint32) bool {
	if s.log == nil {
		return false
	}
	_, yes := s.log.suspects[n]
	return yes
}

func (s *store) readFile(n uint32, into []byte) bool {
	got, _ := s.src.File.ReadAt(into, int64(n-1)*int64(s.g.PageSize))
	if got <= 0 {
		if int64(n)*int64(s.g.PageSize) <= s.src.FileBytes {
			s.unreadable++
		}
		return false
	}
	clear(into[got:])
	return true
}

// next gives the page that an overflow page names, of which nothing else is read.
func (s *store) next(n uint32) (uint32, bool) {
	var b [4]byte
	if n == 0 || n > s.g.Count {
		return 0, false
	}
	if s.undo != nil {
		if at, ok := s.undo.at[n]; ok {
			got, _ := s.src.Journal.ReadAt(b[:], at)
			return binary.BigEndian.Uint32(b[:]), got == len(b)
		}
	}
	if s.log != nil {
		if f := s.log.newest(n); f != 0 {
			got, _ := s.src.WAL.ReadAt(b[:], s.log.offset(f))
			return binary.BigEndian.Uint32(b[:]), got == len(b)
		}
	}
	got, _ := s.src.File.ReadAt(b[:], int64(n-1)*int64(s.g.PageSize))
	return binary.BigEndian.Uint32(b[:]), got == len(b)
}
