package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
)

// kinds are databases with each feature that a copy or digest could get wrong.
var kinds = []struct{ name, sql string }{
	{"page size 512", `PRAGMA page_size=512;` + plain},
	{"page size 1024 full auto_vacuum", `PRAGMA page_size=1024; PRAGMA auto_vacuum=full;` + plain + `DELETE FROM a WHERE id%3=0;`},
	{"page size 4096", plain},
	{"page size 32768", `PRAGMA page_size=32768;` + plain},
	{"page size 65536", `PRAGMA page_size=65536;` + plain},
	{"incremental auto_vacuum", `PRAGMA auto_vacuum=incremental;` + plain + `DELETE FROM a WHERE id%3=0;`},
	{"WAL", `PRAGMA journal_mode=wal;` + plain},
	{"WAL small pages", `PRAGMA page_size=512; PRAGMA journal_mode=wal;` + plain},
	{"UTF-16le", `PRAGMA encoding='UTF-16le';` + plain},
	{"UTF-16be", `PRAGMA encoding='UTF-16be';` + plain},
	{"without rowid", `CREATE TABLE w(k TEXT, v, n INT, PRIMARY KEY(n, k)) WITHOUT ROWID; CREATE INDEX wv ON w(v);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO w SELECT 'k'||i, hex(i*i), i%7 FROM n;`},
	{"FTS5", `CREATE VIRTUAL TABLE f USING fts5(title, body); INSERT INTO f VALUES('one','quick brown fox'),('two','lazy dog');`},
	{"rtree", `CREATE VIRTUAL TABLE r USING rtree(id,x0,x1,y0,y1); INSERT INTO r VALUES(1,0,1,0,1),(2,5,6,5,6);`},
	{"generated columns", `CREATE TABLE g(a INT, b INT AS (a*2) VIRTUAL, c TEXT AS ('<'||a||'>') STORED); INSERT INTO g(a) VALUES(1),(2),(NULL);`},
	{"partial and expression indexes", plain + `CREATE INDEX p ON a(name) WHERE id>10; CREATE INDEX e ON a(lower(name)||id);`},
	{"overflow blobs", `CREATE TABLE o(x BLOB, y TEXT); INSERT INTO o VALUES(randomblob(100000), hex(randomblob(9000))),(zeroblob(70000),'a'||char(0)||'b');`},
	{"odd values", `CREATE TABLE v(r REAL, n NUMERIC, any); INSERT INTO v VALUES(1,1,1),(1.5,'1.0','1'),(9e999,-9e999,x''),(NULL,'',x'00'),(-0.0,9223372036854775807,char(0));`},
	{"shadowed rowid", `CREATE TABLE s(rowid TEXT, oid INT, v); INSERT INTO s VALUES('x',1,2),('y',3,4); CREATE TABLE s3(rowid,oid,_rowid_); INSERT INTO s3 VALUES(1,2,3);`},
	{"autoincrement and statistics", `CREATE TABLE i(id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO i(v) VALUES(1),(2); CREATE INDEX iv ON i(v); ANALYZE;`},
	{"strange names", `CREATE TABLE "a b""c;--"("x y" INT, "select" TEXT); INSERT INTO "a b""c;--" VALUES(1,'x'); CREATE TABLE "ü'日本"(v); CREATE VIEW vw AS SELECT 1;`},
	{"strict", `CREATE TABLE st(a INTEGER, b REAL, c TEXT, d BLOB, e ANY) STRICT; INSERT INTO st VALUES(1,2,'3',x'04',5);`},
	{"header fields", `PRAGMA user_version=77; PRAGMA application_id=1234;` + plain},
	{"empty schema", `PRAGMA user_version=1;`},
}

const plain = `CREATE TABLE a(id INTEGER PRIMARY KEY, name TEXT NOT NULL, v REAL, b BLOB); CREATE INDEX an ON a(name);
CREATE TABLE child(id INTEGER PRIMARY KEY, a INT REFERENCES a(id));
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<400)
INSERT INTO a SELECT i, 'name '||i||' ü', i, CAST(hex(i) AS BLOB) FROM n;
INSERT INTO child SELECT id, id FROM a;`

// make creates a database. Its connection is closed again, so a WAL is checkpointed.
func makeDB(t testing.TB, path, sql string) string {
	t.Helper()
	db := app(t, path)
	run(t, db, sql)
	if err := db.Close(); err != nil {
		t.Fatalf("close %s: %v", path, err)
	}
	return path
}

