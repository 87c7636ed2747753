package supervisor

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/journal"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// life is one run of Officer as its journal sees it.
func life(t *testing.T, files fsx.FS, home string) *eventLog {
	t.Helper()
	l := &eventLog{database: "app"}
	l.keep(files, place{home: home}, slog.New(slog.DiscardHandler))
	return l
}

func (l *eventLog) tell(n int) {
	for range n {
		l.add(eventOf(&messages.BackupPruned{Dropped: &messages.DroppedBackup{Reason: "replaced", Id: "<&>\u2028ü"}}), time.Now())
	}
}

func namesOf(found []finding) string {
	var out []string
	for _, f := range found {
		out = append(out, f.what...)
	}
	return strings.Join(out, "; ")
}

func TestJournal_countsOnAcrossRuns(t *testing.T) {
	home := t.TempDir()
	one := life(t, fsx.OS(), home)
	one.add(eventOf(&messages.Lifecycle{State: "started"}), time.Now())
	one.tell(4)
	one.journal.write(time.Now(), true)
	two := life(t, fsx.OS(), home)
	two.add(eventOf(&messages.Lifecycle{State: "started"}), time.Now())
	two.tell(1)
	if got := namesOf(two.found); got != "" || two.sequence != 7 {
		t.Errorf("found %q, sequence %d, want 7", got, two.sequence)
	}
	if got := two.since(0); len(got) != 2 || got[0].Sequence != 6 {
		t.Errorf("of this run: %v", got)
	}
	got := two.since(3)
	if len(got) != 4 || got[0].Sequence != 4 || got[0].GetBackupPruned().GetDropped().GetId() != "<&>\u2028ü" {
		t.Errorf("since 3: %v", got)
	}
	for i := 1; i < len(got); i++ {
		if got[i].Prev != got[i-1].Hash || len(got[i].Hash) != 64 {
			t.Errorf("event %d is not chained to the one before", got[i].Sequence)
		}
	}
	page := two.page(&messages.GetEvents{Type: "officer.*"})
	if len(page.Events) != 2 || page.Oldest != 1 {
		t.Errorf("officer.*: %v", page)
	}
	if page = two.page(&messages.GetEvents{After: 2, Limit: 2}); len(page.Events) != 2 || page.Events[1].Sequence != 7 {
		t.Errorf("the newest two: %v", page)
	}
	two.journal.write(time.Now(), true)
	if got := namesOf(two.journal.verify()); got != "" {
		t.Errorf("written by two runs: %q", got)
	}
}

func TestJournal_namesWhatWasChangedPastOfficer(t *testing.T) {
	edit := func(old, now string) func([]byte) []byte {
		return func(d []byte) []byte { return bytes.Replace(d, []byte(old), []byte(now), 1) }
	}
	cases := []struct {
		name string
		harm func([]byte) []byte // nil = the file is removed
		want string
		next uint64 // number of the next event
	}{
		{"nothing", func(d []byte) []byte { return d }, "", 6},
		{"beginning of a line left by a crash", func(d []byte) []byte { return append(d, `{"sequence":"6","ty`...) }, "", 6},
		{"edited", edit("replaced", "misplaced"), "event 1 was changed after it was written", 6},
		{"end taken off", func(d []byte) []byte { return bytes.Join(bytes.SplitAfter(d, []byte("\n"))[:3], nil) }, "events 4 to 5 were taken out", 6},
		{"beginning taken off", func(d []byte) []byte { return bytes.Join(bytes.SplitAfter(d, []byte("\n"))[2:], nil) }, "events 1 to 2 were taken out", 6},
		{"removed", nil, "events 1 to 5 were taken out", 6},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			home := t.TempDir()
			one := life(t, fsx.OS(), home)
			one.tell(5)
			one.journal.write(time.Now(), true)
			name := filepath.Join(home, "events.ndjson")
			data, err := os.ReadFile(name)
			if err == nil && c.harm != nil {
				err = os.WriteFile(name, c.harm(data), 0o600)
			} else if err == nil {
				err = os.Remove(name)
			}
			if err != nil {
				t.Fatal(err)
			}
			two := life(t, fsx.OS(), home)
			two.tell(1)
			if got := namesOf(two.found); got != c.want || two.sequence != c.next {
				t.Errorf("found %q, next event %d; want %q, %d", got, two.sequence, c.want, c.next)
			}
			two.journal.write(time.Now(), true)
			data, err = os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			book := journal.Read(data)
			if book.WholeBytes != len(data) || book.Lines[len(book.Lines)-1].Sequence != c.next {
				t.Errorf("what was written after it cannot be read: %q", data)
			}
			three := life(t, fsx.OS(), home)
			if got := namesOf(three.found); got != "" && got != c.want {
				t.Errorf("the next time it is named otherwise: %q", got)
			}
		})
	}
}

