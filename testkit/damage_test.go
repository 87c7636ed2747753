package testkit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/testkit"
)

func TestBuild_makesHealthyDatabases(t *testing.T) {
	for _, kind := range testkit.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			testkit.CheckDatabase(t, testkit.Build(t, t.TempDir(), kind))
		})
	}
}

func TestDamages_showInIntegrityCheckUnlessSilent(t *testing.T) {
	for _, kind := range testkit.Kinds() {
		if kind == testkit.Empty || kind == testkit.WALPending {
			continue // nothing to damage but the header; the WAL hides what it covers
		}
		healthy := read(t, testkit.Build(t, t.TempDir(), kind))
		for _, d := range testkit.Damages("items") {
			t.Run(string(kind)+"/"+d.Name, func(t *testing.T) {
				for seed := range uint64(2) {
					path := filepath.Join(t.TempDir(), "damaged.db")
					if err := os.WriteFile(path, healthy, 0o600); err != nil {
						t.Fatal(err)
					}
					did := d.Make(t, path, seed)
					if bytes.Equal(healthy, read(t, path)) {
						t.Errorf("seed %d: %s: the file did not change", seed, did)
					}
					complaints := testkit.Integrity(t, path)
					if got, want := len(complaints) == 0, d.Silent; got != want {
						t.Errorf("seed %d: %s: silent %v, want %v: %.300q", seed, did, got, want, complaints)
					}
				}
			})
		}
	}
}

func TestFlipPages_changesAsManyPagesAsAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	testkit.BuildArchive(t, path, 340)
	before := read(t, path)
	did := testkit.FlipPages(t, path, "locations", 5, 42)
	after, changed := read(t, path), 0
	for at := 0; at < len(before); at += 4096 {
		if !bytes.Equal(before[at:at+4096], after[at:at+4096]) {
			changed++
		}
	}
	if changed != 5 {
		t.Errorf("%s: got %d changed pages, want 5", did, changed)
	}
	if c := testkit.Integrity(t, path); len(c) > 0 {
		t.Errorf("%s: integrity_check sees it: %q", did, c)
	}
}

func TestWALDamage_losesTheTailAndNothingElse(t *testing.T) {
	makers := map[string]func(testing.TB, string, uint64) string{
		"flip-frame": testkit.FlipFrame, "cut": testkit.CutWAL, "wrong-salt": testkit.WrongSalt,
	}
	for name, damage := range makers {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(5) {
				path := testkit.Build(t, t.TempDir(), testkit.WALPending)
				before := read(t, path+"-wal")
				did := damage(t, path, seed)
				if bytes.Equal(before, read(t, path+"-wal")) {
					t.Errorf("seed %d: %s: the WAL did not change", seed, did)
				}
				if c := testkit.Integrity(t, path); len(c) > 0 {
					t.Errorf("seed %d: %s: %q", seed, did, c)
				}
			}
		})
	}
}
