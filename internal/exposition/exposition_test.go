package exposition_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/officer-doofy/officer/internal/exposition"
)

func full() exposition.Snapshot {
	return exposition.Snapshot{
		Database: "app", Version: "0.1.0", GoVersion: "go1.26", SQLiteVersion: "3.54.1",
		Health: 1, Conditions: []exposition.Condition{{"backup_overdue", "yellow"}, {"damage_found", "red"}, {"damage_found", "red"}},
		HasBackup: true, BackupAge: 12 * time.Minute, Backups: 3,
		Goroutines: 41, HeapBytes: 5e6,
		HasFacts: true, DatabaseBytes: 104_000_000, WALBytes: 4_000_000,
		Volumes: []exposition.Volume{{"/data", 7e9}, {"/data", 7e9}, {"/back \"up\"\n\xff", 8e9}},
		Operations: []exposition.Operation{
			{Name: "query", Runs: 7, Failures: 1, Total: 3 * time.Second, P50: time.Millisecond, P95: time.Second, P99: 2 * time.Second},
			{Name: "backup.copy"},
		},
		Actors: []exposition.Actor{
			{Name: "backup", Messages: 12, Panics: 1, Restarts: 1, Depth: 2, Handling: time.Second, Classes: []exposition.Class{
				{time.Millisecond, 10}, {time.Second, 1}}},
			{Name: "health"},
		},
	}
}

func TestText_parsesAndPassesTheLinter(t *testing.T) {
	for name, s := range map[string]exposition.Snapshot{"full": full(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			text, err := exposition.Text(s)
			if err != nil {
				t.Fatal(err)
			}
			parser := expfmt.NewTextParser(model.LegacyValidation)
			if _, err := parser.TextToMetricFamilies(strings.NewReader(text)); err != nil {
				t.Errorf("it does not parse: %v\n%s", err, text)
			}
			problems, err := promlint.New(strings.NewReader(text)).Lint()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		})
	}
}

func TestText_saysWhatIsThere(t *testing.T) {
	text, err := exposition.Text(full())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`officer_build_info{database="app",go_version="go1.26",sqlite_version="3.54.1",version="0.1.0"} 1`,
		`officer_goroutines{database="app"} 41`,
		`officer_heap_bytes{database="app"} 5e+06`,
		`officer_health{database="app"} 1`,
		`officer_conditions{database="app",severity="red"} 2`,
		`officer_conditions{database="app",severity="yellow"} 1`,
		`officer_condition_active{code="damage_found",database="app",severity="red"} 1`,
		`officer_backup_age_seconds{database="app"} 720`,
		`officer_database_bytes{database="app"} 1.04e+08`,
		`officer_wal_bytes{database="app"} 4e+06`,
		`officer_disk_free_bytes{database="app",path="/back \"up\"\n?"} 8e+09`,
		`officer_operation_duration_seconds{database="app",operation="query",quantile="0.95"} 1`,
		`officer_operation_duration_seconds_count{database="app",operation="query"} 7`,
		`officer_operation_failures_total{database="app",operation="query"} 1`,
		`officer_actor_messages_total{actor="backup",database="app"} 12`,
		`officer_actor_restarts_total{actor="backup",database="app"} 1`,
		`officer_actor_mailbox_depth{actor="backup",database="app"} 2`,
		`officer_actor_handle_seconds_bucket{actor="backup",database="app",le="1"} 11`,
		`officer_actor_handle_seconds_bucket{actor="backup",database="app",le="+Inf"} 12`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestText_withoutABackupHasNoAge(t *testing.T) {
	text, err := exposition.Text(exposition.Snapshot{Database: "app"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "backup_age") || strings.Contains(text, "wal_bytes") {
		t.Errorf("what is unknown is told:\n%s", text)
	}
}
