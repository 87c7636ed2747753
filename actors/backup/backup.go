// Package backup takes backups of one database, proves each of them, keeps the rules of
// retention and judges what is stored (systems 1 and 5).
//
// Takes → gives:
//
//	TakeBackup        → BackupReport, or Failure already_running, disk_full, backup_failed …
//	ListBackups       → BackupList
//	FindBackup        → Backup, or Failure no_backup
//	ExplainRetention  → RetentionReport
//	VerifyBackups     → VerifyReport
//	PinBackup, UnpinBackup → Backup
//
// Hears DamageFound, DamageGone, IntegrityChecked, RestoreFinished and Due. Asks dbowner
// (InspectDatabase, CopyDatabase), integrity (GetIntegrity, CheckNow) and schedule.
// Tells the tree BackupTaken, BackupSkipped, BackupFailed, BackupPruned, BackupRotten.
// Raises no_verified_backup, backup_overdue, backup_failed, backup_rotten,
// manifest_rebuilt, manifest_unwritable.
package backup

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
)

// Config is fixed for the life of the actor. Zero values of the figures mean their
// defaults.
type Config struct {
	Peers    kit.Peers
	Log      *slog.Logger
	Database string // name for people: "app.db"
	Name     string // name in files, from manifest.SafeName
	Shelf    Shelf
	Verifier Verifier
	Policy   retention.Policy // zero = retention.Default
	Location *time.Location   // whose days and months retention counts; nil = time.Local
	Passive  bool             // no schedule, no backup at start: only requests

	Every              time.Duration // a backup for each period of this length; 0 = 4 h
	Tries              int           // 0 = 3
	PaceBytesPerSecond int64         // of copies nobody waits for; 0 = 10 MB/s
	FreeMarginBytes    int64         // what a backup leaves free on the volume; 0 = 64 MiB

	// Now is the wall clock; nil = time.Now. Elapsed is a clock that nobody can set and that
	// counts sleep; nil = unknown, then only a clock set back is noticed.
	Now     func() time.Time
	Elapsed func() time.Duration
}

// Shelf is where backups lie (internal/shelf). Names are relative to it, with slashes.
type Shelf interface {
	Load(ctx context.Context, now time.Time) (m manifest.Manifest, why string, err error)
	Save(m manifest.Manifest) error
	Temp(rel, id string) (path string, err error)
	Discard(temp string) error
	Publish(temp, rel string) error
	Move(m manifest.Manifest, to map[string]retention.Tier) (manifest.Manifest, error)
	Remove(m manifest.Manifest, id string, at time.Time, reason string) (manifest.Manifest, error)
	Sweep(m manifest.Manifest, at time.Time) (swept manifest.Manifest, removed, listed []string, err error)
	Hash(ctx context.Context, path string) (sha256Hex string, sizeBytes int64, err error)
	Size(rel string) (sizeBytes int64, err error)
	Path(rel string) (string, error)
	Free() (freeBytes int64, err error)
}

// Verifier opens a database file read-only and judges it: integrity, and content
// compared with want. With a zero want there is nothing to compare with. The error is
// for files that could not be looked at; what is wrong with the file is in the report.
type Verifier interface {
	Verify(ctx context.Context, path string, want manifest.Content) (check.Report, manifest.Content, error)
}

// Props makes the props of the actor.
func Props(cfg Config) *actor.Props {
	return kit.Props(func() actor.Actor { return &backup{cfg: cfg} })
}

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition { return nil }

type backup struct {
	kit.Base
	cfg Config
}

// Receive is the table of contents.
func (b *backup) Receive(ctx actor.Context) {
	b.Unhandled(ctx)
}
