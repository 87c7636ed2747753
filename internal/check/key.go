package check

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/officer-doofy/officer/internal/page"
)

// key is one entry of an index b-tree.
type key struct {
	f     fields
	body  []byte // whole, or the header alone while long holds the rest
	long  *long
	total int
	page  uint32
}

// lowest gives the key from above that all keys of a part are greater than.
func (w *worker) lowest(lo limit) *key {
	if !lo.given || w.tree.order == nil {
		return nil
	}
	return w.fromAbove(lo)
}

// highest compares the last key of a part with the one from above that it is less than.
func (w *worker) highest(hi limit, prev *key) {
	if !hi.given || prev == nil || w.tree.order == nil || w.err != nil {
		return
	}
	if k := w.fromAbove(hi); k != nil {
		w.compare(prev, k)
	}
}

// fromAbove reads a key on a page that has been checked before. What is wrong with it
// has been reported then.
func (w *worker) fromAbove(at limit) *key {
	if w.above == nil {
		w.above = make([]byte, w.g.PageSize)
	}
	var d page.Node
	if w.v.db.Pages.ReadPage(at.page, w.above) != nil || d.Parse(w.g, at.page, w.above) != nil || at.cell >= d.Cells || d.Cell(at.cell, &w.cell) != nil {
		return nil
	}
	// The findings about its chain have been taken, too.
	held, tally := w.findings, *w.tally
	k := w.load(&d, &w.cell, false)
	w.findings, *w.tally = held, tally
	if k != nil && k.long == nil { // w.above is needed again before this key is done with
		k.body = append([]byte(nil), k.body...)
	}
	return k
}

// separator takes an entry that stands on an interior page.
func (w *worker) separator(f *frame, i int, prev *key) *key {
	if !w.tree.keyed || f.node.Cell(i, &w.cell) != nil {
		return nil
	}
	return w.entry(&f.node, &w.cell, prev)
}

// load reads an entry; nil if it is broken.
func (w *worker) load(d *page.Node, c *page.Cell, take bool) *key {
	body, l, ok := w.payload(d, c, take)
	if !ok {
		return nil
	}
	if l != nil {
		if body, ok = w.headOf(l, c.Total); !ok {
			return nil
		}
	}
	k := &w.keys[w.flip]
	w.flip ^= 1
	if err := k.f.parse(body, c.Total); err != nil {
		w.about(kindContent, d.Page, 0, "the entry's "+err.Error())
		return nil
	}
	k.body, k.long, k.total, k.page = body, l, c.Total, d.Page
	return k
}

// entry checks one entry of an index, or one row of a WITHOUT ROWID table, and gives it
// back to be the one before the next.
func (w *worker) entry(d *page.Node, c *page.Cell, prev *key) *key {
	w.tally.rows++
	if w.tree.light {
		w.glance(d, c)
		return nil
	}
	k := w.load(d, c, true)
	if k == nil || w.tree.blind {
		return nil
	}
	columns := len(w.tree.index.Entry)
	if w.tree.table != nil { // a row, which may be shorter than its table
		if k.f.n < len(w.tree.order) {
			w.about(kindContent, d.Page, 0, fmt.Sprintf("a row has %d values, fewer than its primary key", k.f.n))
			return nil
		}
		w.values(d.Page, 0, &k.f, k.body, k.long)
	} else {
		if k.f.n != columns {
			w.about(kindIndex, d.Page, 0, fmt.Sprintf("an entry has %d values, not %d", k.f.n, columns))
			return nil
		}
		if !w.tree.parent.keyed && classOf(k.f.serial[columns-1]) != isInteger {
			w.about(kindIndex, d.Page, 0, "an entry does not end in a rowid")
			return nil
		}
		w.hashEntry(k)
	}
	if prev != nil && w.tree.order != nil {
		w.compare(prev, k)
	}
	return k
}

// hashEntry adds what an index holds, in the same form as hashRow.
func (w *worker) hashEntry(k *key) {
	h := hash{}
	for i := range k.f.n {
		var v hash
		if k.long == nil {
			v = w.k.value(k.f.serial[i], k.f.value(k.body, i))
		} else {
			v = w.hashLong(&k.f, i, k.long)
		}
		h = w.k.take(h, v.a, v.b)
	}
	w.tally.entries.add(h)
	if w.trace != nil {
		rowid, _ := k.f.integer(k.body, k.f.n-1)
		w.trace.entry(h, rowid, k.page)
	}
}

