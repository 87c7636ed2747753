package backup

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// fail ends a try: the copy is deleted before anything else, so that who hears of the
// failure finds no trace of it.
func (b *backup) fail(ctx actor.Context, t *take, err error) {
	b.cfg.Log.Warn("a backup failed", slog.Int("try", t.try), slog.Any("error", err))
	temp := t.backup.temp
	if temp == "" {
		b.retry(ctx, t, err)
		return
	}
	t.backup.temp = ""
	next := func(ctx actor.Context, t *take, a *kit.Answer) {
		if a.Err != nil {
			b.cfg.Log.Warn("a copy could not be deleted; the janitor will", slog.Any("error", a.Err))
			b.sweepDue = true
		}
		b.retry(ctx, t, err)
	}
	b.Go(ctx, step{t, next}, func(context.Context) (any, error) { return nil, b.cfg.Shelf.Discard(temp) })
}

// retry tries again after a while, unless it is hopeless or was tried enough.
func (b *backup) retry(ctx actor.Context, t *take, err error) {
	code := codeOf(err)
	tries, damage := b.cfg.Tries, code == string(fault.Corrupt) || code == string(fault.NotADatabase)
	t.damaged = t.damaged || damage
	if damage {
		tries = min(tries, damageTries)
	}
	if t.try < tries && worthRetry(code) {
		wait := min(backoffBase<<(2*(t.try-1)), backoffLimit)
		b.After(ctx, wait, &tryAgain{t})
		return
	}
	b.giveUp(ctx, t, err)
}

// worthRetry tells whether the same may go well a second later.
func worthRetry(code string) bool {
	switch code {
	case "no_answer", "actor_gone", string(fault.Busy), string(fault.IO), string(fault.Mismatch),
		string(fault.Internal), string(fault.Corrupt), string(fault.NotADatabase):
		return true
	}
	return false
}

// giveUp tells everybody that there is no backup this time.
func (b *backup) giveUp(ctx actor.Context, t *take, err error) {
	f := b.failure(takeOp, err)
	f.Did = didNothing
	if len(f.Hints) == 0 {
		f.Hints = []string{"officer check " + b.cfg.Database, "officer logs " + b.cfg.Database}
	}
	if f.GetCode() != string(fault.Interrupted) {
		b.raise(ctx, backupFailed, "detail="+f.GetText())
		ctx.Send(b.cfg.Peers.Tree(), &messages.BackupFailed{Failure: f, Tries: int32(t.try)})
	}
	if t.damaged && !t.suspect {
		b.Ask(ctx, b.cfg.Peers.Of("integrity"), &messages.CheckNow{Kind: messages.CheckKind_CHECK_KIND_FULL,
			Priority: messages.Priority_PRIORITY_URGENT}, time.Hour, nil)
	}
	// While the database is known to be damaged, each try reads all of it to fail again:
	// the next period and DamageGone are soon enough.
	// One that somebody ordered left a red condition, too, which only a backup takes away; who called it off wants none.
	wanted := t.own || !b.cfg.Passive && f.GetCode() != string(fault.Interrupted)
	if wanted && !b.retrying && !t.suspect {
		b.retrying = true
		b.After(ctx, retryAfter, &retryTime{})
	}
	t.req.Answer(f)
	b.end(ctx, t)
}

// codeOf is the stable code of any error that ends a try.
func codeOf(err error) string {
	var f *messages.Failure
	if errors.As(err, &f) {
		return f.GetCode()
	}
	return string(fault.CodeOf(err))
}
