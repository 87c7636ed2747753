package recovery

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/messages"
)

// fakeWorkshop makes candidates that hold content(7, 8), or fails as it is told.
type fakeWorkshop struct {
	mu     sync.Mutex
	fails  map[loss.Layer]fault.Code
	unfit  map[loss.Layer]bool // the candidate does not pass its check
	lost   int64
	asked  []loss.Layer
	rules  []check.RuleBreak
	during func() // while a candidate is made
}

func (s *fakeWorkshop) Reindex(_ context.Context, _, to string) (Candidate, error) {
	return s.make(loss.Reindex, to)
}

func (s *fakeWorkshop) Salvage(_ context.Context, o SalvageOrder) (Candidate, error) {
	layer := loss.Salvage
	if o.Base != "" {
		layer = loss.Merge
	}
	c, err := s.make(layer, o.To)
	if err == nil {
		c.Tables = []loss.Table{{Name: "a", Kept: 6, FromBase: 1, Lost: s.lost}, {Name: "b", Kept: 8}}
	}
	return c, err
}

func (s *fakeWorkshop) make(layer loss.Layer, to string) (Candidate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, layer)
	if code := s.fails[layer]; code != "" {
		return Candidate{}, fault.New(code, "make", "told to fail")
	}
	if s.during != nil {
		s.during()
	}
	c := content(7, 8)
	data, err := json.Marshal(c)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	verdict := check.OK
	if s.unfit[layer] {
		verdict = check.Damaged
	}
	return Candidate{Verdict: verdict, Content: c}, err
}

func (s *fakeWorkshop) Judge(context.Context, string) (check.Report, error) {
	return check.Report{Verdict: check.OK, RuleBreaks: s.rules}, nil
}

func damaged(w *world) { w.suspect, w.fence = true, true; w.write(damagedFile) }

func TestRepair_takesTheFirstLayerThatGivesACandidate(t *testing.T) {
	refused := map[loss.Layer]fault.Code{loss.Reindex: fault.Refused}
	for _, c := range []struct {
		name     string
		prepare  func(w *world)
		layer    string
		asked    []loss.Layer
		from, to string
	}{
		{name: "only indexes", layer: "reindex", asked: []loss.Layer{loss.Reindex}},
		{name: "tables", prepare: func(w *world) { w.shop.fails = refused }, layer: "merge", asked: []loss.Layer{loss.Reindex, loss.Merge}},
		{name: "a finding names a table", prepare: func(w *world) { w.findings = []*messages.Finding{{Object: "a"}} }, layer: "merge", asked: []loss.Layer{loss.Merge}},
		{name: "the new indexes do not pass", prepare: func(w *world) { w.shop.unfit = map[loss.Layer]bool{loss.Reindex: true} }, layer: "merge",
			asked: []loss.Layer{loss.Reindex, loss.Merge}},
		{name: "no backup", prepare: func(w *world) { w.shop.fails = refused; w.backups = nil }, layer: "salvage", asked: []loss.Layer{loss.Reindex, loss.Salvage}},
		{name: "a rotten backup", prepare: func(w *world) {
			w.shop.fails = refused
			if err := os.WriteFile(w.backups[0].Path, []byte("rot"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, layer: "salvage", asked: []loss.Layer{loss.Reindex, loss.Salvage}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				damaged(w)
				if c.prepare != nil {
					c.prepare(w)
				}
			}, func(w *world) {
				rep, f := w.ask(&messages.RepairDatabase{Confirmed: true})
				if f != nil {
					t.Fatal(f)
				}
				if got, want := w.live(), string(encode(t, content(7, 8))); got != want || rep.Layer != c.layer || !slices.Equal(w.shop.asked, c.asked) {
					t.Errorf("layer %q by %v, live %s; want %q by %v", rep.Layer, w.shop.asked, got, c.layer, c.asked)
				}
				if w.fence || w.wasAsked("TakeBackup before_restore") || !w.wasAsked("LiftFence restore") {
					t.Errorf("asked %v", w.asked)
				}
				data, err := os.ReadFile(rep.ReportFile)
				if err != nil || !strings.Contains(string(data), "<!doctype html>") || rep.EvidenceDir == "" {
					t.Errorf("report %q: %v, evidence %q", rep.ReportFile, err, rep.EvidenceDir)
				}
			})
		})
	}
}

