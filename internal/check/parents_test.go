package check_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/page"
)

// counting counts the pages that are read.
type counting struct {
	page.Pages
	read int
}

func (c *counting) ReadPage(n uint32, into []byte) error {
	c.read++
	return c.Pages.ReadPage(n, into)
}

// manyChildren is a parent of some hundred pages, with tables that refer to it by rowid and by name.
func manyChildren(children int) string {
	var b strings.Builder
	b.WriteString(`pragma foreign_keys=off; create table p(id integer primary key, name text unique, filler);` + many + `insert into p select i, 'n' || i, zeroblob(1500) from n;`)
	for i := range children {
		fmt.Fprintf(&b, `create table c%d(p int references p, name text references p(name), lost int references nobody);
			insert into c%d values(1, 'n1', null), (%d, 'n400', null);`, i, i, 400+i%2)
	}
	return b.String()
}

// What a check reads and allocates grows with the database alone: neither the parents nor the
// schema are gone through again for each table.
func TestFindOrphans_readsASharedParentOnce(t *testing.T) {
	costs := func(children int) (pages, read int, found int) {
		image := imageOf(t, manyChildren(children))
		file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			t.Fatal(err)
		}
		counted := &counting{Pages: file}
		out, err := check.FindOrphans(t.Context(), check.Database{Pages: counted, Header: file.Header, Geometry: file.Geometry}, check.Options{Seed: seed()}, 10_000)
		if err != nil || len(out.Unjudged) > 0 {
			t.Fatal(out.Unjudged, err)
		}
		return int(file.Geometry.Count), counted.read, len(out.List)
	}
	for _, children := range []int{2, 80} {
		pages, read, found := costs(children)
		if want := children / 2; found != want {
			t.Errorf("%d children: %d orphans, want %d", children, found, want)
		}
		// Twice the parent; of each child a page for each of its keys, which is looked at before it is walked.
		if most := 2*pages + 8*children; read > most {
			t.Errorf("%d children on %d pages: %d pages were read, at most %d", children, pages, read, most)
		}
	}
}

// A table that is child and parent, and has several keys, is read once.
func TestFindOrphans_readsEachGenerationOnce(t *testing.T) {
	image := imageOf(t, `pragma foreign_keys=off; create table c(id integer primary key, p int references p, q int references q, f);
		create table p(id integer primary key, q int references q, f); create table q(id integer primary key, f);`+
		many+`insert into q select i, zeroblob(1500) from n;`+many+`insert into p select i, i, zeroblob(1500) from n;`+many+`insert into c select i, i, i+1, zeroblob(1500) from n;`)
	file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	counted := &counting{Pages: file}
	out, err := check.FindOrphans(t.Context(), check.Database{Pages: counted, Header: file.Header, Geometry: file.Geometry}, check.Options{Seed: seed()}, 10)
	if err != nil || len(out.List) != 1 || out.List[0].Rowid != 400 {
		t.Errorf("got %v, %v", out.List, err)
	}
	if most := int(file.Geometry.Count) + 20; counted.read > most {
		t.Errorf("%d of %d pages were read, at most %d", counted.read, file.Geometry.Count, most)
	}
}

// A set of keys that does not fit is not held, nor asked for again as if it were one.
func TestFindOrphans_withManyChildrenAndFewKeysAtOnce(t *testing.T) {
	image := imageOf(t, manyChildren(6))
	file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	for _, keysMax := range []int{20, 50, 100_000} {
		out, err := check.FindOrphans(t.Context(), check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}, check.Options{Seed: seed(), KeysMax: keysMax, Crew: crew(2)}, 100)
		if err != nil || len(out.Unjudged) > 0 || len(out.List) != 3 {
			t.Errorf("%d keys at once: %v, %v, %v", keysMax, out.List, out.Unjudged, err)
		}
	}
}
