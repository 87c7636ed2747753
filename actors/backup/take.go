package backup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/messages"
)

// take is one backup in the making, with all its tries.
type take struct {
	req     *kit.Request // nil for Officer's own
	msg     *messages.TakeBackup
	own     bool
	job     string
	try     int
	copying bool // the owner is at it

	suspect      bool // the database failed its check
	suspectSince time.Time
	damaged      bool // a try saw damage, not only another content
	facts        *messages.DatabaseFacts
	standing     manifest.Entry // the backup that may be proof enough; only with maySkip
	maySkip      bool
	backup       copied
}

// copied is what a try has made.
type copied struct {
	id, temp string
	at       time.Time
	report   *messages.CopyReport
	content  manifest.Content // of the snapshot; unknown until the copy proved to be it
}

// step is the tag of every ask and work of a take; next takes its outcome.
type step struct {
	t    *take
	next func(actor.Context, *take, *kit.Answer)
}

// takeOwn begins a backup nobody asked for, or notes it for after the one under way.
func (b *backup) takeOwn(ctx actor.Context, reason string) {
	switch {
	case b.cfg.Passive || !b.ready:
	case b.taking != nil:
		b.wish = reason
	default:
		b.take(ctx, nil, &messages.TakeBackup{Reason: reason}, true)
	}
}

// takeFirst begins the backup at start, once, or notes it for after one that somebody ordered: no schedule counts
// before it.
func (b *backup) takeFirst(ctx actor.Context) {
	if !b.ledger.startDone && (b.taking == nil || !b.taking.own) {
		b.takeOwn(ctx, "start")
	}
}

// due does the work of a schedule. Before the backup at start that one serves the period.
func (b *backup) due(ctx actor.Context, key string) {
	switch {
	case key == keyJanitor:
		b.sweep(ctx)
	case key == keyScrub:
		b.scrubDue = true
		b.workAside(ctx)
	case key == keyDrill:
		b.drillOwn(ctx)
	case key == keyBackup && b.ledger.startDone:
		b.takeOwn(ctx, "scheduled")
	}
}

// take begins a backup, or has it wait for the one under way: that one may lack what was
// committed since it began.
func (b *backup) take(ctx actor.Context, req *kit.Request, msg *messages.TakeBackup, own bool) {
	t := &take{req: req, msg: msg, own: own, job: msg.GetJobId()}
	if t.job == "" {
		b.ledger.jobs++
		t.job = fmt.Sprintf("backup-%d", b.ledger.jobs)
	}
	if b.taking != nil {
		b.queueUp(t)
		return
	}
	b.begin(ctx, t)
}

// begin asks first whether the database is suspect.
func (b *backup) begin(ctx actor.Context, t *take) {
	b.taking = t
	b.giveWay()
	b.Ask(ctx, b.cfg.Peers.Of("integrity"), &messages.GetIntegrity{}, askTimeout, step{t, b.weigh})
}

// weigh takes integrity's word; without one the last event counts.
func (b *backup) weigh(ctx actor.Context, t *take, a *kit.Answer) {
	if st, ok := a.Value.(*messages.IntegrityStatus); ok {
		b.ledger.suspect = st.GetSuspect()
		t.suspectSince = time.UnixMilli(st.GetSuspectSinceUnixMs())
	}
	t.suspect = b.ledger.suspect
	if t.suspect && t.own && b.hasSuspectSince(t.suspectSince) {
		// One picture of the damage is evidence; one every period only fills the disk.
		b.cfg.Log.Info("no backup: the database is suspect and a suspect backup exists")
		b.end(ctx, t)
		return
	}
	b.resume(ctx, t)
}

func (b *backup) hasSuspectSince(since time.Time) bool {
	return slices.ContainsFunc(b.ledger.view().Entries, func(e manifest.Entry) bool {
		return e.State == manifest.StateSuspect && !e.Taken.Before(since.Truncate(time.Second))
	})
}

// resume begins a try with what the live database is now.
func (b *backup) resume(ctx actor.Context, t *take) {
	if t != b.taking {
		return
	}
	if b.sweeping {
		// It would take the copy for a stray.
		b.paused = t
		return
	}
	t.try++
	b.Ask(ctx, b.cfg.Peers.Of("dbowner"), &messages.InspectDatabase{Job: &messages.Job{
		Priority: t.msg.GetPriority(), TimeoutMs: askTimeout.Milliseconds()}}, askTimeout+time.Second, step{t, b.inspected})
}

// room is what a try found on the shelf.
type room struct {
	standingHere bool
	freeBytes    int64
	id, temp     string
}

