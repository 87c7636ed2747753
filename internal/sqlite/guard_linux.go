package sqlite

import (
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/officer-doofy/officer/internal/fault"
)

type fileNumber struct{ device, inode uint64 }

// ForeignDriverGuard fails with fault.ForeignDriver when this process holds a
// descriptor on one of the databases (or its -wal, -shm, -journal) that is not one of
// own: another SQLite in the process, whose POSIX locks vanish when any descriptor of
// the file is closed (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
// It looks without opening anything. known is false where the system does not let it.
//
// Handles of database/sql wait meanwhile. Another connection opened, or a copy of the live file
// made, at the same moment is taken for foreign: call it from where nothing else of
// Officer opens the file.
func ForeignDriverGuard(paths []string, own *Descriptors) (known bool, err error) {
	const op = "look for foreign drivers"
	main, beside := map[fileNumber]string{}, map[fileNumber]string{}
	for _, path := range paths {
		note(main, path)
		for _, suffix := range []string{"-wal", "-shm", "-journal"} {
			note(beside, path+suffix)
		}
	}
	defer own.look()()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return false, nil //nolint:nilerr // no /proc in this container: it cannot be told
	}
	held, complete := own.held()
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || held[uintptr(fd)] {
			continue
		}
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			continue // closed meanwhile
		}
		number := fileNumber{uint64(st.Dev), st.Ino}
		name, found := main[number]
		if !found && complete {
			name, found = beside[number]
		}
		if found {
			return true, fault.New(fault.ForeignDriver, op, "descriptor %d of this process is open on %s, but not by Officer's SQLite", fd, name)
		}
	}
	return true, nil
}

func note(set map[fileNumber]string, path string) {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeType != 0 {
		return
	}
	if device, inode, ok := fileNumbers(info); ok {
		set[fileNumber{device, inode}] = path
	}
}
