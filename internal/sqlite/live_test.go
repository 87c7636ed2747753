package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
)

func TestOpen_neverCreatesAndRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, readOnly := range []bool{true, false} {
		_, err := Open(t.Context(), filepath.Join(dir, "none.db"), Options{ReadOnly: readOnly})
		wantCode(t, err, fault.Missing)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("Open left %v", entries)
	}
	_, err := Open(t.Context(), dir, Options{})
	wantCode(t, err, fault.Refused)
	_, err = Open(t.Context(), "", Options{})
	wantCode(t, err, fault.Invalid)
	path := makeDB(t, filepath.Join(dir, "a.db"), plain)
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip("no symbolic links here")
	}
	_, err = Open(t.Context(), link, Options{Untrusted: true})
	wantCode(t, err, fault.Refused)
	open(t, link, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = open(t, path, Options{}).Facts(ctx)
	wantCode(t, err, fault.Interrupted)
}

func TestOpen_takesNamesLiterally(t *testing.T) {
	for _, name := range []string{"a?mode=memory.db", "b#c.db", "d%41.db", "e f+g&h=i.db", "ü日本.db", "q'u\"o;te.db", "n\new.db"} {
		if runtime.GOOS == "windows" && strings.ContainsAny(name, "?\"\n") {
			continue
		}
		dir := t.TempDir()
		makeDB(t, filepath.Join(dir, "plain.db"), plain)
		path := filepath.Join(dir, name)
		if err := os.Rename(filepath.Join(dir, "plain.db"), path); err != nil {
			t.Fatal(err)
		}
		got, err := open(t, path, Options{ReadOnly: true}).Preview(t.Context())
		if err != nil || len(got) != 2 {
			t.Errorf("%q: got %v %v, want two tables", name, got, err)
		}
	}
}

func TestFacts_readThroughTheWAL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := app(t, path)
	run(t, db, `PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0;`+plain+`PRAGMA user_version=5; PRAGMA application_id=6;`)
	c := open(t, path, Options{ReadOnly: true})
	facts, err := c.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if facts.UserVersion != 5 || facts.ApplicationID != 6 || facts.PageSize != 4096 || facts.JournalMode != "wal" || facts.Encoding != "UTF-8" || facts.AutoVacuum != "none" {
		t.Errorf("got %+v", facts)
	}
	pages, _ := c.value(`PRAGMA page_count`)
	if facts.PageCount != pages || facts.Source.WALFrames == 0 || facts.Source.WALSalt == 0 || facts.WALBytes == 0 {
		t.Errorf("got %+v, want %d pages and frames in the WAL", facts, pages)
	}
	if facts.Source.WriterVersion < 3050000 {
		t.Errorf("got writer version %d", facts.Source.WriterVersion)
	}
	before := facts.Source
	run(t, db, `UPDATE a SET v=0 WHERE id=1`)
	if facts, _ = c.Facts(t.Context()); facts.Source == before {
		t.Error("the source did not change with a commit")
	}
	before = facts.Source
	if facts, _ = c.Facts(t.Context()); facts.Source != before {
		t.Error("the source changed without a commit")
	}
	version, err := c.DataVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run(t, db, `UPDATE a SET v=1 WHERE id=1`)
	if after, _ := c.DataVersion(t.Context()); after == version {
		t.Error("data_version did not change with a foreign commit")
	}
}

func TestCheckpoint_worksOnAConnectionThatHasNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := app(t, path)
	run(t, db, `PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0;`+plain)
	c := open(t, path, Options{})
	log, done, err := c.Checkpoint(t.Context(), Passive)
	if err != nil || log == 0 || done != log {
		t.Errorf("passive: got %d of %d %v", done, log, err)
	}
	run(t, db, `UPDATE a SET v=0; BEGIN; SELECT * FROM a`)
	_, _, err = c.Checkpoint(t.Context(), Truncate)
	wantCode(t, err, fault.Busy)
	run(t, db, `COMMIT`)
	if _, _, err = c.Checkpoint(t.Context(), Truncate); err != nil {
		t.Errorf("truncate: %v", err)
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() != 0 {
		t.Errorf("got WAL %v %v, want empty", info, err)
	}
	rollback := open(t, makeDB(t, filepath.Join(t.TempDir(), "b.db"), plain), Options{})
	if log, done, err = rollback.Checkpoint(t.Context(), Truncate); log != 0 || done != 0 || err != nil {
		t.Errorf("rollback mode: got %d %d %v, want 0 0", log, done, err)
	}
}

