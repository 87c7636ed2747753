package rebuild

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/bulk"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

// native writes the b-trees of tables and indexes as whole pages, where nothing but the
// format decides what stands in them. It and SQLite write to the file by turns. Why:
// docs/decisions/0024-trees-are-written-from-their-leaves-up.md.
type native struct {
	d       *Database
	out     *bulk.File // nil = nothing is written by pages
	spill   bulk.Spill
	mine    bool // it is not SQLite's turn
	trees   []*tree
	now     *tree             // the table that is being written
	built   map[string]uint32 // declared indexes that are whole, by folded name: their roots
	trial   *trial            // nil until a row has to be judged by SQLite
	counts  []counted         // what AUTOINCREMENT tables hold
	record  bulk.Record
	key     bulk.Key
	settled []salvage.Value
}

// counted is the greatest rowid of a table.
type counted struct {
	table string
	rowid int64
}

// conflict ends a run in which a table, whose rows were written by pages, turns out to
// need SQLite's judgement of each: of two rows that a constraint forbids beside each other
// the first one stands.
type conflict struct{ table string }

// Error says which table.
func (c *conflict) Error() string {
	return "the rows of table " + c.table + " have to be inserted one by one"
}

// byPages begins to write by pages, when the tables are made.
func (d *Database) byPages(by *pages) error {
	n := &native{d: d, spill: bulk.Spill{Open: by.scratch}, built: map[string]uint32{}, key: bulk.Key{Encoding: d.plan.Encoding}}
	roots, err := n.roots()
	if err == nil {
		err = d.db.Exec(`COMMIT; BEGIN`)
	}
	if err == nil {
		n.out, err = bulk.Open(by.file)
	}
	if err != nil {
		return err
	}
	declared, err := n.declared()
	if err != nil {
		return err
	}
	n.trees = make([]*tree, len(d.tables))
	for i, t := range d.tables {
		if !t.ready || listed(by.inserted, t.plan.Name) {
			continue
		}
		n.trees[i] = n.treeOf(t, roots, declared[schema.Fold(t.plan.Name)])
	}
	d.native, d.side = n, "temp."
	return nil
}

