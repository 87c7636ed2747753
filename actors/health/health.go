// Package health collects the conditions that the other systems raise and shows them as
// one colour, one sentence and the root causes (system 9).
//
// Protocol: takes RaiseCondition, ClearCondition, GetHealth → HealthReport. Tells the
// tree HealthChanged when the colour or the set of visible conditions changes. Starts
// empty: systems raise again at every evaluation.
//
// An arg of RaiseCondition is "key=value" for the placeholder {key} of the definition;
// args without such a key fill the remaining placeholders in the order in which they
// first appear in text, hint and headline.
package health

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
)

// Config of the health actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: no HealthChanged events; conditions are collected and GetHealth is answered.
	Passive bool
	// Registry holds the definitions of all systems.
	Registry condition.Registry
}

// Props makes the props of the health actor.
func Props(cfg Config) *actor.Props {
	return kit.Props(func() actor.Actor { return &health{cfg: cfg} })
}

// Conditions declares what this system can find wrong: nothing of its own.
func Conditions() []condition.Definition { return nil }

type health struct {
	kit.Base
	cfg Config
}

// Receive is the table of contents.
func (h *health) Receive(ctx actor.Context) { h.Unhandled(ctx) }
