package campaign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/internal/rotate"
	"github.com/officer-doofy/officer/internal/shelf"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// direct is one system without the tree around it: hundreds to thousands of points a
// second, on the same code that the tree runs.
type direct struct {
	build func(d *trial) error
	// act is struck; what it acknowledges it notes in the trial.
	act func(d *trial) error
	// check looks at the disk in the next life.
	check func(d *trial)
}

// trial is one run of a direct protocol.
type trial struct {
	ctx   context.Context
	shm   string
	seed  uint64
	shape shape
	life  *simfs.Life
	cut   bool // the power went
	least int  // backups that must be left
	acked []string
	wrong []string
}

func (d *trial) bad(format string, args ...any) {
	d.wrong = append(d.wrong, fmt.Sprintf(format, args...))
}

func (d *trial) ack(what string) { d.acked = append(d.acked, what) }

func directs() []protocol {
	return []protocol{
		{name: "file.write", direct: &direct{buildFile, writeFile, checkFile}},
		{name: "shelf.take", direct: &direct{buildShelf, struckShelf(takeOnShelf), checkShelf}},
		{name: "shelf.first", direct: &direct{buildNothing, takeOnShelf, checkShelf}},
		{name: "shelf.move", direct: &direct{buildShelf, struckShelf(moveOnShelf), checkShelf}},
		{name: "shelf.remove", direct: &direct{buildShelf, struckShelf(removeFromShelf), checkShelf}},
		{name: "shelf.rebuild", direct: &direct{buildLostList, struckShelf(loadShelf), checkShelf}},
		{name: "log.rotate", direct: &direct{buildLog, writeLog, checkLog}},
		{name: "sqlite.commit", direct: &direct{buildDatabase, commitRows, checkDatabase}},
		{name: "sqlite.copy", direct: &direct{buildDatabase, copyDatabase, checkDatabase}},
		{name: "sqlite.checkpoint", direct: &direct{buildUnchecked, checkpointDatabase, checkDatabase}, only: "wal"},
		{name: "sqlite.vacuum", direct: &direct{buildDatabase, vacuumDatabase, checkDatabase}},
		{name: "sqlite.restore", direct: &direct{buildRestorable, restoreDatabase, checkDatabase}},
		{name: "sqlite.pagesize", direct: &direct{buildRestorable, matchPageSize, checkDatabase}},
	}
}

// runDirect carries a point of a direct protocol out.
func runDirect(t *testing.T, shm string, p protocol, b *base, at point) (r result) {
	rng := rand.New(rand.NewPCG(at.seed, 0x666175))
	disk := b.disk.Clone()
	d := &trial{ctx: t.Context(), shm: shm, seed: at.seed, shape: shapeOf(at.seed)}
	d.life = disk.Boot(simfs.Plan{Seed: at.seed, Record: true, ShmDir: shm})
	if at.fault.Kind != "" {
		d.life.Arm(at.fault)
	}
	r.answer = p.direct.act(d)
	r.ops, r.hash, r.struck = d.life.Ops(), d.life.Hash(), len(d.life.Struck()) > 0
	lied := at.fault.Kind == simfs.Lie || at.fault.Kind == simfs.LieFrom
	d.cut = at.fault.Kind == simfs.PowerCut && d.life.Dead()
	if !d.life.Dead() && (lied || rng.IntN(2) == 0) {
		disk.PowerCut(at.seed)
		d.cut = true
	}
	d.life.End()
	d.life = disk.Boot(simfs.Plan{ShmDir: shm})
	defer d.life.End()
	if !lied { // then nothing is promised but that nothing hangs or crashes
		p.direct.check(d)
	}
	r.wrong = d.wrong
	return r
}

func buildDirect(t *testing.T, shm string, p protocol, s shape) (*simfs.Disk, error) {
	disk := simfs.New(0)
	d := &trial{ctx: t.Context(), shm: shm, shape: s, life: disk.Boot(simfs.Plan{ShmDir: shm})}
	defer d.life.End()
	if err := errors.Join(d.life.MkdirAll(folder), p.direct.build(d)); err != nil {
		return nil, err
	}
	disk.SyncAll()
	return disk, nil
}