func TestFence_keepsWritersOutAndReadersIn(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), `PRAGMA journal_mode=`+mode+`;`+plain)
		db := app(t, path)
		run(t, db, `PRAGMA busy_timeout=0`)
		c := open(t, path, Options{})
		if err := c.BeginFence(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(`UPDATE a SET v=0`); !errors.Is(err, sqlite3.BUSY) {
			t.Errorf("%s: got %v, want busy", mode, err)
		}
		run(t, db, `SELECT * FROM a`)
		other := open(t, path, Options{})
		wantCode(t, other.BeginFence(t.Context()), fault.Busy)
		// Another connection copies under the fence.
		if _, err := other.Copy(t.Context(), empty(t, path+".copy"), CopyOptions{}); err != nil {
			t.Errorf("%s: copy under the fence: %v", mode, err)
		}
		if !c.Fenced() {
			t.Error("not fenced")
		}
		if err := c.EndFence(); err != nil || c.Fenced() {
			t.Errorf("%s: got %v, fenced %v", mode, err, c.Fenced())
		}
		run(t, db, `UPDATE a SET v=0`)
	}
}

func TestCheckFull_namesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	path := makeDB(t, filepath.Join(dir, "a.db"), plain)
	c := open(t, path, Options{ReadOnly: true})
	report, err := c.CheckFull(t.Context())
	if err != nil || report.Verdict != check.OK || len(report.Findings) != 0 {
		t.Fatalf("healthy: got %+v %v", report, err)
	}
	facts, _ := c.Facts(t.Context())
	index, _ := c.value(`SELECT rootpage FROM sqlite_schema WHERE name='an'`)
	c.Close()
	image, _ := os.ReadFile(path)
	damage := func(name string, change func(p []byte)) check.Report {
		t.Helper()
		bad := slices.Clone(image)
		change(bad)
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		d := open(t, file, Options{ReadOnly: true, Untrusted: true})
		report, err := d.CheckFull(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if report.Verdict != check.Damaged || len(report.Findings) == 0 {
			t.Errorf("%s: got %+v, want damaged", name, report)
		}
		return report
	}
	damage("zeroed.db", func(p []byte) { clear(p[2*facts.PageSize : 3*facts.PageSize]) })
	r := damage("header.db", func(p []byte) { clear(p[:16]) })
	if r.Findings[0].Kind != "header" {
		t.Errorf("header: got %+v", r.Findings[0])
	}
	r = damage("index.db", func(p []byte) {
		root := p[(index-1)*int64(facts.PageSize):]
		clear(root[:8])
		root[0] = 10
	})
	if !slices.ContainsFunc(r.Findings, func(f check.Finding) bool { return f.Kind == "index" && f.Object == "an" }) {
		t.Errorf("index: got %+v", r.Findings)
	}
	short := filepath.Join(dir, "short.db")
	if err := os.WriteFile(short, image[:len(image)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := open(t, short, Options{ReadOnly: true}).CheckFull(t.Context()); err != nil || r.Verdict != check.Damaged {
		t.Errorf("cut in half: got %+v %v", r, err)
	}
}

func TestCheckFull_ofWhatIsUnknownHereCannotJudge(t *testing.T) {
	dir := t.TempDir()
	for name, sql := range map[string]string{
		"module": plain + `PRAGMA writable_schema=on; INSERT INTO sqlite_schema VALUES('table','m','m',0,'CREATE VIRTUAL TABLE m USING sphinx(a,b)');`,
		"fts4":   plain + `PRAGMA writable_schema=on; INSERT INTO sqlite_schema VALUES('table','m','m',0,'CREATE VIRTUAL TABLE m USING FTS4 (a)');`,
	} {
		path := makeDB(t, filepath.Join(dir, name+".db"), sql)
		report, err := open(t, path, Options{ReadOnly: true}).CheckFull(t.Context())
		if err != nil || report.Verdict != check.CannotJudge {
			t.Errorf("%s: got %+v %v, want cannot_judge", name, report, err)
		}
		if got := content(t, path); len(got.Tables) != 2 {
			t.Errorf("%s: got %v, want two tables", name, got.Tables)
		}
	}
	path := filepath.Join(dir, "collation.db")
	db := app(t, path)
	reverse := func(a, b []byte) int { return strings.Compare(string(b), string(a)) }
	if err := db.CreateCollation("finnish", reverse); err != nil {
		t.Fatal(err)
	}
	run(t, db, `CREATE TABLE t(a TEXT COLLATE finnish, PRIMARY KEY(a)) WITHOUT ROWID; CREATE TABLE u(a TEXT COLLATE finnish UNIQUE);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO t SELECT 'x'||i FROM n; INSERT INTO u SELECT a FROM t;`)
	for _, readOnly := range []bool{true, false} {
		c := open(t, path, Options{ReadOnly: readOnly})
		report, err := c.CheckFull(t.Context())
		if err != nil || report.Verdict != check.CannotJudge {
			t.Errorf("collation, read-only %v: got %s %+v %v, want cannot_judge", readOnly, report.Verdict, report.Findings[:min(3, len(report.Findings))], err)
		}
	}
	writing := open(t, path, Options{})
	if _, err := writing.Content(t.Context()); err != nil {
		t.Errorf("content through a writing connection: %v", err)
	}
	if err := writing.do(t.Context(), "test", func() error { return writing.db.Exec(`INSERT INTO t VALUES('zz')`) }); err == nil {
		t.Error("a writing connection kept the stand-in collation")
	}
	got := content(t, path)
	if got.Tables[0].Rows != 500 || got.Tables[1].Rows != 500 {
		t.Errorf("got %v, want 500 rows each", got.Tables)
	}
	err := MatchPageSize(t.Context(), path, empty(t, filepath.Join(dir, "tmp.db")), "", 8192)
	wantCode(t, err, fault.CannotJudge)
}

func TestCheckFull_inUTF16KnowsTheBuiltInCollations(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), `PRAGMA encoding='UTF-16le';
		CREATE TABLE t(a TEXT COLLATE NOCASE UNIQUE, b TEXT COLLATE RTRIM UNIQUE);
		INSERT INTO t VALUES('a', 'x'), ('B', 'x 1'), ('c', 'x!'), ('D', 'y  '), ('e', 'y !');`)
	for _, readOnly := range []bool{true, false} {
		report, err := open(t, path, Options{ReadOnly: readOnly}).CheckFull(t.Context())
		if err != nil || report.Verdict != check.OK {
			t.Errorf("read-only %v: got %+v %v, want ok", readOnly, report, err)
		}
	}
}

