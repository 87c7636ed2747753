package kit_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// metered does what the strings it gets say.
type metered struct {
	kit.Base
	gate chan struct{}
}

func (m *metered) Receive(ctx actor.Context) {
	switch ctx.Message() {
	case "panic":
		panic("by order")
	case "wait":
		<-m.gate
	}
}

func TestMeters_countMessagesRestartsAndDepth(t *testing.T) {
	testkit.Run(t, func(b *testkit.Bench) {
		var meters kit.Meters
		gate := make(chan struct{})
		pid := b.Spawn(meters.Watch("m", kit.Props(func() actor.Actor { return &metered{gate: gate} })), "m")
		counts := func() kit.Counts {
			b.Settle()
			all := meters.Counts()
			if len(all) != 1 || all[0].Actor != "m" {
				b.T.Fatalf("got %+v, want one actor m", all)
			}
			return all[0]
		}
		if c := counts(); c.Messages != 1 || c.Depth != 0 || c.Restarts != 0 {
			b.T.Errorf("at first: got %+v, want Started alone", c)
		}
		for range 3 {
			b.Tell(pid, "panic")
			b.Advance(time.Minute) // the default strategy restarts
		}
		c := counts()
		if c.Panics != 3 || c.Restarts != 3 || c.Depth != 0 || c.Messages != 1+3+3 {
			b.T.Errorf("after three panics: got %+v, want 3 panics, 3 restarts, nothing waiting", c)
		}
		b.Tell(pid, "wait")
		for range 10 {
			b.Tell(pid, "x")
		}
		b.Advance(2 * time.Second)
		if c := counts(); c.Depth != 11 || meters.Depth("m")() != 11 {
			b.T.Errorf("while it hangs: got depth %d, want 11", c.Depth)
		}
		close(gate)
		c = counts()
		var classed int64
		for _, n := range c.Within {
			classed += n
		}
		if c.Depth != 0 || c.Handling < 2*time.Second || c.Within[5] != 1 || classed != c.Messages {
			b.T.Errorf("afterwards: got %+v, want one message that took 2 s", c)
		}
		testkit.Ask[*messages.Pong](b, pid, &messages.Ping{})
		if c := counts(); c.Depth != 0 {
			b.T.Errorf("after a ping: got depth %d, want 0", c.Depth)
		}
	})
}

func TestMeters_depthOfNobodyIsNought(t *testing.T) {
	var meters kit.Meters
	if got := meters.Depth("nobody")(); got != 0 {
		t.Errorf("got %d, want 0", got)
	}
}

func BenchmarkMeters(b *testing.B) {
	system := actor.NewActorSystem()
	var meters kit.Meters
	done := make(chan struct{})
	pid := system.Root.Spawn(meters.Watch("m", actor.PropsFromFunc(func(ctx actor.Context) {
		if ctx.Message() == "end" {
			close(done)
		}
	})))
	for b.Loop() {
		system.Root.Send(pid, "x")
	}
	system.Root.Send(pid, "end")
	<-done
}