// compare holds that b comes after a, and that a UNIQUE index does not have both.
func (w *worker) compare(a, b *key) {
	order := w.tree.order
	distinct := false // a NULL makes entries of a UNIQUE index different
	for i := range order {
		c, sure := w.compareColumn(a, b, i, order[i].collation)
		if !sure {
			w.unordered(i)
			return
		}
		if c != 0 {
			if c > 0 != order[i].desc {
				w.about(kindOrder, b.page, 0, w.orderDetail())
			}
			return
		}
		distinct = distinct || order[i].nullable && rank(a.f.serial[i], w.small(&a.f, i, a.body, a.long)) == rankNull
		if i+1 == len(w.tree.index.Parts) && w.tree.index.Unique && !w.tree.index.Primary && !distinct {
			w.about(kindUnique, b.page, 0, "non-unique entry in index "+w.tree.name)
			return
		}
	}
	w.about(kindOrder, b.page, 0, w.orderDetail())
}

func (w *worker) orderDetail() string {
	if w.tree.table != nil {
		return "row not in PRIMARY KEY order for " + w.tree.name
	}
	return "entry out of order in index " + w.tree.name
}

func (w *worker) compareColumn(a, b *key, i int, c collation) (int, bool) {
	t1, t2 := a.f.serial[i], b.f.serial[i]
	if a.long == nil && b.long == nil {
		switch {
		case t1 >= page.SerialBlob && t2 >= page.SerialBlob && c == bytewise:
			if t1&1 == t2&1 {
				return bytes.Compare(a.f.value(a.body, i), b.f.value(b.body, i)), true
			}
		case t1|t2 < 8 && t1-1 < 6 && t2-1 < 6:
			return cmp.Compare(page.Int(t1, a.f.value(a.body, i)), page.Int(t2, b.f.value(b.body, i))), true
		}
		return compareValues(c, w.g.Encoding, &w.text, t1, a.f.value(a.body, i), t2, b.f.value(b.body, i))
	}
	if t1 < page.SerialBlob || t2 < page.SerialBlob || t1&1 != t2&1 { // short, or told apart by class
		return compareValues(c, w.g.Encoding, &w.text, t1, w.small(&a.f, i, a.body, a.long), t2, w.small(&b.f, i, b.body, b.long))
	}
	return w.compareLong(a, b, i, c)
}

// compareLong compares texts or blobs of which one at least is in a record that is too
// long to be put together, piece by piece.
func (w *worker) compareLong(a, b *key, i int, c collation) (int, bool) {
	n1, n2 := a.f.at[i+1]-a.f.at[i], b.f.at[i+1]-b.f.at[i]
	chunk := longChunk
	if n1 <= longChunk && n2 <= longChunk {
		chunk = max(n1, n2)
	} else if c != bytewise && a.f.serial[i]&1 != 0 {
		c = foreign // equal bytes are equal under any
	}
	x, y := make([]byte, chunk), make([]byte, chunk)
	for at := 0; at < max(n1, n2, 1); at += longChunk {
		p, q := x[:max(0, min(chunk, n1-at))], y[:max(0, min(chunk, n2-at))]
		if !w.pieceOf(a, i, at, p) || !w.pieceOf(b, i, at, q) {
			return 0, true // the error stops everything
		}
		order, sure := compareValues(c, w.g.Encoding, &w.text, a.f.serial[i], p, b.f.serial[i], q)
		if order != 0 || !sure {
			return order, sure
		}
	}
	return 0, true
}

func (w *worker) pieceOf(k *key, i, at int, into []byte) bool {
	if k.long != nil {
		return w.readLong(k.long, k.f.at[i]+at, into)
	}
	copy(into, k.body[k.f.at[i]+at:])
	return true
}

// unordered says once that the entries of a tree cannot be compared in a column.
func (w *worker) unordered(i int) {
	if w.tally.unordered {
		return
	}
	w.tally.unordered = true
	detail := "its entries are too long to be compared under their collation"
	if w.tree.order[i].collation == foreign {
		detail = "no such collation sequence: " + w.tree.index.Entry[i].Collation
	}
	w.unjudged = append(w.unjudged, Finding{Kind: kindModule, Object: w.tree.name, Detail: detail})
}
