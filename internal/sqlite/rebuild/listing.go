package rebuild

import (
	"errors"

	"github.com/officer-doofy/officer/internal/bulk"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

// listing is an index that is written by pages.
type listing struct {
	name     string
	declared bool // by CREATE INDEX, else by a constraint
	unique   bool
	parts    []column
	distinct int          // parts that must not be twice
	root     uint32       // 0 = it gets one
	sorter   *bulk.Sorter // nil = SQLite makes the index
}

// column is one column of an index.
type column struct {
	slot      int // place in the record, rowidSlot = the rowid
	collation string
	desc      bool
}

const rowidSlot = -1

// listingOf tells how an index is written, nil if only SQLite knows its entries or their order.
func listingOf(def *schema.Table, x *schema.Index) *listing {
	if x.Opaque != "" {
		return nil
	}
	l := &listing{name: x.Name, unique: x.Unique, distinct: len(x.Parts)}
	parts := x.Entry
	if x.Primary {
		parts = x.Parts // the rest of the row follows
	}
	for _, part := range parts {
		p := column{slot: rowidSlot, collation: part.Collation, desc: part.Desc}
		if part.Column != schema.Rowid && part.Column != def.RowidColumn {
			if part.Column < 0 {
				return nil
			}
			if p.slot = def.Slot(part.Column); p.slot < 0 {
				return nil
			}
		}
		if !bulk.Known(part.Collation) {
			return nil
		}
		l.parts = append(l.parts, p)
	}
	return l
}

// keyOf adds the parts of a row to a key, and gives the length of what must be distinct, 0
// if nothing must: a NULL is never twice.
func (l *listing) keyOf(k *bulk.Key, rowid int64, values []salvage.Value) (distinct int) {
	null := !l.unique
	for i, p := range l.parts {
		if p.slot == rowidSlot {
			k.Int(rowid, p.desc)
		} else {
			v := &values[p.slot]
			null = null || v.Class == schema.ClassNull && i < l.distinct
			part(k, v, p)
		}
		if i+1 == l.distinct {
			distinct = len(k.Bytes())
		}
	}
	if null {
		return 0
	}
	return distinct
}

func part(k *bulk.Key, v *salvage.Value, p column) {
	switch v.Class {
	case schema.ClassNull:
		k.Null(p.desc)
	case schema.ClassInteger:
		k.Int(v.Int, p.desc)
	case schema.ClassReal:
		k.Real(v.Real, p.desc)
	case schema.ClassText:
		k.Text(v.Bytes, p.collation, p.desc)
	default:
		k.Blob(v.Bytes, p.desc)
	}
}

// add adds the entry of a row.
func (l *listing) add(n *native, rowid int64, values []salvage.Value) error {
	n.key.Reset()
	distinct := l.keyOf(&n.key, rowid, values)
	n.record.Reset()
	for _, p := range l.parts {
		if p.slot == rowidSlot {
			n.record.Int(rowid)
		} else {
			add(&n.record, &values[p.slot])
		}
	}
	return l.sorter.Add(n.key.Bytes(), n.record.Bytes(), distinct)
}

// ticks is how many entries are written between two looks at whether to stop.
const ticks = 1 << 14

// errTwice ends the writing of an index.
var errTwice = errors.New("something is twice in an index that must not be")

// build writes the index, in the turn of who writes pages. whole is false if something is
// twice that must not be: then nothing is written.
func (l *listing) build(n *native) (whole bool, err error) {
	mark := n.out.Mark()
	out := bulk.NewIndex(n.out, l.root)
	found := false
	entries := 0
	err = l.sorter.Each(func(payload []byte, twice bool) error {
		if entries++; entries%ticks == 0 && n.d.ctx.Err() != nil {
			return n.d.ctx.Err()
		}
		if found = twice; found {
			return errTwice
		}
		return out.Entry(payload)
	})
	l.sorter = nil
	if found {
		return false, n.out.Rewind(mark)
	}
	if err != nil {
		return false, err
	}
	l.root, err = out.Finish()
	return true, err
}
