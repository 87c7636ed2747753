package maint_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/maint"
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// scene is the actor among its neighbours, who answer what the fields say.
type scene struct {
	*testkit.Bench
	pid                                                          *actor.PID
	home                                                         string
	tree, health, schedule, owner, integrity, disk, back, metric *testkit.Probe

	mu     sync.Mutex // the answers are given on other goroutines
	facts  *messages.DatabaseFacts
	idle   time.Duration
	fenced bool
	status *messages.IntegrityStatus
	room   *messages.SpaceVerdict
	backup any
	vacuum any
	onTake func()
}

func play(t *testing.T, cfg maint.Config, act func(s *scene)) {
	testkit.Run(t, func(b *testkit.Bench) {
		s := &scene{Bench: b, home: cmp.Or(cfg.Home, b.T.TempDir()), idle: 2 * time.Hour,
			facts:  &messages.DatabaseFacts{PageSize: 4096, PageCount: 1000, FreelistPages: 300, AutoVacuum: "none", JournalMode: "wal"},
			status: &messages.IntegrityStatus{}, room: &messages.SpaceVerdict{Allowed: true},
			backup: &messages.BackupReport{Skipped: true, Backup: &messages.Backup{Id: "b1", Verified: true}},
			vacuum: &messages.VacuumReport{BeforeBytes: 4096000, AfterBytes: 2867200, DurationMs: 40}}
		s.tree, s.health, s.schedule = b.Probe("officer/app"), b.Probe("officer/app/health"), b.Probe("officer/app/schedule")
		s.owner, s.integrity, s.disk = b.Probe("officer/app/dbowner"), b.Probe("officer/app/integrity"), b.Probe("officer/app/disk")
		s.back, s.metric = b.Probe("officer/app/backup"), b.Probe("officer/app/metrics")
		on(s, s.schedule, func(*messages.AddSchedule) any { return &messages.ScheduleAdded{} })
		on(s, s.owner, func(*messages.InspectDatabase) any { return s.facts })
		on(s, s.owner, func(*messages.GetActivity) any {
			return &messages.Activity{LastCommitUnixMs: 1, IdleMs: s.idle.Milliseconds()}
		})
		on(s, s.owner, func(*messages.GetOwnerStatus) any {
			return &messages.OwnerStatus{Fence: &messages.FenceState{Active: s.fenced}}
		})
		on(s, s.owner, func(*messages.VacuumDatabase) any { return s.vacuum })
		on(s, s.owner, func(*messages.AnalyzeDatabase) any { return &messages.AnalyzeReport{DurationMs: 5} })
		on(s, s.integrity, func(*messages.GetIntegrity) any { return s.status })
		on(s, s.disk, func(*messages.MayUse) any { return s.room })
		on(s, s.back, func(*messages.TakeBackup) any {
			if s.onTake != nil {
				s.onTake()
			}
			return s.backup
		})
		cfg.Peers, cfg.Log, cfg.Home, cfg.Files = kit.NewPeers(b.System(), "officer/app"), b.Log(), s.home, cmp.Or(cfg.Files, fsx.OS())
		cfg.Database = filepath.Join(s.home, "app.db")
		s.pid = b.Spawn(maint.Props(cfg), "officer/app/maint")
		b.Advance(time.Second)
		act(s)
	})
}

// on is testkit.On with the scene to itself.
func on[M any](s *scene, p *testkit.Probe, reply func(M) any) {
	testkit.On(p, func(m M) any {
		s.mu.Lock()
		defer s.mu.Unlock()
		return reply(m)
	})
}

// set changes what the neighbours answer.
func (s *scene) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// count tells how many messages of type M a probe heard.
func count[M any](p *testkit.Probe) (n int) {
	for _, h := range p.Heard() {
		if _, ok := h.Message.(M); ok {
			n++
		}
	}
	return n
}

