package supervisor

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

func TestStart_removesWhatAKilledRunLeftInTheMaking(t *testing.T) {
	dir := t.TempDir()
	path := testkit.Build(t, dir, testkit.WAL)
	home := HomeOf(path)
	for _, name := range notes() {
		temp := filepath.Join(home, filepath.FromSlash(name)+".tmp")
		if err := errors.Join(os.MkdirAll(filepath.Dir(temp), 0o700), os.WriteFile(temp, []byte("half"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		r, err := Start(t.Context(), Config{Databases: []Database{{Path: path}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		testkit.Advance(time.Second)
	})
	for _, name := range notes() {
		if _, err := os.Lstat(filepath.Join(home, filepath.FromSlash(name)+".tmp")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s.tmp is left behind (%v)", name, err)
		}
	}
}

func TestStart_removesTheNewFileOfAKilledRestore(t *testing.T) {
	for _, passive := range []bool{false, true} {
		dir := t.TempDir()
		path := testkit.Build(t, dir, testkit.WAL)
		home := HomeOf(path)
		half := filepath.Join(dir, "new.db.officer-20261127T020133.123456789Z.tmp")
		note := filepath.Join(home, "restore-to.json")
		data, err := json.Marshal(map[string][]string{"files": {half}})
		if err = errors.Join(err, os.MkdirAll(home, 0o700), os.WriteFile(half, []byte("half"), 0o600), os.WriteFile(note, data, 0o600)); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			r, err := Start(t.Context(), Config{Databases: []Database{{Path: path}}, Passive: passive})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			testkit.Advance(time.Second)
		})
		for _, name := range []string{half, note} {
			if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("passive %v: %s is left behind (%v)", passive, name, err)
			}
		}
	}
}
