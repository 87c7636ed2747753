package upkeep_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/upkeep"
)

const mb = 1_000_000

// file is a database of sizeBytes of which share is free.
func file(sizeBytes int64, share float64) upkeep.Facts {
	pages := sizeBytes / 4096
	return upkeep.Facts{PageSize: 4096, Pages: pages, FreePages: int64(float64(pages) * share), AutoVacuum: "none", WAL: true}
}

func TestDecide_cases(t *testing.T) {
	incremental := file(10*mb, 0.5)
	incremental.AutoVacuum = "incremental"
	cases := []struct {
		name string
		s    upkeep.Situation
		want upkeep.Refusal
		says string
	}{
		{"calendar, pays, idle", upkeep.Situation{Occasion: upkeep.Due, Facts: file(100*mb, 0.2), Idle: 5 * time.Minute}, upkeep.None, "20 %"},
		{"exactly a tenth pays", upkeep.Situation{Occasion: upkeep.Due, Facts: upkeep.Facts{PageSize: 4096, Pages: 100, FreePages: 10}, Idle: time.Hour}, upkeep.None, "10 %"},
		{"less than a tenth does not", upkeep.Situation{Occasion: upkeep.Due, Facts: file(100*mb, 0.09), Idle: time.Hour}, upkeep.NotPaying, "does not pay"},
		{"calendar, busy", upkeep.Situation{Occasion: upkeep.Due, Facts: file(100*mb, 0.2), Idle: time.Minute}, upkeep.NotNow, "busy"},
		{"overdue needs an hour", upkeep.Situation{Facts: file(100*mb, 0.2), Idle: 59 * time.Minute}, upkeep.NotNow, "busy"},
		{"overdue after an hour", upkeep.Situation{Facts: file(100*mb, 0.2), Idle: time.Hour}, upkeep.None, ""},
		{"too long for an hour", upkeep.Situation{Facts: file(900*mb, 0.2), Idle: 2 * time.Hour}, upkeep.NotNow, "hold writers up for about 9.0 s"},
		{"long in a long idle time", upkeep.Situation{Facts: file(900*mb, 0.2), Idle: 6 * time.Hour}, upkeep.None, ""},
		{"a slow disk is remembered", upkeep.Situation{Facts: file(100*mb, 0.2), Idle: 2 * time.Hour, Rate: 10 * mb}, upkeep.NotNow, "10.0 s"},
		{"asked, app works", upkeep.Situation{Occasion: upkeep.Asked, Facts: file(mb, 0.5), Idle: 3 * time.Second}, upkeep.NotNow, "3.0 s ago"},
		{"forced, app works", upkeep.Situation{Occasion: upkeep.Forced, Facts: file(900*mb, 0)}, upkeep.None, "ordered"},
		{"forced, suspect", upkeep.Situation{Occasion: upkeep.Forced, Facts: file(mb, 0.5), Suspect: "damage"}, upkeep.Unsafe, "damage"},
		{"forced, unknown collation", upkeep.Situation{Occasion: upkeep.Forced, Facts: file(mb, 0.5), CannotJudge: true}, upkeep.Unsafe, "collation"},
		{"forced, fenced", upkeep.Situation{Occasion: upkeep.Forced, Facts: file(mb, 0.5), Fenced: true}, upkeep.Unsafe, "held back"},
		{"forced, import", upkeep.Situation{Occasion: upkeep.Forced, Facts: file(mb, 0.5), Importing: true}, upkeep.Unsafe, "import"},
		{"due, import", upkeep.Situation{Occasion: upkeep.Due, Facts: file(mb, 0.5), Idle: 9 * time.Hour, Importing: true}, upkeep.NotNow, "import"},
		{"incremental needs no long idle time", upkeep.Situation{Facts: upkeep.Facts{PageSize: 4096, Pages: 1 << 20, FreePages: 1 << 19, AutoVacuum: "incremental"}, Idle: time.Hour}, upkeep.None, ""},
		{"empty file", upkeep.Situation{Occasion: upkeep.Due, Idle: time.Hour}, upkeep.NotPaying, "does not pay"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := upkeep.Decide(upkeep.Policy{}, c.s)
			if got.Refusal != c.want || !strings.Contains(got.Because, c.says) {
				t.Errorf("got %+v, want refusal %d saying %q", got, c.want, c.says)
			}
		})
	}
	if k := incremental.Kind(); k != upkeep.Incremental {
		t.Errorf("got kind %s, want %s", k, upkeep.Incremental)
	}
}

