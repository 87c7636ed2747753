package dbowner

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// accept queues a job, or refuses it at once.
func (o *owner) accept(ctx actor.Context, msg request) {
	kind, op := kinds(msg)
	if kind == "look" {
		o.Unhandled(ctx)
		return
	}
	spec := msg.GetJob()
	j := &job{id: spec.GetId(), kind: kind, op: op, message: msg, priority: spec.GetPriority(),
		progress: spec.GetProgress(), timeout: time.Duration(spec.GetTimeoutMs()) * time.Millisecond}
	if j.timeout <= 0 {
		j.timeout = o.cfg.Timeout
	}
	o.number(j)
	if f := o.refusal(j); f != nil {
		kit.Reply(ctx, f)
		return
	}
	j.request = o.Accept(ctx)
	j.stopTimer = o.After(ctx, j.timeout, &deadline{j})
	o.queue.push(j)
	o.next(ctx)
}

func (o *owner) number(j *job) {
	o.led.serial++
	j.serial = o.led.serial
	if j.id == "" {
		j.id = "job-" + strconv.FormatUint(j.serial, 10)
	}
}

func (o *owner) refusal(j *job) *messages.Failure {
	switch {
	case o.sick != nil && !o.cfg.Passive:
		f := clone(o.sick)
		f.Op = j.op
		return f
	case o.queue.len() >= o.cfg.QueueMax:
		return messages.NewFailure(codeOverloaded, j.op, "%d jobs wait already", o.queue.len()).WithDid(nothingChanged)
	case o.queue.find(j.id) != nil || (o.running != nil && o.running.id == j.id):
		return messages.NewFailure(string(fault.Invalid), j.op, "a job with the id %q waits or runs already", j.id).
			WithDid(nothingChanged)
	}
	return nil
}

// next starts the most urgent job when nothing runs.
func (o *owner) next(ctx actor.Context) {
	if o.running != nil || o.worker == nil {
		return
	}
	for j := o.queue.pop(); j != nil; j = o.queue.pop() {
		// Looked at now, not when it was queued: a checkpoint would write over pages that
		// recovery can still save.
		if j.kind == "checkpoint" && slices.Contains(o.led.reasons, reasonDamage) {
			j.stopTimer()
			j.request.Answer(messages.NewFailure(string(fault.Refused), j.op, "the database is damaged").WithDid(nothingChanged))
			continue
		}
		o.begin(ctx, j)
		return
	}
}

func (o *owner) begin(ctx actor.Context, j *job) {
	jobCtx, cancel := context.WithCancelCause(context.Background())
	j.cancel, j.started = cancel, time.Now()
	o.running = j
	ctx.Send(o.worker, &order{serial: j.serial, id: j.id, op: j.op, message: j.message, progress: j.progress, ctx: jobCtx})
}

// look has the worker open the database if need be and look at its identity. It goes
// before the jobs that wait, but never beside one.
func (o *owner) look(ctx actor.Context) {
	o.looking = nil
	o.alignFence(ctx) // which looks at the fence's file too
	if o.running != nil || o.worker == nil {
		led, opener := o.led, o.cfg.Opener
		o.Go(ctx, lookAgain{}, func(ctx context.Context) (any, error) { return nil, led.guard(ctx, opener) })
		o.lookIn(ctx, o.cfg.LookEvery)
		return
	}
	j := &job{op: "open the database", kind: "look", message: &look{}, timeout: lookTimeout}
	o.number(j)
	j.stopTimer = o.After(ctx, j.timeout, &deadline{j})
	o.begin(ctx, j)
}

func (o *owner) lookIn(ctx actor.Context, d time.Duration) {
	if o.cfg.Passive {
		return
	}
	if o.looking != nil {
		o.looking()
	}
	o.looking = o.After(ctx, d, &lookAgain{})
}

// guarded hears of a foreign driver that appeared while a job runs. The job goes on:
// ending it would close its connection, and with it all locks of the other driver
// (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
func (o *owner) guarded(ctx actor.Context, msg *kit.Answer) {
	if fault.CodeOf(msg.Err) == fault.ForeignDriver {
		o.judge(ctx, failureOf("look for foreign drivers", o.cfg.Path, msg.Err))
	}
}

