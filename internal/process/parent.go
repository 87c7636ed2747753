package process

import (
	"context"
	"os"
	"time"
)

// lookEvery is how often the parent is looked at where the system does not wake a watcher.
const lookEvery = 250 * time.Millisecond

// Parent is a process that this one lives for.
type Parent struct {
	pid    int
	direct bool // it started this process
	gone   bool // it was when it was looked for
	held   *exit
}

// FindParent takes hold of the process with that pid, or, when pid is 0, of the one that
// started this process; it is nil when that is nobody whose end could be seen. Call it as
// early as can be: who died before leaves no trace, for the kernel then names process 1 or
// a subreaper (a session manager, a container's init) as the parent.
func FindParent(pid int) *Parent {
	p := &Parent{pid: pid}
	if starter := os.Getppid(); pid == 0 || pid == starter {
		p.pid, p.direct = starter, true
	}
	// 0: it is in another PID namespace. 1: it cannot end before this process does, or
	// it is who adopted this one.
	if p.direct && p.pid <= 1 {
		return nil
	}
	var there bool
	if p.held, there = hold(p.pid); !there {
		p.gone = true
	}
	// A parent that ended before it was held may have left its pid to somebody else.
	if p.direct && changed(p.pid) {
		p.gone = true
	}
	return p
}

// PID is its process id.
func (p *Parent) PID() int { return p.pid }

// Gone waits until the parent has ended, true, or ctx is done. It is called once.
func (p *Parent) Gone(ctx context.Context) bool {
	if p.gone {
		return true
	}
	if p.held != nil {
		if gone, ok := p.held.wait(ctx); ok {
			return gone
		}
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if p.direct && changed(p.pid) || !p.direct && !alive(p.pid) {
			return true
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
}
