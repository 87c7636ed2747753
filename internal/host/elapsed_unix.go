//go:build linux || darwin

package host

import (
	"time"

	"golang.org/x/sys/unix"
)

// Elapsed is a clock that nobody can set and that goes on in sleep, since some moment of
// this boot; 0 = unknown. The monotonic clock of Go stands still in sleep on Linux.
func Elapsed() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(elapsedClock, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
