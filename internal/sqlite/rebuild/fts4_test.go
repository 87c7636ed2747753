package rebuild_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/testkit"
)

// withFTS4 makes what an SQLite with FTS4 leaves in a file: shadow tables, and virtual tables in the
// schema. The blocks of the index are bytes that only the module would read.
func withFTS4(t *testing.T) string {
	t.Helper()
	path := testkit.Build(t, t.TempDir(), testkit.Delete)
	var all []string
	for _, name := range []string{"docs", "bare", "linked"} {
		if name == "docs" {
			all = append(all, `CREATE TABLE 'docs_content'(docid INTEGER PRIMARY KEY, 'c0title', 'c1body')`,
				`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO docs_content SELECT i, 'title ' || i, hex(randomblob(40)) FROM n`)
		}
		all = append(all, `CREATE TABLE '`+name+`_segments'(blockid INTEGER PRIMARY KEY, block BLOB)`,
			`CREATE TABLE '`+name+`_segdir'(level INTEGER,idx INTEGER,start_block INTEGER,leaves_end_block INTEGER,end_block INTEGER,root BLOB,PRIMARY KEY(level, idx))`,
			`CREATE TABLE '`+name+`_docsize'(docid INTEGER PRIMARY KEY, size BLOB)`, `CREATE TABLE '`+name+`_stat'(id INTEGER PRIMARY KEY, value BLOB)`,
			`INSERT INTO `+name+`_segments SELECT id, randomblob(1500) FROM items WHERE id <= 40`, `INSERT INTO `+name+`_segdir VALUES(0,0,1,40,'40 60000',x'0102')`,
			`INSERT INTO `+name+`_docsize SELECT id, x'0505' FROM items`, `INSERT INTO `+name+`_stat VALUES(0,x'8401')`)
	}
	execSQL(t, path, append(all, `PRAGMA writable_schema=ON`, `INSERT INTO sqlite_schema VALUES
		('table','docs','docs',0,'CREATE VIRTUAL TABLE docs USING fts4(title, body)'),
		('table','bare','bare',0,'CREATE VIRTUAL TABLE bare USING fts4(content="", note)'),
		('table','linked','linked',0,'CREATE VIRTUAL TABLE linked USING fts4(content="items", note)')`)...)
	return path
}

// What a module that is not there has stored comes back with its place in the schema, and the
// report says what cannot be judged and what is to be done.
func TestRecover_keepsTablesOfAModuleThatIsNotThere(t *testing.T) {
	for _, c := range []struct{ zero, note, not string }{
		{"", "", "docs"},
		{"docs_segments", `INSERT INTO "docs"("docs") VALUES('rebuild')`, "bare"},
		{"docs_content", `INSERT INTO "docs"("docs") VALUES('rebuild')`, "linked"},
		{"bare_segments", "the full-text table bare is damaged and has no content", "linked"},
		{"linked_segments", `INSERT INTO "linked"("linked") VALUES('rebuild')`, "bare"},
		{"items", `INSERT INTO "linked"("linked") VALUES('rebuild')`, "docs"},
	} {
		path := withFTS4(t)
		rows := countRows(t, path)
		if c.zero != "" {
			testkit.ZeroPageOf(t, path, c.zero, 3)
		}
		to := filepath.Join(t.TempDir(), "out.db")
		got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, To: to})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"docs", "bare", "linked"} {
			if !slices.ContainsFunc(got.Verdict.Findings, func(f check.Finding) bool { return f.Object == name && strings.Contains(f.Detail, "fts4") }) {
				t.Errorf("%s: the verdict does not name %s: %+v", c.zero, name, got.Verdict)
			}
		}
		notes := strings.Join(got.Notes, "\n")
		if !strings.Contains(notes, c.note) || strings.Contains(notes, "full-text table "+c.not) || c.note == "" && notes != "" {
			t.Errorf("%s: got the notes %q, want one with %q", c.zero, notes, c.note)
		}
		for name, n := range countRows(t, to) {
			i := slices.IndexFunc(got.Tables, func(r salvage.TableReport) bool { return r.Name == name })
			if i >= 0 && (n != got.Tables[i].Rows() || name != c.zero && n != rows[name] || name == c.zero && n >= rows[name]) {
				t.Errorf("%s: table %s has %d rows of %d: %+v", c.zero, name, n, rows[name], got.Tables[i])
			}
		}
		if sqls := schemaOf(t, to); !slices.Equal(sqls, schemaOf(t, path)) {
			t.Errorf("%s: the schema is %q", c.zero, sqls)
		}
	}
}

func countRows(t *testing.T, path string) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	readAll(t, path, `SELECT name FROM sqlite_schema WHERE type='table' AND rootpage>0`, func(db *sql.DB, row []any) {
		var n int64
		name := fmt.Sprint(row[0])
		if err := db.QueryRow(`SELECT count(*) FROM "` + name + `" NOT INDEXED`).Scan(&n); err == nil {
			counts[name] = n
		}
	})
	return counts
}

func schemaOf(t *testing.T, path string) (list []string) {
	t.Helper()
	readAll(t, path, `SELECT coalesce(sql,name) FROM sqlite_schema WHERE name NOT LIKE 'lost_and_found%' ORDER BY 1`, func(_ *sql.DB, row []any) {
		list = append(list, fmt.Sprint(row[0]))
	})
	return list
}
