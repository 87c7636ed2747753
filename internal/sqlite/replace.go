package sqlite

import (
	"context"
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
)

const opReplace = "replace table"

// Replaced is what became of one table. Rows are -1 before when there was no such table.
// ForeignKeys are the rows without a parent, of it and of tables that refer to it.
type Replaced struct {
	RowsBefore, RowsAfter int64
	ForeignKeys           []check.ForeignKey
}

// ReplaceTable puts one table of src, a plain SQLite file that nobody writes, into this
// live database in one transaction: all of it or nothing. Rowids are kept, triggers do not fire. A
// table that is not there is made, with its indexes. The definitions must be equal, else
// the error is fault.Refused and nothing changed, as after a dry run. It fails with
// fault.Busy under a fence or while somebody writes for longer than the busy timeout.
func (c *Conn) ReplaceTable(ctx context.Context, src, name string, dryRun bool, foreignKeysMax int) (out Replaced, err error) {
	err = c.do(ctx, opReplace, func() (err error) {
		if c.fenced {
			return fault.New(fault.Busy, opReplace, "writes are held back")
		}
		// With them on, each row would have to find its parent: what breaks is named instead.
		enforced, err := c.db.Config(sqlite3.DBCONFIG_ENABLE_FKEY)
		if err == nil {
			_, err = c.db.Config(sqlite3.DBCONFIG_ENABLE_FKEY, false)
		}
		if err != nil {
			return err
		}
		defer func() {
			_, back := c.db.Config(sqlite3.DBCONFIG_ENABLE_FKEY, enforced)
			err = errors.Join(err, back)
		}()
		uri := fileURI(src, append(vfsParam(c.opts.VFS), "mode", "ro", "immutable", "1")...)
		if err := c.db.Exec(`ATTACH ` + sqlite3.Quote(uri) + ` AS officer_source; BEGIN IMMEDIATE`); err != nil {
			_ = c.db.Exec(`DETACH officer_source`) // it may not be there
			return err
		}
		defer func() {
			c.rollback()
			err = errors.Join(err, c.db.Exec(`DETACH officer_source`))
		}()
		if out, err = c.replace(name, foreignKeysMax); err != nil || dryRun {
			return err
		}
		return c.db.Exec(`COMMIT`)
	})
	return out, err
}

func (c *Conn) replace(name string, foreignKeysMax int) (out Replaced, err error) {
	here, err := c.definition("main", name)
	if err != nil {
		return out, err
	}
	there, err := c.definition("officer_source", name)
	switch {
	case err != nil:
		return out, err
	case there == "":
		return out, fault.New(fault.Refused, opReplace, "there is no table %s in the backup", name)
	case strings.HasPrefix(strings.ToLower(strings.Join(strings.Fields(there), " ")), "create virtual "):
		return out, fault.New(fault.Refused, opReplace, "%s is a virtual table: its rows lie in others", name)
	case here != "" && here != there:
		return out, fault.New(fault.Refused, opReplace, "table %s is defined otherwise in the backup", name)
	}
	out.RowsBefore = -1
	if here == "" {
		if err := c.db.Exec(there); err != nil {
			return out, refusedBy(err)
		}
	} else if out.RowsBefore, err = c.value(`SELECT count(*) FROM main.` + quote(name)); err != nil {
		return out, err
	}
	columns, err := c.writable(name)
	if err != nil {
		return out, err
	}
	if err := c.db.Exec(`DELETE FROM main.` + quote(name) + `; INSERT INTO main.` + quote(name) + `(` + columns + `) SELECT ` + columns + ` FROM officer_source.` + quote(name)); err != nil {
		return out, refusedBy(err)
	}
	if here == "" {
		if err := c.remake(name); err != nil {
			return out, refusedBy(err)
		}
	}
	if out.RowsAfter, err = c.value(`SELECT count(*) FROM main.` + quote(name)); err != nil {
		return out, err
	}
	out.ForeignKeys, err = c.orphansOf(name, foreignKeysMax)
	return out, err
}

// refusedBy says what the live schema has against the rows.
func refusedBy(err error) error {
	if errors.Is(err, sqlite3.CONSTRAINT) || errors.Is(err, sqlite3.ERROR) {
		return fault.New(fault.Refused, opReplace, "SQLite does not take it: %v", err)
	}
	return err
}

// definition gives the CREATE statement of a table, "" when there is none.
func (c *Conn) definition(schema, name string) (sql string, err error) {
	s, _, err := c.db.Prepare(`SELECT sql FROM ` + schema + `.sqlite_schema WHERE type='table' AND name=? COLLATE NOCASE`)
	if err != nil {
		return "", err
	}
	defer s.Close()
	if err := s.BindText(1, name); err != nil {
		return "", err
	}
	if s.Step() {
		sql = s.ColumnText(0)
	}
	return sql, s.Err()
}

// writable lists the columns that can be written, the rowid among them where no column
// has taken its names (https://sqlite.org/rowidtable.html).
func (c *Conn) writable(name string) (list string, err error) {
	t := table{name: name}
	if err := c.describe(&t); err != nil {
		return "", err
	}
	var columns []string
	err = c.rows(`PRAGMA main.table_xinfo(`+quote(name)+`)`, func(s *sqlite3.Stmt) error {
		if s.ColumnInt(6) == 0 { // neither hidden nor generated
			columns = append(columns, quote(s.ColumnText(1)))
		}
		return nil
	})
	if t.rowid != "" {
		columns = append(columns, t.rowid)
	}
	return strings.Join(columns, ","), err
}

// remake makes the indexes of a table that was not there. Its triggers are the
// application's to make again: they may speak of what is not there either.
func (c *Conn) remake(name string) error {
	var list []string
	s, _, err := c.db.Prepare(`SELECT sql FROM officer_source.sqlite_schema WHERE type='index' AND tbl_name=? COLLATE NOCASE AND sql IS NOT NULL`)
	if err != nil {
		return err
	}
	err = s.BindText(1, name)
	for err == nil && s.Step() {
		list = append(list, s.ColumnText(0))
	}
	if err = errors.Join(err, s.Err(), s.Close()); err != nil {
		return err
	}
	for _, sql := range list {
		if err := c.db.Exec(sql); err != nil {
			return err
		}
	}
	return nil
}

// orphansOf names rows without a parent, of a table and of those that refer to it
// (https://sqlite.org/pragma.html#pragma_foreign_key_check).
func (c *Conn) orphansOf(name string, most int) (list []check.ForeignKey, err error) {
	enough := errors.New("enough")
	err = c.rows(`PRAGMA main.foreign_key_check`, func(s *sqlite3.Stmt) error {
		k := check.ForeignKey{Table: s.ColumnText(0), Rowid: s.ColumnInt64(1), HasRowid: s.ColumnType(1) != sqlite3.NULL, Parent: s.ColumnText(2)}
		if strings.EqualFold(k.Table, name) || strings.EqualFold(k.Parent, name) {
			list = append(list, k)
		}
		if len(list) >= most {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return list, refusedBy(err)
}
