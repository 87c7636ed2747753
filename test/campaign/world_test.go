package campaign

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/supervisor"
	"github.com/officer-doofy/officer/testkit"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// Where things lie on every simulated disk.
const (
	folder   = "/data"
	database = "/data/app.db"
	home     = "/data/app.db-officer"
	restored = "/data/restored.db"
)

// shape is how the database of a point looks; it follows from the seed.
type shape struct {
	journal  string
	pageSize int
}

func shapes() []shape {
	return []shape{{"wal", 1024}, {"delete", 1024}, {"wal", 4096}, {"delete", 512}, {"truncate", 1024}, {"persist", 1024}}
}

// ledger is what was acknowledged; it is kept outside the disk.
type ledger struct {
	rows     int            // commits of the app that were acknowledged
	backups  map[string]int // rows in each acknowledged and verified backup, by id
	good     int            // verified backups that there were when the faults began
	restored int            // rows after a restore that was acknowledged; -1 = none was
	undo     int            // rows that an undo brings back
	replaced int            // rows that the last acknowledged restore replaced
}

func (l ledger) clone() ledger {
	backups := map[string]int{}
	for id, rows := range l.backups {
		backups[id] = rows
	}
	l.backups = backups
	return l
}

// world is a machine: a disk, at most one life on it, and what a person knows of it.
type world struct {
	ctx      context.Context
	shm      string
	rng      *rand.Rand
	shape    shape
	passive  bool
	record   bool // keep the operations
	settings settings
	fuse     atomic.Int64 // operations until one of them panics; 0 = none does
	disk     *simfs.Disk
	ledger   ledger

	life    *simfs.Life
	running *supervisor.Running
	app     *sql.DB
	wrong   []string // what does not hold
	log     *lines
}

