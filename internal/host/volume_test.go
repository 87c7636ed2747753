package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
)

func TestVolumes_sameForAFolderAndAFileInIt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "app.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	v := NewVolumes(fsx.OS())
	one, err := v.Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	two, err := v.Look(file)
	if err != nil {
		t.Fatal(err)
	}
	if one.ID != two.ID || one.ID == "" {
		t.Errorf("got volumes %q and %q, want one", one.ID, two.ID)
	}
	if one.TotalBytes <= 0 || one.FreeBytes < 0 || one.FreeBytes > one.TotalBytes {
		t.Errorf("got %d of %d bytes free", one.FreeBytes, one.TotalBytes)
	}
	if one.FSType == "" {
		t.Errorf("got no type of file system: %+v", one)
	}
}

func TestVolumes_missingPathIsMissing(t *testing.T) {
	if _, err := NewVolumes(fsx.OS()).Look(filepath.Join(t.TempDir(), "no")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that it is missing", err)
	}
}

func TestVolumes_readsTheTableOfMountsOncePerVolume(t *testing.T) {
	dir, reads := t.TempDir(), 0
	v := NewVolumes(fsx.OS())
	v.mounts = func() ([]mount, error) {
		reads++
		return []mount{{"/", "rootfs"}, {dir, "fuse.sshfs"}}, nil
	}
	for range 3 {
		found, err := v.Look(dir)
		if err != nil {
			t.Fatal(err)
		}
		if found.MountPoint != dir {
			t.Errorf("got mount point %q, want %q", found.MountPoint, dir)
		}
	}
	if reads != 1 {
		t.Errorf("the table was read %d times, want once", reads)
	}
	v.known = map[string]mount{}
	v.mounts = func() ([]mount, error) { return nil, errors.New("no table") }
	if _, err := v.Look(dir); err != nil {
		t.Errorf("without a table: %v", err)
	}
}

func TestLongest_picksTheDeepestMount(t *testing.T) {
	table := []mount{{"/", "ext4"}, {"/data", "xfs"}, {"/data/app", "tmpfs"}, {"/data/app", "fuse.sshfs"}, {"", "odd"}}
	for path, want := range map[string]string{
		"/etc": "ext4", "/": "ext4", "/data": "xfs", "/database": "ext4", "/data/x.db": "xfs",
		"/data/app/x.db": "fuse.sshfs", "/data/app": "fuse.sshfs",
	} {
		if got := longest(table, path).fsType; got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
