package metrics_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func (w *world) historyFile() string { return filepath.Join(filepath.Dir(w.file), "history.json") }

// history asks for everything since a time, by name.
func (w *world) history(since time.Time) map[string]*messages.Series {
	w.T.Helper()
	ask := &messages.GetHistory{}
	if !since.IsZero() {
		ask.SinceUnixMs = since.UnixMilli()
	}
	out := map[string]*messages.Series{}
	for _, s := range testkit.Ask[*messages.History](w.Bench, w.pid, ask).Series {
		if out[s.Name] != nil {
			w.T.Errorf("%s is there twice", s.Name)
		}
		out[s.Name] = s
	}
	return out
}

func (w *world) sizes(database, wal, free int64) {
	w.Tell(w.pid, &messages.RecordSizes{DatabaseBytes: &database, WalBytes: &wal, FreeBytes: &free})
	w.Settle()
}

func values(s *messages.Series) (list []float64) {
	for _, p := range s.GetPoints() {
		list = append(list, p.Value)
	}
	return list
}

func wantValues(t *testing.T, s *messages.Series, unit string, want ...float64) {
	t.Helper()
	got := values(s)
	same := s.GetUnit() == unit && len(got) == len(want)
	for i := range min(len(got), len(want)) {
		same = same && got[i] == want[i]
	}
	if !same {
		t.Errorf("%s: got %v %s, want %v %s", s.GetName(), got, s.GetUnit(), want, unit)
	}
}

func backupOf(verified bool, rows ...int64) *messages.BackupTaken {
	content := &messages.Content{}
	for i, n := range rows {
		content.Tables = append(content.Tables, &messages.Table{Name: string(rune('a' + i)), Rows: n})
	}
	return &messages.BackupTaken{Backup: &messages.Backup{Verified: verified, Content: content}}
}

func TestGetHistory_hasEverythingThatCameBy(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		w.sizes(1000, 20, 5000)
		b.Tell(w.pid, backupOf(true, 7, 0))
		b.Tell(w.pid, backupOf(false, 99, 99))
		b.Tell(w.pid, &messages.WalGrew{WalBytes: 400})
		b.Advance(time.Hour)
		b.Tell(w.pid, &messages.WalCheckpointed{Outcome: &messages.CheckpointOutcome{WalBytesBefore: 300, WalBytesAfter: 0}})
		b.Tell(w.pid, &messages.WalCheckpointed{Outcome: &messages.CheckpointOutcome{WalBytesBefore: 900, SkippedBecause: "not in WAL mode"}})
		free := int64(4000)
		b.Tell(w.pid, &messages.RecordSizes{FreeBytes: &free}) // the database could not be seen
		w.record("backup.copy", 250*time.Millisecond)
		got := w.history(time.Time{})
		wantValues(b.T, got["database_bytes"], "bytes", 1000)
		wantValues(b.T, got["wal_bytes"], "bytes", 400, 300)
		wantValues(b.T, got["free_bytes"], "bytes", 5000, 4000)
		wantValues(b.T, got["rows:a"], "rows", 7)
		wantValues(b.T, got["rows:b"], "rows", 0)
		wantValues(b.T, got["duration_ms:backup.copy"], "ms", 250)
		if len(got) != 6 {
			b.T.Errorf("got %d series, want 6", len(got))
		}
		recent := w.history(time.Now().Add(-30 * time.Minute))
		if len(recent) != 3 || len(recent["free_bytes"].GetPoints()) != 1 {
			b.T.Errorf("of the last half hour: got %v", recent)
		}
	})
}

func TestGetHistory_medianOfADayIsAtNoonAndNotAhead(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		for range 3 {
			w.record("start", time.Second)
			b.Advance(24 * time.Hour)
		}
		b.Advance(time.Hour) // bubbles begin at midnight
		w.record("start", 2*time.Second)
		s := w.history(time.Time{})["duration_ms:start"]
		wantValues(b.T, s, "ms", 1000, 1000, 1000, 2000)
		for i, p := range s.GetPoints() {
			at := time.UnixMilli(p.TimeUnixMs).UTC()
			if i < 3 && at.Hour() != 12 || i == 3 && !at.Equal(time.Now().Truncate(time.Millisecond)) {
				b.T.Errorf("point %d is at %s", i, at)
			}
		}
	})
}

func TestHistory_isStoredWithinAMinuteAndOutlivesARestart(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		w.sizes(1000, 20, 5000)
		b.Advance(time.Minute)
		if _, err := os.Stat(w.historyFile()); err != nil {
			b.T.Errorf("after a minute there is no file: %v", err)
		}
		if _, err := os.Stat(w.file); err == nil {
			b.T.Error("metrics.json was written although no operation ended")
		}
		b.Tell(w.pid, backupOf(true, 7))
		b.Settle()
		b.Stop(w.pid)
		w.start()
		got := w.history(time.Time{})
		wantValues(b.T, got["database_bytes"], "bytes", 1000)
		wantValues(b.T, got["rows:a"], "rows", 7)
	})
}

func TestHistory_damagedBeginsAfreshAndTheRestGoesOn(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		w.record("start", time.Second)
		w.sizes(1000, 20, 5000)
		b.Stop(w.pid)
		if err := os.WriteFile(w.historyFile(), []byte(`{"version":1,"series":[{`), 0o600); err != nil {
			b.T.Fatal(err)
		}
		w.start()
		if got := w.history(time.Time{}); len(got) != 1 || got["duration_ms:start"] == nil {
			b.T.Errorf("got %v, want the operation alone", got)
		}
		if _, err := os.Stat(w.historyFile() + ".damaged"); err != nil {
			b.T.Errorf("the damaged file was not kept: %v", err)
		}
		w.sizes(2000, 0, 1)
		wantValues(b.T, w.history(time.Time{})["database_bytes"], "bytes", 2000)
	})
}

func TestHistory_passiveTellsAndTakesNothing(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		w.sizes(1000, 20, 5000)
		b.Stop(w.pid)
		before, err := os.ReadFile(w.historyFile())
		if err != nil {
			b.T.Fatal(err)
		}
		w.cfg.Passive = true
		w.start()
		w.sizes(2000, 20, 5000)
		b.Advance(10 * time.Minute)
		wantValues(b.T, w.history(time.Time{})["database_bytes"], "bytes", 1000)
		b.Stop(w.pid)
		if after, _ := os.ReadFile(w.historyFile()); string(after) != string(before) {
			b.T.Error("the file was written")
		}
	})
}

// TestHistory_ofAMonth goes through a month of hourly looks, with a restart every ten days.
func TestHistory_ofAMonth(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		w := newWorld(b, nil)
		w.start()
		for hour := range int64(32 * 24) {
			w.Tell(w.pid, &messages.RecordSizes{DatabaseBytes: &hour, WalBytes: proto.Int64(0)})
			b.Advance(time.Hour)
			if hour%(10*24) == 100 {
				b.Stop(w.pid)
				w.start()
			}
		}
		got := w.history(time.Time{})["database_bytes"].GetPoints()
		if n, want := len(got), 30*24+2; n < want-2 || n > want+2 || got[len(got)-1].Value != 32*24-1 {
			b.T.Errorf("got %d points up to %v, want about %d", n, got[len(got)-1].Value, want)
		}
		info, err := os.Stat(w.historyFile())
		if err != nil || info.Size() > 50_000 {
			b.T.Errorf("the file: %v, %v", info, err)
		}
	})
}
