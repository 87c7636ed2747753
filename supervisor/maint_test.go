package supervisor

import (
	"database/sql"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// TestMaintenance_waitsForAnIdleApp: in both journal modes, with the app's connection
// open, a database that is mostly free pages is left alone on Sunday while the app works,
// and rebuilt once it rests: after a backup, with its content as it was.
func TestMaintenance_waitsForAnIdleApp(t *testing.T) {
	for _, kind := range []testkit.Kind{testkit.WAL, testkit.Delete} {
		t.Run(string(kind), func(t *testing.T) {
			path := testkit.Build(t, t.TempDir(), kind)
			synctest.Test(t, func(t *testing.T) { maintained(t, path) })
			testkit.CheckDatabase(t, path)
		})
	}
}

// commits are two days of them; a bubble begins on a Saturday.
const commits = 2 * 24 * 15

func maintained(t *testing.T, path string) {
	r, err := Start(t.Context(), Config{Databases: []Database{{Path: path, Backup: Backup{Every: 12 * time.Hour}}},
		Seed: 8, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		testkit.Advance(time.Second)
	}()
	events, err := r.Subscribe(t.Context(), &messages.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	app, err := r.Handle("")
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	app.SetMaxOpenConns(1)
	waste(t, app)
	for range commits { // past a Sunday, the app never rests for five minutes
		exec(t, app, "update kept set n = n + 1")
		testkit.Advance(4 * time.Minute)
	}
	before := fileBytes(t, path) // only now: a reader of Officer's may have kept the pages in the WAL
	said := heard(events)
	if said["maintenance.vacuumed"] != 0 || said["maintenance.skipped"] == 0 {
		t.Errorf("beside a busy app: got %v, want it skipped and said", said)
	}
	testkit.Advance(48 * time.Hour)
	said = heard(events)
	if said["maintenance.vacuumed"] == 0 || said["maintenance.analyzed"] == 0 {
		t.Fatalf("got %v, want a vacuum and statistics", said)
	}
	if after := fileBytes(t, path); after > before/2 {
		t.Errorf("the file has %d bytes after %d, want most of it given back", after, before)
	}
	var n int
	if err := app.QueryRowContext(t.Context(), "select n from kept").Scan(&n); err != nil || n != commits {
		t.Errorf("the app's total is %d (%v), want %d", n, err, commits)
	}
	answer, err := r.Ask(t.Context(), "", &messages.GetStatus{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	st := answer.(*messages.Status)
	v := st.GetMaintenance().GetLastVacuum()
	if v.GetBackupId() == "" || v.GetAfterBytes() >= v.GetBeforeBytes()/2 || st.GetHealth().GetHealth() != messages.Severity_SEVERITY_GREEN {
		t.Errorf("got %v in health %v, want its backup and sizes, and green", v, st.GetHealth())
	}
}

// waste leaves most pages of the database free.
func waste(t *testing.T, app *sql.DB) {
	t.Helper()
	exec(t, app, "pragma synchronous=off")
	exec(t, app, "create table kept(n integer)")
	exec(t, app, "insert into kept values(0)")
	exec(t, app, "create table filler as with recursive n(i) as (select 1 union all select i+1 from n where i<3000) select i, hex(randomblob(400)) as x from n")
	exec(t, app, "drop table filler")
	exec(t, app, "pragma wal_checkpoint(truncate)")
}

func exec(t *testing.T, app *sql.DB, statement string) {
	t.Helper()
	if _, err := app.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func fileBytes(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// heard counts the events that have arrived, by type.
func heard(events <-chan *messages.Event) map[string]int {
	said := map[string]int{}
	for {
		select {
		case e := <-events:
			if strings.HasPrefix(e.GetType(), "maintenance.") {
				said[e.GetType()]++
			}
		default:
			return said
		}
	}
}
