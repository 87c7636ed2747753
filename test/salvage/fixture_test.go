package salvage

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/testkit"
)

// fixture is a healthy database, and other states of it.
type fixture struct {
	kind    testkit.Kind
	healthy string // what is to be damaged
	older   string // an earlier state with the same pages, for writes that were lost
	base    string // an older copy: 2 % of the rows missing, 1 % in an old version
	wal     func() *walStates
}

// walStates are states of one database in WAL mode, each with the -wal beside it.
type walStates struct {
	file     string // a checkpointed state, and a log of later commits
	newer    string // that log checkpointed, and more
	newerLog string // newer, and a log of yet later commits
	begun    string // newerLog checkpointed, and one more commit at the beginning of that log
}

// makeFixture builds the states of a kind, those with a log when they are asked for.
func makeFixture(t testing.TB, kind testkit.Kind) *fixture {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{kind: kind, healthy: testkit.Build(t, dir, kind)}
	f.older = copied(t, f.healthy, filepath.Join(dir, "older.db"))
	change(t, f.older, "PRAGMA journal_mode=DELETE", "DELETE FROM items WHERE id % 4 = 0", "UPDATE items SET note = upper(note) WHERE id % 4 = 1")
	f.base = copied(t, f.healthy, filepath.Join(dir, "base.db"))
	change(t, f.base, "DELETE FROM items WHERE id % 50 = 7", "UPDATE items SET note = 'as it was' WHERE id % 100 = 3")
	f.wal = sync.OnceValue(func() *walStates { return makeStates(t, f.healthy) })
	return f
}

func makeStates(t testing.TB, healthy string) *walStates {
	t.Helper()
	dir := t.TempDir()
	path := copied(t, healthy, filepath.Join(dir, "live.db"))
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	run := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	step := func(k int) {
		run(fmt.Sprintf("UPDATE items SET note = note || ' v%d' WHERE id %% 11 = %d", k, k%11),
			fmt.Sprintf("DELETE FROM items WHERE id %% 53 = %d", k%53),
			fmt.Sprintf("INSERT INTO items(name, note) SELECT name || '%d', note FROM items WHERE id %% 31 = %d", k, k%31))
	}
	take := func(name string, log bool) string {
		to := copied(t, path, filepath.Join(dir, name))
		if log {
			copied(t, path+"-wal", to+"-wal")
		}
		return to
	}
	run("PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0")
	for k := range 6 {
		step(k)
	}
	states := &walStates{file: take("file.db", true)}
	run("PRAGMA wal_checkpoint(TRUNCATE)")
	for k := 6; k < 9; k++ {
		step(k)
	}
	run("PRAGMA wal_checkpoint(TRUNCATE)")
	states.newer = take("newer.db", false)
	for k := 9; k < 11; k++ {
		step(k)
	}
	states.newerLog = take("newerlog.db", true)
	run("PRAGMA wal_checkpoint(RESTART)", "UPDATE items SET note = note || ' last' WHERE id = (SELECT min(id) FROM items)")
	states.begun = take("begun.db", true)
	return states
}

func copied(t testing.TB, from, to string) string {
	t.Helper()
	if err := fsx.CopyFile(context.Background(), fsx.OS(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	return to
}

// copiedWhole copies a database with the -wal beside it, if there is one.
func copiedWhole(t testing.TB, from, to string) string {
	t.Helper()
	if _, err := fsx.OS().Lstat(from + "-wal"); err == nil {
		copied(t, from+"-wal", to+"-wal")
	}
	return copied(t, from, to)
}

func change(t testing.TB, path string, statements ...string) {
	t.Helper()
	db := opened(t, path)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %s: %v", path, s, err)
		}
	}
}

func opened(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}
