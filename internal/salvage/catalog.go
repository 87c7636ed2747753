package salvage

import (
	"strings"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// entry is a row of sqlite_schema (https://sqlite.org/schematab.html).
type entry struct {
	rowid int64
	Object
	root  uint32
	doubt string
}

// readSchema finds tables and indexes: in the tree of sqlite_schema, on pages that are
// lost from it, and in the backup.
func (r *rescue) readSchema() error {
	gaps, err := r.chart(r.schema, 1, everything())
	if err != nil {
		return err
	}
	r.schema.gaps = gaps
	if len(gaps) > 0 {
		if err := r.looseSchema(); err != nil {
			return err
		}
	}
	entries, err := r.entries()
	if err != nil {
		return err
	}
	r.catalog = r.withBase(entries, len(gaps) > 0)
	r.mendStatements(r.catalog)
	r.tabulate(r.catalog)
	return nil
}

// entries reads the rows of sqlite_schema. Of two with one name the first stands.
func (r *rescue) entries() ([]entry, error) {
	var list []entry
	seen := map[string]bool{}
	take := func(f *found) error {
		e, ok := r.entryOf(f.values)
		if !ok {
			return nil
		}
		key := e.Type + "\x00" + schema.Fold(e.Name)
		if e.Type == "table" || e.Type == "view" {
			key = "\x00" + schema.Fold(e.Name)
		}
		if seen[key] {
			return nil
		}
		seen[key] = true
		e.rowid, e.doubt = f.rowid, f.what
		list = append(list, e)
		return nil
	}
	if err := r.rows(r.schema, take); err != nil {
		return nil, err
	}
	had := len(list)
	if err := r.olderRows(r.schema, take); err != nil {
		return nil, err
	}
	if len(list) > had && r.vitals.headerGone {
		r.olderVitals()
	}
	if len(list) > had {
		r.note("the schema is damaged; what it lacks was taken from an older image of its pages in the write-ahead log")
	}
	return list, nil
}

// entryOf reads a row of sqlite_schema.
func (r *rescue) entryOf(values []Value) (entry, bool) {
	var e entry
	if len(values) != 5 || values[0].Class != classText || values[1].Class != classText || values[2].Class != classText {
		return e, false
	}
	text := func(v Value) string { return string(r.g.Encoding.AppendUTF8(nil, v.Bytes)) }
	e.Type, e.Name, e.Table = text(values[0]), text(values[1]), text(values[2])
	switch e.Type {
	case "table", "index":
		if values[3].Class != schema.ClassInteger || values[3].Int < 0 || values[3].Int > 1<<32-2 {
			values[3].Int = 0
		}
		e.root = uint32(values[3].Int)
	case "view", "trigger":
	default:
		return e, false
	}
	switch values[4].Class {
	case classText:
		e.SQL = text(values[4])
	case classNull:
		return e, e.Type == "index"
	default:
		return e, false
	}
	return e, true
}

// schemaLike tells whether all rows of a leaf page are rows of sqlite_schema, each with
// a CREATE statement that begins as it should.
func (r *rescue) schemaLike(d *page.Node) bool {
	for i := range d.Cells {
		var c page.Cell
		if d.Cell(i, &c) != nil {
			return false
		}
		values, err := r.head(d, &c)
		if err != nil {
			return false
		}
		if e, ok := r.entryOf(values); !ok || e.SQL != "" && !strings.HasPrefix(strings.ToUpper(e.SQL), "CREATE") {
			return false
		}
	}
	return d.Cells > 0
}

// looseSchema looks at every page for rows of sqlite_schema that its tree has lost.
func (r *rescue) looseSchema() error {
	if err := r.begin(StageLook, int64(r.g.Count)); err != nil {
		return err
	}
	b := make([]byte, r.g.PageSize)
	for n := uint32(2); n <= r.g.Count; n++ {
		if err := r.tick(); err != nil {
			return err
		}
		var d page.Node
		if !r.free(n) || !r.read(n, b) || d.Parse(&r.g, n, b) != nil || d.Kind != page.TableLeaf {
			continue
		}
		if !r.sound(&d, everything()) || !r.schemaLike(&d) {
			continue
		}
		first, _ := keyOf(&d, 0)
		last, _ := keyOf(&d, d.Cells-1)
		r.adopt(r.schema, filler{span: span{first, last}, page: n})
	}
	return nil
}

// adopt gives a page to the gap of a table that its keys lie in, if there is one and no
// other page was there first.
func (r *rescue) adopt(t *table, f filler) bool {
	into := t.room(f.span)
	if into == nil {
		return false
	}
	more, err := r.chart(t, f.page, f.span)
	if err != nil || r.marks.owner(f.page) != t.owner {
		return false
	}
	t.fill(into, f, more)
	return true
}

// tabulate makes tables and indexes of the schema.
func (r *rescue) tabulate(entries []entry) {
	byName := map[string]*table{}
	for _, e := range entries {
		if e.Type != "table" {
			continue
		}
		if e.root == 0 && virtual(e.SQL) {
			r.objects = append(r.objects, e.Object)
			continue
		}
		t := r.tableOf(e)
		if t == nil {
			r.note("the definition of table " + e.Name + " cannot be read; its rows are in lost_and_found")
			continue
		}
		t.owner = r.newOwner()
		byName[schema.Fold(e.Name)] = t
		r.tables = append(r.tables, t)
	}
	for _, e := range entries {
		switch {
		case e.Type == "index":
			r.indexOf(e, byName[schema.Fold(e.Table)])
		case e.Type != "table":
			r.objects = append(r.objects, e.Object)
		}
	}
}

// virtual tells whether a statement makes a virtual table.
func virtual(sql string) bool {
	words := strings.Fields(sql)
	return len(words) > 1 && strings.EqualFold(words[0], "create") && strings.EqualFold(words[1], "virtual")
}

func (r *rescue) tableOf(e entry) *table {
	def, err := schema.ParseTable(e.SQL)
	if err != nil {
		return nil
	}
	t := &table{name: e.Name, sql: e.SQL, def: def, root: e.root}
	t.tally.Name = e.Name
	return t
}

func (r *rescue) indexOf(e entry, t *table) {
	if t == nil {
		return
	}
	x := &index{name: e.Name, root: e.root, owner: r.newOwner()}
	t.indexes = append(t.indexes, x)
	if e.SQL == "" {
		for _, implied := range t.def.Implied {
			if schema.Fold(implied.Name) == schema.Fold(e.Name) {
				x.def = implied
			}
		}
		return
	}
	r.objects = append(r.objects, e.Object)
	if declared, err := schema.ParseIndex(e.SQL); err == nil {
		x.def, _ = declared.Bind(t.def)
	}
}
