package sqlite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
)

// TestCopy_ofEveryStateIsWhatTheBackupAPIGives: what lies in the log only, reserved bytes,
// in both journal modes.
func TestCopy_ofEveryStateIsWhatTheBackupAPIGives(t *testing.T) {
	states := map[string]func(t *testing.T, db *sqlite3.Conn){
		"frames in the log": func(t *testing.T, db *sqlite3.Conn) {
			run(t, db, `PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0;`+plain+`PRAGMA wal_checkpoint(truncate); UPDATE a SET name=name||'!'; DELETE FROM a WHERE id%3=0;`)
		},
		"shrunk in the log": func(t *testing.T, db *sqlite3.Conn) {
			run(t, db, `PRAGMA auto_vacuum=full; PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0;`+plain+`PRAGMA wal_checkpoint(truncate); DELETE FROM a WHERE id>20;`)
		},
		"all in the log": func(t *testing.T, db *sqlite3.Conn) {
			run(t, db, `PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0;`+plain)
		},
		"reserved bytes": func(t *testing.T, db *sqlite3.Conn) {
			if _, err := db.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, 24); err != nil {
				t.Fatal(err)
			}
			run(t, db, `PRAGMA page_size=1024;`+plain)
		},
		"persistent journal": func(t *testing.T, db *sqlite3.Conn) { run(t, db, `PRAGMA journal_mode=persist;`+plain) },
		"one page":           func(t *testing.T, db *sqlite3.Conn) { run(t, db, `PRAGMA user_version=3`) },
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := empty(t, filepath.Join(dir, "app.db"))
			state(t, app(t, path))
			c := open(t, path, Options{})
			dst := empty(t, filepath.Join(dir, "dst.db"))
			r, err := c.Copy(t.Context(), dst, CopyOptions{})
			if err != nil || r.SHA256 == "" {
				t.Fatalf("got %+v %v, want a copy by pages", r, err)
			}
			want := backedUp(t, c)
			want[18], want[19] = 1, 1
			got, _ := os.ReadFile(dst)
			wantImage(t, got, want, r.PageSize)
			report, _, err := VerifyCopy(t.Context(), dst, "", r.Content)
			if err != nil || report.Verdict != check.OK {
				t.Errorf("got %s %v %v", report.Verdict, report.Findings, err)
			}
			wantNoStrays(t, dst)
		})
	}
}

func TestCopy_whereOnlySQLiteReadsIsByTheBackupAPI(t *testing.T) {
	const name = "copyopaque"
	vfs.Register(name, &counted{VFSFilename: vfs.Find("os").(vfs.VFSFilename), opened: map[string]int{}})
	t.Cleanup(func() { vfs.Unregister(name) })
	for _, sql := range []string{plain, ""} {
		dir := t.TempDir()
		path := empty(t, filepath.Join(dir, "app.db"))
		run(t, app(t, path), sql)
		opts := Options{VFS: name}
		if sql == "" { // an empty file, also of the plain VFS
			opts.VFS = ""
		}
		c := open(t, path, opts)
		r, err := c.Copy(t.Context(), empty(t, filepath.Join(dir, "dst.db")), CopyOptions{ByHash: true})
		if err != nil || r.SHA256 != "" || r.Content.SchemaDigest == "" {
			t.Errorf("got %+v %v, want a copy by SQLite with its content", r, err)
		}
	}
}

// A snapshot keeps the log from being reset: when it grows, the copy no longer takes its time.
func TestCopy_hurriesWhenTheLogGrows(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "app.db")
	writer := app(t, path)
	run(t, writer, `PRAGMA journal_mode=wal; CREATE TABLE t(b); INSERT INTO t VALUES(randomblob(4000000)); PRAGMA wal_checkpoint(truncate);`)
	c := open(t, path, Options{ReadOnly: true})
	grown := false
	started := time.Now()
	r, err := c.Copy(t.Context(), empty(t, filepath.Join(dir, "dst.db")), CopyOptions{
		ByHash: true, PaceBytesPerSecond: 1000, // an hour
		Progress: func(int64, int64) {
			if !grown {
				grown = true
				run(t, writer, `INSERT INTO t VALUES(zeroblob(18000000))`)
			}
		},
	})
	if took := time.Since(started); err != nil || took > 30*time.Second {
		t.Fatalf("took %s, %v", took, err)
	}
	if want := int64(4_000_000); r.SizeBytes < want || r.SizeBytes > want+100_000 {
		t.Errorf("got %d bytes: the copy is not of the snapshot", r.SizeBytes)
	}
}

func TestCopy_toAFullVolumeSaysSo(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), plain)
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	c := open(t, path, Options{ReadOnly: true})
	dst := filepath.Join(t.TempDir(), "dst.db")
	if err := os.Symlink("/dev/full", dst); err != nil {
		t.Fatal(err)
	}
	_, err := c.Copy(t.Context(), dst, CopyOptions{})
	wantCode(t, err, fault.Full)
}

// TestCopy_thatFailsLeavesTheConnectionUsable also proves that no reader is left behind.
func TestCopy_thatFailsLeavesTheConnectionUsable(t *testing.T) {
	dir := t.TempDir()
	path := makeDB(t, filepath.Join(dir, "app.db"), `PRAGMA journal_mode=wal;`+plain)
	c := open(t, path, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.Copy(ctx, empty(t, filepath.Join(dir, "dst.db")), CopyOptions{Progress: func(int64, int64) { cancel() }})
	wantCode(t, err, fault.Interrupted)
	run(t, app(t, path), `UPDATE a SET v=1`)
	if _, _, err := c.Checkpoint(t.Context(), Truncate); err != nil {
		t.Errorf("got %v: the snapshot is still pinned", err)
	}
}

// The page that holds only locks begins at 1 GiB, wherever a burst ends.
func TestAsStored_clearsTheLockPage(t *testing.T) {
	for _, pageSize := range []int{512, 4096, 65536} {
		p := bytes.Repeat([]byte{7}, 2*burstBytes)
		off := int64(lockPageOff) - burstBytes
		asStored(p, off, pageSize)
		want := bytes.Repeat([]byte{7}, 2*burstBytes)
		clear(want[burstBytes : burstBytes+pageSize])
		if !bytes.Equal(p, want) {
			t.Errorf("page size %d: got other bytes cleared", pageSize)
		}
	}
}
