package integrity_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/integrity"
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

const (
	full        = messages.CheckKind_CHECK_KIND_FULL
	quick       = messages.CheckKind_CHECK_KIND_QUICK
	foreignKeys = messages.CheckKind_CHECK_KIND_FOREIGN_KEYS
)

// bench is an integrity actor among fakes of its neighbours.
type bench struct {
	t      *testing.T
	system *actor.ActorSystem
	pid    *actor.PID
	pids   []*actor.PID

	mu        sync.Mutex
	answers   []any // of the owner to RunCheck, in order; then the last one again
	delay     time.Duration
	fence     []any // of the owner to RaiseFence, likewise; empty = held
	checks    []*messages.RunCheck
	fences    []string // "raise damage", "lift damage"
	events    []string // "checked ok", "damage", "gone"
	up        map[string][]string
	schedules map[string]*messages.AddSchedule
	done      []string
}

func bareBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, up: make(map[string][]string), schedules: make(map[string]*messages.AddSchedule)}
	b.system = actor.NewActorSystemWithConfig(actor.Configure(
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) })))
	b.spawn("db", b.tree)
	b.spawn("db/dbowner", b.owner)
	b.spawn("db/health", b.health)
	b.spawn("db/schedule", b.schedule)
	t.Cleanup(func() {
		for _, pid := range slices.Backward(b.pids) {
			_ = kit.StopTree(context.Background(), b.system, pid)
		}
		pass(time.Second)
	})
	return b
}

// start runs the actor; the owner answers RunCheck with answers.
func start(t *testing.T, cfg integrity.Config, answers ...any) *bench {
	t.Helper()
	b := bareBench(t)
	b.answers = answers
	b.begin(cfg)
	return b
}

func (b *bench) begin(cfg integrity.Config) {
	cfg.Peers = kit.NewPeers(b.system, "db")
	if cfg.Database == "" {
		cfg.Database = "/data/my app.db"
	}
	var err error
	if b.pid, err = b.system.Root.SpawnNamed(integrity.Props(cfg), "db/integrity"); err != nil {
		b.t.Fatal(err)
	}
	b.pids = append(b.pids, b.pid)
	synctest.Wait()
}

func (b *bench) spawn(id string, receive actor.ReceiveFunc) {
	pid, err := b.system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		b.mu.Lock()
		defer b.mu.Unlock()
		receive(ctx)
	}), id)
	if err != nil {
		b.t.Fatal(err)
	}
	b.pids = append(b.pids, pid)
}

func (b *bench) owner(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.RunCheck:
		b.checks = append(b.checks, m)
		if m.GetJob().GetProgress() {
			ctx.Respond(&messages.Progress{JobId: m.GetJob().GetId(), Stage: "check", Done: 1, Total: 2})
		}
		if len(b.answers) == 0 {
			return // never answers
		}
		a := b.answers[0]
		if len(b.answers) > 1 {
			b.answers = b.answers[1:]
		}
		if r, ok := a.(*messages.CheckReport); ok {
			a = &messages.CheckReport{Verdict: r.Verdict, Engine: "sqlite", Kind: m.GetKind(), Findings: r.Findings,
				ForeignKeys: r.ForeignKeys, Rules: r.Rules}
		}
		to := ctx.Sender()
		time.AfterFunc(b.delay, func() { b.system.Root.Send(to, a) })
	case *messages.RaiseFence:
		b.fences = append(b.fences, "raise "+m.GetReason())
		var a any = &messages.FenceState{Active: true, Held: true}
		if len(b.fence) > 0 {
			a, b.fence = b.fence[0], b.fence[1:]
		}
		ctx.Respond(a)
	case *messages.LiftFence:
		b.fences = append(b.fences, "lift "+m.GetReason())
		ctx.Respond(&messages.FenceState{})
	}
}

func (b *bench) tree(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.IntegrityChecked:
		b.events = append(b.events, "checked "+m.GetReport().GetVerdict())
	case *messages.DamageFound:
		b.events = append(b.events, "damage")
	case *messages.DamageGone:
		b.events = append(b.events, "gone")
	}
}

