// Package recovery brings a database back (system 10, first layer): from a verified
// backup, in place or into a new file, and takes the last restore back.
//
// Protocol: takes RestoreBackup and UndoRestore → RestoreReport, and the events
// DamageFound, DamageGone. Asks "backup" FindBackup, TakeBackup and VerifyBackups,
// "integrity" GetIntegrity and CheckNow, "dbowner" ReadContent, OverwriteDatabase,
// KeepEvidence and LiftFence, "schedule" AddSchedule. Tells the tree RestoreFinished
// and RestoreFailed. Raises evidence_kept and restore_unfinished.
//
// An order runs as a list of steps in the background, so the actor answers meanwhile;
// one runs at a time. Everything that a killed run must know afterwards stands in
// {home}/quarantine/{timestamp}/intent.json before the owner is asked (promise P7).
package recovery

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
)

// Config of the recovery actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: no resume on start, no schedule, no evidence on damage; only requests.
	Passive bool
	// Home is {home}; kept files lie in {home}/quarantine.
	Home string
	// Database is the absolute path of the live database: for its name and for hints.
	// Recovery looks at its size but never opens it.
	Database string
	// FS is how files other than the live database are touched.
	FS fsx.FS
	// Scratch opens kept databases for undo.
	Scratch Scratch
	// Automatic: restore the newest verified backup by itself after damage was found.
	// Off: only evidence is kept and the person is told how to restore.
	Automatic bool
	// KeepSets bounds the sets kept in quarantine, for evidence and for undo each, 0 = 5.
	KeepSets int
	// UndoFor is how long a restore can be taken back, 0 = 7 days.
	UndoFor time.Duration
	// Timeout is how long one job of the owner may take, 0 = 6 h.
	Timeout time.Duration
}

// Scratch opens a kept database away from its place. The supervisor implements it.
type Scratch interface {
	// Consolidate makes one plain file (journal mode DELETE, closed and fsynced) of the
	// kept database at from with the -wal or -journal beside it, which are not changed,
	// and tells what it holds. A table that cannot be read has -1 rows and an empty
	// digest. The file to must not exist. An error is a *fault.Error: Corrupt or
	// NotADatabase when SQLite cannot open what was kept; then nothing is left at to.
	Consolidate(ctx context.Context, from, to string) (manifest.Content, error)
}

type recovery struct {
	kit.Base
	cfg Config
}

// Props makes the props of the recovery actor.
func Props(cfg Config) *actor.Props {
	return kit.Props(func() actor.Actor { return &recovery{cfg: cfg} })
}

// Receive is the table of contents.
func (r *recovery) Receive(ctx actor.Context) { r.Unhandled(ctx) }
