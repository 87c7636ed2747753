package fsx_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
)

func TestReadOnly_readsAndRefusesTheRest(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	if err := os.WriteFile(name, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := fsx.ReadOnly(fsx.OS())
	if data, err := fsx.ReadLimited(files, name, 10); err != nil || string(data) != "one" {
		t.Errorf("got %q, %v", data, err)
	}
	if f, err := files.OpenFile(name, os.O_RDONLY, 0); err != nil || f.Close() != nil {
		t.Errorf("opened for reading: %v", err)
	}
	_, created := files.Create(filepath.Join(dir, "b"))
	_, opened := files.OpenFile(name, os.O_RDWR, 0)
	_, made := files.OpenFile(filepath.Join(dir, "c"), os.O_CREATE, 0o600)
	for what, err := range map[string]error{
		"create": created, "open": opened, "make": made, "folder": files.MkdirAll(filepath.Join(dir, "d")),
		"remove": files.Remove(name), "rename": files.Rename(name, name+"2"), "rename without clobber": files.RenameNoReplace(name, name+"2"),
	} {
		if fault.CodeOf(err) != fault.ReadOnly {
			t.Errorf("%s: got %v, want read_only", what, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v", entries, err)
	}
}