func last[M any](p *testkit.Probe) (m M) {
	for _, h := range p.Heard() {
		if v, ok := h.Message.(M); ok {
			m = v
		}
	}
	return m
}

func (s *scene) dueVacuum() {
	s.Tell(s.pid, &messages.Due{Key: "maint.vacuum"})
	s.Advance(11 * time.Minute) // the quiet after the start
}

func TestConditions_makeARegistry(t *testing.T) {
	all := maint.Conditions()
	for _, code := range all[0].DependsOn {
		all = append(all, condition.Definition{Code: code, System: "other", Severity: condition.Red, Text: "x"})
	}
	if _, err := condition.NewRegistry(all...); err != nil {
		t.Error(err)
	}
}

func TestDue_vacuumsAfterAVerifiedBackup(t *testing.T) {
	play(t, maint.Config{}, func(s *scene) {
		s.dueVacuum()
		done := last[*messages.MaintenanceDone](s.tree)
		if r := done.GetReport(); r.GetKind() != "vacuum" || r.GetBackupId() != "b1" || r.GetBeforeBytes() != 4096000 || r.GetAfterBytes() != 2867200 {
			t.Fatalf("got %v, want the report of a vacuum", done)
		}
		if take := last[*messages.TakeBackup](s.back); take.GetReason() != "before_vacuum" || take.GetPriority() != messages.Priority_PRIORITY_BACKGROUND {
			t.Errorf("got %v, want a background backup before_vacuum", take)
		}
		if may := last[*messages.MayUse](s.disk); may.GetPurpose() != "vacuum" || may.GetBytes() != 1000*4096 {
			t.Errorf("got %v, want room asked for the whole file", may)
		}
		order := last[*messages.VacuumDatabase](s.owner)
		if order.GetBusyMs() != 200 || order.GetHoldMs() <= 0 || order.GetHoldMs() > 4000 || order.GetJob().GetPriority() != messages.Priority_PRIORITY_BACKGROUND {
			t.Errorf("got %v, want a bounded background job", order)
		}
		if op := last[*messages.RecordOperation](s.metric); op.GetName() != "maintain.vacuum" || op.GetDurationUs() != 40_000 {
			t.Errorf("got %v, want the operation recorded", op)
		}
		data, err := os.ReadFile(filepath.Join(s.home, "maintenance.json"))
		if err != nil || !json.Valid(data) || !strings.Contains(string(data), `"backup_id": "b1"`) {
			t.Errorf("got %s (%v), want it written down", data, err)
		}
		s.Advance(26 * time.Hour)
		if n := count[*messages.VacuumDatabase](s.owner); n != 1 {
			t.Errorf("got %d, want one vacuum a period", n)
		}
	})
}

func TestDue_isSkippedForAGoodReason(t *testing.T) {
	cases := map[string]struct {
		set  func(*scene)
		says string
	}{
		"app busy":     {func(s *scene) { s.idle = time.Second }, "busy"},
		"pays not":     {func(s *scene) { s.facts.FreelistPages = 9 }, "does not pay"},
		"suspect":      {func(s *scene) { s.status.Suspect = true }, "damage"},
		"cannot judge": {func(s *scene) { s.status.LastFull = &messages.CheckReport{Verdict: "cannot_judge"} }, "collation"},
		"fence":        {func(s *scene) { s.fenced = true }, "held back"},
		"disk":         {func(s *scene) { s.room = &messages.SpaceVerdict{Text: "it does not fit"} }, "does not fit"},
		"no integrity": {func(s *scene) { s.integrity.Die() }, "does not answer"},
		"busy after all": {func(s *scene) {
			s.vacuum = messages.NewFailure("busy", "vacuum", "the app committed just now")
		}, "gave way"},
		"busy after the backup": {func(s *scene) { s.onTake = func() { s.idle = 0 } }, "busy"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, maint.Config{}, func(s *scene) {
				s.set(func() { c.set(s) })
				s.dueVacuum()
				skipped := last[*messages.MaintenanceSkipped](s.tree)
				if r := skipped.GetReport(); !r.GetSkipped() || !strings.Contains(r.GetBecause(), c.says) {
					t.Errorf("got %v, want skipped because of %q", skipped, c.says)
				}
				if n := count[*messages.MaintenanceDone](s.tree); n != 0 {
					t.Error("it was done")
				}
			})
		})
	}
}

