// Package schedule is the one owner of calendar timers in the tree of one database.
//
// Protocol: takes AddSchedule → ScheduleAdded, ScheduleDone, RemoveSchedule (of the
// sender's own keys) and GetSchedules → ScheduleList. Tells the owner of a key Due once
// a period. Sleeps at most five minutes at a time, or as its Config says, so that a
// suspended machine or a clock that was set costs at most one late run, never two. Raises
// no condition.
package schedule

import (
	"log/slog"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/schedule"
	"github.com/officer-doofy/officer/messages"
)

// Config of the schedule actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: schedules are taken and listed, but nothing becomes due.
	Passive bool
	// Location of the calendar, nil = local time.
	Location *time.Location
	// Seed of all jitter.
	Seed uint64
	// SleepMax is the longest sleep, 0 = 5 minutes. It bounds the trust in one timer, which may
	// stand still while the machine sleeps, and knows nothing of a clock that is set.
	SleepMax time.Duration
}

const (
	sleepMaxDefault = 5 * time.Minute
	// apart keeps two runs from one instant, so that a simulated run repeats exactly.
	apart = time.Millisecond
	// lateAfter: a run that began this long after its time was slept through.
	lateAfter = time.Minute
)

// tick is the one timer.
type tick struct{}

type scheduler struct {
	kit.Base
	cfg  Config
	led  *ledger
	now  func() time.Time
	stop func()
}

// Props makes the props of the schedule actor. Its ledger is made here, outside the
// producer, so that schedules outlive a restart.
func Props(cfg Config) *actor.Props { return propsAt(cfg, wallNow) }

// propsAt lets a test set the clock.
func propsAt(cfg Config, now func() time.Time) *actor.Props {
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.SleepMax <= 0 {
		cfg.SleepMax = sleepMaxDefault
	}
	led := &ledger{}
	return kit.Props(func() actor.Actor { return &scheduler{cfg: cfg, led: led, now: now} })
}

// Conditions declares what this system can find wrong: nothing of its own.
func Conditions() []condition.Definition { return nil }

// Receive is the table of contents.
func (s *scheduler) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		s.sleep(ctx, apart)
	case *messages.AddSchedule:
		s.add(ctx, msg)
	case *messages.ScheduleDone:
		s.markDone(ctx, msg.GetKey())
	case *messages.RemoveSchedule:
		s.remove(ctx, msg.GetKey())
	case *messages.GetSchedules:
		kit.Reply(ctx, s.list())
	case *tick:
		s.run(ctx)
	default:
		s.Unhandled(ctx)
	}
}

func (s *scheduler) add(ctx actor.Context, msg *messages.AddSchedule) {
	if ctx.Sender() == nil {
		s.cfg.Log.Error("a schedule without a sender is nobody's", slog.String("key", msg.GetKey()))
		return
	}
	now := s.now()
	e, err := entryOf(msg, now)
	if err != nil {
		kit.Reply(ctx, messages.NewFailure(string(fault.Invalid), "add schedule "+msg.GetKey(), "%s", err.Text))
		return
	}
	e.owner = kit.Origin(ctx.Sender())
	e.jitter.Seed, e.jitter.Key = s.cfg.Seed, e.owner.GetId()+"/"+e.key
	s.led.put(e)
	next := s.nextRun(e, now)
	kit.Reply(ctx, &messages.ScheduleAdded{NextUnixMs: next.UnixMilli()})
	s.sleepUntilNext(ctx, now)
}

func entryOf(msg *messages.AddSchedule, now time.Time) (*entry, *fault.Error) {
	e := &entry{key: msg.GetKey()}
	if e.key == "" {
		return nil, fault.New(fault.Invalid, "read schedule", "it has no key")
	}
	if ms := msg.GetLastDoneUnixMs(); ms != 0 {
		e.lastDone = time.UnixMilli(ms)
	}
	var err error
	switch spec := msg.GetSpec().(type) {
	case *messages.AddSchedule_EveryMs:
		e.spec, err = schedule.Every(time.Duration(spec.EveryMs) * time.Millisecond)
	case *messages.AddSchedule_Calendar:
		e.spec, err = schedule.Parse(withoutDaily(spec.Calendar))
	case *messages.AddSchedule_OnceAfterMs:
		e.once, e.after = true, max(time.Duration(spec.OnceAfterMs)*time.Millisecond, 0)
		e.at = now.Add(e.after)
	default:
		err = fault.New(fault.Invalid, "read schedule", "it says neither a period nor a time")
	}
	if err != nil {
		return nil, asFault(err)
	}
	e.jitter = schedule.Jitter{Max: max(time.Duration(msg.GetJitterMs())*time.Millisecond, 0)}
	return e, nil
}