// app is the application's connection: plain, not hardened.
func app(t testing.TB, path string) *sqlite3.Conn {
	t.Helper()
	db, err := sqlite3.OpenFlags(fileURI(path), sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_URI)
	if err != nil {
		t.Fatalf("app opens %s: %v", path, err)
	}
	if err := register(db); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	run(t, db, `PRAGMA foreign_keys=off; PRAGMA synchronous=off; PRAGMA busy_timeout=5000;`)
	return db
}

func run(t testing.TB, db *sqlite3.Conn, sql string) {
	t.Helper()
	if err := db.Exec(sql); err != nil {
		t.Fatalf("app: %v in %.200s", err, sql)
	}
}

func open(t testing.TB, path string, opts Options) *Conn {
	t.Helper()
	c, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func content(t testing.TB, path string) manifest.Content {
	t.Helper()
	c := open(t, path, Options{ReadOnly: true})
	defer c.Close()
	got, err := c.Content(t.Context())
	if err != nil {
		t.Fatalf("content of %s: %v", path, err)
	}
	return got
}

// empty makes the file that a caller of Copy makes.
func empty(t testing.TB, path string) string {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	return path
}

func wantCode(t testing.TB, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}

func wantSame(t testing.TB, got, want manifest.Content) {
	t.Helper()
	for _, f := range differences(want, got) {
		t.Errorf("content differs: %s", f.Detail)
	}
}

func wantNoStrays(t testing.TB, path string) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(path + suffix); err == nil {
			t.Errorf("%s was left behind", path+suffix)
		}
	}
}

func TestCopy_holdsTheSameForEveryKind(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			dir := t.TempDir()
			src := makeDB(t, filepath.Join(dir, "src.db"), kind.sql)
			dst := empty(t, filepath.Join(dir, "dst.db"))
			c := open(t, src, Options{ReadOnly: true})
			result, err := c.Copy(t.Context(), dst, CopyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			wantSame(t, content(t, dst), result.Content)
			wantSame(t, content(t, dst), content(t, src))
			report, got, err := VerifyCopy(t.Context(), dst, "", result.Content)
			if err != nil || report.Verdict != check.OK {
				t.Errorf("verify: got %s %v %v, want ok", report.Verdict, report.Findings, err)
			}
			wantSame(t, got, result.Content)
			wantNoStrays(t, dst)
			info, _ := os.Stat(dst)
			if info.Size() != result.SizeBytes || info.Size() != result.Pages*int64(result.PageSize) {
				t.Errorf("got size %d, pages %d × %d, file %d", result.SizeBytes, result.Pages, result.PageSize, info.Size())
			}
			facts, err := open(t, dst, Options{ReadOnly: true}).Facts(t.Context())
			if err != nil || facts.JournalMode != "delete" {
				t.Errorf("got journal mode %q %v, want delete", facts.JournalMode, err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("got mode %v, want 0600", info.Mode())
			}
		})
	}
}

func TestCopy_ofUnchangedContentIsSkipped(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			src := makeDB(t, filepath.Join(dir, "src.db"), `PRAGMA journal_mode=`+mode+`;`+plain)
			c := open(t, src, Options{ReadOnly: true})
			have, err := c.Content(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			dst := empty(t, filepath.Join(dir, "dst.db"))
			result, err := c.Copy(t.Context(), dst, CopyOptions{UnlessContent: &have})
			if err != nil || !result.Skipped {
				t.Fatalf("got skipped %v %v, want true", result.Skipped, err)
			}
			if info, _ := os.Stat(dst); info.Size() != 0 {
				t.Errorf("got %d bytes in the destination, want 0", info.Size())
			}
			run(t, app(t, src), `UPDATE a SET v=v+1 WHERE id=7`)
			result, err = c.Copy(t.Context(), dst, CopyOptions{UnlessContent: &have})
			if err != nil || result.Skipped {
				t.Errorf("after an update: got skipped %v %v, want false", result.Skipped, err)
			}
		})
	}
}

func TestCopy_refusesADestinationThatHoldsSomething(t *testing.T) {
	dir := t.TempDir()
	src := makeDB(t, filepath.Join(dir, "src.db"), plain)
	dst := filepath.Join(dir, "dst.db")
	if err := os.WriteFile(dst, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, src, Options{ReadOnly: true})
	_, err := c.Copy(t.Context(), dst, CopyOptions{})
	wantCode(t, err, fault.Refused)
	if data, _ := os.ReadFile(dst); string(data) != "precious" {
		t.Errorf("got %q in the destination", data)
	}
	_, err = c.Copy(t.Context(), filepath.Join(dir, "nothing.db"), CopyOptions{})
	wantCode(t, err, fault.Missing)
}

