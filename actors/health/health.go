// Package health collects the conditions that the other systems raise and shows them as
// one colour, one sentence and the root causes (system 9).
//
// Protocol: takes RaiseCondition, ClearCondition and GetHealth → HealthReport. Asks
// "backup" FindBackup for the proof without which nothing is called safe. Tells the tree
// HealthChanged when the colour or the set of visible conditions changes.
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
	// The backup actor never blocks; who asks for health shall not wait for a sick one.
	proofTimeout = time.Second
)

// wake says that visibility may have changed by the passing of time.
type wake struct{}

// Tags of FindBackup: for whom the proof is.
type (
	forAsker struct{ request *kit.Request }
	forEvent struct{}
)

// ledger outlives a restart: a crash here must not hide what is wrong.
type ledger struct {
	state  condition.State
	strays []stray
	told   picture // what the last HealthChanged showed
}

// picture is what must differ for HealthChanged.
type picture struct {
	colour messages.Severity
	codes  []string // sorted
}

func pictureOf(r *messages.HealthReport) picture {
	p := picture{colour: r.GetHealth()}
	for _, c := range r.GetConditions() {
		p.codes = append(p.codes, c.GetCode())
	}
	slices.Sort(p.codes)
	return p
}

func (p picture) equal(q picture) bool { return p.colour == q.colour && slices.Equal(p.codes, q.codes) }

func green(r *messages.HealthReport) bool { return r.GetHealth() == messages.Severity_SEVERITY_GREEN }

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
	asking bool   // for the proof that goes with HealthChanged
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
		h.answer(ctx)
	case *kit.Answer:
		h.prove(ctx, msg)
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
	report := h.report(now, "")
	switch {
	case h.ledger.told.equal(pictureOf(report)):
	case !green(report):
		h.tell(ctx, report)
	case !h.asking:
		h.asking = true
		h.askProof(ctx, forEvent{})
	}
}

// tell announces a new picture.
func (h *health) tell(ctx actor.Context, report *messages.HealthReport) {
	h.ledger.told = pictureOf(report)
	h.cfg.Log.Info("health changed", slog.String("health", word(report.GetHealth())),
		slog.Any("conditions", h.ledger.told.codes), slog.String("headline", report.GetHeadline()))
	if !h.cfg.Passive {
		ctx.Send(h.cfg.Peers.Tree(), &messages.HealthChanged{Report: report})
	}
}

func (h *health) answer(ctx actor.Context) {
	if report := h.report(time.Now(), ""); !green(report) {
		kit.Reply(ctx, report)
		return
	}
	h.askProof(ctx, forAsker{h.Accept(ctx)})
}

func (h *health) askProof(ctx actor.Context, tag any) {
	h.Ask(ctx, h.cfg.Peers.Of("backup"), &messages.FindBackup{}, proofTimeout, tag)
}

// prove goes on with the newest verified backup, or without one. The picture may have
// changed meanwhile.
func (h *health) prove(ctx actor.Context, a *kit.Answer) {
	now, proof := time.Now(), ""
	if b, ok := a.Value.(*messages.Backup); ok && a.Err == nil && b.GetVerified() {
		proof = proofText(b, now)
	}
	report := h.report(now, proof)
	switch tag := a.Tag.(type) {
	case forAsker:
		tag.request.Answer(report)
	case forEvent:
		h.asking = false
		if !h.ledger.told.equal(pictureOf(report)) {
			h.tell(ctx, report)
		}
	}
}