func (b *bench) health(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.RaiseCondition:
		b.up[m.GetCode()] = m.GetArgs()
	case *messages.ClearCondition:
		delete(b.up, m.GetCode())
	}
}

func (b *bench) schedule(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.AddSchedule:
		b.schedules[m.GetKey()] = m
		ctx.Respond(&messages.ScheduleAdded{})
	case *messages.ScheduleDone:
		b.done = append(b.done, m.GetKey())
	}
}

// seen gives what happened so far, after everything came to rest.
func (b *bench) seen() (events, fences, codes string) {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.events, ", "), strings.Join(b.fences, ", "), strings.Join(slices.Sorted(maps.Keys(b.up)), " ")
}

func (b *bench) args(code string) string {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.up[code], "|")
}

func (b *bench) runs() int {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.checks)
}

func (b *bench) answerWith(answers ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = answers
}

func (b *bench) send(msg any) {
	b.system.Root.Send(b.pid, msg)
	synctest.Wait()
	pass(time.Second)
	synctest.Wait()
}

func (b *bench) crash() {
	process, _ := b.system.ProcessRegistry.Get(b.pid)
	process.SendSystemMessage(b.pid, &actor.Restart{})
	synctest.Wait()
}

func (b *bench) status() *messages.IntegrityStatus {
	b.t.Helper()
	s, err := ask[*messages.IntegrityStatus](b, &messages.GetIntegrity{}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func ask[R any](b *bench, msg any, progress func(*messages.Progress)) (R, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	defer cancel()
	return kit.Ask[R](ctx, b.system, b.pid, msg, progress)
}

func verdict(v string, objects ...string) *messages.CheckReport {
	r := &messages.CheckReport{Verdict: v}
	for _, o := range objects {
		r.Findings = append(r.Findings, &messages.Finding{Kind: "structure", Object: o, Detail: "row 1 missing"})
	}
	return r
}

func failure(code string) *messages.Failure {
	return messages.NewFailure(code, "check database", "the %s", code)
}

func TestStarted_checksFullyAtOnceAndAddsSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := []*messages.Rule{{Name: "r", Sql: "SELECT 1"}}
		b := start(t, integrity.Config{Rules: rules}, verdict("ok"))
		events, fences, codes := b.seen()
		if events != "checked ok" || fences != "" || codes != "" {
			t.Errorf("events %q, fences %q, conditions %q; want checked ok only", events, fences, codes)
		}
		c := b.checks[0]
		if c.GetKind() != full || c.GetJob().GetPriority() != messages.Priority_PRIORITY_INTERACTIVE || len(c.GetRules()) != 1 || c.GetJob().GetTimeoutMs() == 0 {
			t.Errorf("check %v, want a full, interactive one with rules", c)
		}
		if s := b.schedules["integrity.full"]; s.GetEveryMs() != (24*time.Hour).Milliseconds() || s.GetLastDoneUnixMs() == 0 {
			t.Errorf("full schedule %v, want daily and the start's check counted", s)
		}
		if s := b.schedules["integrity.foreign_keys"]; s.GetEveryMs() != (6*time.Hour).Milliseconds() || s.GetLastDoneUnixMs() != 0 {
			t.Errorf("foreign-key schedule %v, want each 6 h, due at once", s)
		}
		b.send(&messages.Due{Key: "integrity.foreign_keys"})
		b.send(&messages.Due{Key: "integrity.full"})
		if n := b.runs(); n != 3 || b.checks[1].GetKind() != foreignKeys || b.checks[2].GetJob().GetPriority() != messages.Priority_PRIORITY_BACKGROUND {
			t.Errorf("checks after both were due: %v", b.checks)
		}
		if s := b.status(); s.GetSuspect() || s.GetLastFull() == nil || s.GetLastForeignKeys() == nil {
			t.Errorf("status %v", s)
		}
	})
}