func TestCopy_whileAnotherConnectionWritesIsACommittedState(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			src := filepath.Join(dir, "src.db")
			makeDB(t, src, `PRAGMA journal_mode=`+mode+`; CREATE TABLE t(id INTEGER PRIMARY KEY, n INT, pad BLOB);
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000) INSERT INTO t SELECT i, 0, randomblob(700) FROM n;`)
			stop, done := make(chan struct{}), make(chan error, 1)
			writer := app(t, src)
			commits := 0
			first := make(chan struct{})
			go func() { // every commit adds 1 to n of all rows
				for {
					select {
					case <-stop:
						done <- nil
						return
					default:
					}
					if err := writer.Exec(`UPDATE t SET n=n+1`); err != nil {
						done <- err
						return
					}
					if commits++; commits == 1 {
						close(first)
					}
				}
			}()
			<-first
			c := open(t, src, Options{ReadOnly: true, BusyTimeout: 5 * time.Second})
			for i := range 5 {
				dst := empty(t, filepath.Join(dir, fmt.Sprintf("dst%d.db", i)))
				result, err := c.Copy(t.Context(), dst, CopyOptions{})
				if err != nil {
					t.Fatal(err)
				}
				report, _, err := VerifyCopy(t.Context(), dst, "", result.Content)
				if err != nil || report.Verdict != check.OK {
					t.Fatalf("got %s %v %v", report.Verdict, report.Findings, err)
				}
				v := open(t, dst, Options{ReadOnly: true})
				if n, err := v.value(`SELECT count(DISTINCT n)*100000+count(*) FROM t`); err != nil || n != 102000 {
					t.Errorf("got %d %v: a mixture of commits", n, err)
				}
				if mode == "delete" && result.WorstWriterStall <= 0 {
					t.Error("no writer stall was measured in rollback-journal mode")
				}
			}
			close(stop)
			if err := <-done; err != nil {
				t.Errorf("writer: %v", err)
			}
		})
	}
}

func TestCopy_stopsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	src := makeDB(t, filepath.Join(dir, "src.db"), `PRAGMA journal_mode=wal; CREATE TABLE t(b); INSERT INTO t VALUES(randomblob(4000000));`)
	c := open(t, src, Options{ReadOnly: true})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.Copy(ctx, empty(t, filepath.Join(dir, "dst.db")), CopyOptions{
		PaceBytesPerSecond: 1000, // an hour
		Progress:           func(done, total int64) { cancel() },
	})
	wantCode(t, err, fault.Interrupted)
	if _, err := c.Content(t.Context()); err != nil {
		t.Errorf("the connection does not go on: %v", err)
	}
}

func TestCopy_keepsItsPaceOnAverage(t *testing.T) {
	dir := t.TempDir()
	src := makeDB(t, filepath.Join(dir, "src.db"), `PRAGMA journal_mode=wal; CREATE TABLE t(b); INSERT INTO t VALUES(randomblob(3000000));`)
	c := open(t, src, Options{ReadOnly: true})
	result, err := c.Copy(t.Context(), empty(t, filepath.Join(dir, "dst.db")), CopyOptions{PaceBytesPerSecond: 10_000_000})
	if err != nil {
		t.Fatal(err)
	}
	// Two of three bursts are waited for.
	if result.Duration < 150*time.Millisecond {
		t.Errorf("3 MB took %s at 10 MB/s", result.Duration)
	}
	if result.WorstWriterStall != 0 {
		t.Errorf("got writer stall %s in WAL mode, want 0", result.WorstWriterStall)
	}
}