func TestCheckForeignKeys_listsOrphansUpToTheLimit(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), plain+`DELETE FROM a WHERE id<=3; CREATE TABLE w(a INT REFERENCES a(id), k TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO w VALUES(1,'x');`)
	c := open(t, path, Options{ReadOnly: true})
	report, err := c.CheckForeignKeys(t.Context(), 0)
	if err != nil || len(report.ForeignKeys) != 4 || report.Verdict != check.OK {
		t.Fatalf("got %+v %v, want 4 orphans", report, err)
	}
	want := check.ForeignKey{Table: "child", Rowid: 2, HasRowid: true, Parent: "a"}
	if !slices.Contains(report.ForeignKeys, want) || !slices.ContainsFunc(report.ForeignKeys, func(k check.ForeignKey) bool { return k.Table == "w" && !k.HasRowid }) {
		t.Errorf("got %+v", report.ForeignKeys)
	}
	if report, _ = c.CheckForeignKeys(t.Context(), 2); len(report.ForeignKeys) != 2 {
		t.Errorf("limit 2: got %d", len(report.ForeignKeys))
	}
}

func TestRunRules_readOnlyAndCounted(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), plain+`CREATE VIRTUAL TABLE r USING rtree(id,x0,x1); INSERT INTO r VALUES(1,0,1);`)
	want := content(t, path)
	for _, readOnly := range []bool{true, false} {
		c := open(t, path, Options{ReadOnly: readOnly})
		report, err := c.RunRules(t.Context(), []check.Rule{
			{Name: "fine", SQL: `SELECT 1 FROM a WHERE name IS NULL`},
			{Name: "broken", SQL: `SELECT id FROM a WHERE id<=3;`},
			{Name: "rtree", SQL: `SELECT 1 FROM r WHERE x0>5`},
			{Name: "writes", SQL: `DELETE FROM a RETURNING 1`},
			{Name: "two", SQL: `SELECT 1 WHERE 0; DELETE FROM a`},
			{Name: "pragma", SQL: `PRAGMA query_only=OFF`},
			{Name: "attach", SQL: `ATTACH ':memory:' AS x`},
			{Name: "syntax", SQL: `SELEC 1`},
			{Name: "empty", SQL: ` -- nothing`},
		})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, b := range report.RuleBreaks {
			names = append(names, b.Rule.Name)
			if (b.Rule.Name == "broken") != (b.Err == "") {
				t.Errorf("%s: got %+v", b.Rule.Name, b)
			}
		}
		if got := strings.Join(names, " "); got != "broken writes two pragma attach syntax empty" {
			t.Errorf("got broken rules %q", got)
		}
		if !readOnly {
			if err := c.BeginFence(t.Context()); err != nil {
				t.Errorf("the connection is left confined: %v", err)
			}
			c.Close()
		}
	}
	wantSame(t, content(t, path), want)
}

