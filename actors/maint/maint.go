// Package maint keeps the database tidy (system 8): VACUUM when it pays, statistics,
// and the app's bulk imports.
//
// Protocol: takes VacuumNow and AnalyzeNow → MaintenanceReport, GetMaintenance →
// MaintenanceStatus, ImportStarted and ImportFinished → ImportNoted, and Due. Asks
// "dbowner" InspectDatabase, GetActivity, GetOwnerStatus, VacuumDatabase and
// AnalyzeDatabase, "integrity" GetIntegrity, "disk" MayUse, "backup" TakeBackup and
// "schedule" AddSchedule. Tells the tree MaintenanceDone and MaintenanceSkipped and
// "metrics" RecordOperation. Raises maintenance_overdue.
//
// Nothing is rebuilt without a verified backup, nor while the database is suspect, the
// fence is up or an import runs. The rules are in internal/upkeep, with their reasons in
// docs/decisions/0008.
package maint

import (
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/upkeep"
	"github.com/officer-doofy/officer/messages"
)

// Config of the maintenance actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: nothing is scheduled; only requests are answered.
	Passive bool
	// Database is the path of the live file: for hints, its room and its age.
	Database string
	// Home is where maintenance.json lies.
	Home string
	// Files reads and writes it, and tells the room when "disk" does not answer.
	Files fsx.FS
	// VacuumAt is the calendar of VACUUM, "" = "Sun 03:00".
	VacuumAt string
	// NoVacuum: none on Officer's own account.
	NoVacuum bool
	// AnalyzeEvery is the period of the statistics, 0 = 24 h, negative = never.
	AnalyzeEvery time.Duration
	// Policy says when VACUUM pays and how idle the app must be.
	Policy upkeep.Policy
}

const (
	vacuumKey  = "maint.vacuum"
	analyzeKey = "maint.analyze"

	vacuumAtDefault     = "Sun 03:00"
	analyzeEveryDefault = 24 * time.Hour
	// jitter keeps several databases from beginning in one instant.
	jitter = 5 * time.Minute
	// startQuiet is how long after its start Officer leaves the app alone: it has its first
	// check and backup to make, and the user watches.
	startQuiet = 10 * time.Minute
	askTimeout = 30 * time.Second
	// retryMin, retryBusy and retryFailed pace what is owed and could not be done.
	retryMin    = time.Minute
	retryBusy   = 10 * time.Minute
	retryFailed = time.Hour
	// importMax ends an import whose app forgot to say that it finished, or died.
	importMax = 24 * time.Hour
)

// Messages to itself.
type (
	vacuumAgain  struct{}
	analyzeAgain struct{}
	addAgain     struct{ key string }
	loadAgain    struct{}
)

// Tags of what was asked or done in the background.
type (
	loaded   struct{}
	saved    struct{}
	added    struct{ key string }
	statused struct{ request *kit.Request }
	admitted struct { // disk was asked about an import
		name    string
		request *kit.Request
	}
)

// maint is one incarnation.
type maint struct {
	kit.Base
	cfg    Config
	ledger *ledger

	ready   bool    // the state was loaded, or could not be
	unread  int     // times that it could not
	current *work   // under way
	waiting []*work // in order
	retries map[string]func()
	putOff  int // tries of ANALYZE since it fell due
	told    bool
}

// Props makes the props of the actor. The ledger outlives restarts.
func Props(cfg Config) *actor.Props {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.VacuumAt == "" {
		cfg.VacuumAt = vacuumAtDefault
	}
	if cfg.AnalyzeEvery == 0 {
		cfg.AnalyzeEvery = analyzeEveryDefault
	}
	cfg.Policy = cfg.Policy.WithDefaults()
	l := &ledger{file: filepath.Join(cfg.Home, stateFile), files: cfg.Files, imports: make(map[string]time.Time)}
	return kit.Props(func() actor.Actor {
		return &maint{cfg: cfg, ledger: l, retries: make(map[string]func())}
	})
}

// Receive is the table of contents.
func (m *maint) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		m.start(ctx)
	case *messages.VacuumNow:
		m.vacuumNow(ctx, msg)
	case *messages.AnalyzeNow:
		m.enqueue(ctx, &work{kind: upkeep.Analyze, occasion: upkeep.Asked, full: true, because: "asked", jobID: msg.GetJobId(), request: m.Accept(ctx)})
	case *messages.GetMaintenance:
		m.Ask(ctx, m.cfg.Peers.Of("dbowner"), &messages.GetActivity{}, time.Second, statused{m.Accept(ctx)})
	case *messages.ImportStarted:
		m.importStarted(ctx, msg)
	case *messages.ImportFinished:
		m.importFinished(ctx, msg)
	case *messages.Due:
		m.due(ctx, msg)
	case vacuumAgain:
		m.oweVacuum(ctx, upkeep.Overdue)
	case analyzeAgain:
		m.oweAnalyze(ctx)
	case addAgain:
		m.schedule(ctx, msg.key)
	case loadAgain:
		m.Go(ctx, loaded{}, m.ledger.load(m.cfg.Passive))
	case *messages.Progress:
		m.forward(msg)
	case *kit.Answer:
		m.take(ctx, msg)
	default:
		m.Unhandled(ctx)
	}
}

func (m *maint) start(ctx actor.Context) {
	l := m.ledger
	if l.began.IsZero() {
		l.began = time.Now()
	}
	m.Go(ctx, loaded{}, l.load(m.cfg.Passive))
}

// open begins the duty once it is known what was done in earlier lives.
func (m *maint) open(ctx actor.Context, err error) {
	known := m.ledger.view().Version != 0
	switch {
	case err != nil && known:
		m.cfg.Log.Warn("what maintenance did before could not be read; it begins anew", slog.Any("error", err))
	case err != nil && !m.ready:
		m.cfg.Log.Warn("what maintenance did before could not be read; it is read again, and nothing but requests is done before", slog.Any("error", err))
	}
	m.ready = true
	if !known {
		m.unread++
		m.After(ctx, kit.ReadAgain(m.unread), loadAgain{})
	} else if !m.cfg.Passive {
		if m.ledger.settle(time.Now(), false) {
			m.save(ctx)
		}
		if !m.cfg.NoVacuum {
			m.schedule(ctx, vacuumKey)
		}
		if m.cfg.AnalyzeEvery > 0 {
			m.schedule(ctx, analyzeKey)
		}
		if m.ledger.vacuumOwed {
			m.later(ctx, vacuumKey, retryMin, vacuumAgain{})
		}
		if m.ledger.analyzeOwed {
			m.later(ctx, analyzeKey, retryMin, analyzeAgain{})
		}
		m.showOverdue(ctx)
	}
	m.next(ctx)
}

func (m *maint) schedule(ctx actor.Context, key string) {
	s := m.ledger.view()
	add := &messages.AddSchedule{Key: key, JitterMs: jitter.Milliseconds()}
	if key == vacuumKey {
		add.Spec = &messages.AddSchedule_Calendar{Calendar: m.cfg.VacuumAt}
		add.LastDoneUnixMs = s.SettledAt.UnixMilli()
	} else {
		add.Spec = &messages.AddSchedule_EveryMs{EveryMs: m.cfg.AnalyzeEvery.Milliseconds()}
		if s.LastAnalyze != nil {
			add.LastDoneUnixMs = s.LastAnalyze.At.UnixMilli()
		}
	}
	m.Ask(ctx, m.cfg.Peers.Of("schedule"), add, askTimeout, added{key})
}

func (m *maint) vacuumNow(ctx actor.Context, msg *messages.VacuumNow) {
	w := &work{kind: upkeep.Vacuum, occasion: upkeep.Asked, jobID: msg.GetJobId(), request: m.Accept(ctx)}
	if msg.GetForce() {
		w.occasion = upkeep.Forced
	}
	m.enqueue(ctx, w)
}

func (m *maint) due(ctx actor.Context, msg *messages.Due) {
	if m.cfg.Passive {
		return
	}
	switch msg.GetKey() {
	case vacuumKey:
		m.ledger.vacuumOwed, m.told = true, false
		occasion := upkeep.Due
		if msg.GetLate() {
			occasion = upkeep.Overdue // the quiet hour is over
		}
		m.oweVacuum(ctx, occasion)
	case analyzeKey:
		m.ledger.analyzeOwed, m.putOff = true, 0
		m.oweAnalyze(ctx)
	default:
		m.cfg.Log.Warn("due for a key that is not ours", slog.String("key", msg.GetKey()))
	}
}

func (m *maint) oweVacuum(ctx actor.Context, occasion upkeep.Occasion) {
	if !m.ledger.vacuumOwed {
		return
	}
	if young := startQuiet - time.Since(m.ledger.began); young > 0 {
		m.later(ctx, vacuumKey, young, vacuumAgain{})
		return
	}
	m.enqueue(ctx, &work{kind: upkeep.Vacuum, occasion: occasion})
}

func (m *maint) oweAnalyze(ctx actor.Context) {
	if !m.ledger.analyzeOwed {
		return
	}
	if young := startQuiet - time.Since(m.ledger.began); young > 0 {
		m.later(ctx, analyzeKey, young, analyzeAgain{})
		return
	}
	m.enqueue(ctx, &work{kind: upkeep.Analyze, occasion: upkeep.Due, because: "scheduled"})
}

// later does something again, once, whatever was to come before.
func (m *maint) later(ctx actor.Context, key string, d time.Duration, msg any) {
	if stop := m.retries[key]; stop != nil {
		stop()
	}
	m.retries[key] = m.After(ctx, max(d, retryMin), msg)
}

// enqueue lets one piece of work follow the other; Officer's own is never there twice.
func (m *maint) enqueue(ctx actor.Context, w *work) {
	if w.request == nil && !w.afterImport {
		for _, other := range append(m.waiting, m.current) {
			if other != nil && other.request == nil && other.kind == w.kind && !other.afterImport {
				return
			}
		}
	}
	if w.jobID == "" {
		m.ledger.runs++
		w.jobID = "maint-" + strconv.Itoa(m.ledger.runs)
	}
	m.waiting = append(m.waiting, w)
	m.next(ctx)
}

func (m *maint) next(ctx actor.Context) {
	if !m.ready || m.current != nil || len(m.waiting) == 0 {
		return
	}
	w := m.waiting[0]
	m.waiting = m.waiting[1:]
	m.current = w
	m.Go(ctx, w, m.errand(ctx, w).run)
}

// forward gives the progress of a job to whoever asked for it.
func (m *maint) forward(p *messages.Progress) {
	if m.current != nil {
		m.current.request.Tell(p)
	}
}

// take sorts the outcomes of what was asked and done in the background.
func (m *maint) take(ctx actor.Context, a *kit.Answer) {
	switch tag := a.Tag.(type) {
	case *work:
		m.current = nil
		m.finish(ctx, tag, a)
		m.next(ctx)
	case loaded:
		m.open(ctx, a.Err)
	case saved:
		if a.Err != nil {
			m.cfg.Log.Warn("what maintenance did could not be written down", slog.Any("error", a.Err))
		}
	case added:
		if a.Err != nil {
			m.After(ctx, retryMin, addAgain(tag))
		}
	case statused:
		activity, _ := a.Value.(*messages.Activity)
		tag.request.Answer(m.ledger.status(activity, time.Now()))
	case admitted:
		m.noteImport(tag, a)
	}
}

func (m *maint) save(ctx actor.Context) { m.Go(ctx, saved{}, m.ledger.save) }
