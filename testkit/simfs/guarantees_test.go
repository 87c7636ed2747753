package simfs_test

import (
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// pointsVariable says how many fault points each line of the table tries.
const (
	pointsVariable = "OFFICER_SIM_POINTS"
	pointsDefault  = 60
)

// promise is one line of what SQLite says of itself: a journal mode, how hard it syncs,
// and what a power cut at any operation may do then
// (https://sqlite.org/pragma.html#pragma_synchronous).
type promise struct {
	journal, synchronous string
	lies                 bool // the disk does not sync when it says so
	mayLose              bool // acknowledged commits
	mayDamage            bool
	why                  string
}

func promises() []promise {
	return []promise{
		{"wal", "extra", false, false, false, "the WAL is synced at every commit"},
		{"wal", "full", false, false, false, "the WAL is synced at every commit"},
		{"wal", "normal", false, true, false, "the WAL is synced before a checkpoint only"},
		{"wal", "off", false, true, true, "nothing is synced"},
		{"delete", "extra", false, false, false, "the folder is synced after the journal is gone"},
		{"delete", "full", false, true, false, "a journal whose removal is lost takes its commit back"},
		{"delete", "off", false, true, true, "nothing is synced"},
		{"truncate", "full", false, false, false, "the emptied journal is synced"},
		{"persist", "full", false, false, false, "the zeroed journal header is synced"},
		{"wal", "full", true, true, true, "the disk lies"},
		{"delete", "extra", true, true, true, "the disk lies"},
	}
}

// tally is what became of the points of a line.
type tally struct {
	points, lost, worst, damaged int
}

func TestDisk_bitesAsSQLiteSaysOfItself(t *testing.T) {
	points := pointsDefault
	if v := os.Getenv(pointsVariable); v != "" {
		var err error
		if points, err = strconv.Atoi(v); err != nil {
			t.Fatalf("%s: %v", pointsVariable, err)
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\n| journal | synchronous | disk | power cuts | lost acknowledged commits | at most | damaged | because |\n|---|---|---|---|---|---|---|---|\n")
	for _, p := range promises() {
		got := p.try(t, points)
		disk := "honest"
		if p.lies {
			disk = "lies"
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %d | %d | %d | %d | %s |\n",
			p.journal, p.synchronous, disk, got.points, got.lost, got.worst, got.damaged, p.why)
		if got.lost > 0 && !p.mayLose || got.damaged > 0 && !p.mayDamage {
			t.Errorf("%s %s %s: %+v: more than SQLite says of itself", p.journal, p.synchronous, disk, got)
		}
		if got.lost == 0 && p.mayLose || got.damaged == 0 && p.mayDamage {
			t.Errorf("%s %s %s: %+v: the simulator does not bite", p.journal, p.synchronous, disk, got)
		}
	}
	t.Log(table.String())
}

// try cuts the power at points operations of the workload, spread over all of them.
func (p promise) try(t *testing.T, points int) (got tally) {
	t.Helper()
	shm := t.TempDir()
	start := p.prepare(t, shm)
	clean := p.run(t, start.Clone(), simfs.Plan{Record: true, ShmDir: shm})
	if clean.acknowledged != rounds {
		t.Fatalf("%s %s: %d of %d commits without a fault", p.journal, p.synchronous, clean.acknowledged, rounds)
	}
	var at []int
	for _, op := range clean.ops {
		if simfs.PowerCut.Strikes(op) {
			at = append(at, op.Number)
		}
	}
	for i := range points {
		plan := simfs.Plan{Seed: uint64(i), ShmDir: shm}
		n := at[i*len(at)/points]
		if points > len(at) {
			n = at[i%len(at)]
		}
		if p.lies {
			plan.Faults = append(plan.Faults, simfs.Fault{Kind: simfs.LieFrom, At: 1})
		}
		plan.Faults = append(plan.Faults, simfs.Fault{Kind: simfs.PowerCut, At: n})
		disk := start.Clone()
		end := p.run(t, disk, plan)
		if !end.died {
			t.Fatalf("%s %s: %v did not strike", p.journal, p.synchronous, plan.Faults)
		}
		got.points++
		rows, whole := look(t, disk, shm)
		if !whole {
			got.damaged++
		} else if missing := end.acknowledged - rows; missing > 0 {
			got.lost++
			got.worst = max(got.worst, missing)
		}
	}
	return got
}

const rounds = 12

func (p promise) pragmas() []string {
	return []string{"pragma journal_mode=" + p.journal, "pragma synchronous=" + p.synchronous, "pragma wal_autocheckpoint=40",
		"pragma cache_size=5"}
}

// prepare makes a durable database with some pages in it.
func (p promise) prepare(t *testing.T, shm string) *simfs.Disk {
	t.Helper()
	disk := simfs.New(0)
	life := disk.Boot(simfs.Plan{ShmDir: shm})
	defer life.End()
	f, err := life.Create("/app.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t, life, append([]string{"pragma page_size=1024"}, p.pragmas()...))
	for _, s := range []string{
		"create table ledger(n integer primary key, note text)", "create table item(id integer primary key, amount int, body text)",
		"create index by_amount on item(amount)", "create table total(n int)", "insert into total values(0)",
		"with recursive c(x) as (values(1) union all select x+1 from c where x < 60) insert into item select x, x%7, hex(randomblob(60)) from c",
	} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	disk.SyncAll()
	return disk
}

type outcome struct {
	acknowledged int
	died         bool
	ops          []simfs.Op
	hash         uint64
}

// run is a life in which an app commits rounds times, or until its disk ends.
func (p promise) run(t *testing.T, disk *simfs.Disk, plan simfs.Plan) (end outcome) {
	t.Helper()
	life := disk.Boot(plan)
	defer life.End()
	db, err := connect(t, life, p.pragmas())
	for n := 1; err == nil && n <= rounds; n++ {
		if err = commit(t, db, n); err == nil {
			end.acknowledged = n
		}
	}
	end.died, end.ops, end.hash = life.Dead(), life.Ops(), life.Hash()
	_ = db.Close() // of a process that was killed
	return end
}

func commit(t *testing.T, db *sql.DB, n int) error {
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it says so
	for _, s := range []string{
		fmt.Sprintf("insert into ledger values(%d, hex(randomblob(40)))", n),
		fmt.Sprintf("update item set amount = amount + 1, body = hex(randomblob(60)) where id %% 6 = %d", n%6),
		"update total set n = n + 1",
	} {
		if _, err := tx.ExecContext(t.Context(), s); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// look opens what a power cut left, as the next start does, and tells whether it is a
// whole database that holds a state which was committed, and how many commits.
func look(t *testing.T, disk *simfs.Disk, shm string) (rows int, whole bool) {
	t.Helper()
	life := disk.Boot(simfs.Plan{ShmDir: shm})
	defer life.End()
	db, err := connect(t, life, nil)
	if err != nil {
		return 0, false
	}
	defer func() { _ = db.Close() }()
	var check string
	var last, total int
	row := db.QueryRowContext(t.Context(), "select (select count(*) from ledger), (select coalesce(max(n), 0) from ledger), (select n from total)")
	if err := row.Scan(&rows, &last, &total); err != nil || rows != last || rows != total {
		return 0, false
	}
	if err := db.QueryRowContext(t.Context(), "select group_concat(integrity_check) from pragma_integrity_check").Scan(&check); err != nil || check != "ok" {
		return 0, false
	}
	return rows, true
}

func open(t *testing.T, life *simfs.Life, pragmas []string) *sql.DB {
	t.Helper()
	db, err := connect(t, life, pragmas)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func connect(t *testing.T, life *simfs.Life, pragmas []string) (*sql.DB, error) {
	db, err := sqlite.OpenDB("/app.db", sqlite.Options{VFS: life.VFS()})
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, p := range pragmas {
		if _, err := db.ExecContext(t.Context(), p); err != nil {
			return db, err
		}
	}
	return db, nil
}

func TestDisk_sameSeedSameRun(t *testing.T) {
	for _, p := range promises()[:5] {
		shm := t.TempDir()
		start := p.prepare(t, shm)
		plan := simfs.Plan{Seed: 7, Record: true, ShmDir: shm}
		a, b := p.run(t, start.Clone(), plan), p.run(t, start.Clone(), plan)
		if a.hash != b.hash || !slices.Equal(a.ops, b.ops) {
			t.Errorf("%s %s: got two runs of %d and %d operations with the hashes %x and %x, want the same",
				p.journal, p.synchronous, len(a.ops), len(b.ops), a.hash, b.hash)
		}
		plan.Faults = []simfs.Fault{{Kind: simfs.PowerCut, At: len(a.ops) / 2}}
		for n := len(a.ops) / 2; !simfs.PowerCut.Strikes(a.ops[n-1]); n++ {
			plan.Faults[0].At = n + 1
		}
		c := p.run(t, start.Clone(), plan)
		if !c.died || !slices.Equal(c.ops, a.ops[:len(c.ops)]) {
			t.Errorf("%s %s: the run that lost power is not the beginning of the one that did not", p.journal, p.synchronous)
		}
	}
}
