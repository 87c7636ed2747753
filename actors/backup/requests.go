package backup

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sort"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/messages"
)

// Tags of background work.
type (
	loaded struct{}
	// firstLook asks whether the first full check is over already.
	firstLook struct{}
	// changed is a change of the list that somebody asked for; id is the backup meant.
	changed struct {
		req *kit.Request
		id  string
		op  string
	}
)

// load reads the list in the background; whoever comes meanwhile waits for it.
func (b *backup) load(ctx actor.Context) {
	if b.loading {
		return
	}
	b.loading = true
	now := b.cfg.Now()
	b.Go(ctx, loaded{}, func(wctx context.Context) (any, error) {
		return nil, b.ledger.change(wctx, b.cfg.Shelf, now, nil)
	})
}

// open serves who came before the list was there.
func (b *backup) open(ctx actor.Context, a *kit.Answer) {
	b.loading = false
	waiting := b.waiting
	b.waiting = nil
	if a.Err != nil {
		f := b.unreadable(a.Err)
		b.cfg.Log.Error("the list of backups could not be loaded", slog.Any("error", a.Err))
		b.raise(ctx, manifestUnwritable, "detail="+f.GetText(), "dir="+b.cfg.Shelf.Dir())
		for _, h := range waiting {
			h.req.Answer(f)
		}
		b.keepWatch(ctx)
		b.loadSoon(ctx)
		return
	}
	first := !b.ready
	b.ready, b.unread = true, 0
	b.clear(ctx, manifestUnwritable)
	b.evaluate(ctx)
	if first && !b.cfg.Passive {
		b.takeDuty(ctx)
	}
	for _, h := range waiting {
		b.serve(ctx, h)
	}
}

// loadSoon reads the list again a second later, then ever more seldom: a device that failed once must not cost the
// backup at start.
func (b *backup) loadSoon(ctx actor.Context) {
	if b.cfg.Passive || b.reading {
		return
	}
	b.reading = true
	b.unread++
	b.After(ctx, kit.ReadAgain(b.unread), &loadTime{})
}

// takeDuty starts everything that Officer does on its own.
func (b *backup) takeDuty(ctx actor.Context) {
	m := b.ledger.view()
	if why := b.ledger.rebuilt(); why != "" {
		b.cfg.Log.Warn("the list of backups was rebuilt", slog.String("why", why))
	}
	for _, broken := range m.VerifyChain() {
		b.cfg.Log.Warn("the list of backups was changed by somebody else",
			slog.String("id", broken.ID), slog.String("what", broken.Text))
	}
	var last int64
	if e, ok := m.Newest(); ok {
		last = e.Taken.UnixMilli()
	}
	b.Ask(ctx, b.cfg.Peers.Of("schedule"), &messages.AddSchedule{Key: keyBackup,
		Spec:     &messages.AddSchedule_EveryMs{EveryMs: b.cfg.Every.Milliseconds()},
		JitterMs: (b.cfg.Every / 48).Milliseconds(), LastDoneUnixMs: last}, askTimeout, nil)
	b.Ask(ctx, b.cfg.Peers.Of("schedule"), &messages.AddSchedule{Key: keyJanitor,
		Spec:           &messages.AddSchedule_EveryMs{EveryMs: sweepEvery.Milliseconds()},
		LastDoneUnixMs: b.cfg.Now().UnixMilli()}, askTimeout, nil)
	b.takeUpkeep(ctx, m)
	b.keepWatch(ctx)
	if !b.ledger.startDone {
		b.After(ctx, startWait, &startTime{})
		// The first check of a small database is over before anybody here listened.
		b.Ask(ctx, b.cfg.Peers.Of("integrity"), &messages.GetIntegrity{}, askTimeout, firstLook{})
	}
	b.sweep(ctx)
}

// keepWatch sees to one look a while from now.
func (b *backup) keepWatch(ctx actor.Context) {
	if !b.cfg.Passive && !b.watching {
		b.watching = true
		b.After(ctx, b.cfg.Every/4, &watchTime{})
	}
}

// watch looks at the clock without help of the schedule, so that a schedule that died
// cannot hide that nothing is backed up.
func (b *backup) watch(ctx actor.Context) {
	b.watching = false
	b.keepWatch(ctx)
	if !b.ready {
		b.load(ctx)
		return
	}
	b.evaluate(ctx)
}

