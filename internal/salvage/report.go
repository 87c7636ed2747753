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
	FromIndex int64 // of Salvaged, those that were put together from index entries
	Uncertain int64 // of Kept and Salvaged, those that are doubted
	Undated   int64 // of Uncertain, those of which only their age is in doubt: Report.Undated
	Strays    int64 // rows of this table that were not put back
	Refused   int64 // rows that a constraint forbids
	Lost      int64 // rows that are gone, estimated
	Notes     []string
}

// Proven gives how many rows the damaged file proves, in their newest version.
func (t *TableReport) Proven() int64 { return t.Kept + t.Salvaged - t.Uncertain }

// Rows gives how many rows are in the new table.
func (t *TableReport) Rows() int64 { return t.Kept + t.Salvaged + t.FromBase }

// Whole tells whether nothing of the table is lost or doubted.
func (t *TableReport) Whole() bool {
	return t.Lost == 0 && t.Uncertain == 0 && t.Refused == 0 && t.Strays == 0 && t.FromBase == 0
}
