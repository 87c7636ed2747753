package handle_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/sqlite/handle"
)

// ear keeps what a trace heard.
type ear struct {
	mu    sync.Mutex
	heard []handle.Statement
}

func (e *ear) hear(s handle.Statement) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, s)
}

// take gives what was heard since the last take.
func (e *ear) take() []handle.Statement {
	e.mu.Lock()
	defer e.mu.Unlock()
	got := e.heard
	e.heard = nil
	return got
}

func TestTrace_tellsShapeRowsAndFailureButNoValues(t *testing.T) {
	var e ear
	db := traced(t, e.hear)
	db.SetMaxOpenConns(1)
	e.take()
	one := func(want handle.Statement) {
		t.Helper()
		got := e.take()
		if len(got) != 1 {
			t.Fatalf("got %d statements %+v, want 1", len(got), got)
		}
		if got[0].Took < 0 || got[0].Took > time.Minute {
			t.Errorf("took %v", got[0].Took)
		}
		got[0].Took = 0
		if got[0] != want {
			t.Errorf("got  %+v\nwant %+v", got[0], want)
		}
	}
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("INSERT INTO k VALUES(1, 'Geheim'), (2, 'Geheim2')")
	one(handle.Statement{Shape: "INSERT INTO k VALUES(?, …)", Rows: 2})
	exec("INSERT INTO k VALUES(?, ?)", 3, "Geheim3")
	one(handle.Statement{Shape: "INSERT INTO k VALUES(?, …)", Rows: 1})
	rows, err := db.Query("SELECT id FROM k WHERE x LIKE 'Geheim%'")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		if got := e.take(); len(got) != 0 {
			t.Fatalf("told before its end: %+v", got)
		}
	}
	_ = rows.Close()
	one(handle.Statement{Shape: "SELECT id FROM k WHERE x LIKE ?", Rows: 3})
	if _, err := db.Exec("INSERT INTO k VALUES(1, 'again')"); err == nil {
		t.Fatal("a duplicate was taken")
	}
	one(handle.Statement{Shape: "INSERT INTO k VALUES(?, …)", Failed: true})
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("DELETE FROM k WHERE id = 3"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	var shapes []string
	for _, s := range e.take() {
		shapes = append(shapes, s.Shape)
	}
	if got, want := strings.Join(shapes, "; "), "BEGIN; DELETE FROM k WHERE id = ?; COMMIT"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	exec("DELETE FROM k")
	if got := e.take(); len(got) != 1 || got[0].Rows != 2 {
		t.Errorf("got %+v, want 2 rows", got)
	}
	exec("UPDATE k SET x = 1 WHERE id = 77")
	one(handle.Statement{Shape: "UPDATE k SET x = ? WHERE id = ?"})
}

func TestTrace_countsAnInterruptedQueryAsFailed(t *testing.T) {
	var e ear
	db := traced(t, e.hear)
	e.take()
	// On a machine that keeps it from the processor meanwhile, its time can be over before it begins: then it gets more.
	for within := 20 * time.Millisecond; ; within *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		var n int64
		err := db.QueryRowContext(ctx, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c").Scan(&n)
		cancel()
		if err == nil {
			t.Fatal("an endless query ended")
		}
		got := e.take()
		if len(got) == 1 && got[0].Failed && got[0].Took >= within/2 {
			return
		}
		if within > 10*time.Second {
			t.Fatalf("got %+v, want one failed statement", got)
		}
	}
}

// What tracing costs a query is the difference of medians, taken in turns because a busy
// machine changes its speed from second to second.
func BenchmarkTrace(b *testing.B) {
	sides := [2]*sql.DB{traced(b, nil), traced(b, func(handle.Statement) {})}
	var took [2][]time.Duration
	for _, db := range sides {
		if _, err := db.Exec("INSERT INTO k VALUES(1, 'x')"); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		for side, db := range sides {
			began := time.Now()
			var x string
			if err := db.QueryRow("SELECT x FROM k WHERE id = ? AND x LIKE 'x%' ORDER BY id LIMIT 10", 1).Scan(&x); err != nil {
				b.Fatal(err)
			}
			took[side] = append(took[side], time.Since(began))
		}
	}
	var median [2]time.Duration
	for side := range took {
		slices.Sort(took[side])
		median[side] = took[side][len(took[side])/2]
	}
	b.ReportMetric(float64(median[1]-median[0]), "ns/traced-query")
	b.ReportMetric(float64(median[0]), "ns/plain-query")
}