func buildNothing(*trial) error { return nil }

// The smallest protocol: a file that is replaced as a whole.

const wholeFile = folder + "/note.json"

func content(n int) []byte { return bytes.Repeat([]byte(fmt.Sprintf("%08d\n", n)), 300) }

func buildFile(d *trial) error { return fsx.WriteAtomic(d.life, wholeFile, content(0), 0o600) }

func writeFile(d *trial) error {
	for n := 1; n <= 3; n++ {
		if err := fsx.WriteAtomic(d.life, wholeFile, content(n), 0o600); err != nil {
			return err
		}
		d.ack(strconv.Itoa(n))
	}
	return nil
}

func checkFile(d *trial) {
	data, err := fsx.ReadLimited(d.life, wholeFile, 1<<20)
	n := slices.IndexFunc([]int{0, 1, 2, 3}, func(n int) bool { return bytes.Equal(data, content(n)) })
	if err != nil || n < len(d.acked) || n > len(d.acked)+1 {
		d.bad("P2: %d writes were acknowledged, the file holds number %d (%v)", len(d.acked), n, err)
	}
	if err := fsx.RemoveTemps(d.life, wholeFile); err != nil {
		d.bad("P7: %v", err)
	}
	if list, err := d.life.ReadDir(folder); err != nil || len(list) != 1 {
		d.bad("P7: left behind: %v (%v)", list, err)
	}
}

// The shelf, by the steps of the backup actor.

func dayOf(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }

func (d *trial) shelf() *shelf.Shelf {
	return shelf.New(shelf.Config{FS: d.life, Dir: home + "/backups", Name: "app"})
}

