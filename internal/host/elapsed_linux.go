package host

import "golang.org/x/sys/unix"

// https://man7.org/linux/man-pages/man2/clock_gettime.2.html
const elapsedClock = unix.CLOCK_BOOTTIME
