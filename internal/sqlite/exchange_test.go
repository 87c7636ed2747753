package sqlite

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// exchanged is a disk with a live database in rollback-journal mode and a copy to be put in
// its place.
type exchanged struct {
	disk     *simfs.Disk
	shm      string
	old, new manifest.Content
}

func newExchanged(t *testing.T, live, stored string) *exchanged {
	t.Helper()
	x := &exchanged{disk: simfs.New(0), shm: t.TempDir()}
	life := x.disk.Boot(simfs.Plan{ShmDir: x.shm})
	for _, name := range []string{"/live.db", "/other.db", "/copy.db"} {
		f, err := life.Create(name)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for name, sql := range map[string]string{"/live.db": live, "/other.db": stored} {
		db, err := OpenDB(name, Options{VFS: life.VFS()})
		if err == nil {
			_, err = db.ExecContext(t.Context(), `PRAGMA page_size=512; CREATE TABLE a(id INTEGER PRIMARY KEY, v); CREATE INDEX i ON a(v);`+sql)
			err = errors.Join(err, db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := Open(t.Context(), "/other.db", Options{VFS: life.VFS()})
	if err == nil {
		_, err = c.Copy(t.Context(), "/copy.db", CopyOptions{})
	}
	if err = errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
	x.old, x.new = x.holds(t, life, "/live.db"), x.holds(t, life, "/copy.db")
	life.End()
	x.disk.SyncAll()
	return x
}

func (x *exchanged) holds(t *testing.T, life *simfs.Life, path string) manifest.Content {
	t.Helper()
	c, err := Open(t.Context(), path, Options{VFS: life.VFS()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	report, err := c.CheckFull(t.Context())
	if err != nil || report.Verdict != "ok" {
		t.Fatalf("%s is %v %v %v", path, report.Verdict, report.Findings, err)
	}
	content, err := c.ContentOfRows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// restoreWith restores on a disk on which a fault strikes, and gives what the live database
// holds when the disk is well again.
func (x *exchanged) restoreWith(t *testing.T, fault simfs.Fault, seed uint64) (err error, after manifest.Content) { //nolint:revive,staticcheck // the error is one of two results
	t.Helper()
	disk := x.disk.Clone()
	life := disk.Boot(simfs.Plan{Seed: seed, ShmDir: x.shm, Faults: []simfs.Fault{fault}})
	c, err := Open(context.Background(), "/live.db", Options{VFS: life.VFS(), SyncDir: life.SyncDir})
	if err == nil {
		err = c.Restore(context.Background(), "/copy.db", RestoreOptions{})
		_ = c.Close()
	}
	life.Kill()
	life.End()
	life = disk.Boot(simfs.Plan{ShmDir: x.shm})
	defer life.End()
	return err, x.holds(t, life, "/live.db")
}

// TestRestore_inPlaceByPagesIsOldOrNewWhateverFails: P6, P7. A fault at every operation of a
// restore that writes fewer, more and other pages.
func TestRestore_inPlaceByPagesIsOldOrNewWhateverFails(t *testing.T) {
	const rows = `WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM s WHERE i<%d) INSERT INTO a(v) SELECT printf('%%060d', i*%d) FROM s;`
	few, many := fmt.Sprintf(rows, 20, 1), fmt.Sprintf(rows, 60, 1)
	for name, sides := range map[string][2]string{
		"grows": {few, many}, "shrinks": {many, few}, "differs": {few, fmt.Sprintf(rows, 20, 3)}, "changes": {many, many + `UPDATE a SET v='' WHERE id=30`},
	} {
		x := newExchanged(t, sides[0], sides[1])
		points := map[simfs.Kind]int{}
		for _, op := range x.operations(t) {
			for _, kind := range simfs.Kinds() {
				// No order of operations helps against a disk that lies.
				if kind == simfs.Lie || kind == simfs.LieFrom || !kind.Strikes(op) || !op.Kind.Changes() && op.Kind != simfs.OpSync {
					continue
				}
				points[kind]++
				fault := simfs.Fault{Kind: kind, At: op.Number}
				err, after := x.restoreWith(t, fault, uint64(op.Number))
				isNew := after.Equal(x.new)
				if !isNew && !after.Equal(x.old) {
					t.Errorf("%s, %v: neither the old nor the new database: %v", name, fault, after)
				}
				if err == nil && !isNew {
					t.Errorf("%s, %v: the restore was answered, and the old database is live", name, fault)
				}
			}
		}
		if len(points) != len(simfs.Kinds())-2 {
			t.Errorf("%s: only %v struck", name, points)
		}
		t.Log(name, points)
	}
}

// operations are those of a restore on a disk that is well.
func (x *exchanged) operations(t *testing.T) []simfs.Op {
	t.Helper()
	life := x.disk.Clone().Boot(simfs.Plan{ShmDir: x.shm, Record: true})
	defer life.End()
	c, err := Open(t.Context(), "/live.db", Options{VFS: life.VFS(), SyncDir: life.SyncDir})
	if err == nil {
		err = errors.Join(c.Restore(t.Context(), "/copy.db", RestoreOptions{}), c.Close())
	}
	if got := x.holds(t, life, "/live.db"); err != nil || !got.Equal(x.new) {
		t.Fatalf("got %v %v, want %v", got, err, x.new)
	}
	return life.Ops()
}

// TestRestore_inPlaceWritesOnlyPagesThatDiffer counts what is written of a database of
// which a row differs.
func TestRestore_inPlaceWritesOnlyPagesThatDiffer(t *testing.T) {
	const many = `WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM s WHERE i<2000) INSERT INTO a(v) SELECT printf('%060d', i) FROM s;`
	x := newExchanged(t, many, many+`DELETE FROM a WHERE id=1000`)
	var written int64
	for _, op := range x.operations(t) {
		if op.Kind == simfs.OpWrite {
			written += int64(op.Length)
		}
	}
	if written == 0 || written > 40*512 {
		t.Errorf("%d bytes were written, want those of the few pages that differ", written)
	}
}
