package salvage

import (
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// table is one table of the database and what is known of its b-tree.
type table struct {
	name    string
	sql     string
	def     *schema.Table
	root    uint32 // 0 = not known
	owner   owner
	indexes []*index
	gaps    []gap    // where rows may be missing
	rooms   *rooms   // what is left of them, nil = not looked at
	keyGaps []keyGap // those of a WITHOUT ROWID table
	trials  []*trial // against its indexes
	islands []uint32 // pages of a WITHOUT ROWID table that were found outside its tree
	torn    []span   // of damaged pages on which rows may be missing
	worn    []gap    // these pages
	byMap   bool     // the pointer map alone put a page here
	contest bool     // another tree names one of its pages, too
	covered bool     // its indexes together have all columns
	loose   bool     // the row before this one was not confirmed
	profile profile
	tally   TableReport
	place   int   // in Plan.Tables
	counted bool  // an index told how many rows are gone
	gone    int64 // so many
}

// index is one index of a table.
type index struct {
	name  string
	def   *schema.Index
	root  uint32
	owner owner
	whole bool   // its b-tree breaks no rule
	trial *trial // nil = its entries cannot be foretold
}

// gap is a range of keys of which the b-tree shows no sound page.
type gap struct {
	span
	page  uint32   // where the page should be, 0 = not known
	depth int      // of that page in its tree, 0 = the root
	found []filler // pages that belong there, in key order
}

// filler is a b-tree page found outside its tree, with all below it.
type filler struct {
	span
	page  uint32
	doubt string // what speaks against its being there, "" = nothing
}

// schemaTable is the definition of sqlite_schema itself
// (https://sqlite.org/schematab.html).
func schemaTable() *table {
	const sql = "CREATE TABLE sqlite_schema(type text, name text, tbl_name text, rootpage int, sql text)"
	def, _ := schema.ParseTable(sql) // a constant
	return &table{name: "sqlite_schema", sql: sql, def: def, root: 1, owner: 1}
}

// profile is what the rows of a table have looked like so far.
type profile struct {
	rows       int64
	pages      int64 // leaf pages with rows
	depth      int   // of the leaf pages in their tree
	fewest     int   // values of a record
	most       int
	classes    []classSet // seen in each place of the record
	malformed  []int64    // texts of each place that are not valid in their encoding
	unprinting []int64    // texts with control characters
}

// classSet is a set of storage classes.
type classSet uint8

func (s classSet) has(c schema.Class) bool { return s&(1<<c) != 0 }

// note adds a row to the profile.
func (p *profile) note(values []Value, e page.Encoding) {
	if p.rows == 0 || len(values) < p.fewest {
		p.fewest = len(values)
	}
	p.most = max(p.most, len(values))
	p.rows++
	for len(p.classes) < len(values) {
		p.classes = append(p.classes, 0)
		p.malformed = append(p.malformed, 0)
		p.unprinting = append(p.unprinting, 0)
	}
	for i, v := range values {
		p.classes[i] |= 1 << v.Class
		if v.Class != schema.ClassText {
			continue
		}
		if !wellFormed(v.Bytes, e) {
			p.malformed[i]++
		} else if controls(v.Bytes) {
			p.unprinting[i]++
		}
	}
}

// controls tells whether text has characters that people do not write.
func controls(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != 0 || c == 0x7f {
			return true
		}
	}
	return false
}

// fits tells whether a record can be a row of a table by its declaration: the number of
// values, and of each its storage class (https://sqlite.org/datatype3.html).
func fits(def *schema.Table, values []Value, e page.Encoding) bool {
	if len(values) == 0 || len(values) > len(def.Stored) {
		return false
	}
	for slot, column := range def.Stored {
		c := &def.Columns[column]
		if slot >= len(values) {
			if c.NotNull && c.Default.Known == schema.DefaultNone {
				return false
			}
			continue
		}
		if !suits(c, values[slot], column == def.RowidColumn, e) {
			return false
		}
	}
	return true
}

func suits(c *schema.Column, v Value, isRowid bool, e page.Encoding) bool {
	if isRowid {
		return v.Class == schema.ClassNull
	}
	switch v.Class {
	case schema.ClassNull:
		return !c.NotNull
	case schema.ClassInteger, schema.ClassReal:
		if c.Affinity == schema.Text {
			return false
		}
		return v.Class == schema.ClassInteger || c.Affinity != schema.Integer || v.Real != float64(int64(v.Real))
	case schema.ClassText:
		if c.Affinity >= schema.Numeric && len(v.Bytes) < 32 {
			return !schema.LooksNumeric(e.AppendUTF8(nil, v.Bytes))
		}
	}
	return c.Strict.Takes(v.Class)
}
