package metrics_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/metrics"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// world is a metrics actor among probes.
type world struct {
	*testkit.Bench
	tree, health *testkit.Probe
	pid          *actor.PID
	cfg          metrics.Config
	file         string
}

func newWorld(b *testkit.Bench, change func(*metrics.Config)) *world {
	w := &world{Bench: b, tree: b.Probe("officer/app"), health: b.Probe("officer/app/health")}
	dir := filepath.Join(b.T.TempDir(), "metrics")
	w.file = filepath.Join(dir, "metrics.json")
	w.cfg = metrics.Config{
		Peers: kit.NewPeers(b.System(), "officer/app"), Log: b.Log(), Dir: dir, FS: fsx.OS(), Location: time.UTC, Database: "app.db",
	}
	if change != nil {
		change(&w.cfg)
	}
	return w
}

func (w *world) start() {
	w.T.Helper()
	w.pid = w.Spawn(metrics.Props(w.cfg), "officer/app/metrics")
	w.Settle()
}

func (w *world) record(name string, took time.Duration) {
	w.Tell(w.pid, &messages.RecordOperation{Name: name, DurationUs: took.Microseconds()})
	w.Settle()
}

func (w *world) report() *messages.MetricsReport {
	w.T.Helper()
	return testkit.Ask[*messages.MetricsReport](w.Bench, w.pid, &messages.GetMetrics{})
}

func (w *world) operation(name string) *messages.OperationMetrics {
	w.T.Helper()
	r := testkit.Ask[*messages.MetricsReport](w.Bench, w.pid, &messages.GetMetrics{Name: name})
	if len(r.Operations) != 1 {
		w.T.Fatalf("got %d operations %s, want 1", len(r.Operations), name)
	}
	return r.Operations[0]
}

func raised(p *testkit.Probe) (list []*messages.RaiseCondition) {
	for _, h := range p.Heard() {
		if m, ok := h.Message.(*messages.RaiseCondition); ok {
			list = append(list, m)
		}
	}
	return list
}

func slow(p *testkit.Probe) (list []*messages.QuerySlow) {
	for _, h := range p.Heard() {
		if m, ok := h.Message.(*messages.QuerySlow); ok {
			list = append(list, m)
		}
	}
	return list
}

func TestRecord_isCountedAndStoredWithinAMinute(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		for i := range 200 {
			w.record("backup.copy", time.Duration(i+1)*time.Millisecond)
		}
		o := w.operation("backup.copy")
		if o.Count != 100 || o.P50Ms != 150 || o.P95Ms != 195 || o.MaxMs != 200 || o.BudgetMs != 5000 || len(o.Days) != 1 || o.Days[0].Count != 200 {
			b.T.Errorf("got %v", o)
		}
		if _, err := os.Stat(w.file); err == nil {
			b.T.Error("the file was written at once, want once a minute")
		}
		b.Advance(time.Minute)
		first, err := os.Stat(w.file)
		if err != nil {
			b.T.Fatalf("after a minute there is no file: %v", err)
		}
		b.Advance(time.Hour)
		if again, _ := os.Stat(w.file); !os.SameFile(first, again) {
			b.T.Error("written again although nothing changed")
		}
	})
}

// A kill is a life without an end: the next one starts beside it.
func TestKill_losesAtMostAMinute(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		w.record("start", time.Second)
		b.Advance(time.Minute)
		w.record("start", time.Second)
		killed := w.pid
		w.pid = b.Spawn(metrics.Props(w.cfg), "officer/app/metrics2")
		b.Settle()
		if o := w.operation("start"); o.Count != 1 || o.Days[0].Count != 1 {
			b.T.Errorf("got %v, want what was known a minute ago", o)
		}
		b.Stop(killed)
	})
}

func TestStop_storesEverything(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		w.record("start", time.Second)
		b.Stop(w.pid)
		w.start()
		w.record("start", 3*time.Second)
		if o := w.operation("start"); o.Count != 2 || o.MaxMs != 3000 || o.Days[0].Count != 2 {
			b.T.Errorf("got %v, want both runs", o)
		}
	})
}

