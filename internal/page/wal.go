package page

import (
	"encoding/binary"
	"io"
)

// Sizes of the write-ahead log (https://sqlite.org/fileformat2.html#wal_file_format).
const (
	WALHeaderBytes   = 32
	FrameHeaderBytes = 24
)

const (
	walMagic   = 0x377f0682 // bit 0 set: checksums over big-endian words
	walVersion = 3007000
)

// WALHeader is the header of a write-ahead log.
type WALHeader struct {
	BigEndian bool // words of the checksum
	PageSize  int  // bytes
	Sequence  uint32
	Salt      uint64 // salt-1<<32 | salt-2
	Sum       Sum    // where the checksum of the first frame starts from
}

// ParseWALHeader reads the header of a log.
func ParseWALHeader(b []byte) (WALHeader, error) {
	if len(b) < WALHeaderBytes {
		return WALHeader{}, broken(WALSize, 0, 0, int64(len(b)))
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	if u32(0)&^1 != walMagic {
		return WALHeader{}, broken(WALMagic, 0, 0, int64(u32(0)))
	}
	h := WALHeader{BigEndian: u32(0)&1 != 0, PageSize: int(u32(8)), Sequence: u32(12), Salt: binary.BigEndian.Uint64(b[16:])}
	h.Sum.Add(h.BigEndian, b[:24])
	switch {
	case h.Sum != (Sum{u32(24), u32(28)}):
		return h, broken(WALChecksum, 0, 24, int64(u32(24)))
	case u32(4) != walVersion:
		return h, broken(WALVersion, 0, 4, int64(u32(4)))
	case !validPageSize(h.PageSize):
		return h, broken(WALPageSize, 0, 8, int64(h.PageSize))
	}
	return h, nil
}

// Sum is the running checksum of a log
// (https://sqlite.org/fileformat2.html#checksum_algorithm).
type Sum struct{ S1, S2 uint32 }

// Add goes on over b, whose length is a multiple of 8; a rest is left out.
func (s *Sum) Add(bigEndian bool, b []byte) {
	s1, s2 := s.S1, s.S2
	if bigEndian {
		for ; len(b) >= 8; b = b[8:] {
			x := binary.BigEndian.Uint64(b)
			s1 += uint32(x>>32) + s2
			s2 += uint32(x) + s1
		}
	} else {
		for ; len(b) >= 8; b = b[8:] {
			x := binary.LittleEndian.Uint64(b)
			s1 += uint32(x) + s2
			s2 += uint32(x>>32) + s1
		}
	}
	s.S1, s.S2 = s1, s2
}

// Frame is the header of one frame.
type Frame struct {
	Page   uint32
	Commit uint32 // pages of the database after the commit that ends here, 0 = none ends
	Salt   uint64
	Sum    Sum // as it stands there
}

// ParseFrame reads the header of a frame, b[:24], with its page, and says which
// sentence it breaks. sum is the sum of the frame before, or of the WAL header. It
// becomes the one that stands in the frame, so that one bad frame condemns only one.
func (h *WALHeader) ParseFrame(b []byte, sum *Sum) (Frame, error) {
	if len(b) < FrameHeaderBytes+h.PageSize {
		return Frame{}, broken(FrameSize, 0, 0, int64(len(b)))
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	f := Frame{Page: u32(0), Commit: u32(4), Salt: binary.BigEndian.Uint64(b[8:]), Sum: Sum{u32(16), u32(20)}}
	s := *sum
	*sum = f.Sum
	if f.Salt != h.Salt {
		return f, broken(FrameSalt, f.Page, 8, int64(f.Salt>>32))
	}
	if f.Page == 0 {
		return f, broken(FrameNumber, 0, 0, 0)
	}
	s.Add(h.BigEndian, b[:8])
	s.Add(h.BigEndian, b[FrameHeaderBytes:FrameHeaderBytes+h.PageSize])
	if s != f.Sum {
		return f, broken(FrameSum, f.Page, 16, int64(s.S1))
	}
	return f, nil
}

// WAL is what is committed in a write-ahead log.
type WAL struct {
	Header WALHeader
	Frames uint32 // up to and including the last commit
	Pages  uint32 // of the database after it, 0 = nothing is committed
	r      io.ReaderAt
	index  frameIndex
}

// ReadWAL reads a log of walBytes up to its last valid commit frame, or to frame
// frameMax if that is not 0 and comes first. What follows is left over or not yet
// committed. Memory: a page, and 8 bytes a frame.
func ReadWAL(r io.ReaderAt, walBytes int64, frameMax uint32) (*WAL, error) {
	var head [WALHeaderBytes]byte
	if n, err := r.ReadAt(head[:], 0); n < len(head) {
		return nil, shortIs(WALSize, n, err)
	}
	h, err := ParseWALHeader(head[:])
	if err != nil {
		return nil, err
	}
	w := &WAL{Header: h, r: r}
	frame := make([]byte, FrameHeaderBytes+h.PageSize)
	sum, committed := h.Sum, 0
	for n := uint32(1); w.offset(n)+int64(h.PageSize) <= walBytes && n != 0 && (frameMax == 0 || n <= frameMax); n++ {
		if got, err := r.ReadAt(frame, w.offset(n)-FrameHeaderBytes); got < len(frame) {
			if err := shortIs(FrameSize, got, err); !isBroken(err) {
				return nil, err
			}
			break // somebody cut the log meanwhile: the frame was not committed
		}
		f, err := h.ParseFrame(frame, &sum)
		if err != nil {
			break
		}
		w.index = append(w.index, indexed{f.Page, n})
		if f.Commit != 0 {
			w.Frames, w.Pages, committed = n, f.Commit, len(w.index)
		}
	}
	w.index = w.index[:committed].sorted()
	return w, nil //nolint:nilerr // a frame that is not valid ends the log, whatever it breaks
}

// offset gives where the page of frame n, counted from 1, begins.
func (w *WAL) offset(n uint32) int64 {
	return WALHeaderBytes + int64(n-1)*int64(FrameHeaderBytes+w.Header.PageSize) + FrameHeaderBytes
}

// Frame gives the newest committed frame of a page, 0 = none.
func (w *WAL) Frame(page uint32) uint32 { return w.index.find(page) }
