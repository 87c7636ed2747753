package page

import "encoding/binary"

// HeaderBytes is the size of the database header.
const HeaderBytes = 100

const magic = "SQLite format 3\x00"

// Bounds of the page size and of the part of it that is used.
const (
	PageSizeMin = 512
	PageSizeMax = 65536
	usableMin   = 480
)

// SchemaFormatMax is the newest schema format that is known.
const SchemaFormatMax = 4

// Header is the database header, which stands at the beginning of page 1
// (https://sqlite.org/fileformat2.html#the_database_header).
type Header struct {
	PageSize      int // bytes
	Reserved      int // bytes at the end of every page
	WriteVersion  byte
	ReadVersion   byte
	ChangeCounter uint32
	PageCount     uint32 // as the header says; see Pages
	FreelistFirst uint32 // trunk page, 0 = none
	FreelistPages uint32
	SchemaCookie  uint32
	SchemaFormat  uint32
	CacheSize     int32    // pages, suggested
	LargestRoot   uint32   // 0: there are no pointer maps
	Encoding      Encoding // 0: no table yet
	UserVersion   int32
	Incremental   uint32 // not 0: incremental vacuum
	ApplicationID int32
	ValidFor      uint32 // change counter when Library and PageCount were written
	Library       uint32 // SQLITE_VERSION_NUMBER of the last writer
	expansion     bool   // bytes reserved for expansion are not zero
}

// ParseHeader reads a header that SQLite would read: what it refuses to open is an
// error. See [Header.Validate] for the other sentences.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderBytes {
		return Header{}, broken(HeaderSize, 1, 0, int64(len(b)))
	}
	if string(b[:len(magic)]) != magic {
		return Header{}, broken(HeaderMagic, 1, 0, int64(b[0]))
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	h := Header{
		PageSize: pageSize(binary.BigEndian.Uint16(b[16:])), Reserved: int(b[20]), WriteVersion: b[18], ReadVersion: b[19],
		ChangeCounter: u32(24), PageCount: u32(28), FreelistFirst: u32(32), FreelistPages: u32(36),
		SchemaCookie: u32(40), SchemaFormat: u32(44), CacheSize: int32(u32(48)), LargestRoot: u32(52),
		Encoding: Encoding(u32(56)), UserVersion: int32(u32(60)), Incremental: u32(64), ApplicationID: int32(u32(68)),
		ValidFor: u32(92), Library: u32(96),
	}
	for _, c := range b[72:92] {
		h.expansion = h.expansion || c != 0
	}
	switch {
	case h.ReadVersion > 2:
		return Header{}, broken(HeaderRead, 1, 19, int64(b[19]))
	case b[21] != 64:
		return Header{}, broken(HeaderMaxFraction, 1, 21, int64(b[21]))
	case b[22] != 32:
		return Header{}, broken(HeaderMinFraction, 1, 22, int64(b[22]))
	case b[23] != 32:
		return Header{}, broken(HeaderLeafPart, 1, 23, int64(b[23]))
	case !validPageSize(h.PageSize):
		return Header{}, broken(HeaderPageSize, 1, 16, int64(h.PageSize))
	case h.PageSize-h.Reserved < usableMin:
		return Header{}, broken(HeaderUsable, 1, 20, int64(b[20]))
	}
	return h, nil
}

// Validate gives the first sentence that a header breaks although SQLite would open it.
// fileBytes is the size of the file or, under a write-ahead log, the size that its last
// commit gives it.
func (h Header) Validate(fileBytes int64) error {
	pages, err := h.Pages(fileBytes)
	switch {
	case err != nil:
		return err
	case h.SchemaFormat > SchemaFormatMax:
		return broken(HeaderFormat, 1, 44, int64(h.SchemaFormat))
	case h.Encoding > UTF16BE:
		return broken(HeaderEncoding, 1, 56, int64(h.Encoding))
	case h.WriteVersion < 1 || h.WriteVersion > 2:
		return broken(HeaderWrite, 1, 18, int64(h.WriteVersion))
	case h.FreelistFirst > pages || (h.FreelistFirst == 0) != (h.FreelistPages == 0):
		return broken(HeaderFreelist, 1, 32, int64(h.FreelistFirst))
	case h.LargestRoot > pages:
		return broken(HeaderRoot, 1, 52, int64(h.LargestRoot))
	case h.LargestRoot == 0 && h.Incremental != 0:
		return broken(HeaderIncremental, 1, 64, int64(h.Incremental))
	case h.expansion:
		return broken(HeaderExpansion, 1, 72, 1)
	}
	return nil
}

// Pages gives the number of pages of a file of so many bytes. The header's own count
// stands if its writer knew it; writers before SQLite 3.7.0 did not
// (https://sqlite.org/fileformat2.html#in_header_database_size).
func (h Header) Pages(fileBytes int64) (uint32, error) {
	size := int64(h.PageSize)
	inFile := min((fileBytes+size-1)/size, 1<<32-2) // SQLite counts a page that is cut short
	if h.PageCount == 0 || h.ChangeCounter != h.ValidFor {
		return uint32(inFile), nil
	}
	if int64(h.PageCount) > inFile {
		return 0, broken(HeaderCount, 1, 28, int64(h.PageCount))
	}
	return h.PageCount, nil
}

// WAL tells whether the database keeps a write-ahead log.
func (h Header) WAL() bool { return h.ReadVersion == 2 }

func pageSize(field uint16) int {
	if field == 1 {
		return PageSizeMax
	}
	return int(field)
}

func validPageSize(n int) bool { return n >= PageSizeMin && n <= PageSizeMax && n&(n-1) == 0 }
