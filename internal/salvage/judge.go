package salvage

import (
	"maps"
	"slices"
)

// judge hears what the indexes say of a row. Where one of them proves a value wrong, it
// is put right; where it only contradicts, the row is doubted.
func (r *rescue) judge(t *table, f *found) {
	r.agreed = r.agreed[:0]
	for _, tr := range t.trials {
		if tr.even {
			r.agree(t, tr)
			continue
		}
		entry := tr.entryOf(f.rowid, f.values)
		key, ok := tr.keyIn(entry)
		if !ok {
			continue
		}
		if tr.sums[tr.bucket(key)] == 0 {
			r.agree(t, tr)
			continue
		}
		list, hash := tr.entries[key], hashOf(entry)
		agreed := false
		for _, y := range list {
			y.seen = true
			agreed = agreed || y.hash == hash
		}
		switch {
		case agreed:
			r.agree(t, tr)
		case r.opts.Sound: // it is the index that is wrong
		case len(list) == 1 && !list[0].ordered: // what is out of order is not what was written
		case len(list) == 1 && tr.settles(list[0], entry, r):
			r.correct(tr, f, list[0])
		case len(list) > 0:
			f.doubt = "index " + tr.x.name + " has other values for it"
		case tr.x.whole && !tr.crowded:
			f.doubt = "index " + tr.x.name + " does not know it"
		}
	}
	f.covered = r.allAgreed(t)
}

// settles tells whether the place of an entry in the index proves it right and the row
// wrong: it lies in order, and what the row says would not.
func (tr *trial) settles(y *testimony, entry []Value, r *rescue) bool {
	parts := tr.x.def.Parts
	below, above := true, true
	if y.lo != nil {
		order, known := compareKeys(entry, y.lo, parts, r.g.Encoding)
		below = !known || order >= 0
	}
	if y.hi != nil {
		order, known := compareKeys(entry, y.hi, parts, r.g.Encoding)
		above = !known || order <= 0
	}
	return !below || !above
}

// correct puts what the index has into a row.
func (r *rescue) correct(tr *trial, f *found, y *testimony) {
	values := slices.Clone(f.values)
	for i, slot := range tr.columns {
		if slot != slotRowid && slot < len(values) {
			values[slot] = y.values[i]
		}
	}
	f.values = values
	f.doubt = "index " + tr.x.name + " proved a value wrong, which was replaced"
	if f.from == Kept {
		f.from = Salvaged
	}
}

// recall gives the sink what only the indexes still know of a table: rows that they
// cover, and of others what they hold.
func (r *rescue) recall(t *table) error {
	r.countLost(t)
	for i, tr := range t.trials {
		for _, key := range slices.Sorted(maps.Keys(tr.entries)) {
			for _, y := range tr.entries[key] {
				if y.seen || len(tr.entries[key]) > 1 {
					continue
				}
				if err := r.recallRow(t, t.trials[i:], key, y); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// countLost counts the rows that are gone, where an index is whole and tells.
func (r *rescue) countLost(t *table) {
	for _, tr := range t.trials {
		if !tr.x.whole || tr.void || tr.crowded {
			continue
		}
		gone := int64(0)
		for _, list := range tr.entries {
			for _, y := range list {
				if !y.seen {
					gone++
				}
			}
		}
		if !t.counted || gone < t.gone {
			t.counted, t.gone = true, gone
		}
	}
}

// recallRow puts a row together from what trials have under its key.
func (r *rescue) recallRow(t *table, trials []*trial, key uint64, first *testimony) error {
	row := make([]Value, len(t.def.Stored))
	have := make([]bool, len(row))
	for slot, column := range t.def.Stored {
		have[slot] = column == t.def.RowidColumn
	}
	names := ""
	for _, tr := range trials {
		list := tr.entries[key]
		if len(list) != 1 || list[0].seen {
			continue
		}
		y := list[0]
		y.seen = true
		for i, slot := range tr.columns {
			if slot != slotRowid {
				row[slot], have[slot] = y.values[i], true
			}
		}
		names += " " + tr.x.name
	}
	f := &found{rowid: int64(key), keyed: !t.def.WithoutRowid, values: row, from: FromIndex, page: first.page}
	if t.def.WithoutRowid {
		f.rowid = 0
	}
	f.what = "only the index has it, and not all columns:" + names
	if !slices.Contains(have, false) {
		f.what = ""
	}
	return r.put(t, f)
}

// rareMax is one in how many texts may be of a kind before it is usual in its column.
const rareMax = 200

// examineTexts doubts a row with a text that is not valid in its encoding, in a column
// where such are rare, or with a value that its column cannot hold.
func (r *rescue) examineTexts(t *table, f *found) {
	if f.doubt != "" {
		return
	}
	if !fits(t.def, f.values, r.g.Encoding) {
		f.doubt = "a value is of a type that its column does not take"
		return
	}
	p := &t.profile
	for i, v := range f.values {
		if v.Class != classText || i >= len(p.malformed) || p.malformed[i] > p.rows/rareMax || wellFormed(v.Bytes, r.g.Encoding) {
			continue
		}
		f.doubt = "a text is not valid " + r.g.Encoding.String()
		return
	}
}
