package metrics_test

import (
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/actors/metrics"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// counting counts the bytes that are written through it.
type counting struct {
	fsx.FS
	bytes *atomic.Int64
}

type countingFile struct {
	fsx.File
	bytes *atomic.Int64
}

func (f countingFile) Write(p []byte) (int, error) {
	f.bytes.Add(int64(len(p)))
	return f.File.Write(p)
}

func (c counting) wrap(f fsx.File, err error) (fsx.File, error) {
	if err != nil {
		return nil, err
	}
	return countingFile{f, c.bytes}, nil
}

func (c counting) Create(name string) (fsx.File, error) { return c.wrap(c.FS.Create(name)) }

func (c counting) OpenFile(name string, flag int, perm os.FileMode) (fsx.File, error) {
	return c.wrap(c.FS.OpenFile(name, flag, perm))
}

func TestStore_aSampleCostsTheSameHoweverMuchIsKnown(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		var written atomic.Int64
		w := newWorld(b, func(c *metrics.Config) { c.FS = counting{c.FS, &written} })
		w.start()
		for day := range int64(30) {
			for i := range 100 {
				w.record("app.job"+string(rune('a'+i%20)), time.Duration(i)*time.Millisecond)
			}
			w.Tell(w.pid, &messages.RecordSizes{DatabaseBytes: proto.Int64(day), WalBytes: proto.Int64(day), FreeBytes: proto.Int64(day)})
			b.Advance(24 * time.Hour)
		}
		w.record("start", time.Second)
		w.Tell(w.pid, &messages.RecordSizes{DatabaseBytes: proto.Int64(1)})
		b.Advance(time.Minute) // both files are whole now
		info, err := os.Stat(w.file)
		if err != nil || info.Size() < 50_000 {
			b.T.Fatalf("%v %v, want a file that is not small", info, err)
		}
		before := written.Load()
		const samples = 50
		for i := range int64(samples) {
			w.record("start", time.Second)
			w.Tell(w.pid, &messages.RecordSizes{DatabaseBytes: &i})
			b.Advance(time.Minute)
		}
		if cost := (written.Load() - before) / samples; cost > 250 {
			b.T.Errorf("a minute with two samples wrote %d bytes, want their lines", cost)
		}
		b.Advance(time.Hour)
		w.record("start", time.Second)
		b.Advance(time.Minute)
		data, err := os.ReadFile(w.file)
		if o := w.operation("start"); err != nil || o.Count != samples+2 || strings.Count(string(data), "1000000,") < samples+2 {
			b.T.Errorf("%d runs (%v); the file is not made whole within the hour", o.GetCount(), err)
		}
	})
}

// Each life but the first begins after a kill: beside one that is not ended.
func TestKill_losesNothingOfWhatATailHas(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		for range 3 {
			w.record("start", time.Second)
			w.Tell(w.pid, &messages.RecordSizes{DatabaseBytes: proto.Int64(77)})
			b.Advance(5 * time.Minute)
		}
		if _, err := os.Stat(w.file + ".tail"); err != nil {
			b.T.Fatalf("there is no tail: %v", err)
		}
		tail, err := os.OpenFile(w.file+".tail", os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			b.T.Fatal(err)
		}
		if _, err := tail.WriteString(`{"at":17`); err != nil { // a power cut in the middle of a line
			b.T.Fatal(err)
		}
		if err := tail.Close(); err != nil {
			b.T.Fatal(err)
		}
		killed := w.pid
		w.pid = b.Spawn(metrics.Props(w.cfg), "officer/app/metrics2")
		b.Settle()
		if o := w.operation("start"); o.Count != 3 || o.Days[0].Count != 3 {
			b.T.Errorf("got %v, want three runs", o)
		}
		if got := len(w.history(time.Time{})["database_bytes"].GetPoints()); got != 3 {
			b.T.Errorf("got %d points, want three", got)
		}
		w.record("start", time.Second) // goes on from a file of its own
		b.Advance(time.Minute)
		w.record("start", time.Second)
		b.Advance(time.Minute)
		second := w.pid
		w.pid = b.Spawn(metrics.Props(w.cfg), "officer/app/metrics3")
		b.Settle()
		if o := w.operation("start"); o.Count != 5 {
			b.T.Errorf("got %v, want five runs", o)
		}
		for _, pid := range []*actor.PID{killed, second, w.pid} {
			b.Stop(pid)
		}
	})
}

// A tail that somebody cut or replaced is not gone on from.
func TestStore_aTailThatIsNotWhatWasWrittenIsBegunAnew(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		for range 2 {
			w.record("start", time.Second)
			b.Advance(time.Minute)
		}
		elsewhere := w.file + ".elsewhere"
		if err := os.Rename(w.file+".tail", elsewhere); err != nil {
			b.T.Fatal(err)
		}
		if err := os.Symlink(elsewhere, w.file+".tail"); err != nil {
			b.T.Fatal(err)
		}
		before, err := os.ReadFile(elsewhere)
		if err != nil {
			b.T.Fatal(err)
		}
		w.record("start", time.Second)
		b.Advance(3 * time.Minute)
		after, err := os.ReadFile(elsewhere)
		if err != nil || string(after) != string(before) {
			b.T.Errorf("written through a link: %q %v", after, err)
		}
		killed := w.pid
		w.pid = b.Spawn(metrics.Props(w.cfg), "officer/app/metrics2")
		b.Settle()
		if o := w.operation("start"); o.Count != 3 {
			b.T.Errorf("got %v, want three runs", o)
		}
		b.Stop(killed)
		b.Stop(w.pid)
	})
}
