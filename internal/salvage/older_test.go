package salvage_test

import (
	"os"
	"testing"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/testkit"
)

// begun gives a database and its log in which SQLite began at the start again: first holds
// the frames of an earlier generation, of which then overwrites the first ones.
func begun(t *testing.T, first, then []string) (file, log []byte) {
	t.Helper()
	path := testkit.Build(t, t.TempDir(), testkit.Page4096)
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	all := append([]string{"PRAGMA wal_autocheckpoint=0"}, first...)
	for _, s := range append(append(all, "PRAGMA wal_checkpoint(RESTART)"), then...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return fileOf(t, path), fileOf(t, path+"-wal")
}

// leavesOf gives the pages of a file that hold rows of items.
func leavesOf(t *testing.T, file []byte, table func(*page.Node) bool) (g page.Geometry, leaves []uint32) {
	t.Helper()
	h, err := page.ParseHeader(file)
	if err != nil {
		t.Fatal(err)
	}
	g = page.NewGeometry(h, uint32(len(file)/h.PageSize))
	for n := uint32(2); n <= g.Count; n++ {
		var d page.Node
		if d.Parse(&g, n, file[int(n-1)*g.PageSize:int(n)*g.PageSize]) == nil && d.Kind == page.TableLeaf && d.Cells > 0 && table(&d) {
			leaves = append(leaves, n)
		}
	}
	return g, leaves
}

func wipe(file []byte, g page.Geometry, n uint32) {
	clear(file[int(n-1)*g.PageSize : int(n)*g.PageSize])
}

const manyNotes = `CREATE TABLE notes AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<900)
	SELECT i AS a, 'note ' || i || hex(zeroblob(20)) AS b FROM n`

func isNotes(d *page.Node) bool { return d.Cells > 40 }

// A page that is lost in the file comes back as an earlier generation of the log has it, row by
// row, and each row is in doubt: whatever happened since is not known.
func TestRun_fillsGapsFromEarlierGenerationsOfTheLog(t *testing.T) {
	file, log := begun(t, []string{manyNotes}, []string{"UPDATE items SET note = 'x' WHERE id = 1"})
	whole, _ := salvagedBytes(t, file, log)
	g, leaves := leavesOf(t, file, isNotes)
	wipe(file, g, leaves[len(leaves)-2])
	without, lost := salvagedBytes(t, file, nil)
	got, report := salvagedBytes(t, file, log)
	n := 0
	for id, want := range whole.rows["notes"] {
		have := got.rows["notes"][id]
		if have.image != want.image {
			t.Errorf("row %d: got %q, want %q", id, have.image, want.image)
		}
		if have.from == salvage.FromOlder {
			n++
		}
		if (have.from == salvage.FromOlder) != (have.doubt != "") || have.from == salvage.FromOlder && have.proof != salvage.Unconfirmed {
			t.Errorf("row %d from %s is graded %v, %q", id, have.from, have.proof, have.doubt)
		}
	}
	missing := len(whole.rows["notes"]) - len(without.rows["notes"])
	if n == 0 || n != missing {
		t.Errorf("%d rows came from an older image, want the %d that are lost without the log", n, missing)
	}
	was, is := tableOf(t, lost, "notes"), tableOf(t, report, "notes")
	if was.Lost == 0 || is.Lost != 0 || is.FromOlder != int64(n) || is.Doubted != int64(n) {
		t.Errorf("got %+v, without the log %+v", is, was)
	}
}

func tableOf(t *testing.T, r *salvage.Report, name string) salvage.TableReport {
	t.Helper()
	for _, table := range r.Tables {
		if table.Name == name {
			return table
		}
	}
	t.Fatalf("no table %s in the report", name)
	return salvage.TableReport{}
}

// What was deleted does not come back where the newest image is there, nor where an index tells.
func TestRun_bringsNothingBackThatAnIndexTellsWasDeleted(t *testing.T) {
	file, log := begun(t, []string{manyNotes, "CREATE INDEX by_a ON notes(a)"}, []string{"DELETE FROM notes WHERE rowid % 3 = 0"})
	whole, _ := salvagedBytes(t, file, log)
	got, _ := salvagedBytes(t, file, log)
	if len(got.rows["notes"]) != len(whole.rows["notes"]) || len(whole.rows["notes"]) != 600 {
		t.Fatalf("%d rows of a sound database, want 600", len(got.rows["notes"]))
	}
	// Both the newest image in the log and the file's are wiped.
	g, leaves := leavesOf(t, file, isNotes)
	n := leaves[len(leaves)-2]
	frames := framesOf(t, log, n)
	clear(log[frames[len(frames)-1]+page.FrameHeaderBytes:][:g.PageSize])
	wipe(file, g, n)
	got, _ = salvagedBytes(t, file, log)
	for id, have := range got.rows["notes"] {
		if _, there := whole.rows["notes"][id]; !there {
			t.Errorf("row %d was deleted and came back from %s: %s", id, have.from, have.doubt)
		}
	}
}

// framesOf gives where the frames of a page begin in a log.
func framesOf(t *testing.T, log []byte, n uint32) (at []int) {
	t.Helper()
	h, err := page.ParseWALHeader(log)
	if err != nil {
		t.Fatal(err)
	}
	size := page.FrameHeaderBytes + h.PageSize
	for i := page.WALHeaderBytes; i+size <= len(log); i += size {
		var sum page.Sum
		if f, _ := h.ParseFrame(log[i:i+size], &sum); f.Page == n && f.Salt == h.Salt {
			at = append(at, i)
		}
	}
	return at
}

// Where the newest frame of a page is no page any more, the one before it and then the file
// give its rows, in doubt.
func TestRun_readsThePageBeforeABadFrame(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Page4096)
	run(t, path, manyNotes)
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range []string{"PRAGMA wal_autocheckpoint=0", "UPDATE notes SET b = b || ' once' WHERE rowid = 300", "UPDATE notes SET b = b || ' twice' WHERE rowid = 300", "CREATE TABLE later(a)"} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	file, log := fileOf(t, path), fileOf(t, path+"-wal")
	whole, _ := salvagedBytes(t, file, log)
	g, leaves := leavesOf(t, file, isNotes)
	wiped := 0
	for _, n := range leaves {
		for i, at := range framesOf(t, log, n) {
			if i == 1 {
				clear(log[at+page.FrameHeaderBytes:][:g.PageSize])
				wiped++
			}
		}
	}
	if wiped != 1 {
		t.Fatalf("%d newest frames were wiped, want 1", wiped)
	}
	got, _ := salvagedBytes(t, file, log)
	same, doubted := 0, 0
	for id, have := range got.rows["notes"] {
		if have.image == whole.rows["notes"][id].image {
			same++
		} else if have.doubt == "" {
			t.Errorf("row %d is an old one, and nothing speaks against it", id)
		}
		if have.doubt != "" {
			doubted++
		}
	}
	if same != 899 || doubted < 40 || doubted > 200 {
		t.Errorf("%d rows are as they were and %d doubted, want 899 and those of one page", same, doubted)
	}
}

