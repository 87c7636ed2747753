package testkit_test

import (
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

func TestForeignWriter_everyAcknowledgedRowIsThere(t *testing.T) {
	for _, kind := range []testkit.Kind{testkit.WAL, testkit.Delete} {
		t.Run(string(kind), func(t *testing.T) {
			path := testkit.Build(t, t.TempDir(), kind)
			w := testkit.StartWriter(t, path, testkit.WriterOptions{PerSecond: 200})
			for w.Acknowledged() < 20 {
				testkit.WriterRows(t, path) // a reader meanwhile sees committed states only
			}
			r := w.Stop()
			if got := testkit.WriterRows(t, path); got != r.LastSeq || got != w.Acknowledged() || r.Acknowledged != got {
				t.Errorf("got %d rows, want what was acknowledged: %+v", got, r)
			}
			if r.Worst <= 0 || r.Worst < r.P50 || r.Failed > 0 || r.ReadsFailed > 0 {
				t.Errorf("got %+v, want latencies and no failure", r)
			}
			testkit.CheckDatabase(t, path)
		})
	}
}

func TestForeignWriter_killedLosesNothingAcknowledged(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.WAL)
	w := testkit.StartWriter(t, path, testkit.WriterOptions{PerSecond: 1000, BusyTimeout: time.Second})
	for w.Acknowledged() < 50 {
		testkit.WriterRows(t, path)
	}
	w.Kill()
	got, want := testkit.WriterRows(t, path), w.Acknowledged()
	if got != want && got != want+1 {
		t.Errorf("got %d rows, want the %d acknowledged ones and at most one more", got, want)
	}
}
