package backup

import (
	"context"
	"log/slog"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/messages"
)

// beforeRestore is the reason that recovery gives for the backup of what it replaces.
const beforeRestore = "before_restore"

// publication is what became of a copy that passed.
type publication struct {
	entry   manifest.Entry
	dropped []*messages.DroppedBackup
	held    string
	schema  *messages.SchemaChanged // what was pinned because of it
	late    error                   // the backup stands, but what followed did not all succeed
}

// publish makes a copy a backup: final name, manifest, then retention (P1, P3).
func (b *backup) publish(ctx actor.Context, t *take, p proof) {
	e := b.entry(t, p)
	verifiedID := e.ID
	if t.suspect {
		verifiedID = ""
	}
	s := b.situation(verifiedID)
	s.LiveSuspect = s.LiveSuspect || t.suspect
	s.Restoring = t.msg.GetReason() == beforeRestore
	temp := t.backup.temp
	verdict := manifest.VerdictAt{At: s.Now.UTC(), Verdict: manifest.Verified, How: "backup", Detail: p.cannotTell}
	if t.suspect {
		verdict.Verdict, verdict.Detail = manifest.Unverified, "taken while the database failed its check"
	}
	b.Go(ctx, step{t, b.published}, func(wctx context.Context) (any, error) {
		var out publication
		err := b.ledger.change(wctx, b.cfg.Shelf, s.Now, func(m manifest.Manifest) (manifest.Manifest, error) {
			next, err := m.Append(e)
			if err == nil {
				next, err = next.Judge(e.ID, verdict)
			}
			if err == nil {
				next, out.schema, err = pinBefore(next, e.ID, s.Now)
			}
			if err == nil {
				err = b.cfg.Shelf.Publish(temp, e.File)
			}
			if err == nil {
				err = b.cfg.Shelf.Save(next)
			}
			if err != nil {
				return m, err
			}
			next, out.late = b.expire(next, s, &out)
			out.entry, _ = next.Find(e.ID)
			return next, out.late
		})
		if out.entry.ID != "" {
			return out, nil
		}
		return out, err
	})
}

// entry is the evidence of a backup.
func (b *backup) entry(t *take, p proof) manifest.Entry {
	r := t.backup.report
	e := manifest.Entry{
		ID: t.backup.id, Reason: t.msg.GetReason(), Taken: t.backup.at,
		SizeBytes: p.sizeBytes, PageSize: r.GetPageSize(), SHA256: p.sha256,
		Content: t.backup.content, Source: sourceIn(r.GetSource()),
		SQLiteVersion: t.facts.GetSqliteVersion(),
		CopyMS:        r.GetDurationMs(), VerifyMS: p.took.Milliseconds(), WorstWriterStallMS: r.GetWorstWriterStallMs(),
		Tier: retention.Recent, Pinned: t.msg.GetPin(),
	}
	if e.Reason == "" {
		e.Reason = "manual"
	}
	switch {
	case t.suspect:
		e.State, e.Tier = manifest.StateSuspect, retention.Suspect
	case e.Pinned:
		e.Tier = retention.Pinned
	}
	e.File = manifest.FileName(b.cfg.Name, e.ID, e.Tier)
	return e
}

// published tells everybody about the backup and about those that went.
func (b *backup) published(ctx actor.Context, t *take, a *kit.Answer) {
	if a.Err != nil {
		b.noteWrite(ctx, a.Err)
		b.sweepDue = true // the file may have its name already, and stand on no list
		b.fail(ctx, t, a.Err)
		return
	}
	out := a.Value.(publication)
	b.noteWrite(ctx, out.late)
	shown := b.shown(out.entry)
	b.cfg.Log.Info("backup taken", slog.String("id", out.entry.ID), slog.String("file", out.entry.File),
		slog.String("reason", out.entry.Reason), slog.Int64("size_bytes", out.entry.SizeBytes),
		slog.Bool("verified", good(out.entry)), slog.String("chain", b.ledger.view().Head()))
	b.measure(ctx, "backup.copy", out.entry.CopyMS, out.entry.SizeBytes)
	b.measure(ctx, "backup.verify", out.entry.VerifyMS, out.entry.SizeBytes)
	if !t.suspect {
		ctx.Send(b.cfg.Peers.Tree(), &messages.BackupTaken{Backup: shown})
	}
	if out.schema != nil {
		b.cfg.Log.Info("the schema changed; the last backup before it is pinned", slog.String("id", out.schema.GetPinnedId()))
		ctx.Send(b.cfg.Peers.Tree(), out.schema)
	}
	for _, d := range out.dropped {
		b.cfg.Log.Info("backup dropped", slog.String("id", d.GetId()), slog.String("file", d.GetFile()),
			slog.String("reason", d.GetReason()))
		ctx.Send(b.cfg.Peers.Tree(), &messages.BackupPruned{Dropped: d})
	}
	if out.held != "" {
		b.cfg.Log.Info("no backup may be dropped now", slog.String("because", out.held))
	}
	b.succeed(ctx, t, &messages.BackupReport{Backup: shown, Tries: int32(t.try)})
}

// measure tells metrics what a step took.
func (b *backup) measure(ctx actor.Context, name string, tookMS, sizeBytes int64) {
	ctx.Send(b.cfg.Peers.Of("metrics"), &messages.RecordOperation{Name: name, DurationUs: tookMS * 1000, SizeBytes: sizeBytes})
}

