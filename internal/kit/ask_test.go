package kit_test

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// caller asks to at its start and says who the asked actor took it for.
type caller struct {
	kit.Base
	to   *actor.PID
	done chan *kit.Answer
}

func (c *caller) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		c.Ask(ctx, c.to, &messages.GetSchedules{}, time.Minute, nil)
	case *kit.Answer:
		c.done <- msg
	}
}

// A schedule or a subscription outlives the question; telling the asker's own process
// would tell nobody.
func TestOrigin_isTheActorThatAsked(t *testing.T) {
	system := actor.NewActorSystem()
	origins := make(chan *actor.PID, 2)
	asked := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*messages.GetSchedules); ok {
			origins <- kit.Origin(ctx.Sender())
			ctx.Respond(&messages.ScheduleList{})
		}
	}))
	done := make(chan *kit.Answer, 1)
	self, err := system.Root.SpawnNamed(kit.Props(func() actor.Actor { return &caller{to: asked, done: done} }), "officer/caller")
	if err != nil {
		t.Fatal(err)
	}
	if got := <-origins; !got.Equal(self) {
		t.Errorf("got origin %v, want %v", got, self)
	}
	if a := <-done; a.Err != nil {
		t.Errorf("the asker got %v, want its answer", a.Err)
	}
	if _, err := kit.Ask[*messages.ScheduleList](context.Background(), system, asked, &messages.GetSchedules{}, nil); err != nil {
		t.Fatal(err)
	}
	if got := <-origins; got.Id == "outside" {
		t.Error("an asker from outside is no actor, but was taken for one")
	}
}