// markDone takes note of work that was done without a Due.
func (s *scheduler) markDone(ctx actor.Context, key string) {
	e := s.led.find(ctx.Sender(), key)
	switch {
	case e == nil:
		s.cfg.Log.Debug("done, but not scheduled", slog.String("key", key))
		return
	case e.once:
		s.led.drop(e)
	default:
		e.lastDone = s.now()
	}
	s.sleepUntilNext(ctx, s.now())
}

func (s *scheduler) remove(ctx actor.Context, key string) {
	if e := s.led.find(ctx.Sender(), key); e != nil {
		s.led.drop(e)
		s.sleepUntilNext(ctx, s.now())
	}
}

func (s *scheduler) list() *messages.ScheduleList {
	now := s.now()
	out := &messages.ScheduleList{}
	for _, e := range s.led.entries {
		state := &messages.ScheduleState{Owner: e.owner.GetId(), Key: e.key, NextUnixMs: s.nextRun(e, now).UnixMilli()}
		if !e.lastDone.IsZero() {
			state.LastUnixMs = e.lastDone.UnixMilli()
		}
		out.Schedules = append(out.Schedules, state)
	}
	return out
}

// run starts at most one schedule; another that is due has its turn a moment later.
func (s *scheduler) run(ctx actor.Context) {
	s.stop = nil
	now := s.now()
	if e := s.first(now); e != nil && !s.cfg.Passive && !s.nextRun(e, now).After(now) {
		s.start(ctx, e, now)
		s.sleep(ctx, apart)
		return
	}
	s.sleepUntilNext(ctx, now)
}

func (s *scheduler) start(ctx actor.Context, e *entry, now time.Time) {
	due := &messages.Due{Key: e.key}
	if e.once {
		due.PeriodStartUnixMs = e.at.UnixMilli()
		due.Late = now.Sub(e.at) > lateAfter
		s.led.drop(e)
	} else {
		start, _ := schedule.Period(e.spec, now, s.cfg.Location)
		due.PeriodStartUnixMs = start.UnixMilli()
		due.Late = !e.lastDone.IsZero() && now.Sub(start.Add(e.jitter.Of(start))) > lateAfter
		e.lastDone = now
	}
	ctx.Send(e.owner, due)
}

// first gives the entry whose run comes first; of two at one instant the one added first.
func (s *scheduler) first(now time.Time) *entry {
	if len(s.led.entries) == 0 {
		return nil
	}
	return slices.MinFunc(s.led.entries, func(a, b *entry) int {
		return s.nextRun(a, now).Compare(s.nextRun(b, now))
	})
}

// nextRun remembers its answer only while time goes on towards it: the clock may be set.
func (s *scheduler) nextRun(e *entry, now time.Time) time.Time {
	if e.once {
		if e.at.Sub(now) > e.after {
			e.at = now.Add(e.after) // the clock was set back: never wait longer than was asked
		}
		return e.at
	}
	if m := e.memo; !m.askedAt.IsZero() && m.lastDone.Equal(e.lastDone) && !now.Before(m.askedAt) && now.Before(m.next) {
		return m.next
	}
	e.memo = memo{askedAt: now, lastDone: e.lastDone,
		next: schedule.NextRun(e.spec, e.lastDone, now, s.cfg.Location, e.jitter)}
	return e.memo.next
}

func (s *scheduler) sleepUntilNext(ctx actor.Context, now time.Time) {
	if e := s.first(now); e != nil {
		s.sleep(ctx, s.nextRun(e, now).Sub(now))
	}
}

func (s *scheduler) sleep(ctx actor.Context, d time.Duration) {
	if s.stop != nil {
		s.stop()
	}
	if s.cfg.Passive {
		return
	}
	s.stop = s.After(ctx, min(max(d, apart), s.cfg.SleepMax), &tick{})
}

// wallNow is the time of day without Go's monotonic reading, which does not know of
// sleep and set clocks.
func wallNow() time.Time { return time.Now().Round(0) }
