package salvage

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/testkit"
)

// class is one way to lose data.
type class struct {
	name string
	// damage makes a damaged database in dir and says where the truth is and what was done.
	damage func(t testing.TB, f *fixture, dir string, seed uint64) (damaged, truth, did string)
	kinds  func(testkit.Kind) bool // nil = all
	blind  string                  // why a wrong row cannot be seen, "" = there must be none
	floor  float64                 // of the rows, in percent, without an older copy
	lent   float64                 // the same with one
	known  float64                 // of the rows that the older copy has unchanged, how many it confirms, in percent
}

// in damages the healthy file of a fixture.
func in(make func(t testing.TB, path string, seed uint64) string) func(testing.TB, *fixture, string, uint64) (string, string, string) {
	return func(t testing.TB, f *fixture, dir string, seed uint64) (string, string, string) {
		t.Helper()
		path := copied(t, f.healthy, filepath.Join(dir, "damaged.db"))
		return path, f.healthy, make(t, path, seed)
	}
}

// beside damages the file and the log of a state of a fixture.
func beside(truth func(*walStates) string, make func(t testing.TB, w *walStates, path string, seed uint64) string) func(testing.TB, *fixture, string, uint64) (string, string, string) {
	return func(t testing.TB, f *fixture, dir string, seed uint64) (string, string, string) {
		t.Helper()
		path := copiedWhole(t, f.wal().file, filepath.Join(dir, "damaged.db"))
		return path, truth(f.wal()), make(t, f.wal(), path, seed)
	}
}

func ofTable(make func(t testing.TB, path, table string, seed uint64) string, table string) func(testing.TB, string, uint64) string {
	return func(t testing.TB, path string, seed uint64) string {
		t.Helper()
		return make(t, path, table, seed)
	}
}

