package check_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/serdes"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/page"
)

// imageOf gives the image of a database that SQL makes.
func imageOf(t testing.TB, sql string) []byte {
	t.Helper()
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec(sql); err != nil {
		t.Fatalf("%.200s: %v", sql, err)
	}
	image, err := serdes.Serialize(db, "main")
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// book is an image with the places of things in it.
type book struct {
	t     testing.TB
	b     []byte
	g     page.Geometry
	roots map[string]uint32
}

func bookOf(t testing.TB, sql string) *book {
	t.Helper()
	k := &book{t: t, b: imageOf(t, sql), roots: map[string]uint32{}}
	file, err := page.OpenFile(bytes.NewReader(k.b), int64(len(k.b)))
	if err != nil {
		t.Fatal(err)
	}
	k.g = file.Geometry
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := serdes.Deserialize(db, "main", k.b); err != nil {
		t.Fatal(err)
	}
	s, _, err := db.Prepare("select name, rootpage from sqlite_schema")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for s.Step() {
		k.roots[s.ColumnText(0)] = uint32(s.ColumnInt64(1))
	}
	return k
}

// page gives the bytes of page n.
func (k *book) page(n uint32) []byte {
	return k.b[int(n-1)*k.g.PageSize : int(n)*k.g.PageSize]
}

func (k *book) node(n uint32) *page.Node {
	k.t.Helper()
	d := new(page.Node)
	if err := d.Parse(&k.g, n, k.page(n)); err != nil {
		k.t.Fatal(err)
	}
	return d
}

func (k *book) cell(n uint32, i int) page.Cell {
	k.t.Helper()
	var c page.Cell
	if err := k.node(n).Cell(i, &c); err != nil {
		k.t.Fatal(err)
	}
	return c
}

// leaf gives the i-th leaf of an object whose tree is two deep, or its only page.
func (k *book) leaf(name string, i int) uint32 {
	if d := k.node(k.roots[name]); !d.Kind.Leaf() {
		return d.Child(i)
	}
	return k.roots[name]
}

func (k *book) put32(n uint32, at int, v uint32) { binary.BigEndian.PutUint32(k.page(n)[at:], v) }

const library = `pragma page_size=512; pragma auto_vacuum=%d;
	create table t(id integer primary key, a text not null, b int, c real);
	create index t_a on t(a collate nocase); create unique index t_b on t(b);
	create table w(k text primary key, v int) without rowid; create index w_v on w(v);
	create table o(id integer primary key, body blob);
	with recursive n(i) as (select 1 union all select i+1 from n where i<100)
		insert into t select i, 'name '||i, i*3, i from n;
	insert into w select a, b from t; insert into o values(1, zeroblob(3000)), (2, zeroblob(5000));
	create table gone(x); insert into gone values(zeroblob(4000)); delete from gone;`

func library0(t testing.TB) *book { return bookOf(t, fmt.Sprintf(library, 0)) }
func library2(t testing.TB) *book { return bookOf(t, fmt.Sprintf(library, 2)) }

// swapCells exchanges two cell pointers of a leaf.
func (k *book) swapCells(n uint32, i, j int) {
	p := k.page(n)
	a, b := p[8+2*i:10+2*i], p[8+2*j:10+2*j]
	a[0], a[1], b[0], b[1] = b[0], b[1], a[0], a[1]
}

func TestVerify_namesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		book   func(testing.TB) *book
		damage func(k *book)
		kind   string
		object string
		want   string // part of the detail
		page   func(k *book) uint32
		rowid  int64
	}{
		{"two parents", library0, func(k *book) {
			root := k.roots["t"]
			k.put32(root, k.cell(root, 1).Offset, k.leaf("t", 0))
		}, "structure", "t", string(page.PageUsedOnce), func(k *book) uint32 { return k.leaf("t", 0) }, 0},
		{"a page that is lost", library0, func(k *book) {
			root := k.roots["t"]
			k.put32(root, k.cell(root, 1).Offset, k.leaf("t", 0))
		}, "structure", "", string(page.PageNeverUsed), nil, 0},
		{"freelist count", library0, func(k *book) { k.b[39]++ }, "structure", "", string(page.FreelistLength), nil, 0},
		{"freelist loop", library0, func(k *book) {
			k.put32(binary.BigEndian.Uint32(k.b[32:]), 0, binary.BigEndian.Uint32(k.b[32:]))
		}, "structure", "", string(page.PageUsedOnce), nil, 0},
		{"overflow cut", library0, func(k *book) {
			k.put32(k.cell(k.leaf("o", 0), 0).Overflow, 0, 0)
		}, "structure", "o", string(page.OverflowLength), nil, 0},
		{"overflow too long", library0, func(k *book) {
			n := k.cell(k.leaf("o", 0), 0).Overflow
			for next := n; next != 0; next = binary.BigEndian.Uint32(k.page(n)) {
				n = next
			}
			k.put32(n, 0, 2)
		}, "structure", "o", string(page.OverflowLength), nil, 0},
		{"rowids out of order", library0, func(k *book) { k.swapCells(k.leaf("t", 0), 0, 1) },
			"structure", "t", string(page.TreeRange), func(k *book) uint32 { return k.leaf("t", 0) }, 1},
		{"rowid beyond its parent's key", library0, func(k *book) {
			n := k.leaf("t", 1)
			k.page(n)[k.cell(n, 0).Offset+1] = 1
		}, "structure", "t", string(page.TreeRange), func(k *book) uint32 { return k.leaf("t", 1) }, 1},
		{"a leaf of another type", library0, func(k *book) { k.page(k.leaf("t", 1))[0] = 10 }, "structure", "t", string(page.TreeKind), nil, 0},
		{"an empty leaf", library0, func(k *book) {
			p := k.page(k.leaf("t", 1))
			copy(p[1:], []byte{0, 0, 0, 0, 2, 0, 0})
		}, "structure", "t", string(page.NodeNoCells), func(k *book) uint32 { return k.leaf("t", 1) }, 0},
		{"another depth", library0, func(k *book) {
			k.put32(k.roots["t"], 8, k.roots["o"]) // an interior page in the place of the last leaf
		}, "structure", "t", string(page.TreeDepth), nil, 0},
		{"pointer map", library2, func(k *book) { k.b[512+5*(k.roots["w"]-3)]++ }, "structure", "w", string(page.MapBack), nil, 0},
		{"pointer map as a page", library2, func(k *book) { k.put32(k.roots["t"], 8, 2) }, "structure", "t", "", nil, 0},
		{"largest root", library2, func(k *book) { k.b[55]-- }, "header", "", string(page.RootMax), nil, 0},
		{"row missing from an index", library0, func(k *book) {
			n := k.leaf("t_b", 0)
			k.page(n)[k.cell(n, 0).Start+3]++ // 3 becomes 4
		}, "index", "t_b", "row 1 of table t is missing from index t_b", nil, 1},
		{"entry that no row has", library0, func(k *book) {
			n := k.leaf("t_b", 0)
			k.page(n)[k.cell(n, 0).Start+3]++
		}, "index", "t_b", "index t_b has an entry for row 1", func(k *book) uint32 { return k.leaf("t_b", 0) }, 1},
		{"the same name in another case", library0, func(k *book) {
			n := k.leaf("t_a", 0)
			k.page(n)[k.cell(n, 0).Start+3] ^= 0x20
		}, "index", "t_a", "row 1 of table t is missing from index t_a", nil, 1},
		{"index out of order", library0, func(k *book) { k.swapCells(k.leaf("t_b", 0), 3, 4) },
			"order", "t_b", "entry out of order in index t_b", func(k *book) uint32 { return k.leaf("t_b", 0) }, 0},
		{"rows out of order", library0, func(k *book) { k.swapCells(k.leaf("w", 0), 0, 1) },
			"order", "w", "row not in PRIMARY KEY order for w", nil, 0},
		{"unique", library0, func(k *book) {
			n := k.leaf("t_b", 0)
			copy(k.page(n)[k.cell(n, 1).Start+3:], k.page(n)[k.cell(n, 0).Start+3:][:1])
		}, "unique", "t_b", "non-unique entry in index t_b", nil, 0},
		{"entry without a rowid", library0, func(k *book) {
			n := k.leaf("t_b", 0)
			k.page(n)[k.cell(n, 1).Start+2] = 0 // one byte less of values
			k.page(n)[k.cell(n, 1).Start+1] = 2
		}, "index", "t_b", "does not end in a rowid", nil, 0},
		{"NULL", library0, func(k *book) {
			n := k.leaf("t", 0)
			p := k.page(n)[k.cell(n, 0).Start:]
			p[2], p[3], p[4] = 0, 1, 40 // a is NULL, b a byte, and c has the six that were a's
		}, "not_null", "t", "NULL value in t.a", func(k *book) uint32 { return k.leaf("t", 0) }, 1},
		{"number in a text column", library0, func(k *book) {
			n := k.leaf("t", 0)
			p := k.page(n)[k.cell(n, 0).Start:]
			p[2], p[3], p[4] = 1, 1, 38
		}, "type", "t", "NUMERIC value in t.a", nil, 1},
		{"text in a number's column", library0, func(k *book) {
			n := k.leaf("t", 0)
			p := k.page(n)[k.cell(n, 0).Start:]
			p[3], p[5+6] = 15, '7' // as long, but text
		}, "type", "t", "TEXT value in t.b", nil, 1},
		{"record too short", library0, func(k *book) {
			n := k.leaf("t", 0)
			k.page(n)[k.cell(n, 0).Start+2] -= 2
		}, "content", "t", string(page.RecordBody), func(k *book) uint32 { return k.leaf("t", 0) }, 1},
		{"reserved serial type", library0, func(k *book) {
			n := k.leaf("t", 0)
			k.page(n)[k.cell(n, 0).Start+1] = 10
		}, "content", "t", string(page.RecordReserved), nil, 1},
		{"root page beyond the file", library0, func(k *book) {
			for rest := k.b; ; { // one of them is what a split left behind
				at := bytes.Index(rest, []byte("tablett"))
				if at < 0 {
					break
				}
				rest = rest[at+7:]
				rest[0] = 100
			}
		}, "schema", "t", "which is no page of the file", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := c.book(t)
			healthy := verifyImage(t, k.b, check.Options{Crew: crew(2)})
			if healthy.Verdict != check.OK {
				t.Fatalf("before the damage: %v %v", healthy.Findings, healthy.Unjudged)
			}
			want := check.Finding{Kind: c.kind, Object: c.object, Rowid: c.rowid, HasRowid: c.rowid != 0}
			if c.page != nil {
				want.Page = int64(c.page(k))
			}
			c.damage(k)
			out := verifyImage(t, k.b, check.Options{Crew: crew(2)})
			if out.Verdict != check.Damaged || !reports(out.Findings, want, c.want) {
				t.Errorf("got %s %v, want %+v with %q", out.Verdict, out.Findings, want, c.want)
			}
			again := verifyImage(t, k.b, check.Options{Crew: crew(2), Seed: seed()})
			if fmt.Sprint(again.Findings) != fmt.Sprint(out.Findings) {
				t.Errorf("got %v, then %v", out.Findings, again.Findings)
			}
		})
	}
}

