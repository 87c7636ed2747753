package wal

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/growth"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// hostageKey is a reader: a process number alone may come back as another process.
type hostageKey struct {
	pid     int64
	command string
}

// cannotTell is what stands for a command that the system does not show.
const cannotTell = "cannot be told on this system"

// holders is what was found out about who reads.
type holders struct {
	index *messages.WalIndex
	list  []Holder
	known bool
}

// seek finds the processes behind the reader locks of the wal-index.
func (w *wal) seek(ctx actor.Context, r *round, a *kit.Answer) {
	index, ok := a.Value.(*messages.WalIndex)
	if !ok || !index.GetKnown() || w.cfg.Holders == nil {
		w.named(ctx, r, &kit.Answer{Value: holders{index: index}})
		return
	}
	w.Go(ctx, step{r, w.named}, func(work context.Context) (any, error) {
		list, known, err := w.cfg.Holders.Holders(work, index.GetDevice(), index.GetInode())
		return holders{index, list, known}, err
	})
}

// named makes the report of who is in the way.
func (w *wal) named(ctx actor.Context, r *round, a *kit.Answer) {
	found, _ := a.Value.(holders)
	if a.Err != nil {
		w.cfg.Log.Warn("who reads the database could not be told", slog.Any("error", a.Err))
	}
	left := r.outcome.GetLogFrames() - r.outcome.GetDoneFrames()
	for _, h := range found.list {
		pages := growth.Pinned(found.index.GetFrames(), found.index.GetBackfilled(), found.index.GetReadMarks(), h.Slots)
		if pages == 0 && !r.outcome.GetComplete() {
			continue // it reads what everybody reads
		}
		r.outcome.Hostages = append(r.outcome.Hostages, &messages.Hostage{
			Pid: h.PID, Command: cmp.Or(h.Command, cannotTell), Pages: pages, Own: h.Own,
		})
	}
	if len(r.outcome.Hostages) == 0 && !found.known && left > 0 {
		r.outcome.Hostages = []*messages.Hostage{{Command: cannotTell, Pages: left}}
	}
	slices.SortFunc(r.outcome.Hostages, func(a, b *messages.Hostage) int { return cmp.Compare(b.GetPages(), a.GetPages()) })
	w.finish(ctx, r)
}

// keepHostages notes since when each reader is in the way, and tells of those that stay.
func (w *wal) keepHostages(ctx actor.Context, r *round) {
	now := time.Now()
	seen := make(map[hostageKey]time.Time)
	for _, h := range r.outcome.GetHostages() {
		key := hostageKey{h.GetPid(), h.GetCommand()}
		since, known := w.ledger.seen[key]
		if !known {
			since = now
		}
		seen[key], h.SinceUnixMs = since, since.UnixMilli()
	}
	w.ledger.seen = seen
	blocked := len(w.lasting()) > 0
	w.ledger.hostages = r.outcome.GetHostages()
	if !blocked && len(w.lasting()) > 0 {
		w.cfg.Log.Warn("a reader keeps the WAL from being emptied", slog.String("who", who(w.lasting())),
			slog.Int64("wal_bytes", r.outcome.GetWalBytesAfter()))
		ctx.Send(w.cfg.Peers.Tree(), &messages.WalBlocked{Hostages: w.ledger.hostages, WalBytes: r.outcome.GetWalBytesAfter()})
	}
	w.showBlocked(ctx)
}

// lasting are the readers of other programs that are in the way for longer than a moment,
// while the WAL is large enough to matter.
func (w *wal) lasting() (list []*messages.Hostage) {
	if size, _ := w.size(); w.policy.Small(size) {
		return nil
	}
	for _, h := range w.ledger.hostages {
		if !h.GetOwn() && h.GetPages() > 0 && time.Since(time.UnixMilli(h.GetSinceUnixMs())) >= hostageAfter {
			list = append(list, h)
		}
	}
	return list
}
