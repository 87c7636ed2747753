package supervisor

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/internal/rolling"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// What TestYear is told by the environment. A shorter year is for the race detector: what
// races does so in weeks, and a year takes it minutes.
const (
	yearsVariable = "OFFICER_YEARS" // how many seeds
	yearsDefault  = 2
	daysVariable  = "OFFICER_YEAR_DAYS" // how long each is
	daysDefault   = 365
	daysMin       = 30
)

func fromEnv(t *testing.T, variable string, otherwise int) int {
	v := os.Getenv(variable)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// inMemory is a folder on a disk in memory where there is one: a year syncs a hundred
// thousand times, and what a sync is good for is tried in test/campaign.
func inMemory(t *testing.T) string {
	t.Helper()
	const shm, roomMin = "/dev/shm", 1 << 30
	if room, err := fsx.OS().Space(shm); err != nil || room.FreeBytes < roomMin {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(shm, "officer-year-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestYear_ofOperationWithRealFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("a year takes seconds of real time; not in -short")
	}
	days := max(daysMin, fromEnv(t, daysVariable, daysDefault))
	for seed := range fromEnv(t, yearsVariable, yearsDefault) {
		kind := []testkit.Kind{testkit.WAL, testkit.Delete}[seed%2]
		t.Run(fmt.Sprintf("seed %d %s", seed, kind), func(t *testing.T) {
			t.Parallel()
			began, dir := time.Now(), inMemory(t)
			y := &year{}
			defer func() { t.Logf("%s: %s in %v", kind, y.tally(), time.Since(began).Round(time.Millisecond)) }()
			synctest.Test(t, func(t *testing.T) {
				*y = *newYear(t, testkit.Build(t, dir, kind), uint64(seed))
				y.live(days)
			})
		})
	}
}

// year is a machine with an app and its Officer, for a year of virtual time.
type year struct {
	t    *testing.T
	path string
	home string
	rng  *rand.Rand
	disk *disk
	log  Log

	running *Running
	events  <-chan *messages.Event
	app     *sql.DB
	pinned  []string

	told     map[string]*messages.Backup // what ExplainRetention said last
	newest   time.Time                   // snapshot of the newest backup
	since    map[string]bool             // taken since ExplainRetention was asked last
	sequence uint64
	trouble  bool // something is wrong now, as the test wants it
	suffered bool // its one period of damage came
	damaged  bool // DamageFound came and DamageGone did not
	restored time.Duration

	commits, taken, suspect, skipped, failed, pruned, unasked, checks, fenced, crashes, starts, daysOff, countedMost int
}

func newYear(t *testing.T, path string, seed uint64) *year {
	y := &year{t: t, path: path, home: HomeOf(path), rng: rand.New(rand.NewPCG(seed, 8)),
		disk: &disk{FS: fsx.OS()}, told: map[string]*messages.Backup{}, since: map[string]bool{}}
	// The limits of the log are reached within the year, in proportion: seven files.
	y.log = Log{MaxFileBytes: 60_000, MaxTotalBytes: 7 * 60_000}
	y.own(func(db *sql.DB) {
		y.exec(db, `create table ledger(id integer primary key, note text);
			create table total(n integer not null); insert into total values(0)`)
	})
	return y
}

func (y *year) tally() string {
	return fmt.Sprintf("%d commits, %d backups taken, %d suspect, %d skipped, %d failed, %d pruned (%d before one could ask), most counted %d; "+
		"%d checks; %d starts, %d days off, %d crashes; fence up %d times, green %v after the restore",
		y.commits, y.taken, y.suspect, y.skipped, y.failed, y.pruned, y.unasked, y.countedMost,
		y.checks, y.starts, y.daysOff, y.crashes, y.fenced, y.restored)
}

// live is the year.
func (y *year) live(days int) {
	damage, crash := days/6+y.rng.IntN(days/2), days/18+y.rng.IntN(days*4/5)
	y.start()
	for day := 0; day < days; day++ {
		switch {
		case day >= damage && !y.suffered:
			y.suffer()
		case day >= crash && y.crashes == 0:
			y.crash()
		case y.rng.IntN(12) == 0:
			off := 1 + y.rng.IntN(1+y.rng.IntN(9))
			y.off(off)
			day += off
		}
		y.day()
		if day%30 == 0 {
			y.verifyAll()
			y.inspect("month")
		}
	}
	y.stop()
	testkit.CheckDatabase(y.t, y.path, y.home)
	y.own(y.consistent)
	newest := y.manifest().Entries
	if len(newest) == 0 {
		y.t.Fatal("no backup at the end of the year")
	}
	file := filepath.Join(y.home, "backups", filepath.FromSlash(newest[len(newest)-1].File))
	if c := testkit.Integrity(y.t, file); len(c) > 0 {
		y.t.Errorf("the newest backup is damaged: %q", c)
	}
	db, err := sqlite.OpenDB(file, sqlite.Options{ReadOnly: true})
	if err != nil {
		y.t.Fatal(err)
	}
	y.consistent(db)
	y.close(db)
}

// day lets 24 hours pass; on most days the app works.
func (y *year) day() {
	idle := y.rng.IntN(5) == 0
	for left := 24 * time.Hour; left > 0; {
		d := min(left, time.Duration(1+y.rng.IntN(9*60))*time.Minute)
		y.wait(d)
		left -= d
		if !idle && left > 0 {
			y.commit(y.app)
		}
	}
	switch y.rng.IntN(40) {
	case 0:
		y.ask(&messages.TakeBackup{Reason: "manual", Priority: messages.Priority_PRIORITY_INTERACTIVE, JobId: fmt.Sprintf("m%d", y.taken)})
		y.wait(time.Second)
	case 1:
		list := y.ask(&messages.ListBackups{}).(*messages.BackupList).Backups
		id := list[y.rng.IntN(len(list))].Id
		y.ask(&messages.PinBackup{Id: id})
		y.pinned = append(y.pinned, id)
		y.explain()
	case 2:
		if len(y.pinned) > 0 {
			y.ask(&messages.UnpinBackup{Id: y.pinned[0]})
			y.pinned = slices.DeleteFunc(y.pinned[1:], func(id string) bool { return id == y.pinned[0] })
			y.explain()
		}
	}
}

func (y *year) start() {
	y.t.Helper()
	r, err := Start(y.t.Context(), Config{
		Databases: []Database{{Path: y.path, Backup: Backup{Every: 12 * time.Hour}, Recover: Recover{NotAutomatic: true}}},
		FS:        y.disk, Log: y.log, Seed: y.rng.Uint64(), LookEvery: time.Hour, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		y.t.Fatalf("start: %v", err)
	}
	y.running, y.sequence = r, 0
	y.starts++
	if y.events, err = r.Subscribe(y.t.Context(), &messages.WatchRequest{Replay: true}); err != nil {
		y.t.Fatalf("subscribe: %v", err)
	}
	if y.app, err = r.Handle(""); err != nil {
		y.t.Fatalf("handle: %v", err)
	}
	y.app.SetMaxOpenConns(1)
	y.wait(5 * time.Minute)
	y.inspect("start")
}

func (y *year) stop() {
	y.t.Helper()
	y.inspect("stop")
	y.close(y.app)
	if err := y.running.Stop(y.t.Context()); err != nil {
		y.t.Fatalf("stop: %v", err)
	}
	for e := range y.events {
		y.hear(e)
	}
	testkit.Advance(time.Second) // protoactor's own goroutines end
	y.whole("stopped")
}

// off is days without Officer; on some of them the app works alone.
func (y *year) off(days int) {
	y.stop()
	y.daysOff += days
	for range days {
		testkit.Advance(24 * time.Hour)
		if y.rng.IntN(3) == 0 {
			y.own(y.commit)
		}
	}
	y.start()
}

// suffer is one period of damage: found without being asked, fenced, told, restored by
// order, and over within an hour.
func (y *year) suffer() {
	y.t.Helper()
	y.exec(y.app, "pragma wal_checkpoint(truncate)")
	y.trouble, y.suffered = true, true
	y.t.Logf("%s: %s", time.Now().Format(time.DateTime), testkit.ZeroPageOf(y.t, y.path, "items", y.rng.Uint64()))
	counted := y.counted()
	for range 30 {
		if y.wait(time.Hour); y.damaged {
			break
		}
	}
	if !y.damaged {
		y.t.Fatal("the damage was not found in 30 hours")
	}
	failedBefore := y.failed
	y.wait(13 * time.Hour) // a backup falls due
	if h := y.health(); h.Health != messages.Severity_SEVERITY_RED {
		y.t.Errorf("damaged: health is %v: %s", h.Health, h.Headline)
	}
	if _, err := y.app.ExecContext(y.t.Context(), "insert into ledger(note) values('no')"); err == nil {
		y.t.Error("a write got through the fence")
	}
	var rows int
	if err := y.app.QueryRowContext(y.t.Context(), "select count(*) from ledger").Scan(&rows); err != nil {
		y.t.Errorf("a read under the fence: %v", err)
	}
	if now := y.counted(); !slices.Equal(now, counted) {
		y.t.Errorf("the rotation changed while the database was damaged: %q, was %q", now, counted)
	}
	if failed := y.failed - failedBefore; failed > 4 {
		y.t.Errorf("%d backups failed in 13 hours of damage: each reads the whole database for nothing", failed)
	}
	y.ask(&messages.RestoreBackup{Confirmed: true, JobId: "restore"})
	for y.restored = 0; y.restored < time.Hour && y.health().Health != messages.Severity_SEVERITY_GREEN; y.restored += time.Minute {
		y.wait(time.Minute)
	}
	y.trouble = false
	y.inspect("restored")
	y.consistent(y.app)
	y.commit(y.app)
}

// crash has every part in turn, and then the whole tree, fail by a defect.
func (y *year) crash() {
	y.t.Helper()
	for _, s := range systems() {
		y.disk.arm(inUnhandled("logs"))
		if code := crashOnce(y.running, y.running.posts[0], s.name); code != "internal" {
			y.t.Errorf("%s crashed and answered %q, want internal", s.name, code)
		}
		y.disk.arm(nil)
		y.crashes++
		y.wait(time.Minute)
		y.inspect(s.name + " crashed")
	}
	y.running.system.Root.Send(y.running.posts[0].tree, &wardDue{}) // a nil ward: a defect in the tree itself
	y.crashes++
	y.wait(time.Minute)
	y.inspect("crashed")
}

// wait lets time pass and hears every event in the instant in which it happens.
func (y *year) wait(d time.Duration) {
	y.t.Helper()
	end := time.NewTimer(d)
	defer end.Stop()
	for over := false; !over; {
		select {
		case e, ok := <-y.events:
			if !ok {
				y.t.Fatal("the events ended")
			}
			y.hear(e)
		case <-end.C:
			over = true
		}
		synctest.Wait()
		for more := true; more; {
			select {
			case e := <-y.events:
				y.hear(e)
			default:
				more = false
			}
		}
		if len(y.since) > 0 {
			y.explain()
		}
	}
}

func (y *year) hear(e *messages.Event) {
	y.t.Helper()
	if e.Sequence != 0 {
		if y.sequence != 0 && e.Sequence != y.sequence+1 { // it goes on where the run before ended
			y.t.Errorf("event %d follows %d", e.Sequence, y.sequence)
		}
		y.sequence = e.Sequence
	}
	switch body := e.Body.(type) {
	case *messages.Event_BackupTaken:
		y.taken++
		y.newest = time.UnixMilli(body.BackupTaken.Backup.TakenAtUnixMs)
		y.since[body.BackupTaken.Backup.Id] = true
	case *messages.Event_BackupSkipped:
		y.skipped++
	case *messages.Event_BackupFailed:
		y.failed++
		y.unwanted(e)
	case *messages.Event_BackupPruned:
		y.pruned++
		y.foretold(body.BackupPruned.Dropped)
	case *messages.Event_IntegrityChecked:
		y.checks++
	case *messages.Event_DamageFound:
		y.damaged = true
		y.unwanted(e)
	case *messages.Event_DamageGone:
		y.damaged = false
	case *messages.Event_FenceChanged:
		if body.FenceChanged.Active {
			y.fenced++
		}
	case *messages.Event_HealthChanged:
		if body.HealthChanged.Report.Health != messages.Severity_SEVERITY_GREEN {
			y.unwanted(e)
		}
	case *messages.Event_BackupRotten, *messages.Event_RestoreFailed, *messages.Event_ActorGaveUp:
		y.t.Errorf("%s: %v", time.Now().Format(time.DateTime), e)
	}
}

// unwanted fails the test when an event speaks of trouble and there is none.
func (y *year) unwanted(e *messages.Event) {
	y.t.Helper()
	if !y.trouble {
		y.t.Errorf("%s: nothing is wrong, but: %v", time.Now().Format(time.DateTime), e)
	}
}

func (y *year) explain() {
	y.t.Helper()
	clear(y.since)
	clear(y.told)
	for _, b := range y.ask(&messages.ExplainRetention{}).(*messages.RetentionReport).Kept {
		y.told[b.Id] = b
	}
}

// foretold compares a drop with what ExplainRetention said about the backup last.
func (y *year) foretold(d *messages.DroppedBackup) {
	y.t.Helper()
	told := y.told[d.Id]
	if told == nil {
		if y.unasked++; !y.since[d.Id] {
			y.t.Errorf("%s was dropped (%s) and was never explained", d.Id, d.Reason)
		}
		return
	}
	words := told.ExpiresBecause
	day := y.newest.Format("2 Jan 2006")
	yes := strings.Contains(words, "with the next verified backup") || strings.Contains(words, "when the next backup is verified") ||
		strings.Contains(words, "when another backup of "+day+" is verified")
	if m := firstBackupOf.FindStringSubmatch(words); m != nil {
		from, err := time.ParseInLocation("2 Jan 2006", m[1], time.Local)
		yes = yes || err == nil && !y.newest.Before(from)
	}
	if !yes {
		y.t.Errorf("at the backup of %s, %s was dropped (%s); it was told: %s (%s)", y.newest, d.Id, d.Reason, words, told.Tier)
	}
}

var firstBackupOf = regexp.MustCompile(`when the first backup of (\d+ \w+ \d+) or later is verified`)

// inspect holds what is true at every quiet moment with Officer running.
func (y *year) inspect(when string) {
	y.t.Helper()
	synctest.Wait()
	if h := y.health(); !y.trouble && (h.Health != messages.Severity_SEVERITY_GREEN || !strings.HasPrefix(h.Headline, "Your data is safe")) {
		y.t.Errorf("%s %s: health is %v: %s %v", time.Now().Format(time.DateTime), when, h.Health, h.Headline, h.Conditions)
	}
	n := len(y.counted())
	if y.countedMost = max(y.countedMost, n); n > 16 {
		y.t.Errorf("%s: %d counted backups", when, n)
	}
	st := y.ask(&messages.GetStatus{}).(*messages.Status)
	if st.LastVerifiedBackup == nil {
		y.t.Errorf("%s: no verified backup", when)
	}
	for _, a := range st.Actors {
		if a.State != stateRunning {
			y.t.Errorf("%s: %s is %s: %s", when, a.Name, a.State, a.LastFailure)
		}
	}
	y.whole(when)
}

// whole holds what is true of the files, with Officer running or not.
func (y *year) whole(when string) {
	y.t.Helper()
	m := y.manifest()
	for _, b := range m.VerifyChain() {
		y.t.Errorf("%s: the chain is broken at %s: %s", when, b.ID, b.Text)
	}
	for _, e := range m.Entries {
		info, err := os.Stat(filepath.Join(y.home, "backups", filepath.FromSlash(e.File)))
		if err != nil || info.Size() != e.SizeBytes {
			y.t.Errorf("%s: %s of the list: %v", when, e.File, err)
		}
	}
	if s := testkit.Strays(y.t, y.path, y.home); len(s) > 0 {
		y.t.Errorf("%s: strays: %q", when, s)
	}
	y.logsBounded(when)
	y.metricsBounded(when)
	if info, err := os.Stat(y.path + "-wal"); err == nil && info.Size() > 10_000_000 {
		y.t.Errorf("%s: the WAL holds %d bytes", when, info.Size())
	}
}

// metricsBounded: no operation keeps more than 30 days.
func (y *year) metricsBounded(when string) {
	y.t.Helper()
	data, err := os.ReadFile(filepath.Join(y.home, "metrics", "metrics.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return // nothing was written yet
	}
	if err != nil {
		y.t.Fatal(err)
	}
	book, err := rolling.Parse(data, rolling.Budgets())
	if err != nil {
		y.t.Fatalf("%s: metrics.json: %v", when, err)
	}
	for _, r := range book.Reports(time.Now(), "") {
		if len(r.Days) > 30 {
			y.t.Errorf("%s: %s keeps %d days", when, r.Name, len(r.Days))
		}
	}
}

// logsBounded: all files together within the limit, no line older than seven days plus
// the day that one file spans; while Officer was off nobody could prune.
func (y *year) logsBounded(when string) {
	y.t.Helper()
	dir := filepath.Join(y.home, "logs")
	entries, err := os.ReadDir(dir)
	if err != nil {
		y.t.Fatal(err)
	}
	total := int64(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			y.t.Fatal(err)
		}
		total += info.Size()
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			y.t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		if lines.Scan() {
			stamp, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "["), "]")
			at, err := time.Parse(time.RFC3339, stamp)
			if age := time.Since(at); err != nil || (when == "month" && age > 8*24*time.Hour+2*time.Hour) {
				y.t.Errorf("%s: %s begins %v ago (%v)", when, e.Name(), age, err)
			}
		}
		if err := f.Close(); err != nil {
			y.t.Fatal(err)
		}
	}
	if total > y.log.MaxTotalBytes {
		y.t.Errorf("%s: the logs hold %d bytes, the limit is %d", when, total, y.log.MaxTotalBytes)
	}
}

func (y *year) manifest() manifest.Manifest {
	y.t.Helper()
	data, err := os.ReadFile(filepath.Join(y.home, "backups", "backups.json"))
	if err != nil {
		y.t.Fatal(err)
	}
	m, err := manifest.Parse(data)
	if err != nil {
		y.t.Fatal(err)
	}
	return m
}

// counted lists the ids in the rotation.
func (y *year) counted() (ids []string) {
	y.t.Helper()
	y.suspect = 0
	for _, b := range y.ask(&messages.ListBackups{}).(*messages.BackupList).Backups {
		if retention.Tier(b.Tier).Counted() {
			ids = append(ids, b.Id)
		}
		if b.Tier == string(retention.Suspect) {
			y.suspect++
		}
	}
	return ids
}

func (y *year) verifyAll() {
	y.t.Helper()
	for _, v := range y.ask(&messages.VerifyBackups{All: true, JobId: "verify"}).(*messages.VerifyReport).Verdicts {
		if v.Verdict != manifest.Verified && v.Backup.Verdict != manifest.StateSuspect {
			y.t.Errorf("stored backup %s (%s) is %s: %v", v.Backup.Id, v.Backup.Tier, v.Verdict, v.Findings)
		}
	}
}

func (y *year) health() *messages.HealthReport {
	y.t.Helper()
	return y.ask(&messages.GetHealth{}).(*messages.HealthReport)
}

func (y *year) ask(msg proto.Message) proto.Message {
	y.t.Helper()
	answer, err := y.running.Ask(y.t.Context(), "", msg, nil)
	if err != nil {
		y.t.Fatalf("%s: ask %s: %v", time.Now().Format(time.DateTime), nameOf(msg), err)
	}
	return answer
}

// commit is one transaction of the app: the ledger and the total that speaks of it.
func (y *year) commit(db *sql.DB) {
	y.t.Helper()
	tx, err := db.BeginTx(y.t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		y.t.Fatalf("%s: begin: %v", time.Now().Format(time.DateTime), err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it says so
	rows := 1 + y.rng.IntN(5)
	for range rows {
		y.exec(tx, "insert into ledger(note) values(?)", strconv.FormatUint(y.rng.Uint64(), 36))
	}
	y.exec(tx, "update items set amount = amount + 1 where id = ?", 1+y.rng.IntN(300))
	y.exec(tx, "update total set n = n + ?", rows)
	if err := tx.Commit(); err != nil {
		y.t.Fatalf("%s: commit: %v", time.Now().Format(time.DateTime), err)
	}
	y.commits++
}

// consistent: what the database holds is a state that was committed.
func (y *year) consistent(db *sql.DB) {
	y.t.Helper()
	var rows, total int
	if err := db.QueryRowContext(y.t.Context(), "select (select count(*) from ledger), (select n from total)").Scan(&rows, &total); err != nil || rows != total {
		y.t.Errorf("no committed state: %d rows, the total says %d (%v)", rows, total, err)
	}
}

// own lets the app work on the database without Officer.
func (y *year) own(work func(*sql.DB)) {
	y.t.Helper()
	db, err := sqlite.OpenDB(y.path, sqlite.Options{})
	if err != nil {
		y.t.Fatal(err)
	}
	work(db)
	y.close(db)
}

func (y *year) exec(db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, query string, args ...any) {
	y.t.Helper()
	if _, err := db.ExecContext(y.t.Context(), query, args...); err != nil {
		y.t.Fatalf("%s: %s: %v", time.Now().Format(time.DateTime), query, err)
	}
}

func (y *year) close(db *sql.DB) {
	y.t.Helper()
	if err := db.Close(); err != nil {
		y.t.Errorf("close: %v", err)
	}
}

func codeOf(err error) string {
	var f *messages.Failure
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// pair is two databases looked after by one Officer, one of them about to have trouble.
func pair(t *testing.T, dir string, d *disk) *Running {
	t.Helper()
	r, err := Start(t.Context(), Config{FS: d, Databases: []Database{
		{Path: testkit.Build(t, dir, testkit.WAL)}, {Path: testkit.Build(t, dir, testkit.Delete)},
	}})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	testkit.Advance(5 * time.Minute)
	for _, l := range r.Databases() {
		if h := answerOf[*messages.HealthReport](t, r, l.Name, &messages.GetHealth{}); h.Health != messages.Severity_SEVERITY_GREEN {
			t.Errorf("%s after the start: health is %v: %s %v", l.Name, h.Health, h.Headline, h.Conditions)
		}
	}
	return r
}

// ended stops a pair and checks what it leaves.
func ended(t *testing.T, r *Running) {
	t.Helper()
	if err := r.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
	testkit.Advance(time.Second)
	for _, l := range r.Databases() {
		testkit.CheckDatabase(t, l.Path, l.Home)
	}
}

func answerOf[M proto.Message](t *testing.T, r *Running, database string, msg proto.Message) M {
	t.Helper()
	answer, err := r.Ask(t.Context(), database, msg, nil)
	if err != nil {
		t.Fatalf("ask %s of %s: %v", nameOf(msg), database, err)
	}
	return answer.(M)
}

// undisturbed: the neighbour's parts never restarted, it is safe and takes a backup.
func undisturbed(t *testing.T, r *Running, database string) {
	t.Helper()
	for _, a := range answerOf[*messages.Status](t, r, database, &messages.GetStatus{}).Actors {
		if a.State != stateRunning || a.Restarts != 0 {
			t.Errorf("the neighbour's %s is %s after %d restarts: %s", a.Name, a.State, a.Restarts, a.LastFailure)
		}
	}
	if b := answerOf[*messages.BackupReport](t, r, database, &messages.TakeBackup{Force: true, Reason: "still well"}); !b.Backup.GetVerified() {
		t.Errorf("the neighbour's backup is %v", b)
	}
	if h := answerOf[*messages.HealthReport](t, r, database, &messages.GetHealth{}); h.Health != messages.Severity_SEVERITY_GREEN {
		t.Errorf("the neighbour's health is %v: %s", h.Health, h.Headline)
	}
}

func TestWholeTree_aRestartStormOfEachPartEndsInSafeMode(t *testing.T) {
	for _, s := range systems() {
		t.Run(s.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) { storm(t, dir, s.name) })
		})
	}
}

// storm crashes a part of one of two databases with every message of a crowd.
func storm(t *testing.T, dir, part string) {
	d := &disk{FS: fsx.OS()}
	r := pair(t, dir, d)
	defer ended(t, r)
	d.arm(inUnhandled("wal.db-officer"))
	answers := make(chan string, 40)
	for range cap(answers) {
		go func() { answers <- crashOnce(r, r.posts[0], part) }()
	}
	got := map[string]int{}
	for range cap(answers) {
		got[<-answers]++
	}
	d.arm(nil)
	if burst := standardPolicy().burst; got["internal"] != burst+1 || got["actor_gone"] != cap(answers)-burst-1 {
		t.Errorf("the askers got %v, want %d internal and the rest actor_gone", got, burst+1)
	}
	synctest.Wait()
	st := answerOf[*messages.Status](t, r, "wal", &messages.GetStatus{})
	if st.Health.Health != messages.Severity_SEVERITY_RED ||
		!slices.ContainsFunc(st.Health.Conditions, func(c *messages.Condition) bool { return c.Code == gaveUpCode(part) }) {
		t.Errorf("health is %v with %v, want red for %s", st.Health.Health, st.Health.Conditions, part)
	}
	for _, a := range st.Actors {
		if want := map[bool]string{true: stateGaveUp, false: stateRunning}[a.Name == part]; a.State != want {
			t.Errorf("%s is %s, want %s", a.Name, a.State, want)
		}
	}
	undisturbed(t, r, "delete")
	testkit.Advance(standardPolicy().retry + standardPolicy().settled + 20*time.Minute)
	if h := answerOf[*messages.HealthReport](t, r, "wal", &messages.GetHealth{}); h.Health != messages.Severity_SEVERITY_GREEN {
		t.Errorf("an hour later the cause is gone and health is %v: %s %v", h.Health, h.Headline, h.Conditions)
	}
}

func TestWholeTree_aPanickingWorkerCostsOneTry(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{FS: fsx.OS()}
		r := pair(t, dir, d)
		defer ended(t, r)
		var once sync.Once
		d.arm(func(op, name string) {
			if op == "create" && strings.Contains(name, "wal.db-officer") && strings.HasSuffix(name, ".tmp") {
				once.Do(func() { panic("a defect in the worker") })
			}
		})
		report := answerOf[*messages.BackupReport](t, r, "wal", &messages.TakeBackup{Force: true, Reason: "manual"})
		if !report.Backup.GetVerified() || report.Tries != 2 {
			t.Errorf("got %v, want a verified backup at the second try", report)
		}
		undisturbed(t, r, "delete")
	})
}