func TestLoad_damagedIsKeptAsideAndBegunAfresh(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "cut": `{"version":1,"operations":[{"na`, "foreign": "SQLite format 3\x00", "null": "null",
		"huge": strings.Repeat("x", 17<<20),
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Run(t, func(b *testkit.Bench) {
				w := newWorld(b, nil)
				if err := os.MkdirAll(w.cfg.Dir, 0o700); err != nil {
					b.T.Fatal(err)
				}
				if err := os.WriteFile(w.file, []byte(content), 0o600); err != nil {
					b.T.Fatal(err)
				}
				w.start()
				w.record("start", time.Second)
				if got := len(w.report().Operations); got != 1 {
					b.T.Errorf("got %d operations, want the new one", got)
				}
				kept, err := os.ReadFile(w.file + ".damaged")
				if err != nil || string(kept) != content {
					b.T.Errorf("the damaged file was not kept: %d bytes, %v", len(kept), err)
				}
				b.Advance(time.Minute)
				if _, err := os.Stat(w.file); err != nil {
					b.T.Errorf("no new file: %v", err)
				}
			})
		})
	}
}

func TestLoad_aFolderInPlaceOfTheFileIsNoCrash(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		if err := os.MkdirAll(filepath.Join(w.file, "x"), 0o700); err != nil {
			b.T.Fatal(err)
		}
		w.start()
		w.record("start", time.Second)
		b.Advance(3 * time.Minute)
		if o := w.operation("start"); o.Count != 1 {
			b.T.Errorf("got %v", o)
		}
	})
}

// fullDisk refuses every write.
type fullDisk struct{ fsx.FS }

func (fullDisk) MkdirAll(string) error { return errors.New("no space") }

func TestWrite_thatFailsIsTriedAgainOnceAMinute(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, func(c *metrics.Config) { c.FS = fullDisk{c.FS} })
		w.start()
		w.record("start", time.Second)
		b.Advance(10 * time.Minute)
		if o := w.operation("start"); o.Count != 1 {
			b.T.Errorf("got %v", o)
		}
	})
}

func TestSlowQuery_isAnEventNowAndThen(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		query := func(took time.Duration) {
			b.Tell(w.pid, &messages.RecordOperation{Name: "query", Shape: "SELECT ?", DurationUs: took.Microseconds()})
			b.Settle()
		}
		query(4900 * time.Millisecond)
		if got := slow(w.tree); len(got) != 0 {
			b.T.Errorf("within the budget: got %v", got)
		}
		for range 50 {
			query(6 * time.Second)
		}
		got := slow(w.tree)
		if len(got) != 1 || got[0].Shape != "SELECT ?" || got[0].DurationMs != 6000 || got[0].BudgetMs != 5000 {
			b.T.Fatalf("got %v, want one event", got)
		}
		for range 300 {
			b.Advance(time.Minute)
			query(6 * time.Second)
		}
		if got := len(slow(w.tree)); got < 80 || got > 121 {
			b.T.Errorf("five hours of slow queries: got %d events, want about twenty an hour", got)
		}
	})
}

func TestBudget_onlyATrendIsACondition(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		w.record("recovery.restore", 31*time.Second)
		w.record("recovery.restore", 31*time.Second)
		if got := raised(w.health); len(got) != 0 {
			b.T.Fatalf("two of two: got %v, want nothing", got)
		}
		w.record("recovery.restore", 31*time.Second)
		got := raised(w.health)
		if len(got) != 1 || got[0].Code != "budget_exceeded" || got[0].Args[0] != "operations=recovery.restore" || got[0].Args[1] != "database=app.db" {
			b.T.Fatalf("three: got %v", got)
		}
		for range 8 {
			b.Advance(2 * time.Minute)
			w.record("recovery.restore", time.Second)
		}
		heard := w.health.Heard()
		if _, ok := heard[len(heard)-1].Message.(*messages.ClearCondition); !ok {
			b.T.Errorf("after eight good ones: got %T, want it cleared", heard[len(heard)-1].Message)
		}
	})
}

func TestBudget_ofACopyGrowsWithItsSize(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		for range 5 {
			b.Tell(w.pid, &messages.RecordOperation{Name: "backup.copy", DurationUs: (40 * time.Second).Microseconds(), SizeBytes: 1_000_000_000})
		}
		b.Settle()
		if got := raised(w.health); len(got) != 0 {
			b.T.Errorf("a gigabyte in 40 s: got %v, want nothing", got)
		}
	})
}

