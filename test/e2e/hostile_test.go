//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/officer-doofy/officer/testkit"
)

const (
	hostileWithin   = patience // a verb that needs longer hangs
	logOfAnother    = "log of another database"
	hostileMemoryKB = 192 << 10 // resident, of a verb on a file of less than a megabyte
)

var updateHostile = flag.Bool("update-hostile", false, "write the exit codes down as they are")

// hostile is one file (or what stands in its place) that nobody should have to fear.
type hostile struct {
	name string
	make func(t *testing.T, dir string) (db string)
	// sound: SQLite takes it for good, and whoever opens it tidies up (a hot journal is rolled
	// back, a log emptied). Of all others not a byte may change, whatever is ordered.
	sound bool
}

// hostileVerbs are all verbs that take a database, those that only look first.
func hostileVerbs() [][]string {
	return [][]string{
		{"status"}, {"check"}, {"check", "--quick"}, {"check", "--sqlite"}, {"doctor"}, {"list"}, {"show", "20260101T000000Z"}, {"explain"},
		{"events"}, {"logs"}, {"metrics"}, {"metrics", "--prometheus"}, {"verify"}, {"verify", "--all"}, {"diff"}, {"dashboard", "--print-url"},
		{"restore", "--dry-run"}, {"recover", "--to", "OUT"},
		{"backup", "--reason", "hostile"}, {"drill"}, {"pin", "20260101T000000Z"}, {"unpin", "../../etc/passwd"},
		{"checkpoint"}, {"analyze"}, {"vacuum"}, {"undo", "--yes"},
	}
}

func plainDatabase(t *testing.T, dir string) string {
	t.Helper()
	return testkit.Build(t, dir, testkit.Delete)
}

// bytesOf makes a file of bytes.
func bytesOf(data func() []byte) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		t.Helper()
		return write(t, filepath.Join(dir, "app.db"), data())
	}
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// changed is a good database after a change of its bytes.
func changed(change func(b []byte) []byte) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		t.Helper()
		path := plainDatabase(t, dir)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return write(t, path, change(data))
	}
}

// harmed is a database of a kind after one of testkit's damages.
func harmed(kind testkit.Kind, harm func(t testing.TB, path string) string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		t.Helper()
		path := testkit.Build(t, dir, kind)
		harm(t, path)
		return path
	}
}

func built(kind testkit.Kind) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string { t.Helper(); return testkit.Build(t, dir, kind) }
}

// sqled is a database made by the C command line.
func sqled(name string, sql ...string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if out, err := exec.Command(need(t, "sqlite3"), append([]string{path}, sql...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return path
	}
}

// beside lays a file beside a database.
func beside(kind testkit.Kind, suffix string, data func(t *testing.T, dir string) []byte) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		t.Helper()
		path := testkit.Build(t, dir, kind)
		write(t, path+suffix, data(t, dir))
		return path
	}
}

func garbage(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*i*131 + i>>3 + 7)
	}
	return b
}

