//go:build unix

package process

import (
	"os"

	"golang.org/x/sys/unix"
)

// ended tells whether nobody holds the other end any more.
func ended(f *os.File, socket bool) bool {
	fd := int(f.Fd())
	state := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(state, 0); err == nil && state[0].Revents&(unix.POLLHUP|unix.POLLNVAL) != 0 {
		return true
	}
	if !socket {
		return false
	}
	// A socket of which only the sending side was shut down does not hang up.
	n, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return n == 0 && err == nil
}