func TestContent_seesEveryDifference(t *testing.T) {
	base := `CREATE TABLE a(id INTEGER PRIMARY KEY, t TEXT, v); CREATE TABLE b(id INTEGER PRIMARY KEY, t TEXT, v); CREATE TABLE n(x);
		INSERT INTO a VALUES(1,'one',1),(2,'two','1'),(3,'three',x'31'),(4,'four',1.5); INSERT INTO n VALUES('x'),('x');`
	dir := t.TempDir()
	want := content(t, makeDB(t, filepath.Join(dir, "base.db"), base))
	for i, change := range []string{
		`UPDATE a SET t='onE' WHERE id=1`,
		`UPDATE a SET v='1' WHERE id=1`,
		`UPDATE a SET v=1 WHERE id=2`,
		`UPDATE a SET v='1' WHERE id=3`,
		`UPDATE a SET v=x'3100' WHERE id=3`,
		`UPDATE a SET v=1.5000001 WHERE id=4`,
		`UPDATE a SET v=NULL WHERE id=4`,
		`UPDATE a SET t='three'||char(0) WHERE id=3`,
		`UPDATE a SET id=5 WHERE id=4`,
		`INSERT INTO b SELECT * FROM a WHERE id=4; DELETE FROM a WHERE id=4`,
		`UPDATE a SET t=v, v=t WHERE id=2`,
		`DELETE FROM n WHERE rowid=2`,
		`UPDATE n SET rowid=9 WHERE rowid=2`,
		`INSERT INTO n VALUES('x')`,
		`CREATE INDEX i ON a(t)`,
		`PRAGMA user_version=3`,
		`PRAGMA application_id=3`,
	} {
		got := content(t, makeDB(t, filepath.Join(dir, fmt.Sprintf("%d.db", i)), base+change+";"))
		if len(differences(want, got)) == 0 {
			t.Errorf("content does not see: %s", change)
		}
	}
	// The order in which rows came does not matter.
	shuffled := strings.Replace(base, `(1,'one',1),(2,'two','1')`, `(2,'two','1'),(1,'one',1)`, 1)
	wantSame(t, content(t, makeDB(t, filepath.Join(dir, "shuffled.db"), shuffled)), want)
}

func TestContent_seesAnyFlippedPayloadByteThatIntegrityCheckPasses(t *testing.T) {
	dir := t.TempDir()
	// The index covers all columns: reading it instead of the table would miss the flip.
	path := makeDB(t, filepath.Join(dir, "a.db"), `CREATE TABLE t(name TEXT); INSERT INTO t VALUES('needle in the hay'); CREATE TABLE c(a TEXT); CREATE INDEX ca ON c(a); INSERT INTO c VALUES('covered needle');`)
	want := content(t, path)
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, needle := range []string{"needle in the hay", "covered needle"} {
		at := strings.Index(string(image), needle)
		for i := 0; i < len(needle); i += 3 {
			bad := append([]byte(nil), image...)
			bad[at+i] ^= 0x04
			flipped := filepath.Join(dir, "flipped.db")
			if err := os.WriteFile(flipped, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			report, _, err := VerifyCopy(t.Context(), flipped, "", want)
			if err != nil || report.Verdict != check.Damaged {
				t.Fatalf("byte %d of %q flipped: got %s %v, want damaged", i, needle, report.Verdict, err)
			}
		}
	}
}

func TestVerifyCopy_ofWhatNothingIsKnownAboutOnlyChecks(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "found.db"), `CREATE TABLE t(a); INSERT INTO t VALUES(1),(2);`)
	report, got, err := VerifyCopy(t.Context(), path, "", manifest.Content{})
	if err != nil || report.Verdict != check.OK || len(report.Findings) != 0 {
		t.Errorf("got %v %+v, want ok", err, report)
	}
	if len(got.Tables) != 1 || got.Tables[0].Rows != 2 {
		t.Errorf("got %+v, want table t with 2 rows", got)
	}
}

func TestContent_utf16KeepsBytesThatAreNotText(t *testing.T) {
	dir := t.TempDir()
	make16 := func(name, blob string) manifest.Content {
		return content(t, makeDB(t, filepath.Join(dir, name), `PRAGMA encoding='UTF-16le'; CREATE TABLE t(v TEXT); INSERT INTO t VALUES(CAST(`+blob+` AS TEXT));`))
	}
	// Two lone surrogates: as UTF-8 both would be the replacement character.
	if len(differences(make16("1.db", `x'00d8'`), make16("2.db", `x'01d8'`))) == 0 {
		t.Error("two different lone surrogates have one digest")
	}
}

func TestContent_streamsValuesBeyondTheLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a 68 MB row")
	}
	dir := t.TempDir()
	path := makeDB(t, filepath.Join(dir, "big.db"), `CREATE TABLE t(id INTEGER PRIMARY KEY, v, w); INSERT INTO t VALUES(1,'small',2),(2,zeroblob(68000000),'after');`)
	want := content(t, path)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{1}, 40_000_000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if len(differences(want, content(t, path))) == 0 {
		t.Error("a flipped byte in a 68 MB value is not seen")
	}
}
