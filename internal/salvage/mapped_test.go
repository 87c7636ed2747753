package salvage_test

import (
	"encoding/binary"
	"testing"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/testkit"
)

// Two tables that look alike, with the same keys, have lost their roots: the pointer map tells whose
// the pages are, and what it tells stays in doubt.
func TestRun_asksThePointerMapWhosePagesAre(t *testing.T) {
	for _, mapped := range []bool{true, false} {
		path := testkit.Build(t, t.TempDir(), testkit.Delete)
		if mapped {
			run(t, path, "PRAGMA auto_vacuum=FULL", "VACUUM")
		}
		run(t, path, "CREATE TABLE one(id INTEGER PRIMARY KEY, b TEXT)", "CREATE TABLE two(id INTEGER PRIMARY KEY, b TEXT)",
			"INSERT INTO one SELECT id, 'of the first ' || hex(zeroblob(40)) FROM items", "INSERT INTO two SELECT id, 'of the second ' || hex(zeroblob(40)) FROM items")
		whole, _ := salvaged(t, path)
		file := fileOf(t, path)
		g, roots := rootsOf(t, file, 2)
		for _, n := range roots {
			wipe(file, g, n)
		}
		got, _ := salvagedBytes(t, file, nil)
		for _, name := range []string{"one", "two"} {
			right, doubted := 0, 0
			for id, have := range got.rows[name] {
				if have.image == whole.rows[name][id].image {
					right++
				}
				if have.doubt != "" {
					doubted++
				}
			}
			if want := len(whole.rows[name]); mapped && (right != want || doubted != want) || !mapped && len(got.rows[name]) != 0 {
				t.Errorf("with a map %v: %d rows of %s, of which %d are right and %d doubted", mapped, len(got.rows[name]), name, right, doubted)
			}
		}
		if !mapped {
			continue
		}
		// A map that lies puts no row into a table without a doubt.
		for n := uint32(3); n <= g.Count; n++ {
			m, at := g.MapFor(n)
			if m == 0 {
				continue
			}
			link := file[int(m-1)*g.PageSize+at:]
			if parent := binary.BigEndian.Uint32(link[1:]); parent == roots[0] || parent == roots[1] {
				binary.BigEndian.PutUint32(link[1:], roots[0]+roots[1]-parent)
			}
		}
		got, _ = salvagedBytes(t, file, nil)
		wrong, unseen := 0, 0
		for name, rows := range whole.rows {
			for id, have := range got.rows[name] {
				if have.image != rows[id].image {
					wrong++
					if have.doubt == "" {
						unseen++
					}
				}
			}
		}
		if wrong == 0 || unseen != 0 {
			t.Errorf("with a map that lies %d rows are wrong, and nothing speaks against %d of them, want some and 0", wrong, unseen)
		}
	}
}

// rootsOf gives the last interior pages of a file, the roots of the tables that were made last.
func rootsOf(t *testing.T, file []byte, count int) (g page.Geometry, roots []uint32) {
	t.Helper()
	h, err := page.ParseHeader(file)
	if err != nil {
		t.Fatal(err)
	}
	g = page.NewGeometry(h, uint32(len(file)/h.PageSize))
	g.Maps = h.LargestRoot != 0
	for n := g.Count; n > 1 && len(roots) < count; n-- {
		var d page.Node
		if d.Parse(&g, n, file[int(n-1)*g.PageSize:int(n)*g.PageSize]) == nil && d.Kind == page.TableInterior {
			roots = append(roots, n)
		}
	}
	return g, roots
}