// admit serves a request as soon as the list is loaded.
func (b *backup) admit(ctx actor.Context, h held) {
	if b.ready {
		b.serve(ctx, h)
		return
	}
	b.waiting = append(b.waiting, h)
	b.load(ctx)
}

func (b *backup) serve(ctx actor.Context, h held) {
	switch msg := h.msg.(type) {
	case *messages.TakeBackup:
		b.take(ctx, h.req, msg, false)
	case *messages.ListBackups, *messages.FindBackup, *messages.ExplainRetention:
		b.lookFirst(ctx, h)
	case *messages.VerifyBackups:
		b.verify(ctx, h.req, msg)
	case *messages.PinBackup:
		b.pin(ctx, h.req, msg.GetId(), true)
	case *messages.UnpinBackup:
		b.pin(ctx, h.req, msg.GetId(), false)
	case *messages.DrillNow:
		b.drillNow(ctx, h.req, msg)
	case *messages.GetDrill:
		b.tellLastDrill(h.req)
	case *messages.DiffBackups:
		b.compare(ctx, h.req, msg)
	}
}

func (b *backup) list(req *kit.Request) {
	kept, decision := b.explained()
	req.Answer(&messages.BackupList{Backups: kept, Held: decision.Held})
}

func (b *backup) find(req *kit.Request, msg *messages.FindBackup) {
	m := b.ledger.known()
	if msg.GetId() != "" {
		if e, ok := m.Find(msg.GetId()); ok {
			req.Answer(b.shown(e))
			return
		}
		req.Answer(b.noBackup("find backup", msg.GetId()))
		return
	}
	before := time.UnixMilli(msg.GetBeforeUnixMs())
	for _, e := range slices.Backward(m.Entries) {
		if good(e) && (msg.GetBeforeUnixMs() == 0 || e.Taken.Before(before)) {
			req.Answer(b.shown(e))
			return
		}
	}
	f := b.noBackup("find backup", "")
	if msg.GetBeforeUnixMs() != 0 && slices.ContainsFunc(m.Entries, good) {
		f.Text += " from before " + before.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	req.Answer(f)
}

func good(e manifest.Entry) bool { return e.Verified && e.State == "" }

func (b *backup) explain(req *kit.Request, id string) {
	kept, decision := b.explained()
	if id != "" {
		kept = slices.DeleteFunc(kept, func(k *messages.Backup) bool { return k.GetId() != id })
	}
	r := &messages.RetentionReport{Kept: kept, Held: decision.Held}
	m := b.ledger.view()
	r.ChainHead, r.ChainBreaks = m.Head(), b.ledger.broken()
	dropped := slices.Clone(m.Dropped)
	sort.Slice(dropped, func(a, b int) bool { return dropped[a].DroppedAt.After(dropped[b].DroppedAt) })
	for _, t := range dropped {
		_, listed := m.Find(t.ID) // its evidence was replaced, it did not go
		if listed || id != "" && t.ID != id {
			continue
		}
		if len(r.Dropped) == droppedShown {
			break
		}
		r.Dropped = append(r.Dropped, &messages.DroppedBackup{Id: t.ID, Reason: t.Reason,
			DroppedAtUnixMs: t.DroppedAt.UnixMilli()})
	}
	if id != "" && len(r.Kept)+len(r.Dropped) == 0 {
		req.Answer(b.noBackup("explain retention", id))
		return
	}
	req.Answer(r)
}

// explained gives all backups, newest first, with why each is kept and until when.
func (b *backup) explained() ([]*messages.Backup, retention.Decision) {
	m := b.ledger.known()
	d := retention.Explain(b.situation(""), m.Backups(), b.cfg.Policy)
	dropReason := map[string]string{}
	for _, x := range d.Drop {
		dropReason[x.ID] = x.Reason
	}
	kept := map[string]retention.Kept{}
	for _, k := range d.Keep {
		kept[k.ID] = k
	}
	var out []*messages.Backup
	for _, e := range slices.Backward(m.Entries) {
		p := b.shown(e)
		k := kept[e.ID]
		p.KeepReason, p.ExpiresBecause = k.Reason, k.Goes
		if reason, goes := dropReason[e.ID]; goes {
			p.ExpiresBecause = "with the next verified backup: " + reason
		}
		if !k.ExpiresAt.IsZero() {
			p.ExpiresAtUnixMs = k.ExpiresAt.UnixMilli()
		}
		if e.Verdict == manifest.Missing {
			p.KeepReason, p.ExpiresBecause = "its file is gone", "taken off the list with the next verified backup"
		}
		out = append(out, p)
	}
	return out, d
}

// situation is what a decision of retention depends on; verifiedID occasions it.
func (b *backup) situation(verifiedID string) retention.Situation {
	s := retention.Situation{Now: b.cfg.Now(), Location: b.cfg.Location, LastNow: b.ledger.lastNow,
		LiveSuspect: b.ledger.suspect, VerifiedID: verifiedID}
	if e := b.cfg.Elapsed(); e > 0 && b.ledger.lastElapsed > 0 {
		s.Elapsed = e - b.ledger.lastElapsed
	}
	if s.LastNow.IsZero() {
		// The first cycle of this life: what the list remembers is all there is.
		if e, ok := b.ledger.view().Newest(); ok && e.ID != verifiedID {
			s.LastNow = e.Taken
		}
	}
	return s
}

// pin keeps a backup for ever, or gives it back to retention. Nothing is ever dropped
// here, only moved.
func (b *backup) pin(ctx actor.Context, req *kit.Request, id string, pinned bool) {
	op := "unpin backup"
	if pinned {
		op = "pin backup"
	}
	if _, ok := b.ledger.view().Find(id); !ok {
		req.Answer(b.noBackup(op, id))
		return
	}
	situation := b.situation("")
	b.Go(ctx, changed{req: req, id: id, op: op}, func(wctx context.Context) (any, error) {
		return nil, b.ledger.change(wctx, b.cfg.Shelf, situation.Now, func(m manifest.Manifest) (manifest.Manifest, error) {
			next, err := m.Update(id, func(e *manifest.Entry) {
				if e.Pinned = pinned; !pinned {
					e.PinnedUntil = time.Time{} // the order of a person counts for both kinds
				}
			})
			if err != nil {
				return m, err
			}
			if err := b.cfg.Shelf.Save(next); err != nil {
				return m, err
			}
			return b.place(next, retention.Plan(situation, next.Backups(), b.cfg.Policy))
		})
	})
}

// settled answers who asked for a change of the list.
func (b *backup) settled(ctx actor.Context, tag changed, a *kit.Answer) {
	b.noteWrite(ctx, a.Err)
	b.evaluate(ctx)
	if a.Err != nil {
		tag.req.Answer(b.failure(tag.op, a.Err))
		return
	}
	e, ok := b.ledger.view().Find(tag.id)
	if !ok {
		tag.req.Answer(b.noBackup(tag.op, tag.id))
		return
	}
	tag.req.Answer(b.shown(e))
}

// noteWrite shows whether the shelf can be written.
func (b *backup) noteWrite(ctx actor.Context, err error) {
	switch {
	case err == nil:
		b.clear(ctx, manifestUnwritable)
	case !errors.Is(err, context.Canceled):
		b.cfg.Log.Error("the shelf of backups could not be changed", slog.Any("error", err))
		if c := fault.CodeOf(err); c != fault.Interrupted && c != fault.Invalid {
			b.raise(ctx, manifestUnwritable, "detail="+sentence(err), "dir="+b.cfg.Shelf.Dir())
			b.sweepSoon(ctx)
		}
	}
}

// again does what failed a while ago.
func (b *backup) again(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *retryTime:
		b.retrying = false
		b.takeOwn(ctx, "scheduled")
	case *loadTime:
		b.reading = false
		if !b.ready {
			b.load(ctx)
		}
	case *sweepTime:
		b.trying = false
		b.sweep(ctx)
	}
}

// sweepSoon tries the shelf again before the next period, which may be a day or a week away:
// until then nobody would know that it can be written again.
func (b *backup) sweepSoon(ctx actor.Context) {
	if !b.cfg.Passive && !b.trying {
		b.trying = true
		b.After(ctx, retryAfter, &sweepTime{})
	}
}
