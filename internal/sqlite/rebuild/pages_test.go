package rebuild_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/testkit"
)

// alike recovers a file by pages and by inserts and holds both to be the same: tables and
// their rows, what is set aside and what is said. It gives what was recovered by pages.
func alike(t *testing.T, path, base string) (*rebuild.Result, string) {
	t.Helper()
	dir := t.TempDir()
	var results [2]*rebuild.Result
	var to [2]string
	for i, recover := range []func(context.Context, rebuild.Order) (*rebuild.Result, error){rebuild.RecoverByPages, rebuild.RecoverByInserts} {
		to[i] = filepath.Join(dir, fmt.Sprint(i, ".db"))
		got, err := recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, To: to[i], Base: base})
		if fault.CodeOf(err) == fault.NotADatabase {
			return nil, ""
		}
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict.Verdict != check.OK {
			t.Fatalf("got %+v", got.Verdict)
		}
		got.Duration, got.Verdict.Duration = 0, 0
		results[i] = got
	}
	have, want := contentOf(t, to[0]), contentOf(t, to[1])
	if !have.Equal(want) {
		t.Errorf("by pages %+v\nby inserts %+v", have, want)
	}
	if !reflect.DeepEqual(results[0], results[1]) {
		t.Errorf("by pages %+v\nby inserts %+v", results[0], results[1])
	}
	integrity := `PRAGMA integrity_check`
	if strings.Contains(strings.Join(results[0].Notes, ""), "collations") {
		integrity = `SELECT 1` // nobody here can compare them
	}
	for _, sql := range []string{integrity, `SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name`} {
		if have, want := lines(t, to[0], sql), lines(t, to[1], sql); have != want {
			t.Errorf("%s: by pages\n%s\nby inserts\n%s", sql, have, want)
		}
	}
	return results[0], to[0]
}

// lines gives what a query of up to four texts says.
func lines(t *testing.T, path, query string) string {
	t.Helper()
	var out []string
	readAll(t, path, query, func(_ *sql.DB, row []any) {
		line := ""
		for _, v := range row {
			line += fmt.Sprintf("%v|", v)
		}
		out = append(out, line)
	})
	return strings.Join(out, "\n")
}

// readAll shows each row that a query gives.
func readAll(t *testing.T, path, query string, see func(db *sql.DB, row []any)) {
	t.Helper()
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		see(db, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// Of every kind of database, healthy and damaged, what is written by pages is what inserts
// would have made.
func TestRecover_byPagesIsAsByInserts(t *testing.T) {
	for i, kind := range testkit.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			path := testkit.Build(t, t.TempDir(), kind)
			alike(t, path, "")
			if kind == testkit.Empty {
				return
			}
			base := path + ".base"
			if err := fsx.CopyFile(context.Background(), fsx.OS(), path, base, nil); err != nil {
				t.Fatal(err)
			}
			damages := testkit.Damages("items")
			damage := damages[i%len(damages)]
			t.Log(damage.Make(t, path, uint64(i)))
			alike(t, path, []string{"", base}[i%2])
		})
	}
}

// forged makes a database by statements, and then gives it another schema than its rows were
// written under: what damage makes of a schema or a row, no statement does.
func forged(t *testing.T, made []string, schema ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "forged.db")
	statements := slices.Clone(made)
	if len(schema) > 0 {
		statements = append(append(statements, "PRAGMA writable_schema=ON"), schema...)
	}
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

const numbers = `WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<400) `

// remake declares table t with other columns.
func remake(columns string) string {
	return `UPDATE sqlite_schema SET sql=` + sqlite3.Quote(`CREATE TABLE t(`+columns) + ` WHERE name='t'`
}

