package dbowner_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/actors/dbowner"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/messages"
)

const (
	background  = messages.Priority_PRIORITY_BACKGROUND
	interactive = messages.Priority_PRIORITY_INTERACTIVE
	urgent      = messages.Priority_PRIORITY_URGENT
)

// inWorld runs a test on an owner of a fake database in a bubble.
func inWorld(t *testing.T, cfg dbowner.Config, f func(t *testing.T, w *world, db *fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db := newFake()
		cfg := cfg
		cfg.Opener = db
		w := newWorld(t, cfg)
		synctest.Wait()
		f(t, w, db)
		db.with(func() { db.check = nil })
		w.end()
		db.with(func() {
			for purpose, n := range db.open {
				if n != 0 {
					t.Errorf("%d connections for %s are open after the end", n, purpose)
				}
			}
			if db.held != 0 {
				t.Error("the write lock is held after the end")
			}
		})
	})
}

func TestConditions_makeARegistry(t *testing.T) {
	damage := condition.Definition{Code: "damage_found", System: "integrity", Severity: condition.Red, Text: "damaged"}
	full := condition.Definition{Code: "disk_writes_blocked", System: "disk", Severity: condition.Red, Text: "full"}
	if _, err := condition.NewRegistry(append(dbowner.Conditions(), damage, full)...); err != nil {
		t.Error(err)
	}
}

func TestJob_isAnsweredOnce(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, _ *fake) {
		p := w.ask(runCheck("", background, 0))
		advance(time.Second)
		if r, ok := p.only(t).(*messages.CheckReport); !ok || r.Verdict != "ok" {
			t.Errorf("got %v, want ok", p.answers)
		}
		if s := w.status(); s.State != "open" || s.Running != "" || s.Waiting != 0 {
			t.Errorf("got %v, want open and idle", s)
		}
	})
}

func TestPanickingWorker_askerIsToldAndAFreshOneGoesOn(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() {
			db.check = func(context.Context) (check.Report, error) { panic("a defect in the check") }
		})
		p := w.ask(runCheck("", background, 0))
		behind := w.ask(&messages.CheckpointDatabase{Job: &messages.Job{}})
		synctest.Wait()
		if f := p.failed(t, "internal"); !strings.Contains(f.Text, "a defect in the check") {
			t.Errorf("got %q, want the panic named", f.Text)
		}
		if s := w.status(); s.WorkerRestarts != 1 || s.State != "opening" || s.Waiting != 1 {
			t.Errorf("got %v, want one restart on its way and one job waiting", s)
		}
		advance(2 * time.Second)
		if _, ok := behind.only(t).(*messages.CheckpointReport); !ok {
			t.Errorf("got %v, want the waiting job done by the fresh worker", behind.answers)
		}
		if p.count() != 1 {
			t.Errorf("the asker of the crashed job got %d answers", p.count())
		}
	})
}

func TestPanickingHandler_askersAreToldAndTheFenceStays(t *testing.T) {
	log := slog.New(panicOn{slog.DiscardHandler, "fence lifted", new(sync.Once)})
	inWorld(t, dbowner.Config{Log: log}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.check = untilStopped })
		w.ask(&messages.RaiseFence{Reason: "damage"})
		w.ask(&messages.RaiseFence{Reason: "disk"})
		jobs := []*probe{w.ask(runCheck("", background, 0)), w.ask(runCheck("", background, 0))}
		synctest.Wait()
		lift := w.ask(&messages.LiftFence{Reason: "disk"}) // panics
		advance(time.Minute)
		if got := lift.failed(t, "internal"); !strings.Contains(got.Text, "a defect") {
			t.Errorf("got %q, want the defect named", got.Text)
		}
		for _, p := range jobs {
			p.failed(t, "actor_gone")
		}
		s := w.status()
		if !s.Fence.Held || len(s.Fence.Reasons) != 1 || s.Fence.Reasons[0] != "damage" {
			t.Errorf("got fence %v, want held for damage", s.Fence)
		}
		db.with(func() {
			if db.gaps != 0 {
				t.Errorf("the write lock was let go %d times by the restart", db.gaps)
			}
		})
	})
}