func TestJournal_changedWhileOfficerRuns(t *testing.T) {
	home := t.TempDir()
	l := life(t, fsx.OS(), home)
	l.tell(3)
	l.journal.write(time.Now(), true)
	if err := os.Truncate(filepath.Join(home, "events.ndjson"), 5); err != nil {
		t.Fatal(err)
	}
	l.tell(1)
	l.journal.write(time.Now(), false)
	if got := namesOf(l.journal.verify()); !strings.Contains(got, "its size was changed while Officer ran") ||
		!strings.Contains(got, "events 1 to 3 were taken out") {
		t.Errorf("got %q", got)
	}
}

// What was proved once is not proved again while it is the same; any other byte is.
func TestJournal_whatWasProvedIsProvedAgainWhenItChanges(t *testing.T) {
	home := t.TempDir()
	l := life(t, fsx.OS(), home)
	l.tell(3)
	l.journal.write(time.Now(), true)
	name := filepath.Join(home, "events.ndjson")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	prove := func(when string, data []byte, want string) {
		t.Helper()
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := namesOf(l.journal.verify()); got != want {
			t.Errorf("%s: got %q, want %q", when, got, want)
		}
	}
	prove("untouched", whole, "")
	prove("untouched still", whole, "")
	edited := bytes.Replace(whole, []byte("replaced"), []byte("rEplaced"), 1)
	prove("edited", edited, "event 1 was changed after it was written")
	prove("edited still", edited, "event 1 was changed after it was written")
	prove("as it was", whole, "")
	prove("cut", whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1], "event 3 was taken out")
	prove("as it was again", whole, "")
	prove("with a line twice", append(bytes.Clone(whole), whole[:bytes.IndexByte(whole, '\n')+1]...), "event 1 stands where event 4 belongs; events 2 to 3 were taken out")
	prove("with the start of a line", append(bytes.Clone(whole), `{"seq`...), "")
	prove("whole", whole, "")
	l.tell(2)
	l.journal.write(time.Now(), true)
	longer, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	added := longer[len(whole):]
	prove("without what was added", whole, "events 4 to 5 were taken out")
	prove("with what was added", longer, "")
	prove("edited before what was added", append(bytes.Clone(edited), added...), "event 1 was changed after it was written")
	prove("edited in what was added", append(bytes.Clone(whole), bytes.Replace(added, []byte("replaced"), []byte("rEplaced"), 1)...),
		"event 4 was changed after it was written")
	prove("with half of what was added", append(bytes.Clone(whole), added[:bytes.IndexByte(added, '\n')+1]...), "event 5 was taken out")
	prove("with all of it", longer, "")
	whole = longer
	l.journal.noted.Hash = strings.Repeat("0", 64)
	prove("noted otherwise", whole, "event 5 is not the one that was noted")
}

func TestJournal_keepsTheNewestThousandOnDisk(t *testing.T) {
	home := t.TempDir()
	l := life(t, fsx.OS(), home)
	for range 40 {
		l.tell(100)
		l.journal.write(time.Now(), false)
	}
	l.journal.write(time.Now(), true)
	data, err := os.ReadFile(filepath.Join(home, "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	book := journal.Read(data)
	n := len(book.Lines)
	if n < eventsKept || n > eventsKept+journalSlack || book.Lines[n-1].Sequence != 4000 || len(book.Breaks) != 0 {
		t.Errorf("%d lines up to %d, breaks %v", n, book.Lines[n-1].Sequence, book.Breaks)
	}
	next := life(t, fsx.OS(), home)
	if got := namesOf(next.found); got != "" || next.sequence != 4000 || len(next.kept) != eventsKept {
		t.Errorf("found %q, sequence %d, %d kept", got, next.sequence, len(next.kept))
	}
}

// shaky fails every write of a file while it is told to, after half of it.
type shaky struct {
	fsx.FS
	fails bool
}

type shakyFile struct {
	fsx.File
	s *shaky
}

func (s *shaky) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	f, err := s.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return shakyFile{f, s}, nil
}

func (f shakyFile) WriteAt(p []byte, at int64) (int, error) {
	if !f.s.fails {
		return f.File.WriteAt(p, at)
	}
	n, _ := f.File.WriteAt(p[:len(p)/2], at)
	return n, errors.New("the disk is full")
}

func TestJournal_writesLaterWhatADiskRefused(t *testing.T) {
	home, files := t.TempDir(), &shaky{FS: fsx.OS()}
	l := life(t, files, home)
	l.tell(3)
	l.journal.write(time.Now(), false)
	files.fails = true
	for range 3 {
		l.tell(2)
		l.journal.write(time.Now(), false)
	}
	files.fails = false
	l.tell(1)
	l.journal.write(time.Now(), true)
	data, err := os.ReadFile(filepath.Join(home, "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	if book := journal.Read(data); len(book.Lines) != 10 || len(book.Breaks) != 0 || book.WholeBytes != len(data) {
		t.Errorf("%d lines of 10, breaks %v", len(book.Lines), book.Breaks)
	}
	if got := namesOf(l.journal.verify()); got != "" {
		t.Errorf("a failing disk looks like tampering: %q", got)
	}
}

// dim fails the first reads of the journal.
type dim struct {
	fsx.FS
	fails int
}

func (d *dim) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	if d.fails > 0 && strings.HasSuffix(name, "events.ndjson") {
		d.fails--
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("input/output error")}
	}
	return d.FS.OpenFile(name, flag, perm)
}

