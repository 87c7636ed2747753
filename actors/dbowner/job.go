package dbowner

import (
	"context"
	"time"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// job is one request that waits or runs. It is the owner's alone; the worker gets an order.
type job struct {
	serial   uint64 // internal, never used twice, also across restarts
	id       string
	kind     string
	op       string
	message  any
	priority messages.Priority
	progress bool
	timeout  time.Duration
	request  *kit.Request // nil for the owner's own look

	started   time.Time
	cancel    context.CancelCauseFunc // set while it runs
	cause     error                   // why cancel was called
	stopTimer func()
}

// request is what all jobs have in common.
type request interface{ GetJob() *messages.Job }

// look is the owner's own job: open the database if it is not open, and see that it is
// still the same file.
type look struct{}

// kinds names a job for people.
func kinds(message any) (kind, op string) {
	switch message.(type) {
	case *messages.CopyDatabase:
		return "copy", "copy the database"
	case *messages.InspectDatabase:
		return "inspect", "inspect the database"
	case *messages.ReadContent:
		return "read content", "read what the database holds"
	case *messages.RunCheck:
		return "check", "check the database"
	case *messages.InspectWal:
		return "inspect wal", "read the wal-index"
	case *messages.CheckpointDatabase:
		return "checkpoint", "checkpoint the database"
	case *messages.OverwriteDatabase:
		return "restore", "restore the database in place"
	case *messages.VacuumDatabase:
		return "vacuum", "vacuum the database"
	case *messages.AnalyzeDatabase:
		return "analyze", "renew the statistics"
	case *messages.KeepEvidence:
		return "keep evidence", "keep the damaged files"
	case *messages.ReplaceTable:
		return "replace table", "put a table of a backup in place"
	}
	return "look", "open the database"
}

// order is a job as the worker gets it.
type order struct {
	serial   uint64
	id       string
	op       string
	message  any
	progress bool
	ctx      context.Context
}

// outcome is how an order ended. Exactly one of reply and err is set, or none for a
// look. sick says that the database could not be worked on at all.
type outcome struct {
	serial uint64
	reply  any
	err    error
	sick   *messages.Failure

	looked  bool // stirred could be told
	stirred bool // somebody committed since the last order
}

// clone gives each asker a Failure of its own.
func clone(f *messages.Failure) *messages.Failure {
	return &messages.Failure{Code: f.Code, Op: f.Op, Text: f.Text, Did: f.Did,
		Hints: append([]string(nil), f.Hints...), DataChanged: f.DataChanged}
}
