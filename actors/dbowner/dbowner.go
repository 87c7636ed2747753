// Package dbowner serialises everything that touches one live database. The owner never
// touches SQLite and never blocks; a worker child owns the connection and runs one job
// at a time; a fence child with a connection of its own holds the write lock.
//
// Protocol: takes the jobs CopyDatabase → CopyReport, InspectDatabase → DatabaseFacts,
// RunCheck → CheckReport, CheckpointDatabase → CheckpointReport, OverwriteDatabase →
// OverwriteReport, KeepEvidence → EvidenceKept, each with Progress to its asker; and, at
// once, CancelJob → JobCancelled, RaiseFence and LiftFence → FenceState, GetOwnerStatus →
// OwnerStatus. Tells the tree FenceChanged. Raises fence_active, database_unreachable,
// database_missing, database_moved, database_stuck and foreign_driver.
//
// Failures of its own: "overloaded" (the queue is full), "timeout" (the job's time is
// over), "interrupted" (cancelled), "stuck" (its time is over and it does not return),
// "database_moved", "missing", "foreign_driver"; the others carry a code of internal/fault.
package dbowner

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
)

// Config of the owner, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: the database is opened by the first job, and nothing is looked at between jobs.
	Passive bool
	// Path of the live database.
	Path string
	// Opener opens it.
	Opener Opener
	// Files is where copies, undo points and evidence are written.
	Files fsx.FS
	// SQLiteVersion is that of Officer's own engine, for DatabaseFacts.
	SQLiteVersion string
	// QueueMax is how many jobs may wait, 0 = 1,000.
	QueueMax int
	// Timeout of a job that names none, 0 = 6 h.
	Timeout time.Duration
	// Grace is how long past its deadline a job may take to return before the database
	// counts as stuck, 0 = 5 s.
	Grace time.Duration
	// FenceWait is how long RaiseFence waits for the lock before it answers held = false
	// (the attempts go on), 0 = 2 s.
	FenceWait time.Duration
	// LookEvery is the time between two looks at identity and foreign drivers, 0 = 1 min.
	LookEvery time.Duration
	// Seed of the jitter of all back-offs.
	Seed uint64
}

// Props makes the props of the owner. What must outlive a restart (fence reasons and the
// lock itself, the file's identity, counters) is made here, outside the producer.
func Props(cfg Config) *actor.Props {
	return kit.Props(func() actor.Actor { return &owner{cfg: cfg} })
}

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition { return nil }

type owner struct {
	kit.Base
	cfg Config
}

// Receive is the table of contents.
func (o *owner) Receive(ctx actor.Context) { o.Unhandled(ctx) }
