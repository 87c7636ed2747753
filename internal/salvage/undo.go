package salvage

import "github.com/officer-doofy/officer/internal/page"

// undo is a hot rollback journal: what pages held before a transaction that did not end
// (https://sqlite.org/fileformat2.html#the_rollback_journal).
type undo struct {
	src   *Source
	pages uint32           // of the database before the transaction
	at    map[uint32]int64 // offset of the content of a page
	size  int
}

// undoPagesMax bounds the memory for a journal; what comes after is left as it is.
const undoPagesMax = 1 << 20

// readUndo reads a journal, nil if there is nothing to undo. A page record that fails
// its checksum ends it, as it does for SQLite.
func readUndo(src *Source) *undo {
	if src.Journal == nil {
		return nil
	}
	u := &undo{src: src, at: map[uint32]int64{}}
	head := make([]byte, page.JournalHeaderBytes)
	for at := int64(0); at+page.JournalHeaderBytes <= src.JournalBytes; {
		if n, _ := src.Journal.ReadAt(head, at); n < len(head) {
			break
		}
		h, err := page.ParseJournalHeader(head)
		if err != nil || u.size != 0 && u.size != h.PageSize {
			break
		}
		if u.size == 0 {
			u.size, u.pages = h.PageSize, h.Pages
		}
		next, whole := u.segment(h, at+int64(h.SectorSize))
		if !whole {
			break
		}
		at = (next + int64(h.SectorSize) - 1) / int64(h.SectorSize) * int64(h.SectorSize)
	}
	if u.size == 0 || len(u.at) == 0 {
		return nil
	}
	return u
}

func (u *undo) segment(h page.JournalHeader, at int64) (next int64, whole bool) {
	records := h.Records
	if records == page.JournalAll {
		records = (u.src.JournalBytes - at) / int64(h.RecordBytes())
	}
	b := make([]byte, h.RecordBytes())
	for range records {
		if n, _ := u.src.Journal.ReadAt(b, at); n < len(b) {
			return at, false
		}
		n, _, err := h.ParseRecord(b)
		if err != nil || len(u.at) >= undoPagesMax {
			return at, false
		}
		if _, first := u.at[n]; !first {
			u.at[n] = at + 4
		}
		at += int64(len(b))
	}
	return at, true
}
