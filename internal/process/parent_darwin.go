package process

import (
	"context"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// exit is a kqueue that tells when a process ends, whoever its parent is.
type exit struct{ queue int }

// hold begins to listen for the end of a process; there is false when it does not exist.
// Where that is not permitted the result is nil and there true.
func hold(pid int) (e *exit, there bool) {
	queue, err := unix.Kqueue()
	if err != nil {
		return nil, true
	}
	unix.CloseOnExec(queue)
	watch := unix.Kevent_t{Fflags: unix.NOTE_EXIT}
	unix.SetKevent(&watch, pid, unix.EVFILT_PROC, unix.EV_ADD)
	if _, err := unix.Kevent(queue, []unix.Kevent_t{watch}, nil, nil); err != nil {
		_ = unix.Close(queue)
		return nil, !errors.Is(err, unix.ESRCH)
	}
	return &exit{queue: queue}, true
}

// wait tells whether the process ended before ctx did; ok is false when that cannot be
// waited for.
func (e *exit) wait(ctx context.Context) (gone, ok bool) {
	defer func() { _ = unix.Close(e.queue) }()
	events := make([]unix.Kevent_t, 1)
	for ctx.Err() == nil {
		// The time limit is for ctx alone: the end of the process wakes at once.
		n, err := unix.Kevent(e.queue, nil, events, &unix.Timespec{Sec: 1})
		switch {
		case err != nil && !errors.Is(err, unix.EINTR):
			return false, false
		case n == 1:
			return true, true
		}
	}
	return false, true
}

func changed(pid int) bool { return os.Getppid() != pid }

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
