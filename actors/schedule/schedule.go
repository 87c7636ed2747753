// Package schedule is the one owner of calendar timers in the tree of one database.
//
// Protocol: takes AddSchedule → ScheduleAdded, ScheduleDone, RemoveSchedule (of the
// sender's own keys) and GetSchedules → ScheduleList. Tells the owner of a key Due once
// a period. Sleeps at most five minutes at a time, so that a suspended machine or a
// clock that was set costs at most one late run, never two. Raises no condition.
package schedule

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
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
}

// Props makes the props of the schedule actor. Its ledger is made here, outside the
// producer, so that schedules outlive a restart.
func Props(cfg Config) *actor.Props {
	return kit.Props(func() actor.Actor { return &scheduler{cfg: cfg} })
}

// Conditions declares what this system can find wrong: nothing of its own.
func Conditions() []condition.Definition { return nil }

type scheduler struct {
	kit.Base
	cfg Config
}

// Receive is the table of contents.
func (s *scheduler) Receive(ctx actor.Context) { s.Unhandled(ctx) }
