package host

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Holder is a process that reads a database in WAL mode at this moment.
type Holder struct {
	PID     int64  // 0 = the process cannot be told
	Command string // its command line, shortened; "" = not known
	Own     bool   // this process
	Slots   []int  // reader slots of the wal-index that it holds, ascending, 0 … 4
}

// The bytes of the -shm that readers lock, one for each slot
// (https://sqlite.org/walformat.html#wal_locks).
const (
	readerLockFirst = 123
	readerSlots     = 5
)

const commandBytesMax = 160

// fileLock is one line of /proc/locks (https://man7.org/linux/man-pages/man5/proc_locks.5.html).
type fileLock struct {
	ofd          bool // belongs to an open file, not to a process; pid is -1
	read         bool
	pid          int64
	major, minor uint64
	inode        uint64
	first, last  int64 // bytes
}

// parseLock reads a line of /proc/locks or, after its "lock:", of /proc/{pid}/fdinfo.
// Waiting locks (->) and those of flock and leases are none.
func parseLock(line string) (l fileLock, ok bool) {
	line = strings.TrimPrefix(line, "lock:")
	f := strings.Fields(line)
	if len(f) != 8 || f[1] != "POSIX" && f[1] != "OFDLCK" {
		return l, false
	}
	l.ofd, l.read = f[1] == "OFDLCK", f[3] == "READ"
	var err error
	if l.pid, err = strconv.ParseInt(f[4], 10, 64); err != nil {
		return l, false
	}
	device := strings.Split(f[5], ":")
	if len(device) != 3 {
		return l, false
	}
	for i, into := range []*uint64{&l.major, &l.minor, &l.inode} {
		base := 16
		if i == 2 {
			base = 10
		}
		if *into, err = strconv.ParseUint(device[i], base, 64); err != nil {
			return l, false
		}
	}
	if l.first, err = strconv.ParseInt(f[6], 10, 64); err != nil {
		return l, false
	}
	if f[7] == "EOF" {
		l.last = math.MaxInt64
		return l, true
	}
	l.last, err = strconv.ParseInt(f[7], 10, 64)
	return l, err == nil && l.last >= l.first
}

// slots are the reader slots that a lock holds. An exclusive one is no reader's but a
// checkpoint's, for a moment.
func (l fileLock) slots() (list []int) {
	for i := range readerSlots {
		if at := int64(readerLockFirst + i); l.read && l.first <= at && at <= l.last {
			list = append(list, i)
		}
	}
	return list
}

// readerLocks picks the locks of readers on one file. A file system may show another
// device number in its locks than in its files (btrfs, overlays): then the inode decides.
func readerLocks(text string, major, minor, inode uint64) (list []fileLock) {
	var elsewhere []fileLock
	for line := range strings.Lines(text) {
		l, ok := parseLock(strings.TrimSpace(line))
		if !ok || l.inode != inode || len(l.slots()) == 0 {
			continue
		}
		if l.major == major && l.minor == minor {
			list = append(list, l)
		} else {
			elsewhere = append(elsewhere, l)
		}
	}
	if len(list) == 0 {
		return elsewhere
	}
	return list
}

// gather adds slots to the holder with a pid, or a new one.
func gather(list []Holder, pid int64, slots []int) []Holder {
	at := slices.IndexFunc(list, func(h Holder) bool { return h.PID == pid })
	if at < 0 {
		list = append(list, Holder{PID: pid})
		at = len(list) - 1
	}
	list[at].Slots = append(list[at].Slots, slots...)
	slices.Sort(list[at].Slots)
	list[at].Slots = slices.Compact(list[at].Slots)
	return list
}

// commandLine makes a text for people out of arguments that end in zero bytes.
func commandLine(raw []byte) string {
	text := strings.Map(func(r rune) rune {
		if r == 0 || unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, string(raw))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > commandBytesMax {
		text = strings.ToValidUTF8(text[:commandBytesMax], "") + "…"
	}
	return text
}
