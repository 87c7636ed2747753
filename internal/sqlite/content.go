package sqlite

import (
	"context"
	"errors"
	"io"
	"sort"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/manifest"
)

const (
	// bigValueBytes is the size from which a value is streamed once its row has proved
	// to be beyond lengthMaxBytes.
	bigValueBytes = 1 << 20
	// blobChunkBytes is one read of a streamed value; a multiple of 8 (check.RowDigest.Bytes).
	blobChunkBytes = 256 << 10
)

const opDigest = "digest content"

// ContentOfRows is Content by SQLite's rows alone: what the digests of pages are held to.
func (c *Conn) ContentOfRows(ctx context.Context) (manifest.Content, error) {
	var content manifest.Content
	err := c.do(ctx, opDigest, func() error {
		return c.snapshot(func() (err error) {
			content, err = c.content()
			return err
		})
	})
	return content, err
}

func (c *Conn) content() (manifest.Content, error) { return c.contentBut(nil) }

// contentBut reads the rows of all tables but those of which the digest is known.
func (c *Conn) contentBut(known map[string]check.Content) (manifest.Content, error) {
	takeBack, err := c.lendStandIns()
	if err != nil {
		return manifest.Content{}, err
	}
	defer takeBack()
	schema, err := c.schemaDigest()
	if err != nil {
		return manifest.Content{}, err
	}
	tables, err := c.tables()
	if err != nil {
		return manifest.Content{}, err
	}
	content := manifest.Content{SchemaDigest: schema, Tables: make([]manifest.Table, 0, len(tables))}
	for _, t := range tables {
		if k, ok := known[t.name]; ok {
			content.Tables = append(content.Tables, manifest.Table{Name: t.name, Rows: k.Rows, Digest: k.Digest})
			continue
		}
		sum, err := c.digestTable(t)
		if err != nil {
			return manifest.Content{}, c.fail("digest table "+t.name, err)
		}
		content.Tables = append(content.Tables, manifest.Table{Name: t.name, Rows: sum.Rows(), Digest: sum.Hex()})
	}
	return content, nil
}

// table is one table that stores rows.
type table struct {
	name    string
	rowid   string   // the name by which the rowid can be read; "" = none
	columns []string // those that are stored
}

