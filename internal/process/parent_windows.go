package process

import (
	"context"
	"errors"

	"golang.org/x/sys/windows"
)

// exit is a handle of a process, which is signalled when it ends.
type exit struct{ handle windows.Handle }

// hold opens a process; there is false when it does not exist, or when the one that has
// its number now began after this process and so cannot have started it: Windows keeps
// the number of a dead parent and gives it away again. Without the right to open it the
// result is nil and there true.
func hold(pid int) (e *exit, there bool) {
	const rights = windows.SYNCHRONIZE | windows.PROCESS_QUERY_LIMITED_INFORMATION
	handle, err := windows.OpenProcess(rights, false, uint32(pid))
	if err != nil {
		return nil, !errors.Is(err, windows.ERROR_INVALID_PARAMETER)
	}
	own, known := began(windows.CurrentProcess())
	if other, ok := began(handle); ok && known && other > own {
		_ = windows.CloseHandle(handle)
		return nil, false
	}
	return &exit{handle: handle}, true
}

func began(process windows.Handle) (nanoseconds int64, ok bool) {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(process, &created, &exited, &kernel, &user); err != nil {
		return 0, false
	}
	return created.Nanoseconds(), true
}

// wait tells whether the process ended before ctx did; ok is false when that cannot be
// waited for.
func (e *exit) wait(ctx context.Context) (gone, ok bool) {
	defer func() { _ = windows.CloseHandle(e.handle) }()
	for ctx.Err() == nil {
		// The time limit is for ctx alone: the end of the process wakes at once.
		switch event, _ := windows.WaitForSingleObject(e.handle, 1000); event {
		case windows.WAIT_OBJECT_0:
			return true, true
		case uint32(windows.WAIT_TIMEOUT):
		default:
			return false, false
		}
	}
	return false, true
}

// changed is always false: Windows never gives a process another parent.
func changed(int) bool { return false }

// alive opens the process anew: it has ended when that finds nobody.
func alive(pid int) bool {
	e, there := hold(pid)
	if e != nil {
		_ = windows.CloseHandle(e.handle)
	}
	return there
}