func TestStop_withFiveJobsWaitingAnswersEachOnce(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.check = untilStopped })
		probes := make([]*probe, 6)
		for i := range probes {
			probes[i] = w.ask(runCheck("", background, 0))
		}
		synctest.Wait()
		begun := time.Now()
		w.end()
		for _, p := range probes {
			p.failed(t, "actor_gone")
			if took := p.at[0].Sub(begun); took > 100*time.Millisecond {
				t.Errorf("answered after %s", took)
			}
		}
	})
}

func TestRestart_answersWaitersAndKeepsTheLockWithoutAGap(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.check = untilStopped })
		fence := w.ask(&messages.RaiseFence{Reason: "damage"})
		synctest.Wait()
		since := fence.only(t).(*messages.FenceState).SinceUnixMs
		probes := []*probe{w.ask(runCheck("", background, 0)), w.ask(runCheck("", background, 0)), w.ask(runCheck("", urgent, 0))}
		synctest.Wait()
		for range 3 {
			w.restart()
		}
		advance(time.Minute)
		for _, p := range probes {
			p.failed(t, "actor_gone")
		}
		if s := w.status(); !s.Fence.Held || s.Fence.SinceUnixMs != since || s.State != "open" {
			t.Errorf("got %v, want the fence held since %d", s, since)
		}
		db.with(func() {
			if db.gaps != 0 || db.opened[dbowner.ForFence] != 1 {
				t.Errorf("the lock was let go %d times, its connection opened %d times; want 0 and 1", db.gaps, db.opened[dbowner.ForFence])
			}
		})
	})
}

func TestDeadline_isHonoured(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.check = untilStopped })
		begun := time.Now()
		runs := w.ask(runCheck("", background, 300*time.Millisecond))
		waits := w.ask(runCheck("", background, 100*time.Millisecond))
		advance(time.Second)
		for _, c := range []struct {
			p    *probe
			want time.Duration
		}{{runs, 300 * time.Millisecond}, {waits, 100 * time.Millisecond}} {
			c.p.failed(t, "timeout")
			if got := c.p.at[0].Sub(begun); got < c.want || got > c.want+10*time.Millisecond {
				t.Errorf("answered after %s, want %s", got, c.want)
			}
		}
	})
}

func TestCancelJob_waitingRunningAndUnknown(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.check = untilStopped })
		runs, waits := w.ask(runCheck("runs", background, 0)), w.ask(runCheck("waits", background, 0))
		synctest.Wait()
		for id, found := range map[string]bool{"waits": true, "runs": true, "unknown": false} {
			c := w.ask(&messages.CancelJob{Id: id})
			synctest.Wait()
			if got := c.only(t).(*messages.JobCancelled).Found; got != found {
				t.Errorf("%s: got found %v, want %v", id, got, found)
			}
		}
		runs.failed(t, "interrupted")
		waits.failed(t, "interrupted")
	})
}

func TestQueue_urgentFirstThenInTheOrderAsked(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.check = lasting(time.Second) })
		w.ask(runCheck("running", background, 0))
		synctest.Wait()
		probes := map[string]*probe{}
		for _, j := range []struct {
			id string
			p  messages.Priority
		}{{"b1", background}, {"i1", interactive}, {"b2", background}, {"u1", urgent}, {"i2", interactive}, {"u2", urgent}} {
			probes[j.id] = w.ask(runCheck(j.id, j.p, 0))
			synctest.Wait()
		}
		advance(time.Minute)
		var last time.Time
		for _, id := range []string{"u1", "u2", "i1", "i2", "b1", "b2"} {
			probes[id].only(t)
			if at := probes[id].at[0]; !at.After(last) {
				t.Errorf("%s came before its turn", id)
			} else {
				last = at
			}
		}
	})
}

func TestQueue_fullIsOverloadedAndTwinsAreRefused(t *testing.T) {
	inWorld(t, dbowner.Config{QueueMax: 3}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.check = lasting(time.Second) })
		w.ask(runCheck("a", background, 0))
		synctest.Wait()
		w.ask(runCheck("a", background, 0)).failedSoon(t, "invalid")
		for i := range 3 {
			w.ask(runCheck(fmt.Sprint("w", i), background, 0))
		}
		w.ask(runCheck("w1", background, 0)).failedSoon(t, "overloaded")
	})
}

