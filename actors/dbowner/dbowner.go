// Package dbowner serialises everything that touches one live database. The owner never
// touches SQLite and never blocks; a worker child owns the connection and runs one job
// at a time; a fence child with a connection of its own holds the write lock.
//
// Protocol: takes the jobs CopyDatabase → CopyReport, InspectDatabase → DatabaseFacts,
// RunCheck → CheckReport, CheckpointDatabase → CheckpointReport (refused while the fence
// "damage" is up), InspectWal → WalIndex, OverwriteDatabase →
// OverwriteReport, VacuumDatabase → VacuumReport, AnalyzeDatabase → AnalyzeReport,
// KeepEvidence → EvidenceKept, each with Progress to its asker; and, at
// once, CancelJob → JobCancelled, RaiseFence and LiftFence → FenceState, GetOwnerStatus →
// OwnerStatus, GetActivity → Activity. Tells the tree FenceChanged. Raises fence_active, database_unreachable,
// database_missing, database_moved, database_stuck and foreign_driver.
//
// Failures of its own: "overloaded" (the queue is full), "timeout" (the job's time is
// over), "interrupted" (cancelled), "stuck" (its time is over and it does not return),
// "database_moved", "missing", "foreign_driver"; the others carry a code of internal/fault.
package dbowner

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// Config of the owner, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: the database is opened by the first job, and nothing is looked at between jobs.
	Passive bool
	// Path of the live database.
	Path string
	// Opener opens it.
	Opener Opener
	// Files is where copies, undo points and evidence are written.
	Files fsx.FS
	// SQLiteVersion is that of Officer's own engine, for DatabaseFacts.
	SQLiteVersion string
	// QueueMax is how many jobs may wait, 0 = 1,000.
	QueueMax int
	// Timeout of a job that names none, 0 = 6 h.
	Timeout time.Duration
	// Grace is how long past its deadline a job may take to return before the database
	// counts as stuck, 0 = 5 s.
	Grace time.Duration
	// FenceWait is how long RaiseFence waits for the lock before it answers held = false
	// (the attempts go on), 0 = 2 s.
	FenceWait time.Duration
	// LookEvery is the time between two looks at identity and foreign drivers, 0 = 1 min.
	LookEvery time.Duration
	// Seed of the jitter of all back-offs.
	Seed uint64
}

const (
	queueMaxDefault  = 1000
	timeoutDefault   = 6 * time.Hour // a full check of the largest databases takes hours
	graceDefault     = 5 * time.Second
	fenceWaitDefault = 2 * time.Second
	lookEveryDefault = time.Minute
	// lookTimeout is for opening and a look at the file's identity, nothing of which is long.
	lookTimeout = 30 * time.Second
	// backoffBase and backoffMax pace what is tried again: opening, a crashed child.
	backoffBase = 500 * time.Millisecond
	backoffMax  = time.Minute
)

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.QueueMax == 0 {
		c.QueueMax = queueMaxDefault
	}
	for _, d := range []struct {
		field    *time.Duration
		fallback time.Duration
	}{
		{&c.Timeout, timeoutDefault}, {&c.Grace, graceDefault},
		{&c.FenceWait, fenceWaitDefault}, {&c.LookEvery, lookEveryDefault},
	} {
		if *d.field == 0 {
			*d.field = d.fallback
		}
	}
	return c
}

// Private messages of the owner.
type (
	deadline    struct{ job *job } // the job's time is over
	overdue     struct{ job *job } // and so is its grace
	lookAgain   struct{}           // time to look at the file
	hire        struct{}           // time for a fresh worker
	hireFence   struct{}           // time for a fresh fence child
	childFailed struct {           // a child panicked and was told to stop
		pid    *actor.PID
		reason any
	}
)

// owner is one incarnation: the queue, the running job, and what is known of the
// children. It holds no connection.
type owner struct {
	kit.Base
	cfg  Config
	led  *ledger
	self *actor.PID

	worker  *actor.PID // nil while there is none to take a job
	queue   queue
	running *job
	stuck   bool
	opened  bool
	sick    *messages.Failure // why the database cannot be worked on
	looks   int               // failed ones in a row
	looking func()            // stops the timer of the next look

	fence fencing
	rng   *rand.Rand // jitter only
}

// Props makes the props of the owner. What must outlive a restart (fence reasons and the
// lock itself, the file's identity, counters) is made here, outside the producer.
func Props(cfg Config) *actor.Props {
	cfg = cfg.withDefaults()
	led := &ledger{}
	return kit.Props(func() actor.Actor {
		return &owner{cfg: cfg, led: led, rng: rand.New(rand.NewPCG(cfg.Seed, led.serial))}
	})
}

// Receive is the table of contents.
func (o *owner) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		o.start(ctx)
	case request:
		o.accept(ctx, msg)
	case *messages.CancelJob:
		o.cancel(ctx, msg)
	case *messages.GetOwnerStatus:
		kit.Reply(ctx, o.status())
	case *messages.GetActivity:
		kit.Reply(ctx, o.led.activity.report())
	case *messages.RaiseFence, *messages.LiftFence, *fenceForJob, *fenceNews, *fenceWaited, *hireFence:
		o.receiveFence(ctx)
	case *messages.Progress:
		o.relay(msg)
	case *outcome:
		o.finish(ctx, msg)
	case *deadline:
		o.expire(ctx, msg.job)
	case *overdue:
		o.giveUpOn(ctx, msg.job)
	case *childFailed:
		o.replace(ctx, msg)
	case *hire:
		o.hire(ctx)
	case *lookAgain:
		o.look(ctx)
	case *kit.Answer:
		o.guarded(ctx, msg)
	case *actor.Restarting:
		o.end(true)
	case *actor.Stopping:
		o.end(false)
	default:
		o.Unhandled(ctx)
	}
}

func (o *owner) start(ctx actor.Context) {
	o.self = ctx.Self()
	if o.led.activity.began.IsZero() {
		o.led.activity.began = time.Now()
	}
	o.led.keepLock = false
	if o.led.ownReason { // its job ended with the last incarnation
		o.led.ownReason = false
		o.lowerReason(ctx, reasonRestore)
	}
	o.hireFence(ctx)
	o.hire(ctx)
}

// end stops the running job, so that the worker can be stopped, and settles whether
// the fence's lock survives. The askers are answered by the guard.
func (o *owner) end(restarting bool) {
	o.led.keepLock = restarting
	if o.running != nil {
		o.running.cancel(errEnding)
	}
}

// HandleFailure is called in the owner's own mailbox when a child panicked
// (actor.SupervisorStrategy). A crashed child never resumes: a fresh one takes over.
func (o *owner) HandleFailure(system *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID,
	_ *actor.RestartStatistics, reason, _ any) {
	supervisor.StopChildren(child)
	system.Root.Send(o.self, &childFailed{pid: child, reason: reason})
}
