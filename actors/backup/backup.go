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
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/messages"
)

// Config is fixed for the life of the actor. Zero values of the figures mean their
// defaults.
type Config struct {
	Peers    kit.Peers
	Log      *slog.Logger
	Database string // name for people: "app.db"
	Name     string // name in files; made safe for them
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
	Dir() string // absolute
}

// Verifier opens a database file read-only and judges it: integrity, and content
// compared with want. With a zero want there is nothing to compare with. The error is
// for files that could not be looked at; what is wrong with the file is in the report.
type Verifier interface {
	Verify(ctx context.Context, path string, want manifest.Content) (check.Report, manifest.Content, error)
}

// Figures, each with its reason.
const (
	everyDefault       = 4 * time.Hour
	triesDefault       = 3
	paceDefault        = 10_000_000 // bytes per second: a disk that serves the app hardly notices
	marginDefault      = 64 << 20   // room for the app's WAL and journal while the copy lies there
	copySecondsMax     = 4          // budget: 100 MB in 5 s, with a fifth of margin
	backoffBase        = time.Second
	backoffLimit       = 4 * time.Second
	startWait          = 2 * time.Minute  // for the first full check, so that a sick database is known as such
	retryAfter         = 15 * time.Minute // own backups that failed do not wait for the next period
	sweepEvery         = 24 * time.Hour
	askTimeout         = 30 * time.Second
	copyTimeoutBase    = 10 * time.Minute
	copyBytesPerSecond = 1_000_000 // slower than this, a copy is stuck
	rottenShown        = 7 * 24 * time.Hour
	droppedShown       = 200 // of the backups that went, how many are told
)

// Keys of schedules.
const (
	keyBackup  = "backup"
	keyJanitor = "backup.janitor"
)

// Messages to itself.
type (
	startTime   struct{} // the wait for the first check is over
	retryTime   struct{} // an own backup failed a while ago
	watchTime   struct{} // look whether backups are overdue
	tryAgain    struct{ t *take }
	verifiedOne struct { // one stored backup of a run is judged
		v           *verification
		done, total int
	}
)

// backup is one incarnation.
type backup struct {
	kit.Base
	cfg    Config
	ledger *ledger

	ready    bool // the manifest was loaded
	loading  bool
	waiting  []held // requests that came before
	taking   *take  // the backup under way
	wish     string // reason of an own backup to take after it
	sweeping bool
	sweepDue bool            // a sweep waits for the end of the backup under way
	paused   *take           // a try that waits for the end of the sweep under way
	queue    []*verification // the first one runs
	retrying bool
	watching bool
}

// held is a request with what answers it.
type held struct {
	req *kit.Request
	msg any
}

// Props makes the props of the actor. The ledger outlives restarts.
func Props(cfg Config) *actor.Props {
	cfg = cfg.withDefaults()
	l := &ledger{}
	return kit.Props(func() actor.Actor { return &backup{cfg: cfg, ledger: l} })
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Name = manifest.SafeName(c.Name)
	if c.Policy == (retention.Policy{}) {
		c.Policy = retention.Default()
	}
	if c.Location == nil {
		c.Location = time.Local
	}
	if c.Every <= 0 {
		c.Every = everyDefault
	}
	if c.Tries <= 0 {
		c.Tries = triesDefault
	}
	if c.PaceBytesPerSecond <= 0 {
		c.PaceBytesPerSecond = paceDefault
	}
	if c.FreeMarginBytes <= 0 {
		c.FreeMarginBytes = marginDefault
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Elapsed == nil {
		c.Elapsed = func() time.Duration { return 0 }
	}
	return c
}

// Receive is the table of contents.
func (b *backup) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		b.load(ctx)
	case *actor.Restarting, *actor.Stopping:
		b.cancelCopy(ctx)
	case *messages.TakeBackup, *messages.ListBackups, *messages.FindBackup, *messages.ExplainRetention,
		*messages.VerifyBackups, *messages.PinBackup, *messages.UnpinBackup:
		b.admit(ctx, held{b.Accept(ctx), msg})
	case *messages.Due:
		b.due(ctx, msg.GetKey())
	case *messages.DamageFound, *messages.DamageGone, *messages.IntegrityChecked, *messages.RestoreFinished:
		b.hear(ctx, msg)
	case *messages.Progress:
		b.forward(msg)
	case *messages.ScheduleAdded:
	case *startTime:
		b.takeFirst(ctx)
	case *retryTime:
		b.retrying = false
		b.takeOwn(ctx, "scheduled")
	case *watchTime:
		b.watch(ctx)
	case *tryAgain:
		b.resume(ctx, msg.t)
	case *verifiedOne:
		b.tellVerified(msg)
	case *kit.Answer:
		b.proceed(ctx, msg)
	default:
		b.Unhandled(ctx)
	}
}

// hear takes the events of the neighbours.
func (b *backup) hear(ctx actor.Context, event any) {
	switch event := event.(type) {
	case *messages.DamageFound:
		b.ledger.suspect = true
	case *messages.DamageGone:
		b.ledger.suspect = false
		b.takeOwn(ctx, "after_repair")
	case *messages.RestoreFinished:
		b.takeOwn(ctx, "after_restore")
	case *messages.IntegrityChecked:
		if event.GetReport().GetKind() == messages.CheckKind_CHECK_KIND_FULL {
			b.takeFirst(ctx)
		}
	}
}

// proceed hands the outcome of an ask or of background work to who waits for it.
func (b *backup) proceed(ctx actor.Context, a *kit.Answer) {
	switch tag := a.Tag.(type) {
	case loaded:
		b.open(ctx, a)
	case firstLook:
		if st, ok := a.Value.(*messages.IntegrityStatus); ok && st.GetLastFull() != nil {
			b.takeFirst(ctx)
		}
	case swept:
		b.tidied(ctx, a)
	case changed:
		b.settled(ctx, tag, a)
	case *verification:
		b.judged(ctx, tag, a)
	case step:
		if tag.t == b.taking {
			tag.next(ctx, tag.t, a)
		}
	}
}
