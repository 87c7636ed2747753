package check

import (
	"fmt"

	"github.com/officer-doofy/officer/internal/schema"
)

const sequenceTable = "sqlite_sequence"

// sequenceRows bounds what is kept of a table that could hold anything.
const sequenceRows = 1 << 16

// sequences has the rows of sqlite_sequence read as they come by
// (https://sqlite.org/fileformat2.html#the_sqlite_sequence_table).
func (v *verifier) sequences(tr *tree) {
	v.seqs = map[string]int64{}
	tr.each = func(w *worker, row *record) {
		name, named := row.f.text(w.g.Encoding, row.body, 0)
		if last, ok := row.f.integer(row.body, 1); ok && named && len(w.sequence) < sequenceRows {
			w.sequence = append(w.sequence, sequence{schema.Fold(name), last})
		}
	}
}

// sequence is a row of sqlite_sequence.
type sequence struct {
	table string
	last  int64
}

// checkSequence notes where AUTOINCREMENT would give rowids again that are taken. That
// is no damage: applications may change sqlite_sequence, and SQLite then takes the
// greater of both.
func (v *verifier) checkSequence() {
	for _, w := range v.crew {
		for _, s := range w.sequence {
			v.seqs[s.table] = s.last
		}
	}
	for _, tr := range v.tables {
		t := &v.sums[tr.number]
		if !tr.table.Autoincrement || t.broken || t.rows == 0 {
			continue
		}
		if last, ok := v.seqs[schema.Fold(tr.name)]; !ok || last < t.maxRowid {
			v.notes = append(v.notes, Finding{Kind: kindSequence, Object: tr.name, Rowid: t.maxRowid, HasRowid: true,
				Detail: fmt.Sprintf("its greatest rowid is %d, but %s says %d", t.maxRowid, sequenceTable, last)})
		}
	}
}
