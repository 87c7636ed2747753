package recovery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// keepEvidence keeps the damaged files as they are, once for each damage: a daily check
// that finds it again, or a restart, changes nothing.
func (r *recovery) keepEvidence(ctx actor.Context, e *messages.DamageFound) {
	if r.cfg.Passive || r.keeping {
		return
	}
	if r.led.kept != "" {
		r.raiseEvidence(ctx) // health may have started anew
		return
	}
	r.led.damage, r.keeping = e, true
	n := r.newRun(ctx, order{op: "keep evidence"})
	n.suspect = true
	r.Go(ctx, evidenceDone{}, func(wctx context.Context) (any, error) {
		s, err := n.preserve(wctx, fingerprint(e.GetReport()), false)
		if err != nil {
			return nil, err
		}
		return s.dir, nil
	})
}

// preserve has the owner copy the damaged files, unless those of the same damage are
// kept already and nobody wrote since; with anew it does so in any case.
func (r *run) preserve(ctx context.Context, damage string, anew bool) (*set, error) {
	sets, err := r.quar.sets()
	if err != nil {
		return nil, err
	}
	for _, s := range slices.Backward(sets) {
		if anew {
			break
		}
		if s.err == nil && s.rec.Kind == kindDamage && s.rec.State == stateKept {
			if s.rec.Damage == damage && s.rec.Ended.IsZero() {
				return s, nil
			}
			break
		}
	}
	s, err := r.quar.create(record{Version: recordVersion, Kind: kindDamage, State: stateKeeping, Began: time.Now().UTC(),
		Database: filepath.Base(r.cfg.Database), Damage: damage})
	if err != nil {
		return nil, err
	}
	kept, err := request[*messages.EvidenceKept](ctx, r, "dbowner",
		&messages.KeepEvidence{Job: r.job(".evidence"), ToDir: s.dir}, r.cfg.Timeout+askTimeout)
	if err != nil {
		if ctx.Err() == nil {
			if rerr := r.quar.remove(s); rerr != nil {
				r.cfg.Log.Warn("unfinished evidence stays behind", "dir", s.dir, "error", rerr)
			}
		}
		return nil, err
	}
	s.keep(r.cfg.FS, kept.GetFiles())
	s.rec.State = stateKept
	return s, r.quar.save(s)
}

// keepPending goes on with evidence that a crash of this actor, or a full disk, left
// unkept.
func (r *recovery) keepPending(ctx actor.Context) {
	if r.led.damage != nil {
		r.keepEvidence(ctx, r.led.damage)
	}
}

// fingerprint tells one damage from another by its findings.
func fingerprint(report *messages.CheckReport) string {
	var lines []string
	for _, f := range report.GetFindings() {
		lines = append(lines, f.GetKind()+"\x00"+f.GetObject()+"\x00"+f.GetDetail()+"\x01")
	}
	slices.Sort(lines)
	h := sha256.New()
	for _, l := range lines {
		h.Write([]byte(l))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// evidence tells people where the files lie and how to restore.
func (r *recovery) evidence(ctx actor.Context, a *kit.Answer) {
	r.keeping = false
	if r.led.damage == nil { // gone meanwhile
		r.closeDamage(ctx)
		return
	}
	dir, ok := a.Value.(string)
	if a.Err != nil || !ok {
		r.keeps++
		r.cfg.Log.Error("the damaged files could not be kept", "try", r.keeps, "error", a.Err)
		wait := evidenceAgain
		if r.keeps >= evidenceTriesMax { // a disk may be full for days, and the repair waits for this
			wait = evidenceSeldom
		}
		r.After(ctx, wait, keepAgain{})
		return
	}
	r.keeps, r.led.kept = 0, dir
	r.cfg.Log.Warn("the damaged files are kept", "dir", dir)
	r.raiseEvidence(ctx)
	r.sweep(ctx)
	if r.cfg.Automatic && r.led.tries == 0 {
		r.repairItself(ctx)
	}
}

// repairItself begins a repair that nobody ordered, unless the damage is gone or the tries
// are used up. It lets another order, or the look at an interrupted one, end first.
func (r *recovery) repairItself(ctx actor.Context) {
	if r.led.damage == nil || r.led.tries >= evidenceTriesMax {
		return
	}
	if r.running != nil {
		r.After(ctx, lookAgainBase, repairAgain{})
		return
	}
	r.led.tries++
	r.begin(ctx, pending{order: order{op: "repair", repair: true, automatic: true}, steps: repairInPlace()})
}

// repairStopped tells people why, and tries again later what failed for a reason that may
// pass: a lock, a full disk, a device.
func (r *recovery) repairStopped(ctx actor.Context, f *messages.Failure) {
	r.led.stopped = f.GetText()
	r.raiseEvidence(ctx)
	switch f.GetCode() {
	case "needs_confirmation", "not_recoverable", "refused":
		return // only a person can change that
	}
	r.After(ctx, evidenceAgain, repairAgain{})
}

func (r *recovery) raiseEvidence(ctx actor.Context) {
	if r.led.kept == "" {
		return
	}
	why := ""
	if r.led.stopped != "" {
		why = ": " + r.led.stopped
	}
	ctx.Send(r.cfg.Peers.Of("health"), &messages.RaiseCondition{Code: evidenceKept,
		Args: []string{"dir=" + r.led.kept, "database=" + shell.Word(r.cfg.Database), "why=" + why}})
}

// closeDamage ends the present damage: the next one is kept anew.
func (r *recovery) closeDamage(ctx actor.Context) {
	r.led.damage, r.led.kept, r.led.tries, r.led.stopped, r.keeps = nil, "", 0, "", 0
	ctx.Send(r.cfg.Peers.Of("health"), &messages.ClearCondition{Code: evidenceKept})
	n := r.newRun(ctx, order{op: "close the evidence"})
	r.Go(ctx, evidenceOver{}, func(context.Context) (any, error) { return nil, n.closeEvidence() })
}

func (r *run) closeEvidence() error {
	sets, err := r.quar.sets()
	if err != nil {
		return err
	}
	for _, s := range sets {
		if s.err != nil || s.rec.Kind != kindDamage || s.rec.State != stateKept || !s.rec.Ended.IsZero() {
			continue
		}
		s.rec.Ended = time.Now().UTC()
		if err := r.quar.save(s); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes sets that need not be kept any more, unless an order uses them.
func (r *recovery) sweep(ctx actor.Context) {
	if r.running != nil {
		return // it sweeps when it ends
	}
	n := r.newRun(ctx, order{op: "sweep the quarantine"})
	r.Go(ctx, janitorDone{}, func(wctx context.Context) (any, error) { return nil, n.sweepSets(wctx) })
}

// sweepAlone makes room for what a verb has just kept: without an Officer running the
// process ends with the answer, and nobody would sweep behind it.
func (r *run) sweepAlone(ctx context.Context) {
	if !r.cfg.Passive || r.set == nil {
		return
	}
	if err := r.sweepSets(ctx); err != nil {
		r.cfg.Log.Warn("older undo points could not be removed", "error", err)
	}
}

func (r *run) sweepSets(ctx context.Context) error {
	if err := r.quar.removeUnbegun(); err != nil {
		return err
	}
	sets, err := r.quar.sets()
	if err != nil {
		return err
	}
	for _, s := range sets {
		if s.err == nil && !s.open() && s.rec.State != stateKeeping {
			if err := r.quar.tidy(s); err != nil {
				return err
			}
		}
	}
	for _, d := range expire(time.Now(), sets, r.cfg.KeepSets) {
		if d.set.rec.State == stateKeeping && !d.set.rec.Began.Before(r.led.born.UTC()) {
			continue // being kept now
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.quar.remove(d.set); err != nil {
			return err
		}
		r.cfg.Log.Info("a kept set was removed", "set", d.set.id, "because", d.reason)
	}
	return nil
}
