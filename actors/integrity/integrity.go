// Package integrity looks for damage in the live database (system 2).
//
// Protocol: takes CheckNow → CheckReport, GetIntegrity → IntegrityStatus, and the
// event RestoreFinished. Asks "dbowner" RunCheck, RaiseFence and LiftFence, "schedule"
// AddSchedule. Tells the tree IntegrityChecked, DamageFound and DamageGone.
// Raises damage_found, cannot_judge, foreign_keys_broken, rule_broken,
// rule_broken_red and check_overdue.
//
// Nothing is called damage before a second, fresh connection saw it too (promise P4).
package integrity

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// Config of the integrity actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
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

// Props makes the props of the integrity actor.
func Props(cfg Config) *actor.Props {
	return kit.Props(func() actor.Actor { return &integrity{cfg: cfg} })
}

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition { return nil }

type integrity struct {
	kit.Base
	cfg Config
}

// Receive is the table of contents.
func (i *integrity) Receive(ctx actor.Context) { i.Unhandled(ctx) }
