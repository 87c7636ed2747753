package process

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// group is a job object: what the program starts belongs to it, unless it asks to break
// away. It does not die with this process: a killed Officer must not take the program along.
type group struct{ job windows.Handle }

// Passed lists the signals that somebody may mean for the child: none, the console tells
// all of its processes by itself.
func Passed() []os.Signal { return nil }

func (g *group) attributes([]*os.File) *syscall.SysProcAttr { return nil }

// adopt puts the child into a job. What it started in the microseconds before stays outside.
func (g *group) adopt(p *os.Process) error {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return err
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_BREAKAWAY_OK
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err == nil {
		err = g.assign(job, p.Pid)
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return err
	}
	g.job = job
	return nil
}

func (g *group) assign(job windows.Handle, pid int) error {
	child, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(child) }()
	return windows.AssignProcessToJobObject(job, child)
}

// wait waits for the program and gives its exit code.
func (g *group) wait(p *os.Process) int {
	state, err := p.Wait()
	if err != nil {
		return 1
	}
	return state.ExitCode()
}

// sweep ends the rest of the job. Windows has no kind way for a process without a window.
func (g *group) sweep(time.Duration) {
	_ = windows.TerminateJobObject(g.job, 1)
	_ = windows.CloseHandle(g.job)
}
