package salvage

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/officer-doofy/officer/internal/page"
)

// frame is a frame of the log and the page in it.
type frame struct{ page, number uint32 }

// log is what a write-ahead log still tells
// (https://sqlite.org/fileformat2.html#wal_file_format). Each frame is judged by itself:
// its checksum starts from the sum that stands in the frame before, so that one bad
// frame condemns only one. 8 bytes a frame.
type log struct {
	src       *Source
	header    page.WALHeader
	frames    []frame // valid and committed; by page, the newest first
	condemned []frame // not valid, but followed by a commit; by page, the newest first
	mended    map[uint32]flip
	suspects  map[uint32]uint32 // pages whose newest image is condemned, and its frame if it is used all the same
	pages     uint32            // of the database after the last commit
	last      uint32            // the frame of that commit
	begun     bool              // the sum that frame 1 starts from is known
	ahead     bool              // it is shown to be newer than the file
	notes     []string
}

// strangersMax is how many frames of another generation in a row end a log.
const strangersMax = 1024

// readLog reads a log up to its last valid commit. Without a header of its own it takes
// the page size of the database; nil means that nothing in it is committed. tail says
// what may be missing at its end.
func readLog(src *Source, pageSize int) (l *log, tail string) {
	if src.WAL == nil || src.WALBytes == 0 {
		return nil, ""
	}
	l = &log{src: src, mended: map[uint32]flip{}}
	var head [page.WALHeaderBytes]byte
	if n, _ := src.WAL.ReadAt(head[:], 0); n < len(head) {
		return nil, undatedUnread
	}
	h, err := page.ParseWALHeader(head[:])
	known := err == nil
	if known {
		l.header = h
	} else if !l.guess(pageSize) {
		return nil, undatedUnread
	} else {
		l.notes = append(l.notes, "the header of the write-ahead log is damaged; its frames were read by their own checksums")
	}
	l.begun = known
	tail = l.scan(known)
	if l.pages == 0 {
		return nil, tail
	}
	byPage := func(a, b frame) int {
		return cmp.Or(cmp.Compare(a.page, b.page), cmp.Compare(b.number, a.number))
	}
	slices.SortFunc(l.frames, byPage)
	slices.SortFunc(l.condemned, byPage)
	return l, tail
}

// salt gives the salts as they stand in the header.
func (l *log) salt() (b [8]byte) {
	binary.BigEndian.PutUint64(b[:], l.header.Salt)
	return b
}

// guess takes salts and byte order from the first frames when the header is gone.
func (l *log) guess(pageSize int) bool {
	if pageSize == 0 {
		return false
	}
	l.header = page.WALHeader{PageSize: pageSize}
	b := make([]byte, page.FrameHeaderBytes+pageSize)
	for n := uint32(1); n <= 64; n++ {
		if !l.read(n, b) {
			return false
		}
		sum := page.Sum{S1: binary.BigEndian.Uint32(b[16:]), S2: binary.BigEndian.Uint32(b[20:])}
		salt := binary.BigEndian.Uint64(b[8:])
		if !l.read(n+1, b) {
			return false
		}
		for _, big := range []bool{false, true} {
			l.header.BigEndian, l.header.Salt = big, salt
			s := sum
			if _, err := l.header.ParseFrame(b, &s); err == nil {
				return true
			}
		}
	}
	return false
}

func (l *log) read(n uint32, b []byte) bool {
	got, _ := l.src.WAL.ReadAt(b, l.offset(n)-page.FrameHeaderBytes)
	return got == len(b)
}

// offset gives where the page of frame n, counted from 1, begins.
func (l *log) offset(n uint32) int64 {
	return page.WALHeaderBytes + int64(n-1)*int64(page.FrameHeaderBytes+l.header.PageSize) + page.FrameHeaderBytes
}

// scan reads all frames. known tells whether the sum that frame 1 starts from is known.
// tail says what may be missing at the end.
func (l *log) scan(known bool) (tail string) {
	b := make([]byte, page.FrameHeaderBytes+l.header.PageSize)
	sum := l.header.Sum // as it stands in the frame before
	computed := sum     // as it should stand there
	var bad []frame
	strangers, last, lastBad, n := 0, 0, 0, uint32(1)
	for ; n != 0 && strangers < strangersMax && l.read(n, b); n++ {
		before, should := sum, computed
		if salt := binary.BigEndian.Uint64(b[8:]); bits.OnesCount64(salt^l.header.Salt) == 1 {
			binary.BigEndian.PutUint64(b[8:], l.header.Salt) // it is in no checksum
		}
		f, err := l.header.ParseFrame(b, &sum)
		if f.Salt != l.header.Salt || f.Page == 0 {
			strangers++
			continue
		}
		strangers = 0
		computed = sumOver(l.header.BigEndian, before, b)
		if err != nil && should != before {
			s := should
			if _, again := l.header.ParseFrame(b, &s); again == nil {
				err, computed = nil, sum // the sum in the frame before was what is damaged
			}
		}
		if err != nil && (known || n > 1) {
			if bit, ok := mendFrame(l.header.BigEndian, before, f.Sum, b); ok {
				l.mended[n] = bit
				bit.apply(b)
				f.Page, f.Commit, err = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), nil
			}
		}
		if err != nil && (known || n > 1) {
			bad = append(bad, frame{f.Page, n})
			continue
		}
		l.frames = append(l.frames, frame{f.Page, n})
		if f.Commit != 0 {
			l.pages, l.last, last, lastBad = f.Commit, n, len(l.frames), len(bad)
		}
	}
	// Frames of an older generation behind the last commit show that nothing was cut off.
	part := strangers == 0 && l.offset(n)-page.FrameHeaderBytes < l.src.WALBytes
	if part || len(l.frames) > last || len(bad) > lastBad {
		tail = undatedCut
	}
	l.frames, l.condemned = l.frames[:last], bad[:lastBad]
	if lastBad > 0 {
		l.notes = append(l.notes, "frames of the write-ahead log fail their checksum")
	}
	return tail
}

func sumOver(big bool, s page.Sum, b []byte) page.Sum {
	s.Add(big, b[:8])
	s.Add(big, b[page.FrameHeaderBytes:])
	return s
}

// newest gives the frame to read a page from, 0 = the file.
func (l *log) newest(n uint32) uint32 {
	if f := l.suspects[n]; f != 0 {
		return f
	}
	if frames := l.of(n); len(frames) > 0 {
		return frames[0].number
	}
	return 0
}

// of gives the valid frames of a page, the newest first.
func (l *log) of(n uint32) []frame { return framesOf(l.frames, n) }

func framesOf(list []frame, n uint32) []frame {
	from, _ := slices.BinarySearchFunc(list, n, func(f frame, n uint32) int { return cmp.Compare(f.page, n) })
	to := from
	for to < len(list) && list[to].page == n {
		to++
	}
	return list[from:to]
}

// readFrame reads the page of a frame.
func (l *log) readFrame(n uint32, into []byte) bool {
	got, _ := l.src.WAL.ReadAt(into, l.offset(n))
	if got < len(into) {
		return false
	}
	if bit, ok := l.mended[n]; ok && bit.at >= page.FrameHeaderBytes {
		into[bit.at-page.FrameHeaderBytes] ^= 1 << bit.bit
	}
	return true
}
