package check

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// schemaTableSQL is the schema table as if it had been created
// (https://sqlite.org/fileformat2.html#storage_of_the_sql_database_schema).
const schemaTableSQL = `CREATE TABLE sqlite_schema(type text, name text, tbl_name text, rootpage int, sql text)`

// Bounds of what a schema may take.
const (
	schemaMaxBytes = 24 << 20
	schemaMaxRows  = 1 << 18
)

// object is a row of sqlite_schema.
type object struct {
	kind, name, table string
	root              int64
	sql               string
	bare              bool // sql is NULL
}

// readSchema walks page 1's b-tree for the schema alone, ahead of everything else. What
// is wrong with the walk will be found again when it is its turn.
func (v *verifier) readSchema() error {
	table, err := schema.ParseTable(schemaTableSQL)
	if err != nil {
		return err
	}
	first := &tree{name: "sqlite_schema", root: 1, table: table}
	v.trees = append(v.trees, first)
	if v.g.Count == 0 {
		return nil
	}
	scout := newWorker(v)
	var rows schemaRows
	first.each = rows.take
	scout.split(first)
	units := v.units
	v.units = nil
	for i := range units {
		scout.unit(&units[i])
	}
	first.each = nil
	if scout.err != nil {
		return scout.err
	}
	v.compiled, v.whole, v.names = true, !rows.beyond, map[string]bool{}
	v.wholly, v.implied = map[string]bool{}, map[*schema.Index]bool{}
	if rows.beyond {
		v.unjudged = append(v.unjudged, Finding{Kind: kindModule, Object: first.name, Detail: "the schema is larger than is read here"})
		v.compiled = false
	}
	v.found.list = append(v.found.list, rows.odd...)
	if v.o.Digest {
		v.schema = schemaOf(&rows, &v.db.Header)
	}
	v.build(rows.list)
	v.planRows(first)
	return nil
}

// schemaRows gathers the rows of sqlite_schema.
type schemaRows struct {
	list   []object
	odd    []Finding
	bytes  int
	beyond bool
}

func (s *schemaRows) take(w *worker, row *record) {
	f, body, rowid := row.f, row.body, row.rowid
	s.bytes += len(body)
	if s.bytes > schemaMaxBytes || len(s.list) == schemaMaxRows {
		s.beyond = true
		return
	}
	var o object
	var ok [4]bool
	o.kind, ok[0] = f.text(w.g.Encoding, body, 0)
	o.name, ok[1] = f.text(w.g.Encoding, body, 1)
	o.table, ok[2] = f.text(w.g.Encoding, body, 2)
	o.root, ok[3] = f.integer(body, 3)
	if !ok[3] && f.n > 3 && classOf(f.serial[3]) == isNull {
		ok[3] = o.kind == "view" || o.kind == "trigger" || o.kind == "table" // of which virtual ones have no page
	}
	var text bool
	if o.sql, text = f.text(w.g.Encoding, body, 4); !text {
		o.bare = f.n > 4 && classOf(f.serial[4]) == isNull
	}
	if !ok[0] || !ok[1] || !ok[2] || !ok[3] || !text && !o.bare {
		s.odd = append(s.odd, Finding{Kind: kindSchema, Object: "sqlite_schema", Rowid: rowid, HasRowid: true, Detail: "a row of the schema is not what describes an object"})
		return
	}
	s.list = append(s.list, o)
}

// build makes trees of what has a root page. Indexes come after all tables.
func (v *verifier) build(list []object) {
	tables := map[string]*tree{}
	names := map[string]bool{}
	for _, o := range list {
		if key := o.kind + " " + schema.Fold(o.name); o.kind != "table" && o.kind != "view" && names[key] {
			v.odd(o, "there is another "+o.kind+" of this name")
		} else {
			names[key] = true
		}
		v.names[schema.Fold(o.name)] = v.names[schema.Fold(o.name)] || o.kind == "table" || o.kind == "view"
		switch o.kind {
		case "table":
			v.buildTable(o, tables)
		case "index":
		case "view", "trigger":
			v.compiled = false
			if o.root != 0 {
				v.odd(o, "a "+o.kind+" has no root page")
			}
		default:
			v.odd(o, "there are tables, indexes, views and triggers, nothing else")
		}
	}
	for _, o := range list {
		if o.kind == "index" {
			v.compiled = v.compiled && !v.names[schema.Fold(o.name)] // which SQLite allows in one order of the two only
			v.buildIndex(o, tables)
		}
	}
	for _, tr := range v.trees[1:] {
		if tr.table != nil {
			v.finishTable(tr)
		}
	}
	slices.SortFunc(v.tables, func(a, b *tree) int { return cmp.Compare(a.name, b.name) })
	v.checkRoots()
}

// odd is a row of the schema that SQLite does not write.
func (v *verifier) odd(o object, detail string) {
	v.found.add(Finding{Kind: kindSchema, Object: o.name, Detail: detail})
}

// plant adds a tree.
func (v *verifier) plant(o object) *tree {
	tr := &tree{number: len(v.trees), name: o.name, blind: true}
	if o.root < 1 || o.root > int64(v.g.Count) {
		v.odd(o, fmt.Sprintf("its root page is %d, which is no page of the file", o.root))
		return nil
	}
	tr.root = uint32(o.root)
	v.trees = append(v.trees, tr)
	return tr
}