// reports tells whether a list has a finding; page and rowid 0 are any.
func reports(list []check.Finding, want check.Finding, detail string) bool {
	for _, f := range list {
		if f.Kind == want.Kind && f.Object == want.Object && strings.Contains(f.Detail, detail) &&
			(want.Page == 0 || f.Page == want.Page) && (!want.HasRowid || f.HasRowid && f.Rowid == want.Rowid) {
			return true
		}
	}
	return false
}

func TestVerify_boundsItsFindings(t *testing.T) {
	k := library0(t)
	for n := range k.g.Count - 1 {
		clear(k.page(n + 2))
	}
	out := verifyImage(t, k.b, check.Options{FindingsMax: 3})
	if len(out.Findings) != 3 || out.More == 0 {
		t.Errorf("got %d findings and %d more, want 3 and some more", len(out.Findings), out.More)
	}
}

func TestVerify_withoutAJudgeNamesWhatItWouldAsk(t *testing.T) {
	out := verifyImage(t, imageOf(t, `create table t(a check(a > 0), b int as (a) virtual, c); create index i on t(c) where a > 1; create index j on t(a+1);
		create view v as select 1`), check.Options{})
	var got []string
	for _, u := range out.Unjudged {
		got = append(got, u.Object+": "+u.Detail)
	}
	want := `sqlite_schema: only SQLite can compile its expressions, views and triggers
t: CHECK constraints
t: generated column b
t: index i is on a WHERE clause
t: index j is on an expression`
	if strings.Join(got, "\n") != want || out.Verdict != check.CannotJudge {
		t.Errorf("got %s\n%s\nwant\n%s", out.Verdict, strings.Join(got, "\n"), want)
	}
}

