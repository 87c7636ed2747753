package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// world is the neighbourhood of the actor: a live "database" whose file holds its own
// content as JSON, and fakes of owner, backup, integrity, health, schedule and tree.
// Files are real. A restart of the process is a new actor system on the same world.
type world struct {
	t        *testing.T
	dir      string
	home     string
	database string

	mu          sync.Mutex
	backups     []*messages.Backup
	suspect     bool
	findings    []*messages.Finding
	everChecked bool
	fence       bool
	conditions  map[string][]string
	raised      []string // every code ever raised
	events      []any
	measured    []string // names of operations
	asked       []string // names of requests the fakes took
	hook        func(stage string) string
	mode        string // of the fake backup's TakeBackup: "", "fail", "expire"
	shop        fakeWorkshop
	evidence    int
	cookie      uint32 // number of the live schema, 0 = no header

	system *actor.ActorSystem
	pid    *actor.PID
	tree   string
	cfg    Config
}

const (
	damagedFile  = "SQLite format 3\x00 DAMAGED"
	noHeaderFile = "NOHEADER"
	emptyFile    = `{"tables":null,"schema_digest":"empty"}`
)

func content(rows ...int64) manifest.Content {
	c := manifest.Content{SchemaDigest: "s1"}
	for i, n := range rows {
		name := string(rune('a' + i))
		c.Tables = append(c.Tables, manifest.Table{Name: name, Rows: n, Digest: name + "-" + strings.Repeat("x", int(n)%50)})
	}
	return c
}

func encode(t *testing.T, c manifest.Content) []byte {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func newWorld(t *testing.T) *world {
	dir := t.TempDir()
	w := &world{t: t, dir: dir, home: filepath.Join(dir, "app.db-officer"), database: filepath.Join(dir, "app.db"),
		conditions: map[string][]string{}, tree: "officer/app", everChecked: true}
	if err := os.MkdirAll(filepath.Join(w.home, "backups"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(string(encode(t, content(5, 6))))
	w.addBackup("20260101T000000Z", content(3, 4))
	return w
}

func (w *world) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.database, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) live() string {
	data, err := os.ReadFile(w.database)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func (w *world) addBackup(id string, c manifest.Content) *messages.Backup {
	path := filepath.Join(w.home, "backups", id+".db")
	if err := os.WriteFile(path, encode(w.t, c), 0o600); err != nil {
		w.t.Fatal(err)
	}
	sum, size, err := fsx.HashFile(context.Background(), fsx.OS(), path)
	if err != nil {
		w.t.Fatal(err)
	}
	b := &messages.Backup{Id: id, Path: path, Sha256: sum, SizeBytes: size, Verified: true, Verdict: "verified", Content: toMessage(&c)}
	w.backups = append(w.backups, b)
	return b
}

// boot starts a process: fakes and the actor.
func (w *world) boot(change func(*Config)) {
	w.system = actor.NewActorSystemWithConfig(actor.Configure(actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) })))
	for name, receive := range map[string]actor.ReceiveFunc{
		"": w.receiveTree, "/dbowner": w.receiveOwner, "/backup": w.receiveBackup,
		"/integrity": w.receiveIntegrity, "/health": w.receiveHealth, "/schedule": w.receiveSchedule,
		"/metrics": w.receiveMetrics} {
		if _, err := w.system.Root.SpawnNamed(actor.PropsFromFunc(receive), w.tree+name); err != nil {
			w.t.Fatal(err)
		}
	}
	w.cfg = Config{Peers: kit.NewPeers(w.system, w.tree), Home: w.home, Database: w.database, FS: fsx.OS(), Scratch: fakeScratch{}, Workshop: &w.shop,
		Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&w.cfg)
	}
	pid, err := w.system.Root.SpawnNamed(Props(w.cfg), w.tree+"/recovery")
	if err != nil {
		w.t.Fatal(err)
	}
	w.pid = pid
}

// kill ends the process without any tidying by the actor.
func (w *world) kill() {
	for _, id := range []string{"/recovery", "/dbowner", "/backup", "/integrity", "/health", "/schedule", "/metrics", ""} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := kit.StopTree(ctx, w.system, w.system.NewLocalPID(w.tree+id)); err != nil {
			w.t.Errorf("stop %s: %v", id, err)
		}
		cancel()
	}
	w.system.Shutdown()
	w.mu.Lock()
	w.conditions, w.hook = map[string][]string{}, nil
	w.mu.Unlock()
	<-time.After(time.Second) // virtual: lets the system's own goroutines end
}