func TestStarted_onStartIsASetting(t *testing.T) {
	for on, want := range map[string]int{"": 1, "full": 1, "quick": 1, "off": 0} {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, integrity.Config{OnStart: on}, verdict("ok"))
			if n := b.runs(); n != want {
				t.Errorf("on_start %q: %d checks, want %d", on, n, want)
			}
			if on == "quick" && b.checks[0].GetKind() != quick {
				t.Errorf("kind %v, want quick", b.checks[0].GetKind())
			}
		})
	}
}

func TestDamage_isActedOnWhenSeenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{FenceOnDamage: true}, verdict("damaged", "orders", "orders", "orders_by_date", "a", "b"))
		events, fences, codes := b.seen()
		if events != "damage, checked damaged" || fences != "raise damage" || codes != "damage_found" {
			t.Errorf("events %q, fences %q, conditions %q", events, fences, codes)
		}
		want := "what=orders, orders_by_date, a and 1 more|fence=Writes are held back.|database='/data/my app.db'"
		if got := b.args("damage_found"); got != want {
			t.Errorf("args %q, want %q", got, want)
		}
		if n := b.runs(); n != 2 {
			t.Errorf("%d checks, want 2", n)
		}
		if s := b.status(); !s.GetSuspect() || s.GetSuspectSinceUnixMs() == 0 || s.GetLastFull().GetVerdict() != "damaged" {
			t.Errorf("status %v", s)
		}
		b.send(&messages.Due{Key: "integrity.full"}) // the same damage again: no second alarm
		if events, _, _ := b.seen(); events != "damage, checked damaged, checked damaged" {
			t.Errorf("events %q after the daily check", events)
		}
	})
}

func TestDamage_seenOnceIsNone(t *testing.T) {
	for _, first := range []any{verdict("damaged", "x"), failure("corrupt"), failure("not_a_database")} {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, integrity.Config{FenceOnDamage: true}, first, verdict("ok"))
			if events, fences, codes := b.seen(); events != "checked ok" || fences != "" || codes != "" {
				t.Errorf("%v, then ok: events %q, fences %q, conditions %q", first, events, fences, codes)
			}
		})
	}
}

func TestDamage_failuresOfTheOwner(t *testing.T) {
	tests := []struct {
		code    string
		damaged bool
	}{
		{"corrupt", true}, {"not_a_database", true},
		{"busy", false}, {"io_error", false}, {"disk_full", false}, {"out_of_memory", false}, {"interrupted", false},
		{"read_only", false}, {"too_big", false}, {"missing", false}, {"permission", false}, {"database_moved", false},
		{"timeout", false}, {"stuck", false}, {"internal", false}, {"foreign_driver", false}, {"overloaded", false},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, integrity.Config{FenceOnDamage: true}, failure(tt.code))
				pass(30 * time.Hour)
				events, fences, _ := b.seen()
				if damaged := strings.Contains(events, "damage"); damaged != tt.damaged || (fences != "") != tt.damaged {
					t.Errorf("events %q, fences %q; want damage %v", events, fences, tt.damaged)
				}
				if n := b.runs(); !tt.damaged && (n < 20 || n > 60) {
					t.Errorf("%d tries in 30 h, want them with a growing wait", n)
				}
			})
		})
	}
}

func TestDamage_confirmationOutlastsPassingFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{FenceOnDamage: true}, verdict("damaged", "x"), failure("busy"), failure("io_error"), failure("not_a_database"))
		if events, _, _ := b.seen(); events != "" {
			t.Errorf("events %q before the second look", events)
		}
		pass(time.Hour)
		if events, fences, _ := b.seen(); events != "damage, checked damaged" || fences != "raise damage" {
			t.Errorf("events %q, fences %q", events, fences)
		}
		if got := b.args("damage_found"); !strings.Contains(got, "what=the header of the file|") {
			t.Errorf("args %q, want the header named", got)
		}
	})
}

func TestFence_notHeldIsSaidUntilItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bareBench(t)
		b.answers = []any{failure("not_a_database")}
		b.fence = []any{&messages.FenceState{Active: true, Text: "header gone"}, failure("no_answer"), &messages.FenceState{Active: true}}
		b.begin(integrity.Config{FenceOnDamage: true})
		if got := b.args("damage_found"); !strings.Contains(got, "fence=Writes could not be held back: stop the application now.") {
			t.Errorf("args %q", got)
		}
		pass(time.Minute)
		if got := b.args("damage_found"); !strings.Contains(got, "fence=Writes are held back.") {
			t.Errorf("args after a minute %q", got)
		}
		if n := len(b.fences); n != 4 {
			t.Errorf("%d requests for the fence, want 4", n)
		}
	})
}

func TestFence_isASetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{}, verdict("damaged", "x"))
		if _, fences, codes := b.seen(); fences != "" || codes != "damage_found" {
			t.Errorf("fences %q, conditions %q", fences, codes)
		}
		if got := b.args("damage_found"); !strings.Contains(got, "fence.on_damage is off") {
			t.Errorf("args %q", got)
		}
	})
}

func TestDamageGone_afterARestoreByOneCleanFullCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{FenceOnDamage: true}, verdict("damaged", "x"))
		b.answerWith(verdict("ok"))
		b.send(&messages.RestoreFinished{})
		events, fences, codes := b.seen()
		if events != "damage, checked damaged, gone, checked ok" || fences != "raise damage, lift damage" || codes != "" {
			t.Errorf("events %q, fences %q, conditions %q", events, fences, codes)
		}
		if n := b.runs(); n != 3 {
			t.Errorf("%d checks, want 3", n)
		}
		if b.status().GetSuspect() {
			t.Error("still suspect")
		}
	})
}

func TestDamageGone_withoutARestoreNeedsTwoCleanFullChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{FenceOnDamage: true}, verdict("damaged", "x"))
		b.answerWith(verdict("ok"))
		for _, kind := range []messages.CheckKind{quick, foreignKeys} {
			b.send(&messages.CheckNow{Kind: kind})
		}
		if _, fences, _ := b.seen(); fences != "raise damage" || !b.status().GetSuspect() {
			t.Errorf("a quick or foreign-key check ended the suspicion: %q", fences)
		}
		b.answerWith(verdict("ok"), verdict("damaged", "x"), verdict("damaged", "x"))
		b.send(&messages.CheckNow{})
		if _, fences, _ := b.seen(); strings.Contains(fences, "lift") || !b.status().GetSuspect() {
			t.Errorf("ok, damaged, damaged ended the suspicion: %q", fences)
		}
		b.answerWith(verdict("ok"), verdict("damaged", "x"), verdict("ok"), verdict("damaged", "x"))
		b.send(&messages.CheckNow{})
		if _, fences, _ := b.seen(); strings.Contains(fences, "lift") || !b.status().GetSuspect() {
			t.Errorf("ok, damaged, ok, damaged ended the suspicion: %q", fences)
		}
		before := b.runs()
		b.answerWith(verdict("ok"))
		b.send(&messages.CheckNow{})
		events, fences, codes := b.seen()
		if !strings.HasSuffix(events, "gone, checked ok") || !strings.HasSuffix(fences, "lift damage") || codes != "" {
			t.Errorf("events %q, fences %q, conditions %q", events, fences, codes)
		}
		if n := b.runs() - before; n != 2 {
			t.Errorf("%d checks, want 2", n)
		}
	})
}

func TestRestoreFinished_thatDidNotHelpIsDamageFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{FenceOnDamage: true}, verdict("damaged", "x"))
		b.send(&messages.RestoreFinished{})
		if events, _, codes := b.seen(); events != "damage, checked damaged, damage, checked damaged" || codes != "damage_found" {
			t.Errorf("events %q, conditions %q", events, codes)
		}
	})
}

