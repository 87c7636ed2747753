//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel asks this process before it does what a struck program calls it for
// (https://docs.kernel.org/userspace-api/seccomp_filter.html#userspace-notification). Only the calls below stop, so that
// a struck life takes little longer than another, and they are counted over all threads.

const struckWithin = 5 * time.Minute // then it hangs

// changing are the calls that change files, by the place of their path: -1 = the file is
// the descriptor in the first argument, otherwise the number of the argument with the
// path, behind that with the folder.
func changing() map[uintptr]int {
	return map[uintptr]int{
		unix.SYS_WRITE: -1, unix.SYS_PWRITE64: -1, unix.SYS_PWRITEV: -1, unix.SYS_FSYNC: -1, unix.SYS_FDATASYNC: -1, unix.SYS_FTRUNCATE: -1,
		unix.SYS_FALLOCATE: -1, unix.SYS_SYNC_FILE_RANGE: -1, unix.SYS_FCHMOD: -1, unix.SYS_OPENAT: 1, unix.SYS_MKDIRAT: 1, unix.SYS_UNLINKAT: 1,
		unix.SYS_FCHMODAT: 1, unix.SYS_RENAMEAT: 3, unix.SYS_RENAMEAT2: 3, unix.SYS_LINKAT: 3, unix.SYS_SYMLINKAT: 2, unix.SYS_COPY_FILE_RANGE: -1,
	}
}

// looking are the calls that read files, take locks and look at names.
func looking() map[uintptr]int {
	return map[uintptr]int{
		unix.SYS_READ: -1, unix.SYS_PREAD64: -1, unix.SYS_GETDENTS64: -1, unix.SYS_FSTAT: -1, unix.SYS_FCNTL: -1, unix.SYS_FLOCK: -1, statNumber(): 1,
	}
}

func callNames() map[uintptr]string {
	return map[uintptr]string{
		unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite64", unix.SYS_PWRITEV: "pwritev", unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync",
		unix.SYS_FTRUNCATE: "ftruncate", unix.SYS_FALLOCATE: "fallocate", unix.SYS_SYNC_FILE_RANGE: "sync_file_range", unix.SYS_FCHMOD: "fchmod",
		unix.SYS_OPENAT: "openat", unix.SYS_MKDIRAT: "mkdirat", unix.SYS_UNLINKAT: "unlinkat", unix.SYS_FCHMODAT: "fchmodat", unix.SYS_RENAMEAT: "renameat",
		unix.SYS_RENAMEAT2: "renameat2", unix.SYS_LINKAT: "linkat", unix.SYS_SYMLINKAT: "symlinkat", unix.SYS_COPY_FILE_RANGE: "copy_file_range",
		unix.SYS_READ: "read", unix.SYS_PREAD64: "pread64", unix.SYS_GETDENTS64: "getdents64", unix.SYS_FSTAT: "fstat", unix.SYS_FCNTL: "lock",
		unix.SYS_FLOCK: "flock", statNumber(): "stat",
	}
}

// call is one call of the kernel that concerns the folder of a point.
type call struct {
	name    string // as strace writes it
	path    string // relative to the folder
	stream  string // which kind of file it is about
	number  int    // in its stream, from 1
	bytes   int    // of a write
	creates bool   // of openat
}

func (c call) String() string {
	return fmt.Sprintf("%s:%d %s %s %d", c.stream, c.number, c.name, c.path, c.bytes)
}

// grows: on a full disk the call fails.
func (c call) grows() bool {
	return c.creates || slices.Contains([]string{"write", "pwrite64", "pwritev", "ftruncate", "fallocate", "mkdirat", "linkat", "symlinkat", "renameat", "renameat2",
		"copy_file_range"}, c.name)
}

// writes: part of it can be done.
func (c call) writes() bool { return (c.name == "write" || c.name == "pwrite64") && c.bytes > 1 }

// strike is what happens to the call with a number in its stream.
type strike struct {
	kind   string
	stream string
	at     int
}

func (s strike) String() string { return fmt.Sprintf("%s@%s:%d", s.kind, s.stream, s.at) }

func parseStrike(text string) (s strike, err error) {
	kind, rest, ok := strings.Cut(text, "@")
	stream, number, also := strings.Cut(rest, ":")
	if !ok || !also {
		return s, fmt.Errorf("%q is no strike; one is eio@backups:12", text)
	}
	at, err := strconv.Atoi(number)
	return strike{kind, stream, at}, err
}

// strikeKinds are the faults: a kill before the call, one after half of a write, half of a
// write that says so, an error of the device, of a full disk and of too few descriptors,
// and a disk that is full or broken from there on.
func strikeKinds() []string {
	return []string{"kill", "torn", "short", "eio", "enospc", "emfile", "full", "broken"}
}

