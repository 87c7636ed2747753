package metrics_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/actors/metrics"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func TestLoad_whatADeviceDoesNotGiveIsReadAgain(t *testing.T) {
	for _, name := range []string{"metrics.json", "metrics.json.tail", "history.json", "history.json.tail"} {
		t.Run(name, func(t *testing.T) {
			testkit.Run(t, func(b *testkit.Bench) {
				w := newWorld(b, nil)
				w.start()
				for range 2 { // one into the file, one into its tail
					w.record("start", time.Second)
					w.Tell(w.pid, &messages.RecordSizes{DatabaseBytes: proto.Int64(7)})
					b.Advance(5 * time.Minute)
				}
				killed := w.pid
				w.cfg.FS = testkit.NewUnreadable(fsx.OS(), name, 2)
				w.pid = b.Spawn(metrics.Props(w.cfg), "officer/app/metrics2")
				w.record("start", time.Second)
				w.Tell(w.pid, &messages.RecordSizes{DatabaseBytes: proto.Int64(7)})
				if o := w.operation("start"); o.Count == 0 { // an answer, of what is known
					b.T.Errorf("got %v", o)
				}
				b.Advance(6 * time.Second)
				wantThree := func() {
					b.T.Helper()
					if o := w.operation("start"); o.Count != 3 {
						b.T.Errorf("got %d runs, want three", o.Count)
					}
					if got := len(w.history(time.Time{})["database_bytes"].GetPoints()); got != 3 {
						b.T.Errorf("got %d points, want three", got)
					}
				}
				wantThree()
				b.Advance(time.Minute)
				second := w.pid
				w.cfg.FS = fsx.OS()
				w.pid = b.Spawn(metrics.Props(w.cfg), "officer/app/metrics3")
				b.Settle()
				wantThree()
				if aside, _ := filepath.Glob(filepath.Join(w.cfg.Dir, "*.damaged")); len(aside) > 0 {
					b.T.Errorf("put aside: %v", aside)
				}
				b.Stop(killed)
				b.Stop(second)
				b.Stop(w.pid)
			})
		})
	}
}

func TestLoad_whatIsNeverGivenIsNeverReplaced(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		w.record("start", time.Second)
		b.Stop(w.pid)
		before, err := os.ReadFile(w.file)
		if err != nil {
			b.T.Fatal(err)
		}
		device := testkit.NewUnreadable(fsx.OS(), "metrics.json", 1<<20)
		w.cfg.FS = device
		w.start()
		for range 100 {
			w.record("start", time.Second)
			w.Tell(w.pid, &messages.RecordSizes{DatabaseBytes: proto.Int64(7)})
			b.Advance(5 * time.Minute)
		}
		if o := w.operation("start"); o.Count != 100 {
			b.T.Errorf("got %d runs, want those of this life", o.Count)
		}
		if tries := 1<<20 - device.Times.Load(); tries < 30 || tries > 45 {
			b.T.Errorf("read %d times in eight hours, want about four an hour", tries)
		}
		b.Stop(w.pid)
		if after, err := os.ReadFile(w.file); err != nil || !bytes.Equal(after, before) {
			b.T.Errorf("the file was replaced: %d bytes, %v", len(after), err)
		}
		if _, err := os.Stat(filepath.Join(w.cfg.Dir, "history.json")); err != nil {
			b.T.Errorf("the other file waits for this one: %v", err)
		}
	})
}
