//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"errors"
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

	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/testkit"
)

// sweptPast is a folder with a database of a known content and what Officer keeps of it.
// Table n holds the rows 1 to rows, each with a text that follows from its number.
type sweptPast struct {
	dir    string
	rows   int
	undo   int            // rows that an undo brings back
	newest string         // the newest backup
	stored map[string]int // rows of each backup by id
}

const (
	sweptRows  = 250
	sweptLives = 30 // of run, each of which may end before its janitor had its turn
)

// makePast builds a past with the program itself and the C library's command line.
func makePast(t *testing.T, dir, name, mode string) *sweptPast {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	v := &victim{db: filepath.Join(dir, "v.db"), home: filepath.Join(dir, "v.db-officer"), stored: map[string]int{}}
	v.sql(t, "pragma journal_mode="+mode+"; create table n(i integer primary key, pad text);")
	grow := func(rows int) {
		v.sql(t, insertRows(v.rows+1, v.rows+rows))
		v.rows += rows
	}
	backup := func() { must(t, "backup", v.db, "--json") }
	grow(sweptRows)
	backups := map[string]int{"new": 0, "four": 4}
	if _, ok := backups[name]; !ok {
		backups[name] = 2
	}
	if name == "holes" {
		v.sql(t, "create table gone as select i, pad from n; drop table gone")
	}
	for range backups[name] {
		grow(2)
		backup()
	}
	p := &sweptPast{dir: dir, stored: v.stored}
	if backups[name] > 0 {
		v.learn(t)
		entry, ok := v.manifest(t).Newest()
		if !ok {
			t.Fatal("no verified backup")
		}
		p.newest = entry.ID
	}
	grow(2)
	switch name {
	case "undo":
		p.undo = v.rows
		must(t, "restore", v.db, p.newest, "--yes", "--json")
		v.rows = v.count(t)
		grow(1)
	case "leaf":
		v.emptyLeaf(t)
	case "header":
		v.sql(t, "pragma wal_checkpoint(truncate)")
		testkit.DestroyHeader(t, v.db, 1)
	case "half":
		halfRestored(t, v, p.newest)
	default:
		// The last commit stays in the write-ahead log, as it does after a crash of the app.
		out, err := exec.Command("sqlite3", "-cmd", ".dbconfig no_ckpt_on_close on", v.db, insertRows(v.rows+1, v.rows+1)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		v.rows++
	}
	p.rows = v.rows
	return p
}

// halfRestored leaves a restore that was killed in the middle of what it writes into the
// database.
func halfRestored(t *testing.T, v *victim, id string) {
	t.Helper()
	dir, trial := filepath.Dir(v.db), filepath.Dir(v.db)+"-trial"
	if err := copyTree(dir, trial); err != nil {
		t.Fatal(err)
	}
	verb := []string{"restore", filepath.Join(trial, "v.db"), id, "--yes", "--json"}
	l, o, err := liveStruck(t, trial, strike{stream: "db"}, verb...)
	if err != nil {
		unstruck(t, err)
	}
	written := slices.DeleteFunc(l.calls, func(c call) bool { return c.stream != "db" || c.name != "pwrite64" })
	if len(written) < 4 {
		t.Fatalf("a restore of %d writes\n%v", len(written), o)
	}
	verb[1] = v.db
	if l, o, err = liveStruck(t, dir, strike{"kill", "db", written[len(written)*2/3].number}, verb...); err != nil || !l.killed {
		t.Fatalf("the restore was not killed: %v\n%v", err, o)
	}
}

// insertRows is a statement that inserts the rows from first to last.
func insertRows(first, last int) string {
	return fmt.Sprintf("with recursive k(i) as (select %d union all select i+1 from k where i<%d) insert into n select i, printf('%%0400d', i) from k;", first, last)
}

// lived runs the program to its end, and nothing strikes it. It does without what only
// costs time in so short a life: a second core and the collection of garbage.
func lived(t *testing.T, args ...string) outcome {
	ctx, cancel := context.WithTimeout(t.Context(), struckWithin)
	defer cancel()
	out, errs := &untilSafe{}, &strings.Builder{}
	cmd := exec.CommandContext(ctx, officerBinary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(plainEnvironment(), "GOMAXPROCS=1", "GOGC=off"), out, errs
	err := cmd.Start()
	if err == nil {
		out.begun(cmd.Process)
		err = cmd.Wait()
	}
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		return outcome{-1, out.String(), fmt.Sprintf("%s%v: it hangs, or does not begin", errs, err)}
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// plainEnvironment leaves out what is told to these tests: Officer warns of settings that it does not know.
func plainEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "OFFICER_") })
}

