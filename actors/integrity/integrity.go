// Package integrity looks for damage in the live database (system 2).
//
// Protocol: takes CheckNow → CheckReport (with Progress meanwhile), GetIntegrity →
// IntegrityStatus at once, and the events RestoreFinished and Due. Asks "dbowner"
// RunCheck, RaiseFence and LiftFence, "schedule" AddSchedule. Tells the tree
// IntegrityChecked after each check, DamageFound and DamageGone.
// Raises damage_found, cannot_judge, foreign_keys_broken, rule_broken, rule_broken_red
// and check_overdue.
//
// Nothing is called damage before a second, fresh connection saw it too, and nothing
// that an operation can meet on a sound file (busy, a failing disk, no space, no memory,
// an interruption) is damage at all (promise P4). What is suspect stays so until a full
// check after a restore finds nothing, or two in a row do.
package integrity

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// Config of the integrity actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Database is the path for the commands in hints; empty leaves the hints without one.
	Database string
	// Passive: no check on start, no schedule, no fence; only CheckNow and GetIntegrity.
	Passive bool
	// OnStart is the check right after the start: "full" (also when empty), "quick" or "off".
	OnStart string
	// FullEvery is the period of the full check, 0 = 24 h.
	FullEvery time.Duration
	// ForeignKeysEvery is the period of the foreign-key check, 0 = 6 h.
	ForeignKeysEvery time.Duration
	// Rules are the app's statements that must return no rows; they run with each full
	// and foreign-key check.
	Rules []*messages.Rule
	// FenceOnDamage holds all writes back once damage is confirmed.
	FenceOnDamage bool
	// Timeout is how long one check may take, from the owner's acceptance, 0 = 6 h.
	Timeout time.Duration
}

const (
	fullKey        = "integrity.full"
	foreignKeysKey = "integrity.foreign_keys"

	defaultFullEvery        = 24 * time.Hour
	defaultForeignKeysEvery = 6 * time.Hour
	defaultTimeout          = 6 * time.Hour

	// The owner answers at its own deadline; asking longer lets its words arrive.
	answerSlack = time.Minute
	askTimeout  = 30 * time.Second
	// Several databases shall not all begin their daily check in one instant.
	jitter = 5 * time.Minute

	// Who waits for an answer gets two more tries within seconds; a check of Officer's
	// own is tried until it succeeds.
	requestTries = 3
	retryBase    = time.Second
	ownRetryBase = 5 * time.Second
	ownRetryMax  = time.Hour
	// A fence that is not held yet is looked at again: the owner goes on trying.
	fenceRetryBase = 5 * time.Second
	fenceRetryMax  = 5 * time.Minute

	overduePeriods = 2 // without a check that succeeded, until it is said
)

// Messages to itself.
type (
	tryAgain      struct{ r *run }
	scheduleAgain struct{ key string }
	fenceAgain    struct{}
	liftAgain     struct{}
	lookForLate   struct{}
)

// Tags of what was asked.
type (
	checked   struct{ r *run }
	scheduled struct{ key string }
	fenced    struct{}
	lifted    struct{}
)

// ledger outlives a restart: a crash must not forget damage, nor a check that is owed.
type ledger struct {
	began           time.Time
	runs            int // so far, for ids that are never used twice
	lastFull        *messages.CheckReport
	lastForeignKeys *messages.CheckReport
	done            map[messages.CheckKind]time.Time // last check that succeeded
	owed            map[messages.CheckKind]bool      // own checks begun and not yet done
	suspect         bool
	since           time.Time
	damage          *messages.CheckReport // the confirmed one
	restored        bool                  // a restore finished since the damage was confirmed
	fenceText       string
	fenceLifting    bool // LiftFence is ordered and not yet confirmed
}

// Props makes the props of the integrity actor.
func Props(cfg Config) *actor.Props {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.FullEvery <= 0 {
		cfg.FullEvery = defaultFullEvery
	}
	if cfg.ForeignKeysEvery <= 0 {
		cfg.ForeignKeysEvery = defaultForeignKeysEvery
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	l := &ledger{done: make(map[messages.CheckKind]time.Time), owed: make(map[messages.CheckKind]bool)}
	return kit.Props(func() actor.Actor {
		return &integrity{cfg: cfg, ledger: l, running: make(map[string]*run),
			own: make(map[messages.CheckKind]*run), tries: make(map[string]int)}
	})
}

type integrity struct {
	kit.Base
	cfg     Config
	ledger  *ledger
	running map[string]*run // by job id
	own     map[messages.CheckKind]*run
	tries   map[string]int // of asking schedule, and of the fence
	late    func()         // stops the timer of lookForLate
	holding bool           // RaiseFence is asked or will be asked again
	letting bool           // the same of LiftFence
}

// Receive is the table of contents.
func (i *integrity) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		i.start(ctx)
	case *messages.CheckNow:
		i.checkNow(ctx, msg)
	case *messages.GetIntegrity:
		kit.Reply(ctx, i.status())
	case *messages.Due:
		i.due(ctx, msg)
	case *messages.RestoreFinished:
		i.restored(ctx)
	case *messages.Progress:
		i.forward(msg)
	case *kit.Answer:
		i.take(ctx, msg)
	case tryAgain:
		i.ask(ctx, msg.r)
	case scheduleAgain:
		i.schedule(ctx, msg.key)
	case fenceAgain:
		i.fence(ctx)
	case liftAgain:
		i.lift(ctx)
	case lookForLate:
		i.lookForLate(ctx)
	default:
		i.Unhandled(ctx)
	}
}