// A log that was left behind by an older state is no state of the file, and still has images.
func TestRun_fillsGapsFromALogThatWasLeftBehind(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Page4096)
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, s := range []string{"PRAGMA wal_autocheckpoint=0", manyNotes} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	log := fileOf(t, path+"-wal")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, path, "UPDATE items SET note = 'changed since' WHERE id < 200", "CREATE TABLE later(a)", "CREATE TABLE yet_later(a)")
	run(t, path, "CREATE TABLE last(a)")
	_ = os.Remove(path + "-wal")
	file := fileOf(t, path)
	whole, _ := salvagedBytes(t, file, nil)
	g, leaves := leavesOf(t, file, isNotes)
	wipe(file, g, leaves[len(leaves)-2])
	got, report := salvagedBytes(t, file, log)
	for id, want := range whole.rows["notes"] {
		if have := got.rows["notes"][id]; have.image != want.image {
			t.Errorf("row %d: got %q, want %q", id, have.image, want.image)
		}
	}
	if is := tableOf(t, report, "notes"); is.FromOlder == 0 || is.Doubted != is.FromOlder {
		t.Errorf("got %+v, want rows from older images, and just these doubted", is)
	}
	for id, want := range whole.rows["items"] {
		if have := got.rows["items"][id]; have.image != want.image {
			t.Errorf("item %d: got %q, want %q", id, have.image, want.image)
		}
	}
}

// Without its page 1 a database has the schema that an earlier generation of the log has.
func TestRun_takesTheSchemaFromAnEarlierGenerationOfTheLog(t *testing.T) {
	file, log := begun(t, []string{manyNotes, "CREATE TABLE keyed(k TEXT PRIMARY KEY, v) WITHOUT ROWID", "INSERT INTO keyed SELECT b, a FROM notes"},
		[]string{"UPDATE items SET note = 'x' WHERE id = 1"})
	whole, _ := salvagedBytes(t, file, log)
	clear(file[:4096])
	without, _ := salvagedBytes(t, file, nil)
	got, report := salvagedBytes(t, file, log)
	if len(without.rows) != 0 {
		t.Errorf("%d tables without page 1 and without the log, want 0", len(without.rows))
	}
	for name, rows := range whole.rows {
		for id, want := range rows {
			if have := got.rows[name][id]; have.image != want.image {
				t.Errorf("%s, row %d: got %q, want %q", name, id, have.image, want.image)
			}
		}
	}
	if len(report.Notes) == 0 {
		t.Error("the report does not say where the schema is from")
	}
}