func TestPanics_becomeErrors(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), plain)
	c := open(t, path, Options{})
	err := c.do(t.Context(), "test", func() error { panic(errors.New("sqlite3: out of memory")) })
	wantCode(t, err, fault.NoMemory)
	if _, err := c.Content(t.Context()); err != nil {
		t.Errorf("after out of memory: %v", err)
	}
	err = c.do(t.Context(), "test", func() error { panic("a defect") })
	wantCode(t, err, fault.Internal)
	_, err = c.Content(t.Context())
	wantCode(t, err, fault.Internal)
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	_, err = c.Content(t.Context())
	wantCode(t, err, fault.Refused)
}

func TestPanics_ofACutSharedMemoryFileBecomeErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := app(t, path)
	run(t, db, `PRAGMA journal_mode=wal;`+plain)
	c := open(t, path, Options{ReadOnly: true})
	if _, err := c.Content(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path+"-shm", 0); err != nil {
		t.Skip("an open file cannot be cut here")
	}
	_, err := c.Content(t.Context())
	if err == nil {
		t.Skip("shared memory is not mapped here")
	}
	wantCode(t, err, fault.IO)
	// The app's connection has the same mapping; give it its pages back before it closes.
	if err := os.Truncate(path+"-shm", 32768); err != nil {
		t.Fatal(err)
	}
}

func TestErrors_fullDiskIsToldFromIOError(t *testing.T) {
	free := int64(0)
	c := &Conn{opts: Options{Space: func(string) (int64, int64, error) { return free, 100, nil }}}
	wantCode(t, c.fail("x", sqlite3.IOERR_WRITE), fault.Full)
	wantCode(t, c.fail("x", sqlite3.IOERR_SHMSIZE), fault.Full)
	wantCode(t, c.fail("x", sqlite3.CORRUPT), fault.Corrupt)
	free = 1 << 40
	wantCode(t, c.fail("x", sqlite3.IOERR_WRITE), fault.IO)
	wantCode(t, c.fail("x", sqlite3.BUSY_SNAPSHOT), fault.Busy)
	wantCode(t, c.fail("x", sqlite3.CORRUPT_INDEX), fault.Corrupt)
	wantCode(t, c.fail("x", sqlite3.NOTADB), fault.NotADatabase)
	wantCode(t, c.fail("x", sqlite3.READONLY_DBMOVED), fault.Moved)
	wantCode(t, c.fail("x", context.DeadlineExceeded), fault.Interrupted)
}

