package dbowner_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/dbowner"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// fake is a database, its opener and everything about it that a test decides.
type fake struct {
	mu       sync.Mutex
	openErr  error
	guardErr error
	fenceErr error
	moved    bool
	check    func(ctx context.Context) (check.Report, error)
	asked    []dbowner.CheckOptions
	opened   map[dbowner.Purpose]int
	open     map[dbowner.Purpose]int // still open
	held     int                     // locks held now
	gaps     int                     // how often the lock was let go
	restores int
	commits  int64 // of the app
	vacuum   func(ctx context.Context) error
}

func newFake() *fake {
	return &fake{opened: map[dbowner.Purpose]int{}, open: map[dbowner.Purpose]int{}}
}

func (f *fake) with(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) Open(_ context.Context, p dbowner.Purpose) (dbowner.Database, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.openErr != nil {
		return nil, f.openErr
	}
	f.opened[p]++
	f.open[p]++
	return &connection{fake: f, purpose: p, number: int64(f.opened[p])}, nil
}

func (f *fake) Guard(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.guardErr
}

func (f *fake) MatchPageSize(context.Context, string, string, int) error { return nil }

type connection struct {
	*fake
	purpose dbowner.Purpose
	number  int64 // versions of two connections say nothing about each other
	held    bool
}

func (c *connection) Facts(context.Context) (dbowner.Facts, error) {
	return dbowner.Facts{PageSize: 4096}, nil
}
func (c *connection) SameAs(context.Context, string) (bool, error) { return false, nil }

func (c *connection) Content(context.Context) (manifest.Content, error) {
	return manifest.Content{}, nil
}
func (c *connection) Preview(context.Context) ([]manifest.Table, error) { return nil, nil }
func (c *connection) Copy(ctx context.Context, _ string, o dbowner.CopyOptions) (dbowner.CopyResult, error) {
	for i := range int64(1000) {
		select {
		case <-ctx.Done():
			return dbowner.CopyResult{}, interrupted()
		case <-time.After(time.Millisecond):
		}
		o.Progress(i+1, 1000)
	}
	return dbowner.CopyResult{Pages: 1000, PageSize: 4096}, nil
}
func (c *connection) Check(ctx context.Context, o dbowner.CheckOptions) (check.Report, error) {
	c.fake.mu.Lock()
	c.fake.asked = append(c.fake.asked, o)
	c.fake.mu.Unlock()
	if o.Progress != nil {
		o.Progress(5, 10)
	}
	if o.Kind != check.Full {
		return check.Report{Verdict: check.OK}, nil
	}
	c.fake.mu.Lock()
	look := c.fake.check
	c.fake.mu.Unlock()
	if look == nil {
		return check.Report{Verdict: check.OK}, nil
	}
	return look(ctx)
}
func (c *connection) RunRules(context.Context, []check.Rule) (check.Report, error) {
	return check.Report{Verdict: check.OK}, nil
}
func (c *connection) Checkpoint(context.Context, string) (int, int, error) { return 3, 3, nil }
func (c *connection) WALIndex(context.Context) (dbowner.WALIndex, error) {
	return dbowner.WALIndex{Known: true, JournalMode: "wal", Frames: 9, ReadMarks: []int64{0, 5, -1, -1, -1}}, nil
}
func (c *connection) Vacuum(ctx context.Context, _ time.Duration) error {
	c.fake.mu.Lock()
	work := c.fake.vacuum
	c.fake.mu.Unlock()
	if work == nil {
		return nil
	}
	return work(ctx)
}
func (c *connection) IncrementalVacuum(context.Context, time.Duration) (int64, bool, error) {
	return 3, true, nil
}
func (c *connection) Analyze(context.Context, time.Duration, bool) error { return nil }
func (c *connection) DataVersion(context.Context) (int64, error) {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	return 1000*c.number + c.fake.commits, nil
}
func (c *connection) HasMoved() (bool, error) {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	return c.fake.moved, nil
}
func (c *connection) Identity() (dbowner.Identity, error) { return dbowner.Identity{}, nil }
func (c *connection) MainFile() (io.ReaderAt, int64, error) {
	return bytes.NewReader(make([]byte, 4096)), 4096, nil
}
func (c *connection) JournalFile() (io.ReaderAt, int64, error) {
	return nil, 0, fault.New(fault.Missing, "find file", "none")
}
func (c *connection) BeginFence(context.Context) error {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	if c.fake.fenceErr != nil {
		return c.fake.fenceErr
	}
	if !c.held {
		c.held = true
		c.fake.held++
	}
	return nil
}
func (c *connection) EndFence() error {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	if c.held {
		c.held = false
		c.fake.held--
		c.fake.gaps++
	}
	return nil
}
func (c *connection) Restore(context.Context, string, dbowner.RestoreOptions) error {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	c.fake.restores++
	return nil
}
func (c *connection) ReplaceTable(context.Context, string, string, bool, int) (dbowner.Replaced, error) {
	return dbowner.Replaced{}, nil
}
func (c *connection) ResetDatabase(context.Context, int) error { return nil }
func (c *connection) Close() error {
	err := c.EndFence()
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	c.fake.open[c.purpose]--
	return err
}