func TestDue_withoutAVerifiedBackupNothingIsRebuilt(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer any
	}{
		{"failed", messages.NewFailure("disk_full", "take backup", "no room")},
		{"unverified", &messages.BackupReport{Backup: &messages.Backup{Id: "b2"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, maint.Config{}, func(s *scene) {
				s.set(func() { s.backup = c.answer })
				s.dueVacuum()
				if _, err := s.Ask(s.pid, &messages.VacuumNow{Force: true}); err == nil {
					t.Error("a forced vacuum succeeded without a backup")
				}
				if n := count[*messages.VacuumDatabase](s.owner); n != 0 {
					t.Errorf("got %d orders to vacuum, want none", n)
				}
			})
		})
	}
}

func TestDue_putOffForABusyAppIsDoneAfterAnHourOfIdleness(t *testing.T) {
	play(t, maint.Config{}, func(s *scene) {
		s.set(func() { s.idle = time.Second })
		s.dueVacuum()
		s.set(func() { s.idle = 61 * time.Minute })
		s.Advance(2 * time.Hour)
		if n := count[*messages.MaintenanceDone](s.tree); n != 1 {
			t.Errorf("got %d, want it made up for", n)
		}
		if n := count[*messages.MaintenanceSkipped](s.tree); n != 1 {
			t.Errorf("got %d skipped events, want one a period", n)
		}
	})
}

func TestOverdue_isSaidAfterThreeWeeksAndClears(t *testing.T) {
	play(t, maint.Config{}, func(s *scene) {
		s.set(func() { s.idle = time.Second })
		s.dueVacuum()
		s.Advance(20 * 24 * time.Hour)
		if n := count[*messages.RaiseCondition](s.health); n != 0 {
			t.Fatal("raised too early")
		}
		s.Advance(2 * 24 * time.Hour)
		if r := last[*messages.RaiseCondition](s.health); r.GetCode() != "maintenance_overdue" || !strings.Contains(strings.Join(r.GetArgs(), " "), "30 %") {
			t.Fatalf("got %v, want maintenance_overdue with the share", r)
		}
		testkit.Ask[*messages.MaintenanceReport](s.Bench, s.pid, &messages.VacuumNow{Force: true})
		s.Settle()
		heard := s.health.Heard()
		if _, cleared := heard[len(heard)-1].Message.(*messages.ClearCondition); !cleared {
			t.Errorf("got %v last, want it cleared by the vacuum", heard[len(heard)-1].Message)
		}
	})
}

func TestVacuumNow_unforcedIsSkippedForcedIsDone(t *testing.T) {
	play(t, maint.Config{}, func(s *scene) {
		s.set(func() { s.idle, s.facts.FreelistPages = time.Second, 500 })
		if r := testkit.Ask[*messages.MaintenanceReport](s.Bench, s.pid, &messages.VacuumNow{}); !r.GetSkipped() || !strings.Contains(r.GetBecause(), "busy") {
			t.Errorf("got %v, want skipped", r)
		}
		if r := testkit.Ask[*messages.MaintenanceReport](s.Bench, s.pid, &messages.VacuumNow{Force: true}); r.GetSkipped() {
			t.Errorf("got %v, want it done", r)
		}
		if order := last[*messages.VacuumDatabase](s.owner); order.GetHoldMs() != 0 {
			t.Errorf("got %v, want no limit for an order", order)
		}
		s.set(func() { s.fenced = true })
		var f *messages.Failure
		if _, err := s.Ask(s.pid, &messages.VacuumNow{Force: true}); !errors.As(err, &f) || f.GetCode() != "refused" {
			t.Errorf("got %v, want refused under the fence", err)
		}
	})
}

