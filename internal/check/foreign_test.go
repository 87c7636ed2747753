package check_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/sqlite"
)

// orphansOf looks for orphans from pages, and has SQLite list them, too.
func orphansOf(t testing.TB, sql string) (check.Orphans, check.Report) {
	t.Helper()
	image := imageOf(t, sql)
	path := filepath.Join(t.TempDir(), "family.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.Open(context.Background(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	report, err := c.CheckForeignKeys(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	out, err := check.FindOrphans(context.Background(), check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}, check.Options{Crew: crew(2), Seed: seed()}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return out, report
}

const many = ` with recursive n(i) as (select 1 union all select i+1 from n where i<400) `

// family is a schema with rows whose parents are missing, or the reason why only SQLite
// can tell.
type family struct{ sql, doubt string }

func families() map[string]family {
	return map[string]family{
		"rowid": {`create table p(id integer primary key, x); create table c(id integer primary key, p int references p);` + many + `insert into p select i*2, i from n;` +
			many + `insert into c select i, case when i % 7 then i end from n;`, ""},
		"scattered rowids": {`create table p(id integer primary key); create table c(id integer primary key, p int references p);` +
			many + `insert into p select (i*7919*1000003*1009) - 9000000000000 from n;` + many + `insert into c select i, (i*7919*1000003*1009) - 9000000000000 + (i % 5 = 0) from n;`, ""},
		"rowid by name": {`create table p(id integer primary key); create table c(a, b int references p(id)); insert into p values(1), (2);
			insert into c values(1, 1), (2, 3), (3, null), (4, 'x'), (5, 2.5), (6, 2.0), (7, x'01')`, ""},
		"unique text": {`create table p(a text unique, b int); create table c(a text references p(a)); insert into p values('x', 1), ('y', 2), (null, 3);
			insert into c values('x'), ('X'), ('y '), (null), ('z')`, ""},
		"many texts": {`create table p(a text unique); create table c(a text references p(a));` + many + `insert into p select 'name ' || i from n;` +
			many + `insert into c select 'name ' || (i*2) from n`, ""},
		"nocase": {`create table p(a text collate nocase unique); create table c(a text references p(a)); insert into p values('Name'), ('b'||char(0)||'x');
			insert into c values('NAME'), ('name '), ('B'||char(0)||'Y'), ('b')`, ""},
		"rtrim in UTF-16": {`pragma encoding='UTF-16le'; create table p(a text collate rtrim primary key); create table c(a text references p);
			insert into p values('x  '), ('ü'); insert into c values('x'), ('x '), ('X'), ('ü   ')`, ""},
		"two columns": {`create table p(a int, b text, primary key(b, a)); create table c(x text, y int, foreign key(x, y) references p);
			create table d(x text, y int, foreign key(y, x) references p(a, b));
			insert into p values(1, 'a'), (2, 'b'); insert into c values('a', 1), ('b', 1), (null, 5), ('b', 2); insert into d select * from c`, ""},
		"without rowid": {`create table p(k text primary key, v) without rowid; create table c(k text primary key references p, v) without rowid;
			insert into p values('a', 1); insert into c values('a', 1), ('b', 2)`, ""},
		"no such table": {`create table c(a references nobody, b); insert into c values(1, 1), (null, 2)`, ""},
		"itself":        {`create table t(id integer primary key, up int references t); insert into t values(1, null), (2, 1), (3, 9)`, ""},
		"a later column": {`create table p(id integer primary key); create table c(a); insert into c values(1);
			alter table c add column p int default null references p; insert into c values(2, 7)`, ""},
		"behind overflow": {`create table p(id integer primary key); create table c(a, p int references p); insert into p values(1);
			insert into c values(zeroblob(9000), 1), (zeroblob(9000), 2)`, ""},
		"three generations": {`create table a(id integer primary key, b int references b); create table b(id integer primary key, c int references c);
			create table c(id integer primary key); insert into c values(1), (2); insert into b values(1, 1), (2, 3), (9, 2); insert into a values(1, 1), (2, 9), (3, 8), (4, null)`, ""},
		"each other": {`create table a(id integer primary key, b int references b); create table b(id integer primary key, a int references a);
			insert into a values(1, 1), (2, 5); insert into b values(1, 2), (2, 7)`, ""},
		"keys of all kinds": {`create table c(id integer primary key, p int references p, q text references p(name), r int references p, up int references c, x references nobody);
			create table p(id integer primary key, name text unique); insert into p values(1, 'a'), (2, 'b');
			insert into c values(1, 1, 'a', 2, null, null), (2, 3, 'c', 4, 1, 0), (3, null, 'b', 9, 7, null), (4, 8, null, 1, 4, 5)`, ""},
		"many keys": {manyKeys(40), ""},
		"unique index": {`create table p(a int, b int); create unique index i on p(b, a); create table c(x int, y int, foreign key(x, y) references p(a, b));
			insert into p values(1, 2); insert into c values(1, 2), (2, 1)`, ""},
		"text to number": {`create table p(id integer primary key); create table c(p text references p); insert into p values(1); insert into c values('1')`,
			"text is compared with a number"},
		"number to text": {`create table p(a text primary key); create table c(a int references p); insert into p values('1'); insert into c values(1)`,
			"a number is compared with text"},
		"mismatch":         {`create table p(a, b); create table c(a references p(a)); insert into c values(1)`, "foreign key mismatch: the parent has no such key"},
		"part of an index": {`create table p(a, b, unique(a, b)); create table c(a references p(a)); insert into c values(1)`, "foreign key mismatch: the parent has no such key"},
		"a view":           {`create view p as select 1 as a; create table c(a references p); insert into c values(1)`, "its parent p is not understood here"},
	}
}

// manyKeys is a table with so many keys, of each of which one row has no parent.
func manyKeys(n int) string {
	var parents, columns, first, second strings.Builder
	for i := range n {
		fmt.Fprintf(&parents, "create table p%d(id integer primary key); insert into p%d values(1);", i, i)
		fmt.Fprintf(&columns, ", a%d int references p%d", i, i)
		first.WriteString(", 1")
		fmt.Fprintf(&second, ", %d", 1+i%3)
	}
	return parents.String() + "create table c(id integer primary key" + columns.String() + ");" +
		"insert into c values(1" + first.String() + "), (2" + second.String() + ");"
}

// The first ones are the same whatever is asked for, for all that tables are read in another order.
func TestFindOrphans_listsTheFirstOfAll(t *testing.T) {
	for _, name := range []string{"three generations", "keys of all kinds", "many keys"} {
		image := imageOf(t, "pragma foreign_keys=off; "+families()[name].sql)
		file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			t.Fatal(err)
		}
		db := check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}
		all, err := check.FindOrphans(t.Context(), db, check.Options{}, 1000)
		if err != nil || all.More || len(all.List) < 2 {
			t.Fatalf("%s: %v, more %v, %v", name, all.List, all.More, err)
		}
		for limit := 1; limit <= len(all.List); limit++ {
			out, err := check.FindOrphans(t.Context(), db, check.Options{Crew: crew(2)}, limit)
			if err != nil || !slices.Equal(out.List, all.List[:limit]) || out.More != (limit < len(all.List)) {
				t.Errorf("%s: the first %d of %v are %v, more %v, %v", name, limit, all.List, out.List, out.More, err)
			}
		}
	}
}