func (w *world) bad(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// quiet: the log's operations depend on who logs first, and it has a protocol of its own.
func quiet(path string) bool {
	return strings.Contains(path, "/logs/") || strings.HasSuffix(path, "/logs")
}

// stream: parts of Officer that work at the same time touch different files, so each kind
// of file has numbers of its own.
func stream(op simfs.Op) string {
	rel := strings.TrimPrefix(op.Path, home)
	switch {
	case rel == op.Path:
		return "db"
	case strings.HasPrefix(rel, "/events"), strings.HasPrefix(rel, "/evidence"), rel == "/backups/backups.json":
		return "journal" // which also reads the list of backups
	case strings.HasPrefix(rel, "/backups/"):
		return "backups"
	case strings.HasPrefix(rel, "/quarantine"):
		return "quarantine"
	case strings.HasPrefix(rel, "/metrics"), strings.HasPrefix(rel, "/maintenance"), strings.HasPrefix(rel, "/reserve"):
		return "notes"
	}
	return "home"
}

// boot begins a life and starts Officer in it; the faults strike from then on.
func (w *world) boot(seed uint64, faults ...simfs.Fault) error {
	w.life = w.disk.Boot(simfs.Plan{Seed: seed, Faults: faults, Quiet: quiet, Stream: stream, Record: w.record, ShmDir: w.shm})
	return w.start()
}

func (w *world) start() error {
	logger := slog.New(slog.DiscardHandler)
	if w.log != nil {
		logger = slog.New(slog.NewTextHandler(w.log, nil))
	}
	r, err := supervisor.Start(w.ctx, supervisor.Config{
		Databases: []supervisor.Database{w.settings.database()}, LookEvery: w.settings.look,
		Passive: w.passive, FS: brittle{w.life, &w.fuse}, VFS: w.life.VFS(), Seed: 1, Logger: logger, AllowMissing: true,
	})
	if err != nil {
		return err
	}
	w.running = r
	if w.app, err = r.Handle(""); err != nil {
		return err
	}
	w.app.SetMaxOpenConns(1)
	synctest.Wait()
	return nil
}

// stop ends Officer as it ends itself, whatever becomes of it, and then the life.
func (w *world) stop() {
	w.hangUp()
	w.fuse.Store(0)
	if w.running != nil {
		_ = w.running.Stop(w.ctx) // of a dead process
		w.running = nil
	}
	testkit.Advance(time.Second) // protoactor's own goroutines end
	w.life.End()
}

func (w *world) hangUp() {
	if w.app != nil {
		_ = w.app.Close()
		w.app = nil
	}
}

// ask gives the answer or the failure.
func (w *world) ask(msg proto.Message) (proto.Message, error) {
	ctx, cancel := context.WithTimeout(w.ctx, 6*time.Hour)
	defer cancel()
	answer, err := w.running.Ask(ctx, "", msg, nil)
	if ctx.Err() != nil {
		w.bad("%T was not answered", msg)
	}
	return answer, err
}

func codeOf(err error) string {
	var f *messages.Failure
	if errors.As(err, &f) {
		return f.Code
	}
	return string(fault.CodeOf(err))
}

// create makes the database on an empty disk, with Officer not there yet.
func (w *world) create() error {
	w.life = w.disk.Boot(simfs.Plan{ShmDir: w.shm})
	defer w.life.End()
	if err := w.life.MkdirAll(folder); err != nil {
		return err
	}
	return w.fill(w.life)
}

// alone does something to the disk while nobody runs.
func (w *world) alone(work func(*simfs.Life) error) error {
	l := w.disk.Boot(simfs.Plan{ShmDir: w.shm})
	defer l.End()
	return work(l)
}

func (w *world) fill(l *simfs.Life) error {
	f, err := l.Create(database)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	db, err := w.connect(l)
	if err != nil {
		return err
	}
	for _, s := range []string{
		fmt.Sprintf("pragma page_size=%d", w.shape.pageSize), "pragma journal_mode=" + w.shape.journal,
		"create table ledger(n integer primary key, note text not null)", "create table total(n int)", "insert into total values(0)",
		"create table item(id integer primary key, amount int, body text)", "create index item_amount on item(amount)",
		"with recursive c(x) as (values(1) union all select x+1 from c where x < 40) insert into item select x, x%7, printf('%0120d', x) from c",
		"create table stone(id integer primary key, body text)",
		"with recursive c(x) as (values(1) union all select x+1 from c where x < 60) insert into stone select x, printf('%0100d', x) from c",
		"create table gone(body)", "with recursive c(x) as (values(1) union all select x+1 from c where x < 40) insert into gone select zeroblob(400) from c",
		"drop table gone",
	} {
		if _, err = db.ExecContext(w.ctx, s); err != nil {
			break
		}
	}
	return errors.Join(err, db.Close())
}

func (w *world) connect(l *simfs.Life) (*sql.DB, error) {
	db, err := sqlite.OpenDB(database, sqlite.Options{VFS: l.VFS()})
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func note(n int) string { return fmt.Sprintf("row %d %s", n, strings.Repeat("x", 50+n%30)) }

// commit is one transaction of the app; only when SQLite acknowledged it does it count.
func (w *world) commit(db *sql.DB) error {
	if _, err := db.ExecContext(w.ctx, "pragma synchronous=extra"); err != nil {
		return err
	}
	tx, err := db.BeginTx(w.ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it says so
	var n int
	if err := tx.QueryRowContext(w.ctx, "select n+1 from total").Scan(&n); err != nil {
		return err
	}
	if _, err := tx.ExecContext(w.ctx, "insert into ledger values(?,?)", n, note(n)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(w.ctx, "update item set amount=amount+1 where id%8=?", n%8); err != nil {
		return err
	}
	if _, err := tx.ExecContext(w.ctx, "update total set n=?", n); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	w.ledger.rows = n
	return nil
}

// rowsIn tells how many commits a database holds, or what is wrong with it.
func rowsIn(ctx context.Context, db *sql.DB) (rows int, err error) {
	var check string
	if err := db.QueryRowContext(ctx, "select group_concat(integrity_check) from pragma_integrity_check").Scan(&check); err != nil {
		return 0, err
	}
	if check != "ok" {
		return 0, fmt.Errorf("integrity_check: %.200s", check)
	}
	list, err := db.QueryContext(ctx, "select n, note from ledger order by n")
	if err != nil {
		return 0, err
	}
	defer list.Close()
	for list.Next() {
		var n int
		var text string
		if err := list.Scan(&n, &text); err != nil {
			return 0, err
		}
		if rows++; n != rows || text != note(n) {
			return 0, fmt.Errorf("row %d is %d %q", rows, n, text)
		}
	}
	if err := list.Err(); err != nil {
		return 0, err
	}
	var total, amounts int
	if err := db.QueryRowContext(ctx, "select (select n from total), (select sum(amount - id%7) from item)").Scan(&total, &amounts); err != nil {
		return 0, err
	}
	var stones int
	if err := db.QueryRowContext(ctx, "select count(*) from stone where body=printf('%0100d', id)").Scan(&stones); err != nil {
		return 0, err
	}
	if stones != 60 {
		return 0, fmt.Errorf("%d of 60 rows that nobody touched", stones)
	}
	if total != rows || amounts != 5*rows {
		return 0, fmt.Errorf("%d rows, the total says %d, the items %d/5", rows, total, amounts)
	}
	return rows, nil
}

// backedUp takes a backup that has to succeed, and notes it.
func (w *world) backedUp(msg *messages.TakeBackup) error {
	answer, err := w.ask(msg)
	if err != nil {
		return err
	}
	r := answer.(*messages.BackupReport)
	if !r.Backup.GetVerified() {
		return fmt.Errorf("the backup %s is %s", r.Backup.GetId(), r.Backup.GetVerdict())
	}
	w.ledger.backups[r.Backup.GetId()] = w.ledger.rows
	return nil
}

// read gives a file as it lies on the disk.
func (w *world) read(l *simfs.Life, name string) ([]byte, error) {
	return fsx.ReadLimited(l, name, 16<<20)
}

func backupFile(rel string) string { return filepath.Join(home, "backups", filepath.FromSlash(rel)) }

// lines keeps what Officer logged outside any database, for a replay.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, string(p))
	return len(p), nil
}
