package host

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// One lock of each kind on the reader slots of a file, held by this process.
func TestHolders_findsThisProcessByBothKindsOfLock(t *testing.T) {
	if _, err := os.Stat("/proc/locks"); err != nil {
		t.Skip("needs /proc/locks")
	}
	for _, tc := range []struct {
		name string
		cmd  int
		at   int64
		slot int
	}{{"posix", unix.F_SETLK, 124, 1}, {"open file", unix.F_OFD_SETLK, 126, 3}} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := os.Create(filepath.Join(t.TempDir(), "a.db-shm"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			lock := unix.Flock_t{Type: unix.F_RDLCK, Start: tc.at, Len: 1}
			if err := unix.FcntlFlock(f.Fd(), tc.cmd, &lock); err != nil {
				t.Fatal(err)
			}
			var st unix.Stat_t
			if err := unix.Fstat(int(f.Fd()), &st); err != nil {
				t.Fatal(err)
			}
			list, known, err := Holders(t.Context(), st.Dev, st.Ino)
			if err != nil || !known || len(list) != 1 {
				t.Fatalf("got %+v, %t, %v; want one holder", list, known, err)
			}
			if h := list[0]; h.PID != int64(os.Getpid()) || !h.Own || h.Command == "" || len(h.Slots) != 1 || h.Slots[0] != tc.slot {
				t.Errorf("got %+v, want this process in slot %d", h, tc.slot)
			}
		})
	}
}