// tables lists the tables that store rows, sorted by name. PRAGMA table_list would do, but
// it also compiles every view, and views stacked hundreds deep overflow the engine's stack
// (https://sqlite.org/pragma.html#pragma_table_list).
func (c *Conn) tables() ([]table, error) {
	var list []table
	err := c.rows(`SELECT DISTINCT name FROM main.sqlite_schema WHERE rootpage>0 AND type<>'index'`, func(s *sqlite3.Stmt) error {
		list = append(list, table{name: s.ColumnText(0)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(list, func(a, b int) bool { return list[a].name < list[b].name })
	for i := range list {
		if err := c.describe(&list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// describe finds the stored columns of a table and the name of its rowid.
func (c *Conn) describe(t *table) error {
	names := map[string]bool{}
	err := c.rows(`PRAGMA main.table_xinfo(`+quote(t.name)+`)`, func(s *sqlite3.Stmt) error {
		const virtualGenerated = 2
		name := s.ColumnText(1)
		names[strings.ToLower(name)] = true
		if s.ColumnInt(6) != virtualGenerated {
			t.columns = append(t.columns, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, alias := range []string{"rowid", "_rowid_", "oid"} {
		if names[alias] {
			continue
		}
		// A table WITHOUT ROWID has no such column (https://sqlite.org/withoutrowid.html).
		s, _, err := c.db.Prepare(`SELECT ` + alias + ` FROM main.` + quote(t.name))
		switch {
		case err == nil:
			t.rowid = alias
			return s.Close()
		case strings.Contains(err.Error(), "no such column"):
			return nil
		}
		return err
	}
	return nil
}

// quote quotes an identifier. sqlite3.QuoteIdentifier panics on NUL, which a hostile
// schema may hold; SQLite itself ends the name there.
func quote(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// digestTable reads the table's own b-tree: without NOT INDEXED SQLite may read all
// columns out of a covering index instead.
func (c *Conn) digestTable(t table) (check.TableDigest, error) {
	list := make([]string, 0, len(t.columns)+1)
	if t.rowid != "" {
		list = append(list, t.rowid)
	}
	for _, name := range t.columns {
		list = append(list, quote(name))
	}
	sum, err := c.digestRows(`SELECT `+strings.Join(list, ",")+` FROM main.`+quote(t.name)+` NOT INDEXED`, t.rowid != "")
	if errors.Is(err, sqlite3.TOOBIG) && t.rowid != "" {
		return c.digestBigRows(t)
	}
	return sum, err
}

func (c *Conn) digestRows(sql string, rowidFirst bool) (check.TableDigest, error) {
	s, _, err := c.db.Prepare(sql)
	if err != nil {
		return check.TableDigest{}, err
	}
	defer s.Close()
	var sum check.TableDigest
	n := s.ColumnCount()
	for s.Step() {
		h := check.NewRowDigest()
		col := 0
		if rowidFirst {
			h.Rowid(s.ColumnInt64(0))
			col = 1
		}
		for ; col < n; col++ {
			feed(&h, s, col)
		}
		if err := s.Err(); err != nil {
			return check.TableDigest{}, err
		}
		sum.Add(&h)
	}
	return sum, s.Err()
}

// feed hashes one value. RawBlob gives the bytes of text in the database's own
// encoding; asking for text would convert UTF-16 and repair what is not valid in it.
func feed(h *check.RowDigest, s *sqlite3.Stmt, col int) {
	var p []byte
	switch s.ColumnType(col) {
	case sqlite3.NULL:
		h.Null()
		return
	case sqlite3.INTEGER:
		h.Integer(s.ColumnInt64(col))
		return
	case sqlite3.FLOAT:
		h.Real(s.ColumnFloat(col))
		return
	case sqlite3.TEXT:
		p = s.ColumnRawBlob(col)
		h.Text(len(p))
	default:
		p = s.ColumnRawBlob(col)
		h.Blob(len(p))
	}
	h.Bytes(p)
}

// digestBigRows is digestTable for tables with values that no statement may hold: big
// values are streamed through the incremental blob interface
// (https://sqlite.org/c3ref/blob_open.html). The digest is the same.
func (c *Conn) digestBigRows(t table) (check.TableDigest, error) {
	list := []string{t.rowid}
	for _, name := range t.columns {
		q := quote(name)
		list = append(list, `typeof(`+q+`)`, `octet_length(`+q+`)`,
			`CASE WHEN octet_length(`+q+`)<`+itoa(bigValueBytes)+` THEN `+q+` END`)
	}
	s, _, err := c.db.Prepare(`SELECT ` + strings.Join(list, ",") + ` FROM main.` + quote(t.name) + ` NOT INDEXED`)
	if err != nil {
		return check.TableDigest{}, err
	}
	defer s.Close()
	var sum check.TableDigest
	buf := make([]byte, blobChunkBytes)
	for s.Step() {
		h := check.NewRowDigest()
		rowid := s.ColumnInt64(0)
		h.Rowid(rowid)
		for i, name := range t.columns {
			col := 1 + 3*i
			size := s.ColumnInt64(col + 1)
			if size < bigValueBytes {
				feed(&h, s, col+2)
				continue
			}
			if s.ColumnText(col) == "text" {
				h.Text(int(size))
			} else {
				h.Blob(int(size))
			}
			if err := c.feedBlob(&h, t.name, name, rowid, buf); err != nil {
				return check.TableDigest{}, err
			}
		}
		if err := s.Err(); err != nil {
			return check.TableDigest{}, err
		}
		sum.Add(&h)
	}
	return sum, s.Err()
}

func (c *Conn) feedBlob(h *check.RowDigest, table, column string, rowid int64, buf []byte) error {
	blob, err := c.db.OpenBlob("main", table, column, rowid, false)
	if err != nil {
		return err
	}
	defer blob.Close()
	for {
		n, err := io.ReadFull(blob, buf)
		h.Bytes(buf[:n])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// schemaDigest is check.SchemaSum over what SQLite says of the schema.
func (c *Conn) schemaDigest() (string, error) {
	var sum check.SchemaSum
	err := c.rows(`SELECT type,name,tbl_name,sql FROM main.sqlite_schema`, func(s *sqlite3.Stmt) error {
		var field [4]string
		for col := range field {
			field[col] = string(s.ColumnRawText(col))
		}
		sum.Add(field[0], field[1], field[2], field[3])
		return nil
	})
	if err != nil {
		return "", err
	}
	version, err := c.value(`PRAGMA main.user_version`)
	if err != nil {
		return "", err
	}
	application, err := c.value(`PRAGMA main.application_id`)
	if err != nil {
		return "", err
	}
	var encoding string
	err = c.rows(`PRAGMA main.encoding`, func(s *sqlite3.Stmt) error {
		encoding = s.ColumnText(0)
		return nil
	})
	return sum.Hex(version, application, encoding), err
}

// Preview counts the rows of every table, without digests.
func (c *Conn) Preview(ctx context.Context) (list []manifest.Table, err error) {
	err = c.do(ctx, "count rows", func() error {
		return c.snapshot(func() error {
			takeBack, err := c.lendStandIns()
			if err != nil {
				return err
			}
			defer takeBack()
			tables, err := c.tables()
			if err != nil {
				return err
			}
			for _, t := range tables {
				rows, err := c.value(`SELECT count(*) FROM main.` + quote(t.name))
				if err != nil {
					return err
				}
				list = append(list, manifest.Table{Name: t.name, Rows: rows})
			}
			return nil
		})
	})
	return list, err
}
