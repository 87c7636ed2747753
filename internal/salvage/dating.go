package salvage

import "github.com/officer-doofy/officer/internal/page"

// What leaves open whether a database is as it was last: no row of it can then be proven
// to be in its newest version.
const (
	undatedMissing = "the database is in WAL mode and no write-ahead log was beside it: if it was not closed cleanly, its newest changes are missing"
	undatedLost    = "the write-ahead log that the -shm beside it tells of is missing: the newest changes are missing"
	undatedCut     = "the write-ahead log ends in the middle of a transaction: it was cut, or the application was killed while it wrote"
	undatedShort   = "the write-ahead log has fewer frames than the -shm beside it tells of: the newest changes are missing"
	undatedUnread  = "nothing in the write-ahead log could be read: its changes are missing"
	undatedStale   = "the write-ahead log beside the file is that of an older state: the file's own is missing, if there was one"
	undatedForeign = "pages of the write-ahead log and of the file contradict each other: they are of different times"
)

// suspectFrame is what speaks against the rows of a page whose newest image in the log
// fails its checksum.
const suspectFrame = "the newest image of its page in the write-ahead log fails its checksum"

// date tells what leaves open whether the state is the newest, "" = nothing does. A log
// that is gone without a trace after a kill looks like a clean close: the header says
// only that there may have been one (https://sqlite.org/wal.html#the_wal_file).
func (r *rescue) date(l *log, tail string, stale bool) string {
	index := readIndex(r.src)
	switch {
	case stale:
		return undatedStale
	case l != nil && index != nil && index.Salt == l.salt() && index.Frames > l.last:
		return undatedShort
	case l != nil && index != nil && index.Salt == l.salt():
		return ""
	case l != nil || tail != "":
		return tail
	case index != nil && index.Frames > index.Backfilled:
		return undatedLost
	case index != nil || r.src.WAL != nil || !r.vitals.walMode:
		return ""
	}
	return undatedMissing
}

// readIndex reads the header of the shared memory that lies beside the file, nil if
// there is none that is whole (https://sqlite.org/walformat.html#the_wal_index_header).
func readIndex(src *Source) *page.WALIndex {
	if src.Index == nil {
		return nil
	}
	var b [page.WALIndexBytes]byte
	if n, _ := src.Index.ReadAt(b[:], 0); n < len(b) {
		return nil
	}
	index, err := page.ParseWALIndex(b[:])
	if err != nil {
		return nil
	}
	return &index
}

// suspect finds the pages whose newest image fails its checksum. If it still looks like
// a page it is used, for its neighbours are as new; its rows are in doubt in either case.
func (l *log) suspect(g *page.Geometry, src *Source) {
	l.suspects = map[uint32]uint32{}
	b, older := make([]byte, g.PageSize), make([]byte, g.PageSize)
	var cover page.Coverage
	for i, f := range l.condemned {
		if i > 0 && l.condemned[i-1].page == f.page {
			continue // there is a newer one
		}
		valid := l.of(f.page)
		if len(valid) > 0 && valid[0].number > f.number {
			continue
		}
		var had bool
		if len(valid) > 0 {
			had = l.readFrame(valid[0].number, older)
		} else {
			n, _ := src.File.ReadAt(older, int64(f.page-1)*int64(g.PageSize))
			had = n == len(older)
		}
		l.suspects[f.page] = 0
		if l.readFrame(f.number, b) && (looksLike(g, f.page, b, &cover) || !had || !looksLike(g, f.page, older, &cover)) {
			l.suspects[f.page] = f.number
		}
	}
}

func looksLike(g *page.Geometry, n uint32, b []byte, cover *page.Coverage) bool {
	var d page.Node
	return d.Parse(g, n, b) == nil && d.Validate(cover) == nil
}
