package check

import "github.com/officer-doofy/officer/internal/schema"

// foreignKey is the key of a row on either side.
type foreignKey struct {
	hash  uint64
	id    int64 // with whole
	whole bool  // its last value is a whole number
	null  bool
	doubt string // why it cannot be compared here
}

// keyOf gives the key of a row on either side, as the parent's column would compare it. A
// child whose value the parent's affinity would change is SQLite's to compare.
func (w *worker) keyOf(r *reference, side *tree, row *record, slots []int, parent bool) (k foreignKey) {
	sum := hash{}
	for i, slot := range slots {
		affinity, fold := schema.Blob, bytewise
		if r.parent != nil {
			fold = collationOf(r.parts[i].Collation)
			if !parent {
				affinity = r.parent.table.Columns[r.parts[i].Column].Affinity
			}
		}
		var part hash
		alias := side.table.RowidColumn
		switch {
		case !side.keyed && alias >= 0 && slot == side.table.Slot(alias):
			if part = (hash{uint64(row.rowid), w.k.whole}); affinity == schema.Text {
				return foreignKey{doubt: "a number is compared with text"}
			}
		case slot >= row.f.n:
			m := &side.plan.missing[slot]
			if slot <= side.plan.unknown || m.class&(isText|isBlob) != 0 {
				return foreignKey{doubt: "a row has its key by default"}
			}
			part, k.null = m.hash, k.null || m.class == isNull
		default:
			b, whole := w.valueOf(row, slot)
			if !whole {
				return foreignKey{doubt: "a key is too long to be compared here"}
			}
			class := classOf(row.f.serial[slot])
			k.null = k.null || rank(row.f.serial[slot], b) == rankNull
			switch {
			case affinity == schema.Text && class&(isInteger|isReal) != 0:
				return foreignKey{doubt: "a number is compared with text"}
			case affinity >= schema.Numeric && class == isText && w.looksNumeric(b):
				return foreignKey{doubt: "text is compared with a number"}
			case class == isText:
				b = w.folded(fold, b)
			}
			part = w.k.value(row.f.serial[slot], b)
		}
		sum = w.k.take(sum, part.a, part.b)
		k.id, k.whole = int64(part.a), part.b == w.k.whole
	}
	k.hash = sum.a
	return k
}

// valueOf gives the bytes of a value, from the row's overflow chain if they are there.
func (w *worker) valueOf(row *record, slot int) ([]byte, bool) {
	if row.f.at[slot+1] > len(row.body) {
		body, l, ok := w.payload(row.node, row.cell, false)
		if !ok || l != nil {
			return nil, false
		}
		row.body = body
	}
	return row.f.value(row.body, slot), true
}

// folded gives what is alike under a collation the same bytes.
func (w *worker) folded(c collation, b []byte) []byte {
	if c == bytewise {
		return b
	}
	w.text.a = w.g.Encoding.AppendUTF8(w.text.a[:0], b)
	if c == rTrim {
		n := len(w.text.a)
		for n > 0 && w.text.a[n-1] == ' ' {
			n--
		}
		return w.text.a[:n]
	}
	for i, x := range w.text.a {
		if w.text.a[i] = lower(x); x == 0 { // what follows counts by its length alone
			clear(w.text.a[i:])
			break
		}
	}
	return w.text.a
}
