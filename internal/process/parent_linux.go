package process

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// exit is a pidfd: it becomes readable when the process has ended, with all its threads,
// whoever its parent is (https://man7.org/linux/man-pages/man2/pidfd_open.2.html).
// PR_SET_PDEATHSIG would be tied to the thread that forked, not to the process.
type exit struct{ file *os.File }

// hold opens the pidfd of a process; there is false when it does not exist. Without
// pidfds (Linux before 5.3, some seccomp filters) the result is nil and there true.
func hold(pid int) (e *exit, there bool) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, !errors.Is(err, unix.ESRCH)
	}
	// Non-blocking is what has Go's poller wait for it: no thread sits in a system call.
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, true
	}
	return &exit{file: os.NewFile(uintptr(fd), "pidfd")}, true
}

// wait tells whether the process ended before ctx did; ok is false when that cannot be
// waited for.
func (e *exit) wait(ctx context.Context) (gone, ok bool) {
	defer func() { _ = e.file.Close() }()
	conn, err := e.file.SyscallConn()
	if err != nil {
		return false, false
	}
	defer context.AfterFunc(ctx, func() { _ = e.file.SetReadDeadline(time.Unix(1, 0)) })()
	err = conn.Read(func(fd uintptr) bool {
		state := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(state, 0)
		gone = err == nil && n == 1 && state[0].Revents&unix.POLLIN != 0
		return gone
	})
	return gone, err == nil || ctx.Err() != nil
}

func changed(pid int) bool { return os.Getppid() != pid }

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
