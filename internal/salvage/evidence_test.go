package salvage

import (
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

func integer(v int64) Value { return Value{Class: schema.ClassInteger, Int: v} }
func real(v float64) Value  { return Value{Class: schema.ClassReal, Real: v} }
func text(s string) Value   { return Value{Class: schema.ClassText, Bytes: []byte(s)} }
func blob(s string) Value   { return Value{Class: schema.ClassBlob, Bytes: []byte(s)} }

// A table keeps whole numbers of REAL columns as integers, its index does not.
func TestHash_isThatOfTheValueNotOfItsStorage(t *testing.T) {
	for _, c := range []struct {
		a, b Value
		same bool
	}{
		{integer(3), real(3), true},
		{integer(-1 << 53), real(-1 << 53), true},
		{integer(1<<53 + 1), real(1 << 53), false},
		{integer(1<<63 - 1), integer(1<<63 - 2), false},
		{real(0), Value{Class: schema.ClassReal, Real: negativeZero()}, true},
		{real(0.5), integer(0), false},
		{text("3"), integer(3), false},
		{text("ab"), blob("ab"), false},
		{text("ab\x00"), text("ab"), false},
		{Value{}, integer(0), false},
		{text("twelve bytes"), text("twelve bytez"), false},
	} {
		if same := hashOf([]Value{c.a}) == hashOf([]Value{c.b}); same != c.same {
			t.Errorf("%+v and %+v: same hash %v, want %v", c.a, c.b, same, c.same)
		}
	}
	if hashOf([]Value{text("a"), text("bc")}) == hashOf([]Value{text("ab"), text("c")}) {
		t.Error("where one value ends and the next begins makes no difference")
	}
}

func negativeZero() float64 { return 1 / -1e308 / 1e308 }

func trialOf(t *testing.T, create, createIndex string) *trial {
	t.Helper()
	def, err := schema.ParseTable(create)
	if err != nil {
		t.Fatal(err)
	}
	declared, err := schema.ParseIndex(createIndex)
	if err != nil {
		t.Fatal(err)
	}
	bound, err := declared.Bind(def)
	if err != nil {
		t.Fatal(err)
	}
	tr := newTrial(&table{def: def}, &index{name: "x", def: bound}, page.UTF8)
	if tr == nil {
		t.Fatal("no trial")
	}
	return tr
}

// Rows and their entries cancel out, in whatever order and however far their rowids lie
// apart; one that is missing does not.
func TestTrial_isEvenWhenEveryRowHasItsEntry(t *testing.T) {
	ids := []int64{1, 2, 900, 70_000, 5_000_000, 3, 1 << 40, -7, 1<<62 + 5}
	for _, leave := range []int{-1, 0, 4, 8} {
		tr := trialOf(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b REAL DEFAULT 1.5)", "CREATE INDEX x ON t(b, a DESC)")
		for i, id := range ids {
			if i != leave {
				tr.entry([]Value{real(float64(i)), text("row"), integer(id)})
			}
		}
		for i := len(ids) - 1; i >= 0; i-- {
			tr.row(ids[i], []Value{{}, text("row"), integer(int64(i))})
		}
		even := tr.sums == [buckets]uint32{}
		if even != (leave < 0) || tr.void {
			t.Errorf("without the entry of row %d: even %v, void %v", leave, even, tr.void)
		}
		if leave >= 0 && tr.sums[tr.bucket(uint64(ids[leave]))] == 0 {
			t.Errorf("the bucket of rowid %d is even, and its entry is missing", ids[leave])
		}
	}
}

func TestTrial_knowsTheDefaultOfAShortRecord(t *testing.T) {
	tr := trialOf(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b REAL DEFAULT 1.5)", "CREATE INDEX x ON t(b)")
	tr.row(4, []Value{{}, text("old")})
	tr.entry([]Value{real(1.5), integer(4)})
	if tr.void || tr.sums != [buckets]uint32{} {
		t.Error("a row without the column that was added later is not that of its entry")
	}
	tr = trialOf(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT DEFAULT CURRENT_TIME)", "CREATE INDEX x ON t(b)")
	if tr.row(4, []Value{{}, text("old")}); !tr.void {
		t.Error("a default that only SQLite can tell was told")
	}
}

func TestTrial_ofATableWithoutRowids(t *testing.T) {
	tr := trialOf(t, "CREATE TABLE t(k TEXT, n INT, note, PRIMARY KEY(k, n)) WITHOUT ROWID", "CREATE INDEX x ON t(note)")
	tr.row(0, []Value{text("a"), integer(1), text("one")})
	tr.row(0, []Value{text("b"), integer(2), text("two")})
	tr.entry([]Value{text("two"), text("b"), integer(2)})
	tr.entry([]Value{text("one"), text("a"), integer(1)})
	if tr.sums != [buckets]uint32{} {
		t.Error("rows and their entries do not cancel out")
	}
}

func TestByBits_tellsRotFromWork(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b Value
		rot  bool
	}{
		{"a bit of a letter", text("hello"), text("hmllo"), true},
		{"two bits of a letter", text("hello"), text("hfllo"), false},
		{"a digit for another", text("v1"), text("v3"), false},
		{"a digit that became none", text("v1"), text("vq"), true},
		{"one bit in each of several bytes", blob("\x01\x02\x03"), blob("\x03\x03\x0b"), true},
		{"another length", text("a"), text("ab"), false},
		{"a counter", integer(6), integer(7), false},
		{"a high bit of a number", integer(6), integer(6 + 1<<20), true},
		{"a sum", integer(100_000), integer(250_000), false},
		{"another class", integer(1), real(1), false},
	} {
		if got := byBits(c.a, c.b); got != c.rot {
			t.Errorf("%s: got %v, want %v", c.name, got, c.rot)
		}
	}
}