func TestReservedBytes_doNotSwitchOnChecksums(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	db := app(t, path)
	if _, err := db.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, 8); err != nil {
		t.Fatal(err)
	}
	run(t, db, `VACUUM;`+plain)
	db.Close()
	want := content(t, path)
	// Another program keeps something of its own in the reserved bytes.
	image, _ := os.ReadFile(path)
	if image[20] != 8 {
		t.Fatalf("got %d reserved bytes", image[20])
	}
	for end := 4096; end <= len(image); end += 4096 {
		copy(image[end-8:end], "mine....")
	}
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, path, Options{ReadOnly: true})
	if report, err := c.CheckFull(t.Context()); err != nil || report.Verdict != check.OK {
		t.Fatalf("got %+v %v, want ok", report, err)
	}
	dst := empty(t, filepath.Join(dir, "dst.db"))
	if _, err := c.Copy(t.Context(), dst, CopyOptions{}); err != nil {
		t.Fatal(err)
	}
	wantSame(t, content(t, dst), want)
}

func TestCopy_ofAFileWhoseHeaderSizeIsNotValid(t *testing.T) {
	// As SQLite before 3.7.0 leaves it: version-valid-for is not the change counter.
	dir := t.TempDir()
	path := makeDB(t, filepath.Join(dir, "a.db"), plain)
	want := content(t, path)
	image, _ := os.ReadFile(path)
	clear(image[28:32])
	clear(image[92:100])
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, path, Options{ReadOnly: true})
	if facts, err := c.Facts(t.Context()); err != nil || facts.PageCount != int64(len(image)/4096) {
		t.Errorf("got %+v %v", facts, err)
	}
	dst := empty(t, filepath.Join(dir, "dst.db"))
	if _, err := c.Copy(t.Context(), dst, CopyOptions{}); err != nil {
		t.Fatal(err)
	}
	wantSame(t, content(t, dst), want)
}

func TestHasMoved_andIdentity(t *testing.T) {
	dir := t.TempDir()
	path := makeDB(t, filepath.Join(dir, "a.db"), plain)
	c := open(t, path, Options{ReadOnly: true})
	if moved, err := c.HasMoved(); moved || err != nil {
		t.Errorf("got %v %v, want not moved", moved, err)
	}
	id, err := c.Identity()
	if err != nil || id.Known && (id.Device != id.PathDevice || id.Inode != id.PathInode) {
		t.Errorf("got %+v %v", id, err)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Skip("an open file cannot be renamed here")
	}
	makeDB(t, path, plain)
	if moved, err := c.HasMoved(); !moved || err != nil {
		t.Errorf("got %v %v, want moved", moved, err)
	}
	if id, _ = c.Identity(); id.Known && id.Inode == id.PathInode {
		t.Errorf("got %+v, want two files", id)
	}
}

// counted is a VFS that notes which files are opened through it.
type counted struct {
	vfs.VFSFilename
	mu     sync.Mutex
	opened map[string]int
}

func (v *counted) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	v.mu.Lock()
	v.opened[filepath.Base(name.String())]++
	v.mu.Unlock()
	return v.VFSFilename.OpenFilename(name, flags)
}