func (w *world) ask(msg any) (*messages.RestoreReport, *messages.Failure) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 48*time.Hour)
	defer cancel()
	rep, err := kit.Ask[*messages.RestoreReport](ctx, w.system, w.pid, msg, nil)
	var f *messages.Failure
	if err != nil && !errors.As(err, &f) {
		w.t.Fatalf("error of an unknown kind: %v", err)
	}
	return rep, f
}

// askAndForget is for a request whose actor is killed before it can answer.
func (w *world) askAndForget(msg any) {
	ctx, cancel := context.WithTimeout(context.Background(), 48*time.Hour)
	defer cancel()
	_, _ = kit.Ask[*messages.RestoreReport](ctx, w.system, w.pid, msg, nil)
}

func (w *world) at(stage string) string {
	w.mu.Lock()
	hook := w.hook
	w.mu.Unlock()
	if hook == nil {
		return ""
	}
	return hook(stage)
}

func (w *world) set(hook func(stage string) string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hook = hook
}

func (w *world) note(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, name)
}

func (w *world) timesKept() int {
	w.settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.evidence
}

func (w *world) wasAsked(name string) bool {
	w.settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.asked, name)
}

func (w *world) condition(code string) (string, bool) {
	w.settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	args, ok := w.conditions[code]
	return strings.Join(args, " "), ok
}

func eventOf[E any](w *world) (found E, n int) {
	w.settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e, ok := e.(E); ok {
			found, n = e, n+1
		}
	}
	return found, n
}

func (w *world) receiveTree(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.RestoreFinished, *messages.RestoreFailed, *messages.RecoveryStarted, *messages.RecoveryStep:
		w.mu.Lock()
		w.events = append(w.events, msg)
		w.mu.Unlock()
	}
}

func (w *world) receiveSchedule(ctx actor.Context) {
	if msg, ok := ctx.Message().(*messages.AddSchedule); ok {
		w.note("AddSchedule " + msg.Key)
		ctx.Respond(&messages.ScheduleAdded{})
	}
}

func (w *world) receiveMetrics(ctx actor.Context) {
	if msg, ok := ctx.Message().(*messages.RecordOperation); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.measured = append(w.measured, msg.GetName())
	}
}

func (w *world) receiveHealth(ctx actor.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch msg := ctx.Message().(type) {
	case *messages.RaiseCondition:
		w.conditions[msg.Code] = msg.Args
		w.raised = append(w.raised, msg.Code)
	case *messages.ClearCondition:
		delete(w.conditions, msg.Code)
	}
}

func (w *world) receiveIntegrity(ctx actor.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch ctx.Message().(type) {
	case *messages.GetIntegrity:
		s := &messages.IntegrityStatus{Suspect: w.suspect}
		if w.everChecked {
			s.LastFull = &messages.CheckReport{Verdict: "ok", Findings: w.findings}
		}
		ctx.Respond(s)
	case *messages.CheckNow:
		w.asked = append(w.asked, "CheckNow")
		switch text := w.live(); {
		case text == "BUSY":
			ctx.Respond(messages.NewFailure("busy", "check", "busy"))
		case text == "CANNOT":
			ctx.Respond(&messages.CheckReport{Verdict: "cannot_judge"})
		case strings.HasPrefix(text, damagedFile), strings.HasPrefix(text, noHeaderFile):
			ctx.Respond(&messages.CheckReport{Verdict: "damaged"})
		default:
			ctx.Respond(&messages.CheckReport{Verdict: "ok"})
		}
	}
}

// moveBackups puts the backups of mode "move" into another tier, once.
func (w *world) moveBackups() {
	if w.mode != "move" {
		return
	}
	w.mode = ""
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, b := range w.backups {
		moved, _ := proto.Clone(b).(*messages.Backup)
		moved.Path += ".moved"
		if err := os.Rename(b.Path, moved.Path); err != nil {
			w.t.Error(err)
		}
		w.backups[i] = moved
	}
}

