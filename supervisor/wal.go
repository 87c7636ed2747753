package supervisor

import (
	"context"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/wal"
	"github.com/officer-doofy/officer/internal/host"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

func (p parts) wal() *actor.Props {
	s := p.settings.WAL
	return wal.Props(wal.Config{
		Peers: p.peers, Log: p.logger("wal"), Passive: p.passive,
		Database: p.path, Files: p.files, Holders: readers{},
		LimitBytes: s.LimitBytes, Idle: s.Idle, LookEvery: p.lookEvery,
	})
}

// readers is internal/host as the wal system sees it: wal.Holders.
type readers struct{}

// Holders names who reads the database with this -shm.
func (readers) Holders(ctx context.Context, device, inode uint64) (list []wal.Holder, known bool, err error) {
	found, known, err := host.Holders(ctx, device, inode)
	for _, h := range found {
		list = append(list, wal.Holder(h))
	}
	return list, known, err
}

// emptyWithin bounds the last checkpoints, which all databases make at once: what is left
// in a WAL is not lost, only moved later.
const emptyWithin = 2 * time.Second

// emptyWALs moves what the WALs hold into the databases before everything stops: a tree
// that is stopping cannot ask its own parts any more.
func (r *Running) emptyWALs(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, emptyWithin)
	defer cancel()
	var all sync.WaitGroup
	for _, d := range r.Databases() {
		p, f := r.find(d.Path)
		if f != nil {
			continue
		}
		all.Go(func() {
			// Whatever comes of it, the stop goes on; the wal system logs it.
			_, _ = kit.Ask[*messages.CheckpointOutcome](ctx, r.system, kit.NewPeers(r.system, p.tree.Id).Of("wal"),
				&messages.CheckpointNow{Reason: "stop"}, nil)
		})
	}
	all.Wait()
}
