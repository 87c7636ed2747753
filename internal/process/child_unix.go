//go:build unix

package process

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// group is the process group of a child: what the program starts belongs to it unless it
// goes its own way with setsid, as a daemon or a browser does.
type group struct{ id int }

// Passed lists the signals that somebody may mean for the child.
func Passed() []os.Signal {
	return []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH}
}

// attributes puts the child into a group of its own. When this process has the terminal,
// the child gets it: it may read from it, and Ctrl+C reaches it once, not twice.
func (g *group) attributes(files []*os.File) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if len(files) == 0 || files[0] == nil {
		return attr
	}
	terminal := int(files[0].Fd())
	if owner, err := unix.IoctlGetInt(terminal, unix.TIOCGPGRP); err == nil && owner == unix.Getpgrp() {
		attr.Foreground, attr.Ctty = true, terminal
	}
	return attr
}

func (g *group) adopt(p *os.Process) error {
	g.id = p.Pid
	return nil
}

// wait waits for the program and gives its exit code.
func (g *group) wait(p *os.Process) int {
	defer func() { _ = p.Release() }()
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(p.Pid, &status, syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 1 // somebody else waited for it
		case status.Exited():
			return status.ExitStatus()
		case status.Signaled():
			return 128 + int(status.Signal())
		case status.StopSignal() == syscall.SIGTSTP:
			// Ctrl+Z: the shell waits for this process, which goes on, so nobody would get
			// the terminal. The database must not be left without its Officer meanwhile.
			_ = syscall.Kill(-g.id, syscall.SIGCONT)
		}
	}
}

// sweep ends the rest of the group.
func (g *group) sweep(within time.Duration) {
	if syscall.Kill(-g.id, syscall.SIGTERM) != nil {
		return // nobody is left
	}
	// What was stopped hears nothing until it goes on.
	_ = syscall.Kill(-g.id, syscall.SIGCONT)
	patience := time.NewTimer(within)
	defer patience.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for syscall.Kill(-g.id, 0) == nil {
		select {
		case <-look.C:
		case <-patience.C:
			_ = syscall.Kill(-g.id, syscall.SIGKILL)
			return
		}
	}
}