func listed(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// roots gives the root pages of all tables and indexes by their folded names.
func (n *native) roots() (map[string]uint32, error) {
	roots := map[string]uint32{}
	s, _, err := n.d.db.Prepare(`SELECT name, rootpage FROM sqlite_schema WHERE type IN ('table','index')`)
	if err != nil {
		return nil, err
	}
	for s.Step() {
		roots[schema.Fold(s.ColumnText(0))] = uint32(s.ColumnInt64(1))
	}
	return roots, errors.Join(s.Err(), s.Close())
}

// declared gives the CREATE INDEX statements that SQLite takes, by folded names of their
// tables.
func (n *native) declared() (map[string][]salvage.Object, error) {
	list := map[string][]salvage.Object{}
	seen := map[string]bool{}
	for _, o := range n.d.plan.Objects {
		name := schema.Fold(o.Name)
		if o.Type != "index" || seen[name] || n.d.has(o.Name) || strings.TrimRight(o.SQL, " \t\r\n;") != o.SQL {
			continue
		}
		seen[name] = true
		s, tail, err := n.d.db.Prepare(o.SQL)
		if err != nil {
			if stopped := n.d.stopped(err); stopped != nil {
				return nil, stopped
			}
			continue
		}
		if err := s.Close(); err != nil {
			return nil, err
		}
		if tail == "" {
			list[schema.Fold(o.Table)] = append(list[schema.Fold(o.Table)], o)
		}
	}
	return list, n.d.db.Exec(`COMMIT; BEGIN`)
}

// turn makes it the turn of the one who writes pages.
func (n *native) turn() error {
	if n.mine {
		return nil
	}
	if err := n.d.db.Exec(`COMMIT; BEGIN`); err != nil {
		return err
	}
	n.mine = true
	return n.out.Resume()
}

// sqlite makes it the turn of SQLite: before anything of the new database itself is read
// or written through it.
func (d *Database) sqlite() error {
	if d.native == nil || !d.native.mine {
		return nil
	}
	d.native.mine = false
	return d.native.out.Publish()
}

// treeFor gives what writes a table by pages, nil if its rows are inserted.
func (n *native) treeFor(table int) *tree {
	if n == nil || n.trees[table] == nil {
		return nil
	}
	return n.trees[table]
}

// change ends the table that is being written when rows of another one come. Rows of one
// table come together.
func (n *native) change(t *tree) error {
	if n == nil || n.now == t {
		return nil
	}
	if n.now != nil {
		if err := n.now.finish(); err != nil {
			return err
		}
	}
	n.now = t
	n.spill.Reset()
	return nil
}

// finish ends the last table; the rest is SQLite's.
func (n *native) finish() error {
	if n == nil {
		return nil
	}
	if err := n.change(nil); err != nil {
		return err
	}
	n.trees = make([]*tree, len(n.trees))
	return n.d.sqlite()
}

// adopt puts an index that was written by pages into the schema.
func (d *Database) adopt(o salvage.Object) (done bool, err error) {
	if d.native == nil {
		return false, nil
	}
	root, ok := d.native.built[schema.Fold(o.Name)]
	if !ok {
		return false, nil
	}
	s, _, err := d.db.Prepare(`INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)
		SELECT 'index',?1,name,?2,?3 FROM sqlite_schema WHERE type='table' AND name=?4 COLLATE NOCASE`)
	if err != nil {
		return false, err
	}
	defer s.Close()
	err = errors.Join(s.BindText(1, o.Name), s.BindInt64(2, int64(root)), s.BindText(3, o.SQL), s.BindText(4, o.Table))
	if err == nil {
		err = s.Exec()
	}
	if err == nil && d.db.Changes() != 1 {
		err = fmt.Errorf("index %s has no table", o.Name)
	}
	return err == nil, err
}

// trial is a database in memory in which SQLite judges single rows: what it makes of
// values that do not suit their columns, and whether it takes the row at all.
type trial struct {
	*Database
	reads map[int]*sqlite3.Stmt // by table
}

func (n *native) newTrial() (err error) {
	t := &trial{Database: &Database{ctx: n.d.ctx, plan: n.d.plan, tables: make([]*target, len(n.d.tables))}, reads: map[int]*sqlite3.Stmt{}}
	if t.db, err = sqlite3.Open(":memory:"); err != nil {
		return err
	}
	n.trial = t
	if err := t.configure(); err != nil {
		return err
	}
	return t.db.Exec(fmt.Sprintf(`PRAGMA encoding='%s'; PRAGMA writable_schema=ON; PRAGMA legacy_alter_table=ON`, n.d.plan.Encoding))
}

func (n *native) close() error {
	if n == nil || n.trial == nil {
		return nil
	}
	for _, s := range n.trial.reads {
		_ = s.Close()
	}
	for _, t := range n.trial.tables {
		if t != nil {
			t.close()
		}
	}
	return n.trial.db.Close()
}

// judge has SQLite take a row and gives it back as it stands then. The values hold until
// the next row.
func (n *native) judge(r *salvage.Row) ([]salvage.Value, error) {
	if n.trial == nil {
		if err := n.newTrial(); err != nil {
			return nil, err
		}
	}
	t := n.trial
	if t.tables[r.Table] == nil {
		made, err := t.make(n.d.plan.Tables[r.Table])
		if err != nil {
			return nil, err
		}
		t.tables[r.Table] = made
	}
	into := t.tables[r.Table]
	if _, err := into.insert(r); err != nil {
		return nil, err
	}
	if t.reads[r.Table] == nil {
		sql := `SELECT 1`
		for _, column := range into.plan.Def.Stored {
			c := quote(into.plan.Def.Columns[column].Name)
			sql += `,typeof(` + c + `),` + c + `,CAST(` + c + ` AS BLOB)`
		}
		s, _, err := t.db.PrepareFlags(sql+` FROM `+quote(into.plan.Name), sqlite3.PREPARE_PERSISTENT)
		if err != nil {
			return nil, err
		}
		t.reads[r.Table] = s
	}
	values, err := readBack(t.reads[r.Table], into.plan.Def)
	return values, errors.Join(err, t.db.Exec(`DELETE FROM `+quote(into.plan.Name)))
}

// readBack reads the one row of a table.
func readBack(s *sqlite3.Stmt, def *schema.Table) ([]salvage.Value, error) {
	var values []salvage.Value
	if s.Step() {
		for slot, column := range def.Stored {
			v, at := salvage.Value{}, 3*slot+1
			switch s.ColumnText(at) {
			case "integer":
				v = salvage.Value{Class: schema.ClassInteger, Int: s.ColumnInt64(at + 1)}
			case "real":
				v = salvage.Value{Class: schema.ClassReal, Real: s.ColumnFloat(at + 1)}
			case "text":
				v = salvage.Value{Class: schema.ClassText, Bytes: s.ColumnBlob(at+2, nil)}
			case "blob":
				v = salvage.Value{Class: schema.ClassBlob, Bytes: s.ColumnBlob(at+2, nil)}
			}
			if column == def.RowidColumn {
				v = salvage.Value{}
			}
			values = append(values, v)
		}
	}
	return values, errors.Join(s.Err(), s.Reset())
}