func TestRestoreFinished_discardsACheckThatBeganBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bareBench(t)
		b.delay = time.Hour
		b.answers = []any{verdict("ok"), verdict("damaged", "new")}
		b.begin(integrity.Config{FenceOnDamage: true})
		pass(time.Minute)
		b.send(&messages.RestoreFinished{})
		pass(3 * time.Hour)
		if events, fences, _ := b.seen(); events != "damage, checked damaged" || fences != "raise damage" {
			t.Errorf("events %q, fences %q; want only the check after the restore", events, fences)
		}
	})
}

func TestCheckNow_forwardsProgressAndAnswersOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{Passive: true}, verdict("ok"))
		var progress []string
		r, err := ask[*messages.CheckReport](b, &messages.CheckNow{JobId: "mine", Sqlite: true}, func(p *messages.Progress) {
			progress = append(progress, p.GetJobId()+" "+p.GetStage())
		})
		if err != nil || r.GetVerdict() != "ok" || r.GetCheckedAtUnixMs() == 0 {
			t.Errorf("answer %v, %v", r, err)
		}
		if strings.Join(progress, ",") != "mine check" {
			t.Errorf("progress %q", progress)
		}
		if p := b.checks[0].GetJob().GetPriority(); p != messages.Priority_PRIORITY_INTERACTIVE {
			t.Errorf("priority %v", p)
		}
		if !b.checks[0].GetSqlite() {
			t.Error("the owner does not hear who is to check")
		}
	})
}

func TestCheckNow_damageIsReportedAfterTheSecondLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{Passive: true, FenceOnDamage: true}, verdict("damaged", "x"))
		r, err := ask[*messages.CheckReport](b, &messages.CheckNow{}, nil)
		if err != nil || r.GetVerdict() != "damaged" || b.runs() != 2 {
			t.Errorf("answer %v, %v after %d checks", r, err, b.runs())
		}
		if events, fences, _ := b.seen(); fences != "" || events != "damage, checked damaged" {
			t.Errorf("passive: events %q, fences %q; want no fence", events, fences)
		}
	})
}

func TestCheckNow_failureIsAnsweredAfterAFewTries(t *testing.T) {
	for code, want := range map[string]int{"busy": 3, "io_error": 3, "interrupted": 1, "missing": 1, "permission": 1} {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, integrity.Config{Passive: true}, failure(code))
			begun := time.Now()
			_, err := ask[*messages.CheckReport](b, &messages.CheckNow{}, nil)
			var f *messages.Failure
			if !errors.As(err, &f) || f.GetCode() != code || b.runs() != want || time.Since(begun) > 10*time.Second {
				t.Errorf("%s: %v after %d tries and %v, want it after %d", code, err, b.runs(), time.Since(begun), want)
			}
		})
	}
}

func TestCheckNow_damageSeenOnceIsFollowedUpThoughTheAskerHasItsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{OnStart: "off", FenceOnDamage: true}, verdict("damaged", "x"),
			failure("busy"), failure("busy"), failure("busy"), failure("disk_full"), verdict("damaged", "x"))
		_, err := ask[*messages.CheckReport](b, &messages.CheckNow{}, nil)
		var f *messages.Failure
		if !errors.As(err, &f) || f.GetCode() != "busy" {
			t.Errorf("answer %v, want busy", err)
		}
		pass(time.Hour)
		if events, fences, _ := b.seen(); events != "damage, checked damaged" || fences != "raise damage" {
			t.Errorf("events %q, fences %q", events, fences)
		}
	})
}

func TestCheckNow_duplicateAndUnknownAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{Passive: true})
		b.send(&messages.CheckNow{JobId: "a"})
		for _, m := range []*messages.CheckNow{{JobId: "a"}, {Kind: 77}} {
			_, err := ask[*messages.CheckReport](b, m, nil)
			var f *messages.Failure
			if !errors.As(err, &f) || f.GetCode() != "invalid" {
				t.Errorf("%v: %v, want invalid", m, err)
			}
		}
	})
}