// expire carries out a cycle of retention after s.VerifiedID was verified: moves first,
// then one drop after the other. It gives back the manifest on disk, also beside an
// error.
func (b *backup) expire(m manifest.Manifest, s retention.Situation, out *publication) (manifest.Manifest, error) {
	d := retention.Plan(s, m.Backups(), b.cfg.Policy)
	out.held = d.Held
	m, err := b.place(m, d)
	if err != nil {
		return m, err
	}
	drops := d.Drop
	if d.Held == "" && s.VerifiedID != "" {
		drops = append(slices.Clone(drops), b.gone(m)...)
	}
	for _, drop := range drops {
		e, ok := m.Find(drop.ID)
		if !ok {
			continue
		}
		if err := b.mayDrop(m, e); err != nil {
			return m, err
		}
		if m, err = b.cfg.Shelf.Remove(m, drop.ID, s.Now.UTC(), drop.Reason); err != nil {
			return m, err
		}
		out.dropped = append(out.dropped, &messages.DroppedBackup{Id: e.ID, File: e.File, Reason: drop.Reason,
			DroppedAtUnixMs: s.Now.UnixMilli()})
	}
	return m, nil
}

// gone are entries whose file somebody removed. They were reported; now a newer backup
// is verified, they leave the list (P2).
func (b *backup) gone(m manifest.Manifest) []retention.Dropped {
	var out []retention.Dropped
	for _, e := range m.Entries {
		if _, err := b.cfg.Shelf.Size(e.File); e.Verdict == manifest.Missing && fault.CodeOf(err) == fault.Missing {
			out = append(out, retention.Dropped{ID: e.ID, Reason: "its file was gone"})
		}
	}
	return out
}

// mayDrop is the last look before a file goes, whatever the plan says (P3): never a
// pinned one, never one of the last two verified, never without a newer verified file
// that is really there.
func (b *backup) mayDrop(m manifest.Manifest, e manifest.Entry) error {
	const op = "drop backup"
	if (e.Pinned || e.PinnedUntil.After(b.cfg.Now())) && e.Verdict != manifest.Missing {
		return fault.New(fault.Refused, op, "%s is pinned", e.ID)
	}
	newer := 0
	for _, other := range m.Entries {
		if !good(other) || other.ID == e.ID || other.Taken.Before(e.Taken) {
			continue
		}
		n, err := b.cfg.Shelf.Size(other.File)
		switch {
		case err == nil && n == other.SizeBytes:
			newer++
		case err != nil && fault.CodeOf(err) != fault.Missing:
			return err // a device that does not answer says nothing of the file
		}
	}
	if good(e) && newer < 2 || newer < 1 {
		return fault.New(fault.Refused, op, "%s is one of the last two verified backups", e.ID)
	}
	return nil
}

// place moves files into the tiers of a decision.
func (b *backup) place(m manifest.Manifest, d retention.Decision) (manifest.Manifest, error) {
	to := map[string]retention.Tier{}
	for _, k := range d.Keep {
		if e, ok := m.Find(k.ID); ok && k.Tier != "" && e.Tier != k.Tier {
			to[k.ID] = k.Tier
		}
	}
	if len(to) == 0 {
		return m, nil
	}
	return b.cfg.Shelf.Move(m, to)
}

// tidy is what a sweep found.
type tidy struct {
	removed, listed []string
}

type swept struct{}

// sweep lets the janitor work, after the backup under way if there is one: its temporary
// file is not a stray.
func (b *backup) sweep(ctx actor.Context) {
	if b.taking != nil {
		b.sweepDue = true
		return
	}
	if b.sweeping {
		return
	}
	b.sweepDue, b.sweeping = false, true
	situation, idle := b.situation(""), b.drilling == nil
	now := situation.Now
	b.Go(ctx, swept{}, func(wctx context.Context) (any, error) {
		var found tidy
		if idle {
			b.sweepGround()
		}
		err := b.ledger.change(wctx, b.cfg.Shelf, now, func(m manifest.Manifest) (manifest.Manifest, error) {
			var err error
			if m, found.removed, found.listed, err = b.cfg.Shelf.Sweep(m, now); err != nil {
				return m, err
			}
			return b.endPins(m, situation)
		})
		return found, err
	})
}

// sweepGround removes what a drill that was killed left. No drill may be running.
func (b *backup) sweepGround() {
	if b.cfg.Drill == nil {
		return
	}
	if err := b.cfg.Drill.Sweep(); err != nil {
		b.cfg.Log.Warn("what a drill left could not be removed", slog.Any("error", err))
	}
}

// tidied logs what the janitor did and has verified what it found.
func (b *backup) tidied(ctx actor.Context, a *kit.Answer) {
	b.sweeping = false
	b.noteWrite(ctx, a.Err)
	if found, ok := a.Value.(tidy); ok && len(found.removed)+len(found.listed) > 0 {
		b.cfg.Log.Info("the janitor tidied the backups", slog.Any("removed", found.removed),
			slog.Any("listed_again", found.listed))
	}
	b.verifyUnjudged(ctx)
	if t := b.paused; t != nil {
		b.paused = nil
		b.resume(ctx, t)
	}
}
