package supervisor

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/officer-doofy/officer/internal/sqlite/handle"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// What the host program does through its handle, what Officer does itself, and what its
// actors do are all told, and the text is what Prometheus wants.
func TestMetrics_ofAHostProgram(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Kinds()[0])
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := Start(ctx, Config{Databases: []Database{{Path: path}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	}()
	db, err := r.Handle("")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name <> 'Geheim'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	got, err := r.Ask(ctx, "", &messages.GetMetrics{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	report := got.(*messages.MetricsReport)
	seen := map[string]int64{}
	for _, o := range report.Operations {
		seen[o.Name] = o.Count
	}
	if seen["start"] != 1 || seen["query"] != 1 {
		t.Errorf("got operations %v, want one start and one query", seen)
	}
	if len(report.Shapes) != 1 || report.Shapes[0].Shape != "SELECT count(*) FROM sqlite_schema WHERE name <> ?" || report.Shapes[0].Rows != 1 {
		t.Errorf("got %v", report.Shapes)
	}
	if got, err = r.Ask(ctx, "", &messages.GetExposition{}, nil); err != nil {
		t.Fatal(err)
	}
	text := got.(*messages.Exposition).Text
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("got %v, %v", problems, err)
	}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	for _, series := range []string{
		`officer_operation_duration_seconds_count{database="` + name + `",operation="query"} 1`,
		`officer_actor_mailbox_depth{actor="dbowner",database="` + name + `"}`,
		`officer_actor_handle_seconds_count{actor="tree",database="` + name + `"}`,
		`officer_database_bytes{database="` + name + `"}`, `officer_build_info{`, `officer_goroutines{`, `officer_heap_bytes{`, `officer_health{`, `officer_conditions{`,
	} {
		if !strings.Contains(text, series) {
			t.Errorf("missing: %s", series)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// BenchmarkTrace is what telling costs the goroutine that ran a statement.
func BenchmarkTrace(b *testing.B) {
	path := testkit.Build(b, b.TempDir(), testkit.Kinds()[0])
	r, err := Start(b.Context(), Config{Databases: []Database{{Path: path}}, Passive: true})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Stop(context.Background())
	trace, one := r.trace(r.posts[0]), handle.Statement{Shape: "SELECT a FROM t WHERE b = ?", Took: time.Millisecond, Rows: 1}
	b.ReportAllocs()
	for b.Loop() {
		trace(one)
	}
}