func TestFindOrphans_findsThoseThatSQLiteFinds(t *testing.T) {
	for name, c := range families() {
		t.Run(name, func(t *testing.T) {
			out, report := orphansOf(t, "pragma foreign_keys=off; "+c.sql)
			if c.doubt != "" {
				if len(out.Unjudged) != 1 || out.Unjudged[0].Detail != c.doubt {
					t.Errorf("got %v, want not judged: %s", out.Unjudged, c.doubt)
				}
				return
			}
			list := func(keys []check.ForeignKey) (s []string) {
				for _, k := range keys {
					s = append(s, fmt.Sprint(k))
				}
				slices.Sort(s)
				return s
			}
			if got, want := list(out.List), list(report.ForeignKeys); !slices.Equal(got, want) || len(out.Unjudged) > 0 || len(want) == 0 {
				t.Errorf("got %v %v, want %v", got, out.Unjudged, want)
			}
		})
	}
}

func TestFindOrphans_listsUpToTheLimit(t *testing.T) {
	image := imageOf(t, "pragma foreign_keys=off; "+families()["rowid"].sql)
	file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	db := check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}
	out, err := check.FindOrphans(t.Context(), db, check.Options{}, 5)
	if err != nil || len(out.List) != 5 || !out.More || out.List[0].Rowid != 1 {
		t.Errorf("got %v, more %v, %v, want the first five and more", out.List, out.More, err)
	}
	all, err := check.FindOrphans(t.Context(), db, check.Options{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(all.List) == 0 {
		t.Error("got no orphans at all")
	}
}

// A set of keys that grows too large is taken in turns; rowids that lie scattered become one.
func TestFindOrphans_holdsOnlySoManyKeys(t *testing.T) {
	for _, name := range []string{"scattered rowids", "many texts"} {
		image := imageOf(t, "pragma foreign_keys=off; "+families()[name].sql)
		file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			t.Fatal(err)
		}
		db := check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}
		all, err := check.FindOrphans(t.Context(), db, check.Options{}, 1000)
		if err != nil || len(all.List) == 0 {
			t.Fatalf("%s: got %d orphans, %v", name, len(all.List), err)
		}
		inTurns, err := check.FindOrphans(t.Context(), db, check.Options{Crew: crew(2), KeysMax: 30}, 1000)
		if err != nil || !slices.Equal(inTurns.List, all.List) {
			t.Errorf("%s, 30 keys at once: got %d orphans, %v, want the same %d", name, len(inTurns.List), err, len(all.List))
		}
	}
}

