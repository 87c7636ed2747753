package rebuild

import (
	"errors"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

// doubtsTable names, in the new database, every row of a table that the damaged file does
// not prove. Of a file whose age is in doubt as a whole only the report says so: docs/decisions/0023-doubted-rows-stay-in-their-table.md.
const doubtsTable = "lost_and_found_doubts"

// doubts is where rows are named that are in their table and not proven.
type doubts struct {
	name   string
	insert *sqlite3.Stmt
}

func (d *doubts) close() {
	if d.insert != nil {
		_ = d.insert.Close()
	}
}

// doubt names a row that went into its table.
func (d *Database) doubt(t *target, r *salvage.Row) error {
	reason := r.Doubt
	switch {
	case r.Doubt == "" && r.From != salvage.FromBase:
		return nil
	case r.Doubt == "":
		reason = "lent by the older copy: it may have been changed since"
	}
	if err := d.makeDoubts(); err != nil {
		return err
	}
	s := d.doubts.insert
	id := s.BindInt64(2, r.Rowid)
	if t.plan.Def.WithoutRowid {
		id = s.BindNull(2)
	}
	key := s.BindNull(3)
	if t.plan.Def.WithoutRowid {
		key = s.BindText(3, d.keyOf(t, r))
	}
	err := errors.Join(s.BindText(1, t.plan.Name), id, key, s.BindInt64(4, int64(r.Page)),
		s.BindText(5, string(r.From)), s.BindText(6, reason))
	if err != nil {
		return err
	}
	return s.Exec()
}

// keyOf writes the primary key of a row as values of SQL, "" if it has a rowid.
func (d *Database) keyOf(t *target, r *salvage.Row) string {
	if !t.plan.Def.WithoutRowid {
		return ""
	}
	parts := len(t.plan.Def.Primary().Parts)
	words := make([]string, 0, parts)
	into := texts{encoding: d.plan.Encoding}
	for _, v := range r.Values[:min(parts, len(r.Values))] {
		words = append(words, into.literal(v))
	}
	return strings.Join(words, ",")
}

func (d *Database) makeDoubts() (err error) {
	if d.doubts != nil {
		return nil
	}
	if err := d.sqlite(); err != nil {
		return err
	}
	name := d.unplanned(doubtsTable)
	err = d.db.Exec(`CREATE TABLE ` + d.side + name + `("table" TEXT, id INTEGER, key TEXT, page INTEGER, origin TEXT, reason TEXT)`)
	if err != nil {
		return err
	}
	made := &doubts{name: name}
	if made.insert, _, err = d.db.Prepare(`INSERT INTO ` + d.side + name + ` VALUES(?,?,?,?,?,?)`); err != nil {
		return err
	}
	d.doubts = made
	return nil
}

// rivals names the rows that a UNIQUE index forbids beside each other: at least one of
// each group is wrong, and nothing tells which.
func (d *Database) rivals(o salvage.Object) error {
	at := slices.IndexFunc(d.tables, func(t *target) bool { return schema.Fold(t.plan.Name) == schema.Fold(o.Table) })
	if at < 0 || d.tables[at].plan.Def.WithoutRowid {
		return nil
	}
	t := d.tables[at]
	declared, err := schema.ParseIndex(o.SQL)
	if err != nil {
		return nil
	}
	x, err := declared.Bind(t.plan.Def)
	if err != nil || x.Opaque != "" {
		return nil
	}
	var columns []string
	for _, part := range x.Parts {
		columns = append(columns, quote(t.plan.Def.Columns[part.Column].Name))
	}
	if err := d.makeDoubts(); err != nil {
		return err
	}
	rowid := t.rowidName()
	if c := t.plan.Def.RowidColumn; c >= 0 {
		rowid = quote(t.plan.Def.Columns[c].Name)
	}
	list, table := strings.Join(columns, ","), quote(t.plan.Name)
	sql := `INSERT INTO ` + d.doubts.name + `("table",id,reason) SELECT ?1,` + rowid + `,?2 FROM ` + table + ` WHERE (` + list + `) IN (SELECT ` +
		list + ` FROM ` + table + ` GROUP BY ` + list + ` HAVING count(*)>1)`
	s, _, err := d.db.Prepare(sql)
	if err != nil {
		return d.fail(err)
	}
	defer s.Close()
	if err := errors.Join(s.BindText(1, t.plan.Name), s.BindText(2, "another row has what index "+o.Name+" wants to be unique")); err != nil {
		return d.fail(err)
	}
	if err := s.Exec(); err != nil {
		return d.fail(err)
	}
	d.rival[t.plan.Name] += d.db.Changes()
	return nil
}
