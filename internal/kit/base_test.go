package kit_test

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// slow accepts every GetSchedules for ever, and has a child that takes its time to stop.
type slow struct {
	kit.Base
	stopping chan struct{}
	release  chan struct{}
}

func (s *slow) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		ctx.Spawn(actor.PropsFromFunc(func(c actor.Context) {
			if _, ok := c.Message().(*actor.Stopping); ok {
				close(s.stopping)
				<-s.release
			}
		}))
	case *messages.GetSchedules:
		s.Accept(ctx)
	}
}

// An actor whose children are still stopping goes on taking messages; what it accepts
// then would be forgotten.
func TestAccept_afterTheEndIsAnsweredAtOnce(t *testing.T) {
	system := actor.NewActorSystem()
	s := &slow{stopping: make(chan struct{}), release: make(chan struct{})}
	pid := system.Root.Spawn(kit.Props(func() actor.Actor { return s }))
	system.Root.Stop(pid)
	<-s.stopping
	defer close(s.release)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := kit.Ask[*messages.ScheduleList](ctx, system, pid, &messages.GetSchedules{}, nil)
	if f, ok := err.(*messages.Failure); !ok || f.Code != "actor_gone" {
		t.Errorf("got %v, want actor_gone while it is stopping", err)
	}
}
