package check

import (
	"fmt"

	"github.com/officer-doofy/officer/internal/page"
)

// leaf checks a leaf page with all that it holds. In an index prev is the entry before
// its first, nil = none, and the last entry is given back.
func (w *worker) leaf(f *frame, prev *key) *key {
	d, c, sound := &f.node, &w.cell, true
	w.cover.Reset(w.g)
	lo := f.lo
	for i := range d.Cells {
		if err := d.Cell(i, c); err != nil {
			w.broken(err)
			sound, prev = false, nil
			continue
		}
		if !w.cover.Take(c.Offset, c.Size) {
			w.breaks(page.NodeOverlap, d.Page, int64(c.Offset))
			sound = false
		}
		if w.tree.keyed {
			prev = w.entry(d, c, prev)
			continue
		}
		if lo.given && c.Rowid <= lo.rowid || f.hi.given && c.Rowid > f.hi.rowid {
			w.outOfOrder(d.Page, c.Rowid)
		}
		lo.given, lo.rowid = true, c.Rowid
		w.rowOf(d, c)
	}
	if sound {
		if err := d.Freeblocks(&w.cover); err != nil {
			w.broken(err)
		}
	}
	if w.tree.keyed || d.Cells == 0 {
		return prev
	}
	if t := w.tally; lo.rowid > t.maxRowid || t.rows == uint64(d.Cells) {
		t.maxRowid = lo.rowid
	}
	return nil
}

// about is a finding about a row.
func (w *worker) about(kind string, n uint32, rowid int64, detail string) {
	w.find(Finding{Kind: kind, Page: int64(n), Rowid: rowid, HasRowid: !w.tree.keyed, Detail: detail})
}

// rowOf checks one row of a rowid table.
func (w *worker) rowOf(d *page.Node, c *page.Cell) {
	w.tally.rows++
	rowid, total := c.Rowid, c.Total
	if w.tree.light {
		if w.tree.each != nil {
			w.glance(d, c)
		} else if !w.ids.full {
			w.ids.add(rowid)
		}
		return
	}
	body, l, ok := w.payload(d, c, true)
	if !ok {
		return
	}
	if l != nil {
		if body, ok = w.headOf(l, total); !ok {
			return
		}
	}
	if err := w.row.parse(body, total); err != nil {
		w.about(kindContent, d.Page, rowid, "the row's "+err.Error())
		return
	}
	if w.tree.each != nil && l == nil {
		w.show(record{d, c, rowid, &w.row, body})
	}
	if w.tree.plan != nil {
		w.values(d.Page, rowid, &w.row, body, l)
	}
}

// glance reads what is on the page of a row, and more only for its header.
func (w *worker) glance(d *page.Node, c *page.Cell) {
	body := d.Payload(c)
	if c.Local < c.Total && page.RecordHead(body) > c.Local {
		var l *long
		var ok bool
		if body, l, ok = w.payload(d, c, false); ok && l != nil {
			body, ok = w.headOf(l, c.Total)
		}
		if !ok {
			return
		}
	}
	if err := w.row.parse(body, c.Total); err != nil {
		w.about(kindContent, d.Page, c.Rowid, "the row's "+err.Error())
		return
	}
	w.show(record{d, c, c.Rowid, &w.row, body})
}

// show hands a row to whoever wants each; it is his until he returns.
func (w *worker) show(r record) {
	w.shown = r
	w.tree.each(w, &w.shown)
}

// headOf reads the header of a record that is too long to be put together.
func (w *worker) headOf(l *long, total int) ([]byte, bool) {
	head := page.RecordHead(l.local)
	if head <= len(l.local) || head > total {
		return l.local, true // parse says what is wrong with it
	}
	b := make([]byte, head)
	return b, w.readLong(l, 0, b)
}

// values checks, hashes and digests the values of a row. body holds all of them, or
// only the header while l holds the rest.
func (w *worker) values(n uint32, rowid int64, f *fields, body []byte, l *long) {
	p := w.tree.plan
	if f.n <= p.unknown {
		w.unsure(fmt.Sprintf("a row lacks the value of column %s, whose default is an expression", w.tree.table.Columns[w.tree.table.Stored[p.unknown]].Name))
		return
	}
	for i := range p.checks {
		k := &p.checks[i]
		if k.slot >= f.n {
			if m := &p.missing[k.slot]; m.class&k.allowed == 0 || k.numeric && m.class == isText {
				w.wrongValue(n, rowid, k, m.class, m.text)
			}
			continue
		}
		class := classOf(f.serial[k.slot])
		switch {
		case class&k.allowed == 0:
			w.wrongValue(n, rowid, k, class, nil)
		case class == isText && k.numeric || class == isReal && k.allowed&isNull == 0:
			w.wrongValue(n, rowid, k, class, w.small(f, k.slot, body, l))
		}
	}
	if len(p.indexes) > 0 {
		w.hashRow(n, rowid, f, body, l)
	}
	if p.digest != nil {
		w.digestRow(rowid, f, body, l)
	}
}

// unsure says once that the rows of a table could not all be judged.
func (w *worker) unsure(why string) {
	if !w.tally.unsure {
		w.tally.unsure = true
		w.unjudged = append(w.unjudged, Finding{Kind: kindModule, Object: w.tree.name, Detail: why})
	}
}

// numericMax is the longest text that is read to see whether it looks like a number.
const numericMax = 64 << 10

// small gives the bytes of a value, or as many as can matter.
func (w *worker) small(f *fields, i int, body []byte, l *long) []byte {
	if l == nil {
		return f.value(body, i)
	}
	b := make([]byte, min(f.at[i+1]-f.at[i], numericMax))
	if !w.readLong(l, f.at[i], b) {
		return nil
	}
	return b
}

// wrongValue reports a value that its column must not have, after a last look.
func (w *worker) wrongValue(n uint32, rowid int64, k *valueCheck, class classes, b []byte) {
	name := w.tree.name + "." + k.column.Name
	switch {
	case class == isNull:
		w.about(kindNotNull, n, rowid, "NULL value in "+name)
	case class&k.allowed != 0 && class == isReal:
		if len(b) == 8 && rank(page.SerialFloat, b) == rankNull {
			w.about(kindNotNull, n, rowid, "NULL value in "+name)
		}
	case class&k.allowed != 0:
		if w.looksNumeric(b) {
			w.about(kindType, n, rowid, "TEXT value in "+name)
		}
	case k.column.Strict != 0:
		w.about(kindType, n, rowid, "non-"+k.column.Type+" value in "+name)
	default:
		w.about(kindType, n, rowid, "NUMERIC value in "+name)
	}
}
