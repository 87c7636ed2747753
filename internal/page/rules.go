package page

// Rule is one sentence of the format that bytes can break.
type Rule string

// The database header (https://sqlite.org/fileformat2.html#the_database_header).
const (
	HeaderSize        Rule = "the first 100 bytes of the database file comprise the header"
	HeaderMagic       Rule = "every valid SQLite database file begins with \"SQLite format 3\" and a zero byte"
	HeaderPageSize    Rule = "the page size is a power of two between 512 and 32768, or 1 for 65536"
	HeaderWrite       Rule = "the file format write version is 1 for legacy, 2 for WAL"
	HeaderRead        Rule = "a file with a read version greater than 2 cannot be read or written"
	HeaderUsable      Rule = "the usable size of a page is not allowed to be less than 480"
	HeaderMaxFraction Rule = "the maximum embedded payload fraction must be 64"
	HeaderMinFraction Rule = "the minimum embedded payload fraction must be 32"
	HeaderLeafPart    Rule = "the leaf payload fraction must be 32"
	HeaderCount       Rule = "a valid in-header database size is not greater than the file"
	HeaderFreelist    Rule = "the first freelist trunk page is a page of the file, or zero if the freelist is empty"
	HeaderFormat      Rule = "supported schema formats are 1, 2, 3, and 4"
	HeaderRoot        Rule = "the largest root b-tree page is a page of the file"
	HeaderIncremental Rule = "if the integer at offset 52 is zero then the integer at offset 64 must also be zero"
	HeaderEncoding    Rule = "the text encoding is 1, 2 or 3; no other values are allowed"
	HeaderExpansion   Rule = "bytes reserved for expansion must be zero"
)

// Pages and their places.
const (
	PageRange   Rule = "page numbers run from 1 to the number of pages in the file"
	PageBuffer  Rule = "a page is read whole"
	PageMissing Rule = "the file holds every page that it counts"
)

// B-tree pages, overflow chains, freelist and pointer maps (https://sqlite.org/fileformat2.html#b_tree_pages).
const (
	NodeKind       Rule = "a b-tree page is of type 2, 5, 10 or 13; any other value is an error"
	NodeCells      Rule = "the upper bound on keys is as many as will fit on the page"
	NodeNoCells    Rule = "a page without cells is only possible for a root page of a table that contains no rows"
	NodeContent    Rule = "the cell content area lies between the cell pointer array and the reserved region"
	NodeEmpty      Rule = "if a page contains no cells, the cell content area begins at the end of the usable space"
	NodeFirstFree  Rule = "there will always be at least one cell before the first freeblock"
	NodeFreeOrder  Rule = "freeblocks are always connected in order of increasing offset"
	NodeFreeSize   Rule = "a freeblock requires at least 4 bytes of space"
	NodeFreeEnd    Rule = "a freeblock ends within the usable space"
	NodeFragments  Rule = "the bytes in all fragments are those that neither cells nor freeblocks use"
	NodeOverlap    Rule = "no byte of the cell content area belongs to two cells or freeblocks"
	CellOffset     Rule = "a cell pointer is an offset into the cell content area"
	CellEnd        Rule = "a cell ends within the usable space"
	CellPayload    Rule = "a key or the data of a row have up to 2147483647 bytes"
	ChildNumber    Rule = "a child pointer is the number of a page of the file"
	OverflowNumber Rule = "an overflow pointer is the number of a page of the file"
	TrunkLeaves    Rule = "a freelist trunk page has as many leaf pointers as will fit in its usable space"
	TrunkNumber    Rule = "a freelist pointer is the number of a page of the file"
	MapType        Rule = "five types of back-link are recognized: 1, 2, 3, 4 and 5"
	MapParent      Rule = "the back-link of a root page and of a freelist page is zero"
)

// Records (https://sqlite.org/fileformat2.html#record_format).
const (
	RecordHeader   Rule = "a record begins with the size of its header, which lies within the record"
	RecordTypes    Rule = "the serial types end where the header ends"
	RecordReserved Rule = "serial types 10 and 11 will never appear in a well-formed database file"
	RecordBody     Rule = "the values fill the record exactly"
)

// The write-ahead log (https://sqlite.org/fileformat2.html#wal_file_format).
const (
	WALSize      Rule = "the WAL header is 32 bytes in size"
	WALMagic     Rule = "the magic number is 0x377f0682 or 0x377f0683"
	WALVersion   Rule = "the WAL format version is 3007000"
	WALPageSize  Rule = "the page size of the WAL is a power of two between 512 and 65536"
	WALChecksum  Rule = "the header ends in a checksum on its first 24 bytes"
	FrameSize    Rule = "a frame is a header of 24 bytes and a page"
	FrameSalt    Rule = "the salt values in the frame header match those in the WAL header"
	FrameSum     Rule = "the checksum of a frame goes over the WAL header and all frames up to it"
	FrameNumber  Rule = "a frame names the page whose content it holds"
	IndexSize    Rule = "the header of the wal-index is 136 bytes in size"
	IndexCopies  Rule = "the wal-index information stands there twice"
	IndexVersion Rule = "the wal-index format version is always 3007000"
	IndexInit    Rule = "isInit is 1 when the shm file has been initialized"
	IndexSum     Rule = "the wal-index information ends in a checksum of its first 40 bytes"
	IndexFilled  Rule = "mxFrame is always greater than or equal to nBackfill"
	IndexPage    Rule = "the page size in the wal-index is a power of two, or 1 for 65536"
)

// The rollback journal (https://sqlite.org/fileformat2.html#the_rollback_journal).
const (
	JournalSize     Rule = "a rollback journal begins with a header of 28 bytes"
	JournalMagic    Rule = "the header string is d9 d5 05 f9 20 a1 63 d7"
	JournalSector   Rule = "the sector size is a power of two between 32 and 65536"
	JournalPageSize Rule = "the page size of the journal is a power of two between 512 and 65536"
	JournalRecord   Rule = "a page record is a page number, a page and a checksum"
	JournalChecksum Rule = "the checksum is the nonce and every 200th byte of the page"
	JournalNumber   Rule = "a page record names a page of the file that is not the lock-byte page"
)

// What only shows when several pages are seen together. These are for whoever walks
// b-trees and chains; no parser here gives them.
const (
	TreeDepth      Rule = "all children of an interior b-tree have the same depth"
	TreeDepthMax   Rule = "a b-tree is at most 20 pages deep"
	TreeKind       Rule = "all pages within a b-tree are of the same type, table or index"
	TreeRange      Rule = "keys left of a key are less than or equal to it, keys right of it greater"
	OverflowLength Rule = "an overflow chain is as long as its payload, and ends in zero"
	FreelistLength Rule = "the header counts the pages of the freelist"
	MapBack        Rule = "a back-link names type and parent of its page"
	PageUsedOnce   Rule = "every page is used exactly once"
	PageNeverUsed  Rule = "every page is in a b-tree, an overflow chain, the freelist or a pointer map"
	PageMapPlace   Rule = "no page may be a pointer map but those at the computed places, and they nothing else"
	PageLockUnused Rule = "the lock-byte page is not used"
	RootMax        Rule = "the header names the largest root page"
)