func (p *probe) failedSoon(t *testing.T, code string) {
	t.Helper()
	synctest.Wait()
	p.failed(t, code)
}

func TestStatusAndFence_answerAtOnceDuringAHeavyJob(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.check = untilStopped })
		w.ask(runCheck("heavy", background, 0))
		advance(10 * time.Second)
		begun := time.Now()
		if s := w.status(); s.Running != "check" || s.RunningId != "heavy" || s.RunningMs != 10_000 {
			t.Errorf("got %v, want the check running for 10 s", s)
		}
		p := w.ask(&messages.RaiseFence{Reason: "damage"})
		synctest.Wait()
		if s := p.only(t).(*messages.FenceState); !s.Held || !s.Active {
			t.Errorf("got %v, want held", s)
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("took %s of virtual time", took)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.events) != 1 || !w.events[0].Active || w.events[0].Reason != "damage" {
			t.Errorf("got events %v, want FenceChanged for damage", w.events)
		}
	})
}

func TestFence_holdsUntilTheLastReasonIsLifted(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		for _, step := range []struct {
			msg  any
			held bool
		}{
			{&messages.RaiseFence{Reason: "damage"}, true},
			{&messages.RaiseFence{Reason: "damage"}, true},
			{&messages.RaiseFence{Reason: "disk"}, true},
			{&messages.LiftFence{Reason: "damage"}, true},
			{&messages.LiftFence{Reason: "unknown"}, true},
			{&messages.LiftFence{Reason: "disk"}, false},
		} {
			p := w.ask(step.msg)
			synctest.Wait()
			if s := p.only(t).(*messages.FenceState); s.Held != step.held || s.Active != step.held {
				t.Errorf("%v: got %v, want held %v", step.msg, s, step.held)
			}
			if w.raised("fence_active") != step.held {
				t.Errorf("%v: the condition does not follow", step.msg)
			}
		}
	})
}

func TestFence_busyIsToldAndTakenLater(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.fenceErr = fault.New(fault.Busy, "raise fence", "busy") })
		p := w.ask(&messages.RaiseFence{Reason: "damage"})
		advance(3 * time.Second)
		if s := p.only(t).(*messages.FenceState); !s.Active || s.Held || s.Text == "" {
			t.Errorf("got %v, want wanted but not held, with the reason", s)
		}
		db.with(func() { db.fenceErr = nil })
		advance(10 * time.Second)
		if s := w.status(); !s.Fence.Held || s.Fence.Text != "" {
			t.Errorf("got %v, want held once the database was free", s.Fence)
		}
	})
}

func TestFence_withoutAHeaderIsAnsweredAtOnce(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.fenceErr = fault.New(fault.NotADatabase, "raise fence", "no header") })
		p := w.ask(&messages.RaiseFence{Reason: "damage"})
		synctest.Wait()
		if s := p.only(t).(*messages.FenceState); s.Held || !strings.Contains(s.Text, "header") {
			t.Errorf("got %v, want not held because of the header", s)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if !strings.Contains(strings.Join(w.conditions["fence_active"], " "), "cannot be enforced") {
			t.Errorf("got %v, want the condition to say that it cannot be enforced", w.conditions)
		}
	})
}

