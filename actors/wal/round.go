package wal

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/growth"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

const checkpointOp = "checkpoint the database"

// Modes (https://sqlite.org/c3ref/wal_checkpoint_v2.html).
const (
	passive  = "passive"
	truncate = "truncate"
)

func knownMode(mode string) bool {
	return slices.Contains([]string{passive, "full", "restart", truncate}, mode)
}

// Why Officer empties the WAL by itself, and what the supervisor says when it stops.
const (
	reasonStart  = "start"
	reasonGrowth = "growth"
	reasonIdle   = "idle"
	reasonStop   = "stop"
)

// Why nothing was done.
const (
	becauseDamaged  = "the database is damaged: a checkpoint could write over what can still be saved"
	becauseRollback = "the database is not in WAL mode"
	becauseClosed   = "the database cannot be worked on now"
	becauseUnasked  = "nothing is done unasked"
	becauseAtWork   = "Officer itself is at work on the database"
)

// round is one checkpoint from its cause to its outcome.
type round struct {
	mode    string
	reason  string
	job     string
	own     bool
	request *kit.Request // nil for Officer's own

	began   time.Time
	before  int64 // bytes of the WAL
	outcome *messages.CheckpointOutcome
	final   bool // the job that was asked last is the last one
}

// step is the tag of every ask and work of a round; next takes its outcome.
type step struct {
	r    *round
	next func(actor.Context, *round, *kit.Answer)
}

// begin starts a round, or lets it wait for the one that runs. One of Officer's own does
// not wait: the one that runs does its work.
func (w *wal) begin(ctx actor.Context, r *round) {
	if w.running != nil {
		if !r.own {
			w.waiting = append(w.waiting, r)
		} else if r.reason == reasonStart {
			w.After(ctx, postponeBase, startAgain{})
		}
		return
	}
	w.running = r
	r.began = time.Now()
	r.before, _ = w.size()
	if r.job == "" {
		w.ledger.rounds++
		r.job = "wal-" + strconv.Itoa(w.ledger.rounds)
	}
	r.outcome = &messages.CheckpointOutcome{Mode: r.mode, WalBytesBefore: r.before}
	w.Ask(ctx, w.cfg.Peers.Of("integrity"), &messages.GetIntegrity{}, askTimeout, step{r, w.weigh})
}

// weigh takes integrity's word; without one what it last told counts.
func (w *wal) weigh(ctx actor.Context, r *round, a *kit.Answer) {
	if s, ok := a.Value.(*messages.IntegrityStatus); ok {
		w.ledger.suspect = s.GetSuspect()
	}
	if w.ledger.suspect {
		w.skip(ctx, r, becauseDamaged)
		return
	}
	w.Ask(ctx, w.cfg.Peers.Of("dbowner"), &messages.GetOwnerStatus{}, askTimeout, step{r, w.owned})
}

// owned looks at the fence and at what the owner is doing.
func (w *wal) owned(ctx actor.Context, r *round, a *kit.Answer) {
	s, ok := a.Value.(*messages.OwnerStatus)
	switch {
	case !ok:
		w.fail(ctx, r, a.Err)
		return
	case slices.Contains(s.GetFence().GetReasons(), "damage"):
		w.skip(ctx, r, becauseDamaged)
		return
	case s.GetState() == "stuck", s.GetState() == "failed" && !w.cfg.Passive:
		w.skip(ctx, r, becauseClosed)
		return
	case (r.own || r.reason == reasonStop) && long(s.GetRunning()):
		// It is itself the reader that would be in the way, and a check may be about to
		// find damage.
		w.skip(ctx, r, becauseAtWork)
		return
	}
	if s.GetFence().GetActive() {
		r.outcome.Mode = passive // the fence holds the write lock, which the other modes need
	}
	w.Ask(ctx, w.cfg.Peers.Of("dbowner"), &messages.InspectWal{Job: w.jobOf(r, "-look")}, jobTimeout+askTimeout, step{r, w.chosen})
}

// long tells whether a job of the owner may hold a read transaction for a while.
func long(job string) bool {
	return !slices.Contains([]string{"", "inspect", "inspect wal", "look", "checkpoint"}, job)
}