// Found by the campaign (resume/169/eio@journal:10): the events of the next life were
// numbered anew, and that looked like tampering.
func TestJournal_aReadThatFailsOnceDoesNotNumberAnew(t *testing.T) {
	home := t.TempDir()
	one := life(t, fsx.OS(), home)
	one.tell(4)
	one.journal.write(time.Now(), true)
	files := &dim{FS: fsx.OS(), fails: 1}
	two := life(t, files, home)
	two.tell(1)
	two.journal.write(time.Now(), true)
	if files.fails != 0 {
		t.Fatal("the fault did not strike")
	}
	if got := namesOf(two.found) + namesOf(two.journal.verify()); got != "" || two.sequence != 5 {
		t.Errorf("found %q, newest event %d, want nothing and 5", got, two.sequence)
	}
}

// fused panics at the next open.
type fused struct {
	fsx.FS
	lit bool
}

func (f *fused) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	if f.lit {
		f.lit = false
		panic("a defect at " + name)
	}
	return f.FS.OpenFile(name, flag, perm)
}

func TestJournal_aPanicInTheMiddleLosesNoLine(t *testing.T) {
	home, files := t.TempDir(), &fused{FS: fsx.OS()}
	l := life(t, files, home)
	l.tell(2)
	l.journal.write(time.Now(), true)
	l.tell(1)
	files.lit = true
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nothing panicked")
			}
		}()
		l.journal.write(time.Now(), false)
	}()
	l.tell(1)
	l.journal.write(time.Now(), true)
	if got := namesOf(l.journal.verify()); got != "" || l.journal.head.Sequence != 4 {
		t.Errorf("found %q, the journal goes to event %d; want 4", got, l.journal.head.Sequence)
	}
}

// unwritable is a disk on which nothing can be opened for writing for a while.
type unwritable struct {
	fsx.FS
	is atomic.Bool
}

func (s *unwritable) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	if s.is.Load() && flag&os.O_RDWR != 0 {
		return nil, fault.New(fault.Full, "open "+name, "no space left")
	}
	return s.FS.OpenFile(name, flag, perm)
}

// The last event before a quiet night was in memory only until the next one, and went with a kill.
func TestTree_eventsThatCouldNotBeWrittenDownAreSoonAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home, files := t.TempDir(), &unwritable{FS: fsx.OS()}
		events := &eventLog{database: "app"}
		events.keep(files, place{home: home}, slog.New(slog.DiscardHandler))
		system := newSystem(newRoutes(nil))
		cfg := treeConfig{peers: kit.NewPeers(system, rootName+"/app"), log: slog.New(slog.DiscardHandler), policy: standardPolicy(), database: "app", events: events}
		root, err := system.Root.SpawnNamed(rootProps(standardPolicy(), []*ward{{name: "app", props: treeProps(cfg)}}), rootName)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b := &bench{t: t, system: system, root: root}
		defer b.stop()
		files.is.Store(true)
		system.Root.Send(b.pid("app"), &messages.BackupFailed{Failure: messages.NewFailure("disk_full", "take backup", "the disk is full")})
		pass(10 * time.Minute)
		files.is.Store(false)
		pass(2 * time.Minute)
		data, err := os.ReadFile(place{home: home}.journalFile())
		if err != nil || !bytes.Contains(data, []byte("backup.failed")) {
			t.Errorf("%v: the journal holds %s, want the failed backup, too", err, data)
		}
	})
}
