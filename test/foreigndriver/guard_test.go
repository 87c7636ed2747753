// Package foreigndriver links Officer together with other SQLite drivers, as a host
// program might. It is a module of its own so that those drivers are no dependency of
// Officer's.
package foreigndriver

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // registers "sqlite3"
	_ "modernc.org/sqlite"          // registers "sqlite"

	"github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/messages"
)

// drivers are the two other SQLites of the Go world, in both journal modes.
func drivers() map[string][]string {
	return map[string][]string{"sqlite3": {"wal", "delete"}, "sqlite": {"wal", "delete"}}
}

// hold opens a database with another driver, as the host program does, and keeps it open.
func hold(t *testing.T, driver, mode, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, q := range []string{"pragma journal_mode=" + mode, "create table if not exists a(i integer primary key, s)", "insert into a(s) values('x')"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return db
}

// TestStart_refusesAFileThatAnotherDriverOfThisProcessHolds: POSIX locks belong to the
// process, so a second SQLite in it would take the host's locks away without a sound.
func TestStart_refusesAFileThatAnotherDriverOfThisProcessHolds(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux lets a process look at its own descriptors")
	}
	for driver, modes := range drivers() {
		for _, mode := range modes {
			t.Run(driver+"/"+mode, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "host.db")
				db := hold(t, driver, mode, path)
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
				defer cancel()
				o, err := officer.Start(ctx, officer.Config{Databases: []officer.Database{{Path: path}}})
				if err == nil {
					_ = o.Close()
					t.Fatal("Officer started beside the other driver")
				}
				var f *messages.Failure
				if !errors.As(err, &f) || f.GetCode() != "foreign_driver" {
					t.Fatalf("got %v, want a Failure with the code foreign_driver", err)
				}
				words := strings.Join(append(f.GetHints(), f.GetText()), " ")
				if !strings.Contains(words, "DB(") && !strings.Contains(words, "handle") {
					t.Errorf("the error does not point to the handle: %s", words)
				}
				if !strings.Contains(words, "officer run") && !strings.Contains(words, "sidecar") {
					t.Errorf("the error does not point to the sidecar: %s", words)
				}
				if _, err := db.Exec("insert into a(s) values('y')"); err != nil {
					t.Errorf("the host's connection suffered: %v", err)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				o, err = officer.Start(ctx, officer.Config{Databases: []officer.Database{{Path: path}}})
				if err != nil {
					t.Fatalf("after the host closed its connection: %v", err)
				}
				if err := o.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestHandle_worksWhereAnotherDriverIsLinked: the handle registers no name, so that a
// program with mattn/go-sqlite3 can link Officer at all.
func TestHandle_worksWhereAnotherDriverIsLinked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.db")
	if err := hold(t, "sqlite", "wal", path).Close(); err != nil {
		t.Fatal(err)
	}
	o, err := officer.Start(t.Context(), officer.Config{Databases: []officer.Database{{Path: path}}})
	if err != nil {
		t.Fatal(err)
	}
	db, err := o.DB("")
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow("select count(*) from a").Scan(&n); err != nil || n != 1 {
		t.Errorf("got %d rows, %v; want 1", n, err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}
