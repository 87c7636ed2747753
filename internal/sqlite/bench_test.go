package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// benchDB is about 100 MB (OFFICER_BENCH_DB names another file) in the shape of a photo archive.
func benchDB(b *testing.B) string {
	b.Helper()
	if path := os.Getenv("OFFICER_BENCH_DB"); path != "" {
		return path
	}
	const n = 34000
	return makeDB(b, filepath.Join(b.TempDir(), "bench.db"), fmt.Sprintf(`PRAGMA journal_mode=wal;
		CREATE TABLE locations(id INTEGER PRIMARY KEY, name TEXT NOT NULL, state TEXT, lat REAL, lon REAL, note TEXT, created_at TEXT);
		CREATE TABLE images(id INTEGER PRIMARY KEY, loc_id INTEGER REFERENCES locations(id), path TEXT NOT NULL UNIQUE, sha256 TEXT, w INT, h INT, meta TEXT, created_at TEXT);
		CREATE TABLE image_tags(image_id INTEGER, tag_id INTEGER, PRIMARY KEY(image_id,tag_id)) WITHOUT ROWID;
		CREATE INDEX images_loc ON images(loc_id); CREATE INDEX images_sha ON images(sha256);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%[1]d) INSERT INTO locations SELECT i, 'Abandoned '||hex(randomblob(6)), 'NY', 40+i/1e6, -74+i/1e6, hex(randomblob(60)), datetime(1.7e9+i,'unixepoch') FROM n;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%[1]d*5) INSERT INTO images SELECT i, 1+abs(random())%%%[1]d, '/archive/'||hex(randomblob(16)), lower(hex(randomblob(32))), 6000,4000, hex(randomblob(90)), datetime(1.7e9+i,'unixepoch') FROM n;
		INSERT OR IGNORE INTO image_tags SELECT id, 1+abs(random())%%500 FROM images;`, n))
}

func benchConn(b *testing.B) *Conn {
	path := benchDB(b)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	c := open(b, path, Options{ReadOnly: true})
	b.ReportAllocs()
	b.ResetTimer()
	return c
}

func BenchmarkOpen(b *testing.B) {
	path := makeDB(b, filepath.Join(b.TempDir(), "a.db"), plain)
	for b.Loop() {
		c, err := Open(b.Context(), path, Options{ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}

func BenchmarkContent(b *testing.B) {
	c := benchConn(b)
	for b.Loop() {
		if _, err := c.Content(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckFull(b *testing.B) {
	c := benchConn(b)
	for b.Loop() {
		if report, err := c.CheckFull(b.Context()); err != nil || report.Verdict != "ok" {
			b.Fatal(report, err)
		}
	}
}

func BenchmarkCopy(b *testing.B) {
	c := benchConn(b)
	dst := filepath.Join(b.TempDir(), "dst.db")
	for b.Loop() {
		empty(b, dst)
		if _, err := c.Copy(b.Context(), dst, CopyOptions{}); err != nil {
			b.Fatal(err)
		}
		os.Remove(dst)
	}
}

func BenchmarkVerifyCopy(b *testing.B) {
	c := benchConn(b)
	dst := empty(b, filepath.Join(b.TempDir(), "dst.db"))
	result, err := c.Copy(b.Context(), dst, CopyOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		if report, _, err := VerifyCopy(b.Context(), dst, "", result.Content); err != nil || report.Verdict != "ok" {
			b.Fatal(report, err)
		}
	}
}
