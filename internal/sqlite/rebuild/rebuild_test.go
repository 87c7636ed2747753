package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/testkit"
)

// A healthy database comes back whole: every row, exactly, with the schema as it was.
func TestRecover_ofAHealthyDatabaseKeepsEverything(t *testing.T) {
	for _, kind := range testkit.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			path := testkit.Build(t, t.TempDir(), kind)
			to := filepath.Join(t.TempDir(), "out.db")
			got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, To: to})
			if err != nil {
				t.Fatal(err)
			}
			// Nobody can tell a log that was taken away from one that a clean close ended.
			undated := inWALMode(t, path) && kind != testkit.WALPending
			if got.Whole() == undated || (got.Undated != "") != undated || got.Verdict.Verdict != check.OK {
				t.Errorf("whole %v, verdict %v, want all of it: %+v", got.Whole(), got.Verdict.Verdict, got)
			}
			for _, table := range got.Tables {
				if undated && table.Confirmed() != 0 || table.Doubted+table.Lost+table.Refused+table.Strays != 0 {
					t.Errorf("got %+v, want nothing but its age in doubt", table)
				}
			}
			want := contentOf(t, path)
			if have := contentOf(t, to); !have.Equal(want) {
				t.Errorf("got %+v\nwant %+v", have, want)
			}
			testkit.CheckDatabase(t, to)
		})
	}
}

func inWALMode(t *testing.T, path string) bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b[18] == 2
}

// contentOf digests a database, on a copy, because to read a WAL makes files beside it.
func contentOf(t *testing.T, path string) manifest.Content {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if errors.Is(err, os.ErrNotExist) && suffix != "" {
			continue
		}
		if err == nil {
			err = os.WriteFile(copied+suffix, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := sqlite.Open(context.Background(), copied, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	content, err := c.Content(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestRecover_cancelledLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := testkit.Build(t, dir, testkit.OverflowBlobs)
	out := t.TempDir()
	for stop := range 40 {
		ctx, cancel := context.WithCancel(context.Background())
		step := 0
		order := rebuild.Order{FS: fsx.OS(), File: path, To: filepath.Join(out, "out.db"), Progress: func(string, int64, int64) {
			if step == stop {
				cancel()
			}
			step++
		}}
		_, err := rebuild.Recover(ctx, order)
		cancel()
		if step <= stop {
			return // it was through before
		}
		if fault.CodeOf(err) != fault.Interrupted {
			t.Fatalf("stopped at step %d: got %v, want %s", stop, err, fault.Interrupted)
		}
		if left, _ := os.ReadDir(out); len(left) > 0 {
			t.Fatalf("stopped at step %d: %v was left", stop, left)
		}
	}
}

// Damage that leaves every row somewhere in the file costs nothing.
func TestRecover_findsWhatIsStillThere(t *testing.T) {
	kinds := []testkit.Kind{testkit.Page512, testkit.Page1024, testkit.Page8192, testkit.AutoVacuumFull, testkit.UTF16le, testkit.Strict, testkit.ForeignKeys}
	for _, kind := range kinds {
		healthy := testkit.Build(t, t.TempDir(), kind)
		want := contentOf(t, healthy)
		for _, damage := range testkit.Damages("items") {
			switch damage.Name {
			case "swap-pages", "destroy-header", "zero-header":
			default:
				continue
			}
			for seed := range uint64(3) {
				path := filepath.Join(t.TempDir(), "in.db")
				if err := fsx.CopyFile(context.Background(), fsx.OS(), healthy, path, nil); err != nil {
					t.Fatal(err)
				}
				did := damage.Make(t, path, seed)
				to := path + ".out"
				got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, To: to})
				if err != nil {
					t.Fatalf("%s: %s: %v", kind, did, err)
				}
				if have := contentOf(t, to); !have.Equal(want) || got.Verdict.Verdict != check.OK {
					t.Errorf("%s: %s: got %+v\nwant %+v", kind, did, have, want)
				}
			}
		}
	}
}

// What is lost comes from an older copy, and from nowhere else does anything come: what
// was deleted since stays deleted.
func TestRecover_lendsFromTheBaseOnlyWhatIsLost(t *testing.T) {
	for _, kind := range []testkit.Kind{testkit.Page512, testkit.Page4096, testkit.WithoutRowid, testkit.UTF16be, testkit.AutoVacuumFull} {
		base := testkit.Build(t, t.TempDir(), kind)
		path := filepath.Join(t.TempDir(), "in.db")
		if err := fsx.CopyFile(context.Background(), fsx.OS(), base, path, nil); err != nil {
			t.Fatal(err)
		}
		execSQL(t, path, "DELETE FROM items WHERE id IN (1,2,3,298,299,300)", "PRAGMA wal_checkpoint(truncate)")
		want := contentOf(t, path)
		damages := []func() string{
			func() string { return testkit.ZeroPageOf(t, path, "items", 1) },
		}
		if kind == testkit.WithoutRowid {
			damages = append(damages, func() string { return testkit.ZeroPageOf(t, path, "keyed", 2) })
		}
		damages = append(damages, func() string { return testkit.ZeroHeader(t, path, 1) })
		did := ""
		for _, damage := range damages {
			did += damage() + "; "
		}
		to := path + ".out"
		got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, To: to, Base: base})
		if err != nil {
			t.Fatalf("%s: %s: %v", kind, did, err)
		}
		lent := int64(0)
		for _, table := range got.Tables {
			lent += table.FromBase
		}
		execSQL(t, to, "DROP TABLE IF EXISTS lost_and_found_doubts")
		if have := contentOf(t, to); !have.Equal(want) || lent == 0 || got.Whole() {
			t.Errorf("%s: %s: %d rows lent, whole %v, got %+v\nwant %+v", kind, did, lent, got.Whole(), have, want)
		}
	}
}

func execSQL(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// A log that was checkpointed long ago and left behind would bring old rows back over
// newer ones. One that belongs to the file is used.
func TestRecover_usesALogOnlyOfItsOwnFile(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.WAL)
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	run := func(statements ...string) {
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	files := fsx.OS()
	take := func(name string, suffixes ...string) string {
		to := filepath.Join(t.TempDir(), name)
		for _, s := range suffixes {
			if err := fsx.CopyFile(context.Background(), files, path+s, to+s, nil); err != nil {
				t.Fatal(err)
			}
		}
		return to
	}
	run("PRAGMA wal_autocheckpoint=0")
	for i := range 5 {
		run(fmt.Sprintf("UPDATE items SET note = note || ' %d' WHERE id %% 7 = %d", i, i))
	}
	own := take("own.db", "", "-wal")
	old := own + "-wal"
	wantOwn := contentOf(t, own)
	run("PRAGMA wal_checkpoint(truncate)", "UPDATE items SET note = 'newer' WHERE id % 11 = 5", "DELETE FROM items WHERE id % 50 = 1", "PRAGMA wal_checkpoint(truncate)")
	newer := take("newer.db", "")
	wantNewer := contentOf(t, newer)
	if err := fsx.CopyFile(context.Background(), files, old, newer+"-wal", nil); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]manifest.Content{own: wantOwn, newer: wantNewer} {
		to := path + ".out"
		if _, err := rebuild.Recover(context.Background(), rebuild.Order{FS: files, File: path, To: to}); err != nil {
			t.Fatal(err)
		}
		if have := contentOf(t, to); !have.Equal(want) {
			t.Errorf("%s: got %+v\nwant %+v", filepath.Base(path), have, want)
		}
	}
}
