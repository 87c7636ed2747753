package supervisor

import (
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
