package sqlite_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/testkit"
)

// setByBackupAPI are the bytes of the header that sqlite3_backup_step does not copy but
// sets: schema cookie, change counter and what follows from it
// (https://sqlite.org/fileformat2.html#the_database_header).
func setByBackupAPI() [][2]int { return [][2]int{{24, 28}, {40, 44}, {92, 100}} }

// TestCopy_isByteForByteWhatTheBackupAPIGives holds the copy of pages to SQLite's own, for
// every kind of database.
func TestCopy_isByteForByteWhatTheBackupAPIGives(t *testing.T) {
	for _, kind := range testkit.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			dir := t.TempDir()
			c, err := sqlite.Open(t.Context(), testkit.Build(t, dir, kind), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			ours, theirs := filepath.Join(dir, "ours.db"), filepath.Join(dir, "theirs.db")
			for _, path := range []string{ours, theirs} {
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, err := c.Copy(t.Context(), ours, sqlite.CopyOptions{ByHash: true})
			if err != nil {
				t.Fatal(err)
			}
			want, err := c.CopyBySQLite(t.Context(), theirs)
			if err != nil {
				t.Fatal(err)
			}
			wantSameImage(t, ours, theirs)
			image, _ := os.ReadFile(ours)
			if sum := sha256.Sum256(image); r.SHA256 != hex.EncodeToString(sum[:]) {
				t.Errorf("got SHA-256 %q, the file has %x", r.SHA256, sum)
			}
			if r.Content.SchemaDigest != "" || r.Pages != want.Pages || r.PageSize != want.PageSize || r.SizeBytes != want.SizeBytes || r.Source != want.Source {
				t.Errorf("got %+v, want %+v without content", r, want)
			}
			report, content, err := sqlite.VerifyCopy(t.Context(), ours, "", manifest.Content{})
			if err != nil || report.Verdict != check.OK || !content.Equal(want.Content) {
				t.Errorf("got %s %v %v, content %+v, want %+v", report.Verdict, report.Findings, err, content, want.Content)
			}
		})
	}
}

func wantSameImage(t *testing.T, ours, theirs string) {
	t.Helper()
	got, _ := os.ReadFile(ours)
	want, _ := os.ReadFile(theirs)
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("got %d bytes, the backup API gives %d", len(got), len(want))
	}
	for _, field := range setByBackupAPI() {
		copy(want[field[0]:field[1]], got[field[0]:field[1]])
	}
	if !bytes.Equal(got, want) {
		at := 0
		for got[at] == want[at] {
			at++
		}
		t.Errorf("byte %d is %d, the backup API gives %d", at, got[at], want[at])
	}
}