func TestRepair_tellsBeforeAndAfter(t *testing.T) {
	inWorld(t, nil, damaged, func(w *world) {
		if _, f := w.ask(&messages.RepairDatabase{JobId: "job", Confirmed: true}); f != nil {
			t.Fatal(f)
		}
		if e, n := eventOf[*messages.RecoveryStarted](w); n != 1 || e.Automatic || e.JobId != "job" {
			t.Errorf("%d started %v", n, e)
		}
		if _, n := eventOf[*messages.RecoveryStep](w); n != len(repairInPlace()) {
			t.Errorf("%d steps, want %d", n, len(repairInPlace()))
		}
		if e, n := eventOf[*messages.RestoreFinished](w); n != 1 || e.Undo || e.Report.Layer != "reindex" || len(e.Report.Recovered) != 2 {
			t.Errorf("%d finished %v", n, e)
		}
		if _, f := w.ask(&messages.UndoRestore{}); f != nil || w.live() != damagedFile {
			t.Errorf("undo: %v, live %s", f, w.live())
		}
	})
}

func TestRepair_healthyDatabaseIsNeverTouched(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		old := w.live()
		_, f := w.ask(&messages.RepairDatabase{Confirmed: true})
		wantFailure(t, f, "refused", "never touched")
		if w.live() != old || len(w.sets()) != 0 || len(w.shop.asked) != 0 || w.wasAsked("OverwriteDatabase") || w.wasAsked("RaiseFence restore") {
			t.Errorf("it was touched: %v", w.asked)
		}
	})
}

// TestRepair_damageSinceTheLastCheckIsFound: that the last check said ok is no reason to refuse.
func TestRepair_damageSinceTheLastCheckIsFound(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.write(damagedFile) }, func(w *world) {
		rep, f := w.ask(&messages.RepairDatabase{Confirmed: true})
		if f != nil {
			t.Fatalf("the repair of a damaged database that was sound at its last check: %v", f)
		}
		if w.live() == damagedFile {
			t.Errorf("it is damaged as before: %v", rep)
		}
	})
}

func TestRepair_operationalErrorIsNoDamage(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.everChecked = false; w.write("BUSY") }, func(w *world) {
		_, f := w.ask(&messages.RepairDatabase{Confirmed: true})
		wantFailure(t, f, "busy", "not known whether")
		if len(w.sets()) != 0 || len(w.shop.asked) != 0 || w.live() != "BUSY" {
			t.Errorf("it was touched: %v", w.asked)
		}
	})
	for _, code := range []fault.Code{fault.IO, fault.Full, fault.NoMemory, fault.Interrupted} {
		inWorld(t, nil, func(w *world) {
			damaged(w)
			w.shop.fails = map[loss.Layer]fault.Code{loss.Reindex: code}
		}, func(w *world) {
			_, f := w.ask(&messages.RepairDatabase{Confirmed: true})
			wantFailure(t, f, string(code))
			if len(w.shop.asked) != 1 || w.live() != damagedFile || w.wasAsked("OverwriteDatabase") || !w.wasAsked("LiftFence restore") {
				t.Errorf("%s: asked %v", code, w.asked)
			}
		})
	}
}

func TestRepair_dryRunTellsTheLossAndLeavesNothing(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		damaged(w)
		w.shop.fails, w.shop.lost = map[loss.Layer]fault.Code{loss.Reindex: fault.Refused}, 4
	}, func(w *world) {
		rep, f := w.ask(&messages.RepairDatabase{DryRun: true})
		if f != nil {
			t.Fatal(f)
		}
		if !rep.DryRun || rep.Layer != "merge" || rep.Recovered[0].RowsLostEstimate != 4 || rep.Recovered[0].RowsFromBase != 1 || rep.BaseId == "" {
			t.Errorf("got %v", rep)
		}
		if w.live() != damagedFile || w.wasAsked("OverwriteDatabase") || w.wasAsked("RaiseFence restore") {
			t.Errorf("a preview changed something: %v", w.asked)
		}
		if sets := w.sets(); len(sets) != 1 || sets[0].rec.Kind != kindDamage {
			t.Errorf("got %d sets, want the evidence alone", len(sets))
		}
	})
}