func TestFindOrphans_ofKeysThatNeedTooManyTurnsEnds(t *testing.T) {
	image := imageOf(t, "pragma foreign_keys=off; "+families()["many texts"].sql)
	file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	db := check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}
	if out, err := check.FindOrphans(t.Context(), db, check.Options{KeysMax: 1}, 5); err != nil {
		t.Errorf("one key at once: got %v, %v, want an end", out, err)
	}
}

// randomFamily makes parents and children of one or two columns, whose types, collations
// and values have little to do with each other.
func randomFamily(rng *rand.Rand) string {
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	value := func() string {
		n := rng.IntN(30) - 8
		return pick(fmt.Sprint(n), fmt.Sprint(n), fmt.Sprintf("%d.0", n), fmt.Sprintf("%d.5", n), fmt.Sprintf("'%c'", 'a'+rng.IntN(6)), fmt.Sprintf("'%c '", 'A'+rng.IntN(6)),
			fmt.Sprintf("'%d'", n), "null", fmt.Sprintf("x'%02x'", rng.IntN(9)), fmt.Sprint(int64(rng.Uint64())), "9.2e18", "-9223372036854775808")
	}
	kind := func() string { return pick("int", "text", "real", "numeric", "blob", "") }
	var b strings.Builder
	b.WriteString(pick("", "", "pragma encoding='UTF-16be';"))
	parent := pick("k integer primary key, v int)", "v, k integer primary key)", "k "+kind()+" primary key, v)", "k "+kind()+" unique, v)",
		"k "+kind()+" collate "+pick("nocase", "rtrim", "binary")+" unique, v)", "k "+kind()+" primary key, v) without rowid")
	fmt.Fprintf(&b, "create table p(%s; create table c(k %s references p(k), v%s);", parent, kind(), pick("", "", ", id integer primary key", ", l "+kind()+" references p(k)"))
	for range 40 {
		fmt.Fprintf(&b, "insert or ignore into p(k, v) select x, 1 from (select %s as x)", value())
		if strings.Contains(parent, "integer primary key") { // which takes nothing else
			b.WriteString(" where typeof(x) = 'integer'")
		}
		b.WriteByte(';')
	}
	for range 60 {
		fmt.Fprintf(&b, "insert into c(k, v) values(%s, %s);", value(), pick("1", "zeroblob(5000)"))
	}
	return b.String()
}

// What pages judge, SQLite judges alike; what it cannot compare is left to it.
func TestFindOrphans_agreesWithSQLiteAtRandom(t *testing.T) {
	judged, orphans := 0, 0
	for i := range uint64(count(t, 120)) {
		seed := first() + i
		sql := randomFamily(rand.New(rand.NewPCG(seed, 5)))
		out, report := orphansOf(t, "pragma foreign_keys=off; "+sql)
		if len(out.Unjudged) > 0 {
			continue
		}
		judged++
		orphans += len(out.List)
		compare := func(a, b check.ForeignKey) int {
			return cmp.Or(cmp.Compare(a.Rowid, b.Rowid), cmp.Compare(a.Parent, b.Parent))
		}
		slices.SortFunc(out.List, compare)
		slices.SortFunc(report.ForeignKeys, compare)
		if !slices.Equal(out.List, report.ForeignKeys) {
			t.Errorf("seed %d: got %v, want %v\n%s", seed, out.List, report.ForeignKeys, sql)
		}
	}
	if judged < 10 || orphans == 0 {
		t.Errorf("%d families were judged, with %d orphans", judged, orphans)
	}
	t.Logf("%d families judged, %d orphans", judged, orphans)
}
