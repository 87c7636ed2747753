// Package wal looks after the write-ahead log (system 4): it is the one place in Officer
// that orders checkpoints.
//
// Protocol: takes CheckpointNow → CheckpointOutcome, GetWal → WalReport at once, and the
// events DamageFound and DamageGone. Asks "dbowner" GetOwnerStatus, InspectWal,
// InspectDatabase, CheckpointDatabase and GetActivity, "integrity" GetIntegrity. Tells the
// tree WalCheckpointed, WalGrew and WalBlocked, "metrics" RecordOperation.
// Raises wal_large, wal_blocked, wal_passive and engine_hazard.
//
// A WAL that grows is emptied at half its limit: PASSIVE first, which holds nobody up, and
// once that has moved everything TRUNCATE, for which hardly anything is left. Not RESTART:
// a restarted WAL keeps its size, so nobody could see how full it is. What is suspect or
// damaged gets no checkpoint at all, for it would write over what can still be saved.
package wal

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/growth"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// Config of the wal actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: nothing is looked at and nothing emptied unasked.
	Passive bool
	// Database is the path of the live database; the WAL lies beside it.
	Database string
	// Files is asked for the size of the WAL. Nothing of the database is opened with it.
	Files fsx.FS
	// Holders names the processes that read the database.
	Holders Holders
	// LimitBytes is the size that the WAL is kept below, 0 = 10 MB.
	LimitBytes int64
	// Idle is the time without a commit after which the WAL is emptied, 0 = 30 min.
	Idle time.Duration
	// LookEvery is the time between two looks at a WAL that does not change, 0 = 1 s.
	LookEvery time.Duration
}

// Holder is a process that reads the database. PID 0 = cannot be told.
type Holder struct {
	PID     int64
	Command string
	Own     bool  // this process
	Slots   []int // reader slots of the wal-index
}

// Holders names who holds reader locks on a -shm, given by device and inode. known is
// false on systems where that cannot be told. It must open nothing of the database.
type Holders interface {
	Holders(ctx context.Context, device, inode uint64) (list []Holder, known bool, err error)
}

const (
	limitDefault = 10_000_000
	idleDefault  = 30 * time.Minute
	// A writer of 5 MB/s that begins out of nothing fills the limit in two seconds. A look
	// is one stat.
	lookEveryDefault = time.Second

	startAfter = 5 * time.Second
	// A start that meets a running check comes back, less and less often.
	postponeBase = 5 * time.Second
	postponeMax  = time.Minute

	askTimeout = 5 * time.Second
	// A large WAL takes its time to be moved; behind a copy it also takes time to begin.
	jobTimeout = 2 * time.Minute
	stopWithin = 1800 * time.Millisecond // Officer's stop gives 2 s
	factsWait  = 10 * time.Minute        // facts may queue behind a full check

	calmFor       = time.Minute            // between two looks of the actor itself at a WAL that stays as it is
	lookMeanwhile = time.Second            // a round runs; one that did its work looks again by itself
	lookEmptied   = 100 * time.Millisecond // a fast writer fills an emptied WAL within a second

	waitingMax  = 16               // requests that wait for the one that runs
	eventsApart = 10 * time.Minute // between two events of a WAL that keeps growing
	// A reader counts as in the way when it is seen twice, not when it just passes.
	hostageAfter = time.Second
)

// Messages to itself.
type (
	lookAgain  struct{}
	startAgain struct{}
)

// Tags of what was asked.
type (
	told     struct{}
	activity struct{ at time.Time }
)

// ledger outlives a restart.
type ledger struct {
	started  bool // the checkpoint at start was done
	suspect  bool
	last     *messages.CheckpointOutcome
	lastAt   time.Time
	seen     map[hostageKey]time.Time // since when a reader is in the way
	hostages []*messages.Hostage
	mode     string // journal mode, "" = not known yet
	version  int64  // of the last writer, 0 = not known yet
	passive  string // why checkpoints are left to another program
	told     time.Time
	state    growth.State
	rounds   int
}

// Props makes the props of the wal actor.
func Props(cfg Config) *actor.Props {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.LimitBytes <= 0 {
		cfg.LimitBytes = limitDefault
	}
	if cfg.Idle <= 0 {
		cfg.Idle = idleDefault
	}
	if cfg.LookEvery <= 0 {
		cfg.LookEvery = lookEveryDefault
	}
	policy := growth.Policy{LimitBytes: cfg.LimitBytes, Idle: cfg.Idle, LookEvery: cfg.LookEvery}
	l := &ledger{seen: make(map[hostageKey]time.Time)}
	return kit.Props(func() actor.Actor { return &wal{cfg: cfg, policy: policy, ledger: l} })
}

type wal struct {
	kit.Base
	cfg     Config
	policy  growth.Policy
	ledger  *ledger
	running *round
	waiting []*round
	looking func()        // stops the timer of the next look
	still   *atomic.Int64 // Unix nanoseconds when rest last saw the WAL as it was; nil without one
	starts  int           // tries of the checkpoint at start
	large   bool          // wal_large is raised
	asking  bool          // GetActivity is under way
}