func TestCheckNow_countsForTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{OnStart: "off"}, verdict("ok"))
		for _, kind := range []messages.CheckKind{full, quick, foreignKeys} {
			b.send(&messages.CheckNow{Kind: kind})
		}
		if s := strings.Join(b.done, " "); s != "integrity.full integrity.foreign_keys" {
			t.Errorf("done %q", s)
		}
	})
}

func TestCannotJudge_isNamedAndNoDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &messages.CheckReport{Verdict: "cannot_judge", Findings: []*messages.Finding{
			{Kind: "module", Object: "spellfix1", Detail: "no such module: spellfix1"}}}
		b := start(t, integrity.Config{FenceOnDamage: true}, r)
		if events, fences, codes := b.seen(); events != "checked cannot_judge" || fences != "" || codes != "cannot_judge" {
			t.Errorf("events %q, fences %q, conditions %q", events, fences, codes)
		}
		if got := b.args("cannot_judge"); !strings.HasPrefix(got, "what=spellfix1 (no such module: spellfix1)|") {
			t.Errorf("args %q", got)
		}
		b.answerWith(failure("cannot_judge"))
		b.send(&messages.CheckNow{})
		if got := b.args("cannot_judge"); !strings.HasPrefix(got, "what=the cannot_judge|") {
			t.Errorf("args %q", got)
		}
		b.answerWith(verdict("ok"))
		b.send(&messages.CheckNow{})
		if _, _, codes := b.seen(); codes != "" {
			t.Errorf("conditions %q after a clean check", codes)
		}
	})
}

func TestForeignKeysAndRules_areConditionsUntilTheirNextCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := verdict("ok")
		for range 3 {
			r.ForeignKeys = append(r.ForeignKeys, &messages.ForeignKeyFinding{Table: "items", Rowid: 1, HasRowid: true, Parent: "orders"})
		}
		r.ForeignKeys = append(r.ForeignKeys, &messages.ForeignKeyFinding{Table: "notes"})
		r.Rules = []*messages.RuleFinding{
			{Rule: &messages.Rule{Name: "paid", Severity: messages.Severity_SEVERITY_RED}, Rows: 7},
			{Rule: &messages.Rule{Name: "tidy", Severity: messages.Severity_SEVERITY_YELLOW}, Error: "no such table: x\nmore"},
		}
		b := start(t, integrity.Config{OnStart: "off"}, r)
		b.send(&messages.Due{Key: "integrity.foreign_keys"})
		if events, _, codes := b.seen(); events != "checked ok" || codes != "foreign_keys_broken rule_broken rule_broken_red" {
			t.Errorf("events %q, conditions %q", events, codes)
		}
		for code, want := range map[string]string{
			"foreign_keys_broken": "tables=items (3), notes (1)|", "rule_broken_red": "rules=paid (7)|",
			"rule_broken": "rules=tidy could not be run: no such table: x|",
		} {
			if got := b.args(code); !strings.HasPrefix(got, want) {
				t.Errorf("%s args %q, want %q", code, got, want)
			}
		}
		b.answerWith(verdict("ok"))
		b.send(&messages.CheckNow{Kind: full}) // does not look at foreign keys, runs the rules
		if _, _, codes := b.seen(); codes != "foreign_keys_broken" {
			t.Errorf("conditions %q after a full check", codes)
		}
		b.send(&messages.CheckNow{Kind: foreignKeys})
		if _, _, codes := b.seen(); codes != "" {
			t.Errorf("conditions %q after a foreign-key check", codes)
		}
	})
}