func interrupted() error {
	return fault.New(fault.Interrupted, "check database", "stopped before the end")
}

// untilStopped is a heavy job that heeds its context.
func untilStopped(ctx context.Context) (check.Report, error) {
	<-ctx.Done()
	return check.Report{}, interrupted()
}

// lasting is a heavy job of a certain length that heeds its context.
func lasting(d time.Duration) func(context.Context) (check.Report, error) {
	return func(ctx context.Context) (check.Report, error) {
		select {
		case <-ctx.Done():
			return check.Report{}, interrupted()
		case <-time.After(d):
			return check.Report{Verdict: check.OK}, nil
		}
	}
}

// world is an owner below a tree that restarts it, with a health actor that remembers.
type world struct {
	t      *testing.T
	system *actor.ActorSystem
	tree   *actor.PID
	pid    *actor.PID

	mu         sync.Mutex
	conditions map[string][]string // raised now → args
	events     []*messages.FenceChanged
}

func newWorld(t *testing.T, cfg dbowner.Config) *world {
	t.Helper()
	w := &world{t: t, conditions: map[string][]string{}}
	w.system = actor.NewActorSystem(actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	cfg.Peers = kit.NewPeers(w.system, "officer/app")
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "app.db")
	}
	if cfg.Files == nil {
		cfg.Files = fsx.OS()
	}
	ready := make(chan struct{})
	var err error
	w.tree, err = w.system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		switch msg := ctx.Message().(type) {
		case *actor.Started:
			_, _ = ctx.SpawnNamed(actor.PropsFromFunc(w.health), "health")
			w.pid, _ = ctx.SpawnNamed(dbowner.Props(cfg), "dbowner")
			close(ready)
		case *messages.FenceChanged:
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, msg)
		}
	}), "officer/app")
	if err != nil {
		t.Fatal(err)
	}
	<-ready
	return w
}

func (w *world) health(ctx actor.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch msg := ctx.Message().(type) {
	case *messages.RaiseCondition:
		w.conditions[msg.Code] = msg.Args
	case *messages.ClearCondition:
		delete(w.conditions, msg.Code)
	}
}

func (w *world) raised(code string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.conditions[code]
	return ok
}

// end stops the tree and lets what is on its way arrive.
func (w *world) end() {
	w.t.Helper()
	if err := kit.StopTree(context.Background(), w.system, w.tree); err != nil {
		w.t.Error(err)
	}
	advance(time.Second)
}

// probe asks and counts every answer it ever gets.
type probe struct {
	mu       sync.Mutex
	answers  []any
	at       []time.Time
	progress int
}

func (p *probe) SendUserMessage(_ *actor.PID, message any) {
	_, msg, _ := actor.UnwrapEnvelope(message)
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := msg.(*messages.Progress); ok {
		p.progress++
		return
	}
	p.answers = append(p.answers, msg)
	p.at = append(p.at, time.Now())
}
func (p *probe) SendSystemMessage(*actor.PID, any) {}
func (p *probe) Stop(*actor.PID)                   {}

// ask sends a request from a probe of its own.
func (w *world) ask(msg any) *probe {
	p := &probe{}
	pid, _ := w.system.ProcessRegistry.Add(p, "probe"+w.system.ProcessRegistry.NextId())
	w.system.Root.RequestWithCustomSender(w.pid, msg, pid)
	return p
}

// only gives the one answer that there must be.
func (p *probe) only(t *testing.T) any {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.answers) != 1 {
		t.Fatalf("got %d answers %v, want exactly one", len(p.answers), p.answers)
	}
	return p.answers[0]
}

func (p *probe) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.answers)
}

// failed gives the code of the one Failure that there must be.
func (p *probe) failed(t *testing.T, code string) *messages.Failure {
	t.Helper()
	f, ok := p.only(t).(*messages.Failure)
	if !ok || f.Code != code {
		t.Fatalf("got %v, want a Failure %s", p.answers[0], code)
	}
	return f
}

func (w *world) status() *messages.OwnerStatus {
	w.t.Helper()
	s, err := kit.Ask[*messages.OwnerStatus](context.Background(), w.system, w.pid, &messages.GetOwnerStatus{}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func runCheck(id string, priority messages.Priority, timeout time.Duration) *messages.RunCheck {
	return &messages.RunCheck{Job: &messages.Job{Id: id, Priority: priority, TimeoutMs: timeout.Milliseconds()}}
}

// restart does what the supervisor does after a panic.
func (w *world) restart() {
	process, _ := w.system.ProcessRegistry.Get(w.pid)
	process.SendSystemMessage(w.pid, &actor.Restart{})
	synctest.Wait()
}

// panicOn is a log handler that panics once at a certain line: a handler with a defect.
type panicOn struct {
	slog.Handler
	line string
	once *sync.Once
}

func (p panicOn) Enabled(context.Context, slog.Level) bool { return true }
func (p panicOn) Handle(_ context.Context, r slog.Record) (err error) {
	if r.Message == p.line {
		p.once.Do(func() { panic("a defect at: " + r.Message) })
	}
	return nil
}

// advance lets virtual time pass; every test here runs in a bubble.
func advance(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
