package testkit

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
)

const itemRows = 300

// Build makes the database of a kind in dir and gives its path, {dir}/{kind}.db. The
// same kind holds the same content at every run. The file is closed.
func Build(t testing.TB, dir string, kind Kind) string {
	t.Helper()
	r, ok := recipeOf(kind)
	if !ok {
		t.Fatalf("testkit: no kind %q", kind)
	}
	path := filepath.Join(dir, string(kind)+".db")
	if !r.pending {
		build(t, path, kind, r).close()
		return path
	}
	// What is committed and not checkpointed exists only while somebody has the file
	// open, so both files are taken from beneath an open connection nobody writes with.
	scratch := filepath.Join(t.TempDir(), "scratch.db")
	s := build(t, scratch, kind, r)
	defer s.close()
	for _, suffix := range []string{"", "-wal"} {
		if err := fsx.CopyFile(context.Background(), disk(), scratch+suffix, path+suffix, nil); err != nil {
			t.Fatalf("testkit: copy %s: %v", scratch+suffix, err)
		}
	}
	return path
}

// create makes an empty file and opens it as a database.
func create(t testing.TB, path string, pragmas []string) *session {
	t.Helper()
	f, err := disk().Create(path)
	if err != nil {
		t.Fatalf("testkit: create %s: %v", path, err)
	}
	if err := f.Close(); err != nil {
		t.Fatalf("testkit: close %s: %v", path, err)
	}
	s := open(t, path)
	for _, p := range pragmas {
		s.exec("pragma " + p)
	}
	s.exec("pragma synchronous=off") // a test's database need not survive a power cut
	return s
}

func build(t testing.TB, path string, kind Kind, r recipe) *session {
	t.Helper()
	s := create(t, path, r.pragmas)
	s.exec(`create table items(id integer primary key, name text not null, amount real, note text, body blob);
		create index items_name on items(name);`)
	if r.schema != "" {
		s.exec(r.schema)
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(kind)) // a hash never fails
	s.fill(h.Sum64(), func(f *filler) {
		if !r.empty {
			f.items()
		}
		if r.rows != nil {
			r.rows(f)
		}
	})
	if r.pending {
		s.exec("pragma wal_checkpoint(truncate)") // only what follows is pending
	}
	if r.after != "" {
		s.exec(r.after)
	}
	return s
}

// filler writes seeded rows inside one transaction.
type filler struct {
	t    testing.TB
	tx   *sql.Tx
	rng  *rand.Rand
	path string
}

func (s *session) fill(seed uint64, rows func(*filler)) {
	s.t.Helper()
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		s.t.Fatalf("testkit: begin: %v", err)
	}
	rows(&filler{t: s.t, tx: tx, rng: rand.New(rand.NewPCG(seed, 1)), path: s.path})
	if err := tx.Commit(); err != nil {
		s.t.Fatalf("testkit: commit: %v", err)
	}
}

func (f *filler) exec(query string, args ...any) {
	f.t.Helper()
	if _, err := f.tx.ExecContext(context.Background(), query, args...); err != nil {
		f.t.Fatalf("testkit: %s: %.200s: %v", f.path, query, err)
	}
}

// bytes gives n seeded bytes.
func (f *filler) bytes(n int) []byte {
	b := make([]byte, n)
	fillBytes(f.rng, b)
	return b
}

func fillBytes(rng *rand.Rand, b []byte) {
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, rng.Uint64())
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
}

// hex gives 2n hexadecimal digits.
func (f *filler) hex(n int) string { return hex.EncodeToString(f.bytes(n)) }

func (f *filler) items() {
	for i := 1; i <= itemRows; i++ {
		var body any
		if i%3 == 0 {
			body = f.bytes(f.rng.IntN(40))
		}
		f.exec("insert into items values(?,?,?,?,?)", i, fmt.Sprintf("item %d of größe %s", i, f.hex(3)),
			f.rng.Float64()*1000, strings.Repeat(f.hex(20), 1+f.rng.IntN(4)), body)
	}
}

// gap frees the pages of a table that was there for a while.
func (f *filler) gap() {
	f.exec("create table gone(id integer primary key, body blob)")
	for range 200 {
		f.exec("insert into gone(body) values(?)", f.bytes(600))
	}
	f.exec("drop table gone")
}

func (f *filler) keyed() {
	for i := range 400 {
		f.exec("insert into keyed values(?,?,?)", f.hex(4), i%7, f.hex(20+f.rng.IntN(30)))
	}
}

