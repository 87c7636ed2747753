//go:build unix

package process

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shell runs a script as a child; what it prints can be read.
func shell(t *testing.T, script string) (*Child, *bufio.Reader) {
	t.Helper()
	path, err := Find("sh")
	if err != nil {
		t.Fatal(err)
	}
	out, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	c, err := Start(path, []string{"sh", "-c", script}, []string{"OFFICER_TEST=yes"}, []*os.File{null, theirs, os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	return c, bufio.NewReader(out)
}

func TestChild_exitCode(t *testing.T) {
	for script, want := range map[string]int{
		"exit 0": 0, "exit 3": 3, "kill -KILL $$": 137, "kill -TERM $$": 143, "test $OFFICER_TEST = yes": 0,
		"kill -TSTP $$; exit 4": 4,
	} {
		c, _ := shell(t, script)
		if got := c.Code(); got != want {
			t.Errorf("%s: got %d, want %d", script, got, want)
		}
		c.Signal(syscall.SIGTERM) // nobody is there any more
		c.Sweep()
	}
}

func TestChild_hearsSignals(t *testing.T) {
	c, out := shell(t, `trap 'echo heard; exit 5' USR1; echo ready; while :; do sleep 0.01; done`)
	if line, _ := out.ReadString('\n'); line != "ready\n" {
		t.Fatalf("got %q", line)
	}
	c.Signal(syscall.SIGUSR1)
	if line, _ := out.ReadString('\n'); line != "heard\n" {
		t.Errorf("got %q, want heard", line)
	}
	if got := c.Code(); got != 5 {
		t.Errorf("got %d, want 5", got)
	}
}

func TestChild_leavesNothingBehind(t *testing.T) {
	for name, ignored := range map[string]string{"kindly": "true", "by force": "trap '' TERM", "though it was stopped": "kill -STOP $self"} {
		t.Run(name, func(t *testing.T) {
			c, out := shell(t, `(self=$(exec sh -c 'echo $PPID'); echo $self; `+ignored+`; while :; do sleep 0.01; done) & wait`)
			line, _ := out.ReadString('\n')
			left, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatalf("got %q", line)
			}
			c.Signal(syscall.SIGKILL)
			if got := c.Code(); got != 137 {
				t.Fatalf("got %d, want 137", got)
			}
			start := time.Now()
			c.Sweep()
			if took := time.Since(start); took > endWithin+time.Minute {
				t.Errorf("sweeping took %v", took)
			}
			for range 6000 {
				if !running(left) {
					return
				}
				<-time.After(10 * time.Millisecond)
			}
			t.Errorf("process %d is still there", left)
		})
	}
}

// running tells whether a process exists and is no zombie, for which its new parent is
// answerable.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func TestLifeline_aSocketOfWhichOneSideWasShut(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := os.NewFile(uintptr(pair[0]), "mine"), os.NewFile(uintptr(pair[1]), "theirs")
	defer mine.Close()
	defer theirs.Close()
	if !Lifeline(mine) {
		t.Error("a socket that somebody holds is one")
	}
	conn, err := net.FileConn(theirs)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if Lifeline(mine) {
		t.Error("a socket whose other side was shut before is none")
	}
}
