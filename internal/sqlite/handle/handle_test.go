package handle_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/sqlite/handle"
)

func open(t testing.TB) *sql.DB { return traced(t, nil) }

func traced(t testing.TB, trace handle.Trace) *sql.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "h.db")
	db := handle.Open(func(ctx context.Context) (*sqlite3.Conn, error) {
		c, err := sqlite3.OpenContext(ctx, path)
		if err != nil {
			return nil, err
		}
		return c, c.BusyTimeout(time.Second)
	}, (*sqlite3.Conn).Close, trace)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if _, err := db.Exec(`CREATE TABLE v(i, f, s, b, ok BOOLEAN, at DATETIME, n); CREATE TABLE k(id INTEGER PRIMARY KEY, x UNIQUE)`); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestHandle_valuesComeBackAsTheyWent(t *testing.T) {
	db := open(t)
	at := time.Date(2026, 3, 4, 5, 6, 7, 89, time.UTC)
	if _, err := db.Exec(`INSERT INTO v VALUES(?,?,?,?,?,?,?)`, int64(-1<<62), 2.5, "a\x00ü", []byte{}, true, at, nil); err != nil {
		t.Fatal(err)
	}
	var (
		i  int64
		f  float64
		s  string
		b  []byte
		ok bool
		tm time.Time
		n  sql.NullString
	)
	if err := db.QueryRow(`SELECT * FROM v`).Scan(&i, &f, &s, &b, &ok, &tm, &n); err != nil {
		t.Fatal(err)
	}
	if i != -1<<62 || f != 2.5 || s != "a\x00ü" || b == nil || len(b) != 0 || !ok || !tm.Equal(at) || n.Valid {
		t.Errorf("got %d %v %q %v %v %v %v", i, f, s, b, ok, tm, n)
	}
}

func TestHandle_namedParameters(t *testing.T) {
	db := open(t)
	var got string
	if err := db.QueryRow(`SELECT :a || @b || $a`, sql.Named("a", "x"), sql.Named("b", "y")).Scan(&got); err != nil || got != "xyx" {
		t.Errorf("got %q, %v; want xyx", got, err)
	}
	if _, err := db.Exec(`SELECT :a`, sql.Named("z", 1)); err == nil {
		t.Error("an unknown name was swallowed")
	}
}

func TestHandle_resultTellsIdAndRows(t *testing.T) {
	db := open(t)
	res, err := db.Exec(`INSERT INTO k(x) VALUES(?),(?)`, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := res.LastInsertId()
	n, _ := res.RowsAffected()
	if id != 2 || n != 2 {
		t.Errorf("got id %d, rows %d; want 2, 2", id, n)
	}
}

func TestHandle_moreThanOnePreparedStatementIsRefused(t *testing.T) {
	db := open(t)
	if _, err := db.Query(`SELECT 1; SELECT 2`); err == nil {
		t.Error("the second statement was dropped silently")
	}
	if _, err := db.Query(`SELECT 1; -- only a comment`); err != nil {
		t.Errorf("a comment is no statement: %v", err)
	}
}

func TestHandle_transactionsRollBackAndReadOnlyRefuses(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`INSERT INTO k(x) VALUES(1)`); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	ro, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ro.Exec(`INSERT INTO k(x) VALUES(1)`); err == nil {
		t.Error("a read-only transaction wrote")
	}
	if err := ro.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO k(x) VALUES(7)`); err != nil {
		t.Errorf("the connection stayed read-only: %v", err)
	}
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM k`).Scan(&n); err != nil || n != 1 {
		t.Errorf("got %d rows, %v; want 1", n, err)
	}
}

func TestHandle_contextInterruptsAQuery(t *testing.T) {
	db := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var n int
	err := db.QueryRowContext(ctx, `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c) SELECT count(*) FROM c`).Scan(&n)
	if err == nil {
		t.Fatal("an endless query ended")
	}
	if !errors.Is(err, sqlite3.INTERRUPT) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want an interrupt", err)
	}
	if err := db.Ping(); err != nil {
		t.Errorf("the connection is of no use after it: %v", err)
	}
}

func TestHandle_doesNotRegisterADriverName(t *testing.T) {
	for _, name := range sql.Drivers() {
		if name == "sqlite3" {
			t.Error("sqlite3 is registered: a host program with mattn/go-sqlite3 would panic at start")
		}
	}
}