// Rows of a WITHOUT ROWID table come back from older images like others.
func TestRun_fillsGapsOfTablesWithoutRowids(t *testing.T) {
	file, log := begun(t, []string{"CREATE TABLE keyed(k TEXT PRIMARY KEY, v) WITHOUT ROWID",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<900) INSERT INTO keyed SELECT printf('key %06d', i), i FROM n"},
		[]string{"UPDATE items SET note = 'x' WHERE id = 1"})
	_, whole := salvagedBytes(t, file, log)
	h, err := page.ParseHeader(file)
	if err != nil {
		t.Fatal(err)
	}
	g := page.NewGeometry(h, uint32(len(file)/h.PageSize))
	for n := g.Count; n > 1; n-- { // the last such page is one of the table that was made last
		var d page.Node
		if d.Parse(&g, n, file[int(n-1)*g.PageSize:int(n)*g.PageSize]) == nil && d.Kind == page.IndexLeaf && d.Cells > 40 {
			wipe(file, g, n)
			break
		}
	}
	_, without := salvagedBytes(t, file, nil)
	_, report := salvagedBytes(t, file, log)
	was, lost, is := tableOf(t, whole, "keyed"), tableOf(t, without, "keyed"), tableOf(t, report, "keyed")
	if was.Kept != 900 || lost.Kept >= 900 || is.Kept != lost.Kept || is.FromOlder != 900-lost.Kept || is.Doubted != is.FromOlder || is.Strays+is.Refused != 0 {
		t.Errorf("got %+v\nwithout the log %+v", is, lost)
	}
}

// The rows of a page that moved elsewhere are still on the page that was freed.
func TestRun_fillsGapsFromFreePages(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Delete)
	// A table made again from another one leaves the pages of the first on the freelist.
	run(t, path, "PRAGMA secure_delete=OFF", manyNotes, "CREATE TABLE first(id INTEGER PRIMARY KEY, b TEXT)", "INSERT INTO first SELECT a, b FROM notes",
		"CREATE TABLE second(id INTEGER PRIMARY KEY, b TEXT)", "INSERT INTO second SELECT * FROM first", "DROP TABLE first", "DROP TABLE notes")
	whole, before := salvaged(t, path)
	if is := tableOf(t, before, "second"); is.Kept != 900 || is.FromOlder != 0 || len(before.Tables) != 2 {
		t.Fatalf("a sound database: %+v", before.Tables)
	}
	file := fileOf(t, path)
	g, leaves := leavesOf(t, file, isNotes)
	n := leaves[len(leaves)-3] // of the table that was made last
	var d page.Node
	if err := d.Parse(&g, n, file[int(n-1)*g.PageSize:int(n)*g.PageSize]); err != nil {
		t.Fatal(err)
	}
	wiped := int64(d.Cells)
	wipe(file, g, n)
	got, report := salvagedBytes(t, file, nil)
	for id, want := range whole.rows["second"] {
		have := got.rows["second"][id]
		if have.image != "" && have.image != want.image {
			t.Errorf("row %d: got %q, want %q", id, have.image, want.image)
		}
		if (have.from == salvage.FromOlder) != (have.doubt != "") {
			t.Errorf("row %d from %s: doubt %q", id, have.from, have.doubt)
		}
	}
	if is := tableOf(t, report, "second"); is.Kept != 900-wiped || is.FromOlder == 0 || is.Doubted != is.FromOlder {
		t.Errorf("%d rows were lost: %+v", wiped, is)
	}
}

// A log that is newer than its file: what stands in it is as new as can be, what is left of the
// file is not.
func TestRun_knowsTheAgeOfRowsInANewerLog(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Page4096)
	run(t, path, manyNotes, "CREATE INDEX by_b ON notes(b)")
	older := fileOf(t, path)
	run(t, path, "UPDATE notes SET b = replace(b, 'note', 'nota') WHERE rowid > 500", "CREATE TABLE first(a)")
	run(t, path, "CREATE TABLE second(a)")
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range []string{"PRAGMA wal_autocheckpoint=0", "UPDATE notes SET b = replace(b, 'note', 'notb') WHERE rowid < 300", "CREATE TABLE third(a)"} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	log := fileOf(t, path+"-wal")
	whole, _ := salvagedBytes(t, fileOf(t, path), log)
	got, report := salvagedBytes(t, older, log)
	is := tableOf(t, report, "notes")
	if report.Undated == "" || is.Undated == 0 || is.Undated == is.Rows() {
		t.Fatalf("the log and the file are of different times, and some rows are in the log: %q, %+v", report.Undated, is)
	}
	wrong := 0
	for id, have := range got.rows["notes"] {
		if have.image != whole.rows["notes"][id].image && have.doubt == "" && !have.undated {
			wrong++
		}
	}
	if wrong != 0 {
		t.Errorf("%d old rows are neither doubted nor of doubtful age", wrong)
	}
}
