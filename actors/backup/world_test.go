package backup_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/shelf"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// world is a backup actor among neighbours that the test plays, on a real shelf.
type world struct {
	*testkit.Bench
	home string
	pid  *actor.PID
	cfg  backup.Config
	fsys fsx.FS

	mu         sync.Mutex
	content    manifest.Content // of the live database
	source     *messages.Source
	walBytes   int64
	copyTakes  time.Duration
	copyFails  []*messages.Failure // one for each next copy
	harm       []func(file []byte) []byte
	bySQLite   bool // the owner copies by the backup API, and digests the content
	silent     bool // … and says nothing about it
	sick       func(file []byte) []byte
	copies     []*messages.CopyDatabase
	cancelled  int
	inspectErr *messages.Failure
	lastFull   *messages.CheckReport
	suspect    bool
	since      time.Time
	checks     int
	events     []any
	conditions map[string][]string
	schedules  []*messages.AddSchedule
	done       int
	skew       time.Duration // of the wall clock
	panicOnDir bool
	sealer     *fsx.Sealer
}

const tree = "officer/app"

func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	testkit.Run(t, func(b *testkit.Bench) {
		w := &world{Bench: b, home: b.T.TempDir(), fsys: fsx.OS(), sealer: fsx.NewSealer(), conditions: map[string][]string{}}
		w.commit(1)
		w.cfg = backup.Config{
			Peers: kit.NewPeers(b.System(), tree), Log: b.Log(), Database: "app.db", Name: "app",
			Verifier: verifier{}, Location: time.UTC,
			Now: func() time.Time {
				w.mu.Lock()
				defer w.mu.Unlock()
				return time.Now().Add(w.skew)
			},
		}
		w.play("", w.hearTree)
		w.play("/dbowner", w.own)
		w.play("/integrity", w.judge)
		w.play("/schedule", w.plan)
		w.play("/health", w.watch)
		test(w)
	})
}

// start spawns the backup actor with what changed in its configuration.
func (w *world) start(change ...func(*backup.Config)) {
	w.T.Helper()
	cfg := w.cfg
	cfg.Shelf = touchy{shelf.New(shelf.Config{FS: w.fsys, Dir: filepath.Join(w.home, "backups"), Name: "app", Sealer: w.sealer}), w}
	for _, c := range change {
		c(&cfg)
	}
	w.pid = w.Spawn(backup.Props(cfg), tree+"/backup")
	w.Settle()
}

func passive(c *backup.Config) { c.Passive = true }

// touchy is the real shelf, with a defect on demand.
type touchy struct {
	*shelf.Shelf
	w *world
}

func (s touchy) Dir() string {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.panicOnDir {
		s.w.panicOnDir = false
		panic("a defect")
	}
	return s.Shelf.Dir()
}

// player is a neighbour.
type player struct {
	kit.Base
	w    *world
	hear func(*player, actor.Context)
}

func (p *player) Receive(ctx actor.Context) { p.hear(p, ctx) }

func (w *world) play(name string, hear func(*player, actor.Context)) {
	w.Spawn(kit.Props(func() actor.Actor { return &player{w: w, hear: hear} }), tree+name)
}

func (w *world) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// commit makes the live database hold n rows.
func (w *world) commit(n int) {
	w.locked(func() {
		w.content = manifest.Content{SchemaDigest: "s1", Tables: []manifest.Table{
			{Name: "items", Rows: int64(n), Digest: fmt.Sprintf("%032x", n)}, {Name: "users", Rows: 2, Digest: "bb"}}}
		counter := uint32(1)
		if w.source != nil {
			counter = w.source.GetChangeCounter() + 1
		}
		w.source = &messages.Source{Device: 1, Inode: 2, ChangeCounter: counter, JournalMode: "delete"}
	})
}

func (w *world) hearTree(_ *player, ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.BackupTaken, *messages.BackupFailed, *messages.BackupSkipped, *messages.BackupPruned, *messages.BackupRotten,
		*messages.DrillFinished, *messages.SchemaChanged:
		w.locked(func() { w.events = append(w.events, msg) })
	}
}

