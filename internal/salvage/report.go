package salvage

// Report is the outcome of a salvage.
type Report struct {
	Tables    []TableReport
	Strays    int64
	Notes     []string // what was found wrong with the database as a whole
	PagesLost int64    // pages that are part of no table and cannot be read, or hold nothing that is known
	Database  bool     // a header or a schema was found
	PageSize  int
	Pages     uint32
	Undated   string // what leaves open whether this is the newest state, "" = nothing does
}

// TableReport counts the rows of a table.
type TableReport struct {
	Name      string
	Kept      int64 // found in place
	Salvaged  int64 // found elsewhere, and proven
	FromBase  int64
	FromIndex int64     // of Salvaged, those that were put together from index entries
	FromOlder int64     // of Salvaged, those of an older image of a page; all are doubted
	Doubted   int64     // of Kept and Salvaged, those that something speaks against
	Undated   int64     // of Kept and Salvaged, those of which only their age is in doubt: Report.Undated
	ByBase    int64     // of Kept and Salvaged, those that are as the backup has them and nothing speaks against
	ByIndex   int64     // … those of which indexes that agree hold every value
	ByLog     int64     // … those that stand in frames of the write-ahead log whose checksums hold
	AsInBase  int64     // of Kept and Salvaged, all that are as the backup has them, even if their age is in doubt
	Loose     []Stretch // where the rows are that nothing confirms, in the order they were found; at most stretchesMax
	Strays    int64     // rows of this table that were not put back
	Refused   int64     // rows that a constraint forbids
	Lost      int64     // rows that are gone, estimated
	Notes     []string
}

// Stretch is rows that nothing confirms, with none between them that something does.
type Stretch struct{ First, Last, Rows int64 } // rowids

// Confirmed counts the rows that something other than themselves speaks for, and nothing
// against.
func (t *TableReport) Confirmed() int64 { return t.ByBase + t.ByIndex + t.ByLog }

// Unconfirmed counts the rows that are whole, and that nothing else speaks for or against.
func (t *TableReport) Unconfirmed() int64 { return t.Uncertain() - t.Doubted - t.Undated }

// Uncertain counts the rows of the damaged file that are not confirmed.
func (t *TableReport) Uncertain() int64 { return t.Kept + t.Salvaged - t.Confirmed() }

// Doubt counts rows as doubted that were not before. Nothing tells which they are, so
// they are taken from the confirmed ones first.
func (t *TableReport) Doubt(rows int64) {
	rows = min(rows, t.Kept+t.Salvaged-t.Doubted)
	t.Doubted += rows
	for _, n := range []*int64{&t.Undated, &t.ByBase, &t.ByIndex, &t.ByLog} {
		taken := min(*n, rows)
		*n -= taken
		rows -= taken
	}
}

// Rows gives how many rows are in the new table.
func (t *TableReport) Rows() int64 { return t.Kept + t.Salvaged + t.FromBase }

// Whole tells whether nothing of the table is lost or doubted. It does not say that
// anything confirms its rows.
func (t *TableReport) Whole() bool {
	return t.Lost == 0 && t.Doubted == 0 && t.Undated == 0 && t.Refused == 0 && t.Strays == 0 && t.FromBase == 0
}
