//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// lookAt reads the beginning of an open file without moving its offset, and says which
// file it is.
func lookAt(fd uintptr, into []byte) (device, inode uint64, n int, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(fd), &st); err != nil {
		return 0, 0, 0, err
	}
	n, err = unix.Pread(int(fd), into, 0)
	return uint64(st.Dev), st.Ino, n, err //nolint:unconvert // Dev has another type on other systems
}