// Receive is the table of contents.
func (w *wal) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		w.start(ctx)
	case *messages.CheckpointNow:
		w.order(ctx, msg)
	case *messages.GetWal:
		kit.Reply(ctx, w.report())
	case *messages.DamageFound:
		w.ledger.suspect = true
	case *messages.DamageGone:
		w.ledger.suspect = false
	case *kit.Answer:
		w.take(ctx, msg)
	case lookAgain:
		w.look(ctx)
	case startAgain:
		w.begin(ctx, &round{mode: truncate, reason: reasonStart, own: true})
	default:
		w.Unhandled(ctx)
	}
}

func (w *wal) start(ctx actor.Context) {
	if w.cfg.Passive {
		return
	}
	w.show(ctx)
	w.showBlocked(ctx)
	if !w.ledger.started {
		w.After(ctx, startAfter, startAgain{})
	}
	w.lookIn(ctx, min(w.cfg.LookEvery, startAfter))
}

// order takes a request of somebody else.
func (w *wal) order(ctx actor.Context, msg *messages.CheckpointNow) {
	r := &round{mode: msg.GetMode(), reason: msg.GetReason(), job: msg.GetJobId()}
	if r.mode == "" {
		r.mode = truncate
	}
	if !knownMode(r.mode) {
		kit.Reply(ctx, messages.NewFailure("invalid", checkpointOp, "there is no checkpoint mode %q", r.mode).
			WithDid("Nothing was changed.").WithHints("officer checkpoint "+shell.Database(w.cfg.Database)))
		return
	}
	if w.cfg.Passive && r.reason == reasonStop {
		kit.Reply(ctx, &messages.CheckpointOutcome{Mode: r.mode, SkippedBecause: becauseUnasked})
		return
	}
	if len(w.waiting) >= waitingMax {
		kit.Reply(ctx, messages.NewFailure("overloaded", checkpointOp, "%d checkpoints wait already", len(w.waiting)).
			WithDid("Nothing was changed."))
		return
	}
	r.request = w.Accept(ctx)
	w.begin(ctx, r)
}

// take sorts what comes back.
func (w *wal) take(ctx actor.Context, a *kit.Answer) {
	switch tag := a.Tag.(type) {
	case step:
		if tag.r == w.running {
			tag.next(ctx, tag.r, a)
		}
	case told:
		w.learn(ctx, a)
	case activity:
		w.idle(ctx, tag, a)
	}
}

// lookIn plans the next look.
func (w *wal) lookIn(ctx actor.Context, d time.Duration) {
	if w.cfg.Passive {
		return
	}
	if w.looking != nil {
		w.looking()
	}
	w.still = nil
	w.looking = w.After(ctx, d, lookAgain{})
}

// look sees how large the WAL is and does what the policy says.
func (w *wal) look(ctx actor.Context) {
	w.looking = nil
	if w.running != nil {
		w.lookIn(ctx, lookMeanwhile)
		return
	}
	size, modified := w.size()
	if w.still != nil {
		w.ledger.state = w.ledger.state.Still(time.Unix(0, w.still.Load()))
		w.still = nil
	}
	next, do := w.policy.Next(w.ledger.state, growth.Look{At: time.Now(), Bytes: size, Modified: modified})
	w.ledger.state = next
	w.showLarge(ctx, size, do.Large)
	if w.policy.Small(size) && len(w.ledger.hostages) > 0 {
		w.ledger.hostages, w.ledger.state.Blocked = nil, false
		w.showBlocked(ctx)
	}
	if do.Calm {
		w.rest(ctx, do.Next, size, modified)
	} else {
		w.lookIn(ctx, do.Next)
	}
	switch {
	case do.Empty:
		w.begin(ctx, &round{mode: truncate, reason: reasonGrowth, own: true})
	case do.Idle && !w.asking:
		// Whether the app is idle is the owner's to say; when it does not know, a WAL that
		// nobody changed for so long is.
		w.asking = true
		w.Ask(ctx, w.cfg.Peers.Of("dbowner"), &messages.GetActivity{}, askTimeout, activity{time.Now()})
	}
}

// rest looks as often as before, beside the actor, while the WAL stays as it is: of four
// hundred databases hardly one is written to at a time.
func (w *wal) rest(ctx actor.Context, every time.Duration, size int64, modified time.Time) {
	still := new(atomic.Int64)
	still.Store(time.Now().UnixNano())
	w.still = still
	if w.looking != nil {
		w.looking()
	}
	w.looking = w.Poll(ctx, every, max(calmFor, every), func() bool {
		at := time.Now().UnixNano()
		nowBytes, nowModified := w.size()
		if nowBytes != size || !nowModified.Equal(modified) {
			return true
		}
		still.Store(at)
		return false
	}, lookAgain{})
}

// idle empties the WAL unless somebody is at work.
func (w *wal) idle(ctx actor.Context, tag activity, a *kit.Answer) {
	w.asking = false
	if seen, ok := a.Value.(*messages.Activity); ok && seen.GetIdleMs() < w.cfg.Idle.Milliseconds() {
		w.ledger.state = w.ledger.state.IdleDone(w.policy, tag.at, false)
		return
	}
	w.begin(ctx, &round{mode: truncate, reason: reasonIdle, own: true})
}

// size is that of the WAL; one that is not there or cannot be seen has none.
func (w *wal) size() (bytes int64, modified time.Time) {
	info, err := w.cfg.Files.Stat(w.cfg.Database + "-wal")
	if err != nil {
		return 0, time.Time{}
	}
	return info.Size(), info.ModTime()
}