func TestVFS_everythingGoesThroughTheNamedOne(t *testing.T) {
	const name = "counted"
	v := &counted{VFSFilename: vfs.Find("os").(vfs.VFSFilename), opened: map[string]int{}}
	vfs.Register(name, v)
	t.Cleanup(func() { vfs.Unregister(name) })
	for _, mode := range []string{"wal", "delete"} {
		dir := t.TempDir()
		path := makeDB(t, filepath.Join(dir, "live.db"), `PRAGMA journal_mode=`+mode+`;`+plain)
		c := open(t, path, Options{VFS: name})
		dst := empty(t, filepath.Join(dir, "dst.db"))
		result, err := c.Copy(t.Context(), dst, CopyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := VerifyCopy(t.Context(), dst, name, result.Content); err != nil {
			t.Error(err)
		}
		tmp := empty(t, filepath.Join(dir, "tmp.db"))
		if err := MatchPageSize(t.Context(), dst, tmp, name, 4096); err != nil {
			t.Error(err)
		}
		if err := c.Restore(t.Context(), tmp, RestoreOptions{}); err != nil {
			t.Error(err)
		}
		for _, file := range []string{"live.db", "dst.db", "tmp.db"} {
			if v.opened[file] == 0 {
				t.Errorf("%s mode: %s was opened behind the VFS", mode, file)
			}
		}
		if _, err := Open(t.Context(), path, Options{VFS: "nowhere"}); err == nil {
			t.Error("an unknown VFS was accepted")
		}
	}
}

func TestOpenDB_isTheAppsHandle(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), `PRAGMA journal_mode=wal;`+plain)
	own := &Descriptors{}
	db, err := OpenDB(path, Options{Descriptors: own})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := db.ExecContext(t.Context(), `UPDATE a SET v=v+1`); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c := open(t, path, Options{ReadOnly: true, Descriptors: own})
	if _, err := c.Content(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := ForeignDriverGuard([]string{path}, own); err != nil {
		t.Errorf("own handle taken for foreign: %v", err)
	}
	missing, err := OpenDB(filepath.Join(t.TempDir(), "none.db"), Options{})
	if err == nil {
		err = missing.PingContext(t.Context())
		missing.Close()
	}
	if err == nil {
		t.Error("a missing database was created")
	}
}

// A pool opens and closes connections whenever it likes; the guard must never see one that
// is not listed yet, or no more.
func TestForeignDriverGuard_whileAPoolOpensAndCloses(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), `PRAGMA journal_mode=wal;`+plain)
	own := &Descriptors{}
	db, err := OpenDB(path, Options{Descriptors: own})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxIdleConns(-1) // each use opens one and closes it
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := db.PingContext(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 300 {
		if _, err := ForeignDriverGuard([]string{path}, own); err != nil {
			t.Errorf("own handle taken for foreign: %v", err)
			break
		}
	}
	close(done)
	wg.Wait()
}

func TestForeignDriverGuard_findsAnotherSQLite(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), `PRAGMA journal_mode=wal;`+plain)
	own := &Descriptors{}
	c := open(t, path, Options{Descriptors: own})
	if _, err := c.Content(t.Context()); err != nil {
		t.Fatal(err)
	}
	known, err := ForeignDriverGuard([]string{path}, own)
	if err != nil {
		t.Fatalf("own descriptors taken for foreign: %v", err)
	}
	if !known {
		t.Skip("this system does not tell")
	}
	for _, name := range []string{path, path + "-shm", path + "-wal"} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ForeignDriverGuard([]string{path}, own)
		wantCode(t, err, fault.ForeignDriver)
		f.Close()
	}
	c.Close()
	if _, err := ForeignDriverGuard([]string{path}, own); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

func TestInterrupt_stopsALongCheck(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), `CREATE TABLE t(a,b); CREATE INDEX ta ON t(a);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<30000) INSERT INTO t SELECT i*7919%30011, i FROM n;`)
	c := open(t, path, Options{ReadOnly: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := c.CheckFull(ctx)
	wantCode(t, err, fault.Interrupted)
	if report, err := c.CheckQuick(t.Context()); err != nil || report.Verdict != check.OK {
		t.Errorf("afterwards: got %+v %v", report, err)
	}
}
