package backup

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// emptyWAL has the WAL moved into the database before the copy, which then reads one
// file and leaves no reader in the way of the app's own checkpoints. Whatever comes of
// it, the copy goes on: it reads the WAL too. A suspect database is not written to.
func (b *backup) emptyWAL(ctx actor.Context, t *take) {
	if t.suspect || b.ledger.suspect || t.facts.GetSource().GetJournalMode() != "wal" || t.facts.GetWalBytes() == 0 {
		b.copy(ctx, t)
		return
	}
	b.Ask(ctx, b.cfg.Peers.Of("wal"), &messages.CheckpointNow{Mode: "truncate", Reason: "backup"}, checkpointWithin,
		step{t, func(ctx actor.Context, t *take, _ *kit.Answer) { b.copy(ctx, t) }})
}

// copy has the owner copy, or find that the database holds what the standing backup holds.
func (b *backup) copy(ctx actor.Context, t *take) {
	needBytes := t.facts.GetSizeBytes() + t.facts.GetWalBytes()
	timeout := copyTimeoutBase + time.Duration(needBytes/copyBytesPerSecond)*time.Second
	order := &messages.CopyDatabase{
		Job: &messages.Job{Id: t.job, Priority: t.msg.GetPriority(), TimeoutMs: timeout.Milliseconds(),
			Progress: t.req != nil},
		ToPath: t.backup.temp, PaceBytesPerSecond: b.pace(t, needBytes),
		// Bytes tell that a copy went wrong, content tells where: it is digested when it did. A
		// suspect database may be too damaged for that.
		ByHash: t.try == 1 || t.suspect,
	}
	if t.maySkip {
		order.UnlessContent = contentOut(t.standing.Content)
	}
	t.copying = true
	b.Ask(ctx, b.cfg.Peers.Of("dbowner"), order, timeout+askTimeout, step{t, b.copyDone})
}
