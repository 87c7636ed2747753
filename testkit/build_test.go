package testkit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/testkit"
)

func TestBuild_isTheSameAtEveryRun(t *testing.T) {
	for _, kind := range testkit.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			first, second := testkit.Build(t, t.TempDir(), kind), testkit.Build(t, t.TempDir(), kind)
			a, b := read(t, first), read(t, second)
			if !bytes.Equal(a, b) {
				t.Errorf("two builds of %s differ", kind)
			}
			left, err := filepath.Glob(first + "-*")
			if err != nil {
				t.Fatal(err)
			}
			if want := kind == testkit.WALPending; (len(left) == 1) != want || len(left) > 1 {
				t.Errorf("beside %s: got %q, want a -wal: %v", kind, left, want)
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBuildArchive_growsByRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	testkit.BuildArchive(t, path, 340)
	size := len(read(t, path))
	if size < 900_000 || size > 1_200_000 {
		t.Errorf("got %d bytes for 340 locations, want about 1 MB", size)
	}
}

func write(t *testing.T, dir, name string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}