func TestStatement_isMendedAsFarAsRowsAndIndexesTell(t *testing.T) {
	null, whole, words := schema.ClassNull, schema.ClassInteger, schema.ClassText
	for _, c := range []struct {
		name, sql string
		indexed   []string
		row       []schema.Class
		want      string // "" = it cannot be
	}{
		{"a type", "CREATE TABLE t(id INTEGER PRIMARY KEY, a T\x01\xffT, b INT)", nil, []schema.Class{null, words, whole}, "a"},
		{"a comma and a name", "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT\x01\x02INT)", []string{"b"}, []schema.Class{null, words, whole}, "a,b"},
		{"a name that an index has", "CREATE TABLE t(id INTEGER PRIMARY KEY, \x01\x02\x03 TEXT)", []string{"title"}, []schema.Class{null, words}, "title"},
		{"a name that nothing has", "CREATE TABLE t(id INTEGER PRIMARY KEY, \x01\x02\x03,b)", nil, []schema.Class{null, words, whole}, "column_2"},
		{"the key", "CREATE TABLE t(\x01\x02\x03\x04 KEY, a TEXT)", nil, []schema.Class{null, words}, "column_1 INTEGER PRIMARY KEY"},
		{"the parenthesis", "CREATE TABLE t \x01\x02\x03id INTEGER, a TEXT)", nil, []schema.Class{whole, words}, "id"},
		{"fewer values than columns", "CREATE TABLE t(a, b, \x01, d, e)", nil, []schema.Class{words}, ""},
	} {
		s := statement{rescue: &rescue{}, e: &entry{Object: Object{Name: "t", SQL: c.sql}}, names: c.indexed, rows: [][]schema.Class{c.row}, width: len(c.row)}
		got, ok := s.mendWith()
		if ok != (c.want != "") || ok && !hasDefinitions(got, c.want) {
			t.Errorf("%s: got %q, want one with %q", c.name, got, c.want)
		}
	}
}

func hasDefinitions(sql, want string) bool {
	_, list, _ := strings.Cut(sql, "(")
	for _, w := range strings.Split(want, ",") {
		found := false
		for _, d := range definitions(list) {
			d = strings.ReplaceAll(strings.TrimSpace(d), `"`, "")
			found = found || d == w || strings.HasPrefix(d, w+" ")
		}
		if !found {
			return false
		}
	}
	return true
}
