package sqlite

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// TestCopy_isSealed: the seal is that of the bytes on the disk, in both journal modes and
// for a copy of several bursts.
func TestCopy_isSealed(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		dir, sealer := t.TempDir(), fsx.NewSealer()
		path := makeDB(t, filepath.Join(dir, "app.db"), `PRAGMA journal_mode=`+mode+`;`+plain+
			`CREATE TABLE big(b); INSERT INTO big VALUES(randomblob(3000000)), (randomblob(7000000));`)
		c := open(t, path, Options{Sealer: sealer})
		for _, byHash := range []bool{true, false} {
			dst := empty(t, filepath.Join(dir, "dst.db"))
			r, err := c.Copy(t.Context(), dst, CopyOptions{ByHash: byHash})
			if err != nil || r.Seal == 0 {
				t.Fatalf("got %+v, %v", r, err)
			}
			looked := false
			got, err := sealer.ReadBack(t.Context(), fsx.OS(), dst, func() {
				report, _, err := VerifyCopy(t.Context(), dst, "", r.Content)
				looked = err == nil && report.Verdict == "ok"
			})
			if err != nil || got.Seal != r.Seal || got.SizeBytes != r.SizeBytes || !looked {
				t.Errorf("%s: read back %+v (looked: %v, %v), want what was written: %+v", mode, got, looked, err, r)
			}
			if want := map[bool]string{true: "", false: got.SHA256}[byHash]; r.SHA256 != want {
				t.Errorf("%s, by hash %v: got SHA-256 %q, want %q", mode, byHash, r.SHA256, want)
			}
			if err := fsx.OS().Remove(dst); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestCopy_isSyncedByWhomItIsFor: by itself, unless it is read back by its seal, which
// begins with an fsync.
func TestCopy_isSyncedByWhomItIsFor(t *testing.T) {
	for _, c := range []struct {
		sealer *fsx.Sealer
		byHash bool
		want   bool
	}{{nil, false, true}, {nil, true, true}, {fsx.NewSealer(), false, true}, {fsx.NewSealer(), true, false}} {
		life := simfs.New(0).Boot(simfs.Plan{Record: true, ShmDir: t.TempDir()})
		for _, name := range []string{"/app.db", "/copy.db"} {
			f, err := life.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		db, err := OpenDB("/app.db", Options{VFS: life.VFS()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "create table a(b)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		conn, err := Open(t.Context(), "/app.db", Options{VFS: life.VFS(), Sealer: c.sealer})
		if err != nil {
			t.Fatal(err)
		}
		r, err := conn.Copy(t.Context(), "/copy.db", CopyOptions{ByHash: c.byHash})
		if err != nil || (r.Seal != 0) != (c.sealer != nil) {
			t.Errorf("got seal %x, %v", r.Seal, err)
		}
		synced := slices.ContainsFunc(life.Ops(), func(op simfs.Op) bool { return op.Kind == simfs.OpSync && op.Path == "/copy.db" })
		if synced != c.want {
			t.Errorf("sealer %v, by hash %v: got synced %v, want %v", c.sealer != nil, c.byHash, synced, c.want)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		life.End()
	}
}
