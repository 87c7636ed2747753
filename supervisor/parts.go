package supervisor

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/actors/dbowner"
	"github.com/officer-doofy/officer/actors/health"
	"github.com/officer-doofy/officer/actors/integrity"
	"github.com/officer-doofy/officer/actors/logs"
	"github.com/officer-doofy/officer/actors/maint"
	"github.com/officer-doofy/officer/actors/recovery"
	"github.com/officer-doofy/officer/actors/schedule"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/internal/rotate"
	"github.com/officer-doofy/officer/internal/shelf"
	"github.com/officer-doofy/officer/internal/upkeep"
	"github.com/officer-doofy/officer/messages"
)

// parts is everything the systems of one tree are made of. Each method makes the props
// of one system: here, and nowhere else, adapters meet the interfaces of actors.
type parts struct {
	place
	peers       kit.Peers
	passive     bool
	settings    Database
	tells       []Notify
	files       fsx.FS
	engine      *engine
	definitions condition.Registry
	book        *rotate.Book // nil when the log could not be opened
	meters      *kit.Meters  // what the actors of the tree do
	seed        uint64
	lookEvery   time.Duration
	elapsed     func() time.Duration
	log         *slog.Logger // of the database
}

func (p parts) logger(system string) *slog.Logger {
	return p.log.With(slog.String("component", system))
}

func (p parts) logs() *actor.Props {
	cfg := logs.Config{Peers: p.peers, Log: p.logger("logs"), Passive: p.passive, Book: noBook{}}
	if p.book != nil {
		cfg.Book = p.book
	}
	return logs.Props(cfg)
}

func (p parts) health() *actor.Props {
	return health.Props(health.Config{
		Peers: p.peers, Log: p.logger("health"), Passive: p.passive, Registry: p.definitions,
	})
}

func (p parts) schedule() *actor.Props {
	return schedule.Props(schedule.Config{
		Peers: p.peers, Log: p.logger("schedule"), Passive: p.passive, Seed: p.seed, SleepMax: p.lookEvery,
	})
}

func (p parts) dbowner() *actor.Props {
	return dbowner.Props(dbowner.Config{
		Peers: p.peers, Log: p.logger("dbowner"), Passive: p.passive,
		Path: p.path, Opener: p.engine, Files: p.files, SQLiteVersion: SQLiteVersion, Seed: p.seed,
		LookEvery: p.lookEvery,
	})
}

func (p parts) integrity() *actor.Props {
	c := p.settings.Check
	cfg := integrity.Config{
		Peers: p.peers, Log: p.logger("integrity"), Passive: p.passive, Database: p.path,
		OnStart: c.OnStart, FullEvery: c.FullEvery, ForeignKeysEvery: c.ForeignKeysEvery,
		FenceOnDamage: !p.settings.Fence.NotOnDamage,
	}
	for _, rule := range c.Rules {
		severity := messages.Severity_SEVERITY_YELLOW
		if rule.Severity == "red" {
			severity = messages.Severity_SEVERITY_RED
		}
		cfg.Rules = append(cfg.Rules, &messages.Rule{Name: rule.Name, Sql: rule.SQL, Severity: severity})
	}
	return integrity.Props(cfg)
}

func (p parts) backup() *actor.Props {
	b := p.settings.Backup.withDefaults()
	return backup.Props(backup.Config{
		Peers: p.peers, Log: p.logger("backup"), Passive: p.passive,
		Database: filepath.Base(p.path), Name: p.name,
		Shelf:    shelf.New(shelf.Config{FS: p.files, Dir: p.backupDir(), Name: p.name, Looks: p.engine.looks, Sealer: p.engine.seals}),
		Verifier: p.engine, Policy: retention.Policy(p.settings.Keep),
		Drill: drillGround{home: p.home, engine: p.engine}, Rules: p.rules(), DrillEvery: p.settings.Drill.Every,
		Every: b.Every, Tries: b.Tries, PaceBytesPerSecond: b.PaceBytesPerSecond, Elapsed: p.elapsed,
	})
}

// rules are the app's statements as backups and candidates are tried with them.
func (p parts) rules() []check.Rule {
	var rules []check.Rule
	for _, r := range p.settings.Check.Rules {
		rules = append(rules, check.Rule{Name: r.Name, SQL: r.SQL, Severity: r.Severity})
	}
	return rules
}

func (p parts) maint() *actor.Props {
	m := p.settings.Maintain
	return maint.Props(maint.Config{
		Peers: p.peers, Log: p.logger("maint"), Passive: p.passive,
		Database: p.path, Home: p.home, Files: p.files,
		NoVacuum: m.Vacuum.Off, VacuumAt: m.Vacuum.At, AnalyzeEvery: m.AnalyzeEvery,
		Policy: upkeep.Policy{FreeShareMin: m.Vacuum.FreePagesMin, Idle: m.Vacuum.Idle},
	})
}

func (p parts) recovery() *actor.Props {
	return recovery.Props(recovery.Config{
		Peers: p.peers, Log: p.logger("recovery"), Passive: p.passive,
		Home: p.home, Database: p.path, FS: p.files, Scratch: p.engine, Workshop: workshop{p.engine, p.rules()},
		Automatic: !p.settings.Recover.NotAutomatic,
	})
}

// noBook stands in for a log that could not be opened.
type noBook struct{}

func (noBook) Recent(string, int, uint64) []logs.Record { return nil }
func (noBook) Prune(time.Time) error                    { return nil }
