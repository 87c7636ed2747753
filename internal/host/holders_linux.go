package host

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Holders names the processes that read a database in WAL mode, by the locks on its -shm,
// given by device and inode. It looks at /proc alone and opens nothing of the database
// (promise P10). known is false where the system does not let it. A holder that another
// user's secrecy hides has PID 0.
func Holders(ctx context.Context, device, inode uint64) (list []Holder, known bool, err error) {
	text, err := os.ReadFile("/proc/locks")
	if err != nil {
		return nil, false, nil //nolint:nilerr // no /proc in this container: it cannot be told
	}
	major, minor := uint64(unix.Major(device)), uint64(unix.Minor(device))
	var open []fileLock // locks that belong to an open file: their process must be sought
	for _, l := range readerLocks(string(text), major, minor, inode) {
		if l.ofd || l.pid <= 0 {
			open = append(open, l)
			continue
		}
		list = gather(list, l.pid, l.slots())
	}
	if len(open) > 0 {
		found := byOpenFile(ctx, inode)
		for _, h := range found {
			list = gather(list, h.PID, h.Slots)
		}
		if len(found) == 0 {
			for _, l := range open {
				list = gather(list, 0, l.slots())
			}
		}
	}
	self := int64(os.Getpid())
	for i := range list {
		list[i].Own = list[i].PID == self
		if list[i].PID > 0 {
			list[i].Command = command(list[i].PID)
		}
	}
	return list, true, ctx.Err()
}

// byOpenFile finds who has the -shm with an inode open and holds a lock on it through
// that descriptor, which fdinfo tells.
func byOpenFile(ctx context.Context, inode uint64) (list []Holder) {
	processes, _ := filepath.Glob("/proc/[0-9]*/fd") // the pattern is sound
	for _, dir := range processes {
		if ctx.Err() != nil {
			return list
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // ended meanwhile, or another user's
		}
		process := filepath.Dir(dir)
		pid, err := strconv.ParseInt(filepath.Base(process), 10, 64)
		if err != nil {
			continue
		}
		for _, e := range entries {
			// The name first: to stat any descriptor of anybody could hang on a dead network disk.
			name, err := os.Readlink(filepath.Join(dir, e.Name()))
			if err != nil || !strings.Contains(name, "-shm") {
				continue
			}
			info, err := os.ReadFile(filepath.Join(process, "fdinfo", e.Name()))
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(info)) {
				l, ok := parseLock(strings.TrimSpace(line))
				if ok && l.ofd && l.inode == inode && len(l.slots()) > 0 {
					list = gather(list, pid, l.slots())
				}
			}
		}
	}
	return list
}

func command(pid int64) string {
	dir := filepath.Join("/proc", strconv.FormatInt(pid, 10))
	raw, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if text := commandLine(raw); err == nil && text != "" {
		return text
	}
	raw, _ = os.ReadFile(filepath.Join(dir, "comm")) // gone: it has no name any more
	return commandLine(raw)
}