// zeroRoots wipes the roots of tables.
func zeroRoots(t testing.TB, path string, tables ...string) string {
	t.Helper()
	db := opened(t, path)
	defer db.Close()
	var pageSize int64
	if err := db.QueryRow("PRAGMA page_size").Scan(&pageSize); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, table := range tables {
		var root int64
		if err := db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name=?", table).Scan(&root); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(make([]byte, pageSize), (root-1)*pageSize); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("overwrote the roots of %v with zeros", tables)
}

// mapped damages a table of a database that was given a pointer map.
func mapped(make func(t testing.TB, path, table string, seed uint64) string, table string) func(testing.TB, string, uint64) string {
	return func(t testing.TB, path string, seed uint64) string {
		t.Helper()
		change(t, path, "PRAGMA auto_vacuum=FULL", "VACUUM")
		return make(t, path, table, seed)
	}
}

func only(kinds ...testkit.Kind) func(testkit.Kind) bool {
	return func(k testkit.Kind) bool {
		for _, kind := range kinds {
			if k == kind {
				return true
			}
		}
		return false
	}
}

const (
	unseenFlip = "a bit of a value that no index holds breaks no rule"
	unseenTwin = "a page of an index may look like one of its WITHOUT ROWID table, and one shadow table like another"
	unseenOld  = "an older image of a page breaks no rule where no index tells of the change"
)

func classes() []class {
	return append(fileClasses(), logClasses()...)
}

func fileClasses() []class {
	older := func(make func(testing.TB, string, string, uint64) string) func(testing.TB, *fixture, string, uint64) (string, string, string) {
		return func(t testing.TB, f *fixture, dir string, seed uint64) (string, string, string) {
			t.Helper()
			path := copied(t, f.healthy, filepath.Join(dir, "damaged.db"))
			return path, f.healthy, make(t, path, f.older, seed)
		}
	}
	deep := only(testkit.Page512, testkit.Page1024, testkit.AutoVacuumFull)
	chained := only(testkit.OverflowBlobs)
	cut := func(inside int64) func(testing.TB, string, uint64) string {
		return func(t testing.TB, path string, seed uint64) string {
			t.Helper()
			info, err := fsx.OS().Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			bytes := info.Size() * int64(60+seed%35) / 100
			return testkit.TruncateAt(t, path, bytes/65536*65536+(bytes%65536)/512*512+inside)
		}
	}
	some := func(t testing.TB, path string, seed uint64) string {
		t.Helper()
		return testkit.ZeroPages(t, path, 0.05, seed)
	}
	alike := func(t testing.TB, f *fixture, dir string, _ uint64) (string, string, string) {
		t.Helper()
		path := copied(t, f.healthy, filepath.Join(dir, "damaged.db"))
		change(t, path, "CREATE TABLE twin_a(id INTEGER PRIMARY KEY, note TEXT)", "CREATE TABLE twin_b(id INTEGER PRIMARY KEY, note TEXT)",
			"INSERT INTO twin_a SELECT id, 'a ' || note || hex(zeroblob(60)) FROM items", "INSERT INTO twin_b SELECT id, 'b ' || note || hex(zeroblob(60)) FROM items")
		truth := copied(t, path, filepath.Join(dir, "truth.db"))
		return path, truth, zeroRoots(t, path, "twin_a", "twin_b")
	}
	return []class{
		{name: "roots of two alike tables zeroed, with a pointer map", damage: alike, kinds: only(testkit.AutoVacuumFull, testkit.AutoVacuumIncremental), floor: 100, lent: 100, known: 99},
		{name: "bit flipped anywhere", damage: in(testkit.FlipBit), blind: unseenFlip, floor: 97, lent: 97, known: 99},
		{name: "values flipped", damage: in(ofTable(testkit.Flip, "items")), blind: unseenFlip, floor: 90, lent: 90, known: 99},
		{name: "page zeroed", damage: in(testkit.ZeroPage), floor: 90, lent: 98, known: 99},
		{name: "5 % of the pages zeroed", damage: in(some), floor: 70, lent: 97, known: 99},
		{name: "page random", damage: in(testkit.RandomPage), floor: 90, lent: 98, known: 99},
		{name: "page torn", damage: older(testkit.TearPage), blind: unseenOld, floor: 90, lent: 90, known: 99},
		{name: "page stale", damage: older(testkit.StalePage), blind: unseenOld, floor: 85, lent: 90, known: 99},
		{name: "two pages swapped", damage: in(testkit.SwapPages), blind: unseenTwin, floor: 95, lent: 98, known: 95},
		{name: "tail cut off", damage: in(cut(0)), floor: 30, lent: 90, known: 99},
		{name: "tail cut off inside a page", damage: in(cut(13)), floor: 30, lent: 90, known: 99},
		{name: "header gone", damage: in(testkit.DestroyHeader), floor: 100, lent: 100, known: 99},
		{name: "page 1 zeroed", damage: in(testkit.ZeroFirstPage), floor: 0, lent: 100, known: 99},
		{name: "freelist loops", damage: in(testkit.LoopFreelist), kinds: only(testkit.Freelist, testkit.AutoVacuumIncremental), floor: 100, lent: 100, known: 99},
		{name: "interior pointer wrong", damage: in(ofTable(testkit.WrongChild, "items")), kinds: deep, floor: 100, lent: 100, known: 99},
		{name: "cell pointers garbled", damage: in(ofTable(testkit.GarbleCells, "items")), floor: 100, lent: 100, known: 99},
		{name: "overflow chain cut", damage: in(ofTable(testkit.CutChain, "blobs")), kinds: chained, floor: 99, lent: 99.9, known: 99},
		{name: "overflow chains crossed", damage: in(ofTable(testkit.CrossChains, "blobs")), kinds: chained, floor: 99, lent: 99.9, known: 99},
		{name: "overflow chain cut, with a pointer map", damage: in(mapped(testkit.CutChain, "blobs")), kinds: chained, floor: 99, lent: 99.9, known: 99},
		{name: "overflow chains crossed, with a pointer map", damage: in(mapped(testkit.CrossChains, "blobs")), kinds: chained, floor: 99.6, lent: 99.9, known: 99},
		{name: "index damaged", damage: in(testkit.ZeroIndex), floor: 100, lent: 100, known: 99},
		{name: "row removed", damage: in(ofTable(testkit.RemoveRow, "items")), floor: 99, lent: 99.5, known: 99},
		{name: "root in the schema wrong", damage: in(ofTable(testkit.WrongRoot, "items")), floor: 100, lent: 100, known: 99},
		{name: "SQL in the schema garbled", damage: in(ofTable(testkit.GarbleSQL, "items")), floor: 30, lent: 100, known: 99},
	}
}

func logClasses() []class {
	own := func(w *walStates) string { return w.file }
	plain := func(make func(testing.TB, string, uint64) string) func(testing.TB, *walStates, string, uint64) string {
		return func(t testing.TB, _ *walStates, path string, seed uint64) string {
			t.Helper()
			return make(t, path, seed)
		}
	}
	lost := func(t testing.TB, path string, _ uint64) string {
		t.Helper()
		if err := fsx.OS().Remove(path + "-wal"); err != nil {
			t.Fatal(err)
		}
		return "took the log away"
	}
	old := func(t testing.TB, w *walStates, path string, _ uint64) string {
		t.Helper()
		replace(t, w.newer, path)
		return "put a newer file beside the log"
	}
	ahead := func(t testing.TB, w *walStates, path string, _ uint64) string {
		t.Helper()
		replace(t, w.newerLog+"-wal", path+"-wal")
		return "put a newer log beside the file"
	}
	leftover := func(make func(testing.TB, string, uint64) string) func(testing.TB, *fixture, string, uint64) (string, string, string) {
		return func(t testing.TB, f *fixture, dir string, seed uint64) (string, string, string) {
			t.Helper()
			path := copiedWhole(t, f.wal().begun, filepath.Join(dir, "damaged.db"))
			return path, f.wal().begun, make(t, path, seed)
		}
	}
	some := func(t testing.TB, path string, seed uint64) string {
		t.Helper()
		return testkit.ZeroPages(t, path, 0.05, seed)
	}
	return []class{
		{name: "log begun again, page zeroed", damage: leftover(ofTable(testkit.ZeroPageOf, "items")), floor: 80, lent: 90, known: 99},
		{name: "log begun again, 5 % of the pages zeroed", damage: leftover(some), floor: 70, lent: 90, known: 99},
		{name: "log begun again, page 1 zeroed", damage: leftover(testkit.ZeroFirstPage), floor: 0, lent: 90, known: 99},
		{name: "log: bit flipped", damage: beside(own, plain(testkit.FlipFrame)), floor: 100, lent: 100, known: 99},
		{name: "log: frame random", damage: beside(own, plain(testkit.RandomFrame)), floor: 95, lent: 95, known: 99},
		{name: "log: header gone", damage: beside(own, plain(testkit.DestroyWALHeader)), floor: 100, lent: 100, known: 99},
		{name: "log: cut", damage: beside(own, plain(testkit.CutWAL)), floor: 40, lent: 40},
		{name: "log: lost", damage: beside(own, plain(lost)), floor: 30, lent: 30},
		{name: "log: stale", damage: beside(func(w *walStates) string { return w.newer }, old), floor: 100, lent: 100},
		{name: "log: newer than its file", damage: beside(func(w *walStates) string { return w.newerLog }, ahead), floor: 40, lent: 40},
	}
}

func replace(t testing.TB, from, to string) {
	t.Helper()
	if err := fsx.OS().Remove(to); err != nil {
		t.Fatal(err)
	}
	copied(t, from, to)
}
