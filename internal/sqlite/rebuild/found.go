package rebuild

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

// foundTable is lost_and_found: rows that are in no table, in the columns that the
// sqlite3 shell's .recover gives it (https://sqlite.org/recovery.html), and beside it
// what each of them was taken for and why it is not there.
type foundTable struct {
	name    string
	side    string // its schema, with the dot
	columns int
	insert  *sqlite3.Stmt
	why     *sqlite3.Stmt
	texts   texts
	rows    int64
}

// foundColumnsMax is SQLite's own limit less the columns in front
// (https://sqlite.org/limits.html#max_column).
const foundColumnsMax = 1990

func (f *foundTable) close() {
	if f.insert != nil {
		_ = f.insert.Close()
	}
	if f.why != nil {
		_ = f.why.Close()
	}
}

// Stray puts a row into lost_and_found.
func (d *Database) Stray(s *salvage.Stray) (err error) {
	defer guard(&err)
	if d.patch != nil {
		return d.patch.stray(s)
	}
	return d.keepStray(s)
}

func (d *Database) keepStray(s *salvage.Stray) error {
	if d.found == nil {
		if err := d.makeFound(); err != nil {
			return d.fail(err)
		}
	}
	values := s.Values[:min(len(s.Values), foundColumnsMax)]
	if err := d.widen(len(values)); err != nil {
		return d.fail(err)
	}
	f := d.found
	if err := f.put(s, values); err != nil {
		if stopped := d.stopped(err); stopped != nil {
			return stopped
		}
		d.notes = append(d.notes, fmt.Sprintf("a row of %d values on page %d could not be kept in %s: %v", len(values), s.Page, f.name, err))
		return nil
	}
	f.rows++
	return nil
}

func (d *Database) makeFound() error {
	if err := d.sqlite(); err != nil {
		return err
	}
	f := &foundTable{name: d.unplanned("lost_and_found", "_why"), side: d.side, texts: texts{encoding: d.plan.Encoding}}
	err := d.db.Exec(`CREATE TABLE ` + f.side + f.name + `(rootpgno INTEGER, pgno INTEGER, nfield INTEGER, id INTEGER, c0);
		CREATE TABLE ` + f.side + f.name + `_why(id INTEGER PRIMARY KEY, "table" TEXT, reason TEXT)`)
	if err != nil {
		return err
	}
	f.columns = 1
	f.why, _, err = d.db.Prepare(`INSERT INTO ` + f.side + f.name + `_why VALUES(?,?,?)`)
	if err != nil {
		return err
	}
	d.found = f
	return f.prepare(d.db)
}

// unplanned gives a name that is free, with each of the endings, too.
func (d *Database) unplanned(name string, endings ...string) string {
	endings = append(endings, "")
	taken := func(name string) bool {
		return slices.ContainsFunc(endings, func(ending string) bool { return d.planned(name + ending) })
	}
	free := name
	for i := 0; taken(free); i++ {
		free = fmt.Sprintf("%s_%d", name, i)
	}
	return free
}

// planned tells whether a name is taken or will be.
func (d *Database) planned(name string) bool {
	for _, t := range d.plan.Tables {
		if strings.EqualFold(t.Name, name) {
			return true
		}
	}
	for _, o := range d.plan.Objects {
		if strings.EqualFold(o.Name, name) {
			return true
		}
	}
	return d.has(name)
}

// widen adds columns for a row of so many values.
func (d *Database) widen(values int) error {
	f := d.found
	if values <= f.columns {
		return nil
	}
	_ = f.insert.Close()
	if err := d.sqlite(); err != nil {
		return err
	}
	for ; f.columns < values; f.columns++ {
		if err := d.db.Exec(fmt.Sprintf(`ALTER TABLE %s%s ADD COLUMN c%d`, f.side, f.name, f.columns)); err != nil {
			return err
		}
	}
	return f.prepare(d.db)
}

func (f *foundTable) prepare(db *sqlite3.Conn) (err error) {
	f.insert, _, err = db.Prepare(`INSERT INTO ` + f.side + f.name + ` VALUES(?,?,?,?` + strings.Repeat(`,?`, f.columns) + `)`)
	return err
}

func (f *foundTable) put(s *salvage.Stray, values []salvage.Value) error {
	in := f.insert
	if err := in.ClearBindings(); err != nil {
		return err
	}
	id := salvage.Value{}
	if s.Keyed {
		id = salvage.Value{Class: schema.ClassInteger, Int: s.Rowid}
	}
	front := []salvage.Value{
		{Class: schema.ClassInteger, Int: int64(s.Root)}, {Class: schema.ClassInteger, Int: int64(s.Page)},
		{Class: schema.ClassInteger, Int: int64(len(values))}, id,
	}
	for i, v := range front {
		if err := f.texts.bind(in, i+1, v, false); err != nil {
			return err
		}
	}
	for i, v := range values {
		// Here a text that does not survive its way to UTF-8 may as well be a blob.
		asBlob := v.Class == schema.ClassText && f.texts.odd([]salvage.Value{v})
		if err := f.texts.bind(in, len(front)+i+1, v, asBlob); err != nil {
			return err
		}
	}
	if err := in.Exec(); err != nil {
		return err
	}
	if err := f.why.BindInt64(1, in.Conn().LastInsertRowID()); err != nil {
		return err
	}
	if err := f.why.BindText(2, s.Table); err != nil {
		return err
	}
	if err := f.why.BindText(3, s.Why); err != nil {
		return err
	}
	return f.why.Exec()
}
