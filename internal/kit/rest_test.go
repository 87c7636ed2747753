package kit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
)

// lingering has background work that takes a minute to notice that it is cancelled.
type lingering struct {
	kit.Base
	ended chan struct{}
}

func (s *lingering) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		s.Go(ctx, nil, func(wctx context.Context) (any, error) {
			<-wctx.Done()
			<-time.After(time.Minute)
			close(s.ended)
			return nil, nil
		})
	default:
		s.Unhandled(ctx)
	}
}

func TestStopTree_waitsForBackgroundWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := actor.NewActorSystem(actor.WithDeadLetterThrottleInterval(time.Millisecond))
		ended := make(chan struct{})
		pid := system.Root.Spawn(kit.Props(func() actor.Actor { return &lingering{ended: ended} }))
		synctest.Wait()
		if err := kit.StopTree(t.Context(), system, pid); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
		default:
			t.Error("the actor was gone before its background work")
		}
		<-time.After(time.Second)
	})
}