func TestRepair_automaticWaitsForAPersonWhereALossIsToBeWeighed(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world)
		waits   bool
	}{
		"merge with a loss":    {func(w *world) { w.shop.lost = 2 }, false},
		"no backup and a loss": {func(w *world) { w.backups = nil; w.shop.lost = 2 }, true},
		"a red rule": {func(w *world) {
			w.shop.rules = []check.RuleBreak{{Rule: check.Rule{Name: "no negative totals", Severity: "red"}, Rows: 3}}
		}, true},
		"a yellow rule": {func(w *world) {
			w.shop.rules = []check.RuleBreak{{Rule: check.Rule{Name: "soft", Severity: "yellow"}, Rows: 3}}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(c *Config) { c.Automatic = true }, func(w *world) {
				damaged(w)
				w.shop.fails = map[loss.Layer]fault.Code{loss.Reindex: fault.Refused}
				c.prepare(w)
			}, func(w *world) {
				w.system.Root.Send(w.pid, &messages.DamageFound{})
				w.settle()
				if waits := w.live() == damagedFile; waits != c.waits {
					t.Fatalf("live %s, want it to wait: %v", w.live(), c.waits)
				}
				if !c.waits {
					return
				}
				if text, ok := w.condition(evidenceKept); !ok || !strings.Contains(text, "why=:") {
					t.Errorf("condition %q", text)
				}
				w.system.Root.Send(w.pid, &messages.DamageFound{})
				w.settle()
				if e, n := eventOf[*messages.RestoreFailed](w); n != 1 || !e.Repair || e.Failure.Code != "needs_confirmation" {
					t.Errorf("%d failed %v, want one try", n, e)
				}
				if _, f := w.ask(&messages.RepairDatabase{Confirmed: true}); f != nil || w.live() == damagedFile {
					t.Errorf("confirmed: %v", f)
				}
			})
		})
	}
}

func TestRepair_beginsAgainWhenSomebodyWrites(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		damaged(w)
		n := 0
		w.shop.during = func() {
			if n++; n == 1 {
				w.write(damagedFile + " and more")
			}
		}
	}, func(w *world) {
		rep, f := w.ask(&messages.RepairDatabase{Confirmed: true})
		if f != nil || len(w.shop.asked) != 2 {
			t.Fatalf("%v after %v", f, w.shop.asked)
		}
		data, err := os.ReadFile(filepath.Join(rep.EvidenceDir, "app.db"))
		if err != nil || string(data) != damagedFile+" and more" {
			t.Errorf("the evidence holds %s %v", data, err)
		}
	})
}

func TestRepair_whenSomebodyNeverStopsWritingChangesNothing(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		damaged(w)
		w.shop.during = func() { w.write(w.live() + "!") }
	}, func(w *world) {
		_, f := w.ask(&messages.RepairDatabase{Confirmed: true})
		wantFailure(t, f, "changed_meanwhile")
		if !strings.HasPrefix(w.live(), damagedFile) || len(w.shop.asked) != triesMax || !w.wasAsked("LiftFence restore") {
			t.Errorf("live %s after %v", w.live(), w.shop.asked)
		}
	})
}

// TestRepair_killedAtEveryStepEndsInOldOrNew is promise P7 for repairs: the next start
// finishes or calls off, and a repair by order then goes.
func TestRepair_killedAtEveryStepEndsInOldOrNew(t *testing.T) {
	for _, c := range []struct {
		name, stage, what, damaged string
		between                    func(w *world)
		old                        bool
	}{
		{name: "while the candidate is made", stage: "candidate", what: "hang", old: true},
		{name: "before the owner began", stage: "asked", what: "hang"},
		{name: "after the files were kept", stage: "kept", what: "hang"},
		{name: "after the content was written", stage: "written", what: "hang"},
		{name: "header gone and reset", stage: "reset", what: "hang", damaged: noHeaderFile},
		{name: "somebody wrote before the next start", stage: "asked", what: "hang", between: func(w *world) { w.write(damagedFile + " and more") }, old: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				damaged(w)
				if c.damaged != "" {
					w.write(c.damaged)
				}
				old := w.live()
				w.boot(nil)
				w.settle()
				reached := make(chan struct{}, 1)
				hang := func(stage string) string {
					if stage != c.stage {
						return ""
					}
					reached <- struct{}{}
					return c.what
				}
				w.set(hang)
				release := make(chan struct{})
				w.shop.during = func() {
					if hang("candidate") != "" {
						<-release
					}
				}
				go w.askAndForget(&messages.RepairDatabase{Confirmed: true})
				<-reached
				w.settle()
				if c.stage == "candidate" {
					// The process dies here: what the workshop makes later is never seen.
					close(release)
					w.kill()
				} else {
					w.kill()
				}
				w.shop.during = nil
				if c.between != nil {
					c.between(w)
					old = w.live()
				}
				w.boot(nil)
				w.settle()
				want := string(encode(t, content(7, 8)))
				if c.old {
					want = old
				}
				if got := w.live(); got != want {
					t.Errorf("after the next start live is %s, want %s", got, want)
				}
				if _, up := w.condition(restoreUnfinished); up {
					t.Error("the repair is called unfinished")
				}
				if c.old {
					if _, f := w.ask(&messages.RepairDatabase{Confirmed: true}); f != nil || w.live() != string(encode(t, content(7, 8))) {
						t.Errorf("the repair does not go when it is ordered again: %v, live %s", f, w.live())
					}
				}
				<-time.After(time.Second)
				w.noStrays()
				if kept := w.sets(); !slices.ContainsFunc(kept, func(s *set) bool { return s.rec.Kind == kindDamage }) {
					t.Error("the evidence is gone")
				}
				w.kill()
			})
		})
	}
}