// payload looks like a database.
func payload(n int) []byte {
	p := bytes.Repeat([]byte{byte(n)}, 2048)
	copy(p, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(p[16:], 1024)
	return p
}

func (d *trial) put(s *shelf.Shelf, m manifest.Manifest, n int) (manifest.Manifest, error) {
	p, id := payload(n), dayOf(n).Format("20060102T150405Z")
	sum := sha256.Sum256(p)
	e := manifest.Entry{ID: id, Reason: "manual", Taken: dayOf(n), SizeBytes: int64(len(p)), PageSize: 1024, SHA256: hex.EncodeToString(sum[:]),
		File: manifest.FileName("app", id, retention.Recent), Tier: retention.Recent, Verdict: manifest.Unverified}
	temp, err := s.Temp(e.File, e.ID)
	if err != nil {
		return m, err
	}
	f, err := d.life.Create(temp)
	if err != nil {
		return m, err
	}
	_, err = f.Write(p)
	if err = errors.Join(err, f.Close()); err != nil {
		return m, err
	}
	if _, err := s.ReadBack(d.ctx, temp, nil); err != nil {
		return m, err
	}
	next, err := m.Append(e)
	if err == nil {
		next, err = next.Judge(e.ID, manifest.VerdictAt{At: dayOf(n), Verdict: manifest.Verified, How: "backup"})
	}
	if err == nil {
		err = s.Publish(temp, e.File)
	}
	if err == nil {
		err = s.Save(next)
	}
	if err != nil {
		return m, err
	}
	d.ack(id)
	return next, nil
}

func buildShelf(d *trial) error {
	m, _, err := d.shelf().Load(d.ctx, dayOf(1))
	for n := 1; err == nil && n <= 3; n++ {
		m, err = d.put(d.shelf(), m, n)
	}
	return err
}

func buildLostList(d *trial) error {
	return errors.Join(buildShelf(d), d.life.Remove(home+"/backups/backups.json"))
}

func (d *trial) list() (manifest.Manifest, error) {
	m, _, err := d.shelf().Load(d.ctx, dayOf(20))
	return m, err
}

func takeOnShelf(d *trial) error {
	m, err := d.list()
	if err == nil {
		_, err = d.put(d.shelf(), m, 9)
	}
	return err
}

// struckShelf does something to a shelf with three backups, of which it may drop one.
func struckShelf(act func(*trial) error) func(*trial) error {
	return func(d *trial) error {
		d.least = 2
		return act(d)
	}
}

func moveOnShelf(d *trial) error {
	m, err := d.list()
	if err == nil {
		_, err = d.shelf().Move(m, map[string]retention.Tier{m.Entries[0].ID: retention.Weekly, m.Entries[1].ID: retention.Daily})
	}
	return err
}

func removeFromShelf(d *trial) error {
	m, err := d.list()
	if err == nil {
		m, err = d.shelf().Remove(m, m.Entries[0].ID, dayOf(9), "replaced")
	}
	if err == nil {
		_, _, _, err = d.shelf().Sweep(m, dayOf(9))
	}
	return err
}

func loadShelf(d *trial) error {
	_, err := d.list()
	return err
}

func checkShelf(d *trial) {
	dir := home + "/backups"
	whole := func(when string) (m manifest.Manifest) {
		data, err := fsx.ReadLimited(d.life, dir+"/backups.json", 1<<20)
		if errors.Is(err, fs.ErrNotExist) {
			return m
		}
		if err == nil {
			m, err = manifest.Parse(data)
		}
		if err != nil {
			d.bad("P2: %s the list is not whole: %v", when, err)
		}
		if breaks := m.VerifyChain(); len(breaks) > 0 {
			d.bad("P2: %s the chain is broken: %v", when, breaks)
		}
		for _, e := range m.Entries {
			got, err := fsx.ReadLimited(d.life, filepath.Join(dir, filepath.FromSlash(e.File)), 1<<20)
			if sum := sha256.Sum256(got); err != nil || e.Verified && hex.EncodeToString(sum[:]) != e.SHA256 {
				d.bad("P1: %s %s of the list holds something else (%v)", when, e.File, err)
			}
		}
		return m
	}
	whole("before the start")
	m, err := d.list()
	if err == nil {
		m, _, _, err = d.shelf().Sweep(m, dayOf(20))
	}
	if err != nil {
		d.bad("P7: the next start fails: %v", err)
		return
	}
	whole("after the start")
	for _, id := range d.acked {
		if e, ok := m.Find(id); !ok || !e.Verified {
			d.bad("P1: the acknowledged backup %s is %q", id, e.Verdict)
		}
	}
	if len(m.Entries) < d.least {
		d.bad("P3: %d backups are left, want %d", len(m.Entries), d.least)
	}
	d.onlyListed(dir, m)
}

func (d *trial) onlyListed(dir string, m manifest.Manifest) {
	listed := map[string]bool{dir + "/backups.json": true}
	for _, e := range m.Entries {
		listed[filepath.Join(dir, filepath.FromSlash(e.File))] = true
	}
	var look func(dir string)
	look = func(dir string) {
		list, err := d.life.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.bad("P7: %v", err)
		}
		for _, e := range list {
			switch name := filepath.Join(dir, e.Name()); {
			case e.IsDir():
				look(name)
			case !listed[name]:
				d.bad("P7: %s is left behind", name)
			}
		}
	}
	look(dir)
}

// The log: what was logged is there after a kill, in order and once; the power may take
// the newest lines, and leaves every other line whole.

const logLines = 60

func (d *trial) book() (*rotate.Book, error) {
	return rotate.New(d.life, rotate.Config{Dir: home + "/logs", Name: "app", MaxFileBytes: 1500, MaxTotalBytes: 9000, Level: slog.LevelInfo})
}

func buildLog(d *trial) error {
	b, err := d.book()
	if err != nil {
		return err
	}
	for n := range 20 {
		b.Logger().Info("line " + strconv.Itoa(n))
	}
	return b.Close()
}