func TestWholeTree_stoppedWithJobsWaitingAnswersEachOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{FS: fsx.OS()}
		r := pair(t, dir, d)
		gate := make(chan struct{})
		d.arm(func(op, name string) {
			if op == "create" && strings.Contains(name, "wal.db-officer") && strings.HasSuffix(name, ".tmp") {
				<-gate
			}
		})
		codes := make(chan string, 6)
		ask := func(msg proto.Message) {
			_, err := r.Ask(context.WithoutCancel(t.Context()), "wal", msg, nil)
			codes <- codeOf(err)
		}
		go ask(&messages.TakeBackup{Force: true, Reason: "manual"})
		synctest.Wait() // the worker is in the middle of a copy
		for range 5 {
			go ask(&messages.InspectDatabase{Job: &messages.Job{}})
		}
		synctest.Wait()
		time.AfterFunc(time.Second, func() { close(gate) })
		ended(t, r)
		for range cap(codes) {
			if code := <-codes; code == "" {
				t.Error("a job that could not run any more was answered as done")
			}
		}
	})
}

// disk is the operating system's file system that panics or waits where it is told to.
type disk struct {
	fsx.FS
	mu    sync.Mutex
	enter func(op, name string)
}

// arm sets what happens at each operation before it is carried out; nil ends it.
func (d *disk) arm(enter func(op, name string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.enter = enter
}

func (d *disk) begin(op, name string) {
	d.mu.Lock()
	enter := d.enter
	d.mu.Unlock()
	if enter != nil {
		enter(op, name)
	}
}

// inUnhandled is a defect that strikes when an actor logs that it does not know a
// message: the one place where every actor touches a file in its own Receive. dir is a
// part of the log's path.
func inUnhandled(dir string) func(op, name string) {
	return func(op, name string) {
		if op != "lstat" || !strings.Contains(name, dir) {
			return
		}
		if stack := string(debug.Stack()); strings.Contains(stack, "(*Base).Unhandled") && !strings.Contains(stack, "failAsker") {
			panic("a defect at " + op)
		}
	}
}

// crashOnce sends a part what it does not know, and gives the code of its one answer.
func crashOnce(r *Running, p *post, part string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	_, err := kit.Ask[any](ctx, r.system, kit.NewPeers(r.system, p.tree.Id).Of(part), &messages.Info{}, nil)
	return codeOf(err)
}

func (d *disk) Lstat(name string) (fs.FileInfo, error) {
	d.begin("lstat", name)
	return d.FS.Lstat(name)
}

func (d *disk) Create(name string) (fsx.File, error) {
	d.begin("create", name)
	return d.FS.Create(name)
}
