package schema

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/driver" // carries the library
)

// open makes an empty database in memory.
func open(t testing.TB) *sqlite3.Conn {
	t.Helper()
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.CreateCollation("german", func(a, b []byte) int { return strings.Compare(string(a), string(b)) }); err != nil {
		t.Fatal(err)
	}
	return db
}

func rows(t testing.TB, db *sqlite3.Conn, query string, each func(s *sqlite3.Stmt)) {
	t.Helper()
	s, _, err := db.Prepare(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer s.Close()
	for s.Step() {
		each(s)
	}
	if err := s.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func literalOf(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// ddl are statements whose reading is compared with what SQLite itself says of them.
var ddl = []string{
	`create table t(a)`,
	`create table t(a, b, c, a2, primary key(c, a))`,
	`create table t(id integer primary key, name text not null unique, "a ""q"" b" varchar(20, 3) default 'x')`,
	`create table t(id INTEGER PRIMARY KEY DESC, b)`,
	`create table t(id integer, b, primary key(id desc))`,
	`create table t(id integer primary key autoincrement, b blob)`,
	`create table t(id int primary key, b)`,
	`create table t(id "INTEGER" primary key)`,
	`create table t([id] [integer] primary key, 'b' 'text')`,
	`create table t(a unsigned big int, b double precision, c character varying(255), d charint, e floating point, f blobtext, g, h decimal(10,-5), i boolean, j "any thing")`,
	`create table t(a /*int*/ foo /* int */ bar, b -- text
		real)`,
	`create table t(a collate nocase unique, b unique collate rtrim, c, unique(a, b), unique(b, a), unique(a), unique(c collate nocase), unique(c))`,
	`create table t(a unique on conflict replace, b not null on conflict ignore primary key on conflict fail)`,
	`create table t(a, b, c, primary key(b, a)) without rowid`,
	`create table t(a, b integer primary key desc, c) without rowid`,
	`create table t(a integer, b, c, primary key(a desc)) without rowid`,
	`create table t(a integer primary key, b unique, c) without rowid; create index i on t(c desc, b); create unique index j on t(a, c)`,
	`create table t(a, b, c, d, e, primary key(d, c, a)) without rowid; create index i1 on t(c, e); create index i2 on t(a, c, d, e); create index i3 on t(a collate nocase, e)`,
	`create table t(a, b, c, primary key(a, b, a, B, c, a collate nocase)) without rowid`,
	`create table t(a, b, c, primary key(a desc, b)) without rowid; create index i on t(c)`,
	`create table t(a, b, c, primary key(a desc, b), unique(c)) without rowid`,
	`create table t(a integer unique, b, primary key(a)) without rowid`,
	`create table t(a int, b integer, c real, d text, e blob, f any) strict`,
	`create table t(a int primary key, b any) strict, without rowid`,
	`create table t(a int, b int as (a+1), c text generated always as ('x') stored, d int not null as (a) virtual)`,
	`create table t(a, b as (a) stored, primary key(a)) without rowid`,
	`create table t(a check(a > 0), b, constraint foo check (b in (1, (2), 3)), check(1))`,
	`create table p(x primary key, y, unique(y)); create table t(a references p, b references p(y) on delete set null on update cascade match full deferrable initially deferred, foreign key(a, b) references q(x, y) not deferrable)`,
	`create table t(a default 1, b default -5, c default +2.5, d default (3), e default null, f default true, g text default 7, h integer default '12', i real default 3, j default x'00ff', k default 'it''s', l default current_timestamp, m default (1+2), n default abc, o text default 1.50, p int default 2.0, q default 0x1F, r default -9223372036854775808, s int default ' 12 ', t int default '1e2')`,
	`create table t(abort, action, after, "order" int, "primary", key, asc, desc integer, left, temp, with, without, generated, always)`,
	`create table t(a, b); create index i on t(a, b desc); create unique index "i 2" on t("b", 'a' collate nocase asc); create index i3 on t(a collate german)`,
	`create table t(a, b); create index i on t(a+1); create index j on t(b) where a > 0; create index k on t(abs(a), b); create index l on t((a))`,
	`create table t(a, b text collate nocase); create index i on t(a + 1 desc); create index j on t(b || 'x', a); create index k on t(lower(b) asc)`,
	`create table t(a, b int as (a) collate nocase, c as (b) stored, unique(b, a)); create index i on t(b desc, c); create unique index j on t(b)`,
	`create table t(ü, größe text); create index i on t(Größe)`,
	`create table t(a, constraint x primary key(a) unique(a))`,
	`create table t(a constraint c1 not null constraint c2 unique constraint c3)`,
	"create table t(`a` text, b);  create index\n i on t ( a ) ;",
	`create table "t""2"(a primary key, b); create index "x y" on "t""2"(b)`,
	`create table t(a integer primary key, b, unique(a), unique(a, b)); create index i on t(b, a)`,
	`create table t(a text collate "NOCASE", b collate german)`,
	`create table sqlite_like(a)`,
}

func TestParse_saysWhatSQLiteSays(t *testing.T) {
	for _, sql := range ddl {
		t.Run(sql[:min(len(sql), 60)], func(t *testing.T) {
			db := open(t)
			if err := db.Exec(sql); err != nil && !strings.Contains(err.Error(), "reserved") {
				t.Fatal(err)
			}
			compareAll(t, db)
		})
	}
}

// compareAll reads every object of a database's schema and compares.
func compareAll(t *testing.T, db *sqlite3.Conn) {
	t.Helper()
	tables := map[string]*Table{}
	var objects [][4]string
	rows(t, db, `select type, name, tbl_name, sql from sqlite_schema where sql is not null order by rowid`, func(s *sqlite3.Stmt) {
		objects = append(objects, [4]string{s.ColumnText(0), s.ColumnText(1), s.ColumnText(2), s.ColumnText(3)})
	})
	for _, o := range objects {
		kind, name, of, sql := o[0], o[1], o[2], o[3]
		switch kind {
		case "table":
			table, err := ParseTable(sql)
			if err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			if table.Name != name {
				t.Errorf("got table %q, want %q", table.Name, name)
			}
			tables[name] = table
			compareTable(t, db, table)
		case "index":
			d, err := ParseIndex(sql)
			if err != nil || d.Name != name || d.Table != of {
				t.Fatalf("%s: got %+v, %v", sql, d, err)
			}
			x, err := d.Bind(tables[of])
			if err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			compareIndex(t, db, tables[of], x)
		}
	}
}

func compareTable(t *testing.T, db *sqlite3.Conn, table *Table) {
	t.Helper()
	n := 0
	rows(t, db, `pragma table_xinfo(`+quote(table.Name)+`)`, func(s *sqlite3.Stmt) {
		c := table.Columns[n]
		hidden := map[Generated]int{NotGenerated: 0, Virtual: 2, Stored: 3}[c.Generated]
		got := fmt.Sprintf("%s %v %v %d", c.Name, c.NotNull, c.Key, hidden)
		// A WITHOUT ROWID or STRICT table's key is NOT NULL without a word in the pragma.
		want := fmt.Sprintf("%s %v %v %d", s.ColumnText(1), s.ColumnBool(3), s.ColumnInt(5) > 0, s.ColumnInt(6))
		if got != want {
			t.Errorf("column: got %s, want %s", got, want)
		}
		if got := strings.Join(strings.Fields(c.Type), " "); !strings.EqualFold(got, strings.Join(strings.Fields(s.ColumnText(2)), " ")) {
			t.Errorf("type of %s: got %q, want %q", c.Name, c.Type, s.ColumnText(2))
		}
		n++
	})
	if n != len(table.Columns) {
		t.Errorf("got %d columns, want %d", len(table.Columns), n)
	}
	rows(t, db, `select wr, strict from pragma_table_list where name = `+literalOf(table.Name)+` and schema = 'main'`, func(s *sqlite3.Stmt) {
		if s.ColumnBool(0) != table.WithoutRowid || s.ColumnBool(1) != table.Strict {
			t.Errorf("got WITHOUT ROWID %v, STRICT %v", table.WithoutRowid, table.Strict)
		}
	})
	implied := map[string]bool{}
	rows(t, db, `select name, origin from pragma_index_list(`+literalOf(table.Name)+`)`, func(s *sqlite3.Stmt) {
		if s.ColumnText(1) != "c" {
			implied[s.ColumnText(0)] = true
		}
	})
	for _, x := range table.Implied {
		if !implied[x.Name] {
			t.Errorf("got implied index %s, want none of that name", x.Name)
			continue
		}
		delete(implied, x.Name)
		compareIndex(t, db, table, x)
	}
	if len(implied) > 0 {
		t.Errorf("got no implied index %v", implied)
	}
	compareForeignKeys(t, db, table)
	compareDefaults(t, db, table)
}

func compareIndex(t *testing.T, db *sqlite3.Conn, table *Table, x *Index) {
	t.Helper()
	var got, want []string
	for i, p := range x.Entry {
		coll := p.Collation
		got = append(got, fmt.Sprintf("%d %v %s %v", p.Column, p.Desc, coll, i < len(x.Parts)))
	}
	rows(t, db, `pragma index_xinfo(`+quote(x.Name)+`)`, func(s *sqlite3.Stmt) {
		want = append(want, fmt.Sprintf("%d %v %s %v", s.ColumnInt(1), s.ColumnBool(3), Fold(s.ColumnText(4)), s.ColumnBool(5)))
	})
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("index %s of %s: got %q, want %q", x.Name, table.Name, got, want)
	}
}

func compareForeignKeys(t *testing.T, db *sqlite3.Conn, table *Table) {
	t.Helper()
	var got, want []string
	for i, k := range table.ForeignKeys {
		for j, c := range k.Columns {
			parent := ""
			if len(k.Parents) > 0 {
				parent = k.Parents[j]
			}
			// The pragma counts from the last one to the first.
			got = append(got, fmt.Sprintf("%d %s %s %s", len(table.ForeignKeys)-1-i, table.Columns[c].Name, k.Parent, parent))
		}
	}
	rows(t, db, `select id, "from", "table", "to" from pragma_foreign_key_list(`+literalOf(table.Name)+`) order by id desc, seq`, func(s *sqlite3.Stmt) {
		want = append(want, fmt.Sprintf("%d %s %s %s", s.ColumnInt(0), s.ColumnText(1), s.ColumnText(2), s.ColumnText(3)))
	})
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("foreign keys: got %q, want %q", got, want)
	}
}

// compareDefaults adds the columns with defaults to a table that has a row already, and
// compares what SQLite makes of the missing values.
func compareDefaults(t *testing.T, db *sqlite3.Conn, table *Table) {
	t.Helper()
	types := map[Affinity]string{Blob: "", Text: "text", Numeric: "numeric", Integer: "int", Real: "real"}
	for _, c := range table.Columns {
		if c.Default.Known != DefaultValue {
			continue
		}
		var declared string
		rows(t, db, `select dflt_value from pragma_table_info(`+literalOf(table.Name)+`) where name = `+literalOf(c.Name), func(s *sqlite3.Stmt) { declared = s.ColumnText(0) })
		err := db.Exec(`create table old(x); insert into old values(1); alter table old add column y ` + types[c.Affinity] + ` default ` + declared)
		if err != nil {
			t.Fatal(err)
		}
		rows(t, db, `select y, typeof(y) from old`, func(s *sqlite3.Stmt) {
			d := c.Default
			got := map[Class]string{ClassNull: "null ", ClassInteger: fmt.Sprint("integer ", d.Int), ClassReal: fmt.Sprint("real ", d.Real), ClassText: "text " + d.Bytes, ClassBlob: "blob " + d.Bytes}[d.Class]
			if c.Affinity == Real && d.Class == ClassInteger {
				got = fmt.Sprintf("real %.1f", float64(d.Int))
			}
			if want := s.ColumnText(1) + " " + s.ColumnText(0); got != want {
				t.Errorf("default %s of affinity %d: got %q, want %q", declared, c.Affinity, got, want)
			}
		})
		if err := db.Exec(`drop table old`); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParse_namesWhatItDoesNotUnderstand(t *testing.T) {
	for sql, what := range map[string]string{
		`create table t(a int, )`:                                            ")",
		`create table t(a, a)`:                                               "a",
		`create table t(a) foo`:                                              "foo",
		`create table t(select)`:                                             "select",
		`create table t(a 'x`:                                                "'x",
		`create table t(a check())`:                                          ")",
		`create table t(a, primary key(b))`:                                  "b",
		`create table t(a primary key primary key)`:                          "key",
		`create table t(a int autoincrement)`:                                "autoincrement",
		`create table t as select 1`:                                         "as",
		`create table t(a) without rowid`:                                    "the end of the statement",
		`create table t(a foo) strict`:                                       "foo",
		`create table t(a int primary key, b foo) strict, without rowid`:     "foo",
		`create table t(a integer primary key, b foo) strict, without rowid`: "foo",
		`create table t(a) -- x` + "\n" + `; ;`:                              ";",
		`create virtual table t using fts5(a)`:                               "create",
		`create table t(a default 1_000)`:                                    "1",
		`create table t(a, b references p(x, y))`:                            ")",
		``: "the end of the statement",
	} {
		_, err := ParseTable(sql)
		var u *UnusualError
		if !errors.As(err, &u) || u.What != what {
			t.Errorf("%s: got %v, want %q not understood", sql, err, what)
		}
	}
}

func TestParse_notesExpressions(t *testing.T) {
	table, err := ParseTable(`create table t(a check(a > ')'), b int as (a * 2), c default (abs(-1)), check(b <> c))`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(table.Opaque, ", "), "CHECK constraints, generated column b"; got != want || !table.Uncompiled {
		t.Errorf("got %q, want %q", got, want)
	}
	if table.Columns[2].Default.Known != DefaultUnknown {
		t.Error("default (abs(-1)): want unknown")
	}
	if got := fmt.Sprint(table.Stored); got != "[0 2]" {
		t.Errorf("stored columns: got %s, want [0 2]", got)
	}
}

// wide makes no table; it makes the parser run a long way.
func TestParse_takesLinearTime(t *testing.T) {
	sql := `create table t(a check(` + strings.Repeat("(", 1<<16) + strings.Repeat(")", 1<<16) + `))`
	if _, err := ParseTable(sql); err != nil {
		t.Error(err)
	}
	if _, err := ParseTable(`create table t(a` + strings.Repeat(", b", 1<<16) + `)`); err == nil {
		t.Error("the same name over and over: got no error")
	}
}

// What stands in parentheses or behind a sign is no name; found by FuzzParse.
func TestParse_leavesNamesInDefaultsToSQLite(t *testing.T) {
	for _, value := range []string{"(abc)", "(+abc)", `("abc")`, "(-abc)", `(+[abc])`} {
		table, err := ParseTable(`create table t(a, b default ` + value + `)`)
		if err == nil && !table.Uncompiled {
			t.Errorf("default %s: accepted, which SQLite does not", value)
		}
	}
	for _, value := range []string{"+abc", `+"abc"`, "+true", "-abc", "-true"} {
		if _, err := ParseTable(`create table t(a, b default ` + value + `)`); err == nil {
			t.Errorf("default %s: accepted, which SQLite does not", value)
		}
	}
	for _, value := range []string{"abc", `"abc"`, "true", "+null", "(null)", "(true)", "(+'abc')", "+current_date"} {
		if _, err := ParseTable(`create table t(a, b default ` + value + `)`); err != nil {
			t.Errorf("default %s: %v", value, err)
		}
	}
}

// A comma stands before the first constraint of a table, but need not between two; found by FuzzParse.
func TestParse_wantsACommaBeforeTheFirstConstraint(t *testing.T) {
	for sql, want := range map[string]bool{
		"create table t(a, b references p foreign key(a) references q)":      false,
		"create table t(a int, b int foreign key(a) references q)":           false,
		"create table t(a, b, unique(a) foreign key(a) references q)":        true,
		"create table t(a, b, unique(a), foreign key(a) references q)":       true,
		"create table t(a, b, unique(a),)":                                   false,
		"create table t(a, b, constraint x unique(a) constraint y check(a))": true,
	} {
		if _, err := ParseTable(sql); (err == nil) != want {
			t.Errorf("%s: got %v, want that it can be read: %v", sql, err, want)
		}
	}
}

// FuzzParse: what SQLite refuses may be accepted only if something in it was left to
// SQLite.
func FuzzParse(f *testing.F) {
	for _, sql := range ddl {
		for part := range strings.SplitSeq(sql, ";") {
			f.Add(strings.TrimSpace(part))
		}
	}
	f.Add(`create table t(a integer primary key, b foo) strict, without rowid`)
	f.Fuzz(func(t *testing.T, sql string) {
		if d, err := ParseIndex(sql); err == nil {
			if table, err := ParseTable(`create table t(a, b text, c int as (a))`); err == nil {
				_, _ = d.Bind(table)
			}
		}
		table, err := ParseTable(sql)
		if err != nil || table.Uncompiled || strings.ContainsAny(sql, "\x00") {
			return
		}
		db, err := sqlite3.Open(":memory:")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Exec(sql); err != nil && !harmless(err) {
			t.Fatalf("SQLite refuses %q: %v", sql, err)
		}
	})
}

// harmless are complaints about names, which are no matter of reading.
func harmless(err error) bool {
	for _, s := range []string{"reserved for internal use", "no such collation", "already exists", "may not be", "foreign key on"} {
		if strings.Contains(err.Error(), s) {
			return true
		}
	}
	return false
}