// saidHow is the end of a first report, and what `run` says of a database that it cannot open and tries again.
var saidHow = regexp.MustCompile(`Stop: Ctrl\+C|cannot be opened`)

// untilSafe collects what a life says, and asks `run` to stop once it has said how things are.
type untilSafe struct {
	mu      sync.Mutex
	text    strings.Builder
	process *os.Process
	asked   bool
}

func (u *untilSafe) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.text.Write(p)
	u.stop()
	return len(p), nil
}

// begun says which process it is that speaks.
func (u *untilSafe) begun(process *os.Process) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.process = process
	u.stop()
}

func (u *untilSafe) stop() {
	if !u.asked && u.process != nil && saidHow.MatchString(u.text.String()) {
		u.asked = true
		_ = u.process.Signal(syscall.SIGTERM)
	}
}

func (u *untilSafe) String() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.text.String()
}

// sweptAnswer is what a verb says at its end with --json.
type sweptAnswer struct {
	Code   int
	OK     bool
	Backup *struct {
		ID       string
		Verified bool
	}
	Error *struct {
		Code        string
		DataChanged bool `json:"data_changed"`
	}
}

func answerOf(o outcome) (a sweptAnswer, err error) {
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	return a, json.Unmarshal([]byte(lines[len(lines)-1]), &a)
}

// trial is one point while it is tried.
type trial struct {
	*sweptResult
	t        *testing.T
	dir, db  string
	protocol sweptProtocol
	past     *sweptPast
	allowed  []int
	acked    string // a backup that was acknowledged
	told     bool
	// committed: the app has written since the strike. unclear: Officer says that it cannot
	// tell the outcome of a restore.
	committed, unclear bool
}

// point tries one: the struck life, a look at what is left, the next life, a last look.
func (s *sweep) point(t *testing.T, dir string, at sweptPoint, told bool) *sweptResult {
	i := slices.IndexFunc(sweptProtocols(), func(p sweptProtocol) bool { return p.name == at.protocol })
	p := sweptProtocols()[i]
	try := &trial{sweptResult: &sweptResult{}, t: t, dir: dir, db: filepath.Join(dir, "v.db"), protocol: p, past: s.pasts[p.past+"-"+at.mode], told: told}
	if err := errors.Join(os.RemoveAll(dir), copyTree(try.past.dir, dir)); err != nil {
		t.Fatal(err)
	}
	verb := slices.Clone(p.verb)
	for i, word := range verb {
		switch word {
		case "DB":
			verb[i] = try.db
		case "ID":
			verb[i] = try.past.newest
		}
	}
	if verb[0] != "run" {
		verb = append(verb, "--json")
	}
	l, o, err := liveStruck(t, dir, at.strike, verb...)
	if err != nil {
		unstruck(t, err)
	}
	try.history, try.struck, try.killed, try.code, try.said = l.calls, l.struck, l.killed, o.code, o.stdout+o.stderr
	try.allowed = []int{try.past.rows}
	if p.after != nil {
		try.allowed = append(try.allowed, p.after(try.past))
	}
	try.judge(l, o)
	random := at.seed()
	if !p.damaged && random%2 == 0 { // the app comes first, and with it its SQLite
		try.allowed = try.database(false)
	}
	try.list(false)
	try.nextLife(verb, random)
	try.allowed = try.database(true)
	try.list(true)
	if told {
		try.said += fmt.Sprintf("\nallowed %v", try.allowed)
	}
	return try.sweptResult
}

