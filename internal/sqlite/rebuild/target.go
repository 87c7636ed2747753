package rebuild

import (
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

// target is a table that takes rows.
type target struct {
	plan    *salvage.TablePlan
	db      *sqlite3.Conn
	ready   bool
	texts   texts
	inserts map[int]*insert // by number of values
}

// insert is the statement for rows of so many values.
type insert struct {
	*sqlite3.Stmt
	slots []int // places in the record, in the order of the parameters
	rowid bool  // the last parameter is the rowid
}

func (t *target) close() {
	for _, s := range t.inserts {
		_ = s.Close()
	}
}

// insert puts a row in. The outcome of an error tells whether the key was taken.
func (t *target) insert(r *salvage.Row) (salvage.Outcome, error) {
	s, err := t.statement(len(r.Values))
	if err != nil {
		return salvage.Refused, err
	}
	odd := t.texts.odd(r.Values)
	if odd {
		if s, err = t.prepare(len(r.Values), r.Values); err != nil {
			return salvage.Refused, err
		}
		defer s.Close()
	}
	for i, slot := range s.slots {
		v := r.Values[slot]
		if t.plan.Def.Stored[slot] == t.plan.Def.RowidColumn {
			v = salvage.Value{Class: schema.ClassInteger, Int: r.Rowid}
		}
		if err := t.texts.bind(s.Stmt, i+1, v, odd); err != nil {
			return salvage.Refused, err
		}
	}
	if s.rowid {
		if err := s.BindInt64(len(s.slots)+1, r.Rowid); err != nil {
			return salvage.Refused, err
		}
	}
	err = s.Exec()
	if err == nil {
		return salvage.Taken, nil
	}
	var code sqlite3.ExtendedErrorCode
	if errors.As(err, &code) && (code == sqlite3.CONSTRAINT_ROWID || code == sqlite3.CONSTRAINT_PRIMARYKEY && t.keyIsPlace()) {
		return salvage.Duplicate, err
	}
	return salvage.Refused, err
}

// keyIsPlace tells whether the primary key is what the rows are ordered by.
func (t *target) keyIsPlace() bool {
	return t.plan.Def.WithoutRowid || t.plan.Def.RowidColumn >= 0
}

// statement gives the INSERT for rows of so many values: what a short record lacks gets
// its default, as it has in the old table.
func (t *target) statement(values int) (*insert, error) {
	if s := t.inserts[values]; s != nil {
		return s, nil
	}
	s, err := t.prepare(values, nil)
	if err != nil {
		return nil, err
	}
	if t.inserts == nil {
		t.inserts = map[int]*insert{}
	}
	t.inserts[values] = s
	return s, nil
}

// prepare makes an INSERT. Where odd values are given, their texts are bound as blobs.
func (t *target) prepare(values int, odd []salvage.Value) (*insert, error) {
	def := t.plan.Def
	s := &insert{}
	var names, marks []string
	seen := map[int]bool{}
	for slot, column := range def.Stored[:min(values, len(def.Stored))] {
		c := &def.Columns[column]
		if c.Generated != schema.NotGenerated || seen[column] {
			continue
		}
		seen[column] = true
		mark := "?"
		if odd != nil && odd[slot].Class == schema.ClassText {
			mark = "CAST(? AS TEXT)"
		}
		s.slots = append(s.slots, slot)
		names, marks = append(names, quote(c.Name)), append(marks, mark)
	}
	if name := t.rowidName(); name != "" {
		s.rowid = true
		names, marks = append(names, name), append(marks, "?")
	}
	sql := "INSERT INTO " + quote(t.plan.Name) + "(" + strings.Join(names, ",") + ") VALUES(" + strings.Join(marks, ",") + ")"
	if len(names) == 0 {
		sql = "INSERT INTO " + quote(t.plan.Name) + " DEFAULT VALUES"
	}
	var err error
	s.Stmt, _, err = t.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	return s, err
}

// rowidName gives a name of the rowid that no column has taken, "" if it has a column of
// its own or none at all (https://sqlite.org/rowidtable.html).
func (t *target) rowidName() string {
	if t.keyIsPlace() {
		return ""
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if t.plan.Def.Column(name) < 0 {
			return name
		}
	}
	return ""
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
