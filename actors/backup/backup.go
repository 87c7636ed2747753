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
//	DiffBackups       → DiffReport, or Failure no_backup
//	PinBackup, UnpinBackup → Backup
//	DrillNow          → DrillReport, or Failure no_backup, disk_full, already_running …
//	GetDrill          → DrillReport of the last one, or Failure no_drill
//
// Hears DamageFound, DamageGone, IntegrityChecked, RestoreFinished and Due. Asks dbowner
// (InspectDatabase, CopyDatabase, ReadContent), wal (CheckpointNow before a copy), integrity
// (GetIntegrity, CheckNow) and schedule.
// Tells the tree BackupTaken, BackupSkipped, BackupFailed, BackupPruned, BackupRotten,
// DrillFinished, SchemaChanged.
// Raises no_verified_backup, backup_overdue, backup_failed, backup_rotten, drill_failed,
// drill_overdue, manifest_rebuilt, manifest_unwritable.
package backup

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
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
	Drill    Drill            // nil: no restore drills
	Rules    []check.Rule     // of the app; a drill runs them on what it restored
	Policy   retention.Policy // zero = retention.Default
	Location *time.Location   // whose days and months retention counts; nil = time.Local
	Passive  bool             // no schedule, no backup at start: only requests

	Every              time.Duration // a backup for each period of this length; 0 = 4 h
	Tries              int           // 0 = 3
	PaceBytesPerSecond int64         // of copies nobody waits for; 0 = 10 MB/s
	FreeMarginBytes    int64         // what a backup leaves free on the volume; 0 = 64 MiB
	DrillEvery         time.Duration // a restore drill for each period of this length; 0 = 7 days

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
	// ReadBack fsyncs a temporary file and has the device give it back, while beside, or
	// before beside, looks at it.
	ReadBack(ctx context.Context, temp string, beside func()) (fsx.GivenBack, error)
	HashPaced(ctx context.Context, rel string, bytesPerSecond int64) (sha256Hex string, sizeBytes int64, err error)
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

// Drill restores a stored backup into a temporary file and tries it out. No live
// database is involved. Temporary files have names of their own, which Sweep knows.
type Drill interface {
	Free() (freeBytes int64, err error)
	// Restore gives the path of a file that can be opened and queried.
	Restore(ctx context.Context, from, id string, progress func(doneBytes, totalBytes int64)) (path string, err error)
	// Check is the full check, the comparison with want, and the rules.
	Check(ctx context.Context, path string, want manifest.Content, rules []check.Rule) (check.Report, error)
	// Discard removes what Restore made for id, Sweep what any killed drill left.
	Discard(id string) error
	Sweep() error
}

// Figures, each with its reason.
const (
	everyDefault       = 4 * time.Hour
	triesDefault       = 3
	damageTries        = 2          // what two readings a second apart call damage is not passing
	paceDefault        = 10_000_000 // bytes per second: a disk that serves the app hardly notices
	marginDefault      = 64 << 20   // room for the app's WAL and journal while the copy lies there
	copySecondsMax     = 4          // budget: 100 MB in 5 s, with a fifth of margin
	backoffBase        = time.Second
	backoffLimit       = 4 * time.Second
	startWait          = 2 * time.Minute  // for the first full check, so that a sick database is known as such
	retryAfter         = 15 * time.Minute // own backups that failed do not wait for the next period
	sweepEvery         = 24 * time.Hour
	behindMax          = 16 // each may make a copy: more are a mistake of who asks
	askTimeout         = 30 * time.Second
	copyTimeoutBase    = 10 * time.Minute
	copyBytesPerSecond = 1_000_000 // slower than this, a copy is stuck
	rottenShown        = 7 * 24 * time.Hour
	scrubEvery         = 24 * time.Hour
	drillEvery         = 7 * 24 * time.Hour
	drillRetry         = 6 * time.Hour          // after one that was skipped for want of space, say
	schemaPin          = 30 * 24 * time.Hour    // a release that breaks data is noticed within a month
	checkpointWithin   = 2 * time.Second        // a WAL that cannot be emptied by then is copied as it is
	lookWithin         = 800 * time.Millisecond // who asks for the proof waits a second
	lookMost           = 1000                   // newest backups whose files are looked at for a list
	breaksShown        = 50                     // places where the chain does not hold
	droppedShown       = 200                    // of the backups that went, how many are told
)

// Keys of schedules.
const (
	keyBackup  = "backup"
	keyJanitor = "backup.janitor"
	keyScrub   = "backup.scrub"
	keyDrill   = "backup.drill"
)

// Messages to itself.
type (
	startTime struct{} // the wait for the first check is over
	retryTime struct{} // an own backup failed a while ago
	loadTime  struct{} // the list could not be read a moment ago
	sweepTime struct{} // the shelf could not be changed a while ago
	watchTime struct{} // look whether backups are overdue
	tryAgain  struct{ t *take }
	drillTime struct{} // an own drill was skipped a while ago
	drillStep struct { // a drill under way went on
		d           *drilling
		stage       string
		done, total int64
	}
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
	reading  bool    // loadTime will come
	unread   int     // times in a row that the list could not be read
	waiting  []held  // requests that came before
	taking   *take   // the backup under way
	behind   []*take // asked for meanwhile, in their order
	wish     string  // reason of an own backup to take after them
	sweeping bool
	sweepDue bool            // a sweep waits for the end of the backup under way
	paused   *take           // a try that waits for the end of the sweep under way
	queue    []*verification // the first one runs
	retrying bool
	trying   bool // sweepTime will come
	watching bool
	scrub    *scrubbing // the round under way
	scrubDue bool
	drilling *drilling // begun, or waiting for the end of other work

	looking   bool        // the files of the list are being looked at
	questions []*question // wait for the next look
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
	if c.DrillEvery <= 0 {
		c.DrillEvery = drillEvery
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
		*messages.VerifyBackups, *messages.PinBackup, *messages.UnpinBackup, *messages.DrillNow, *messages.GetDrill,
		*messages.DiffBackups:
		b.admit(ctx, held{b.Accept(ctx), msg})
	case *messages.Due:
		b.due(ctx, msg.GetKey())
	case *messages.DamageFound, *messages.DamageGone, *messages.IntegrityChecked, *messages.RestoreFinished, *messages.CancelJob:
		b.hear(ctx, msg)
	case *messages.Progress:
		b.forward(msg)
	case *messages.ScheduleAdded:
	case *startTime:
		b.takeFirst(ctx)
	case *retryTime, *sweepTime, *loadTime:
		b.again(ctx)
	case *watchTime:
		b.watch(ctx)
	case *tryAgain:
		b.resume(ctx, msg.t)
	case *verifiedOne:
		b.tellVerified(msg)
	case *drillTime:
		b.drillOwn(ctx)
	case *drillStep:
		b.tellDrill(msg)
	case *question:
		b.unlooked(msg)
	case *kit.Answer:
		b.proceed(ctx, msg)
	default:
		b.Unhandled(ctx)
	}
}

// hear takes the events of the neighbours, and that somebody does not wait any more.
func (b *backup) hear(ctx actor.Context, event any) {
	switch event := event.(type) {
	case *messages.CancelJob:
		b.leaveQueue(event.GetId())
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
	case looked:
		b.saw(ctx, tag, a)
	case *verification:
		b.judged(ctx, tag, a)
	case *scrubbing:
		b.scrubbed(ctx, tag, a)
	case *drilling:
		b.drilled(ctx, tag, a)
	case comparing:
		b.compared(tag, a)
	case step:
		if tag.t == b.taking {
			tag.next(ctx, tag.t, a)
		}
	}
}
