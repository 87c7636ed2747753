package salvage_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/testkit"
)

// collector keeps what a salvage finds.
type collector struct {
	plan   *salvage.Plan
	rows   map[string]map[int64]collected
	strays int
}

type collected struct {
	image   string
	from    salvage.Origin
	doubt   string
	proof   salvage.Proof
	undated bool
}

func (k *collector) Begin(p *salvage.Plan) error {
	k.plan, k.rows = p, map[string]map[int64]collected{}
	return nil
}

func (k *collector) Row(r *salvage.Row) (salvage.Outcome, error) {
	name := k.plan.Tables[r.Table].Name
	if k.rows[name] == nil {
		k.rows[name] = map[int64]collected{}
	}
	id := r.Rowid
	if k.plan.Tables[r.Table].Def.WithoutRowid { // a number of its own for each key
		h := fnv.New64a()
		_, _ = h.Write(r.Values[0].Bytes)
		id = int64(h.Sum64())
	}
	if _, twice := k.rows[name][id]; twice {
		return salvage.Duplicate, nil
	}
	k.rows[name][id] = collected{fmt.Sprintf("%+v", r.Values), r.From, r.Doubt, r.Proof, r.Undated}
	return salvage.Taken, nil
}

func (k *collector) Stray(*salvage.Stray) error {
	k.strays++
	return nil
}

// salvaged salvages a file with the log beside it.
func salvaged(t *testing.T, path string) (*collector, *salvage.Report) {
	t.Helper()
	file, log := fileOf(t, path), []byte(nil)
	if _, err := os.Stat(path + "-wal"); err == nil {
		log = fileOf(t, path+"-wal")
	}
	return salvagedBytes(t, file, log)
}

func salvagedBytes(t *testing.T, file, log []byte) (*collector, *salvage.Report) {
	t.Helper()
	src := salvage.Source{File: bytes.NewReader(file), FileBytes: int64(len(file))}
	if len(log) > 0 {
		src.WAL, src.WALBytes = bytes.NewReader(log), int64(len(log))
	}
	k := &collector{}
	report, err := salvage.Run(src, salvage.Options{}, k)
	if err != nil {
		t.Fatal(err)
	}
	return k, report
}

func fileOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func run(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// chained is a database with a pointer map and chains of the same length.
func chained(t *testing.T) string {
	t.Helper()
	path := testkit.Build(t, t.TempDir(), testkit.Delete)
	run(t, path, "PRAGMA auto_vacuum=FULL", "VACUUM", "CREATE TABLE blobs(id INTEGER PRIMARY KEY, body BLOB)",
		"INSERT INTO blobs SELECT id, randomblob(30000 + id % 3) FROM items WHERE id <= 12")
	return path
}

// A chain that was cut goes on where the pointer map says, also when several would do.
func TestRun_putsChainsTogetherByThePointerMap(t *testing.T) {
	path := chained(t)
	whole, _ := salvaged(t, path)
	file := fileOf(t, path)
	h, err := page.ParseHeader(file)
	if err != nil {
		t.Fatal(err)
	}
	g := page.NewGeometry(h, uint32(len(file)/h.PageSize))
	cut := 0
	for n := uint32(3); n < g.Count && cut < 5; n++ {
		m, at := g.MapFor(n)
		link, err := page.ParseBackLink(&g, m, file[int(m-1)*g.PageSize:], at)
		if b := file[int(n-1)*g.PageSize:]; err == nil && link.Kind == page.MapOverflowFirst && binary.BigEndian.Uint32(b) != 0 {
			binary.BigEndian.PutUint32(b, 0)
			cut++
		}
	}
	if cut < 5 {
		t.Fatalf("%d chains were cut, want 5", cut)
	}
	got, _ := salvagedBytes(t, file, nil)
	doubted := 0
	for id, want := range whole.rows["blobs"] {
		have := got.rows["blobs"][id]
		if have.image != want.image {
			t.Errorf("row %d is not what it was", id)
		}
		if have.doubt != "" {
			doubted++
		}
	}
	if doubted != 5 || got.strays != 0 {
		t.Errorf("%d rows doubted and %d set aside, want 5 and 0", doubted, got.strays)
	}
	// What a damaged map says gives no row a page that does not end its chain.
	for n := uint32(3); n < g.Count; n++ {
		if m, at := g.MapFor(n); m != 0 {
			binary.BigEndian.PutUint32(file[int(m-1)*g.PageSize+at+1:], 7)
		}
	}
	got, _ = salvagedBytes(t, file, nil)
	for id, have := range got.rows["blobs"] {
		if have.doubt == "" && have.image != whole.rows["blobs"][id].image {
			t.Errorf("row %d is wrong, and nothing speaks against it", id)
		}
	}
	if n := len(got.rows["blobs"]); n < 7 {
		t.Errorf("%d rows came back with a damaged map, want at least those 7 whose chains are whole", n)
	}
}

// A page that was wiped takes the row with it, whatever is left of the chain behind it.
func TestRun_doesNotGoOnBehindAWipedPage(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.OverflowBlobs)
	whole, _ := salvaged(t, path)
	for seed := range uint64(12) {
		damaged := filepath.Join(t.TempDir(), "damaged.db")
		if err := os.WriteFile(damaged, fileOf(t, path), 0o600); err != nil {
			t.Fatal(err)
		}
		did := testkit.CutChain(t, damaged, "blobs", seed)
		got, _ := salvaged(t, damaged)
		for id, have := range got.rows["blobs"] {
			if want := whole.rows["blobs"][id].image; have.image != want {
				t.Errorf("%s: row %d is not what it was (%s)", did, id, have.doubt)
			}
		}
	}
}
