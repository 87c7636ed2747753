// Package recovery brings a database back (system 10): a damaged one by the first layer
// that gives a candidate which passes a full check (its indexes made anew; the newest
// verified backup and everything newer that can be salvaged; what can be salvaged
// alone), any one from a verified backup, in place or into a new file; and takes the last
// of these back.
//
// Protocol: takes RepairDatabase, RestoreBackup, RestoreTable and UndoRestore →
// RestoreReport, and the events DamageFound, DamageGone. Asks "backup" FindBackup, TakeBackup and
// VerifyBackups, "integrity" GetIntegrity and CheckNow, "dbowner" ReadContent,
// OverwriteDatabase, KeepEvidence, ReplaceTable, RaiseFence and LiftFence, "schedule" AddSchedule.
// Tells the tree RecoveryStarted, RecoveryStep, RestoreFinished and RestoreFailed.
// Raises evidence_kept and restore_unfinished.
//
// An order runs as a list of steps in the background, so the actor answers meanwhile;
// one runs at a time. Everything that a killed run must know afterwards stands in
// {home}/quarantine/{timestamp}/intent.json before the owner is asked (promise P7).
package recovery

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// Config of the recovery actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: no resume on start, no schedule, no evidence on damage; only requests.
	Passive bool
	// Home is {home}; kept files lie in {home}/quarantine.
	Home string
	// Database is the absolute path of the live database: for its name and for hints.
	// Recovery looks at its size but never opens it.
	Database string
	// FS is how files other than the live database are touched.
	FS fsx.FS
	// Scratch opens kept databases for undo.
	Scratch Scratch
	// Workshop makes and judges the candidates of a repair.
	Workshop Workshop
	// Automatic: repair by itself after damage was found, once for each damage, where no
	// person has to weigh a loss. Off: only evidence is kept and the person is told how.
	Automatic bool
	// KeepSets bounds the sets kept in quarantine, for evidence and for undo each, 0 = 5.
	KeepSets int
	// UndoFor is how long a restore can be taken back, 0 = 7 days.
	UndoFor time.Duration
	// Timeout is how long one job of the owner may take, 0 = 6 h.
	Timeout time.Duration
}

// Scratch opens a kept database away from its place. The supervisor implements it.
type Scratch interface {
	// Consolidate makes one plain file (journal mode DELETE, closed and fsynced) of the
	// kept database at from with the -wal or -journal beside it, which are not changed,
	// and tells what it holds. A table that cannot be read has -1 rows and an empty
	// digest. The file to must not exist. An error is a *fault.Error: Corrupt or
	// NotADatabase when SQLite cannot open what was kept; then nothing is left at to.
	Consolidate(ctx context.Context, from, to string) (manifest.Content, error)
}

const (
	keepSetsDefault  = 5
	undoForDefault   = 7 * 24 * time.Hour
	timeoutDefault   = 6 * time.Hour
	queueMax         = 8 // orders that wait for the look at an interrupted restore
	lookAgainBase    = 30 * time.Second
	lookAgainMax     = time.Hour
	looksPatient     = 5 // at what a device does not give, about a quarter of an hour: then it counts as lost
	janitorKey       = "recovery.janitor"
	janitorEvery     = 24 * time.Hour
	evidenceAgain    = 10 * time.Minute
	evidenceSeldom   = time.Hour
	evidenceTriesMax = 6 // of one damage: an hour of a full or failing disk; then seldom, and no more repairs
)

// Private messages: tags of what runs in the background, and timers.
type (
	orderDone    struct{ run *run }
	lookDone     struct{ run *run }
	evidenceDone struct{}
	evidenceOver struct{}
	janitorDone  struct{}
	scheduleDone struct{}
	lookAgain    struct{}
	keepAgain    struct{}
	repairAgain  struct{}
	unfenceAgain struct{}
	fenceLifted  struct{}
)

type recovery struct {
	kit.Base
	cfg     Config
	led     *ledger
	running *current
	waiting []pending
	lifting bool // the fence of a repair
	looks   int  // at an interrupted restore, without an answer
	keeps   int  // tries to keep evidence of the present damage
	keeping bool
}

// current is the order being carried out; without steps it is a look at an old one.
type current struct {
	run     *run
	req     *kit.Request
	looking bool
}

type pending struct {
	order order
	steps []step
	req   *kit.Request
}

// Props makes the props of the recovery actor.
func Props(cfg Config) *actor.Props {
	if cfg.KeepSets <= 0 {
		cfg.KeepSets = keepSetsDefault
	}
	if cfg.UndoFor <= 0 {
		cfg.UndoFor = undoForDefault
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = timeoutDefault
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	led := &ledger{born: time.Now()}
	return kit.Props(func() actor.Actor { return &recovery{cfg: cfg, led: led} })
}

// Receive is the table of contents.
func (r *recovery) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		r.start(ctx)
	case *messages.RestoreBackup:
		r.restore(ctx, msg)
	case *messages.RestoreTable:
		r.take(ctx, order{op: "restore a table", jobID: msg.GetJobId(), id: msg.GetId(), beforeMS: msg.GetBeforeUnixMs(),
			table: msg.GetTable(), dryRun: msg.GetDryRun(), confirmed: msg.GetConfirmed()}, oneTable())
	case *messages.RepairDatabase:
		r.take(ctx, order{op: "repair", jobID: msg.GetJobId(), dryRun: msg.GetDryRun(), confirmed: msg.GetConfirmed(), repair: true}, repairInPlace())
	case *messages.UndoRestore:
		r.take(ctx, order{op: "undo the restore", jobID: msg.GetJobId(), dryRun: msg.GetDryRun(), confirmed: true}, takeBack())
	case *messages.DamageFound:
		r.keepEvidence(ctx, msg)
	case *messages.DamageGone:
		r.closeDamage(ctx)
	case *messages.Due:
		r.daily(ctx)
	case *messages.Progress:
		r.pass(msg)
	case lookAgain:
		r.look(ctx)
	case keepAgain:
		r.keepPending(ctx)
	case repairAgain:
		r.repairItself(ctx)
	case unfenceAgain:
		r.unfence(ctx)
	case *kit.Answer:
		r.hear(ctx, msg)
	default:
		r.Unhandled(ctx)
	}
}