func TestCheckOverdue_afterTwoPeriodsWithoutSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{}, verdict("ok"))
		b.send(&messages.Due{Key: "integrity.foreign_keys"})
		b.answerWith(failure("io_error"))
		b.send(&messages.Due{Key: "integrity.foreign_keys"})
		pass(11*time.Hour + 50*time.Minute)
		if _, _, codes := b.seen(); codes != "" {
			t.Errorf("conditions %q before two periods are over", codes)
		}
		pass(time.Hour)
		if got := b.args("check_overdue"); !strings.HasPrefix(got, "kind=foreign-key|since=") {
			t.Errorf("args %q after two periods", got)
		}
		b.answerWith(verdict("ok"))
		pass(2 * time.Hour) // the next try
		if _, _, codes := b.seen(); codes != "" {
			t.Errorf("conditions %q after success", codes)
		}
		pass(72 * time.Hour) // a schedule that never says due is noticed too
		if got := b.args("check_overdue"); !strings.HasPrefix(got, "kind=full|since=") {
			t.Errorf("args %q after days without a check", got)
		}
	})
}

func TestCrash_forgetsNeitherDamageNorOwedChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{FenceOnDamage: true}, verdict("damaged", "x"))
		since := b.status().GetSuspectSinceUnixMs()
		b.mu.Lock()
		clear(b.up) // health crashed as well
		b.mu.Unlock()
		pass(time.Minute)
		b.crash()
		if s := b.status(); !s.GetSuspect() || s.GetSuspectSinceUnixMs() != since || s.GetLastFull().GetVerdict() != "damaged" {
			t.Errorf("status %v after a crash", s)
		}
		if _, fences, codes := b.seen(); fences != "raise damage, raise damage" || codes != "damage_found" {
			t.Errorf("fences %q, conditions %q after a crash", fences, codes)
		}
		if n := b.runs(); n != 2 {
			t.Errorf("%d checks, want none again: the start's is done", n)
		}
		b.delay = time.Hour
		b.answerWith(verdict("ok"))
		b.send(&messages.RestoreFinished{})
		b.crash() // while the check after the restore runs
		pass(3 * time.Hour)
		if events, fences, _ := b.seen(); !strings.HasSuffix(events, "gone, checked ok") || !strings.HasSuffix(fences, "lift damage") {
			t.Errorf("events %q, fences %q; want the owed check done", events, fences)
		}
		ids := make(map[string]int)
		for _, c := range b.checks {
			ids[c.GetJob().GetId()]++
		}
		if len(ids) != 3 {
			t.Errorf("job ids %v, want a new one for each run", ids)
		}
	})
}

func TestCrash_answersWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{Passive: true})
		time.AfterFunc(time.Minute, b.crash)
		_, err := ask[*messages.CheckReport](b, &messages.CheckNow{}, nil)
		var f *messages.Failure
		if !errors.As(err, &f) || f.GetCode() != "actor_gone" {
			t.Errorf("answer %v, want actor_gone", err)
		}
	})
}

func TestPassive_doesNothingOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, integrity.Config{Passive: true, FenceOnDamage: true}, verdict("damaged", "x"))
		b.send(&messages.Due{Key: "integrity.full"})
		b.send(&messages.RestoreFinished{})
		pass(100 * time.Hour)
		if events, fences, codes := b.seen(); b.runs() != 0 || events+fences+codes != "" || len(b.schedules) != 0 {
			t.Errorf("%d checks, events %q, fences %q, conditions %q, schedules %v", b.runs(), events, fences, codes, b.schedules)
		}
	})
}

func TestConditions_fitARegistry(t *testing.T) {
	all := integrity.Conditions()
	for _, code := range []condition.Code{"database_unreachable", "database_missing", "database_stuck"} {
		all = append(all, condition.Definition{Code: code, System: "dbowner", Severity: condition.Red, Text: "x"})
	}
	if _, err := condition.NewRegistry(all...); err != nil {
		t.Error(err)
	}
	for _, d := range integrity.Conditions() {
		if d.Hint == "" || !strings.HasSuffix(strings.TrimSuffix(d.Text, "{fence}"), ".") && !strings.HasSuffix(d.Text, ". {fence}") {
			t.Errorf("%s: text %q, hint %q", d.Code, d.Text, d.Hint)
		}
	}
}

// pass lets virtual time go by; every test that calls it runs in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }
