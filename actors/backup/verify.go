package backup

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/messages"
)

// verification is one run over stored backups.
type verification struct {
	req *kit.Request // nil for Officer's own
	job string
	ids []string
	how string // of the verdicts; "" = "verify"
}

// judgement is what a run found out about one backup.
type judgement struct {
	verdict  *messages.BackupVerdict
	worsened bool // it was not known to be bad before
}

// verify queues a run: one at a time, so that they do not fight for the disk.
func (b *backup) verify(ctx actor.Context, req *kit.Request, msg *messages.VerifyBackups) {
	m := b.ledger.view()
	v := &verification{req: req, job: msg.GetJobId()}
	switch newest, ok := m.Newest(); {
	case msg.GetAll():
		for _, e := range slices.Backward(m.Entries) {
			v.ids = append(v.ids, e.ID)
		}
	case msg.GetId() != "":
		if _, listed := m.Find(msg.GetId()); !listed {
			req.Answer(b.noBackup("verify backups", msg.GetId()))
			return
		}
		v.ids = []string{msg.GetId()}
	case ok:
		v.ids = []string{newest.ID}
	case len(m.Entries) > 0:
		v.ids = []string{m.Entries[len(m.Entries)-1].ID}
	}
	if len(v.ids) == 0 {
		req.Answer(b.noBackup("verify backups", ""))
		return
	}
	b.enqueue(ctx, v)
}

// verifyUnjudged looks at what was rebuilt or found and is not judged yet.
func (b *backup) verifyUnjudged(ctx actor.Context) {
	v := &verification{}
	for _, e := range slices.Backward(b.ledger.view().Entries) {
		if e.Verdict == manifest.Unverified && e.State == "" {
			v.ids = append(v.ids, e.ID)
		}
	}
	if len(v.ids) > 0 {
		b.enqueue(ctx, v)
	}
}

func (b *backup) enqueue(ctx actor.Context, v *verification) {
	b.queue = append(b.queue, v)
	if len(b.queue) == 1 {
		b.judge(ctx, v)
	}
}

// judge runs a verification in the background.
func (b *backup) judge(ctx actor.Context, v *verification) {
	situation, root, self := b.situation(""), ctx.ActorSystem().Root, ctx.Self()
	b.Go(ctx, v, func(wctx context.Context) (any, error) {
		var all []judgement
		for i, id := range v.ids {
			j, ok, err := b.judgeOne(wctx, situation, id, cmp.Or(v.how, "verify"))
			if err != nil {
				return all, err
			}
			if ok { // else retention took it meanwhile
				all = append(all, j)
			}
			root.Send(self, &verifiedOne{v, i + 1, len(v.ids)})
		}
		return all, nil
	})
}

func (b *backup) tellVerified(msg *verifiedOne) {
	msg.v.req.Tell(&messages.Progress{JobId: msg.v.job, Stage: "verify", Done: int64(msg.done),
		Total: int64(msg.total), Unit: "backups"})
}

// judgeOne judges one stored backup and writes the verdict down. A file that moved to
// another tier while it was looked at is looked at again.
func (b *backup) judgeOne(ctx context.Context, s retention.Situation, id, how string) (judgement, bool, error) {
	var j judgement
	var found bool
	for {
		e, ok := b.ledger.view().Find(id)
		if !ok {
			return j, false, nil
		}
		start := time.Now()
		p, verdict, err := b.look(ctx, e)
		if ctx.Err() != nil {
			return j, false, err
		}
		moved := false
		s.Now = b.cfg.Now()
		v := &messages.BackupVerdict{Verdict: verdict, Findings: findingsOut(p.findings),
			Engine: string(p.engine), EngineReason: p.reason, DurationMs: time.Since(start).Milliseconds()}
		if err != nil {
			b.cfg.Log.Warn("a stored backup could not be read", slog.String("id", id), slog.Any("error", err))
			v.Findings = append(v.Findings, &messages.Finding{Kind: "unreadable", Detail: sentence(err)})
		}
		err = b.ledger.change(ctx, b.cfg.Shelf, s.Now, func(m manifest.Manifest) (manifest.Manifest, error) {
			now, listed := m.Find(id)
			found, moved = listed, listed && now.File != e.File
			if !listed || moved {
				return m, nil
			}
			// What was taken from a damaged database is damaged, and as good as it ever was.
			asTaken := now.State == manifest.StateSuspect && p.sha256 == now.SHA256
			j.worsened = bad(verdict) && now.Verdict != verdict && !asTaken
			return b.writeDown(m, now, s, p, manifest.VerdictAt{Verdict: verdict, How: how})
		})
		if err != nil || !found {
			return j, found, err
		}
		if moved {
			continue
		}
		e, _ = b.ledger.view().Find(id)
		v.Backup = b.shown(e)
		j.verdict = v
		return j, true, nil
	}
}

