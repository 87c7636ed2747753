package testkit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Integrity runs PRAGMA integrity_check on a database and gives what it complains
// about, an error that kept it from looking included; empty means healthy.
func Integrity(t testing.TB, path string) (complaints []string) {
	t.Helper()
	s := open(t, path)
	defer s.close()
	rows, err := s.db.QueryContext(context.Background(), "pragma integrity_check")
	if err != nil {
		return []string{err.Error()}
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return append(complaints, err.Error())
		}
		if line != "ok" {
			complaints = append(complaints, line)
		}
	}
	if err := rows.Err(); err != nil {
		complaints = append(complaints, err.Error())
	}
	return complaints
}

// Strays lists files that Officer or SQLite should have taken away by the time nobody
// has the database at path open: temporary files, a rollback journal, a -wal or -shm
// without its database or beside a stored backup. It looks beside the database and in
// the homes given (default: {database}-officer).
func Strays(t testing.TB, path string, homes ...string) (strays []string) {
	t.Helper()
	if len(homes) == 0 {
		homes = []string{path + "-officer"}
	}
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	entries, err := disk().ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatalf("testkit: list %s: %v", filepath.Dir(path), err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, stem) || e.IsDir() {
			continue
		}
		if temporary(name) || strings.HasSuffix(name, "-journal") {
			strays = append(strays, filepath.Join(filepath.Dir(path), name))
		}
	}
	for _, home := range homes {
		strays = append(strays, straysBelow(t, home)...)
	}
	return strays
}

func straysBelow(t testing.TB, dir string) (strays []string) {
	t.Helper()
	entries, err := disk().ReadDir(dir)
	if missing(err) {
		return nil
	}
	if err != nil {
		t.Fatalf("testkit: list %s: %v", dir, err)
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir() && e.Name() == "quarantine":
			// Evidence is kept as it was found, with its -wal and -journal.
		case e.IsDir():
			strays = append(strays, straysBelow(t, name)...)
		case temporary(name) || sidecar(name):
			strays = append(strays, name)
		}
	}
	return strays
}

func temporary(name string) bool {
	base := filepath.Base(name)
	return strings.Contains(base, ".tmp") || strings.HasPrefix(base, ".#")
}

func sidecar(name string) bool {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// missing tells whether err says that there is no such file or directory.
func missing(err error) bool { return err != nil && errors.Is(err, fs.ErrNotExist) }

// CheckDatabase fails the test when the database at path is damaged or has left strays.
func CheckDatabase(t testing.TB, path string, homes ...string) {
	t.Helper()
	if c := Integrity(t, path); len(c) > 0 {
		t.Errorf("%s is damaged: %s", path, fmt.Sprintf("%.500q", c))
	}
	if s := Strays(t, path, homes...); len(s) > 0 {
		t.Errorf("strays of %s: %q", path, s)
	}
}
