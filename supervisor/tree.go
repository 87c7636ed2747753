package supervisor

import (
	"log/slog"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// treeConfig is one database's tree, complete and fixed for a life.
type treeConfig struct {
	peers    kit.Peers
	log      *slog.Logger
	policy   policy
	database string // name
	file     string // name of the database file, for hints
	path     string // of the same, absolute
	home     string
	version  string
	pid      int64
	passive  bool
	systems  []system
	events   *eventLog
	props    func(system) *actor.Props
}

// tree is the actor "officer/{name}": it starts and supervises the systems of one
// database, numbers their events and passes them to subscribers and neighbours, and
// gathers the status.
//
// Takes: every event message (see eventOf); Subscribe → Subscribed, Unsubscribe;
// GetStatus → Status; Progress, which only subscribers see.
// Tells "health" actor_gave_up:{name}, again whenever health started anew.
type tree struct {
	guardian
	cfg       treeConfig
	led       *treeLedger
	unwritten []*messages.TamperingFound // found in a passive life
	rewriting bool                       // writeTime will come
}

// treeLedger is what outlives an incarnation of the tree.
type treeLedger struct {
	events  *eventLog
	wards   []*ward
	started time.Time
	facts   *messages.DatabaseFacts // newest known, for a status while the owner is busy
}

// treeProps makes the props of one tree.
func treeProps(cfg treeConfig) *actor.Props {
	led := &treeLedger{events: cfg.events}
	if led.events == nil {
		led.events = &eventLog{database: cfg.database}
	}
	for _, s := range cfg.systems {
		led.wards = append(led.wards, &ward{name: s.name, props: cfg.props(s)})
	}
	return kit.Props(func() actor.Actor {
		t := &tree{cfg: cfg, led: led}
		t.guardian = guardian{policy: cfg.policy, wards: led.wards, told: t.changed}
		return t
	})
}

// Receive is the table of contents.
func (t *tree) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		t.open(ctx)
	case *actor.Stopping:
		t.close(ctx)
	case *actor.Restarting:
		t.end(ctx)
	case *messages.GetStatus:
		t.gather(ctx)
	case *messages.Subscribe:
		t.subscribe(ctx, msg)
	case *messages.Unsubscribe:
		t.unsubscribe(ctx, ctx.Sender())
	case *messages.Progress:
		t.show(ctx, &messages.Event{Type: "progress", TimeUnixMs: time.Now().UnixMilli(),
			Database: t.cfg.database, Body: &messages.Event_Progress{Progress: msg}})
	case *messages.DatabaseFacts:
		t.led.facts = msg
	case *kit.Answer:
		t.answered(ctx, msg)
	case *messages.GetEvents:
		kit.Reply(ctx, t.led.events.page(msg))
	case *evidenceTime:
		t.prove(ctx)
	case *writeTime:
		t.rewriting = false
		t.write(ctx)
	default:
		t.others(ctx)
	}
}

// others takes what belongs to the guardian, the events, and the end of a subscriber.
func (t *tree) others(ctx actor.Context) {
	if t.receive(ctx) {
		return
	}
	if gone, ok := ctx.Message().(*actor.Terminated); ok {
		t.led.events.leave(gone.Who)
		return
	}
	if e := eventOf(ctx.Message()); e != nil {
		t.publish(ctx, e)
		return
	}
	t.Unhandled(ctx)
}

func (t *tree) open(ctx actor.Context) {
	first := t.led.started.IsZero()
	if first {
		t.led.started = time.Now()
	}
	for _, s := range t.led.events.subscribers {
		ctx.Watch(s)
	}
	t.begin(ctx)
	if first {
		t.live(ctx, "started")
	}
	t.reraise(ctx)
	t.watchEvidence(ctx)
}

func (t *tree) close(ctx actor.Context) {
	t.live(ctx, "stopping")
	t.end(ctx)
	t.live(ctx, "stopped")
	if j := t.led.events.journal; j != nil {
		j.write(time.Now(), true)
	}
}

// live tells of the life of Officer itself. One that only answers a verb has none that
// is worth writing down.
func (t *tree) live(ctx actor.Context, state string) {
	if !t.cfg.passive {
		t.publish(ctx, eventOf(&messages.Lifecycle{State: state}))
	}
}

func (t *tree) subscribe(ctx actor.Context, msg *messages.Subscribe) {
	who := ctx.Sender()
	if who == nil {
		return
	}
	kit.Reply(ctx, &messages.Subscribed{Sequence: t.led.events.sequence})
	if msg.Replay {
		for _, e := range t.led.events.since(msg.AfterSequence) {
			ctx.Send(who, e)
		}
	}
	t.led.events.listen(who)
	ctx.Watch(who)
}

func (t *tree) unsubscribe(ctx actor.Context, who *actor.PID) {
	if who != nil && t.led.events.leave(who) {
		ctx.Unwatch(who)
	}
}

// publish numbers an event, shows it to subscribers and tells the neighbours that hear it.
func (t *tree) publish(ctx actor.Context, e *messages.Event) {
	if t.led.events.add(e, time.Now()) {
		t.write(ctx)
	}
	t.show(ctx, e)
	name := nameOf(ctx.Message())
	for _, s := range t.cfg.systems {
		if name != "" && slices.Contains(s.hears, name) {
			ctx.Send(t.cfg.peers.Of(s.name), ctx.Message())
		}
	}
}

func (t *tree) show(ctx actor.Context, e *messages.Event) {
	for _, s := range t.led.events.subscribers {
		ctx.Send(s, e)
	}
}

// changed is told by the guardian when a system crashed for good or came back.
func (t *tree) changed(ctx actor.Context, w *ward, what change) {
	switch what {
	case begun:
		if w.name == "dbowner" && !t.cfg.passive {
			// First in its mailbox, so that the first check, which may take minutes, does not
			// leave a status without facts.
			ctx.Request(t.cfg.peers.Of(w.name), &messages.InspectDatabase{Job: &messages.Job{Priority: messages.Priority_PRIORITY_URGENT}})
		}
	case restarted:
		t.publish(ctx, eventOf(&messages.ActorRestarted{Actor: w.name, Failure: w.lastFailure, Restarts: w.restarts}))
		if w.name == "health" {
			t.reraise(ctx)
			t.raiseTampered(ctx)
		}
	case gaveUp:
		t.publish(ctx, eventOf(&messages.ActorGaveUp{Actor: w.name, Failure: w.lastFailure}))
		t.reraise(ctx)
	case returned:
		ctx.Send(t.cfg.peers.Of("health"), &messages.ClearCondition{Code: gaveUpCode(w.name)})
	}
}

// reraise tells health which systems are given up. A retried one stays raised until it
// has settled. Health starts empty, so it is told again after each of its restarts.
func (t *tree) reraise(ctx actor.Context) {
	for _, w := range t.wards {
		if w.name != "health" && (w.state == stateGaveUp || w.crashes.probation) {
			ctx.Send(t.cfg.peers.Of("health"), &messages.RaiseCondition{Code: gaveUpCode(w.name)})
		}
	}
}