func (w *world) receiveBackup(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.FindBackup:
		backups := slices.Clone(w.backups)
		if w.mode == "move at once" { // while the answer is on its way
			w.mode = "move"
			w.moveBackups()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, b := range slices.Backward(backups) {
			if b.Id == msg.Id || msg.Id == "" && b.Verified {
				ctx.Respond(b)
				return
			}
		}
		ctx.Respond(messages.NewFailure("no_backup", "find backup", "there is no backup %s", msg.Id))
	case *messages.ListBackups:
		ctx.Respond(&messages.BackupList{Backups: w.backups})
	case *messages.VerifyBackups:
		w.note("VerifyBackups " + msg.Id)
		ctx.Respond(&messages.VerifyReport{})
	case *messages.TakeBackup:
		w.note("TakeBackup " + msg.Reason)
		w.takeBackup(ctx, msg.GetPin())
	}
}

func (w *world) takeBackup(ctx actor.Context, pin bool) {
	if what := w.at("backup"); what == "hang" {
		return
	}
	switch w.mode {
	case "fail":
		ctx.Respond(messages.NewFailure("disk_full", "take backup", "the disk is full"))
		return
	case "busy once":
		w.mode = ""
		ctx.Respond(messages.NewFailure("already_running", "take backup", "one runs"))
		return
	case "expire":
		if err := os.Remove(w.backups[0].Path); err != nil {
			w.t.Error(err)
		}
	}
	c, err := readContent(w.database)
	if err != nil {
		ctx.Respond(messages.NewFailure(string(fault.CodeOf(err)), "take backup", "it cannot be read"))
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.addBackup("20260102T00000"+string(rune('0'+len(w.backups)))+"Z", c)
	b.Pinned = pin
	ctx.Respond(&messages.BackupReport{Backup: b})
}

func readContent(path string) (manifest.Content, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return manifest.Content{}, fault.Wrap(fault.Missing, "read", "no such file", err)
	}
	var c manifest.Content
	switch text := string(data); {
	case err != nil:
		return c, err
	case strings.HasPrefix(text, damagedFile):
		return c, fault.New(fault.Corrupt, "read", "damaged")
	case strings.HasPrefix(text, noHeaderFile):
		return c, fault.New(fault.NotADatabase, "read", "no header")
	case text == "BUSY", text == "CANNOT":
		return c, fault.New(fault.Busy, "read", "busy")
	}
	return c, json.Unmarshal(data, &c)
}

func (w *world) receiveOwner(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *messages.ReadContent:
		w.moveBackups()
		c, err := readContent(w.database)
		if err != nil {
			ctx.Respond(messages.NewFailure(string(fault.CodeOf(err)), "read content", "cannot be read"))
			return
		}
		if msg.RowsOnly {
			for i := range c.Tables {
				c.Tables[i].Digest = ""
			}
		}
		ctx.Respond(&messages.ContentReport{Content: toMessage(&c)})
	case *messages.InspectDatabase:
		w.inspectDatabase(ctx)
	case *messages.OverwriteDatabase:
		w.note("OverwriteDatabase")
		w.overwriteDatabase(ctx, msg)
	case *messages.ReplaceTable:
		w.note(map[bool]string{true: "try table ", false: "ReplaceTable "}[msg.DryRun] + msg.Table)
		if _, err := os.Stat(msg.FromPath); err != nil {
			ctx.Respond(messages.NewFailure("missing", "replace", "no source"))
			return
		}
		ctx.Respond(&messages.TableReplaced{RowsBefore: 5, RowsAfter: 3, ForeignKeys: []*messages.ForeignKeyFinding{{Table: "b", Parent: "a"}}})
	case *messages.KeepEvidence:
		w.mu.Lock()
		w.evidence++
		w.mu.Unlock()
		if w.at("evidence") == "fail" {
			ctx.Respond(messages.NewFailure("disk_full", "keep evidence", "the disk is full"))
			return
		}
		ctx.Respond(&messages.EvidenceKept{Files: w.keepFiles(msg.ToDir)})
	case *messages.RaiseFence:
		w.note("RaiseFence " + msg.Reason)
		ctx.Respond(&messages.FenceState{Active: true, Held: true})
	case *messages.LiftFence:
		w.note("LiftFence " + msg.Reason)
		if w.at("lift") == "fail" {
			ctx.Respond(messages.NewFailure("no_answer", "lift the fence", "it did not answer in time"))
			return
		}
		w.mu.Lock()
		w.fence = false
		w.mu.Unlock()
		ctx.Respond(&messages.FenceState{})
	}
}

// inspectDatabase tells the number of the schema where the test set one, else that there is
// no header.
func (w *world) inspectDatabase(ctx actor.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	facts := &messages.DatabaseFacts{}
	if w.cookie != 0 {
		facts.PageSize, facts.Source = 4096, &messages.Source{SchemaCookie: w.cookie}
	}
	ctx.Respond(facts)
}