func writeLog(d *trial) error {
	b, err := d.book()
	if err != nil {
		return err
	}
	for n := 20; n < logLines && !d.life.Dead(); n++ {
		lost := b.Lost()
		b.Logger().Info("line " + strconv.Itoa(n))
		if b.Lost() == lost && !d.life.Dead() {
			d.ack(strconv.Itoa(n))
		}
	}
	return b.Close()
}

func checkLog(d *trial) {
	dir := home + "/logs"
	list, err := d.life.ReadDir(dir)
	if err != nil {
		d.bad("P7: %v", err)
	}
	total, seen := int64(0), map[string]int{}
	for _, e := range list {
		suffix, ok := strings.CutPrefix(e.Name(), "app.log")
		if n, err := strconv.Atoi(strings.TrimPrefix(suffix, ".")); !ok || suffix != "" && (err != nil || n < 1) {
			d.bad("P7: %s is left behind", e.Name())
		}
		data, err := fsx.ReadLimited(d.life, filepath.Join(dir, e.Name()), 1<<20)
		if err != nil {
			d.bad("P7: %v", err)
		}
		total += int64(len(data))
		for _, line := range strings.Split(string(data), "\n") {
			if _, n, ok := strings.Cut(line, "] line "); ok {
				seen[strings.TrimSpace(n)]++
			}
		}
	}
	if total > 9000 {
		d.bad("P8: the log holds %d bytes", total)
	}
	for _, n := range d.acked {
		if !d.cut && seen[n] != 1 {
			d.bad("log: line %s is there %d times", n, seen[n])
		}
	}
	b, err := d.book()
	if err != nil {
		d.bad("P7: the next start fails: %v", err)
		return
	}
	b.Logger().Info("the next run")
	if err := b.Close(); err != nil || b.Lost() != 0 {
		d.bad("P7: the next run loses %d lines (%v)", b.Lost(), err)
	}
}

// SQLite through Officer's one adapter.

func (d *trial) world() *world {
	return &world{ctx: d.ctx, shm: d.shm, shape: d.shape, ledger: ledger{restored: -1}}
}

func buildDatabase(d *trial) error {
	w := d.world()
	if err := w.fill(d.life); err != nil {
		return err
	}
	return d.app(func(db *sql.DB) error { return d.commits(w, db, 3) })
}

// buildUnchecked leaves frames in the WAL: nobody closes the database cleanly.
func buildUnchecked(d *trial) error {
	w := d.world()
	if err := w.fill(d.life); err != nil {
		return err
	}
	db, err := w.connect(d.life)
	if err != nil {
		return err
	}
	if err := d.commits(w, db, 6); err != nil {
		return err
	}
	if err := fsx.CopyFile(d.ctx, d.life, database+"-wal", folder+"/kept", nil); err != nil {
		return err
	}
	return errors.Join(db.Close(), d.life.Rename(folder+"/kept", database+"-wal"))
}

// buildRestorable also makes a plain copy, and goes on.
func buildRestorable(d *trial) error {
	if err := buildDatabase(d); err != nil {
		return err
	}
	c, err := sqlite.Open(d.ctx, database, sqlite.Options{VFS: d.life.VFS()})
	if err != nil {
		return err
	}
	f, err := d.life.Create(folder + "/copy.db")
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		_, err = c.Copy(d.ctx, folder+"/copy.db", sqlite.CopyOptions{})
	}
	if err = errors.Join(err, c.Close()); err != nil {
		return err
	}
	return d.app(func(db *sql.DB) error { return d.commits(d.world(), db, 2) })
}

func (d *trial) app(work func(*sql.DB) error) error {
	db, err := d.world().connect(d.life)
	if err != nil {
		return err
	}
	return errors.Join(work(db), db.Close())
}

func (d *trial) commits(w *world, db *sql.DB, n int) error {
	for range n {
		if err := w.commit(db); err != nil {
			return err
		}
		d.ack(strconv.Itoa(w.ledger.rows))
	}
	return nil
}

func commitRows(d *trial) error {
	return d.app(func(db *sql.DB) error { return d.commits(d.world(), db, 4) })
}

