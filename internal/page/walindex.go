package page

import "encoding/binary"

// WALIndexBytes is the size of the header of the wal-index.
const WALIndexBytes = 136

const (
	indexCopyBytes = 48
	readMarks      = 5
	// ReadMarkUnused is the read mark that nobody uses.
	ReadMarkUnused = 0xffffffff
)

// WALIndex is the header of the shared memory that goes with a log
// (https://sqlite.org/walformat.html#the_wal_index_header). Its numbers are in the byte
// order of the machine that wrote it.
type WALIndex struct {
	BigEndian         bool // the machine
	Change            uint32
	BigEndianSum      bool // checksums of the log
	PageSize          int  // bytes; 0 is allowed as long as nothing is committed
	Frames            uint32
	Pages             uint32
	FrameSum          Sum
	Salt              [8]byte // as in the log
	Backfilled        uint32
	BackfillAttempted uint32
	ReadMarks         [readMarks]uint32
}

// ParseWALIndex reads the header of a wal-index. A writer changes one copy after the
// other, so that IndexCopies and IndexSum may only mean: look again.
func ParseWALIndex(b []byte) (WALIndex, error) {
	if len(b) < WALIndexBytes {
		return WALIndex{}, broken(IndexSize, 0, 0, int64(len(b)))
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if binary.BigEndian.Uint32(b) == walVersion {
		order = binary.BigEndian
	}
	w := WALIndex{
		BigEndian: order == binary.ByteOrder(binary.BigEndian), Change: order.Uint32(b[8:]), BigEndianSum: b[13] != 0,
		Frames: order.Uint32(b[16:]), Pages: order.Uint32(b[20:]), FrameSum: Sum{order.Uint32(b[24:]), order.Uint32(b[28:])},
		Salt: [8]byte(b[32:40]), Backfilled: order.Uint32(b[96:]), BackfillAttempted: order.Uint32(b[128:]),
	}
	w.PageSize = pageSize(order.Uint16(b[14:]))
	for i := range w.ReadMarks {
		w.ReadMarks[i] = order.Uint32(b[100+4*i:])
	}
	var sum Sum
	sum.Add(w.BigEndian, b[:40])
	switch {
	case string(b[:indexCopyBytes]) != string(b[indexCopyBytes:2*indexCopyBytes]):
		return w, broken(IndexCopies, 0, indexCopyBytes, 0)
	case order.Uint32(b) != walVersion:
		return w, broken(IndexVersion, 0, 0, int64(order.Uint32(b)))
	case b[12] == 0:
		return w, broken(IndexInit, 0, 12, 0)
	case sum != (Sum{order.Uint32(b[40:]), order.Uint32(b[44:])}):
		return w, broken(IndexSum, 0, 40, int64(order.Uint32(b[40:])))
	case !validPageSize(w.PageSize) && w.PageSize|int(w.Frames) != 0:
		return w, broken(IndexPage, 0, 14, int64(w.PageSize))
	case w.Backfilled > w.Frames:
		return w, broken(IndexFilled, 0, 96, int64(w.Backfilled))
	}
	return w, nil
}
