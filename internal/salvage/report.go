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
}

// TableReport counts the rows of a table.
type TableReport struct {
	Name      string
	Kept      int64 // found in place
	Salvaged  int64 // found elsewhere, and proven
	FromBase  int64
	Uncertain int64 // of all these, those that are doubted
	Strays    int64 // rows of this table that were not put back
	Refused   int64 // rows that a constraint forbids
	Lost      int64 // rows that are gone, estimated
	Notes     []string
}

// Rows gives how many rows are in the new table.
func (t *TableReport) Rows() int64 { return t.Kept + t.Salvaged + t.FromBase }

// Whole tells whether nothing of the table is lost or doubted.
func (t *TableReport) Whole() bool {
	return t.Lost == 0 && t.Uncertain == 0 && t.Refused == 0 && t.Strays == 0 && t.FromBase == 0
}
