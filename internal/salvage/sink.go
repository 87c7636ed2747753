package salvage

import (
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// Sink takes what a salvage finds and makes a new database of it.
type Sink interface {
	// Begin comes first and once. Of the plan only the tables are made now; what else
	// it lists is for after the last row.
	Begin(p *Plan) error
	// Row takes a row of a table. Rows of one table come together, the best evidence
	// first, and of equal evidence mostly in key order.
	Row(r *Row) (Outcome, error)
	// Stray takes a row that no table can have for certain.
	Stray(s *Stray) error
}

// Outcome says what became of a row.
type Outcome int

// The outcomes. Duplicate: a row with that key is there already, from evidence at least
// as good. Refused: a constraint forbids it; the sink has kept it as a stray.
const (
	Taken Outcome = iota
	Duplicate
	Refused
)

// Plan is what the new database is to look like.
type Plan struct {
	PageSize      int
	Encoding      page.Encoding
	AutoVacuum    bool
	Incremental   bool // with AutoVacuum
	UserVersion   int32
	ApplicationID int32
	Tables        []*TablePlan
	Objects       []Object // indexes, virtual tables, views and triggers, as they stood in the schema
	Undated       string   // "" = none, else why any row of the file may not be in its newest version
	Image         *Image   // nil = the database has to be written anew
}

// TablePlan is a table of the new database.
type TablePlan struct {
	Name string
	SQL  string
	Def  *schema.Table
}

// Object is anything else of the schema.
type Object struct {
	Type, Name, Table, SQL string
}

// Origin says where a row was found.
type Origin string

// The origins, the best first.
const (
	Kept      Origin = "kept"       // in its place, on a page that breaks no rule
	Salvaged  Origin = "salvaged"   // elsewhere or on a damaged page, and proven
	FromIndex Origin = "from_index" // put together from index entries
	FromOlder Origin = "from_older" // an older image of a page that is lost
	FromBase  Origin = "from_base"  // the backup's
)

// Row is a row of a table.
type Row struct {
	Table   int // in Plan.Tables
	Rowid   int64
	Values  []Value // in the order of Def.Stored; those that are missing at the end have their default
	From    Origin
	Page    uint32
	Doubt   string // "" = none, else why just this row may not be what was written last
	Undated bool   // it may not be in its newest version, because the file may not be
	Proof   Proof  // what speaks for it beside itself, while nothing speaks against it
}

// Stray is a row that is kept for people to look at.
type Stray struct {
	Table  string // "" = not known
	Root   uint32 // of its b-tree, 0 = not known
	Page   uint32
	Rowid  int64
	Keyed  bool // it has a rowid
	Values []Value
	Why    string
	Told   bool // only indexes tell of it: what they have not is NULL
}