// finish answers the asker of the job that came back and goes on.
func (o *owner) finish(ctx actor.Context, out *outcome) {
	j := o.running
	if j == nil || j.serial != out.serial {
		return // of a worker that was given up
	}
	o.running, o.led.crashesInRow = nil, 0
	o.led.activity.note(out, time.Now())
	j.stopTimer()
	j.cancel(nil)
	if o.stuck {
		o.stuck = false
		o.clear(ctx, conditionStuck)
	}
	o.judge(ctx, out.sick)
	switch {
	case out.sick != nil && j.request != nil:
		f := clone(out.sick)
		f.Op = j.op
		j.request.Answer(f)
	case out.err != nil:
		j.request.Answer(o.explain(j, out.err))
	case out.reply != nil:
		j.request.Answer(out.reply)
	}
	o.endJobFence(ctx)
	o.next(ctx)
}

// explain words the failure of a job for its asker and logs the chain.
func (o *owner) explain(j *job, err error) *messages.Failure {
	o.cfg.Log.Warn("job failed", slog.String("job", j.kind), slog.String("id", j.id), slog.Any("error", err))
	f := failureOf(j.op, o.cfg.Path, err)
	if j.cause != nil && f.Code == string(fault.Interrupted) {
		g := interruptedBy(j.cause, j)
		if f.DataChanged {
			g.Did, g.DataChanged = f.Did, true
		}
		return g
	}
	return f
}

// judge takes note of whether the database can be worked on. While it cannot, every
// job gets the reason at once and opening is tried again with back-off.
func (o *owner) judge(ctx actor.Context, sick *messages.Failure) {
	if sick == nil {
		o.opened, o.sick, o.looks = true, nil, 0
		for _, code := range []string{conditionMissing, conditionMoved, conditionForeign, conditionUnreachable} {
			o.clear(ctx, code)
		}
		o.lookIn(ctx, o.cfg.LookEvery)
		return
	}
	level := slog.LevelError
	if o.sick != nil && o.sick.Error() == sick.Error() {
		level = slog.LevelDebug // it is tried every minute, for days if need be
	}
	o.cfg.Log.Log(context.Background(), level, "the database cannot be worked on", slog.String("failure", sick.Error()))
	o.sick = sick
	o.looks++
	o.led.lastFailure = sick.Error()
	now := conditionOf(sick)
	for _, code := range []string{conditionMissing, conditionMoved, conditionForeign, conditionUnreachable} {
		if code != now {
			o.clear(ctx, code)
		}
	}
	o.raise(ctx, now, "path="+o.cfg.Path, "why="+sick.Text)
	for j := o.queue.pop(); j != nil; j = o.queue.pop() {
		j.stopTimer()
		f := clone(sick)
		f.Op = j.op
		j.request.Answer(f)
	}
	o.lookIn(ctx, kit.Backoff(o.looks, backoffBase, backoffMax, o.rng.Float64()))
}

// cancel ends a job by name.
func (o *owner) cancel(ctx actor.Context, msg *messages.CancelJob) {
	if j := o.queue.find(msg.GetId()); j != nil {
		o.queue.remove(j)
		j.stopTimer()
		j.request.Answer(interruptedBy(errCancelled, j))
		kit.Reply(ctx, &messages.JobCancelled{Found: true})
		return
	}
	j := o.running
	if j == nil || j.id != msg.GetId() || j.request == nil {
		kit.Reply(ctx, &messages.JobCancelled{})
		return
	}
	o.interrupt(ctx, j, errCancelled)
	kit.Reply(ctx, &messages.JobCancelled{Found: true})
}

// interrupt asks a running job to come back and starts its grace.
func (o *owner) interrupt(ctx actor.Context, j *job, cause error) {
	if j.cause != nil {
		return
	}
	j.cause = cause
	j.cancel(cause)
	j.stopTimer()
	j.stopTimer = o.After(ctx, o.cfg.Grace, &overdue{j})
}

// expire ends a job whose time, counted from its acceptance, is over.
func (o *owner) expire(ctx actor.Context, j *job) {
	switch {
	case o.queue.remove(j):
		j.request.Answer(messages.NewFailure(codeTimeout, j.op, "its turn did not come within %s", j.timeout).
			WithDid(nothingChanged))
	case o.running == j:
		o.interrupt(ctx, j, errTimeout)
	}
}

