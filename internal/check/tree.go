package check

import (
	"slices"
	"strings"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// tree is one b-tree: a table, or an index.
type tree struct {
	number int
	name   string
	root   uint32
	keyed  bool // an index b-tree
	blind  bool // what it holds is not understood: only its structure is checked

	table   *schema.Table
	index   *schema.Index // of an index, and of a WITHOUT ROWID table, whose key it is
	parent  *tree         // of an index: the tree of its table
	indexes []*tree       // of a table: those whose entries are compared with its rows

	order []column                     // of an entry: by what it is ordered; of a WITHOUT ROWID table its key
	plan  *rowPlan                     // of a table
	each  func(w *worker, row *record) // instead of, or before, what else is done with a row
	light bool                         // only the part of a row that is on its page is read, without each only its rowid
}

// record is a row as it is read.
type record struct {
	node  *page.Node
	cell  *page.Cell
	rowid int64
	f     *fields
	body  []byte // the beginning of the payload, all of it unless the tree is light or the row long
}

// column is how one column of a key is ordered.
type column struct {
	collation collation
	desc      bool
	nullable  bool // NULLs in it make entries of a UNIQUE index different
}

// tally is what one worker counted of one tree.
type tally struct {
	rows      uint64
	digest    sum
	indexes   []sum // of a table: what its indexes should hold
	entries   sum   // of an index: what it holds
	maxRowid  int64
	broken    bool // something in it is wrong, so that its sums say nothing
	leafAt    int  // depth of its leaves, 0 = not seen
	unsure    bool // some of its rows are not known
	unordered bool // its order could not be judged
}

// rowPlan is what is done with the values of a row.
type rowPlan struct {
	checks  []valueCheck
	hashed  []int   // slots whose values are in an index
	indexes [][]int // for each index its entry: places in hashed, or entryRowid
	missing []missingValue
	digest  []digested
	unknown int // the last slot whose value is not known when it is missing, -1 = none
}

const entryRowid = -1

// valueCheck is what the value in one slot must be.
type valueCheck struct {
	slot    int
	allowed classes
	numeric bool // text must not look like a number
	column  *schema.Column
}

// missingValue is what a row has in a slot that its record does not reach.
type missingValue struct {
	class classes
	hash  hash
	value schema.Default
	text  []byte // in the encoding of the database
}

// digested is one value of the digest of a row.
type digested struct {
	slot  int // digestRowid = the rowid itself
	float bool
}

const digestRowid = -1

// classes is a set of storage classes.
type classes byte

const (
	isNull classes = 1 << iota
	isInteger
	isReal
	isText
	isBlob
	isAny = isNull | isInteger | isReal | isText | isBlob
)

// classOf gives the storage class of a serial type. SQLite reads the types that are
// reserved as NULL.
func classOf(serial uint64) classes {
	switch {
	case serial >= page.SerialBlob:
		if serial&1 == 0 {
			return isBlob
		}
		return isText
	case serial == page.SerialFloat:
		return isReal
	case serial == page.SerialNull || serial == 10 || serial == 11:
		return isNull
	}
	return isInteger
}

// orderOf gives how entries are ordered. Before schema format 4 DESC was ignored.
func (v *verifier) orderOf(t *schema.Table, parts []schema.Part) []column {
	order := make([]column, len(parts))
	for i, p := range parts {
		order[i] = column{collation: collationOf(p.Collation), desc: p.Desc && v.db.Header.SchemaFormat >= 4}
		order[i].nullable = p.Column == schema.Expression || p.Column >= 0 && !t.Columns[p.Column].NotNull
	}
	return order
}

// planRows compiles what is done with the rows of a table.
func (v *verifier) planRows(tr *tree) {
	t, p := tr.table, &rowPlan{}
	v.planMissing(t, p)
	for slot, c := range t.Stored {
		if c != t.RowidColumn && t.Slot(c) == slot {
			p.check(slot, t.Strict, &t.Columns[c])
		}
	}
	for _, x := range tr.indexes {
		var entry []int
		for _, part := range x.index.Entry {
			entry = append(entry, p.place(t, part.Column))
		}
		p.indexes = append(p.indexes, entry)
	}
	if v.o.Digest {
		p.planDigest(t)
	}
	tr.plan = p
}

// place gives where the hash of a column's value will be found.
func (p *rowPlan) place(t *schema.Table, column int) int {
	if column == schema.Rowid || column == t.RowidColumn {
		return entryRowid
	}
	slot := t.Slot(column)
	if i := slices.Index(p.hashed, slot); i >= 0 {
		return i
	}
	p.hashed = append(p.hashed, slot)
	return len(p.hashed) - 1
}

// check holds what pragma.c of SQLite holds of types and NULLs.
func (p *rowPlan) check(slot int, strict bool, c *schema.Column) {
	k := valueCheck{slot: slot, allowed: isAny, column: c}
	switch {
	case strict:
		k.allowed = map[schema.Strict]classes{schema.StrictAny: isAny, schema.StrictBlob: isNull | isBlob,
			schema.StrictInteger: isNull | isInteger, schema.StrictReal: isNull | isInteger | isReal, schema.StrictText: isNull | isText}[c.Strict]
	case c.Affinity == schema.Text:
		k.allowed = isNull | isText | isBlob
	case c.Affinity >= schema.Numeric:
		k.numeric = true
	}
	if c.NotNull {
		k.allowed &^= isNull
	}
	if k.allowed != isAny || k.numeric {
		p.checks = append(p.checks, k)
	}
}

func (v *verifier) planMissing(t *schema.Table, p *rowPlan) {
	p.unknown, p.missing = -1, make([]missingValue, 0, len(t.Stored))
	for slot, c := range t.Stored {
		d := t.Columns[c].Default
		m := missingValue{class: isNull, hash: v.keys.value(page.SerialNull, nil), value: d}
		if t.Columns[c].Generated == schema.Stored || d.Known == schema.DefaultUnknown {
			p.unknown = slot
		}
		switch d.Class {
		case schema.ClassInteger:
			m.class, m.hash = isInteger, hash{uint64(d.Int), v.keys.whole}
		case schema.ClassReal:
			m.class, m.hash = isReal, v.keys.float(d.Real)
		case schema.ClassText:
			m.text = v.g.Encoding.AppendFrom(nil, d.Bytes)
			m.class, m.hash = isText, v.keys.bytes(m.text, v.keys.text)
		case schema.ClassBlob:
			m.text = []byte(d.Bytes)
			m.class, m.hash = isBlob, v.keys.bytes(m.text, v.keys.blob)
		}
		p.missing = append(p.missing, m)
	}
}

// planDigest lays out what SELECT rowid, * would give: stored columns in the order of
// their declaration, the rowid first unless columns take all three of its names.
func (p *rowPlan) planDigest(t *schema.Table) {
	names := map[string]bool{}
	for _, c := range t.Columns {
		names[strings.ToLower(c.Name)] = true
	}
	p.digest = []digested{}
	if !t.WithoutRowid && !(names["rowid"] && names["_rowid_"] && names["oid"]) {
		p.digest = append(p.digest, digested{slot: digestRowid})
	}
	for i := range t.Columns {
		switch {
		case t.Columns[i].Generated == schema.Virtual:
		case i == t.RowidColumn:
			p.digest = append(p.digest, digested{slot: len(t.Stored)})
		default:
			p.digest = append(p.digest, digested{slot: t.Slot(i), float: t.Columns[i].Affinity == schema.Real})
		}
	}
}
