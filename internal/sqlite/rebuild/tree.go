package rebuild

import (
	"bytes"
	"errors"

	"github.com/officer-doofy/officer/internal/bulk"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

// tree writes a table by pages, as long as its rows come in order; those that come late are
// inserted. Its indexes are sorted beside it.
type tree struct {
	*target
	n       *native
	root    uint32
	out     *bulk.Tree // nil before the first row, and when rows are inserted
	ordered bool       // rows still come in order
	rowid   int64      // of the last row
	last    []byte     // key of the last row of a WITHOUT ROWID table
	primary *listing   // its primary key
	indexes []*listing
	begun   bool
	late    int // rows that were inserted
}

// lateMax is how many rows are inserted in one transaction: what they change of the pages
// that are there already is kept in memory until its end.
const lateMax = 256

// memoryBytes is what all sorters of a table take together.
const memoryBytes = 8 << 20

// treeOf tells how a table is written by pages, nil if only SQLite can say what stands in it.
func (n *native) treeOf(into *target, roots map[string]uint32, declared []salvage.Object) *tree {
	def := into.plan.Def
	root := roots[schema.Fold(into.plan.Name)]
	if into.plan.Name == sequenceTable || len(def.Opaque) > 0 || root < 2 {
		return nil
	}
	stored := map[int]bool{}
	for _, column := range def.Stored {
		if stored[column] || def.Columns[column].Generated != schema.NotGenerated {
			return nil
		}
		stored[column] = true
	}
	t := &tree{target: into, n: n, root: root, ordered: true}
	for _, x := range def.Implied {
		l := listingOf(def, x)
		if l == nil {
			return nil
		}
		if x.Primary {
			t.primary = l
			continue
		}
		if l.root = roots[schema.Fold(x.Name)]; l.root < 2 {
			return nil
		}
		t.indexes = append(t.indexes, l)
	}
	if def.WithoutRowid && t.primary == nil {
		return nil
	}
	for _, o := range declared {
		x, err := schema.ParseIndex(o.SQL)
		if err != nil || schema.Fold(x.Name) != schema.Fold(o.Name) {
			continue
		}
		bound, err := x.Bind(def)
		if err != nil {
			continue
		}
		if l := listingOf(def, bound); l != nil {
			l.declared = true
			t.indexes = append(t.indexes, l)
		}
	}
	return t
}

// row writes a row, or inserts one that comes late.
func (t *tree) row(r *salvage.Row) (salvage.Outcome, error) {
	t.begin()
	values, err := t.settle(r)
	if err != nil {
		return salvage.Refused, err
	}
	if t.ordered {
		outcome, err := t.append(r, values)
		if err != nil || t.ordered {
			return outcome, err
		}
	}
	if err := t.n.d.sqlite(); err != nil {
		return 0, err
	}
	settled := *r
	settled.Values = values
	outcome, err := t.insert(&settled)
	if err != nil {
		return outcome, err
	}
	if t.late++; t.late%lateMax == 0 {
		if err := t.n.d.db.Exec(`COMMIT; BEGIN`); err != nil {
			return 0, err
		}
	}
	return outcome, t.list(r.Rowid, values, true)
}

func (t *tree) begin() {
	if t.begun {
		return
	}
	t.begun = true
	for _, l := range t.indexes {
		l.sorter = bulk.NewSorter(memoryBytes/len(t.indexes), &t.n.spill)
	}
}

// append writes a row behind the last one. When it belongs before that, the tree is ended
// and rows are inserted from now on.
func (t *tree) append(r *salvage.Row, values []salvage.Value) (salvage.Outcome, error) {
	n := t.n
	order := 1 // of the row beside the last one
	if t.plan.Def.WithoutRowid {
		n.key.Reset()
		t.primary.keyOf(&n.key, r.Rowid, values)
		if t.out != nil {
			order = bytes.Compare(n.key.Bytes(), t.last)
		}
	} else if t.out != nil && r.Rowid <= t.rowid {
		order = int(max(r.Rowid-t.rowid, -1))
	}
	switch {
	case order == 0:
		return salvage.Duplicate, nil
	case order < 0:
		t.ordered = false
		return 0, t.end()
	}
	if err := n.turn(); err != nil {
		return 0, err
	}
	n.encode(values)
	var err error
	if t.plan.Def.WithoutRowid {
		if t.out == nil {
			t.out = bulk.NewIndex(n.out, t.root)
		}
		t.last = append(t.last[:0], n.key.Bytes()...)
		err = t.out.Entry(n.record.Bytes())
	} else {
		if t.out == nil {
			t.out = bulk.NewTable(n.out, t.root)
		}
		t.rowid = r.Rowid
		err = t.out.Row(r.Rowid, n.record.Bytes())
	}
	if err != nil {
		return 0, err
	}
	return salvage.Taken, t.list(r.Rowid, values, false)
}

// encode makes a record of values.
func (n *native) encode(values []salvage.Value) {
	n.record.Reset()
	for i := range values {
		add(&n.record, &values[i])
	}
}

func add(r *bulk.Record, v *salvage.Value) {
	switch v.Class {
	case schema.ClassNull:
		r.Null()
	case schema.ClassInteger:
		r.Int(v.Int)
	case schema.ClassReal:
		r.Real(v.Real)
	case schema.ClassText:
		r.Text(v.Bytes)
	default:
		r.Blob(v.Bytes)
	}
}

// list adds a row to the indexes. Those of constraints take what is inserted by
// themselves.
func (t *tree) list(rowid int64, values []salvage.Value, inserted bool) error {
	for _, l := range t.indexes {
		if l.sorter == nil || inserted && !l.declared {
			continue
		}
		err := l.add(t.n, rowid, values)
		switch {
		case err == nil:
		case !errors.Is(err, bulk.ErrLong):
			return err
		case l.declared:
			l.sorter = nil // SQLite makes it
		default:
			return &conflict{t.plan.Name}
		}
	}
	return nil
}

// end writes what is left of the table, and the indexes of its constraints.
func (t *tree) end() error {
	if t.out == nil {
		return nil
	}
	if err := t.n.turn(); err != nil {
		return err
	}
	if _, err := t.out.Finish(); err != nil {
		return err
	}
	if t.plan.Def.Autoincrement {
		t.n.counts = append(t.n.counts, counted{t.plan.Name, t.rowid})
	}
	t.out = nil
	for _, l := range t.indexes {
		if l.declared {
			continue
		}
		whole, err := l.build(t.n)
		if err != nil {
			return err
		}
		if !whole {
			return &conflict{t.plan.Name}
		}
	}
	return nil
}

// finish ends the table. An index in which something is twice that must not be is left to
// SQLite, which says so.
func (t *tree) finish() error {
	if err := t.end(); err != nil {
		return err
	}
	for _, l := range t.indexes {
		if !l.declared || l.sorter == nil {
			continue
		}
		if err := t.n.turn(); err != nil {
			return err
		}
		whole, err := l.build(t.n)
		if err != nil {
			return err
		}
		if whole {
			t.n.built[schema.Fold(l.name)] = l.root
		}
	}
	return nil
}