// start begins what is owed: the check on start, or what a crash interrupted.
func (i *integrity) start(ctx actor.Context) {
	if i.ledger.suspect {
		i.showDamage(ctx)
	}
	if i.cfg.Passive {
		return
	}
	if i.ledger.began.IsZero() {
		i.ledger.began = time.Now()
		switch i.cfg.OnStart {
		case "off":
		case "quick":
			i.ledger.owed[messages.CheckKind_CHECK_KIND_QUICK] = true
		default:
			i.ledger.owed[messages.CheckKind_CHECK_KIND_FULL] = true
		}
	}
	for _, kind := range []messages.CheckKind{messages.CheckKind_CHECK_KIND_FULL,
		messages.CheckKind_CHECK_KIND_QUICK, messages.CheckKind_CHECK_KIND_FOREIGN_KEYS} {
		if i.ledger.owed[kind] {
			i.begin(ctx, kind, messages.Priority_PRIORITY_INTERACTIVE)
		}
	}
	if i.ledger.suspect {
		i.fence(ctx)
	}
	if i.ledger.fenceLifting {
		i.lift(ctx)
	}
	i.schedule(ctx, fullKey)
	i.schedule(ctx, foreignKeysKey)
	i.lookForLate(ctx)
}

// schedule asks for the calendar. The full check counts as done now: the check on start
// covers the present period.
func (i *integrity) schedule(ctx actor.Context, key string) {
	m := &messages.AddSchedule{Key: key, JitterMs: jitter.Milliseconds()}
	last := i.ledger.done[messages.CheckKind_CHECK_KIND_FOREIGN_KEYS]
	every := i.cfg.ForeignKeysEvery
	if key == fullKey {
		every = i.cfg.FullEvery
		if last = i.ledger.done[messages.CheckKind_CHECK_KIND_FULL]; last.IsZero() {
			last = time.Now()
		}
	}
	m.Spec = &messages.AddSchedule_EveryMs{EveryMs: every.Milliseconds()}
	if !last.IsZero() {
		m.LastDoneUnixMs = last.UnixMilli()
	}
	i.Ask(ctx, i.cfg.Peers.Of("schedule"), m, askTimeout, scheduled{key})
}

func (i *integrity) checkNow(ctx actor.Context, m *messages.CheckNow) {
	if _, known := messages.CheckKind_name[int32(m.GetKind())]; !known {
		kit.Reply(ctx, messages.NewFailure("invalid", "check database", "there is no check of kind %d", m.GetKind()))
		return
	}
	if i.running[m.GetJobId()] != nil {
		kit.Reply(ctx, messages.NewFailure("invalid", "check database", "a check with the id %q runs already", m.GetJobId()))
		return
	}
	i.launch(ctx, &run{kind: m.GetKind(), priority: max(m.GetPriority(), messages.Priority_PRIORITY_INTERACTIVE),
		sqlite: m.GetSqlite(), id: m.GetJobId(), request: i.Accept(ctx)})
}

func (i *integrity) due(ctx actor.Context, m *messages.Due) {
	if i.cfg.Passive {
		return
	}
	switch m.GetKey() {
	case fullKey:
		i.begin(ctx, messages.CheckKind_CHECK_KIND_FULL, messages.Priority_PRIORITY_BACKGROUND)
	case foreignKeysKey:
		i.begin(ctx, messages.CheckKind_CHECK_KIND_FOREIGN_KEYS, messages.Priority_PRIORITY_BACKGROUND)
	default:
		i.cfg.Log.Warn("due for a key that is not ours", slog.String("key", m.GetKey()))
	}
}

// restored looks at what a restore or undo put in place.
func (i *integrity) restored(ctx actor.Context) {
	i.ledger.restored = true
	if i.cfg.Passive {
		return
	}
	// One that began before the restore says nothing about what is there now.
	if r := i.own[messages.CheckKind_CHECK_KIND_FULL]; r != nil {
		i.abandon(r)
	}
	i.begin(ctx, messages.CheckKind_CHECK_KIND_FULL, messages.Priority_PRIORITY_INTERACTIVE)
}

func (i *integrity) status() *messages.IntegrityStatus {
	s := &messages.IntegrityStatus{
		LastFull: i.ledger.lastFull, LastForeignKeys: i.ledger.lastForeignKeys, Suspect: i.ledger.suspect,
	}
	if s.Suspect {
		s.SuspectSinceUnixMs = i.ledger.since.UnixMilli()
	}
	return s
}

// take sorts answers of neighbours.
func (i *integrity) take(ctx actor.Context, a *kit.Answer) {
	switch tag := a.Tag.(type) {
	case checked:
		i.judge(ctx, tag.r, a)
	case scheduled:
		if a.Err != nil {
			i.After(ctx, i.backoff(tag.key, retryBase, fenceRetryMax), scheduleAgain(tag))
		}
	case fenced:
		i.noteFence(ctx, a)
	case lifted:
		i.noteLift(ctx, a)
	}
}

// backoff gives the wait before the next try of something.
func (i *integrity) backoff(what string, base, limit time.Duration) time.Duration {
	i.tries[what]++
	return kit.Backoff(i.tries[what], base, limit, 0)
}