// Whatever the situation: nothing unsafe is done, an unforced run is bounded, and
// nobody who committed within the needed time is held up.
func TestDecide_invariants(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 20_000 {
		s := upkeep.Situation{
			Occasion: upkeep.Occasion(rng.IntN(4)), Idle: time.Duration(rng.Int64N(int64(10 * time.Hour))),
			Facts: file(rng.Int64N(5000*mb), rng.Float64()), Rate: rng.Int64N(500 * mb),
			CannotJudge: rng.IntN(4) == 0, Fenced: rng.IntN(4) == 0, Importing: rng.IntN(4) == 0,
		}
		if rng.IntN(4) == 0 {
			s.Suspect = "damage"
		}
		if rng.IntN(3) == 0 {
			s.Facts.AutoVacuum = "incremental"
		}
		d := upkeep.Decide(upkeep.Policy{}, s)
		if d.Because == "" {
			t.Fatalf("%+v: no reason", s)
		}
		if d.Refusal != upkeep.None {
			continue
		}
		if s.Suspect != "" || s.CannotJudge || s.Fenced || s.Importing {
			t.Fatalf("%+v: done although unsafe", s)
		}
		if s.Occasion == upkeep.Forced {
			continue
		}
		if s.Idle < time.Minute || d.Hold <= 0 {
			t.Fatalf("%+v: done without idleness or bound: %+v", s, d)
		}
		if s.Idle < 6*time.Hour && d.Hold > 4*time.Second {
			t.Fatalf("%+v: may hold an app up for %v", s, d.Hold)
		}
		if s.Facts.FreeShare() < 0.1 {
			t.Fatalf("%+v: does not pay", s)
		}
	}
}

func TestDecideAnalyze_waitsForAQuietMinuteButNotForEver(t *testing.T) {
	busy := upkeep.Situation{Occasion: upkeep.Due, Idle: time.Second}
	if d := upkeep.DecideAnalyze(busy, 0); d.Refusal != upkeep.NotNow {
		t.Errorf("busy: got %+v", d)
	}
	if d := upkeep.DecideAnalyze(busy, 6); d.Refusal != upkeep.None {
		t.Errorf("put off six times: got %+v", d)
	}
	busy.Occasion = upkeep.Asked
	if d := upkeep.DecideAnalyze(busy, 0); d.Refusal != upkeep.None {
		t.Errorf("asked: got %+v", d)
	}
	busy.Suspect = "damage"
	if d := upkeep.DecideAnalyze(busy, 9); d.Refusal != upkeep.Unsafe {
		t.Errorf("suspect: got %+v", d)
	}
}

func TestNeedBytes_isWhatVacuumWrites(t *testing.T) {
	wal := file(100*mb, 0.5)
	rollback := wal
	rollback.WAL = false
	if wal.NeedBytes() < 2*wal.LiveBytes() || rollback.NeedBytes() < rollback.LiveBytes()+rollback.SizeBytes() {
		t.Errorf("got %d and %d, want the temporary file and the journal", wal.NeedBytes(), rollback.NeedBytes())
	}
}

func TestRate_learnsSlowly(t *testing.T) {
	if got := upkeep.Rate(0, 100*mb, time.Second); got != 100*mb {
		t.Errorf("first run: got %d", got)
	}
	if got := upkeep.Rate(100*mb, 50*mb, time.Second); got != 75*mb {
		t.Errorf("second run: got %d, want the mean", got)
	}
	if got := upkeep.Rate(7, mb, time.Millisecond); got != 7 {
		t.Errorf("a run too short to measure: got %d, want what was known", got)
	}
}

func TestPutOff_afterThreeWeeks(t *testing.T) {
	now := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	if upkeep.PutOff(time.Time{}, now) || upkeep.PutOff(now.AddDate(0, 0, -21), now) || !upkeep.PutOff(now.AddDate(0, 0, -22), now) {
		t.Error("want overdue only after more than three weeks of a VACUUM that is wanted")
	}
}