// Rows that do not suit the table as it is declared become what inserts make of them, or are
// refused like by these.
func TestRecover_byPagesJudgesOddRowsAsSQLiteDoes(t *testing.T) {
	odd := []string{`CREATE TABLE t(a, b)`, `CREATE INDEX x ON t(b, a)`,
		numbers + `INSERT INTO t SELECT i, CASE i%9 WHEN 0 THEN '1'||i WHEN 1 THEN i*1.5 WHEN 2 THEN NULL WHEN 3 THEN x'01' WHEN 4 THEN 'no' WHEN 5 THEN i*1e13
			WHEN 6 THEN 9e18 WHEN 7 THEN ' 7e1 ' ELSE -i END FROM n`}
	for name, columns := range map[string]string{
		"integer": `a, b INTEGER)`, "numeric": `a INTEGER, b DECIMAL(3))`, "real": `a REAL, b REAL)`, "text": `a TEXT, b TEXT)`,
		"not null": `a NOT NULL, b NOT NULL)`, "strict": `a INT, b REAL) STRICT`, "strict any": `a ANY, b ANY NOT NULL) STRICT`,
		"check": `a, b CHECK (typeof(b) != 'text'))`, "generated": `a, b GENERATED ALWAYS AS (a+1) STORED)`,
		"more columns": `a, b, c TEXT DEFAULT 7, d REAL DEFAULT 3, e NOT NULL DEFAULT 'x', f)`, "a missing one": `a, b, c NOT NULL)`,
		"a default of an expression": `a, b, c DEFAULT (1+1))`,
	} {
		t.Run(name, func(t *testing.T) {
			alike(t, forged(t, odd, remake(columns)), "")
		})
	}
	t.Run("added columns", func(t *testing.T) {
		alike(t, forged(t, append(odd, `ALTER TABLE t ADD COLUMN c DEFAULT 'later'`, `ALTER TABLE t ADD COLUMN d INTEGER NOT NULL DEFAULT 5`,
			`CREATE INDEX y ON t(d, c COLLATE NOCASE DESC)`, `INSERT INTO t(a) VALUES(1000)`)), "")
	})
	t.Run("without rowid", func(t *testing.T) {
		alike(t, forged(t, []string{`CREATE TABLE t(a, b, PRIMARY KEY(b DESC, a)) WITHOUT ROWID`, `CREATE INDEX x ON t(a COLLATE RTRIM)`,
			numbers + `INSERT INTO t SELECT i, 'k'||(i%7) FROM n`}, remake(`a TEXT, b TEXT, PRIMARY KEY(b DESC, a)) WITHOUT ROWID`)), "")
	})
	t.Run("unknown order", func(t *testing.T) {
		alike(t, forged(t, append(odd, `CREATE INDEX y ON t(a)`), `UPDATE sqlite_schema SET sql='CREATE INDEX y ON t(a COLLATE odd)' WHERE name='y'`), "")
	})
}

// What a CREATE UNIQUE INDEX forbids is named; what a constraint forbids is refused, of
// which only inserts can tell: then these are what is done.
func TestRecover_byPagesLeavesConflictsToSQLite(t *testing.T) {
	twice := []string{`CREATE TABLE t(a, b)`, `CREATE INDEX x ON t(b)`, numbers + `INSERT INTO t SELECT i, CASE i WHEN 300 THEN 17 ELSE i END FROM n`}
	got, to := alike(t, forged(t, twice, `UPDATE sqlite_schema SET sql='CREATE UNIQUE INDEX x ON t(b)' WHERE name='x'`), "")
	if have := lines(t, to, `SELECT id FROM lost_and_found_doubts`); have != "17|\n300|" || got.Whole() {
		t.Errorf("got %q, want both rows named", have)
	}
	path := forged(t, twice, remake(`a, b UNIQUE)`), `UPDATE sqlite_schema SET name='sqlite_autoindex_t_1', sql=NULL WHERE name='x'`)
	order := rebuild.Order{FS: fsx.OS(), File: path, To: filepath.Join(t.TempDir(), "out.db")}
	if _, err := rebuild.RecoverByPages(context.Background(), order); !rebuild.NeedsInserts(err) {
		t.Fatalf("got %v, want that inserts are needed", err)
	}
	got, to = recovered(t, path)
	if have := lines(t, to, `SELECT id, c1 FROM lost_and_found`); have != "300|17|" || got.Tables[0].Refused != 1 || got.Tables[0].Rows() != 399 {
		t.Errorf("got %q set aside and %+v", have, got.Tables[0])
	}
	if have, err := filepath.Glob(filepath.Join(filepath.Dir(order.To), ".*")); err != nil || len(have) > 0 {
		t.Errorf("%v was left", have)
	}
}
