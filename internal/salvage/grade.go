package salvage

// Proof is what speaks for a row beside itself. That its page breaks no rule is none: a
// flipped bit in a value and an older image of a page break none either. Why these three
// and no others: docs/decisions/0034-a-row-is-confirmed-by-something-else.md.
type Proof uint8

// The proofs, of which a row has the first that holds. ByBase says that it is as it was
// when the backup was made.
const (
	Unconfirmed Proof = iota
	ByBase            // the backup has it, with the very same values
	ByIndex           // indexes that agree with it hold each of its values
	ByLog             // all of it stands in frames of the write-ahead log whose checksums hold
)

// String gives its word.
func (p Proof) String() string {
	return [...]string{"unconfirmed", "by_base", "by_index", "by_log"}[p]
}

// stretchesMax bounds the stretches of unconfirmed rows that a report names of a table.
const stretchesMax = 100

// proofOf tells what confirms a row. A row against which something speaks is not
// confirmed, nor is one that only an index has: that is one witness, and not two.
func (r *rescue) proofOf(t *table, f *found) Proof {
	switch {
	case f.doubt != "" || r.undated != "" || f.from != Kept && f.from != Salvaged:
		return Unconfirmed
	case f.asInBase:
		return ByBase
	case f.covered:
		return ByIndex
	case f.logged && f.from == Kept && !t.contest:
		return ByLog
	}
	return Unconfirmed
}

// isUndated tells whether a row may not be in its newest version because the file may not be. In
// a log that is newer than its file the frames are the newest there is, whatever the file lacks:
// what stands in them is as new as can be, though not confirmed, for the trees above are of
// different times.
func (r *rescue) isUndated(t *table, f *found) bool {
	return r.undated != "" && !(r.undated == undatedForeign && r.log.ahead && f.logged && f.from == Kept && !t.contest)
}

// grade counts what a row that went into its table is worth.
func (r *rescue) grade(t *table, f *found) {
	if f.asInBase {
		t.tally.AsInBase++
	}
	was := t.loose
	t.loose = false
	switch {
	case f.doubt != "":
		t.tally.Doubted++
		return
	case r.row.Undated:
		t.tally.Undated++
		return
	}
	switch r.row.Proof {
	case ByBase:
		t.tally.ByBase++
	case ByIndex:
		t.tally.ByIndex++
	case ByLog:
		t.tally.ByLog++
	default:
		t.loose = true
		if !t.def.WithoutRowid {
			t.tally.loosen(f.rowid, was)
		}
	}
}

// loosen adds a row to those that nothing confirms. Beyond stretchesMax the last one takes in
// what lies between.
func (t *TableReport) loosen(rowid int64, follows bool) {
	n := len(t.Loose)
	if n > 0 && (n == stretchesMax || follows && rowid > t.Loose[n-1].Last) {
		x := &t.Loose[n-1]
		x.First, x.Last, x.Rows = min(x.First, rowid), max(x.Last, rowid), x.Rows+1
		return
	}
	t.Loose = append(t.Loose, Stretch{rowid, rowid, 1})
}

// coverable tells whether the indexes of a table together have all its columns, and so
// could confirm a row as a whole.
func (t *table) coverable() bool {
	have := map[int]bool{}
	for _, tr := range t.trials {
		for _, slot := range tr.columns {
			have[slot] = true
		}
	}
	for slot, column := range t.def.Stored {
		if column != t.def.RowidColumn && !have[slot] {
			return false
		}
	}
	return len(t.trials) > 0
}

// agree notes that an index has the row that is judged just so.
func (r *rescue) agree(t *table, tr *trial) {
	if !t.covered || tr.void {
		return
	}
	if len(r.agreed) == 0 {
		r.agreed = append(r.agreed, make([]bool, len(t.def.Stored))...)
	}
	for _, slot := range tr.columns {
		if slot != slotRowid {
			r.agreed[slot] = true
		}
	}
}

// allAgreed tells whether the indexes that agree have every value of the row, and its
// rowid with them.
func (r *rescue) allAgreed(t *table) bool {
	if !t.covered || len(r.agreed) == 0 {
		return false
	}
	for slot, column := range t.def.Stored {
		if column != t.def.RowidColumn && !r.agreed[slot] {
			return false
		}
	}
	return true
}

// vouched tells whether the image of a page is that of a frame whose checksum holds, in a
// log that is shown to belong to its file. A frame proves what was written, and nothing
// newer of that page was committed.
func (s *store) vouched(n uint32) bool {
	if s.log == nil || !s.log.ahead || s.undo != nil || s.suspicious(n) {
		return false
	}
	f := s.log.newest(n)
	_, changed := s.mended[n]
	return f != 0 && !changed && (f > 1 || s.log.begun)
}

// contest notes that two trees name one page: then their structure does not tell any more
// whose its rows are.
func (r *rescue) contest(n uint32, t *table) {
	o := r.marks.owner(n)
	if o == 0 {
		return
	}
	t.contest = true
	if u := r.byOwner(o); u != nil {
		u.contest = true
	}
}