func (w *wal) jobOf(r *round, suffix string) *messages.Job {
	j := &messages.Job{Id: r.job + suffix, TimeoutMs: jobTimeout.Milliseconds()}
	if !r.own {
		j.Priority = messages.Priority_PRIORITY_INTERACTIVE
	}
	if r.reason == reasonStop {
		j.Priority, j.TimeoutMs = messages.Priority_PRIORITY_URGENT, stopWithin.Milliseconds()
	}
	return j
}

// chosen picks the mode and orders the checkpoint.
func (w *wal) chosen(ctx actor.Context, r *round, a *kit.Answer) {
	index, ok := a.Value.(*messages.WalIndex)
	if !ok {
		w.fail(ctx, r, a.Err)
		return
	}
	w.ledger.mode = index.GetJournalMode()
	if index.GetJournalMode() != "wal" {
		w.skip(ctx, r, becauseRollback)
		return
	}
	w.ledger.passive = ""
	if index.GetLitestream() || w.shadowed() {
		w.ledger.passive = "Litestream replicates this database and empties the WAL itself"
		r.outcome.Mode = passive
	}
	// Always PASSIVE first: it needs no write lock, and tells whether a reader is in the way.
	r.final = r.outcome.Mode == passive
	w.checkpoint(ctx, r, passive)
}

// shadowed tells whether Litestream's shadow directory lies beside the database.
func (w *wal) shadowed() bool {
	dir, name := filepath.Split(w.cfg.Database)
	info, err := w.cfg.Files.Stat(filepath.Join(dir, "."+name+"-litestream"))
	return err == nil && info.IsDir()
}

func (w *wal) checkpoint(ctx actor.Context, r *round, mode string) {
	w.Ask(ctx, w.cfg.Peers.Of("dbowner"), &messages.CheckpointDatabase{Job: w.jobOf(r, ""), Mode: mode},
		jobTimeout+askTimeout, step{r, w.moved})
}

// moved sees how far a checkpoint came: on with emptying the file, or who is in the way.
func (w *wal) moved(ctx actor.Context, r *round, a *kit.Answer) {
	report, ok := a.Value.(*messages.CheckpointReport)
	if !ok {
		w.fail(ctx, r, a.Err)
		return
	}
	complete := !report.GetBusy() && report.GetDoneFrames() >= report.GetLogFrames()
	if report.GetLogFrames() > 0 { // after TRUNCATE there are none
		r.outcome.LogFrames, r.outcome.DoneFrames = report.GetLogFrames(), report.GetDoneFrames()
	}
	switch {
	case !r.final && (complete || !r.own):
		// Unasked, the write lock is not held for nothing while a reader is in the way.
		r.final = true
		w.checkpoint(ctx, r, r.outcome.Mode)
	case complete:
		r.outcome.DoneFrames, r.outcome.Complete = r.outcome.GetLogFrames(), true
		w.finish(ctx, r)
	default:
		// Everything moved, but the file could not be emptied: complete all the same.
		r.outcome.Complete = r.outcome.GetLogFrames() > 0 && r.outcome.GetDoneFrames() >= r.outcome.GetLogFrames()
		w.Ask(ctx, w.cfg.Peers.Of("dbowner"), &messages.InspectWal{Job: w.jobOf(r, "-look")}, jobTimeout+askTimeout, step{r, w.seek})
	}
}

// skip ends a round in which nothing was done.
func (w *wal) skip(ctx actor.Context, r *round, because string) {
	r.outcome.SkippedBecause, r.outcome.WalBytesAfter = because, r.before
	r.outcome.DurationMs = time.Since(r.began).Milliseconds()
	w.cfg.Log.Debug("no checkpoint", slog.String("reason", r.reason), slog.String("because", because))
	switch {
	case r.reason == reasonStart && because == becauseAtWork:
		w.starts++
		w.After(ctx, kit.Backoff(w.starts, postponeBase, postponeMax, 0), startAgain{})
	case r.reason == reasonStart:
		w.started(ctx)
	}
	if r.reason == reasonIdle {
		w.ledger.state = w.ledger.state.IdleDone(w.policy, time.Now(), false)
	}
	r.request.Answer(r.outcome)
	w.end(ctx)
}

