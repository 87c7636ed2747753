package sqlite

import (
	"io/fs"
	"os"
	"slices"
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
	open, err := descriptorsOn(main, beside)
	if err != nil {
		return false, nil // no /proc in this container: it cannot be told
	}
	// The few connections to these databases explain what is open as a rule; to ask all of a
	// process that looks after hundreds costs more than the look.
	held, _ := own.held(paths)
	if !slices.ContainsFunc(open, func(d descriptor) bool { return !held[d.fd] }) {
		return true, nil
	}
	held, complete := own.held(nil)
	for _, d := range open {
		if !held[d.fd] && (d.main || complete) {
			return true, fault.New(fault.ForeignDriver, op, "descriptor %d of this process is open on %s, but not by Officer's SQLite", d.fd, d.name)
		}
	}
	return true, nil
}

// descriptor is one of this process on a file of a database.
type descriptor struct {
	fd   uintptr
	name string
	main bool // the database itself
}

// descriptorsOn lists the descriptors of this process that are open on the given files.
func descriptorsOn(main, beside map[fileNumber]string) (open []descriptor, err error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			continue // closed meanwhile
		}
		number := fileNumber{uint64(st.Dev), st.Ino}
		if path, is := main[number]; is {
			open = append(open, descriptor{uintptr(fd), path, true})
		} else if path, is := beside[number]; is {
			open = append(open, descriptor{uintptr(fd), path, false})
		}
	}
	return open, nil
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
