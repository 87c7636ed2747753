package check

import (
	"fmt"
	"sort"
)

// compare holds that tables and indexes hold the same.
func (v *verifier) compare() error {
	located := 0
	for _, tr := range v.tables {
		rows := &v.sums[tr.number]
		for i, x := range tr.indexes {
			entries := &v.sums[x.number]
			switch {
			case rows.broken || entries.broken: // the damage has a finding of its own
			case rows.unsure:
				v.question(ask{table: tr.name, why: "index " + x.name + " cannot be compared with rows that are not all known", how: Full})
			case rows.rows == entries.rows && (rows.indexes == nil || rows.indexes[i] == entries.entries):
			default:
				detail := fmt.Sprintf("index %s does not hold what the %d rows of table %s hold", x.name, rows.rows, tr.name)
				if rows.rows != entries.rows {
					detail = fmt.Sprintf("index %s has %d entries, but table %s has %d rows", x.name, entries.rows, tr.name, rows.rows)
				}
				v.found.add(Finding{Kind: kindIndex, Object: x.name, Detail: detail})
				if located++; located <= locateIndexes && v.o.Crew.Workers() == 1 { // a crew's findings are taken again by one alone
					if err := v.locate(tr, i); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// countPartial holds that partial indexes have as many entries as their conditions choose rows. SQLite looks up each of those rows, but
// lately counts the entries of whole indexes only (pragma.c of 3.54.1, not yet of 3.45.1: if( pIdx->pPartIdxWhere==0 )), so that what is left over
// passes, and queries give rows that are not there. Only of tables that SQLite passed: else the damage has a finding of its own, or the condition
// is one that SQLite does not carry out for a schema that may be hostile (https://sqlite.org/pragma.html#pragma_trusted_schema).
func (v *verifier) countPartial(passed map[string]bool) error {
	for _, x := range v.partial {
		entries := &v.sums[x.number]
		if entries.broken || v.sums[x.parent.number].broken || !passed[x.parent.name] {
			continue
		}
		rows, err := v.o.Judge.Count(v.ctx, x.parent.name, x.index.Where)
		if err != nil {
			return err
		}
		if rows >= 0 && uint64(rows) != entries.rows {
			v.found.add(Finding{Kind: kindIndex, Object: x.name,
				Detail: fmt.Sprintf("index %s has %d entries, but %d rows of table %s meet its condition", x.name, entries.rows, rows, x.parent.name)})
		}
	}
	return nil
}

// contents lists what the tables hold.
func (v *verifier) contents() (list []Content) {
	for _, tr := range v.tables {
		t := &v.sums[tr.number]
		if t.broken || t.unsure {
			continue
		}
		c := Content{Name: tr.name, Rows: int64(t.rows)}
		if v.o.Digest {
			c.Digest = t.digest.hex()
		}
		list = append(list, c)
	}
	sort.Slice(list, func(a, b int) bool { return list[a].Name < list[b].Name })
	return list
}