// strikes tells whether a kind of fault can happen to a call.
func strikes(kind string, c call) bool {
	looks := strings.HasSuffix(c.stream, ".look")
	switch kind {
	case "kill":
		return !looks && c.stream != "logs" // between two looks nothing is changed
	case "torn":
		return c.writes() && c.stream != "logs"
	case "short":
		return c.writes()
	case "enospc", "full":
		return c.grows()
	case "emfile":
		return c.name == "openat"
	}
	return true
}

// life is one run of the program under the eyes of this process.
type life struct {
	folder  string
	strike  strike
	watched map[uintptr]int
	cmd     *exec.Cmd
	counts  map[string]int
	calls   []call
	struck  *call
	killed  bool
	started chan struct{} // closed when cmd.Process can be read
}

// unstruck skips the test where the kernel lets nobody be asked: it is too old, a container forbids it, or has such a
// listener already. Anything else is a failure.
func unstruck(t *testing.T, err error) {
	t.Helper()
	for _, refusal := range []error{unix.EBUSY, unix.EINVAL, unix.ENOSYS, unix.EPERM, unix.EACCES} {
		if errors.Is(err, refusal) {
			t.Skip(err)
		}
	}
	t.Fatal(err)
}

// liveStruck runs the program to its end; err says that the kernel has no such eyes.
func liveStruck(t *testing.T, folder string, s strike, args ...string) (*life, outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), struckWithin)
	defer cancel()
	l := &life{folder: folder, strike: s, watched: changing(), counts: map[string]int{}, cmd: exec.CommandContext(ctx, officerBinary, args...), started: make(chan struct{})}
	if strings.HasSuffix(s.stream, ".look") {
		l.watched = looking()
	}
	out, errs := &untilSafe{}, &bytes.Buffer{}
	l.cmd.Env, l.cmd.Stdout, l.cmd.Stderr = append(plainEnvironment(), "GOGC=off"), out, errs
	stopped, stop, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stopped.Close()
	listener, begun := make(chan int, 1), make(chan error, 1)
	go func() { // on a thread of its own, which ends with this function, since it is never unlocked
		runtime.LockOSThread()
		fd, err := ask(l.watched)
		listener <- fd
		if err == nil {
			err = l.cmd.Start()
		}
		close(l.started)
		begun <- err
	}()
	fd := <-listener
	watched := make(chan error, 1)
	go func() { watched <- l.watch(fd, int(stopped.Fd())) }()
	if err := <-begun; err != nil {
		_ = stop.Close()
		<-watched
		return nil, outcome{}, err
	}
	out.begun(l.cmd.Process)
	err = l.cmd.Wait()
	_ = stop.Close()
	if err := <-watched; err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("%v at %s: it hangs\n%s%s", args, s, out, errs)
	case err != nil && !errors.As(err, &exit):
		t.Fatal(err)
	}
	l.killed = l.killed && killedBy(l) // it can have been about to end by itself, and was quicker: that is an end like any other
	return l, outcome{l.cmd.ProcessState.ExitCode(), out.String(), errs.String()}, nil
}

// ask has the kernel stop this thread, and the programs it starts, at the watched calls.
func ask(watched map[uintptr]int) (int, error) {
	n := len(watched)
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the number of the call
	for nr := range watched {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(n - len(filter) + 1), K: uint32(nr)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return -1, fmt.Errorf("seccomp user notification: %w", errno)
	}
	return int(fd), nil
}

// notification and reply are struct seccomp_notif and seccomp_notif_resp.
type notification struct {
	id     uint64
	thread uint32
	_      uint32
	nr     int32
	_      uint32
	_      uint64
	args   [6]uint64
}

type reply struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// watch answers the kernel until the program has ended.
func (l *life) watch(listener, stopped int) error {
	if listener < 0 {
		return nil
	}
	defer unix.Close(listener)
	for {
		wait := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}, {Fd: int32(stopped)}}
		switch _, err := unix.Poll(wait, -1); {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case wait[0].Revents&unix.POLLIN == 0:
			return nil
		}
		var n notification
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); errno != 0 {
			if errno == unix.ENOENT || errno == unix.EINTR { // who asked is dead, or was interrupted and asks again
				continue
			}
			return errno
		}
		r := l.answer(&n)
		if r == nil {
			continue
		}
		r.id = n.id
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(r)))
		if errno != 0 && errno != unix.ENOENT {
			return errno
		}
	}
}

