// Package health collects the conditions that the other systems raise and shows them as
// one colour, one sentence and the root causes (system 9).
//
// Protocol: takes RaiseCondition, ClearCondition and GetHealth → HealthReport. Tells the
// tree HealthChanged when the colour or the set of visible conditions changes.
//
// An arg of RaiseCondition is "key=value" for the placeholder {key} of the definition;
// args that name none fill the other placeholders in the order in which they first
// appear in text, hint and headline.
//
// A code that nobody declared is a defect of Officer. What it stands for may be serious,
// so it is shown, yellow and by its code, and logged as an error.
package health

import (
	"log/slog"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
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

const (
	// After a condition's moment has come the clock may still read a little less.
	wakeSlack = time.Millisecond
	// No wait is longer: a clock that was set must not delay a condition for days.
	wakeMax = time.Hour
	// Undeclared codes held at most; one is a defect, many would be a flood.
	straysMax = 50
)

// wake says that visibility may have changed by the passing of time.
type wake struct{}

// ledger outlives a restart: a crash here must not hide what is wrong.
type ledger struct {
	state  condition.State
	strays []stray
	told   picture // what the last HealthChanged showed
}

// picture is what must differ for HealthChanged.
type picture struct {
	colour messages.Severity
	codes  []string
}

// Props makes the props of the health actor.
func Props(cfg Config) *actor.Props {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &ledger{}
	return kit.Props(func() actor.Actor { return &health{cfg: cfg, ledger: l} })
}

// Conditions declares what this system can find wrong: nothing of its own.
func Conditions() []condition.Definition { return nil }

type health struct {
	kit.Base
	cfg    Config
	ledger *ledger
	sleep  func() // stops the timer of wake
}

// Receive is the table of contents.
func (h *health) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started, wake:
		h.evaluate(ctx)
	case *messages.RaiseCondition:
		h.raise(ctx, msg)
	case *messages.ClearCondition:
		h.clear(ctx, msg)
	case *messages.GetHealth:
		kit.Reply(ctx, h.report(time.Now()))
	default:
		h.Unhandled(ctx)
	}
}

func (h *health) raise(ctx actor.Context, m *messages.RaiseCondition) {
	now := time.Now()
	d, ok := h.cfg.Registry.Find(condition.Code(m.GetCode()))
	if !ok {
		h.raiseStray(m, now)
		h.evaluate(ctx)
		return
	}
	state, err := h.ledger.state.Raise(h.cfg.Registry, d.Code, argsOf(d, m.GetArgs()), now)
	if err != nil {
		h.cfg.Log.Error("condition could not be raised", slog.String("code", m.GetCode()), slog.Any("error", err))
		h.raiseStray(m, now)
	} else {
		h.ledger.state = state
	}
	h.evaluate(ctx)
}

func (h *health) clear(ctx actor.Context, m *messages.ClearCondition) {
	h.ledger.strays = slices.DeleteFunc(h.ledger.strays, func(s stray) bool { return s.code == m.GetCode() })
	if _, ok := h.cfg.Registry.Find(condition.Code(m.GetCode())); ok {
		state, err := h.ledger.state.Clear(h.cfg.Registry, condition.Code(m.GetCode()), time.Now())
		if err != nil {
			h.cfg.Log.Error("condition could not be cleared", slog.String("code", m.GetCode()), slog.Any("error", err))
		} else {
			h.ledger.state = state
		}
	}
	h.evaluate(ctx)
}

// evaluate tells the tree when the picture changed, and sets the alarm for the next
// change that needs no message.
func (h *health) evaluate(ctx actor.Context) {
	now := time.Now()
	if h.sleep != nil {
		h.sleep()
		h.sleep = nil
	}
	if next := h.ledger.state.NextChange(h.cfg.Registry, now); !next.IsZero() {
		wait := min(max(0, next.Sub(now))+wakeSlack, wakeMax)
		h.sleep = h.After(ctx, wait, wake{})
	}
	report := h.report(now)
	p := picture{colour: report.GetHealth()}
	for _, c := range report.GetConditions() {
		p.codes = append(p.codes, c.GetCode())
	}
	slices.Sort(p.codes)
	if p.colour == h.ledger.told.colour && slices.Equal(p.codes, h.ledger.told.codes) {
		return
	}
	h.ledger.told = p
	h.cfg.Log.Info("health changed", slog.String("health", word(p.colour)),
		slog.Any("conditions", p.codes), slog.String("headline", report.GetHeadline()))
	if !h.cfg.Passive {
		ctx.Send(h.cfg.Peers.Tree(), &messages.HealthChanged{Report: report})
	}
}