// look judges the bytes of one stored backup. Damage weighs more than a changed hash: a
// healthy file with the right content and other bytes is merely "changed".
func (b *backup) look(ctx context.Context, e manifest.Entry) (proof, string, error) {
	file := filepath.Join(b.cfg.Shelf.Dir(), filepath.FromSlash(e.File))
	switch _, err := b.cfg.Shelf.Size(e.File); fault.CodeOf(err) {
	case "":
	case fault.Missing:
		return proof{findings: []check.Finding{{Kind: "file", Detail: "the file is gone"}}}, manifest.Missing, nil
	case fault.Refused:
		return proof{findings: []check.Finding{{Kind: "file", Detail: sentence(err)}}}, manifest.Changed, nil
	default:
		return proof{}, manifest.Unverified, err
	}
	p, err := b.examine(ctx, file, e.Content)
	switch {
	case fault.CodeOf(err) == fault.Missing: // it went between the two looks
		return proof{findings: []check.Finding{{Kind: "file", Detail: "the file is gone"}}}, manifest.Missing, nil
	case err != nil:
		return p, manifest.Unverified, err
	case len(p.findings) > 0:
		return p, manifest.Rotten, nil
	case e.SHA256 != "" && e.SHA256 != p.sha256, e.SizeBytes != p.sizeBytes:
		p.findings = []check.Finding{{Kind: "file", Detail: "the content is right, but the bytes are not those that were written"}}
		return p, manifest.Changed, nil
	}
	return p, manifest.Verified, nil
}

// writeDown puts a verdict into the manifest: a bad backup is set aside, one that was
// rebuilt and passed gets its evidence. An unreadable file is no verdict, and what was
// taken from a damaged database may well be damaged: neither changes anything.
func (b *backup) writeDown(m manifest.Manifest, e manifest.Entry, s retention.Situation, p proof, v manifest.VerdictAt) (manifest.Manifest, error) {
	verdict := v.Verdict
	if verdict == manifest.Unverified || e.State == manifest.StateSuspect {
		return m, nil
	}
	next := m
	if verdict == manifest.Verified && e.SHA256 == "" {
		e.SHA256, e.SizeBytes, e.Content, e.VerifyMS = p.sha256, p.sizeBytes, p.content, p.took.Milliseconds()
		var err error
		if next, err = next.Replace(e, s.Now, "its evidence was gathered again"); err != nil {
			return m, err
		}
	}
	v.At, v.Detail = s.Now.UTC(), cmp.Or(told(p.findings), p.cannotTell)
	next, err := next.Judge(e.ID, v)
	if err != nil {
		return m, err
	}
	next, err = next.Update(e.ID, func(e *manifest.Entry) {
		switch {
		case verdict == manifest.Verified:
			e.State = ""
		case verdict != manifest.Missing:
			e.State = manifest.StateQuarantined
		}
	})
	if err != nil {
		return m, err
	}
	if err := b.cfg.Shelf.Save(next); err != nil {
		return m, err
	}
	return b.place(next, retention.Plan(s, next.Backups(), b.cfg.Policy))
}

// judged answers a verification and begins the next.
func (b *backup) judged(ctx actor.Context, v *verification, a *kit.Answer) {
	all, _ := a.Value.([]judgement)
	report := &messages.VerifyReport{}
	for _, j := range all {
		report.Verdicts = append(report.Verdicts, j.verdict)
		b.tellWorse(ctx, j)
	}
	b.noteWrite(ctx, a.Err)
	b.evaluate(ctx)
	if a.Err != nil {
		v.req.Answer(b.failure("verify backups", a.Err))
	} else {
		v.req.Answer(report)
	}
	b.queue = b.queue[1:]
	if len(b.queue) > 0 {
		b.judge(ctx, b.queue[0])
	}
	b.workAside(ctx)
}

// tellWorse tells of a backup that went bad, once.
func (b *backup) tellWorse(ctx actor.Context, j judgement) {
	delete(b.ledger.gone, j.verdict.GetBackup().GetId()) // the list says it now
	if !j.worsened {
		return
	}
	b.cfg.Log.Error("a stored backup went bad", slog.String("id", j.verdict.GetBackup().GetId()),
		slog.String("verdict", j.verdict.GetVerdict()))
	ctx.Send(b.cfg.Peers.Tree(), &messages.BackupRotten{Verdict: j.verdict})
}