// fail ends a round that could not be carried out.
func (w *wal) fail(ctx actor.Context, r *round, err error) {
	var f *messages.Failure
	if !errors.As(err, &f) {
		f = messages.NewFailure("internal", checkpointOp, "the owner of the database gave an unexpected answer")
	}
	if f.GetCode() == "refused" { // the fence went up meanwhile
		w.skip(ctx, r, becauseDamaged)
		return
	}
	level := slog.LevelWarn
	if r.own && passing(f) {
		level = slog.LevelDebug // the next look tries again
	} else {
		ctx.Send(w.cfg.Peers.Of("metrics"), &messages.RecordOperation{Name: "wal.checkpoint",
			DurationUs: time.Since(r.began).Microseconds(), Failed: true})
	}
	w.cfg.Log.Log(context.Background(), level, "the checkpoint failed", slog.String("reason", r.reason), slog.Any("error", f))
	if r.reason == reasonStart {
		w.started(ctx)
	}
	if r.reason == reasonIdle {
		w.ledger.state = w.ledger.state.IdleDone(w.policy, time.Now(), false)
	}
	r.request.Answer(f)
	w.end(ctx)
}

// passing tells whether a failure may be over in a moment.
func passing(f *messages.Failure) bool {
	return slices.Contains([]string{"busy", "timeout", "no_answer", "interrupted", "overloaded", "actor_gone"}, f.GetCode())
}

// finish notes, tells and answers an outcome.
func (w *wal) finish(ctx actor.Context, r *round) {
	took := time.Since(r.began)
	size, modified := w.size()
	r.outcome.WalBytesAfter = size
	w.ledger.state = w.ledger.state.Emptied(growth.Look{At: time.Now(), Bytes: size, Modified: modified})
	r.outcome.DurationMs = took.Milliseconds()
	w.ledger.last, w.ledger.lastAt = r.outcome, time.Now()
	w.keepHostages(ctx, r)
	switch r.reason {
	case reasonGrowth:
		w.ledger.state = w.ledger.state.Tried(len(r.outcome.GetHostages()) > 0)
	case reasonIdle:
		w.ledger.state = w.ledger.state.IdleDone(w.policy, time.Now(), r.outcome.GetComplete())
	}
	ctx.Send(w.cfg.Peers.Of("metrics"), &messages.RecordOperation{Name: "wal.checkpoint", DurationUs: took.Microseconds()})
	if w.worthTelling(r) {
		w.cfg.Log.Info("checkpoint", slog.String("reason", r.reason), slog.String("mode", r.outcome.GetMode()),
			slog.Bool("complete", r.outcome.GetComplete()), slog.Int64("wal_bytes_before", r.before),
			slog.Int64("wal_bytes_after", r.outcome.GetWalBytesAfter()), slog.Int64("duration_ms", took.Milliseconds()))
		ctx.Send(w.cfg.Peers.Tree(), &messages.WalCheckpointed{Outcome: r.outcome})
	}
	if r.reason != reasonGrowth && r.reason != reasonStop {
		w.inspect(ctx)
	}
	w.show(ctx)
	if r.reason == reasonStart {
		w.ledger.started = true
	}
	r.request.Answer(r.outcome)
	w.end(ctx)
	if r.outcome.GetComplete() && w.running == nil {
		w.lookIn(ctx, lookEmptied)
	}
}

// worthTelling keeps a busy app's checkpoints, several a minute, out of the event log.
func (w *wal) worthTelling(r *round) bool {
	switch {
	case r.before == 0 && r.outcome.GetLogFrames() == 0:
		return false
	case r.reason != reasonGrowth:
		return true
	case time.Since(w.ledger.told) >= eventsApart && r.outcome.GetComplete():
		w.ledger.told = time.Now()
		return true
	}
	return false
}

// started is the end of the checkpoint at start; what can be told without one is told.
func (w *wal) started(ctx actor.Context) {
	w.ledger.started = true
	w.inspect(ctx)
}

// end makes way for what waited.
func (w *wal) end(ctx actor.Context) {
	w.running = nil
	if len(w.waiting) > 0 {
		next := w.waiting[0]
		w.waiting = w.waiting[1:]
		w.begin(ctx, next)
	}
}
