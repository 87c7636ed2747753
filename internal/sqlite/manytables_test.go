package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
)

// compiled is how many bytes of memory SQLite's form of the schema takes, 0 = it has not been read
// (https://sqlite.org/c3ref/c_dbstatus_options.html#sqlitedbstatusschemaused).
func compiled(t *testing.T, c *Conn) int64 {
	t.Helper()
	bytes, _, err := c.db.Status(sqlite3.DBSTATUS_SCHEMA_USED, false)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// Seconds for each connection and tens of megabytes, where there are 10,000 tables.
func TestOpen_doesNotCompileTheSchema(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), plain+`CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES('a word');`)
	for _, readOnly := range []bool{true, false} {
		c := open(t, path, Options{ReadOnly: readOnly})
		if got := compiled(t, c); got != 0 {
			t.Errorf("read only %v: opening it made %d bytes of schema", readOnly, got)
		}
		n, err := c.value(`SELECT count(*) FROM f WHERE f MATCH 'word'`)
		if err != nil || n != 1 {
			t.Errorf("read only %v: FTS5 finds %d rows (%v), want 1", readOnly, n, err)
		}
		n, err = c.value(`SELECT count(DISTINCT name) FROM pragma_module_list WHERE name IN ('fts5', 'fts5vocab', 'rtree', 'geopoly')`)
		if err != nil || n != 4 {
			t.Errorf("read only %v: %d modules (%v), want 4", readOnly, n, err)
		}
		if compiled(t, c) == 0 {
			t.Errorf("read only %v: no schema even now: the test does not see it", readOnly)
		}
	}
}

func TestCheck_compilesTheSchemaOnlyWhereSQLiteIsNeeded(t *testing.T) {
	for name, one := range map[string]struct {
		sql  string
		want bool
	}{
		"tables, indexes and foreign keys": {plain, false},
		"a CHECK constraint":               {plain + `CREATE TABLE k(a INT CHECK (a > 0));`, true},
		"a partial index":                  {plain + `CREATE INDEX p ON a(v) WHERE v > 7;`, true},
		"a view":                           {plain + `CREATE VIEW w AS SELECT id FROM a;`, true},
		"a trigger":                        {plain + `CREATE TRIGGER g AFTER INSERT ON a BEGIN SELECT 1; END;`, true},
		"a module table":                   {plain + `CREATE VIRTUAL TABLE f USING fts5(body);`, true},
		"an index named as a table": {`CREATE TABLE later(a UNIQUE); CREATE TABLE named(a); CREATE INDEX x ON later(a);
			PRAGMA writable_schema=ON; UPDATE sqlite_schema SET name='named', sql=replace(sql, 'INDEX x', 'INDEX named') WHERE name='x';`, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, makeDB(t, filepath.Join(t.TempDir(), "app.db"), one.sql), Options{ReadOnly: true})
			report, err := c.Check(t.Context(), CheckOptions{})
			if err != nil || report.Engine != check.EnginePage {
				t.Fatalf("judged by %s, %v", report.Engine, err)
			}
			if got := compiled(t, c) > 0; got != one.want {
				t.Errorf("the schema was compiled: %v, want %v; %v", got, one.want, report.Findings)
			}
		})
	}
}

// What pages tell of the content is what SQLite says, names and versions included.
func TestContent_compilesTheSchemaOnlyWhereSQLiteIsNeeded(t *testing.T) {
	for name, one := range map[string]struct {
		sql  string
		want bool
	}{
		"tables and indexes": {plain, false},
		"odd names, numbers, statistics, a view, a trigger": {plain + `CREATE TABLE "a ""b"(c); INSERT INTO "a ""b" VALUES(1); PRAGMA user_version=-3; PRAGMA application_id=7;
			CREATE TABLE "ä"(x TEXT DEFAULT 'y'); CREATE VIEW w AS SELECT id FROM a; CREATE TRIGGER g AFTER INSERT ON a BEGIN SELECT 1; END; ANALYZE;`, false},
		"texts in UTF-16": {`PRAGMA encoding='UTF-16le';` + plain, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), one.sql)
			c := open(t, path, Options{ReadOnly: true})
			got, err := c.Content(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if schema := compiled(t, c) > 0; schema != one.want {
				t.Errorf("compiled the schema: %v, want %v", schema, one.want)
			}
			if want, err := c.ContentOfRows(t.Context()); err != nil || !got.Equal(want) {
				t.Errorf("got %+v, SQLite says %+v (%v)", got, want, err)
			}
		})
	}
}