func TestRepair_ofATreeThatIsATableLooksForNoIndex(t *testing.T) {
	for kind, want := range map[byte][]loss.Layer{13: {loss.Merge}, 10: {loss.Reindex}, 0: {loss.Reindex}} {
		inWorld(t, nil, func(w *world) {
			damaged(w)
			file := make([]byte, 2048)
			copy(file, damagedFile+"                    ")
			file[16], file[17] = 2, 0 // pages of 512 bytes
			file[2*512] = kind
			w.write(string(file))
			w.findings = []*messages.Finding{{Detail: "Tree 3 page 4: btreeInitPage() returns error code 11"}}
		}, func(w *world) {
			if _, f := w.ask(&messages.RepairDatabase{Confirmed: true}); f != nil || !slices.Equal(w.shop.asked, want) {
				t.Errorf("kind %d: %v, asked %v, want %v", kind, f, w.shop.asked, want)
			}
		})
	}
}

// TestRepair_withoutRoomSaysWhatIsNeededAndBeginsNothing is promise P8.
func TestRepair_withoutRoomSaysWhatIsNeededAndBeginsNothing(t *testing.T) {
	inWorld(t, func(c *Config) { c.FS = cramped{c.FS} }, damaged, func(w *world) {
		_, f := w.ask(&messages.RepairDatabase{Confirmed: true})
		wantFailure(t, f, string(fault.Full), "1 MB free", "17 MB are needed", "officer repair")
		if len(w.shop.asked) != 0 || w.live() != damagedFile || !w.wasAsked("LiftFence restore") {
			t.Errorf("asked %v %v", w.shop.asked, w.asked)
		}
	})
}

type cramped struct{ fsx.FS }

func (c cramped) Space(path string) (fsx.Space, error) {
	s, err := c.FS.Space(path)
	s.FreeBytes = 1 << 20
	return s, err
}

func TestRepair_automaticTriesAgainWhatMayPass(t *testing.T) {
	inWorld(t, func(c *Config) { c.Automatic = true }, func(w *world) {
		damaged(w)
		w.shop.fails = map[loss.Layer]fault.Code{loss.Reindex: fault.IO}
	}, func(w *world) {
		w.system.Root.Send(w.pid, &messages.DamageFound{})
		w.settle()
		if text, ok := w.condition(evidenceKept); !ok || !strings.Contains(text, "told to fail") || w.live() != damagedFile {
			t.Fatalf("condition %q, live %s", text, w.live())
		}
		w.shop.mu.Lock()
		w.shop.fails = nil
		w.shop.mu.Unlock()
		<-time.After(evidenceAgain + time.Second)
		w.settle()
		if w.live() == damagedFile {
			t.Error("it was not tried again")
		}
		<-time.After(time.Hour)
		w.settle()
		if n := len(w.shop.asked); n != 2 {
			t.Errorf("%d tries, want 2", n)
		}
	})
	inWorld(t, func(c *Config) { c.Automatic = true }, func(w *world) {
		damaged(w)
		w.shop.fails = map[loss.Layer]fault.Code{loss.Reindex: fault.IO}
	}, func(w *world) {
		w.system.Root.Send(w.pid, &messages.DamageFound{})
		<-time.After(24 * time.Hour)
		w.settle()
		if n := len(w.shop.asked); n != evidenceTriesMax {
			t.Errorf("%d tries of what never passes, want %d", n, evidenceTriesMax)
		}
	})
}