// foreignLog is the write-ahead log of another database.
func foreignLog(t *testing.T, dir string) []byte {
	t.Helper()
	other := filepath.Join(dir, "other")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(testkit.Build(t, other, testkit.WALPending) + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(other); err != nil {
		t.Fatal(err)
	}
	return data
}

// hotJournal is a rollback journal with records for pages of another database.
func hotJournal(*testing.T, string) []byte {
	b := make([]byte, 512, 2048)
	copy(b, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
	binary.BigEndian.PutUint32(b[8:], 1)
	binary.BigEndian.PutUint32(b[16:], 3)
	binary.BigEndian.PutUint32(b[20:], 512)
	binary.BigEndian.PutUint32(b[24:], 512)
	return append(b, garbage(520)...)
}

func hostiles() []hostile {
	put := func(at int, b ...byte) func([]byte) []byte {
		return func(data []byte) []byte { copy(data[at:], b); return data }
	}
	cut := func(n int) func([]byte) []byte { return func(data []byte) []byte { return data[:n] } }
	return slices.Concat([]hostile{
		{"a file without a byte", bytesOf(func() []byte { return nil }), true}, // an empty database
		{"one byte", bytesOf(func() []byte { return []byte("S") }), false},
		{"99 bytes", changed(cut(99)), false},
		{"a text", bytesOf(func() []byte { return bytes.Repeat([]byte("no database\n"), 100) }), false},
		{"encrypted", bytesOf(func() []byte { return garbage(64 << 10) }), false},
		{"cut at a page", changed(cut(2 * 4096)), false},
		{"cut inside a page", changed(cut(2*4096 + 777)), false},
		{"wrong magic", changed(put(0, []byte("SQLite format 4\x00")...)), false},
		{"page size 0", changed(put(16, 0, 0)), false},
		{"page size 3", changed(put(16, 0, 3)), false},
		{"page size 65536 said of 4096", changed(put(16, 0, 1)), false},
		{"more reserved bytes than a page has", changed(put(20, 255)), false},
		{"four billion pages", changed(put(28, 0xff, 0xff, 0xff, 0xff)), false},
		{"file format of the future", changed(put(18, 9, 9)), false},
		{"schema format of the future", changed(put(44, 0, 0, 0, 99)), false},
		{"freelist that is a loop", harmed(testkit.Freelist, func(t testing.TB, p string) string { return testkit.LoopFreelist(t, p, 1) }), false},
		{"b-tree that is a loop", harmed(testkit.Delete, func(t testing.TB, p string) string { return testkit.WrongChild(t, p, "items", 1) }), false},
		{"crossed overflow chains", harmed(testkit.OverflowBlobs, func(t testing.TB, p string) string { return testkit.CrossChains(t, p, "blobs", 1) }), false},
		{"schema text of garbage", harmed(testkit.Delete, func(t testing.TB, p string) string { return testkit.GarbleSQL(t, p, "items", 1) }), false},
		{"root beyond the file", harmed(testkit.Delete, func(t testing.TB, p string) string { return testkit.WrongRoot(t, p, "items", 1) }), false},
		{"page of noise", harmed(testkit.Delete, func(t testing.TB, p string) string { return testkit.RandomPage(t, p, 1) }), false},
		{"header destroyed", harmed(testkit.WAL, func(t testing.TB, p string) string { return testkit.DestroyHeader(t, p, 1) }), false},
		{logOfAnother, beside(testkit.WAL, "-wal", foreignLog), false},
		{"log of garbage", beside(testkit.WAL, "-wal", func(*testing.T, string) []byte { return garbage(8 << 10) }), true},
		{"log with a salt of the future", harmed(testkit.WALPending, func(t testing.TB, p string) string { return testkit.WrongSalt(t, p, 1) }), true},
		{"shared memory of garbage", beside(testkit.WALPending, "-shm", func(*testing.T, string) []byte { return garbage(32 << 10) }), true},
		{"hot journal of garbage", beside(testkit.Delete, "-journal", func(*testing.T, string) []byte { return garbage(4 << 10) }), true},
		// Any SQLite that opens the file rolls it back first (https://sqlite.org/lockingv3.html#hot_journals).
		{"hot journal of another database", beside(testkit.Delete, "-journal", hotJournal), true},
	}, soundHostiles(), placedHostiles())
}

// soundHostiles are good databases of which a part is odd.
func soundHostiles() []hostile {
	return []hostile{
		{"UTF-16", built(testkit.UTF16be), true},
		{"WITHOUT ROWID", built(testkit.WithoutRowid), true},
		{"generated columns", built(testkit.GeneratedStored), true},
		{"odd names", built(testkit.OddNames), true},
		{"full-text and r-tree", sqled("app.db", "create virtual table f using fts5(a); create virtual table r using rtree(id,x0,x1); insert into f values('x'); create table items(id)"), true},
		{"module that nobody has", sqled("app.db", ".dbconfig defensive off", "create table items(id); pragma writable_schema=on; insert into sqlite_schema values('table','m','m',0,'create virtual table m using nosuchmodule(a)')"), true},
		{"collation that nobody has", sqled("app.db", ".dbconfig defensive off", "create table items(id text); create index i on items(id); insert into items values('a'),('b'); pragma writable_schema=on; update sqlite_schema set sql='create index i on items(id collate nobodys)' where name='i'"), true},
		{"expression index that never ends", sqled("app.db", "create table items(id); create index bomb on items(length(hex(zeroblob(id)))); insert into items values(1),(2)"), true},
		{"view of a thousand views", sqled("app.db", "create table items(id)", manyViews()), true},
		{"trigger on everything", sqled("app.db", "create table items(id); create trigger boom after insert on items begin select raise(abort,'boom'); end"), true},
		{"schema that calls load_extension", sqled("app.db", ".dbconfig defensive off", "create table items(id); pragma writable_schema=on; insert into sqlite_schema values('view','v','v',0,'create view v as select load_extension(''/tmp/x'')')"), true},
	}
}

func manyViews() string {
	var sql strings.Builder
	sql.WriteString("create view v0 as select 1 as a;")
	for i := range 400 {
		fmt.Fprintf(&sql, "create view v%d as select a from v%d union all select a from v%d;", i+1, i, i)
	}
	return sql.String()
}

// placedHostiles are ordinary or no databases in odd places and under odd names.
func placedHostiles() []hostile {
	named := func(name string) hostile {
		return hostile{fmt.Sprintf("the name %.40q", name), func(t *testing.T, dir string) string {
			t.Helper()
			path := filepath.Join(dir, name)
			if err := os.Rename(plainDatabase(t, dir), path); err != nil {
				t.Fatal(err)
			}
			return path
		}, true}
	}
	instead := func(name string, make func(t *testing.T, path string)) hostile {
		return hostile{name, func(t *testing.T, dir string) string {
			t.Helper()
			path := filepath.Join(dir, "app.db")
			make(t, path)
			return path
		}, false}
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return []hostile{
		named("line\nbreak.db"), named("what?mode=memory.db"), named("a#b.db"), named("a%00b.db"), named("file:x.db"), named("-rf.db"),
		named("ü€漢字.db"), named("\xff\xfe.db"), named("'; drop table items; --.db"), named(strings.Repeat("n", 240) + ".db"),
		instead("nothing", func(*testing.T, string) {}),
		instead("a folder", func(t *testing.T, p string) { must(t, os.Mkdir(p, 0o700)) }),
		instead("a FIFO", func(t *testing.T, p string) { must(t, unix.Mkfifo(p, 0o600)) }),
		instead("a link to nowhere", func(t *testing.T, p string) { must(t, os.Symlink("gone.db", p)) }),
		instead("a link to itself", func(t *testing.T, p string) { must(t, os.Symlink("app.db", p)) }),
		instead("a link to a device", func(t *testing.T, p string) { must(t, os.Symlink("/dev/zero", p)) }),
		instead("a terminal", func(t *testing.T, p string) { must(t, os.Symlink("/dev/tty", p)) }),
		{"a folder as log", func(t *testing.T, dir string) string {
			t.Helper()
			path := testkit.Build(t, dir, testkit.WAL)
			must(t, os.Mkdir(path+"-wal", 0o700))
			return path
		}, false},
		{"a folder as shared memory", func(t *testing.T, dir string) string {
			t.Helper()
			path := testkit.Build(t, dir, testkit.WAL)
			must(t, os.Mkdir(path+"-shm", 0o700))
			return path
		}, false},
		{"a FIFO as list of backups", func(t *testing.T, dir string) string {
			t.Helper()
			path := plainDatabase(t, dir)
			must(t, os.MkdirAll(path+"-officer/backups", 0o700))
			must(t, unix.Mkfifo(path+"-officer/backups/backups.json", 0o600))
			return path
		}, true},
		{"a link as folder of backups", func(t *testing.T, dir string) string {
			t.Helper()
			path := plainDatabase(t, dir)
			must(t, os.MkdirAll(path+"-officer", 0o700))
			must(t, os.MkdirAll(filepath.Join(dir, "elsewhere"), 0o700))
			must(t, os.Symlink(filepath.Join(dir, "elsewhere"), path+"-officer/backups"))
			return path
		}, true},
	}
}

// TestHostile_everyVerbOnEveryFile: no verb crashes, hangs or takes much memory over any of
// them; what it says is a sentence, its exit code is the documented one (written down in
// testdata), and nothing that was there is changed (P4, P12, P13).
func TestHostile_everyVerbOnEveryFile(t *testing.T) {
	table := &codes{seen: map[string][]string{}}
	began := time.Now()
	t.Run("files", func(t *testing.T) {
		for _, h := range hostiles() {
			t.Run(h.name, func(t *testing.T) {
				t.Parallel()
				table.add(h.name, h.meets(t))
			})
		}
	})
	t.Logf("hostile: %d files × %d verbs in %v", len(hostiles()), len(hostileVerbs()), time.Since(began).Round(time.Second))
	table.compare(t)
}

func (h hostile) meets(t *testing.T) (codes []string) {
	dir := t.TempDir()
	db := h.make(t, dir)
	before := look(t, dir, db)
	for _, verb := range hostileVerbs() {
		code := h.verb(t, db, verb)
		codes = append(codes, strconv.Itoa(code))
		after := look(t, dir, db)
		if h.name == logOfAnother && verb[0] == "backup" {
			before = after // it is ordered to empty the log first, as every program that writes does
		}
		if !h.sound && !slices.Equal(before, after) {
			t.Errorf("%s changed something:\n%s\nwas\n%s", strings.Join(verb, " "), strings.Join(after, "\n"), strings.Join(before, "\n"))
			before = after
		}
	}
	return codes
}

// verb runs one verb and judges how it ends.
func (h hostile) verb(t *testing.T, db string, verb []string) int {
	t.Helper()
	args := append([]string{verb[0], db}, verb[1:]...)
	for i, a := range args {
		if a == "OUT" {
			args[i] = filepath.Join(t.TempDir(), "out.db")
		}
	}
	return limited(t, append(args, "--json"))
}

var panicked = regexp.MustCompile(`(?m)^(panic:|fatal error:|goroutine \d+|runtime:)|a defect of Officer`)

// limited runs a verb within time and memory, and holds what every answer must be.
func limited(t *testing.T, args []string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hostileWithin)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, officerBinary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	_ = cmd.Run()
	what := strings.Join(args, " ")
	code := cmd.ProcessState.ExitCode()
	if ctx.Err() != nil {
		t.Errorf("%s hangs", what)
		return code
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && usage.Maxrss > hostileMemoryKB {
		t.Errorf("%s took %d MB", what, usage.Maxrss>>10)
	}
	if panicked.MatchString(out.String() + errs.String()) {
		t.Errorf("%s panicked: %s%s", what, out.String(), errs.String())
	}
	if !slices.Contains([]int{0, 1, 2, 3, 4, 5, 6, 7}, code) {
		t.Errorf("%s: exit %d, which is not documented: %s%s", what, code, out.String(), errs.String())
	}
	said := strings.TrimSpace(out.String())
	if said != "" && !strings.Contains(what, "--prometheus") {
		for line := range strings.Lines(said) {
			if !json.Valid([]byte(line)) && !json.Valid([]byte(said)) {
				t.Errorf("%s: stdout is no JSON: %q", what, line)
				break
			}
		}
	}
	if code != 0 && said == "" && strings.TrimSpace(errs.String()) == "" {
		t.Errorf("%s: exit %d without a word", what, code)
	}
	if strings.Contains(said+errs.String(), "sqlite3:") && args[0] != "logs" { // that is where chains belong
		t.Errorf("%s: a chain of errors of the driver: %s%s", what, said, errs.String())
	}
	return code
}

// look lists what lies in the folder, with the bytes, without Officer's home.
func look(t *testing.T, dir, db string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == db+"-officer" {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%q %v", path, info.Mode())
		if strings.HasSuffix(path, "-wal") && info.Size() == 0 || strings.HasSuffix(path, "-shm") && info.Mode().IsRegular() {
			return nil // whoever opens a database in WAL mode makes them
		}
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %d %x", len(data), sha256.Sum256(data))
		}
		if path != dir {
			all = append(all, line)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// codes are the exit codes of each verb on each file.
type codes struct {
	mu   sync.Mutex
	seen map[string][]string
}

func (c *codes) add(name string, list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[name] = list
}

// compare holds that every verb still answers as it did when somebody read the table.
func (c *codes) compare(t *testing.T) {
	t.Helper()
	var out strings.Builder
	out.WriteString("# exit codes of each verb on each hostile file; read docs/reliability.md\n|file|")
	for _, v := range hostileVerbs() {
		out.WriteString(strings.ReplaceAll(strings.Join(v, " "), "|", "") + "|")
	}
	out.WriteString("\n")
	for _, h := range hostiles() {
		fmt.Fprintf(&out, "|%s|%s|\n", h.name, strings.Join(c.seen[h.name], "|"))
	}
	const golden = "testdata/hostile.golden"
	if *updateHostile {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, golden, []byte(out.String()))
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(out.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i < len(got) && got[i] != line {
			t.Errorf("exit codes changed:\n%s\nwas\n%s", got[i], line)
		}
	}
	if n := len(strings.Split(string(want), "\n")); n != len(got) {
		t.Errorf("%d lines of exit codes, %s has %d", len(got), golden, n)
	}
}