// giveUpOn is the watchdog: a job that does not come back sits in a system call and
// cannot be ended, so its asker is told and the database counts as stuck until it does.
func (o *owner) giveUpOn(ctx actor.Context, j *job) {
	if o.running != j {
		return
	}
	o.stuck = true
	f := messages.NewFailure(codeStuck, j.op, "it does not come back: the disk or another program holds it").
		WithDid("Officer asked it to stop and goes on waiting; nothing else touches the database meanwhile.").
		WithHints("officer status " + o.cfg.Path)
	o.led.lastFailure = f.Error()
	o.cfg.Log.Error("the database is stuck", slog.String("job", j.kind), slog.String("id", j.id))
	o.raise(ctx, conditionStuck, "job="+j.kind, "path="+o.cfg.Path)
	j.request.Answer(f)
}

// relay passes progress to the asker.
func (o *owner) relay(p *messages.Progress) {
	if o.running != nil && o.running.id == p.GetJobId() {
		o.running.request.Tell(p)
	}
}

// hire starts a fresh worker and has it look at the database first.
func (o *owner) hire(ctx actor.Context) {
	owner, cfg, led := ctx.Self(), o.cfg, o.led
	o.led.serial++
	pid, err := ctx.SpawnNamed(kit.Props(func() actor.Actor {
		return &worker{cfg: cfg, led: led, owner: owner}
	}), fmt.Sprintf("worker-%d", o.led.serial))
	if err != nil {
		panic(fmt.Errorf("hire a worker: %w", err)) // the owner restarts with back-off
	}
	o.worker = pid
	if o.cfg.Passive {
		o.next(ctx)
		return
	}
	if o.looking != nil {
		o.looking()
	}
	o.look(ctx)
}

// replace answers for a crashed child and gets a fresh one after back-off.
func (o *owner) replace(ctx actor.Context, msg *childFailed) {
	o.led.lastFailure = fmt.Sprintf("%s crashed: %v", msg.pid.Id, msg.reason)
	if o.fence.child != nil && o.fence.child.Equal(msg.pid) {
		o.fenceCrashed(ctx)
		return
	}
	if o.worker == nil || !o.worker.Equal(msg.pid) {
		return
	}
	o.worker, o.opened = nil, false
	o.led.workerRestarts++
	o.led.crashesInRow++
	if j := o.running; j != nil {
		o.running = nil
		j.stopTimer()
		j.cancel(errEnding)
		f := messages.NewFailure(string(fault.Internal), j.op, "a defect of Officer ended it: %v", msg.reason).
			WithDid("What was open was rolled back; the database is opened afresh.").
			WithHints("officer check " + o.cfg.Path)
		j.request.Answer(f)
	}
	if o.stuck {
		o.stuck = false
		o.clear(ctx, conditionStuck)
	}
	o.endJobFence(ctx)
	o.After(ctx, kit.Backoff(o.led.crashesInRow, backoffBase, backoffMax, o.rng.Float64()), &hire{})
}

func (o *owner) status() *messages.OwnerStatus {
	s := &messages.OwnerStatus{State: "opening", Waiting: int32(o.queue.len()), Fence: o.fenceState(),
		WorkerRestarts: o.led.workerRestarts, LastFailure: o.led.lastFailure}
	switch {
	case o.stuck:
		s.State, s.Text = "stuck", "a job does not come back"
	case o.sick != nil:
		s.State, s.Text = "failed", o.sick.Text
	case o.opened:
		s.State = "open"
	}
	if j := o.running; j != nil && j.request != nil {
		s.Running, s.RunningId, s.RunningMs = j.kind, j.id, time.Since(j.started).Milliseconds()
	}
	return s
}

func (o *owner) raise(ctx actor.Context, code string, args ...string) {
	ctx.Send(o.cfg.Peers.Of("health"), &messages.RaiseCondition{Code: code, Args: args})
}

func (o *owner) clear(ctx actor.Context, code string) {
	ctx.Send(o.cfg.Peers.Of("health"), &messages.ClearCondition{Code: code})
}