func TestReportMetric_isTheAppsAndHoldsNoValues(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		testkit.Ask[*messages.MetricNoted](b, w.pid, &messages.ReportMetric{Name: "search", DurationUs: 1500, Rows: 3,
			Shape: "SELECT * FROM person WHERE name = 'Geheim'"})
		if o := w.operation("app.search"); o.Count != 1 || o.MaxMs != 1.5 {
			b.T.Errorf("got %v", o)
		}
		shapes := w.report().Shapes
		if len(shapes) != 1 || shapes[0].Shape != "SELECT * FROM person WHERE name = ?" || shapes[0].Rows != 3 {
			b.T.Errorf("got %v", shapes)
		}
		for _, wrong := range []*messages.ReportMetric{
			{Name: ""}, {Name: "../x"}, {Name: "Search"}, {Name: "a b"}, {Name: strings.Repeat("x", 61)},
			{Name: "x", DurationUs: -1}, {Name: "x", Rows: -1},
		} {
			_, err := b.Ask(w.pid, wrong)
			var f *messages.Failure
			if !errors.As(err, &f) || f.Code != "invalid" {
				b.T.Errorf("%v: got %v, want invalid", wrong, err)
			}
		}
	})
}

func TestReportMetric_namesOfAnAppAreBounded(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		refused := 0
		for i := range 150 {
			if _, err := b.Ask(w.pid, &messages.ReportMetric{Name: "n" + strings.Repeat("x", i%60) + string(rune('a'+i/60))}); err != nil {
				refused++
			}
		}
		if got := len(w.report().Operations); got != 100 || refused != 50 {
			b.T.Errorf("got %d operations and %d refused, want 100 and 50", got, refused)
		}
	})
}

// writer notes the picture it was given.
type writer struct {
	got metrics.Picture
	err error
}

func (w *writer) Text(p metrics.Picture) (string, error) { w.got = p; return "text", w.err }

func TestExposition_tellsStatusOperationsAndActors(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		out := &writer{}
		w := newWorld(b, func(c *metrics.Config) {
			c.Writer, c.Actors = out, func() []kit.Counts { return []kit.Counts{{Actor: "backup", Messages: 3}} }
		})
		testkit.On(w.tree, func(*messages.GetStatus) any { return &messages.Status{Database: "app"} })
		w.start()
		w.record("start", time.Second)
		if e := testkit.Ask[*messages.Exposition](b, w.pid, &messages.GetExposition{}); e.Text != "text" {
			b.T.Errorf("got %q", e.Text)
		}
		if out.got.Status.Database != "app" || len(out.got.Operations) != 1 || len(out.got.Actors) != 1 {
			b.T.Errorf("got %+v", out.got)
		}
		out.err = errors.New("defect")
		if _, err := b.Ask(w.pid, &messages.GetExposition{}); err == nil {
			b.T.Error("a text that could not be written was no failure")
		}
	})
}

func TestExposition_withoutAStatusIsRed(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		out := &writer{}
		w := newWorld(b, func(c *metrics.Config) { c.Writer = out })
		w.start()
		testkit.Ask[*messages.Exposition](b, w.pid, &messages.GetExposition{})
		if got := out.got.Status.GetHealth().GetHealth(); got != messages.Severity_SEVERITY_RED {
			b.T.Errorf("got %v, want red", got)
		}
	})
}

func TestPassive_readsAndWritesNothing(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		w.record("start", time.Second)
		b.Stop(w.pid)
		before, err := os.ReadFile(w.file)
		if err != nil {
			b.T.Fatal(err)
		}
		w.cfg.Passive = true
		w.start()
		if o := w.operation("start"); o.Count != 1 {
			b.T.Errorf("got %v, want what is stored", o)
		}
		for range 5 {
			w.record("start", time.Minute)
		}
		b.Stop(w.pid)
		if after, _ := os.ReadFile(w.file); string(after) != string(before) {
			b.T.Error("a passive one wrote")
		}
		if n := len(w.health.Heard()) + len(w.tree.Heard()); n != 0 {
			b.T.Errorf("a passive one said %d things", n)
		}
	})
}

func TestBudget_ofACheckGrowsWithTheDatabase(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		for range 5 {
			w.record("check.full", 15*time.Second)
		}
		if got := raised(w.health); len(got) != 0 {
			b.T.Fatalf("size unknown: got %v, want nothing", got)
		}
		b.Tell(w.pid, &messages.RecordOperation{Name: "start", DurationUs: 1, SizeBytes: 200_000_000})
		for range 3 {
			w.record("check.full", 15*time.Second)
		}
		if got := raised(w.health); len(got) != 0 {
			b.T.Fatalf("200 MB in 15 s: got %v, want nothing", got)
		}
		b.Tell(w.pid, &messages.RecordOperation{Name: "backup.copy", DurationUs: 1, SizeBytes: 1_000_000})
		for range 3 {
			w.record("check.full", 15*time.Second)
		}
		if got := raised(w.health); len(got) != 1 {
			b.T.Errorf("1 MB in 15 s: got %v, want a condition", got)
		}
	})
}
