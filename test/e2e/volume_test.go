//go:build e2e && linux

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// volume is a file system of this kernel in a file.
type volume struct {
	t               *testing.T
	kind, image, at string
	mounted         bool
}

// newVolume makes and mounts one. Who may not (no root, a container without loop devices)
// skips, also in CI, and says why: what a kernel forbids cannot be tried on it.
func newVolume(t *testing.T, kind, image string, sizeBytes int64) *volume {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a file system")
	}
	mkfs := need(t, "mkfs."+kind)
	v := &volume{t: t, kind: kind, image: image, at: t.TempDir()}
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, sizeBytes); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mkfs, "-q", image).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", mkfs, err, out)
	}
	if said, err := v.tryMount(); err != nil {
		t.Skipf("a file in the place of a disk cannot be mounted here: %v: %s", err, said)
	}
	t.Cleanup(func() {
		if v.mounted {
			v.unmount()
		}
	})
	return v
}

func (v *volume) tryMount() (string, error) {
	out, err := exec.Command("mount", "-t", v.kind, "-o", "loop", v.image, v.at).CombinedOutput()
	v.mounted = err == nil
	return strings.TrimSpace(string(out)), err
}

func (v *volume) unmount() {
	v.t.Helper()
	v.mounted = false
	for end := time.Now().Add(patience); ; { // who was killed is gone a moment later
		out, err := exec.Command("umount", v.at).CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			v.t.Errorf("umount: %v: %s", err, out)
			_ = exec.Command("umount", "-l", v.at).Run()
			return
		}
		<-time.After(10 * time.Millisecond)
	}
}

// powerCut has the file system lose what it did not write yet: xfs lets nothing through
// any more, as a disk without power, and its log is played back at the next mount
// (https://man7.org/linux/man-pages/man8/xfs_io.8.html). alive are the processes on it, which stop before and are gone after.
func (v *volume) powerCut(alive ...*exec.Cmd) (lost bool) {
	v.t.Helper()
	canary := filepath.Join(v.at, "canary")
	if err := os.WriteFile(canary, make([]byte, 8192), 0o600); err != nil {
		v.t.Fatal(err)
	}
	if out, err := exec.Command("xfs_io", "-x", "-c", "shutdown", v.at).CombinedOutput(); err != nil {
		v.t.Fatalf("xfs_io: %v: %s", err, out)
	}
	for _, cmd := range alive {
		_ = cmd.Process.Kill()
	}
	v.unmount()
	v.mountAfresh()
	data, err := os.ReadFile(canary)
	lost = err != nil || len(data) == 0
	_ = os.Remove(canary)
	return lost
}

// mountAfresh mounts what has lost its power, or was sick. A mount namespace that somebody else made meanwhile holds the
// file system for as long as it lives; what is mounted until then is the one without power, in which no name can be looked
// up, or the sick one, in which no file can be made.
func (v *volume) mountAfresh() {
	v.t.Helper()
	for end := time.Now().Add(patience); ; {
		if said, err := v.tryMount(); err != nil {
			v.t.Fatalf("mounted again: %v: %s", err, said)
		}
		_, err := os.ReadDir(v.at)
		if err == nil {
			err = v.canMake()
		}
		if err == nil {
			return
		}
		if time.Now().After(end) {
			v.t.Fatalf("still without power, or sick, after it was mounted again: %v", err)
		}
		v.unmount()
		<-time.After(powerSettle)
	}
}

// canMake makes a file, which is removed.
func (v *volume) canMake() error {
	name := filepath.Join(v.at, "probe")
	return errors.Join(os.WriteFile(name, nil, 0o600), os.Remove(name))
}
