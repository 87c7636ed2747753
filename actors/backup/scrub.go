package backup

import (
	"context"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/messages"
)

// scrubbing is one day's round: stored backups read back from the device.
type scrubbing struct {
	ids     []string           // the first one is being read, or is next
	stop    context.CancelFunc // of the read under way; nil between two
	gaveWay bool               // it was stopped for a backup and begins again
}

// takeUpkeep asks for the schedules of scrub and drill.
func (b *backup) takeUpkeep(ctx actor.Context, m manifest.Manifest) {
	last := m.LastScrub()
	if last.IsZero() {
		last = b.cfg.Now()
	}
	b.Ask(ctx, b.cfg.Peers.Of("schedule"), &messages.AddSchedule{Key: keyScrub,
		Spec:     &messages.AddSchedule_EveryMs{EveryMs: scrubEvery.Milliseconds()},
		JitterMs: (scrubEvery / 12).Milliseconds(), LastDoneUnixMs: last.UnixMilli()}, askTimeout, nil)
	if b.cfg.Drill == nil {
		return
	}
	b.Ask(ctx, b.cfg.Peers.Of("schedule"), &messages.AddSchedule{Key: keyDrill,
		Spec:     &messages.AddSchedule_EveryMs{EveryMs: b.cfg.DrillEvery.Milliseconds()},
		JitterMs: (b.cfg.DrillEvery / 48).Milliseconds(), LastDoneUnixMs: b.drilledAt(m).UnixMilli()}, askTimeout, nil)
}

// workAside goes on with what gives way to backups and verifications: a drill first,
// because somebody may wait for it, then the scrub.
func (b *backup) workAside(ctx actor.Context) {
	if b.taking != nil || len(b.queue) > 0 || !b.ready {
		return
	}
	settled := b.ledger.startDone || b.cfg.Passive
	switch {
	case b.drilling != nil && b.drilling.running, b.scrub != nil && b.scrub.stop != nil:
	case b.drilling != nil && (settled || b.drilling.req != nil):
		b.drill(ctx, b.drilling)
	case b.scrub != nil:
		b.scrubNext(ctx)
	case b.scrubDue && settled:
		b.scrubDue = false
		b.scrub = &scrubbing{ids: b.ledger.view().ScrubList(b.cfg.Now())}
		b.scrubNext(ctx)
	}
}

// scrubNext reads the next backup of the round.
func (b *backup) scrubNext(ctx actor.Context) {
	s := b.scrub
	if len(s.ids) == 0 {
		b.scrub = nil
		return
	}
	reading, stop := context.WithCancel(context.Background())
	s.stop, s.gaveWay = stop, false
	situation, id := b.situation(""), s.ids[0]
	b.Go(ctx, s, func(wctx context.Context) (any, error) {
		defer context.AfterFunc(wctx, stop)()
		return b.scrubOne(reading, situation, id)
	})
}

// giveWay stops the read under way for a backup; it begins again afterwards.
func (b *backup) giveWay() {
	if b.scrub != nil && b.scrub.stop != nil {
		b.scrub.gaveWay = true
		b.scrub.stop()
	}
}

// scrubOne compares the bytes of one backup with those that were written. Whatever else
// than equal is found is looked at as a verification does.
func (b *backup) scrubOne(ctx context.Context, s retention.Situation, id string) (judgement, error) {
	e, ok := b.ledger.view().Find(id)
	if !ok || !good(e) {
		return judgement{}, nil
	}
	sha256Hex, sizeBytes, err := b.cfg.Shelf.HashPaced(ctx, e.File, b.cfg.PaceBytesPerSecond)
	if ctx.Err() != nil {
		return judgement{}, ctx.Err()
	}
	if err != nil || sha256Hex != e.SHA256 || sizeBytes != e.SizeBytes {
		j, _, err := b.judgeOne(ctx, s, id, manifest.HowScrub)
		return j, err
	}
	now := b.cfg.Now()
	return judgement{}, b.ledger.change(ctx, b.cfg.Shelf, now, func(m manifest.Manifest) (manifest.Manifest, error) {
		if e, listed := m.Find(id); !listed || !good(e) {
			return m, nil
		}
		next, err := m.Judge(id, manifest.VerdictAt{At: now, Verdict: manifest.Verified, How: manifest.HowScrub})
		if err == nil {
			err = b.cfg.Shelf.Save(next)
		}
		if err != nil {
			return m, err
		}
		return next, nil
	})
}

// scrubbed takes the outcome for one backup and goes on.
func (b *backup) scrubbed(ctx actor.Context, s *scrubbing, a *kit.Answer) {
	s.stop()
	s.stop = nil
	if s != b.scrub {
		return
	}
	if a.Err == nil || !s.gaveWay {
		s.ids = s.ids[1:]
	}
	switch {
	case a.Err == nil:
		j, _ := a.Value.(judgement)
		b.tellWorse(ctx, j)
		b.evaluate(ctx)
	case !s.gaveWay:
		b.cfg.Log.Warn("a stored backup could not be scrubbed", slog.Any("error", a.Err))
		b.noteWrite(ctx, a.Err)
	}
	b.workAside(ctx)
}