// file is what a copy of the database looks like on disk: a header, then the content.
func file(c manifest.Content) []byte {
	data := make([]byte, 4096)
	copy(data, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(data[16:], 4096)
	body, _ := json.Marshal(c)
	copy(data[100:], body)
	return data
}

type copyOver struct {
	req   *kit.Request
	order *messages.CopyDatabase
}

// own plays the owner of the database.
func (w *world) own(p *player, ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.InspectDatabase:
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.inspectErr != nil {
			ctx.Respond(w.inspectErr)
			return
		}
		ctx.Respond(&messages.DatabaseFacts{SizeBytes: 4096, WalBytes: w.walBytes, PageSize: 4096, Source: w.source, SqliteVersion: "3.54.1"})
	case *messages.CopyDatabase:
		w.locked(func() { w.copies = append(w.copies, msg) })
		// The beginning of a copy lies there at once.
		_ = os.WriteFile(msg.GetToPath()+"-journal", nil, 0o600)
		p.After(ctx, w.copyTakes+time.Millisecond, &copyOver{p.Accept(ctx), msg})
		if msg.GetJob().GetProgress() {
			ctx.Respond(&messages.Progress{JobId: msg.GetJob().GetId(), Stage: "copy", Done: 1, Total: 4096, Unit: "bytes"})
		}
	case *copyOver:
		msg.req.Answer(w.copied(msg.order))
	case *messages.ReadContent:
		w.locked(func() {
			if w.inspectErr != nil {
				ctx.Respond(w.inspectErr)
				return
			}
			ctx.Respond(&messages.ContentReport{Content: w.holds()})
		})
	case *messages.CancelJob:
		w.locked(func() { w.cancelled++ })
	}
}

// holds is what the live database holds now.
func (w *world) holds() *messages.Content {
	content := &messages.Content{SchemaDigest: w.content.SchemaDigest}
	for _, t := range w.content.Tables {
		content.Tables = append(content.Tables, &messages.Table{Name: t.Name, Rows: t.Rows, Digest: t.Digest})
	}
	return content
}

func (w *world) copied(order *messages.CopyDatabase) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.copyFails) > 0 {
		f := w.copyFails[0]
		w.copyFails = w.copyFails[1:]
		return f
	}
	content := w.holds()
	if u := order.GetUnlessContent(); u != nil && u.String() == content.String() {
		_ = os.Remove(order.GetToPath() + "-journal")
		return &messages.CopyReport{Skipped: true, Content: content, Source: w.source}
	}
	report := &messages.CopyReport{Content: content, Source: w.source, PageSize: 4096, Pages: 1, SizeBytes: 4096, DurationMs: 3}
	data := file(w.content)
	if w.sick != nil {
		data = w.sick(data)
	}
	if w.silent {
		report.Content = nil
	} else if order.GetByHash() && !w.bySQLite {
		report.Seal = w.sealer.Burst(0, data)
		if order.GetUnlessContent() == nil {
			report.Content = nil
		}
	}
	if len(w.harm) > 0 {
		data = w.harm[0](data)
		w.harm = w.harm[1:]
	}
	if err := os.WriteFile(order.GetToPath(), data, 0o600); err != nil {
		return messages.NewFailure("io_error", "copy database", "%v", err)
	}
	_ = os.Remove(order.GetToPath() + "-journal")
	return report
}

func (w *world) judge(_ *player, ctx actor.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch ctx.Message().(type) {
	case *messages.GetIntegrity:
		st := &messages.IntegrityStatus{Suspect: w.suspect, LastFull: w.lastFull}
		if w.suspect {
			st.SuspectSinceUnixMs = w.since.UnixMilli()
		}
		ctx.Respond(st)
	case *messages.CheckNow:
		w.checks++
		ctx.Respond(&messages.CheckReport{Verdict: "ok"})
	}
}