// inspected looks at the shelf: whether the standing backup is really there, the space,
// and the temporary file.
func (b *backup) inspected(ctx actor.Context, t *take, a *kit.Answer) {
	if a.Err != nil {
		b.fail(ctx, t, a.Err)
		return
	}
	facts, ok := a.Value.(*messages.DatabaseFacts)
	if !ok {
		b.fail(ctx, t, messages.NewFailure("internal", takeOp, "the owner of the database gave an unexpected answer"))
		return
	}
	t.facts = facts
	m, now := b.ledger.view(), b.cfg.Now()
	t.standing, t.maySkip = m.Newest()
	if f := b.emptied(t, t.standing); f != nil {
		b.fail(ctx, t, f)
		return
	}
	t.maySkip = t.maySkip && !t.suspect && !t.msg.GetForce() && !t.msg.GetPin() && t.standing.SchemaDigest != ""
	t.backup = copied{at: now.UTC().Truncate(time.Second)}
	standing, maySkip, at := t.standing, t.maySkip, t.backup.at
	// Passive, nobody else clears away what a killed run left.
	tidyFirst := b.cfg.Passive && !b.ledger.tidied
	sweepGround := tidyFirst && b.drilling == nil
	b.ledger.tidied = true
	b.Go(ctx, step{t, b.prepared}, func(wctx context.Context) (any, error) {
		var r room
		if sweepGround {
			b.sweepGround()
		}
		// Through the ledger: no sweep may run while a copy lies there.
		err := b.ledger.change(wctx, b.cfg.Shelf, now, func(m manifest.Manifest) (manifest.Manifest, error) {
			var err error
			if tidyFirst {
				if m, _, _, err = b.cfg.Shelf.Sweep(m, now); err != nil {
					return m, err
				}
			}
			// After the sweep, which lists what a killed run left under the id of this second.
			r.id = manifest.NewID(at, func(id string) bool { return known(m, id) })
			if maySkip {
				n, serr := b.cfg.Shelf.Size(standing.File)
				r.standingHere = serr == nil && n == standing.SizeBytes
			}
			if r.freeBytes, err = b.cfg.Shelf.Free(); err != nil {
				return m, err
			}
			if r.temp, err = b.cfg.Shelf.Temp(manifest.FileName(b.cfg.Name, r.id, retention.Recent), r.id); err != nil {
				return m, err
			}
			return m, b.cfg.Shelf.Discard(r.temp)
		})
		return r, err
	})
}

func known(m manifest.Manifest, id string) bool {
	_, listed := m.Find(id)
	return listed || slices.ContainsFunc(m.Dropped, func(t manifest.Tombstone) bool { return t.ID == id })
}

// prepared skips, refuses for want of space, or goes on to the copy. Whether nothing
// changed is decided before the checkpoint, which takes the frames away that tell.
func (b *backup) prepared(ctx actor.Context, t *take, a *kit.Answer) {
	if a.Err != nil {
		b.fail(ctx, t, a.Err)
		return
	}
	r := a.Value.(room)
	t.backup.id = r.id
	t.maySkip = t.maySkip && r.standingHere
	source := sourceIn(t.facts.GetSource())
	if t.maySkip && (unchanged(source, t.standing.Source) ||
		b.ledger.same.id == t.standing.ID && unchanged(source, b.ledger.same.source)) {
		b.skip(ctx, t, "nothing was committed since the last verified backup")
		return
	}
	needBytes := t.facts.GetSizeBytes() + t.facts.GetWalBytes()
	if r.freeBytes < needBytes+b.cfg.FreeMarginBytes {
		b.fail(ctx, t, b.full(needBytes, r.freeBytes))
		return
	}
	t.backup.temp = r.temp
	b.emptyWAL(ctx, t)
}

// unchanged tells whether two states of one file are surely the same. In WAL mode the
// frames must be named: a checkpoint takes them away without touching the change counter
// (https://sqlite.org/fileformat2.html#file_change_counter).
func unchanged(a, b manifest.Source) bool {
	a.WriterVersion, b.WriterVersion = 0, 0
	return a == b && (a.JournalMode != "wal" || a.WALFrames > 0)
}

// pace is bytes per second for a copy that nobody waits for, 0 = full speed: also for
// the first backup of all, because until then nothing is safe.
func (b *backup) pace(t *take, sizeBytes int64) int64 {
	_, any := b.ledger.view().Newest()
	if !any || t.suspect || t.msg.GetPriority() != messages.Priority_PRIORITY_BACKGROUND {
		return 0
	}
	return max(b.cfg.PaceBytesPerSecond, sizeBytes/copySecondsMax)
}

// forward gives the asker the progress of the copy.
func (b *backup) forward(p *messages.Progress) {
	if b.taking == nil || b.taking.req == nil {
		return
	}
	b.taking.req.Tell(&messages.Progress{JobId: b.taking.job, Stage: "copy",
		Done: p.GetDone(), Total: p.GetTotal(), Unit: p.GetUnit()})
}

