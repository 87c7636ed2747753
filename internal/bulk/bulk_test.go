package bulk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/bulk"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(m.b)) {
		return 0, io.EOF
	}
	n := copy(p, m.b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if end := int(off) + len(p); end > len(m.b) {
		m.b = append(m.b, make([]byte, end-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memory) Truncate(size int64) error {
	m.b = m.b[:min(size, int64(len(m.b)))]
	return nil
}

// database makes a database with SQLite.
func database(t testing.TB, sql string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.db")
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Exec(sql), db.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// query gives the first value of each row.
func query(t testing.TB, image []byte, sql string) (list []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, _, err := db.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for s.Step() {
		list = append(list, s.ColumnText(0))
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// verified checks an image from its pages and gives the content of its tables.
func verified(t testing.TB, image []byte) map[string]check.Content {
	t.Helper()
	f, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Header.Validate(int64(len(image))); err != nil {
		t.Fatal(err)
	}
	out, err := check.Verify(context.Background(), check.Database{Pages: f, Header: f.Header, Geometry: f.Geometry}, check.Options{Digest: true})
	if err != nil || out.Verdict != check.OK || len(out.Notes) > 0 {
		t.Fatalf("%v %s %v %v", err, out.Verdict, out.Findings, out.Notes)
	}
	tables := map[string]check.Content{}
	for _, c := range out.Tables {
		tables[c.Name] = check.Content{Rows: c.Rows, Digest: c.Digest}
	}
	return tables
}

// value is a value of a row, as it is bound to a statement.
type value struct {
	class schema.Class
	i     int64
	r     float64
	b     []byte
}

func randomValue(rng *rand.Rand, longest int) value {
	switch rng.IntN(8) {
	case 0:
		return value{}
	case 1:
		return value{class: schema.ClassInteger, i: int64(rng.IntN(5) - 2)}
	case 2:
		return value{class: schema.ClassInteger, i: int64(rng.Uint64()) >> rng.IntN(64)}
	case 3:
		return value{class: schema.ClassReal, r: rng.NormFloat64() * math.Pow(10, float64(rng.IntN(40)-20))}
	case 4:
		return value{class: schema.ClassReal, r: float64(int64(rng.Uint64())>>rng.IntN(64)) + float64(rng.IntN(2))/2}
	case 5:
		b := make([]byte, rng.IntN(20))
		for i := range b {
			b[i] = byte(rng.IntN(3)) * 127
		}
		return value{class: schema.ClassBlob, b: b}
	}
	n := rng.IntN(12)
	if rng.IntN(10) == 0 {
		n = rng.IntN(longest)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = "aAbB \x00zZ[_"[rng.IntN(10)]
	}
	return value{class: schema.ClassText, b: b}
}

func (v value) into(r *bulk.Record, e page.Encoding) {
	switch v.class {
	case schema.ClassNull:
		r.Null()
	case schema.ClassInteger:
		r.Int(v.i)
	case schema.ClassReal:
		r.Real(v.r)
	case schema.ClassText:
		r.Text(e.AppendFrom(nil, string(v.b)))
	default:
		r.Blob(v.b)
	}
}

func (v value) key(k *bulk.Key, collation string, desc bool) {
	switch v.class {
	case schema.ClassNull:
		k.Null(desc)
	case schema.ClassInteger:
		k.Int(v.i, desc)
	case schema.ClassReal:
		k.Real(v.r, desc)
	case schema.ClassText:
		k.Text(k.Encoding.AppendFrom(nil, string(v.b)), collation, desc)
	default:
		k.Blob(v.b, desc)
	}
}

func (v value) bind(s *sqlite3.Stmt, i int) error {
	switch v.class {
	case schema.ClassInteger:
		return s.BindInt64(i, v.i)
	case schema.ClassReal:
		return s.BindFloat(i, v.r)
	case schema.ClassText:
		return s.BindRawText(i, v.b)
	case schema.ClassBlob:
		if len(v.b) == 0 {
			return s.BindZeroBlob(i, 0)
		}
		return s.BindBlob(i, v.b)
	}
	return s.BindNull(i)
}

// shape is a schema whose three trees the tests fill: a table, its index, and a table
// without rowids.
type shape struct {
	pageSize  int
	encoding  page.Encoding
	collation string
	desc      bool
}

func (s shape) sql() string {
	direction := ""
	if s.desc {
		direction = "DESC"
	}
	return fmt.Sprintf(`PRAGMA page_size=%d; PRAGMA encoding='%s'; CREATE TABLE t(a, b);
		CREATE INDEX x ON t(b COLLATE %s %s, a); CREATE TABLE w(k INTEGER PRIMARY KEY, v) WITHOUT ROWID;`, s.pageSize, s.encoding, s.collation, direction)
}

// fill writes all three trees into an image that SQLite has made.
func (s shape) fill(t testing.TB, image []byte, rows [][2]value, memoryBytes int) []byte {
	t.Helper()
	m := &memory{bytes.Clone(image)}
	f, err := bulk.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	table, index, keyed := bulk.NewTable(f, 2), bulk.NewIndex(f, 3), bulk.NewIndex(f, 4)
	spill := bulk.Spill{Open: func() (bulk.SpillFile, error) { return &memory{}, nil }}
	sorter := bulk.NewSorter(memoryBytes, &spill)
	var r bulk.Record
	k := bulk.Key{Encoding: s.encoding}
	for i, row := range rows {
		rowid := int64(i)*3 - 5
		r.Reset()
		row[0].into(&r, s.encoding)
		row[1].into(&r, s.encoding)
		err = errors.Join(err, table.Row(rowid, r.Bytes()))
		r.Reset()
		row[1].into(&r, s.encoding)
		row[0].into(&r, s.encoding)
		r.Int(rowid)
		k.Reset()
		row[1].key(&k, s.collation, s.desc)
		row[0].key(&k, schema.Binary, false)
		k.Int(rowid, false)
		err = errors.Join(err, sorter.Add(k.Bytes(), r.Bytes(), 0))
		r.Reset()
		r.Int(rowid)
		row[1].into(&r, s.encoding)
		err = errors.Join(err, keyed.Entry(r.Bytes()))
	}
	err = errors.Join(err, sorter.Each(func(payload []byte, _ bool) error { return index.Entry(payload) }))
	for i, tree := range []*bulk.Tree{table, index, keyed} {
		root, failed := tree.Finish()
		if err = errors.Join(err, failed); root != uint32(i+2) || tree.Cells() != int64(len(rows)) {
			t.Fatalf("got root %d and %d cells, want %d and %d", root, tree.Cells(), i+2, len(rows))
		}
	}
	if err = errors.Join(err, f.Publish()); err != nil {
		t.Fatal(err)
	}
	return m.b
}

// byInserts lets SQLite do the same.
func (s shape) byInserts(t testing.TB, rows [][2]value) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "inserted.db")
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec(`PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;` + s.sql() + `BEGIN`); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{`INSERT INTO t(a,b,rowid) VALUES(?,?,?)`, `INSERT INTO w(v,k) SELECT ?2,?3 WHERE 1 OR ?1`} {
		in, _, err := db.Prepare(sql)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			if err := errors.Join(row[0].bind(in, 1), row[1].bind(in, 2), in.BindInt64(3, int64(i)*3-5), in.Exec()); err != nil {
				t.Fatal(err)
			}
		}
		in.Close()
	}
	if err := db.Exec(`COMMIT`); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Three trees written from their leaves up hold what SQLite's own hold, in all page sizes,
// encodings and orders, and SQLite finds nothing wrong with them.
func TestTree_holdsWhatInsertsWouldHold(t *testing.T) {
	for i, s := range []shape{
		{512, page.UTF8, schema.Binary, false}, {1024, page.UTF16LE, schema.NoCase, true}, {2048, page.UTF16BE, schema.RTrim, false},
		{4096, page.UTF8, schema.NoCase, true}, {8192, page.UTF8, schema.RTrim, true}, {16384, page.UTF16BE, schema.Binary, true},
		{32768, page.UTF8, schema.NoCase, false}, {65536, page.UTF16LE, schema.Binary, false},
	} {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			var rows [][2]value
			for range 3000 {
				rows = append(rows, [2]value{randomValue(rng, 600), randomValue(rng, 6*s.pageSize%9000)})
			}
			got := s.fill(t, database(t, s.sql()), rows, 50_000)
			if said := query(t, got, `PRAGMA integrity_check`); len(said) != 1 || said[0] != "ok" {
				t.Fatalf("SQLite says %v", said)
			}
			have, want := verified(t, got), verified(t, s.byInserts(t, rows))
			for _, name := range []string{"t", "w"} {
				if have[name] != want[name] || have[name].Rows != int64(len(rows)) {
					t.Errorf("table %s: got %+v, want %+v", name, have[name], want[name])
				}
			}
		})
	}
}

// Whatever the number of cells, no page is left without one: each level may end anywhere.
func TestTree_mayEndAnywhere(t *testing.T) {
	s := shape{512, page.UTF8, schema.Binary, false}
	image := database(t, s.sql())
	long := value{class: schema.ClassText, b: bytes.Repeat([]byte("long "), 19)} // four cells of an index on a page
	short := value{class: schema.ClassInteger, i: 1}
	for n := range 150 {
		for _, v := range []value{short, long} {
			rows := make([][2]value, n)
			for i := range rows {
				rows[i] = [2]value{v, v}
			}
			if got := verified(t, s.fill(t, image, rows, 1<<20)); got["t"].Rows != int64(n) || got["w"].Rows != int64(n) {
				t.Fatalf("%d rows: got %v", n, got)
			}
		}
	}
}

// A key compares as SQLite compares its values, under each collation and in both
// directions.
func TestKey_sortsAsSQLiteDoes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var rows [][2]value
	extremes := []value{
		{class: schema.ClassInteger, i: math.MaxInt64}, {class: schema.ClassInteger, i: math.MinInt64},
		{class: schema.ClassReal, r: math.MaxInt64}, {class: schema.ClassReal, r: math.MinInt64},
		{class: schema.ClassInteger, i: 1<<53 + 1}, {class: schema.ClassReal, r: 1 << 53}, {class: schema.ClassInteger, i: 1 << 53},
		{class: schema.ClassInteger, i: -1<<53 - 1}, {class: schema.ClassReal, r: -1 << 53}, {class: schema.ClassReal, r: math.Copysign(0, -1)},
		{class: schema.ClassInteger}, {class: schema.ClassReal, r: math.Inf(1)}, {class: schema.ClassReal, r: math.Inf(-1)},
		{class: schema.ClassInteger, i: math.MaxInt64 - 600}, {class: schema.ClassInteger, i: math.MaxInt64 - 400},
		{class: schema.ClassText, b: []byte{}}, {class: schema.ClassBlob}, {class: schema.ClassText, b: []byte("a\x00bc")}, {class: schema.ClassText, b: []byte("A\x00cdd")},
		{class: schema.ClassText, b: []byte("é")}, {class: schema.ClassText, b: []byte("\uffff")}, {class: schema.ClassText, b: []byte("𝄞")},
	}
	for _, v := range extremes {
		rows = append(rows, [2]value{v, v})
	}
	for range 2000 {
		rows = append(rows, [2]value{randomValue(rng, 40), randomValue(rng, 40)})
	}
	for _, e := range []page.Encoding{page.UTF8, page.UTF16LE, page.UTF16BE} {
		image := shape{4096, e, schema.Binary, false}.byInserts(t, rows)
		for _, collation := range []string{schema.Binary, schema.NoCase, schema.RTrim} {
			for _, desc := range []bool{false, true} {
				spill := bulk.Spill{Open: func() (bulk.SpillFile, error) { return &memory{}, nil }}
				sorter, k := bulk.NewSorter(1<<20, &spill), bulk.Key{Encoding: e}
				for i, row := range rows {
					k.Reset()
					row[1].key(&k, collation, desc)
					row[0].key(&k, collation, !desc)
					k.Int(int64(i), false)
					if err := sorter.Add(k.Bytes(), fmt.Append(nil, i*3-5), 0); err != nil {
						t.Fatal(err)
					}
				}
				direction := map[bool]string{true: "DESC", false: "ASC"}
				want := query(t, image, fmt.Sprintf(`SELECT rowid FROM t ORDER BY b COLLATE %s %s, a COLLATE %s %s, rowid`, collation, direction[desc], collation, direction[!desc]))
				i := 0
				err := sorter.Each(func(payload []byte, _ bool) error {
					if string(payload) != want[i] {
						t.Fatalf("%s %s %v: at %d got row %s, want %s", e, collation, desc, i, payload, want[i])
					}
					i++
					return nil
				})
				if err != nil || i != len(rows) {
					t.Fatalf("%v, %d rows, want %d", err, i, len(rows))
				}
			}
		}
	}
}

// Entries come out in order however little memory there is, and those that repeat what
// must be distinct are told.
func TestSorter_sortsInLittleMemory(t *testing.T) {
	for _, memoryBytes := range []int{1, 400, 5_000, 1 << 20} {
		rng := rand.New(rand.NewPCG(uint64(memoryBytes), 3))
		spill := bulk.Spill{Open: func() (bulk.SpillFile, error) { return &memory{}, nil }}
		s := bulk.NewSorter(memoryBytes, &spill)
		twice := map[string]int{}
		for i := range 6000 {
			key := fmt.Appendf(nil, "%08d%04d", rng.IntN(5000), i)
			distinct := 8
			if i%3 == 0 {
				distinct = 0 // one with NULL in it
			} else {
				twice[string(key[:8])]++
			}
			if i%1000 == 999 {
				key = append(key, make([]byte, 30_000)...)
			}
			if err := s.Add(key, key, distinct); err != nil {
				t.Fatal(err)
			}
		}
		want := 0
		for _, n := range twice {
			want += n - 1
		}
		var last []byte
		got, entries := 0, 0
		err := s.Each(func(payload []byte, twice bool) error {
			if bytes.Compare(payload, last) <= 0 {
				t.Fatalf("%.20s comes after %.20s", payload, last)
			}
			last = append(last[:0], payload...)
			if entries++; twice {
				got++
			}
			return nil
		})
		if err != nil || got != want || entries != 6000 {
			t.Errorf("%d bytes: %v, %d entries, %d of them twice, want 6000 and %d", memoryBytes, err, entries, got, want)
		}
	}
	s := bulk.NewSorter(1<<20, nil)
	if err := s.Add(make([]byte, 140_000), nil, 0); !errors.Is(err, bulk.ErrLong) {
		t.Errorf("got %v, want %v", err, bulk.ErrLong)
	}
}

// errDisk is that of a disk in tests.
var errDisk = errors.New("no room")

func TestSorter_tellsWhenItCannotSpill(t *testing.T) {
	spill := bulk.Spill{Open: func() (bulk.SpillFile, error) { return nil, errDisk }}
	s := bulk.NewSorter(10, &spill)
	err := errors.Join(s.Add([]byte("a"), nil, 0), s.Add([]byte("b"), nil, 0))
	if !errors.Is(err, errDisk) {
		t.Errorf("got %v, want %v", err, errDisk)
	}
}

func TestOpen_refusesPointerMaps(t *testing.T) {
	image := database(t, `PRAGMA auto_vacuum=FULL; CREATE TABLE t(a)`)
	if _, err := bulk.Open(&memory{image}); !errors.Is(err, bulk.ErrPointerMap) {
		t.Errorf("got %v, want %v", err, bulk.ErrPointerMap)
	}
}

func TestTree_refusesRowsOutOfOrder(t *testing.T) {
	m := &memory{database(t, `CREATE TABLE t(a)`)}
	f, err := bulk.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	tree := bulk.NewTable(f, 2)
	if err := errors.Join(tree.Row(3, []byte{2, 8}), tree.Row(4, []byte{2, 8})); err != nil {
		t.Fatal(err)
	}
	if err := tree.Row(4, []byte{2, 8}); !errors.Is(err, bulk.ErrOrder) {
		t.Errorf("got %v, want %v", err, bulk.ErrOrder)
	}
}

// SQLite and File write by turns: each sees what the other has done, and what was taken
// back leaves no page.
func TestFile_takesTurnsWithSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "turns.db")
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec(`CREATE TABLE t(a); CREATE TABLE s(a)`); err != nil {
		t.Fatal(err)
	}
	to, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	f, err := bulk.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	table := bulk.NewTable(f, 2)
	var r bulk.Record
	rowid := int64(0)
	for turn := range 6 {
		if turn > 0 {
			if err := f.Resume(); err != nil {
				t.Fatal(err)
			}
		}
		mark := f.Mark()
		unwanted := bulk.NewIndex(f, 0)
		for range 3000 {
			r.Reset()
			r.Int(rowid)
			if err := unwanted.Entry(r.Bytes()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := unwanted.Finish(); err != nil {
			t.Fatal(err)
		}
		if err := f.Rewind(mark); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			r.Reset()
			r.Text(bytes.Repeat([]byte("x"), 300))
			if err := table.Row(rowid, r.Bytes()); err != nil {
				t.Fatal(err)
			}
			rowid++
		}
		if turn == 5 {
			if _, err := table.Finish(); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Publish(); err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(`WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO s SELECT hex(randomblob(50)) FROM n`); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := verified(t, image)
	if got["t"].Rows != rowid || got["s"].Rows != 3000 || query(t, image, `PRAGMA integrity_check`)[0] != "ok" {
		t.Errorf("got %v", got)
	}
}
