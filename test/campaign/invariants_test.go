package campaign

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// settling is what Officer gets after a start to finish what the life before left: its
// first check, backup and sweep begin at once.
const settling = 8 * time.Second

// next is the life after the fault: first the disk as it is, then Officer again.
func (w *world) next(p protocol, before ledger, at point) {
	lied := at.fault.Kind == simfs.Lie || at.fault.Kind == simfs.LieFrom
	w.raw(lied)
	w.passive = false
	if err := w.boot(0); err != nil {
		if !lied || codeOf(err) == "internal" {
			w.bad("P7: the next start fails: %v", err)
		}
		w.stop()
		return
	}
	testkit.Advance(settling)
	if lied {
		w.believeNothing()
	} else {
		w.recovered(p, before)
	}
	w.keepLog()
	w.stop()
	if !lied {
		w.final(p)
	}
}

// raw looks at the disk before anybody repairs it: the list of backups is whole and
// names no missing file (P2).
func (w *world) raw(lied bool) {
	l := w.disk.Boot(simfs.Plan{ShmDir: w.shm})
	defer l.End()
	if lied {
		return
	}
	m, ok := w.manifest(l)
	if !ok && w.ledger.good > 0 {
		w.bad("P2: the list of backups is gone")
	}
	for _, e := range m.Entries {
		if info, err := l.Lstat(backupFile(e.File)); err != nil || info.Size() != e.SizeBytes {
			w.bad("P2: %s of the list: %v", e.File, err)
		}
	}
}

