package host

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseLock_lines(t *testing.T) {
	for _, tc := range []struct {
		name, line string
		ok         bool
		pid        int64
		ofd        bool
		slots      []int
	}{
		{"a reader", "1: POSIX  ADVISORY  READ 3023 fe:00:9986071 124 124", true, 3023, false, []int{1}},
		{"of an open file", "2: OFDLCK ADVISORY  READ -1 fe:00:9986071 123 123", true, -1, true, []int{0}},
		{"merged neighbours", "2: POSIX ADVISORY READ 7 08:01:5 124 126", true, 7, false, []int{1, 2, 3}},
		{"in fdinfo", "lock:\t1: POSIX  ADVISORY  READ 3023 fe:00:9986071 127 127", true, 3023, false, []int{4}},
		{"a checkpoint", "1: POSIX  ADVISORY  WRITE 3023 fe:00:9986071 124 124", true, 3023, false, nil},
		{"of the database file", "3: POSIX  ADVISORY  READ 3023 fe:00:9986067 1073741826 1073742335", true, 3023, false, nil},
		{"the whole file", "3: POSIX  ADVISORY  READ 3023 fe:00:9986067 0 EOF", true, 3023, false, []int{0, 1, 2, 3, 4}},
		{"waiting", "1: -> POSIX  ADVISORY  READ 3023 fe:00:9986071 124 124", false, 0, false, nil},
		{"flock", "4: FLOCK  ADVISORY  WRITE 2795 fe:00:10002440 0 EOF", false, 0, false, nil},
		{"backwards", "1: POSIX  ADVISORY  READ 3023 fe:00:9986071 124 120", false, 0, false, nil},
		{"no numbers", "1: POSIX ADVISORY READ x fe:00:1 1 1", false, 0, false, nil},
		{"empty", "", false, 0, false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, ok := parseLock(tc.line)
			if ok != tc.ok || ok && (l.pid != tc.pid || l.ofd != tc.ofd || !reflect.DeepEqual(l.slots(), tc.slots)) {
				t.Errorf("got %+v %t with slots %v", l, ok, l.slots())
			}
		})
	}
}

func TestReaderLocks_byDeviceElseByInode(t *testing.T) {
	text := "1: POSIX ADVISORY READ 1 fe:00:5 124 124\n2: POSIX ADVISORY READ 2 08:01:5 124 124\n3: POSIX ADVISORY READ 3 fe:00:6 124 124\n"
	for _, tc := range []struct {
		name         string
		major, minor uint64
		inode        uint64
		want         []int64
	}{
		{"this device", 0xfe, 0, 5, []int64{1}},
		{"another inode", 0xfe, 0, 6, []int64{3}},
		{"a file system with a number of its own", 0, 42, 5, []int64{1, 2}},
		{"nobody", 0xfe, 0, 7, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []int64
			for _, l := range readerLocks(text, tc.major, tc.minor, tc.inode) {
				got = append(got, l.pid)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestGather_mergesTheSlotsOfOneProcess(t *testing.T) {
	list := gather(gather(gather(nil, 5, []int{3}), 6, []int{1}), 5, []int{1, 3})
	want := []Holder{{PID: 5, Slots: []int{1, 3}}, {PID: 6, Slots: []int{1}}}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("got %+v, want %+v", list, want)
	}
}

func TestCommandLine_isOneShortLine(t *testing.T) {
	if got := commandLine([]byte("python3\x00-c\x00import x\nprint(1)\x00")); got != "python3 -c import x print(1)" {
		t.Errorf("got %q", got)
	}
	if got := commandLine([]byte(strings.Repeat("ü", 500))); len(got) > commandBytesMax+len("…") {
		t.Errorf("got %d bytes", len(got))
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add("1: POSIX  ADVISORY  READ 3023 fe:00:9986071 124 124")
	f.Add("lock:\t2: OFDLCK ADVISORY READ -1 08:01:5 0 EOF")
	f.Fuzz(func(t *testing.T, line string) {
		if l, ok := parseLock(line); ok && (l.last < l.first || len(l.slots()) > readerSlots) {
			t.Errorf("got %+v", l)
		}
	})
}
