package fsx

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// resident counts the pages of a file that the system holds in memory.
func resident(t *testing.T, name string) uint64 {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all unix.CachestatRange
	var st unix.Cachestat_t
	if err := unix.Cachestat(uint(f.Fd()), &all, &st, 0); err != nil {
		t.Skip("this system does not tell what it holds of a file:", err)
	}
	return st.Cache
}

// TestReadBack_readsTheDeviceAndNotTheCache: what is read past the cache does not come into
// it, and what is in it stays.
func TestReadBack_readsTheDeviceAndNotTheCache(t *testing.T) {
	s, data := NewSealer(), patterned(2*besideMin)
	name := write(t, filepath.Join(t.TempDir(), "a"), data)
	if f, err := OS().(Uncached).OpenUncached(name); err != nil {
		t.Skip("this volume cannot be read past the cache:", err)
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	warm := resident(t, name)
	if _, err := s.ReadBack(t.Context(), OS(), name, nil); err != nil {
		t.Fatal(err)
	}
	if got := resident(t, name); got < warm/2 {
		t.Errorf("got %d pages in memory of %d: whoever else reads the file has to fetch it again", got, warm)
	}
	f, err := OS().Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := OS().DropCache(f); err != nil {
		t.Fatal(err)
	}
	cold := resident(t, name)
	if got, err := s.ReadBack(t.Context(), OS(), name, nil); err != nil || got != back(s, data) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got := resident(t, name); got > cold {
		t.Errorf("got %d pages in memory, %d before: it was read through the cache", got, cold)
	}
}