// manifest reads the list of backups as it lies on the disk; ok is false for none.
func (w *world) manifest(l *simfs.Life) (m manifest.Manifest, ok bool) {
	data, err := w.read(l, filepath.Join(home, "backups", "backups.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return m, false
	}
	if err == nil {
		m, err = manifest.Parse(data)
	}
	if err != nil {
		w.bad("P2: the list of backups is not whole: %v", err)
	}
	for _, b := range m.VerifyChain() {
		w.bad("P2: the chain is broken at %s: %s", b.ID, b.Text)
	}
	return m, true
}

// recovered is what holds soon after the next start.
func (w *world) recovered(p protocol, before ledger) {
	allowed := []int{w.ledger.rows}
	if p.rows != nil {
		allowed = p.rows(w, before)
	}
	if p.heals {
		allowed = w.heal(before)
	}
	if p.mends {
		allowed = w.mend()
	}
	rows, err := rowsIn(w.ctx, w.app)
	if err != nil || !slices.Contains(allowed, rows) {
		w.bad("P4: the database holds %d commits (%v), want one of %v", rows, err, allowed)
	}
	w.backupsHold(before)
	if answer, err := w.ask(&messages.GetStatus{}); err != nil {
		w.bad("no status: %v", err)
	} else {
		st := answer.(*messages.Status)
		for _, a := range st.Actors {
			if a.State != "running" || a.Restarts > 0 {
				w.bad("P11: %s is %s after %d restarts: %s", a.Name, a.State, a.Restarts, a.LastFailure)
			}
		}
		for _, c := range st.Health.GetConditions() {
			w.bad("P7: %s: %s", c.GetCode(), c.GetText())
		}
	}
	if p.again != nil {
		if err := p.again(w); err != nil {
			w.bad("P7: what was struck does not go when it is done again: %v", err)
		}
	}
	if err := w.commit(w.app); err != nil {
		w.bad("P9: the app cannot commit: %v", err)
	}
	if err := takeBackup(w); err != nil {
		w.bad("P7: no backup can be taken: %v", err)
	}
	if err := verifyAll(w); err != nil {
		w.bad("P3: not all backups verify: %v", err)
	}
}

// heal restores what is still damaged, as the condition says one should.
func (w *world) heal(before ledger) (allowed []int) {
	newest := 0
	for _, rows := range before.backups {
		newest = max(newest, rows)
	}
	if _, err := rowsIn(w.ctx, w.app); err != nil {
		if w.ledger.restored >= 0 {
			w.bad("P5: the restore that was answered is not there: %v", err)
		}
		if err := restore(w); err != nil {
			w.bad("P7: the damaged database cannot be restored: %v", err)
		}
		w.hangUp()
		var err error
		if w.app, err = w.running.Handle(""); err != nil {
			w.bad("P7: no handle: %v", err)
		}
		w.app.SetMaxOpenConns(1)
		testkit.Advance(settling)
	}
	w.ledger.rows = newest
	return []int{newest}
}

// backupsHold: every acknowledged backup is listed, or was dropped for a reason while
// newer ones were there; and there is not fewer than there were, up to two (P1, P3).
func (w *world) backupsHold(before ledger) {
	m, _ := w.manifest(w.life)
	good := 0
	for _, e := range m.Entries {
		if !e.Verified {
			continue
		}
		report, _, err := sqlite.VerifyCopy(w.ctx, backupFile(e.File), w.life.VFS(), e.Content)
		if err != nil || len(report.Findings) > 0 {
			w.bad("P1: the backup %s is called verified and is not: %v %v", e.ID, err, report.Findings)
			continue
		}
		good++
		rows, known := w.ledger.backups[e.ID]
		if have := rowsOf(e); known && have != rows {
			w.bad("P1: the backup %s holds %d commits, want %d", e.ID, have, rows)
		}
	}
	for id := range w.ledger.backups {
		_, listed := m.Find(id)
		dropped := slices.ContainsFunc(m.Dropped, func(t manifest.Tombstone) bool { return t.ID == id })
		if !listed && !dropped {
			w.bad("P1: the acknowledged backup %s is gone", id)
		}
	}
	if want := min(2, max(len(before.backups), len(w.ledger.backups))); good < want {
		w.bad("P3: %d verified backups are left, want %d", good, want)
	}
}

func rowsOf(e manifest.Entry) int {
	for _, t := range e.Tables {
		if t.Name == "ledger" {
			return int(t.Rows)
		}
	}
	return -1
}

// believeNothing is what still holds on a disk that lies about fsync: whatever was lost,
// no file is called verified that a look at it shows to be damaged (the simulator
// bites, and Officer sees it), and nothing hangs or crashes.
func (w *world) believeNothing() {
	if _, err := w.ask(&messages.VerifyBackups{All: true}); err != nil {
		return
	}
	m, _ := w.manifest(w.life)
	for _, e := range m.Entries {
		if !e.Verified {
			continue
		}
		report, _, err := sqlite.VerifyCopy(w.ctx, backupFile(e.File), w.life.VFS(), e.Content)
		if err != nil || len(report.Findings) > 0 {
			w.bad("the backup %s is called verified and is not: %v %v", e.ID, err, report.Findings)
		}
	}
	w.wrong = slices.DeleteFunc(w.wrong, func(s string) bool { return strings.HasPrefix(s, "P2") })
}

// final looks at what a clean stop leaves: no strays, a whole list, a whole database.
func (w *world) final(p protocol) {
	l := w.disk.Boot(simfs.Plan{ShmDir: w.shm})
	defer l.End()
	m, _ := w.manifest(l)
	listed := map[string]bool{}
	for _, e := range m.Entries {
		listed[backupFile(e.File)] = true
		if info, err := l.Lstat(backupFile(e.File)); err != nil || info.Size() != e.SizeBytes {
			w.bad("P2: at the end %s of the list: %v", e.File, err)
		}
	}
	w.strays(l, folder, listed)
	if db, err := w.connect(l); err == nil {
		if rows, err := rowsIn(w.ctx, db); err != nil || rows != w.ledger.rows {
			w.bad("P4: at the end the database holds %d commits (%v), want %d", rows, err, w.ledger.rows)
		}
		_ = db.Close()
	}
}

// kept are the names that may lie on the disk when Officer has stopped, relative to the
// folder of the database; of backups only those that are listed.
var kept = regexp.MustCompile(`^(app\.db|restored\.db|app\.db-officer/(officer\.lock|reserve|events\.ndjson|evidence\.json|maintenance\.json|` +
	`backups/backups\.json|logs/app\.log(\.\d+)?|metrics/((metrics|history)\.json(\.tail)?|disk\.json)|` +
	`quarantine/\d{8}T\d{6}Z(-\d+)?(-damage)?/((intent|damage)\.json|recovery-report\.(html|json)|recovery-lost_and_found\.db|app\.db(-wal|-journal)?)))$`)

func (w *world) strays(l *simfs.Life, dir string, listed map[string]bool) {
	entries, err := l.ReadDir(dir)
	if err != nil {
		w.bad("P7: %s cannot be listed: %v", dir, err)
	}
	if len(entries) == 0 && !strings.HasSuffix(dir, "quarantine") && path.Base(path.Dir(path.Dir(dir))) != "backups" {
		w.bad("P7: the folder %s is left empty", dir)
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		switch rel, _ := filepath.Rel(folder, name); {
		case e.IsDir():
			w.strays(l, name, listed)
		case !kept.MatchString(rel) && !listed[name]:
			w.bad("P7: %s is left behind", rel)
		}
	}
	if strings.Contains(dir, "/quarantine/") && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() == "intent.json" || e.Name() == "damage.json"
	}) {
		w.bad("P7: %s is left without a record", dir)
	}
}

// keepLog copies Officer's log for a replay.
func (w *world) keepLog() {
	if w.log == nil {
		return
	}
	data, _ := fsx.ReadLimited(w.life, filepath.Join(home, "logs", "app.log"), 16<<20)
	_, _ = w.log.Write(data)
}