func (w *world) plan(_ *player, ctx actor.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch msg := ctx.Message().(type) {
	case *messages.AddSchedule:
		w.schedules = append(w.schedules, msg)
		ctx.Respond(&messages.ScheduleAdded{})
	case *messages.ScheduleDone:
		w.done++
	}
}

func (w *world) watch(_ *player, ctx actor.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch msg := ctx.Message().(type) {
	case *messages.RaiseCondition:
		w.conditions[msg.GetCode()] = msg.GetArgs()
	case *messages.ClearCondition:
		delete(w.conditions, msg.GetCode())
	}
}

// verifier reads the content back out of the file.
type verifier struct{}

func (verifier) Verify(_ context.Context, path string, _ manifest.Content) (check.Report, manifest.Content, error) {
	var c manifest.Content
	data, err := os.ReadFile(path)
	if err != nil {
		return check.Report{}, c, fsx.Wrap("verify", err)
	}
	if !strings.HasPrefix(string(data), "SQLite format 3") {
		return check.Report{}, c, fault.New(fault.NotADatabase, "verify", "the header is gone")
	}
	if json.Unmarshal(bytes.TrimRight(data[100:], "\x00"), &c) != nil {
		damage := check.Finding{Kind: "structure", Page: 1, Detail: "a page cannot be read"}
		return check.Report{Verdict: check.Damaged, Findings: []check.Finding{damage}}, manifest.Content{}, nil //nolint:nilerr // damage is a verdict
	}
	return check.Report{Verdict: check.OK}, c, nil
}

// flipped changes payload: still a healthy file, with another value in the table items.
func flipped(data []byte) []byte {
	out := slices.Clone(data)
	i := strings.Index(string(out), "00000000")
	out[i] = 'f'
	return out
}

// torn makes the file fail the integrity check.
func torn(data []byte) []byte {
	out := slices.Clone(data)
	out[100] = '?'
	return out
}

func (w *world) take(msg *messages.TakeBackup) *messages.BackupReport {
	w.T.Helper()
	return testkit.Ask[*messages.BackupReport](w.Bench, w.pid, msg)
}

func (w *world) fails(msg any) *messages.Failure {
	w.T.Helper()
	got, err := w.Ask(w.pid, msg)
	f, ok := err.(*messages.Failure)
	if !ok {
		w.T.Fatalf("%T got %v, %v; want a Failure", msg, got, err)
	}
	return f
}

func (w *world) list() *messages.BackupList {
	w.T.Helper()
	return testkit.Ask[*messages.BackupList](w.Bench, w.pid, &messages.ListBackups{})
}

func (w *world) up(code string) bool {
	w.Settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.conditions[code]
	return ok
}

// kinds names the events so far, and forgets them.
func (w *world) kinds() string {
	w.Settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, e := range w.events {
		out = append(out, strings.TrimPrefix(fmt.Sprintf("%T", e), "*messages."))
	}
	w.events = nil
	return strings.Join(out, " ")
}

// files lists what lies below backups except the manifest.
func (w *world) files() []string {
	w.T.Helper()
	var out []string
	dir := filepath.Join(w.home, "backups")
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != "backups.json" {
			rel, _ := filepath.Rel(dir, p)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return out
}

// tidy asserts that the list and the files are the same (P2, P7).
func (w *world) tidy() {
	w.T.Helper()
	var listed []string
	for _, b := range w.list().GetBackups() {
		listed = append(listed, b.GetFile())
	}
	slices.Sort(listed)
	if got := w.files(); !slices.Equal(got, listed) {
		w.T.Errorf("files %v, listed %v; want the same", got, listed)
	}
}

// unsynced is the disk without waiting for it: for years of operation in which nobody
// pulls the plug.
type unsynced struct{ fsx.FS }

type unsyncedFile struct{ fsx.File }

func (unsyncedFile) Sync() error { return nil }

func (unsynced) SyncDir(string) error { return nil }

func (unsynced) DropCache(fsx.File) error { return nil }

func (u unsynced) Link(from, to string) error { return u.FS.(fsx.Linker).Link(from, to) }

func (u unsynced) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	f, err := u.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}
