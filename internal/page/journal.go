package page

import "encoding/binary"

// JournalHeaderBytes is the part of a journal's header that says something; it is
// padded to a sector.
const JournalHeaderBytes = 28

const (
	journalMagic  = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
	sectorMin     = 32
	journalStride = 200
)

// JournalAll is the record count of a journal whose records go on to the end of file.
const JournalAll = -1

// JournalHeader begins each segment of a rollback journal
// (https://sqlite.org/fileformat2.html#the_rollback_journal).
type JournalHeader struct {
	Records    int64 // page records that follow, JournalAll = all there is room for
	Nonce      uint32
	Pages      uint32 // of the database before the transaction
	SectorSize int    // bytes, also of the padded header
	PageSize   int    // bytes
}

// ParseJournalHeader reads a header.
func ParseJournalHeader(b []byte) (JournalHeader, error) {
	if len(b) < JournalHeaderBytes {
		return JournalHeader{}, broken(JournalSize, 0, 0, int64(len(b)))
	}
	if string(b[:8]) != journalMagic {
		return JournalHeader{}, broken(JournalMagic, 0, 0, int64(b[0]))
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	h := JournalHeader{Records: int64(u32(8)), Nonce: u32(12), Pages: u32(16), SectorSize: int(u32(20)), PageSize: int(u32(24))}
	if u32(8) == 1<<32-1 {
		h.Records = JournalAll
	}
	switch {
	case h.SectorSize < sectorMin || h.SectorSize > PageSizeMax || h.SectorSize&(h.SectorSize-1) != 0:
		return h, broken(JournalSector, 0, 20, int64(h.SectorSize))
	case !validPageSize(h.PageSize):
		return h, broken(JournalPageSize, 0, 24, int64(h.PageSize))
	}
	return h, nil
}

// RecordBytes is the size of one page record.
func (h JournalHeader) RecordBytes() int { return h.PageSize + 8 }

// ParseRecord reads a page record: the number of a page, and what stood there before.
func (h JournalHeader) ParseRecord(b []byte) (n uint32, content []byte, err error) {
	if len(b) < h.RecordBytes() {
		return 0, nil, broken(JournalRecord, 0, 0, int64(len(b)))
	}
	n, content = binary.BigEndian.Uint32(b), b[4:4+h.PageSize]
	sum := h.Nonce
	for x := h.PageSize - journalStride; x > 0; x -= journalStride {
		sum += uint32(content[x])
	}
	switch stands := binary.BigEndian.Uint32(b[4+h.PageSize:]); {
	case n == 0 || n == uint32(lockByte/h.PageSize)+1:
		return n, content, broken(JournalNumber, n, 0, int64(n))
	case sum != stands:
		return n, content, broken(JournalChecksum, n, 4+h.PageSize, int64(stands))
	}
	return n, content, nil
}