func TestOpenFailure_isToldAtOnceAndRetried(t *testing.T) {
	for _, c := range []struct {
		name      string
		err       error
		guard     bool
		code      string
		condition string
	}{
		{"missing", fault.New(fault.Missing, "open", "no such file"), false, "missing", "database_missing"},
		{"no permission", fault.New(fault.Permission, "open", "not permitted"), false, "permission", "database_unreachable"},
		{"foreign driver", fault.New(fault.ForeignDriver, "guard", "another SQLite"), true, "foreign_driver", "foreign_driver"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newFake()
				if c.guard {
					db.guardErr = c.err
				} else {
					db.openErr = c.err
				}
				w := newWorld(t, dbowner.Config{Opener: db})
				defer w.end()
				early := w.ask(runCheck("", background, 0))
				synctest.Wait()
				early.failed(t, c.code)
				late := w.ask(runCheck("", background, 0))
				synctest.Wait()
				late.failed(t, c.code)
				if s := w.status(); s.State != "failed" || !w.raised(c.condition) {
					t.Errorf("got %v and conditions %v, want failed and %s", s, w.conditions, c.condition)
				}
				db.with(func() {
					if len(db.opened) != 0 {
						t.Errorf("opened %v", db.opened)
					}
					db.openErr, db.guardErr = nil, nil
				})
				advance(2 * time.Minute)
				if s := w.status(); s.State != "open" || w.raised(c.condition) {
					t.Errorf("got %v, want open again and no condition", s)
				}
			})
		})
	}
}

func TestForeignDriver_appearingLaterClosesNothing(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.guardErr = fault.New(fault.ForeignDriver, "guard", "another SQLite") })
		advance(2 * time.Minute)
		w.ask(runCheck("", background, 0)).failedSoon(t, "foreign_driver")
		db.with(func() {
			// Closing would take the other driver's locks away.
			if db.open[dbowner.ForWork] != 1 || db.opened[dbowner.ForCheck] != 0 {
				t.Errorf("open %v, opened %v: want the connection left open and none opened", db.open, db.opened)
			}
		})
	})
}

func TestMovedFile_isRefusedUntilItIsBack(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.moved = true })
		w.ask(runCheck("", background, 0)).failedSoon(t, "database_moved")
		if !w.raised("database_moved") {
			t.Error("no condition database_moved")
		}
		db.with(func() { db.moved = false })
		advance(2 * time.Minute)
		p := w.ask(runCheck("", background, 0))
		synctest.Wait()
		if _, ok := p.only(t).(*messages.CheckReport); !ok || w.raised("database_moved") {
			t.Errorf("got %v, want a check again", p.answers)
		}
	})
}

func TestWatchdog_stuckIsToldAndClearedWhenItReturns(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		release := make(chan struct{})
		db.with(func() {
			db.check = func(context.Context) (check.Report, error) { // in a system call
				<-release
				return check.Report{Verdict: check.OK}, nil
			}
		})
		p := w.ask(runCheck("", background, time.Second))
		waiting := w.ask(&messages.CheckpointDatabase{Job: &messages.Job{}})
		advance(time.Minute)
		p.failed(t, "stuck")
		if s := w.status(); s.State != "stuck" || !w.raised("database_stuck") {
			t.Errorf("got %v, want stuck", s)
		}
		close(release)
		advance(time.Second)
		if s := w.status(); s.State != "open" || w.raised("database_stuck") {
			t.Errorf("got %v, want open again", s)
		}
		if _, ok := waiting.only(t).(*messages.CheckpointReport); !ok || p.count() != 1 {
			t.Errorf("got %v and %v, want the next job done and no second answer", waiting.answers, p.answers)
		}
	})
}

func TestProgress_atMostTenASecond(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, _ *fake) {
		p := w.ask(&messages.CopyDatabase{Job: &messages.Job{Progress: true}, ToPath: t.TempDir() + "/copy.db"})
		advance(10 * time.Second) // the copy takes one second and tells 1,000 times
		p.only(t)
		if p.progress < 5 || p.progress > 12 {
			t.Errorf("got %d progress messages, want about 10", p.progress)
		}
	})
}