func TestVerify_ofAForeignCollationCannotJudgeTheOrder(t *testing.T) {
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.CreateCollation("backwards", func(a, b []byte) int { return bytes.Compare(b, a) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(`create table t(a text collate backwards, b); create index i on t(a); insert into t values('x', 1), ('y', 2), ('z', 3)`); err != nil {
		t.Fatal(err)
	}
	image, err := serdes.Serialize(db, "main")
	if err != nil {
		t.Fatal(err)
	}
	out := verifyImage(t, image, check.Options{})
	want := check.Finding{Kind: "module", Object: "i", Detail: "no such collation sequence: backwards"}
	if out.Verdict != check.CannotJudge || len(out.Unjudged) != 1 || out.Unjudged[0] != want {
		t.Errorf("got %s %v %v, want cannot_judge: %v", out.Verdict, out.Findings, out.Unjudged, want)
	}
	k := bytes.LastIndex(image, []byte("z"))
	image[k] = 'w' // in the index alone, where order says nothing but content does
	if out := verifyImage(t, image, check.Options{}); out.Verdict != check.Damaged {
		t.Errorf("other content: got %s", out.Verdict)
	}
}

func TestVerify_notesASequenceThatIsBehind(t *testing.T) {
	out := verifyImage(t, imageOf(t, `create table t(id integer primary key autoincrement, x); insert into t(x) values(1), (2), (3);
		create table u(id integer primary key autoincrement); insert into u values(7); update sqlite_sequence set seq = 2 where name = 't'`), check.Options{})
	if out.Verdict != check.OK || len(out.Notes) != 1 || out.Notes[0].Object != "t" || out.Notes[0].Rowid != 3 {
		t.Errorf("got %s, notes %v, want ok and a note on t", out.Verdict, out.Notes)
	}
}

// flaky gives every page as it is, until it has been asked for page n so many times.
type flaky struct {
	page.Pages
	n     uint32
	after int
	err   error
}

func (f *flaky) ReadPage(n uint32, into []byte) error {
	if n == f.n {
		if f.after--; f.after < 0 {
			return f.err
		}
	}
	return f.Pages.ReadPage(n, into)
}

func TestVerify_whenReadingFailsGivesNoVerdict(t *testing.T) {
	k := library0(t)
	file, err := page.OpenFile(bytes.NewReader(k.b), int64(len(k.b)))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("input/output error")
	for n := range k.g.Count {
		db := check.Database{Pages: &flaky{Pages: file, n: n + 1, err: broken, after: 1}, Header: file.Header, Geometry: file.Geometry}
		if out, err := check.Verify(context.Background(), db, check.Options{}); !errors.Is(err, broken) && out.Verdict != check.OK {
			t.Errorf("page %d: got %v, %v", n+1, out, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := check.Verify(ctx, check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}, check.Options{}); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestVerify_ofAnEmptyDatabase(t *testing.T) {
	out := verifyImage(t, imageOf(t, "pragma user_version=5"), check.Options{})
	if out.Verdict != check.OK {
		t.Errorf("got %s %v", out.Verdict, out.Findings)
	}
}

// TestVerify_ofAFormatOfTheFutureCannotJudge: what a newer SQLite wrote is not damaged, and
// who called it so would repair it away (P4).
func TestVerify_ofAFormatOfTheFutureCannotJudge(t *testing.T) {
	image := imageOf(t, "create table t(x); insert into t values(1)")
	image[47] = page.SchemaFormatMax + 1
	if out := verifyImage(t, image, check.Options{}); out.Verdict != check.CannotJudge {
		t.Errorf("got %s %v, want cannot judge", out.Verdict, out.Findings)
	}
}
