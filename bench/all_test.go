//go:build e2e

package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestRun_measuresEveryWork runs everything once over little data: the figures mean
// nothing, but no work of Officer's may fail.
func TestRun_measuresEveryWork(t *testing.T) {
	var table, progress bytes.Buffer
	s := settings{sizes: []int64{2e6}, rounds: 1, dir: t.TempDir(), only: regexp.MustCompile(""), idle: 200 * time.Millisecond, limit: time.Minute, sqlite3: "sqlite3"}
	if err := run(t.Context(), s, &table, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	works := (&lab{settings: s, sizeBytes: 2e6}).works()
	for _, w := range works {
		if !strings.Contains(table.String(), "\n| "+w.rows[0].what+" |") {
			t.Errorf("got no row %q:\n%s", w.rows[0].what, table.String())
		}
	}
	for _, line := range strings.Split(table.String(), "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.Contains(cells[2], "failed") {
			t.Error(line)
		}
	}
}
