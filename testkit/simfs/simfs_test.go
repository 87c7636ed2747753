package simfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// boot begins a life without SQLite.
func boot(t *testing.T, d *simfs.Disk, faults ...simfs.Fault) *simfs.Life {
	t.Helper()
	l := d.Boot(simfs.Plan{Seed: 3, Faults: faults, Record: true})
	t.Cleanup(l.End)
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, fsys fsx.FS, name, text string, sync bool) {
	t.Helper()
	f, err := fsys.Create(name)
	must(t, err)
	_, err = f.Write([]byte(text))
	must(t, err)
	if sync {
		must(t, f.Sync())
	}
	must(t, f.Close())
}

// content gives what a name holds, "-" for nothing.
func content(t *testing.T, fsys fsx.FS, name string) string {
	t.Helper()
	data, err := fsx.ReadLimited(fsys, name, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	must(t, err)
	return string(data)
}

// after cuts the power with many seeds and gives every state that came of it.
func after(t *testing.T, d *simfs.Disk, names ...string) []string {
	t.Helper()
	states := map[string]bool{}
	for seed := range uint64(200) {
		c := d.Clone()
		c.PowerCut(seed)
		l := boot(t, c)
		var all []string
		for _, n := range names {
			all = append(all, content(t, l, n))
		}
		states[strings.Join(all, " ")] = true
	}
	return slices.Sorted(maps.Keys(states))
}

func TestPowerCut_keepsWhatWasSyncedAndNoMore(t *testing.T) {
	d := simfs.New(0)
	l := boot(t, d)
	put(t, l, "/both", "x", true)
	must(t, l.SyncDir("/"))
	put(t, l, "/content", "x", true) // its name was never synced
	put(t, l, "/none", "x", false)
	if got, want := after(t, d, "/both"), []string{"x"}; !slices.Equal(got, want) {
		t.Errorf("content and name synced: got %q, want %q", got, want)
	}
	if got, want := after(t, d, "/content"), []string{"-", "x"}; !slices.Equal(got, want) {
		t.Errorf("only the content synced: got %q, want %q", got, want)
	}
	if got := after(t, d, "/none"); !slices.Contains(got, "-") || !slices.Contains(got, "") || !slices.Contains(got, "x") {
		t.Errorf("nothing synced: got %q, want no name, an empty file and the whole one among them", got)
	}
	if got := after(t, d, "/content", "/none"); slices.Contains(got, "- x") {
		t.Errorf("got %q: the younger name outlived the older one of the same folder", got)
	}
}

func TestPowerCut_tearsAtSectorsOnly(t *testing.T) {
	d := simfs.New(0)
	l := boot(t, d)
	put(t, l, "/f", strings.Repeat("a", 2048), true)
	must(t, l.SyncDir("/"))
	f, err := l.OpenFile("/f", syscall.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte(strings.Repeat("b", 1000)), 700)
	must(t, err)
	torn := false
	for _, state := range after(t, d, "/f") {
		if len(state) != 2048 {
			t.Fatalf("got %d bytes, want 2048", len(state))
		}
		for i, c := range state {
			inside := i >= 700 && i < 1700
			if c == 'b' && !inside || i > 0 && state[i-1] != state[i] && i%512 != 0 && i != 700 && i != 1700 {
				t.Fatalf("changed at %d, neither a sector nor an end of the write", i)
			}
		}
		torn = torn || strings.Count(state, "b") > 0 && strings.Count(state, "b") < 1000
	}
	if !torn {
		t.Error("no seed of 200 tore the write")
	}
}

func TestPowerCut_renamesAreWhole(t *testing.T) {
	d := simfs.New(0)
	l := boot(t, d)
	must(t, l.MkdirAll("/a"))
	must(t, l.MkdirAll("/b"))
	must(t, l.SyncDir("/"))
	put(t, l, "/a/old", "1", true)
	put(t, l, "/b/new", "2", true)
	must(t, l.SyncDir("/a"))
	must(t, l.SyncDir("/b"))
	must(t, l.Rename("/b/new", "/a/old"))
	if got, want := after(t, d, "/a/old", "/b/new"), []string{"1 2", "2 -"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	must(t, l.SyncDir("/b"))
	if got, want := after(t, d, "/a/old", "/b/new"), []string{"2 -"}; !slices.Equal(got, want) {
		t.Errorf("after one of the folders was synced: got %q, want %q", got, want)
	}
}

func TestPowerCut_losesAFolderThatItsParentDoesNotKnow(t *testing.T) {
	d := simfs.New(0)
	l := boot(t, d)
	must(t, l.MkdirAll("/a/b"))
	put(t, l, "/a/b/f", "x", true)
	must(t, l.SyncDir("/a/b"))
	if got, want := after(t, d, "/a/b/f"), []string{"-", "x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	must(t, l.SyncDir("/a"))
	must(t, l.SyncDir("/"))
	if got, want := after(t, d, "/a/b/f"), []string{"x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSyncFails_forgetsWhatItHadToWrite(t *testing.T) {
	d := simfs.New(0)
	l := boot(t, d, simfs.Fault{Kind: simfs.SyncFails, At: 4})
	f, err := l.Create("/f")
	must(t, err)
	must(t, l.SyncDir("/"))
	_, err = f.WriteAt([]byte("23"), 0)
	must(t, err)
	if err := f.Sync(); fault.CodeOf(err) != fault.IO {
		t.Fatalf("got %v, want an I/O error", err)
	}
	_, err = f.WriteAt([]byte("4"), 2)
	must(t, err)
	must(t, f.Sync()) // says that all is well
	if got := content(t, l, "/f"); got != "234" {
		t.Errorf("a reader sees %q, want 234", got)
	}
	if got, want := after(t, d, "/f"), []string{"\x00\x004"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: only what was written after the failed fsync", got, want)
	}
}

func TestLies_loseWhatWasAcknowledged(t *testing.T) {
	d := simfs.New(0)
	l := boot(t, d, simfs.Fault{Kind: simfs.LieFrom, At: 1})
	put(t, l, "/f", "x", true)
	must(t, l.SyncDir("/"))
	if got := after(t, d, "/f"); !slices.Contains(got, "-") {
		t.Errorf("got %q, want a lost file among them", got)
	}
}

func TestKill_keepsWhatWasWrittenAndStopsEverything(t *testing.T) {
	d := simfs.New(0)
	l := boot(t, d, simfs.Fault{Kind: simfs.Kill, At: 3})
	put(t, l, "/f", "x", false)
	if _, err := l.Create("/g"); err == nil || fault.CodeOf(err) == fault.Full {
		t.Errorf("got %v, want the end", err)
	}
	if _, err := l.Lstat("/f"); err == nil {
		t.Error("a killed process goes on reading")
	}
	if got := content(t, boot(t, d), "/f"); got != "x" {
		t.Errorf("the next process sees %q, want x", got)
	}
}

func TestFull_failsWhatNeedsRoomOnly(t *testing.T) {
	d := simfs.New(0)
	put(t, boot(t, d), "/f", "xx", true)
	l := boot(t, d, simfs.Fault{Kind: simfs.FullFrom, At: 1})
	f, err := l.OpenFile("/f", syscall.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("y"), 1)
	must(t, err)
	if _, err := f.WriteAt([]byte("y"), 2); fault.CodeOf(err) != fault.Full || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want no space left", err)
	}
	if s, err := l.Space("/"); err != nil || s.FreeBytes != 0 {
		t.Errorf("got %+v (%v), want no room", s, err)
	}
	must(t, l.Remove("/f"))
	l.Well()
	put(t, l, "/f", "x", true)
}

func TestCapacity_isThatOfAllFiles(t *testing.T) {
	d := simfs.New(10)
	l := boot(t, d)
	put(t, l, "/a", "123456", true)
	f, err := l.Create("/b")
	must(t, err)
	n, err := f.Write([]byte("123456"))
	if n != 4 || fault.CodeOf(err) != fault.Full {
		t.Errorf("got %d bytes and %v, want 4 and no space left", n, err)
	}
	must(t, l.Remove("/a"))
	if s, err := l.Space("/"); err != nil || s.FreeBytes != 6 || s.TotalBytes != 10 {
		t.Errorf("got %+v (%v), want 6 of 10 free", s, err)
	}
}

func TestShort_writesAPart(t *testing.T) {
	d := simfs.New(0)
	l := boot(t, d, simfs.Fault{Kind: simfs.Short, At: 2})
	f, err := l.Create("/f")
	must(t, err)
	n, err := f.Write(make([]byte, 1000))
	if n >= 1000 || fault.CodeOf(err) != fault.Full {
		t.Errorf("got %d bytes and %v, want fewer and no space left", n, err)
	}
	if info, err := l.Lstat("/f"); err != nil || info.Size() != int64(n) {
		t.Errorf("the file holds %v bytes (%v), want %d", info.Size(), err, n)
	}
}

func TestFaults_strikeWhereTheyAreSet(t *testing.T) {
	plain := boot(t, simfs.New(0))
	put(t, plain, "/f", "x", true)
	must(t, plain.SyncDir("/"))
	ops := plain.Ops()
	if len(ops) != 4 || plain.Count() != 4 {
		t.Fatalf("got %v, want 4 operations", ops)
	}
	for _, kind := range simfs.Kinds() {
		for _, op := range ops {
			f := simfs.Fault{Kind: kind, At: op.Number}
			if back, err := simfs.ParseFault(f.String()); err != nil || back != f {
				t.Errorf("%s reads as %v (%v)", f, back, err)
			}
			l := boot(t, simfs.New(0), f)
			err := fsx.WriteAtomic(l, "/f", []byte("x"), 0o600)
			want := kind.Strikes(op) || kind == simfs.LieFrom // which finds an fsync later
			if struck := len(l.Struck()) == 1; struck != want && op.Number < 4 {
				t.Errorf("%s at %s: struck is %v (%v)", f, op, struck, err)
			}
		}
	}
	if f, err := simfs.ParseFault("kill@log:3"); err != nil || f != (simfs.Fault{Kind: simfs.Kill, At: 3, On: "log"}) {
		t.Errorf("a fault of a stream reads as %v (%v)", f, err)
	}
	for _, bad := range []string{"", "cut", "cut@0", "cut@x", "cut@3:", "nothing@3"} {
		if f, err := simfs.ParseFault(bad); err == nil {
			t.Errorf("%q reads as %v", bad, f)
		}
	}
}

func TestStreams_areNumberedEachForItself(t *testing.T) {
	life := func(faults ...simfs.Fault) *simfs.Life {
		l := simfs.New(0).Boot(simfs.Plan{Faults: faults, Record: true, Stream: func(op simfs.Op) string { return op.Path[:2] }})
		t.Cleanup(l.End)
		return l
	}
	a, b := life(), life(simfs.Fault{Kind: simfs.IOError, At: 2, On: "/b"})
	put(t, a, "/a", "x", true)
	put(t, a, "/b", "x", true)
	f, err := b.Create("/b")
	must(t, err)
	put(t, b, "/a", "x", true)
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("the second operation of the stream did not fail")
	}
	must(t, f.Sync())
	if a.Hash() != b.Hash() {
		t.Error("the order of two streams counts")
	}
	if b.Count() != 6 || b.Ops()[1].Number != 1 {
		t.Errorf("got %v", b.Ops())
	}
}

func TestLife_isAFileSystem(t *testing.T) {
	l := boot(t, simfs.New(0))
	must(t, l.MkdirAll("/d/e"))
	must(t, l.MkdirAll("/d/e"))
	put(t, l, "/d/f", "text", false)
	must(t, l.Link("/d/f", "/d/g"))
	var names []string
	list, err := l.ReadDir("/d")
	must(t, err)
	for _, e := range list {
		names = append(names, fmt.Sprintf("%s %v", e.Name(), e.IsDir()))
	}
	if want := []string{"e true", "f false", "g false"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	for what, got := range map[string]error{
		"a name that is taken":     errOf(l.Create("/d/f")),
		"a rename to a taken name": l.RenameNoReplace("/d/f", "/d/g"),
		"a second link":            l.Link("/d/f", "/d/g"),
		"a file as a folder":       l.MkdirAll("/d/f"),
		"a full folder":            l.Remove("/d"),
	} {
		if got == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for what, got := range map[string]error{
		"a missing file":   errOf(l.Open("/d/x")),
		"a missing folder": errOf(l.Create("/x/y")),
		"a missing name":   l.Remove("/d/x"),
	} {
		if fault.CodeOf(got) != fault.Missing || !errors.Is(got, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want that it is missing", what, got)
		}
	}
	f, err := l.OpenFile("/d/f", syscall.O_RDWR|syscall.O_APPEND, 0)
	must(t, err)
	_, err = f.Write([]byte(" and more"))
	must(t, err)
	must(t, l.Remove("/d/f"))
	if got := content(t, l, "/d/g"); got != "text and more" {
		t.Errorf("the second name holds %q", got)
	}
	if s, err := l.Space("/"); err != nil || s.FreeBytes > math.MaxInt64/2 || s.FreeBytes <= 0 {
		t.Errorf("got %+v (%v)", s, err)
	}
}

func errOf(_ any, err error) error { return err }

func TestTryLock_endsWithTheProcess(t *testing.T) {
	d := simfs.New(0)
	a, b := boot(t, d), boot(t, d)
	release, got, err := a.TryLock("/lock")
	if err != nil || !got {
		t.Fatalf("got %v (%v), want the lock", got, err)
	}
	if _, got, _ := b.TryLock("/lock"); got {
		t.Error("two processes hold one lock")
	}
	release()
	if _, got, _ := b.TryLock("/lock"); !got {
		t.Error("a lock that was given back cannot be had")
	}
	b.Kill()
	if _, got, _ := a.TryLock("/lock"); !got {
		t.Error("a killed process holds its lock")
	}
}

func TestClone_goesItsOwnWay(t *testing.T) {
	d := simfs.New(0)
	put(t, boot(t, d), "/f", "1", true)
	c := d.Clone()
	f, err := boot(t, c).OpenFile("/f", syscall.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("2"), 0)
	must(t, err)
	if a, b := content(t, boot(t, d), "/f"), content(t, boot(t, c), "/f"); a != "1" || b != "2" {
		t.Errorf("got %q and %q, want 1 and 2", a, b)
	}
}
