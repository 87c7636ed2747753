package kit_test

import (
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
)

// orderly fails when it is given a message before Started.
type orderly struct {
	kit.Base
	t       *testing.T
	started bool
}

func (o *orderly) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		o.started = true
	case string:
		if !o.started {
			o.t.Error("a message was handled before Started")
		}
	default:
		o.Unhandled(ctx)
	}
}

// TestProps_aMessageToAnActorThatIsBeingSpawnedWaits: without the gate the sender dies of
// a nil dereference, sooner or later.
func TestProps_aMessageToAnActorThatIsBeingSpawnedWaits(t *testing.T) {
	// Its dead letters are counted within this time, and must not keep a goroutine for long.
	system := actor.NewActorSystem(actor.WithDeadLetterThrottleInterval(time.Millisecond), actor.WithDeadLetterRequestLogging(false))
	pid := system.NewLocalPID("newborn")
	for range 2000 {
		var senders sync.WaitGroup
		begin := make(chan struct{})
		for range 3 {
			senders.Add(1)
			go func() {
				defer senders.Done()
				<-begin
				for range 20 {
					system.Root.Send(pid, "hello")
				}
			}()
		}
		close(begin)
		born, err := system.Root.SpawnNamed(kit.Props(func() actor.Actor { return &orderly{t: t} }), "newborn")
		if err != nil {
			t.Fatal(err)
		}
		senders.Wait()
		if err := kit.StopTree(t.Context(), system, born); err != nil {
			t.Fatal(err)
		}
	}
}