// copyDone has the copy verified.
func (b *backup) copyDone(ctx actor.Context, t *take, a *kit.Answer) {
	t.copying = false
	r, ok := a.Value.(*messages.CopyReport)
	switch {
	case a.Err != nil:
		if codeOf(a.Err) == "no_answer" {
			ctx.Send(b.cfg.Peers.Of("dbowner"), &messages.CancelJob{Id: t.job})
		}
		b.fail(ctx, t, a.Err)
	case !ok:
		b.fail(ctx, t, messages.NewFailure("internal", takeOp, "the owner of the database gave an unexpected answer"))
	case r.GetSkipped() && t.maySkip:
		b.ledger.same = proven{t.standing.ID, sourceIn(r.GetSource())}
		temp := t.backup.temp // may have been begun
		b.Go(ctx, step{t, func(ctx actor.Context, t *take, _ *kit.Answer) {
			b.skip(ctx, t, "the database holds what the last verified backup holds")
		}}, func(context.Context) (any, error) { return nil, b.cfg.Shelf.Discard(temp) })
	default:
		t.backup.report, t.backup.content = r, contentIn(r.GetContent())
		if f := b.stripped(t); t.backup.content.SchemaDigest != "" && f != nil {
			b.fail(ctx, t, f)
			return
		}
		t.req.Tell(&messages.Progress{JobId: t.job, Stage: "verify", Total: r.GetSizeBytes(), Unit: "bytes"})
		temp, want := t.backup.temp, t.backup.content
		b.Go(ctx, step{t, b.verified}, func(wctx context.Context) (any, error) {
			return b.examineCopy(wctx, temp, r, want)
		})
	}
}

// verified publishes a copy that passed, and deletes one that did not. A suspect
// database gives a suspect backup whatever the verification said: it is evidence.
func (b *backup) verified(ctx actor.Context, t *take, a *kit.Answer) {
	if a.Err != nil {
		b.fail(ctx, t, a.Err)
		return
	}
	p := a.Value.(proof)
	t.suspect = t.suspect || b.ledger.suspect
	t.req.Tell(&messages.Progress{JobId: t.job, Stage: "verify", Done: p.sizeBytes, Total: p.sizeBytes, Unit: "bytes"})
	if len(p.findings) > 0 && !t.suspect {
		t.damaged = t.damaged || p.damaged
		b.fail(ctx, t, fault.New(fault.Mismatch, takeOp, "the copy failed its verification: %s", told(p.findings)))
		return
	}
	if t.backup.content.SchemaDigest == "" {
		t.backup.content = contentIn(contentOut(p.content))
		if f := b.stripped(t); f != nil && !t.suspect {
			b.fail(ctx, t, f)
			return
		}
	}
	b.publish(ctx, t, p)
}

// skip answers with the standing backup: it is proof for this period too.
func (b *backup) skip(ctx actor.Context, t *take, because string) {
	e, ok := b.ledger.view().Find(t.standing.ID)
	if !ok {
		e = t.standing
	}
	shown := b.shown(e)
	b.succeed(ctx, t, &messages.BackupReport{Backup: shown, Skipped: true, SkippedBecause: because, Tries: int32(t.try)})
	ctx.Send(b.cfg.Peers.Tree(), &messages.BackupSkipped{Standing: shown})
}

// succeed answers and notes that this period has its proof.
func (b *backup) succeed(ctx actor.Context, t *take, report *messages.BackupReport) {
	b.noteTime()
	if !t.suspect {
		b.ledger.provenAt = b.cfg.Now()
		b.clear(ctx, backupFailed)
	}
	ctx.Send(b.cfg.Peers.Of("schedule"), &messages.ScheduleDone{Key: keyBackup})
	t.req.Answer(report)
	b.end(ctx, t)
}

// noteTime remembers when the last cycle was, by both clocks.
func (b *backup) noteTime() {
	b.ledger.lastNow, b.ledger.lastElapsed = b.cfg.Now(), b.cfg.Elapsed()
}

// end makes way for what waited.
func (b *backup) end(ctx actor.Context, t *take) {
	b.taking = nil
	b.ledger.startDone = b.ledger.startDone || t.own
	b.evaluate(ctx)
	if b.sweepDue {
		b.sweep(ctx)
	}
	if len(b.behind) > 0 {
		next := b.behind[0]
		b.behind = b.behind[1:]
		b.begin(ctx, next)
	}
	if wish := b.wish; wish != "" && b.taking == nil {
		b.wish = ""
		b.takeOwn(ctx, wish)
	}
	b.drillAgain(ctx)
	b.workAside(ctx)
}

// cancelCopy stops the owner from writing a copy that nobody waits for any more.
func (b *backup) cancelCopy(ctx actor.Context) {
	if b.taking != nil && b.taking.copying {
		ctx.Send(b.cfg.Peers.Of("dbowner"), &messages.CancelJob{Id: b.taking.job})
	}
}