// judge looks at how the struck life ended.
func (try *trial) judge(l *life, o outcome) {
	if l.killed {
		return
	}
	said := o.stdout + o.stderr
	switch {
	case panicked.MatchString(said):
		try.bad("P11: it panicked")
	case !slices.Contains([]int{0, 1, 2, 3, 4, 5, 6, 7, 10}, o.code):
		try.bad("exit %d, which is not documented", o.code)
	case o.code != 0 && strings.TrimSpace(said) == "":
		try.bad("exit %d without a word", o.code)
	}
	if try.protocol.verb[0] == "run" {
		return
	}
	a, err := answerOf(o)
	switch {
	case err != nil:
		try.bad("its last line is no JSON: %v", err)
	case a.Code != o.code:
		try.bad("exit %d, but it says %d", o.code, a.Code)
	case a.OK && a.Backup != nil && a.Backup.Verified:
		try.acked = a.Backup.ID
	case a.Error != nil && !a.Error.DataChanged && !try.protocol.damaged:
		try.allowed = []int{try.past.rows}
	}
	if err == nil && a.OK && o.code == 0 && try.protocol.after != nil && try.protocol.name != "resume" {
		try.allowed = try.allowed[1:] // what was acknowledged is there
	}
}

// database opens it as the app does, with the C library, and tells the rows that it holds.
func (try *trial) database(commits bool) (rows []int) {
	sql := "pragma integrity_check; select count(*) || ' ' || max(i) || ' ' || sum(pad=printf('%0400d', i)) from n;"
	if commits {
		sql += "insert into n select max(i)+1, 'committed' from n;"
	}
	try.committed = try.committed || commits
	out, err := exec.CommandContext(try.t.Context(), "sqlite3", "-bail", "-cmd", ".timeout 5000", try.db, sql).CombinedOutput()
	check, counted, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || check != "ok" {
		try.bad("P4: the app's SQLite says %v: %s", err, out)
		return try.allowed
	}
	fields := strings.Fields(counted)
	n, err := strconv.Atoi(fields[0])
	if err != nil || slices.ContainsFunc(fields, func(f string) bool { return f != fields[0] }) {
		try.bad("P4: a mixture: %s", counted)
	}
	if !slices.Contains(try.allowed, n) {
		try.bad("P4: %d rows, want one of %v", n, try.allowed)
	}
	return []int{n}
}

// read gives the list of backups as it lies there.
func (try *trial) read() (m manifest.Manifest, err error) {
	data, err := os.ReadFile(filepath.Join(try.dir, "v.db-officer", "backups", "backups.json"))
	if err != nil {
		return m, err
	}
	return manifest.Parse(data)
}

// list looks at the backups (P1, P2, P3), at the end also at whether each is what the list
// says of it and whether anything lies around (P7).
func (try *trial) list(end bool) {
	m, err := try.read()
	if errors.Is(err, fs.ErrNotExist) && len(try.past.stored) == 0 && try.acked == "" && !end {
		return
	}
	if err != nil {
		try.bad("P2: the list of backups: %v", err)
		return
	}
	for _, b := range m.VerifyChain() {
		try.bad("P2: the chain is broken at %s: %s", b.ID, b.Text)
	}
	good := 0
	for _, e := range m.Entries {
		file := filepath.Join(try.dir, "v.db-officer", "backups", filepath.FromSlash(e.File))
		if info, err := os.Lstat(file); err != nil || info.Size() != e.SizeBytes {
			try.bad("P2: %s of the list: %v", e.File, err)
			continue
		}
		if !e.Verified {
			continue
		}
		good++
		if !end {
			continue
		}
		report, _, err := sqlite.VerifyCopy(try.t.Context(), file, "", e.Content)
		if err != nil || len(report.Findings) > 0 {
			try.bad("P1: the backup %s is called verified and is not: %v %v", e.ID, err, report.Findings)
		}
	}
	if want := min(2, len(try.past.stored)); good < want {
		try.bad("P3: %d verified backups are left, want %d", good, want)
	}
	if try.acked != "" {
		_, listed := m.Find(try.acked)
		if !listed && !slices.ContainsFunc(m.Dropped, func(d manifest.Tombstone) bool { return d.ID == try.acked }) {
			try.bad("P1: the acknowledged backup %s is gone", try.acked)
		}
	}
	if end {
		try.strays(m)
	}
}