func (r *recovery) start(ctx actor.Context) {
	if e := r.led.takeClosing(); e != nil {
		r.announce(ctx, e)
	}
	r.unfence(ctx)
	// Verbs do it, too: where nobody runs an Officer, nobody else would.
	r.Go(ctx, janitorDone{}, func(context.Context) (any, error) { return nil, r.led.making.removeUnfinished(r.cfg.FS, r.cfg.Home) })
	if r.cfg.Passive {
		return
	}
	r.Ask(ctx, r.cfg.Peers.Of("schedule"), &messages.AddSchedule{Key: janitorKey,
		Spec: &messages.AddSchedule_EveryMs{EveryMs: janitorEvery.Milliseconds()}}, askTimeout, scheduleDone{})
	r.keepPending(ctx)
	r.look(ctx)
}

// daily looks again at what nobody could tell, and lets what is too old go: next sweeps.
func (r *recovery) daily(ctx actor.Context) {
	if r.led.kept != "" {
		r.raiseEvidence(ctx)
	}
	r.look(ctx)
}

// look finds out how an interrupted restore ended. Orders wait for it.
func (r *recovery) look(ctx actor.Context) {
	if r.running != nil {
		if !r.running.looking { // an order runs, and may end without an answer to this
			r.After(ctx, lookAgainBase, lookAgain{})
		}
		return
	}
	n := r.newRun(ctx, order{op: "finish an interrupted restore"})
	n.looks = r.looks
	r.running = &current{run: n, looking: true}
	r.Go(ctx, lookDone{n}, func(wctx context.Context) (any, error) { return n.resume(wctx) })
}

func (r *recovery) restore(ctx actor.Context, msg *messages.RestoreBackup) {
	o := order{op: "restore", jobID: msg.GetJobId(), id: msg.GetId(), beforeMS: msg.GetBeforeUnixMs(),
		toFile: msg.GetToFile(), dryRun: msg.GetDryRun(), confirmed: msg.GetConfirmed()}
	if o.toFile != "" {
		r.take(ctx, o, intoFile())
		return
	}
	r.take(ctx, o, restoreInPlace())
}

// take accepts an order. One runs at a time.
func (r *recovery) take(ctx actor.Context, o order, steps []step) {
	if r.running != nil && (!r.running.looking || len(r.waiting) >= queueMax) {
		kit.Reply(ctx, messages.NewFailure("already_running", o.op, "another restore is running").
			WithDid("Nothing was changed.").WithHints(command(r.cfg.Database, "status")))
		return
	}
	p := pending{o, steps, r.Accept(ctx)}
	if r.running != nil {
		r.waiting = append(r.waiting, p)
		return
	}
	r.begin(ctx, p)
}

func (r *recovery) begin(ctx actor.Context, p pending) {
	n := r.newRun(ctx, p.order)
	r.running = &current{run: n, req: p.req}
	if n.repair && !n.dryRun {
		ctx.Send(r.cfg.Peers.Tree(), &messages.RecoveryStarted{JobId: n.jobID, Automatic: n.automatic})
	}
	r.Go(ctx, orderDone{n}, func(wctx context.Context) (any, error) { return n.carryOut(wctx, p.steps) })
}

func (r *recovery) newRun(ctx actor.Context, o order) *run {
	now := time.Now()
	if o.jobID == "" {
		o.jobID = "recovery-" + now.UTC().Format("20060102T150405.000000Z")
	}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	n := &run{order: o, cfg: r.cfg, led: r.led, system: ctx.ActorSystem(), began: now,
		tell: func(p *messages.Progress) { root.Send(self, p) }}
	n.quar = quarantine{fs: r.cfg.FS, dir: n.quarantineDir(), mine: &r.led.mine}
	return n
}

// pass hands progress on to whoever gave the order.
func (r *recovery) pass(p *messages.Progress) {
	if r.running != nil && r.running.run.jobID == p.GetJobId() {
		r.running.req.Tell(p)
	}
}

func (r *recovery) hear(ctx actor.Context, a *kit.Answer) {
	switch tag := a.Tag.(type) {
	case orderDone:
		r.finish(ctx, tag.run, a)
	case lookDone:
		r.settle(ctx, tag.run, a)
	case fenceLifted:
		r.unfenced(ctx, a)
	case evidenceDone:
		r.evidence(ctx, a)
	case evidenceOver, janitorDone, scheduleDone:
		if a.Err != nil {
			r.cfg.Log.Warn("house-keeping failed", "what", fmt.Sprintf("%T", tag), "error", a.Err)
		}
	default:
		r.Unhandled(ctx)
	}
}

// next ends the present order and begins one that waited.
func (r *recovery) next(ctx actor.Context) {
	r.running = nil
	if len(r.waiting) > 0 {
		p := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.begin(ctx, p)
		return
	}
	r.unfence(ctx)
	r.sweep(ctx)
}
