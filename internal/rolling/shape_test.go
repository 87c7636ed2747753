package rolling_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/officer-doofy/officer/internal/rolling"
)

func TestShape_leavesNoValues(t *testing.T) {
	for _, c := range []struct{ name, sql, want string }{
		{"empty", "", ""},
		{"plain", "SELECT a, b FROM t", "SELECT a, b FROM t"},
		{"text", "SELECT * FROM t WHERE n = 'O''Brien' AND m='x'", "SELECT * FROM t WHERE n = ? AND m=?"},
		{"numbers", "SELECT 1, 2.5e-3 FROM t1 WHERE a>-7 LIMIT 10", "SELECT ?, … FROM t1 WHERE a>-? LIMIT ?"},
		{"blob", "INSERT INTO t VALUES(x'00ff', X'AB')", "INSERT INTO t VALUES(?, …)"},
		{"parameters", "SELECT ?1, :a, @b, $c, ?", "SELECT ?, …"},
		{"list", "DELETE FROM t WHERE id IN (1,2, 3 ,4)", "DELETE FROM t WHERE id IN (?, …)"},
		{"list of one", "DELETE FROM t WHERE id IN (1)", "DELETE FROM t WHERE id IN (?)"},
		{"negative list", "SELECT 1 WHERE x IN (-1, -2,+3)", "SELECT ? WHERE x IN (?, …)"},
		{"rows", "INSERT INTO t(a,b) VALUES (1,'x'), (2,'y'),(3,'z')", "INSERT INTO t(a,b) VALUES (?, …)"},
		{"rows of one", "INSERT INTO t VALUES (1),(2),(3)", "INSERT INTO t VALUES (?)"},
		{"comments", "SELECT /* secret */ a -- more secret\nFROM t", "SELECT a FROM t"},
		{"open comment", "SELECT a /* secret", "SELECT a"},
		{"open text", "SELECT 'secret", "SELECT ?"},
		{"white space", "  SELECT\n\t a\r\n FROM   t ; ", "SELECT a FROM t"},
		{"quoted names", "SELECT \"a\".\"b c\", [d e], `f` FROM \"t\"", "SELECT \"a\".?, [d e], `f` FROM \"t\""},
		{"quoted value", `SELECT a FROM t WHERE n = "alice" AND m LIKE "bob"`, "SELECT a FROM t WHERE n = ? AND m LIKE ?"},
		{"quoted list", `SELECT a FROM t WHERE n IN ("alice", "bob")`, "SELECT a FROM t WHERE n IN (?, …)"},
		{"quoted rows", `INSERT INTO "t"("a","b") VALUES ("alice","bob")`, `INSERT INTO "t"("a","b") VALUES (?, …)`},
		{"quoted join", `SELECT 1 FROM "a" JOIN "b" ON "a"."id" = "b"."id"`, `SELECT ? FROM "a" JOIN "b" ON "a"."id" = "b"."id"`},
		{"pragma", "PRAGMA key = 'secret'", "PRAGMA key = ?"},
		{"json", "SELECT j->>'$.a' FROM t", "SELECT j->>? FROM t"},
		{"value then name", "SELECT 1, a, 2", "SELECT ?, a, ?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := rolling.Shape(c.sql); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestShape_isBounded(t *testing.T) {
	long := "SELECT " + strings.Repeat("column_name, ", 10_000) + "x FROM t"
	got := rolling.Shape(long)
	if len(got) > rolling.ShapeBytesMax+len("…") || !strings.HasSuffix(got, "…") {
		t.Errorf("got %d bytes: %s", len(got), got)
	}
	many := "SELECT a FROM t WHERE id IN (" + strings.Repeat("1,", 4000) + "1)"
	if got := rolling.Shape(many); !strings.HasPrefix(got, "SELECT a FROM t WHERE id IN (?, …") {
		t.Errorf("got %s", got)
	}
}

func FuzzShape(f *testing.F) {
	f.Add("SELECT a FROM t WHERE x IN (", "secret")
	f.Add("INSERT INTO t VALUES (1, ", "it's")
	f.Fuzz(func(t *testing.T, before, value string) {
		got := rolling.Shape(before)
		if len(got) > rolling.ShapeBytesMax+len("…") || !utf8.ValidString(got) {
			t.Fatalf("got %d bytes %q", len(got), got)
		}
		// A text in quotes after a sound beginning never shows.
		value = "Geheimnis" + strings.ReplaceAll(value, "'", "''")
		if got := rolling.Shape("SELECT a FROM t WHERE b = '" + value + "' AND c"); strings.Contains(got, "Geheimnis") {
			t.Fatalf("the value shows: %q", got)
		}
	})
}

func BenchmarkShape(b *testing.B) {
	const sql = "SELECT id, name, price FROM product WHERE category = ? AND price BETWEEN 10 AND 20 ORDER BY name LIMIT 50"
	b.ReportAllocs()
	for b.Loop() {
		rolling.Shape(sql)
	}
}