// sweptKept are the names that may lie there when Officer has ended.
var sweptKept = regexp.MustCompile(`^(v\.db(-wal|-shm)?|v\.db-officer/(officer\.lock|reserve|events\.ndjson|evidence\.json|maintenance\.json|` +
	`backups/backups\.json|logs/v\.log(\.\d+)?|metrics/((metrics|history)\.json(\.tail)?|disk\.json)|` +
	`quarantine/\d{8}T\d{6}Z(-\d+)?(-damage)?/((intent|damage)\.json|recovery-report\.(html|json)|recovery-lost_and_found\.db|v\.db(-wal|-journal)?)))$`)

// strays: of backups and drills the next verb clears up, of all else the next starts of `run`.
func (try *trial) strays(m manifest.Manifest) {
	left := try.around(m)
	ofVerbs := func(name string) bool { return strings.Contains(name, "backups") || strings.Contains(name, "drill") }
	if len(left) > 0 && !slices.ContainsFunc(left, ofVerbs) {
		left = try.tidied()
	}
	for _, name := range left {
		if try.unclear && strings.HasSuffix(name, "/intent-source.db") {
			continue
		}
		try.bad("P7: %s is left behind", name)
	}
}

// tidied lets `run` live until nothing lies around any more, and gives what it leaves.
func (try *trial) tidied() (left []string) {
	for range sweptLives {
		try.run() // which may have taken a backup
		m, err := try.read()
		if err != nil {
			try.bad("P2: the list of backups: %v", err)
		}
		if left = try.around(m); len(left) == 0 || try.unclear {
			break
		}
	}
	return left
}

// around gives the files that have no business to lie there.
func (try *trial) around(m manifest.Manifest) (left []string) {
	listed := map[string]bool{}
	for _, e := range m.Entries {
		listed["v.db-officer/backups/"+e.File] = true
	}
	err := filepath.WalkDir(try.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if rel, _ := filepath.Rel(try.dir, path); !listed[filepath.ToSlash(rel)] && !sweptKept.MatchString(rel) {
			left = append(left, rel)
		}
		return nil
	})
	if err != nil {
		try.bad("P7: %v", err)
	}
	return left
}

// run is a whole life of `run`, to the first word of how things are.
func (try *trial) run() {
	codes := []int{0, 3} // 3: the C library of this machine is an old one
	if try.protocol.damaged {
		codes = append(codes, 2, 4) // it ends before it is repaired
	}
	o := lived(try.t, "run", try.db)
	if try.told {
		try.t.Logf("the next start: exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	try.unclear = strings.Contains(o.stdout, "cannot be told whether it is the old or the restored one")
	if try.unclear && try.committed {
		return // the app wrote to the only table before Officer looked: it says so, and keeps all that it needs
	}
	if !slices.Contains(codes, o.code) || panicked.MatchString(o.stdout) {
		try.bad("P7: the next start: exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// nextLife lets Officer finish what was struck: by the start of `run` or by the next verb.
func (try *trial) nextLife(verb []string, random uint64) {
	struck := try.killed || try.code != 0
	started := random/2%16 == 0 && !try.protocol.damaged || try.protocol.resumes && struck && (!try.protocol.again || random/2%4 == 0)
	if started {
		try.run()
	}
	if try.protocol.again && struck {
		codes := []int{0}
		if verb[0] == "repair" {
			codes = []int{0, 3, 5} // 5: it is healthy already
		}
		o := lived(try.t, verb...)
		switch {
		case started && o.code == 7 && verb[0] == "restore": // it went by the rules, after the backup of the start
		case !slices.Contains(codes, o.code):
			try.bad("P7: the same verb given again: exit %d\n%s%s", o.code, o.stdout, o.stderr)
		case try.protocol.after != nil:
			try.allowed = []int{try.protocol.after(try.past)}
		}
	}
	o := lived(try.t, "backup", try.db, "--json")
	a, err := answerOf(o)
	if o.code != 0 || err != nil || a.Backup == nil || !a.Backup.Verified {
		try.bad("P7: no backup can be taken: exit %d (%v)\n%s%s", o.code, err, o.stdout, o.stderr)
	}
}
