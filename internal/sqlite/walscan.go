package sqlite

import (
	"encoding/binary"
	"errors"
	"io"
)

// Sizes of the WAL format (https://sqlite.org/walformat.html).
const (
	walHeaderBytes   = 32
	frameHeaderBytes = 24
	walMagic         = 0x377f0682 // bit 0 set: checksums over big-endian words
)

// walState is what the valid part of a WAL holds: everything up to its last commit.
type walState struct {
	Salt       uint64 // salt-1<<32 | salt-2
	PageSize   int
	Frames     uint32 // frames up to and including the last commit
	PageCount  uint32 // database size in pages after the last commit
	PageOneOff int64  // offset of the newest committed content of page 1; 0 = not in the WAL
}

// scanWAL reads a WAL of sizeBytes up to its last valid commit. Frames are valid while
// salts match the header and checksums chain
// (https://sqlite.org/fileformat2.html#walformat). A WAL that is empty or not one
// gives the zero state: nothing committed in it counts. Memory is one frame.
func scanWAL(r io.ReaderAt, sizeBytes int64) (walState, error) {
	var header [walHeaderBytes]byte
	if sizeBytes < walHeaderBytes {
		return walState{}, nil
	}
	if n, err := r.ReadAt(header[:], 0); n < len(header) {
		return walState{}, ignoreEOF(err)
	}
	magic := binary.BigEndian.Uint32(header[0:])
	pageSize := int(binary.BigEndian.Uint32(header[8:]))
	if magic&^1 != walMagic || !validPageSize(pageSize) {
		return walState{}, nil
	}
	sum := walSum{order: binary.LittleEndian}
	if magic&1 != 0 {
		sum.order = binary.BigEndian
	}
	sum.add(header[:24])
	if !sum.equals(header[24:]) {
		return walState{}, nil
	}
	state := walState{Salt: binary.BigEndian.Uint64(header[16:]), PageSize: pageSize}
	return scanFrames(r, sizeBytes, sum, state)
}

func scanFrames(r io.ReaderAt, sizeBytes int64, sum walSum, state walState) (walState, error) {
	frame := make([]byte, frameHeaderBytes+state.PageSize)
	pageOne := int64(0)
	committed := state
	committed.Salt = 0 // without a commit the WAL says nothing
	off := int64(walHeaderBytes)
	for n := uint32(1); off+int64(len(frame)) <= sizeBytes; n++ {
		if got, err := r.ReadAt(frame, off); got < len(frame) {
			return committed, ignoreEOF(err)
		}
		if binary.BigEndian.Uint64(frame[8:]) != state.Salt {
			break
		}
		sum.add(frame[:8])
		sum.add(frame[frameHeaderBytes:])
		if !sum.equals(frame[16:]) {
			break
		}
		if binary.BigEndian.Uint32(frame) == 1 {
			pageOne = off + frameHeaderBytes
		}
		if pages := binary.BigEndian.Uint32(frame[4:]); pages != 0 {
			committed = walState{Salt: state.Salt, PageSize: state.PageSize, Frames: n, PageCount: pages, PageOneOff: pageOne}
		}
		off += int64(len(frame))
	}
	return committed, nil
}

// walSum is the running checksum of a WAL
// (https://sqlite.org/fileformat2.html#checksum_algorithm).
type walSum struct {
	order  binary.ByteOrder
	s1, s2 uint32
}

func (w *walSum) add(p []byte) {
	s1, s2 := w.s1, w.s2
	if w.order == binary.ByteOrder(binary.LittleEndian) {
		for ; len(p) >= 8; p = p[8:] {
			s1 += binary.LittleEndian.Uint32(p) + s2
			s2 += binary.LittleEndian.Uint32(p[4:]) + s1
		}
	} else {
		for ; len(p) >= 8; p = p[8:] {
			s1 += binary.BigEndian.Uint32(p) + s2
			s2 += binary.BigEndian.Uint32(p[4:]) + s1
		}
	}
	w.s1, w.s2 = s1, s2
}

func (w *walSum) equals(p []byte) bool {
	return binary.BigEndian.Uint32(p) == w.s1 && binary.BigEndian.Uint32(p[4:]) == w.s2
}

func validPageSize(n int) bool { return n >= 512 && n <= 65536 && n&(n-1) == 0 }

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