func (v *verifier) buildTable(o object, tables map[string]*tree) {
	if isVirtual(o.sql) {
		v.compiled = false
		v.question(ask{table: o.name, why: "a module table is checked by its module", how: Full})
		if o.root != 0 {
			v.odd(o, "a module table has no root page")
		}
		return
	}
	tr := v.plant(o)
	if tr == nil {
		return
	}
	t, err := schema.ParseTable(o.sql)
	if err != nil {
		// Not to know whether it is WITHOUT ROWID is not to know the type of its pages.
		tr.keyed = v.guessKeyed(tr.root)
		v.notUnderstood(o, err)
		return
	}
	if t.Name != o.name || o.table != o.name || tables[schema.Fold(o.name)] != nil {
		v.odd(o, "its names in the schema differ, or are taken")
		return
	}
	tr.table, tr.blind, tr.keyed = t, false, t.WithoutRowid
	tables[schema.Fold(o.name)] = tr
	if o.name == sequenceTable {
		v.sequences(tr)
	}
	v.compiled = v.compiled && !t.Uncompiled
	if t.WithoutRowid {
		tr.index = t.Primary()
		tr.order = v.orderOf(t, tr.index.Parts)
	}
	for _, why := range t.Opaque {
		v.question(ask{table: o.name, why: why, how: Quick})
	}
}

// isVirtual tells whether a table is a module's.
func isVirtual(sql string) bool {
	word := strings.Fields(sql[:min(len(sql), 64)])
	return len(word) > 1 && strings.EqualFold(word[0], "create") && strings.EqualFold(word[1], "virtual")
}

func (v *verifier) notUnderstood(o object, err error) {
	v.compiled = false
	why := err.Error()
	var u *schema.UnusualError
	if errors.As(err, &u) {
		why = fmt.Sprintf("its declaration is not understood here: %.40q", u.What)
	}
	table := o.table
	if o.kind == "table" {
		table = o.name
	}
	v.question(ask{table: table, why: why, how: Full})
}

// guessKeyed looks what a tree is whose declaration says nothing.
func (v *verifier) guessKeyed(root uint32) bool {
	b := make([]byte, v.g.PageSize)
	var d page.Node
	return v.db.Pages.ReadPage(root, b) == nil && d.Parse(&v.g, root, b) == nil && !d.Kind.Table()
}

func (v *verifier) buildIndex(o object, tables map[string]*tree) {
	tr := v.plant(o)
	if tr == nil {
		return
	}
	tr.keyed = true
	parent := tables[schema.Fold(o.table)]
	if parent == nil {
		if !v.wholly[schema.Fold(o.table)] {
			v.odd(o, "there is no table "+o.table)
		}
		return
	}
	x, err := v.indexOf(o, parent.table)
	if err != nil {
		v.notUnderstood(o, err)
		return
	}
	if x == nil {
		v.odd(o, "no constraint of its table implies it")
		return
	}
	tr.parent, tr.index, tr.blind = parent, x, false
	v.implied[x] = true
	if x.Opaque != "" {
		v.compiled = false
		v.question(ask{table: parent.name, why: "index " + x.Name + " is on " + x.Opaque, how: Full})
	}
	if x.Where != "" {
		v.partial = append(v.partial, tr)
	}
	if !slices.ContainsFunc(x.Entry, func(p schema.Part) bool { return p.Collation == schema.Undetermined }) {
		tr.order = v.orderOf(parent.table, x.Entry)
	}
	if x.Opaque == "" {
		parent.indexes = append(parent.indexes, tr)
	}
}

// indexOf finds what an index is on: from its statement, or from the constraint that
// implies it.
func (v *verifier) indexOf(o object, t *schema.Table) (*schema.Index, error) {
	if o.bare {
		for _, x := range t.Implied {
			if schema.Fold(x.Name) == schema.Fold(o.name) && !x.Primary {
				return x, nil
			}
		}
		return nil, nil
	}
	d, err := schema.ParseIndex(o.sql)
	if err != nil {
		return nil, err
	}
	if d.Name != o.name || schema.Fold(d.Table) != schema.Fold(o.table) {
		return nil, nil
	}
	return d.Bind(t)
}

// finishTable plans what is done with its rows, and holds that the indexes of its
// constraints are there.
func (v *verifier) finishTable(tr *tree) {
	for _, x := range tr.table.Implied {
		if x.Primary {
			continue
		}
		if !v.implied[x] {
			v.found.add(Finding{Kind: kindSchema, Object: tr.name, Detail: "its constraint's index " + x.Name + " is not in the schema"})
		}
	}
	v.planRows(tr)
	v.tables = append(v.tables, tr)
}

// checkRoots holds what the header says of the root pages.
func (v *verifier) checkRoots() {
	most := uint32(0)
	for _, tr := range v.trees {
		most = max(most, tr.root)
	}
	if h := v.db.Header; h.LargestRoot != 0 && h.LargestRoot != most {
		err := &page.Error{Rule: page.RootMax, Page: 1, Offset: 52, Got: int64(h.LargestRoot)}
		v.found.add(Finding{Kind: kindHeader, Page: 1, Detail: err.Error()})
	}
}
