package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	executableSuffix = ""
	rssLookEvery     = 2 * time.Millisecond
)

// peak is the most memory that a process held, in bytes.
type peak struct {
	stop chan struct{}
	seen chan int64
}

// watch looks at a running process again and again. What the kernel tells when it has
// ended (getrusage(2)) would do, were it not that it counts the parent's memory too, as
// the child holds it between fork and exec.
func watch(pid int) *peak {
	p := &peak{make(chan struct{}), make(chan int64, 1)}
	go func() {
		beat := time.NewTicker(rssLookEvery)
		defer beat.Stop()
		var most int64
		for {
			data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err == nil {
				most = max(most, kilobytes(string(data), "VmHWM")*1024)
			}
			select {
			case <-p.stop:
				p.seen <- most
				return
			case <-beat.C:
			}
		}
	}()
	return p
}

// ended gives the figure: the kernel's where it can be none of the parent's.
func (p *peak) ended(state *os.ProcessState) int64 {
	close(p.stop)
	seen := <-p.seen
	if state == nil {
		return seen
	}
	usage, ok := state.SysUsage().(*syscall.Rusage)
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); !ok || err != nil || usage.Maxrss <= own.Maxrss {
		return seen
	}
	return max(seen, int64(usage.Maxrss)*1024)
}

// kilobytes reads a line of /proc/PID/status.
func kilobytes(status, key string) (kB int64) {
	for text := range strings.Lines(status) {
		if n, _ := fmt.Sscanf(text, key+": %d kB", &kB); n == 1 {
			return kB
		}
	}
	return 0
}