// answer says what becomes of a call; nil = the program is dead.
func (l *life) answer(n *notification) *reply {
	goOn := &reply{flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	if l.killed {
		return nil
	}
	c, ok := l.seen(n)
	if !ok {
		return goOn
	}
	l.calls = append(l.calls, c)
	lasts := l.strike.kind == "full" && c.grows() || l.strike.kind == "broken"
	switch {
	case l.struck == nil && c.stream == l.strike.stream && c.number == l.strike.at && strikes(l.strike.kind, c):
		l.struck = &c
	case l.struck == nil || !lasts:
		return goOn
	}
	switch l.strike.kind {
	case "kill":
		return l.kill()
	case "torn":
		l.half(n)
		return l.kill()
	case "short":
		return &reply{value: int64(l.half(n))}
	case "enospc", "full":
		return &reply{errno: -int32(unix.ENOSPC)}
	case "emfile":
		return &reply{errno: -int32(unix.EMFILE)}
	}
	return &reply{errno: -int32(unix.EIO)}
}

func (l *life) kill() *reply {
	<-l.started // the program may be at its first call before those who started it know its number
	l.killed = true
	_ = l.cmd.Process.Kill()
	return nil
}

// half does half of a write in the place of the program, and tells how many bytes that is.
func (l *life) half(n *notification) int {
	<-l.started
	data := make([]byte, (n.args[2]+1)/2)
	got, err := unix.ProcessVMReadv(int(n.thread), []unix.Iovec{{Base: &data[0], Len: uint64(len(data))}},
		[]unix.RemoteIovec{{Base: uintptr(n.args[1]), Len: len(data)}}, 0)
	if err != nil {
		return 0
	}
	process, err := unix.PidfdOpen(l.cmd.Process.Pid, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(process)
	file, err := unix.PidfdGetfd(process, int(n.args[0]), 0)
	if err != nil {
		return 0
	}
	defer unix.Close(file)
	if n.nr == unix.SYS_PWRITE64 {
		got, _ = unix.Pwrite(file, data[:got], int64(n.args[3]))
	} else {
		got, _ = unix.Write(file, data[:got])
	}
	return max(got, 0)
}

// seen makes a call of a notification, if it concerns the folder.
func (l *life) seen(n *notification) (c call, ok bool) {
	if n.nr == unix.SYS_FCNTL && !slices.Contains([]uint64{unix.F_SETLK, unix.F_SETLKW, unix.F_OFD_SETLK, unix.F_OFD_SETLKW}, n.args[1]) {
		return c, false
	}
	path := n.path(l.watched[uintptr(n.nr)])
	rel, err := filepath.Rel(l.folder, strings.TrimSuffix(path, " (deleted)"))
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return c, false
	}
	c = call{name: callNames()[uintptr(n.nr)], path: rel, stream: streamOf(rel)}
	if _, looks := looking()[uintptr(n.nr)]; looks {
		c.stream += ".look"
	}
	switch n.nr {
	case unix.SYS_WRITE, unix.SYS_PWRITE64:
		c.bytes = int(n.args[2])
	case unix.SYS_OPENAT:
		c.creates = n.args[2]&unix.O_CREAT != 0
	}
	l.counts[c.stream]++
	c.number = l.counts[c.stream]
	return c, true
}

// path gives the file that a call is about.
func (n *notification) path(argument int) string {
	self := "/proc/" + strconv.Itoa(int(n.thread))
	if argument < 0 {
		path, _ := os.Readlink(self + "/fd/" + strconv.Itoa(int(n.args[0])))
		return path
	}
	name := make([]byte, unix.PathMax)
	got, err := unix.ProcessVMReadv(int(n.thread), []unix.Iovec{{Base: &name[0], Len: uint64(len(name))}},
		[]unix.RemoteIovec{{Base: uintptr(n.args[argument]), Len: len(name)}}, 0)
	if err != nil {
		return ""
	}
	text, _, _ := strings.Cut(string(name[:got]), "\x00")
	if filepath.IsAbs(text) {
		return text
	}
	at := self + "/cwd"
	if fd := int32(n.args[argument-1]); fd != unix.AT_FDCWD {
		at = self + "/fd/" + strconv.Itoa(int(fd))
	}
	folder, _ := os.Readlink(at)
	return filepath.Join(folder, text)
}

// streamOf: parts of Officer that work at the same time touch different files, so each
// kind of file has numbers of its own.
func streamOf(rel string) string {
	rel, inHome := strings.CutPrefix(rel, "v.db-officer")
	switch {
	case !inHome:
		return "db"
	case strings.HasPrefix(rel, "/events"), strings.HasPrefix(rel, "/evidence"), strings.HasPrefix(rel, "/backups/backups.json"):
		return "journal"
	case strings.HasPrefix(rel, "/backups"):
		return "backups"
	case strings.HasPrefix(rel, "/quarantine"):
		return "quarantine"
	case strings.HasPrefix(rel, "/logs"):
		return "logs"
	case strings.HasPrefix(rel, "/metrics"), strings.HasPrefix(rel, "/maintenance"), strings.HasPrefix(rel, "/reserve"):
		return "notes"
	}
	return "home"
}

// killedBy tells whether the process ended by SIGKILL.
func killedBy(l *life) bool {
	status, ok := l.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// statNumber is newfstatat, which has another name in each of the tables of the two.
func statNumber() uintptr {
	if runtime.GOARCH == "arm64" {
		return 79
	}
	return 262
}