func (w *world) keepFiles(dir string) []string {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Error(err)
	}
	var files []string
	for _, tail := range []string{"", "-wal"} {
		data, err := os.ReadFile(w.database + tail)
		if err != nil {
			continue
		}
		to := filepath.Join(dir, filepath.Base(w.database)+tail)
		if err := os.WriteFile(to, data, 0o600); err != nil {
			w.t.Error(err)
		}
		files = append(files, to)
	}
	return files
}

// overwriteDatabase does what the owner does, and at each stage what the hook says:
// "hang" (the process dies here), "refuse" (failed, nothing changed) or "spoil".
func (w *world) overwriteDatabase(ctx actor.Context, msg *messages.OverwriteDatabase) {
	switch w.at("asked") {
	case "hang":
		return
	case "refuse":
		ctx.Respond(messages.NewFailure("busy", "overwrite", "the app holds a lock"))
		return
	}
	kept := w.keepFiles(msg.UndoDir)
	if want := msg.GetOnlyOver(); want != "" {
		if got, err := fsx.HashDatabase(context.Background(), fsx.OS(), filepath.Join(msg.UndoDir, filepath.Base(w.database))); err != nil || got != want {
			for _, name := range kept {
				_ = os.Remove(name)
			}
			ctx.Respond(messages.NewFailure("changed_meanwhile", "overwrite", "somebody wrote"))
			return
		}
	}
	if w.at("kept") == "hang" {
		return
	}
	switch w.at("reset") {
	case "hang": // a destroyed header was reset, the content is not there yet
		w.write(emptyFile)
		return
	case "torn":
		w.write(damagedFile + " torn")
		return
	}
	data, err := os.ReadFile(msg.FromPath)
	if err != nil {
		ctx.Respond(messages.NewFailure("missing", "overwrite", "no source"))
		return
	}
	w.write(string(data))
	w.mu.Lock()
	if w.cookie != 0 {
		w.cookie++
	}
	w.mu.Unlock()
	switch w.at("written") {
	case "hang":
		return
	case "spoil":
		w.write(string(encode(w.t, content(9, 9, 9))))
		f := messages.NewFailure("content_differs", "overwrite", "table a is not what was wanted")
		f.DataChanged = true
		ctx.Respond(f)
		return
	}
	if _, err := readContent(w.database); err != nil { // as the owner does, also with nothing to compare
		f := messages.NewFailure(string(fault.CodeOf(err)), "overwrite", "it cannot be read")
		f.DataChanged = true
		ctx.Respond(f)
		return
	}
	ctx.Respond(&messages.OverwriteReport{InPlace: true, KeptFiles: kept})
}

type fakeScratch struct{}

func (fakeScratch) Consolidate(_ context.Context, from, to string) (manifest.Content, error) {
	data, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return manifest.Content{}, fault.Wrap(fault.Missing, "consolidate", "no such file", err)
	}
	if strings.HasPrefix(string(data), noHeaderFile) {
		return manifest.Content{}, fault.New(fault.NotADatabase, "consolidate", "no header")
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		return manifest.Content{}, err
	}
	if strings.HasPrefix(string(data), damagedFile) {
		return manifest.Content{}, nil
	}
	return readContent(from)
}

// settle lets everything that is under way come to rest.
func (w *world) settle() { synctest.Wait() }

func (w *world) sets() []*set {
	w.t.Helper()
	all, err := quarantine{fs: fsx.OS(), dir: filepath.Join(w.home, "quarantine")}.sets()
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// noStrays fails when anything lies about that no record names.
func (w *world) noStrays() {
	w.t.Helper()
	root := filepath.Join(w.home, "quarantine")
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		s := quarantine{fs: fsx.OS(), dir: root}.load(e.Name())
		if s == nil || s.err != nil {
			w.t.Errorf("stray %s in quarantine", e.Name())
			continue
		}
		files, err := os.ReadDir(s.dir)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, f := range files {
			if f.Name() != recordFile(s.rec.Kind) && !slices.Contains(s.rec.KeptFiles, f.Name()) && !(s.rec.Kind == kindRepair && slices.Contains(results(), f.Name())) {
				w.t.Errorf("stray %s in %s (%s)", f.Name(), e.Name(), s.rec.State)
			}
		}
	}
}
