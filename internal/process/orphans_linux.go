package process

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// retryAfter is when a dead process that somebody here waits for is looked at again.
const retryAfter = 20 * time.Millisecond

// Bury waits, as process 1 has to, for orphans: processes whose own parent ended first.
// Those that this process started itself are in its own group, or mine tells them: whoever
// started them waits for them. As any other process Bury does nothing. It returns when
// ctx is done.
func Bury(ctx context.Context, mine func(pid int) bool) {
	if os.Getpid() != 1 {
		return
	}
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, syscall.SIGCHLD)
	defer signal.Stop(deaths)
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-deaths:
		case <-again.C:
		case <-ctx.Done():
			return
		}
		if bury(mine) {
			again.Reset(retryAfter)
		}
	}
}

// bury reaps orphans until none is left, or one is met that is somebody else's: more is true.
func bury(mine func(pid int) bool) (more bool) {
	for {
		// With WNOWAIT the dead one stays as it is: first it is looked at.
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		pid := deadIn(&info)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || pid == 0:
			return false
		case mine(pid):
			return true
		}
		if group, err := unix.Getpgid(pid); err == nil && group == unix.Getpgrp() {
			return true
		}
		if _, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err != nil {
			return true
		}
	}
}

// deadIn is si_pid of the siginfo_t of a dead child, which unix.Siginfo does not name: it
// follows three ints and, on 64 bits, a gap
// (https://man7.org/linux/man-pages/man2/sigaction.2.html).
func deadIn(info *unix.Siginfo) int {
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), 12+unsafe.Sizeof(uintptr(0))-4)))
}