func (d *trial) officer(work func(*sqlite.Conn) error) error {
	c, err := sqlite.Open(d.ctx, database, sqlite.Options{VFS: d.life.VFS(), BusyTimeout: time.Second})
	if err != nil {
		return err
	}
	return errors.Join(work(c), c.Close())
}

func copyDatabase(d *trial) error {
	return d.app(func(db *sql.DB) error {
		if err := d.commits(d.world(), db, 1); err != nil {
			return err
		}
		return d.officer(func(c *sqlite.Conn) error {
			f, err := d.life.Create(folder + "/backup.db")
			if err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
			r, err := c.Copy(d.ctx, folder+"/backup.db", sqlite.CopyOptions{})
			if err != nil {
				return err
			}
			if r.SHA256 == "" {
				return errors.New("the copy is not one of pages")
			}
			report, _, err := sqlite.VerifyCopy(d.ctx, folder+"/backup.db", d.life.VFS(), r.Content)
			if err != nil || report.Verdict != check.OK || len(report.Findings) > 0 {
				return errors.Join(err, fmt.Errorf("the copy is %s: %v", report.Verdict, report.Findings))
			}
			if err := d.life.SyncDir(folder); err != nil {
				return err
			}
			d.ack("copy " + strconv.Itoa(rowsOf(manifest.Entry{Content: r.Content})))
			return nil
		})
	})
}

func checkpointDatabase(d *trial) error {
	return d.officer(func(c *sqlite.Conn) error {
		_, _, err := c.Checkpoint(d.ctx, sqlite.Truncate)
		return err
	})
}

func vacuumDatabase(d *trial) error {
	return d.officer(func(c *sqlite.Conn) error { return c.Vacuum(d.ctx, time.Second) })
}

func restoreDatabase(d *trial) error {
	return d.app(func(db *sql.DB) error { // the app stays connected
		var n int
		if err := db.QueryRowContext(d.ctx, "select n from total").Scan(&n); err != nil {
			return err
		}
		return d.officer(func(c *sqlite.Conn) error {
			if err := c.Restore(d.ctx, folder+"/copy.db", sqlite.RestoreOptions{}); err != nil {
				return err
			}
			d.ack("restored")
			return nil
		})
	})
}

func matchPageSize(d *trial) error {
	f, err := d.life.OpenFile(folder+"/matched.db", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return sqlite.MatchPageSize(d.ctx, folder+"/copy.db", folder+"/matched.db", d.life.VFS(), 2*d.shape.pageSize)
}

// checkDatabase: every row that was acknowledged is there, the database is whole, and a
// copy that was acknowledged holds what it held.
func checkDatabase(d *trial) {
	want, least := -1, 0
	for _, a := range d.acked {
		if rows, err := strconv.Atoi(a); err == nil {
			least = rows
		}
		if rows, ok := strings.CutPrefix(a, "copy "); ok {
			d.copyHolds(rows)
		}
		if a == "restored" {
			want = 3 // rows when the copy was made
		}
	}
	w := d.world()
	db, err := w.connect(d.life)
	if err != nil {
		d.bad("P4: %v", err)
		return
	}
	defer func() { _ = db.Close() }()
	rows, err := rowsIn(d.ctx, db)
	switch {
	case err != nil:
		d.bad("P4: the database: %v", err)
	case want >= 0 && rows != want, want < 0 && rows < least:
		d.bad("P4: the database holds %d commits, want %d or at least %d", rows, want, least)
	}
	if err := w.commit(db); err != nil {
		d.bad("P9: the app cannot commit: %v", err)
	}
}

func (d *trial) copyHolds(rows string) {
	db, err := sqlite.OpenDB(folder+"/backup.db", sqlite.Options{VFS: d.life.VFS(), ReadOnly: true})
	if err != nil {
		d.bad("P1: the copy: %v", err)
		return
	}
	defer func() { _ = db.Close() }()
	if got, err := rowsIn(d.ctx, db); err != nil || strconv.Itoa(got) != rows {
		d.bad("P1: the copy holds %d commits (%v), want %s", got, err, rows)
	}
}
