//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/testkit"
)

// kills is how often the campaign kills; OFFICER_KILLS and OFFICER_SEED change it.
const killsDefault = 500

func fromEnv(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestKill_atRandomPointsLeavesOldOrNew kills backup (with the expiry that follows it)
// and restore with SIGKILL at random points of their run, and looks at what is left:
// the manifest is whole and names no missing file, the database holds the old or the new
// state, the next backup works and leaves no strays (promises P1, P2, P6, P7).
func TestKill_atRandomPointsLeavesOldOrNew(t *testing.T) {
	need(t, "sqlite3")
	kills, seed := fromEnv("OFFICER_KILLS", killsDefault), fromEnv("OFFICER_SEED", 1)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	t.Logf("seed %d: OFFICER_SEED=%d OFFICER_KILLS=%d go test -tags e2e -run TestKill ./test/e2e/", seed, seed, kills)
	var landed, killedBackups, killedRestores, killedHeaderless, killedRepairs int
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			v := newVictim(t, mode)
			for i := range kills / 2 {
				switch {
				case i%50 == 7:
					killedRepairs++
					landed += v.killRepair(t, random)
				case i%10 == 9:
					killedHeaderless++
					landed += v.killHeaderless(t, random)
				case i%2 == 0:
					killedBackups++
					landed += v.killBackup(t, random)
				default:
					killedRestores++
					landed += v.killRestore(t, random)
				}
				if i%8 == 7 {
					v.recoverAndSweep(t)
				}
			}
			v.recoverAndSweep(t)
		})
	}
	t.Logf("kill -9: %d backups (with expiry), %d restores, %d restores over a destroyed header and %d repairs, %d killed before they ended, 0 violations",
		killedBackups, killedRestores, killedHeaderless, killedRepairs, landed)
	if landed < kills/3 {
		t.Errorf("only %d of %d kills landed while the verb ran", landed, kills)
	}
}

// victim is a database whose table n holds the rows 1..rows; each state is known by its count.
type victim struct {
	db, home    string
	durable     bool // its app waits for more than the default of rollback mode promises
	rows        int
	stored      map[string]int // rows of each backup by id
	backupTime  time.Duration
	restoreTime time.Duration
	repairTime  time.Duration
}

func newVictim(t *testing.T, mode string) *victim {
	t.Helper()
	return newVictimIn(t, t.TempDir(), mode)
}

func newVictimIn(t *testing.T, dir, mode string) *victim {
	t.Helper()
	v := &victim{db: filepath.Join(dir, "v.db"), home: filepath.Join(dir, "v.db-officer"), stored: map[string]int{}}
	v.sql(t, "pragma journal_mode="+mode+"; create table n(i integer primary key, pad text);")
	v.grow(t, 2000)
	start := time.Now()
	must(t, "backup", v.db, "--json")
	v.backupTime = time.Since(start)
	v.grow(t, 1)
	must(t, "backup", v.db, "--json")
	v.learn(t)
	start = time.Now()
	must(t, "restore", v.db, "--yes", "--json")
	v.restoreTime = time.Since(start)
	v.repairTime = 2 * v.restoreTime
	v.rows = v.count(t)
	return v
}

