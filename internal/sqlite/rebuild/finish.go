package rebuild

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

// Outcome is what became of the rest of the schema.
type Outcome struct {
	LostAndFound string           // the table, "" = there is none
	Found        int64            // rows in it
	Rivals       map[string]int64 // by table: rows that a UNIQUE index forbids beside each other
	Anew         []string         // tables of modules whose rows were not kept but made again
	Doubts       string           // the table that names the doubted rows of all others, "" = there is none
	Notes        []string
	Patched      int // pages that were written anew while all others stayed
}

// Finish makes indexes, virtual tables, views and triggers, and commits. done hears of
// each of them, of so many.
func (d *Database) Finish(done func(n, of int64) error) (out *Outcome, err error) {
	defer guard(&err)
	if d.patch != nil {
		return d.patch.finish()
	}
	if err := errors.Join(d.native.finish(), d.takeIn()); err != nil {
		return nil, d.fail(err)
	}
	if err := d.sequences(); err != nil {
		return nil, d.fail(err)
	}
	order := [][]salvage.Object{nil, nil, nil, nil}
	for _, o := range d.plan.Objects {
		switch {
		case o.Type == "index":
			order[0] = append(order[0], o)
		case o.Type == "table":
			order[1] = append(order[1], o)
		case o.Type == "view":
			order[2] = append(order[2], o)
		default:
			order[3] = append(order[3], o)
		}
	}
	n := int64(0)
	for _, objects := range order {
		for _, o := range objects {
			if err := done(n, int64(len(d.plan.Objects))); err != nil {
				return nil, err
			}
			n++
			if err := d.add(o); err != nil {
				return nil, err
			}
		}
	}
	if err := d.db.Exec(`PRAGMA writable_schema=OFF; COMMIT`); err != nil {
		return nil, d.fail(err)
	}
	if err := d.modules(func() error { return done(n, int64(len(d.plan.Objects))) }); err != nil {
		return nil, err
	}
	if len(d.unordered) > 0 {
		d.notes = append(d.notes, fmt.Sprintf("the collations %s are unknown here: before the application uses the database, run REINDEX in it",
			strings.Join(d.unordered, ", ")))
	}
	out = &Outcome{Notes: d.notes, Rivals: d.rival, Anew: d.anew}
	if d.found != nil {
		out.LostAndFound, out.Found = d.found.name, d.found.rows
	}
	if d.doubts != nil {
		out.Doubts = d.doubts.name
	}
	return out, nil
}

// add makes an object of the schema. One that SQLite does not take is named.
func (d *Database) add(o salvage.Object) error {
	done, err := d.adopt(o)
	switch {
	case done || err != nil:
		return d.fail(err)
	case o.Type == "table":
		err = d.virtual(o)
	default:
		err = d.statement(o.SQL)
	}
	if err == nil {
		return nil
	}
	if stopped := d.stopped(err); stopped != nil {
		return stopped
	}
	d.notes = append(d.notes, fmt.Sprintf("%s %s was left out: %v", o.Type, o.Name, err))
	var code sqlite3.ExtendedErrorCode
	if o.Type == "index" && errors.As(err, &code) && code == sqlite3.CONSTRAINT_UNIQUE {
		return d.rivals(o)
	}
	return nil
}

// virtual writes a virtual table into the schema as it stood there: its shadow tables
// have been filled like any other, so that its module must not make them anew.
func (d *Database) virtual(o salvage.Object) error {
	if d.has(o.Name) {
		return errors.New("the name is taken")
	}
	s, _, err := d.db.Prepare(`INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) VALUES('table',?,?,0,?)`)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := errors.Join(s.BindText(1, o.Name), s.BindText(2, o.Table), s.BindText(3, o.SQL)); err != nil {
		return err
	}
	return s.Exec()
}

const sequenceTable = "sqlite_sequence" // https://sqlite.org/fileformat2.html#seqtab

// counter keeps a row of sqlite_sequence for the end, because inserts count there, too.
func (d *Database) counter(values []salvage.Value) (salvage.Outcome, error) {
	name := string(utf8Of(d.plan.Encoding, values[0].Bytes))
	if _, twice := d.counters[name]; twice {
		return salvage.Duplicate, nil
	}
	seq := values[1]
	seq.Bytes = slices.Clone(seq.Bytes)
	d.counters[name] = seq
	return salvage.Taken, nil
}

// sequences sets what AUTOINCREMENT counts with to what it was, but never below what the
// rows need.
func (d *Database) sequences() error {
	if !d.has(sequenceTable) {
		return nil
	}
	if d.native != nil {
		for _, c := range d.native.counts {
			if err := d.atLeast(c.table, salvage.Value{Class: schema.ClassInteger, Int: c.rowid}); err != nil {
				return err
			}
		}
	}
	for name, seq := range d.counters {
		if err := d.atLeast(name, seq); err != nil {
			return err
		}
	}
	return nil
}

// atLeast sets the counter of a table, if it is less.
func (d *Database) atLeast(table string, seq salvage.Value) error {
	t := texts{encoding: d.plan.Encoding}
	for _, sql := range []string{
		`UPDATE sqlite_sequence SET seq=max(seq,?2) WHERE name=?1`,
		`INSERT INTO sqlite_sequence(name,seq) SELECT ?1,?2 WHERE NOT EXISTS(SELECT 1 FROM sqlite_sequence WHERE name=?1)`,
	} {
		s, _, err := d.db.Prepare(sql)
		if err != nil {
			return err
		}
		err = errors.Join(s.BindText(1, table), t.bind(s, 2, seq, false))
		if err == nil {
			err = s.Exec()
		}
		if err = errors.Join(err, s.Close()); err != nil {
			return err
		}
	}
	return nil
}

func utf8Of(e page.Encoding, text []byte) []byte { return e.AppendUTF8(nil, text) }