func TestIncremental_whereTheFileHasIt(t *testing.T) {
	play(t, maint.Config{}, func(s *scene) {
		s.set(func() { s.facts.AutoVacuum = "incremental" })
		s.dueVacuum()
		if order := last[*messages.VacuumDatabase](s.owner); !order.GetIncremental() {
			t.Errorf("got %v, want steps", order)
		}
	})
}

func TestAnalyze_dailyAndAfterAnImportWithABackup(t *testing.T) {
	play(t, maint.Config{}, func(s *scene) {
		s.Tell(s.pid, &messages.Due{Key: "maint.analyze"})
		s.Advance(11 * time.Minute)
		if order := last[*messages.AnalyzeDatabase](s.owner); order == nil || order.GetFull() {
			t.Fatalf("got %v, want what is stale renewed", order)
		}
		if n := testkit.Ask[*messages.ImportNoted](s.Bench, s.pid, &messages.ImportStarted{Name: "csv", Bytes: 7}); n.GetRefused() {
			t.Fatalf("got %v", n)
		}
		if ask := last[*messages.MayUse](s.disk); ask.GetPurpose() != "import" || ask.GetBytes() != 7 {
			t.Errorf("got %v, want disk asked", ask)
		}
		if r := testkit.Ask[*messages.MaintenanceReport](s.Bench, s.pid, &messages.VacuumNow{}); !strings.Contains(r.GetBecause(), "import") {
			t.Errorf("got %v, want it to wait for the import", r)
		}
		if st := testkit.Ask[*messages.MaintenanceStatus](s.Bench, s.pid, &messages.GetMaintenance{}); !st.GetImporting() || st.GetPages() != 1000 {
			t.Errorf("got %v, want importing", st)
		}
		testkit.Ask[*messages.ImportNoted](s.Bench, s.pid, &messages.ImportFinished{Name: "csv", Rows: 3})
		s.Advance(time.Second)
		if order := last[*messages.AnalyzeDatabase](s.owner); !order.GetFull() {
			t.Errorf("got %v, want full statistics after an import", order)
		}
		if take := last[*messages.TakeBackup](s.back); take.GetReason() != "after_import" {
			t.Errorf("got %v, want a backup after the import", take)
		}
	})
}

// An owner that did not answer once cost an import its backup, and its statistics until the next day.
func TestImport_whatFollowsItFollowsLaterWhereItFails(t *testing.T) {
	play(t, maint.Config{}, func(s *scene) {
		s.Advance(11 * time.Minute)
		fails := true
		on(s, s.owner, func(*messages.InspectDatabase) any {
			if fails {
				fails = false
				return messages.NewFailure("no_answer", "inspect database", "it did not answer in time")
			}
			return s.facts
		})
		testkit.Ask[*messages.ImportNoted](s.Bench, s.pid, &messages.ImportStarted{Name: "csv", Bytes: 7})
		testkit.Ask[*messages.ImportNoted](s.Bench, s.pid, &messages.ImportFinished{Name: "csv", Rows: 3})
		s.Advance(time.Second)
		if take := last[*messages.TakeBackup](s.back); take.GetReason() != "after_import" {
			t.Errorf("got %v, want a backup after the import", take)
		}
		s.Advance(2 * time.Hour)
		if count[*messages.AnalyzeDatabase](s.owner) == 0 {
			t.Error("no statistics two hours after the import")
		}
	})
}