func (v *victim) sql(t *testing.T, sql string) string {
	t.Helper()
	args := []string{"-cmd", ".timeout 60000", v.db, sql}
	if v.durable {
		args = append([]string{"-cmd", "pragma synchronous=extra"}, args...)
	}
	out, err := exec.Command("sqlite3", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3 %q: %v\n%s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (v *victim) grow(t *testing.T, n int) {
	t.Helper()
	v.sql(t, fmt.Sprintf("with recursive k(i) as (select %d union all select i+1 from k where i<%d) insert into n select i, hex(zeroblob(200)) from k;", v.rows+1, v.rows+n))
	v.rows += n
}

func (v *victim) count(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(v.sql(t, "select count(*) from n"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// kill runs a verb and kills it after a random part of its usual time; it tells
// whether the verb still ran. Where the machine has become quicker or slower, so does what is usual.
func kill(t *testing.T, random *rand.Rand, usual *time.Duration, args ...string) int {
	t.Helper()
	begun := time.Now()
	cmd := exec.Command(officerBinary, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	select {
	case <-ended:
		*usual = (*usual + time.Since(begun)) / 2
		return 0
	case <-time.After(time.Duration(random.Int64N(int64(*usual)))):
		*usual += *usual / 30
	}
	_ = cmd.Process.Kill()
	<-ended
	if cmd.ProcessState.Exited() {
		return 0
	}
	return 1
}

func (v *victim) killBackup(t *testing.T, random *rand.Rand) int {
	t.Helper()
	v.grow(t, 1)
	landed := kill(t, random, &v.backupTime, "backup", v.db, "--json")
	v.checkWhole(t, "backup")
	if got := v.count(t); got != v.rows {
		t.Fatalf("a killed backup changed the database: %d rows, want %d", got, v.rows)
	}
	return landed
}

func (v *victim) killRestore(t *testing.T, random *rand.Rand) int {
	t.Helper()
	v.grow(t, 3)
	list := v.manifest(t)
	newest, ok := list.Newest()
	if !ok {
		t.Fatal("no verified backup is left")
	}
	landed := kill(t, random, &v.restoreTime, "restore", v.db, newest.ID, "--yes", "--json")
	v.checkWhole(t, "restore")
	got := v.count(t)
	if old, restored := v.rows, v.stored[newest.ID]; got != old && got != restored {
		t.Fatalf("a killed restore left %d rows: neither old (%d) nor new (%d)", got, old, restored)
	}
	if sum := v.sql(t, "select coalesce(max(i),0) from n"); sum != strconv.Itoa(got) {
		t.Fatalf("a killed restore left a mixture: %d rows, highest %s", got, sum)
	}
	v.rows = got
	return landed
}

// killRepair damages a page whose rows a backup has, under rows that none has, and kills
// the repair: what is left is the damaged or the repaired database, and the same order
// given again ends in the repaired one, with every row.
func (v *victim) killRepair(t *testing.T, random *rand.Rand) int {
	t.Helper()
	must(t, "backup", v.db, "--json")
	v.learn(t)
	v.grow(t, 3)
	v.emptyLeaf(t)
	landed := kill(t, random, &v.repairTime, "repair", v.db, "--yes", "--json")
	if o := officer(t, "repair", v.db, "--yes", "--json"); o.code != 0 && o.code != 3 && o.code != 5 { // 5: it is healthy already
		t.Fatalf("the repair given again: exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	v.checkWhole(t, "repair")
	if got := v.count(t); got != v.rows {
		t.Fatalf("the repair left %d rows, want %d", got, v.rows)
	}
	return landed
}

// emptyLeaf writes zeros over the first leaf of the table, for good.
func (v *victim) emptyLeaf(t *testing.T) {
	t.Helper()
	v.sql(t, "pragma wal_checkpoint(truncate)")
	leaf, err := strconv.ParseInt(v.sql(t, "select pageno from dbstat where name='n' and pagetype='leaf' order by path limit 1"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(v.db, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 4096), (leaf-1)*4096); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// killHeaderless destroys the header and kills the restore. That one empties the file
// before it fills it, so what is left may be the damaged, the empty or the restored
// database: the same order given again must end in the restored one.
func (v *victim) killHeaderless(t *testing.T, random *rand.Rand) int {
	t.Helper()
	newest, ok := v.manifest(t).Newest()
	if !ok {
		t.Fatal("no verified backup is left")
	}
	v.sql(t, "pragma wal_checkpoint(truncate)")
	testkit.DestroyHeader(t, v.db, random.Uint64())
	landed := kill(t, random, &v.restoreTime, "restore", v.db, newest.ID, "--yes", "--json")
	must(t, "restore", v.db, newest.ID, "--yes", "--json")
	v.checkWhole(t, "restore over a destroyed header")
	if got, want := v.count(t), v.stored[newest.ID]; got != want {
		t.Fatalf("the restore given again left %d rows, want %d", got, want)
	}
	v.rows = v.count(t)
	return landed
}

// checkWhole checks what must hold after every kill.
func (v *victim) checkWhole(t *testing.T, verb string) {
	t.Helper()
	if got := v.sql(t, "pragma integrity_check"); got != "ok" {
		t.Fatalf("after a killed %s: integrity_check says %s", verb, got)
	}
	list := v.manifest(t)
	for _, b := range list.VerifyChain() {
		t.Fatalf("after a killed %s: chain broken at %s: %s", verb, b.ID, b.Text)
	}
	verified := 0
	for _, e := range list.Entries {
		if _, err := os.Stat(filepath.Join(v.home, "backups", filepath.FromSlash(e.File))); err != nil {
			// A tier move is two directory entries; the next start heals it by base name.
			if !v.elsewhere(e.File) {
				t.Fatalf("after a killed %s: the manifest names a missing file: %s", verb, e.File)
			}
		}
		if e.Verified {
			verified++
		}
	}
	if verified == 0 {
		t.Fatalf("after a killed %s: no verified backup is left", verb)
	}
	v.learn(t)
}

func (v *victim) elsewhere(file string) bool {
	found, _ := filepath.Glob(filepath.Join(v.home, "backups", "*", "*", filepath.Base(file)))
	return len(found) > 0
}

func (v *victim) manifest(t *testing.T) manifest.Manifest {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(v.home, "backups", "backups.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse(data)
	if err != nil {
		t.Fatalf("backups.json: %v", err)
	}
	return m
}

// learn notes how many rows each listed backup holds.
func (v *victim) learn(t *testing.T) {
	t.Helper()
	for _, e := range v.manifest(t).Entries {
		for _, table := range e.Tables {
			if table.Name == "n" {
				v.stored[e.ID] = int(table.Rows)
			}
		}
	}
}

// recoverAndSweep lets Officer run undisturbed once, then nothing may lie around and
// every stored backup must verify.
func (v *victim) recoverAndSweep(t *testing.T) {
	t.Helper()
	v.grow(t, 1)
	must(t, "backup", v.db, "--json")
	must(t, "verify", v.db, "--all", "--json")
	v.learn(t)
	listed := map[string]bool{"backups.json": true}
	for _, e := range v.manifest(t).Entries {
		listed[e.File] = true
	}
	root := filepath.Join(v.home, "backups")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if !listed[filepath.ToSlash(rel)] {
			t.Errorf("stray file %s", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(listed) - 1; n > 16 {
		t.Fatalf("%d backups, at most 16 are kept", n)
	}
}
