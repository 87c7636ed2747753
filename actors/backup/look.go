package backup

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// question is a reading of the list that waits until its files were looked at.
type question struct {
	held
	stop func() // of the timer after which it is answered with what is known
}

// looked is the tag of a look, with those who wait for it.
type looked struct{ asked []*question }

// sight is what a look found; ids in both.
type sight struct {
	gone []string // listed, but without a file
	back []string // said to be missing, but there
}

// lookFirst answers after a look at the files: a backup that somebody deleted must not be
// called a proof until the scrub comes by.
func (b *backup) lookFirst(ctx actor.Context, h held) {
	q := &question{held: h}
	q.stop = b.After(ctx, lookWithin, q)
	b.questions = append(b.questions, q)
	b.lookAround(ctx)
}

// lookAround begins a look for all who wait. One at a time, so that a volume that hangs
// holds up one goroutine.
func (b *backup) lookAround(ctx actor.Context) {
	if b.looking || len(b.questions) == 0 {
		return
	}
	tag := looked{b.questions}
	b.looking, b.questions = true, nil
	now := b.cfg.Now()
	b.Go(ctx, tag, func(wctx context.Context) (any, error) {
		m := b.ledger.view()
		seen := b.sight(wctx, m)
		if len(seen.gone)+len(seen.back) == 0 {
			return seen, wctx.Err()
		}
		// Once more while nothing is moved from tier to tier.
		err := b.ledger.change(wctx, b.cfg.Shelf, now, func(m manifest.Manifest) (manifest.Manifest, error) {
			seen = b.sight(wctx, m)
			return m, nil
		})
		return seen, err
	})
}

// sight looks whether the files of the newest backups are there. A file that cannot be
// looked at is not called gone.
func (b *backup) sight(ctx context.Context, m manifest.Manifest) sight {
	var s sight
	for i, e := range slices.Backward(m.Entries) {
		if ctx.Err() != nil || len(m.Entries)-i > lookMost {
			break
		}
		_, err := b.cfg.Shelf.Size(e.File)
		switch {
		case fault.CodeOf(err) == fault.Missing:
			if e.Verdict != manifest.Missing {
				s.gone = append(s.gone, e.ID)
			}
		case err == nil && e.Verdict == manifest.Missing:
			s.back = append(s.back, e.ID)
		}
	}
	return s
}

// saw notes what a look found, answers who waited for it and has the verdicts written
// down as those of a verification are.
func (b *backup) saw(ctx actor.Context, tag looked, a *kit.Answer) {
	b.looking = false
	seen, ok := a.Value.(sight)
	if ok && a.Err == nil {
		b.noteGone(ctx, seen)
	} else {
		b.cfg.Log.Warn("the files of the backups could not be looked at", slog.Any("error", a.Err))
	}
	for _, q := range tag.asked {
		b.answer(q)
	}
	b.lookAround(ctx)
}

func (b *backup) noteGone(ctx actor.Context, seen sight) {
	before := b.ledger.gone
	b.ledger.gone = map[string]time.Time{}
	for _, id := range seen.gone {
		since, known := before[id]
		if !known {
			since = b.cfg.Now()
		}
		b.ledger.gone[id] = since
	}
	if !maps.Equal(before, b.ledger.gone) {
		b.evaluate(ctx) // before the answer: who reads it asks for the conditions next
	}
	if b.cfg.Passive {
		return // who only answers writes nothing unasked
	}
	v := &verification{}
	m := b.ledger.view()
	for _, id := range slices.Concat(seen.gone, seen.back) {
		if e, ok := m.Find(id); ok && e.State != manifest.StateSuspect && !b.queued(id) {
			v.ids = append(v.ids, id)
		}
	}
	if len(v.ids) > 0 {
		b.enqueue(ctx, v)
	}
}

func (b *backup) queued(id string) bool {
	return slices.ContainsFunc(b.queue, func(v *verification) bool { return slices.Contains(v.ids, id) })
}

// unlooked answers a question for which the look took too long.
func (b *backup) unlooked(q *question) {
	b.questions = slices.DeleteFunc(b.questions, func(other *question) bool { return other == q })
	b.answer(q)
}

func (b *backup) answer(q *question) {
	q.stop()
	switch msg := q.msg.(type) {
	case *messages.ListBackups:
		b.list(q.req)
	case *messages.FindBackup:
		b.find(q.req, msg)
	case *messages.ExplainRetention:
		b.explain(q.req, msg.GetId())
	}
}