func TestImport_isRefusedWhenDiskSaysNo(t *testing.T) {
	play(t, maint.Config{}, func(s *scene) {
		s.set(func() { s.room = &messages.SpaceVerdict{Text: "too little room"} })
		if n := testkit.Ask[*messages.ImportNoted](s.Bench, s.pid, &messages.ImportStarted{Name: "csv"}); !n.GetRefused() || n.GetText() != "too little room" {
			t.Errorf("got %v, want refused with the words of disk", n)
		}
		s.disk.Die()
		if n := testkit.Ask[*messages.ImportNoted](s.Bench, s.pid, &messages.ImportStarted{Name: "csv", Bytes: 1 << 60}); !n.GetRefused() {
			t.Errorf("got %v, want refused by the room itself", n)
		}
	})
}

func TestPassive_schedulesNothing(t *testing.T) {
	play(t, maint.Config{Passive: true}, func(s *scene) {
		s.Tell(s.pid, &messages.Due{Key: "maint.vacuum"})
		s.Advance(24 * time.Hour)
		if len(s.schedule.Heard())+len(s.owner.Heard())+len(s.tree.Heard()) != 0 {
			t.Error("it did something unasked")
		}
		if r := testkit.Ask[*messages.MaintenanceReport](s.Bench, s.pid, &messages.VacuumNow{}); r.GetSkipped() {
			t.Errorf("got %v, want requests served", r)
		}
	})
}

// Statistics are pages too: a verb that finds no Officer running has the file checked first.
func TestPassive_analyzesNothingThatIsDamaged(t *testing.T) {
	play(t, maint.Config{Passive: true}, func(s *scene) {
		verdict := "damaged"
		on(s, s.integrity, func(*messages.CheckNow) any {
			return &messages.CheckReport{Verdict: verdict}
		})
		var f *messages.Failure
		if _, err := s.Ask(s.pid, &messages.AnalyzeNow{}); !errors.As(err, &f) || f.GetCode() != "corrupt" || count[*messages.AnalyzeDatabase](s.owner) != 0 {
			t.Errorf("got %v, %d orders; want a damaged database left as it is", err, count[*messages.AnalyzeDatabase](s.owner))
		}
		s.set(func() { verdict = "ok" })
		if r := testkit.Ask[*messages.MaintenanceReport](s.Bench, s.pid, &messages.AnalyzeNow{}); r.GetSkipped() {
			t.Errorf("got %v, want a sound one analyzed", r)
		}
	})
}

// A crash forgets neither what is owed nor what was done.
func TestCrash_owesWhatItOwed(t *testing.T) {
	play(t, maint.Config{}, func(s *scene) {
		s.set(func() { s.idle = time.Second })
		s.dueVacuum()
		s.set(func() { s.idle = 2 * time.Hour })
		process, _ := s.System().ProcessRegistry.Get(s.pid)
		process.SendSystemMessage(s.pid, &actor.Restart{})
		s.Advance(time.Hour)
		if n := count[*messages.MaintenanceDone](s.tree); n != 1 {
			t.Errorf("got %d, want the owed vacuum done after a crash", n)
		}
	})
}

// What stands in the file of an earlier life decides what is due.
func TestState_isReadAgainAndOtherFilesDoNoHarm(t *testing.T) {
	for name, content := range map[string]string{
		"ours":    `{"version":1,"settled_at":"1999-12-26T03:00:00Z","last_analyze":{"kind":"analyze","at":"1999-12-31T12:00:00Z"}}`,
		"garbage": "\x00\xff{", "foreign": `{"version":99}`, "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Run(t, func(b *testkit.Bench) {
				home := b.T.TempDir()
				if err := os.WriteFile(filepath.Join(home, "maintenance.json"), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				schedule := b.Probe("officer/app/schedule")
				b.Spawn(maint.Props(maint.Config{Peers: kit.NewPeers(b.System(), "officer/app"), Log: b.Log(), Home: home, Files: fsx.OS()}), "officer/app/maint")
				add := testkit.Expect[*messages.AddSchedule](schedule)
				settled := time.UnixMilli(add.GetLastDoneUnixMs()).UTC()
				if got := settled.Year() == 1999; got != (name == "ours") {
					t.Errorf("got %v as the last time", settled)
				}
			})
		})
	}
}