func TestStorm_everyAskIsAnsweredOnce(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		n := 0
		db.with(func() {
			db.check = func(ctx context.Context) (check.Report, error) {
				db.mu.Lock()
				n++
				mine := n
				db.mu.Unlock()
				if mine%17 == 0 {
					panic("now and then")
				}
				return lasting(time.Duration(mine%5) * 10 * time.Millisecond)(ctx)
			}
		})
		var probes []*probe
		for i := range 960 {
			switch {
			case i%40 == 7:
				probes = append(probes, w.ask(&messages.RaiseFence{Reason: "damage"}))
			case i%40 == 27:
				probes = append(probes, w.ask(&messages.LiftFence{Reason: "damage"}))
			case i%11 == 0:
				probes = append(probes, w.ask(&messages.GetOwnerStatus{}))
			default:
				probes = append(probes, w.ask(runCheck("", messages.Priority(i%3), time.Duration(i%7+1)*time.Second)))
			}
			if i%300 == 299 {
				w.restart()
			}
			advance(time.Millisecond)
		}
		advance(10 * time.Minute)
		for i, p := range probes {
			if p.count() != 1 {
				t.Errorf("ask %d got %d answers: %v", i, p.count(), p.answers)
			}
		}
	})
}

func TestPassive_opensOnlyForAJob(t *testing.T) {
	inWorld(t, dbowner.Config{Passive: true}, func(t *testing.T, w *world, db *fake) {
		advance(time.Hour)
		db.with(func() {
			if len(db.opened) != 0 {
				t.Errorf("opened %v without being asked", db.opened)
			}
			db.openErr = fault.New(fault.Missing, "open", "no such file")
		})
		w.ask(runCheck("", interactive, 0)).failedSoon(t, "missing")
		db.with(func() { db.openErr = nil })
		p := w.ask(runCheck("", interactive, 0))
		synctest.Wait()
		if _, ok := p.only(t).(*messages.CheckReport); !ok {
			t.Errorf("got %v, want a check", p.answers)
		}
	})
}

// A checkpoint writes pages into the file: not into one from which rows may still be saved.
func TestCheckpoint_isRefusedWhileTheDamageFenceIsUp(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() { db.check = lasting(time.Minute) })
		w.ask(runCheck("", background, 0))
		queued := w.ask(&messages.CheckpointDatabase{Mode: "truncate"})
		w.ask(&messages.RaiseFence{Reason: "damage"})
		advance(2 * time.Minute)
		queued.failed(t, "refused")
		w.ask(&messages.LiftFence{Reason: "damage"})
		advance(time.Second)
		after := w.ask(&messages.CheckpointDatabase{Mode: "truncate"})
		index := w.ask(&messages.InspectWal{})
		advance(time.Second)
		if r, ok := after.only(t).(*messages.CheckpointReport); !ok || r.LogFrames != 3 {
			t.Errorf("got %v after the fence was lifted, want a report", after.answers)
		}
		if r, ok := index.only(t).(*messages.WalIndex); !ok || !r.Known || r.ReadMarks[1] != 5 || r.ReadMarks[2] != -1 {
			t.Errorf("got %v, want the wal-index", index.answers)
		}
	})
}

// Who checks, how much of the machine it gets, and what is told of its progress.
func TestRunCheck_passesOnHowItIsMade(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		db.with(func() {
			db.check = func(context.Context) (check.Report, error) {
				return check.Report{Verdict: check.OK, Engine: check.EngineSQLite, Reason: "why", Findings: []check.Finding{{Kind: "index", Rowid: 7, HasRowid: true}}}, nil
			}
		})
		asked := w.ask(&messages.RunCheck{Sqlite: true, Job: &messages.Job{Id: "mine", Priority: background, Progress: true}})
		keys := w.ask(&messages.RunCheck{Kind: messages.CheckKind_CHECK_KIND_FOREIGN_KEYS, Job: &messages.Job{Priority: interactive}})
		advance(time.Second)
		r, ok := asked.only(t).(*messages.CheckReport)
		if !ok || r.Engine != "sqlite" || r.EngineReason != "why" || len(r.Findings) != 1 || r.Findings[0].Rowid != 7 || !r.Findings[0].HasRowid {
			t.Errorf("got %v", asked.answers)
		}
		if _, ok := keys.only(t).(*messages.CheckReport); !ok {
			t.Errorf("got %v", keys.answers)
		}
		var got []string
		db.with(func() {
			for _, o := range db.asked {
				got = append(got, fmt.Sprint(o.Kind, " ", o.SQLite, " ", o.Alone, " ", o.OrphansMax > 0))
			}
		})
		if want := []string{"full true true true", "foreign_keys false false true"}; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