func (f *filler) words() {
	words := []string{"page", "frame", "freelist", "checkpoint", "savepoint", "snapshot", "größe", "b-tree"}
	for i := range 200 {
		title := words[f.rng.IntN(len(words))] + " " + words[i%len(words)]
		f.exec("insert into words(title, body) values(?,?)", title, strings.Repeat(title+" ", 1+f.rng.IntN(20)))
	}
	f.exec("insert into outer_words(outer_words) values('rebuild')")
}

func (f *filler) places() {
	for i := 1; i <= 300; i++ {
		x, y := f.rng.Float64()*360-180, f.rng.Float64()*180-90
		f.exec("insert into places values(?,?,?,?,?,?)", i, x, x+1, y, y+1, f.hex(4))
	}
}

func (f *filler) derived() {
	for i := 1; i <= 200; i++ {
		f.exec("insert into derived(id, a, b) values(?,?,?)", i, f.rng.IntN(1000), f.hex(8))
	}
}

func (f *filler) ranks() {
	for i := 1; i <= 200; i++ {
		f.exec("insert into ranks values(?,?,?)", f.rng.IntN(50), f.hex(6), f.hex(30))
		f.exec("insert into down values(?,?)", i, f.hex(30))
	}
}

func (f *filler) typed() {
	for i := 1; i <= 200; i++ {
		anything := []any{nil, i, float64(i) / 3, f.hex(4), f.bytes(6)}[i%5]
		f.exec("insert into typed values(?,?,?,?,?,?)", i, f.rng.Int64(), f.rng.NormFloat64(), f.hex(10), f.bytes(10), anything)
	}
}

func (f *filler) blobs() {
	for _, size := range []int{0, 1, 100, 489, 490, 4000, 4057, 4061, 4062, 4096, 8192, 70_000, 300_000} {
		f.exec("insert into blobs(body, tail) values(?,?)", f.bytes(size), f.hex(size%97))
	}
}

func (f *filler) nuls() {
	for i := range 100 {
		s := f.hex(i%9) + "\x00" + f.hex(4) + strings.Repeat("\x00", i%3)
		f.exec("insert into nuls(note) values(?)", s)
	}
}

func (f *filler) reals() {
	for i := -100; i < 100; i++ {
		f.exec("insert into reals(r, n) values(?,?)", float64(i*i*i), float64(i)/2)
	}
	for _, r := range []float64{math.Copysign(0, -1), 1e15, 1 << 53, -1 << 53, 1e19, 0.1} {
		f.exec("insert into reals(r, n) values(?,?)", r, r)
	}
}

func (f *filler) odd() {
	for i := range 50 {
		s := fmt.Sprintf("it's \"%d\" -- %s; drop", i, f.hex(10))
		f.exec(`insert into "select" values(?,?,?)`, i, s, "%")
		f.exec(`insert into "with ""quotes"" and 'more'" values(?,?)`, s, i)
		f.exec("insert into [sp ace] values(?)", s)
		f.exec("insert into \"new\nline\" values(?)", s)
		f.exec(`insert into "ünï→码" values(?)`, s)
		f.exec(`insert into "" values(?)`, s)
	}
}

func (f *filler) extremes() {
	for bits := range 63 {
		f.exec("insert into extremes(v, r) values(?,?)", int64(1)<<bits, math.Ldexp(1, bits*16))
		f.exec("insert into extremes(v, r) values(?,?)", -int64(1)<<bits, -math.Ldexp(1, -bits*16))
	}
	for _, v := range []any{nil, "", []byte{}, math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64} {
		f.exec("insert into extremes(v) values(?)", v)
	}
	// Last: once the greatest rowid is taken, SQLite chooses new ones at random.
	for _, id := range []int64{math.MinInt64, -1, 0, math.MaxInt64} {
		f.exec("insert into extremes values(?,?,?)", id, id, float64(id))
	}
}

func (f *filler) counted() {
	for range 100 {
		f.exec("insert into counted(note) values(?)", f.hex(12))
	}
	f.exec("delete from counted where id > 90")
}

func (f *filler) family() {
	for i := 1; i <= 20; i++ {
		f.exec("insert into parent values(?,?)", i, f.hex(5))
	}
	for i := 1; i <= 100; i++ {
		f.exec("insert into child values(?,?,?)", i, 1+f.rng.IntN(20), f.hex(20))
	}
}
