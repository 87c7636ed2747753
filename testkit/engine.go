package testkit

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite"
)

// engineWait is how long a builder or a check waits for a lock: longer than any fence.
const engineWait = 10 * time.Second

// disk is the file system that builders and damage makers work on.
func disk() fsx.FS { return fsx.OS() }

// session is one connection to a database, for tests only.
type session struct {
	t    testing.TB
	path string
	db   *sql.DB
}

// open opens an existing database with exactly one connection, so that pragmas hold.
func open(t testing.TB, path string) *session {
	t.Helper()
	db, err := sqlite.OpenDB(path, sqlite.Options{BusyTimeout: engineWait})
	if err != nil {
		t.Fatalf("testkit: open %s: %v", path, err)
	}
	db.SetMaxOpenConns(1)
	return &session{t: t, path: path, db: db}
}

func (s *session) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.db.ExecContext(context.Background(), query, args...); err != nil {
		s.t.Fatalf("testkit: %s: %.200s: %v", s.path, query, err)
	}
}

func (s *session) close() {
	s.t.Helper()
	if err := s.db.Close(); err != nil {
		s.t.Errorf("testkit: close %s: %v", s.path, err)
	}
}
