// Package disk watches the room on every volume that matters (system 3): that of the
// database and its WAL, of temporary files, and of the home with the backups.
//
// Takes → gives:
//
//	GetDisk → DiskReport
//	MayUse  → SpaceVerdict, or Failure invalid for an unknown purpose
//
// The volumes are looked at again for both. Hears DamageFound, DamageGone, BackupFailed
// (a full disk is looked at at once) and Due. Asks schedule AddSchedule, and dbowner
// RaiseFence and LiftFence with the reason "disk", and CheckpointDatabase.
// Tells the tree DiskLevelChanged, and metrics RecordSizes after each look. Raises disk_low, disk_imports_blocked,
// disk_writes_blocked, disk_inodes_low, disk_network, disk_cloud_folder, disk_full_soon,
// disk_unknown and backup_does_not_fit.
//
// When the database's volume has no room left for writes, the reserve file is released,
// the WAL is moved into the database with it, and the fence goes up; it is lifted again
// by itself when there is room. A volume without the database never stops the app.
package disk

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/space"
	"github.com/officer-doofy/officer/messages"
)

// Config of the disk actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: nothing but answers, and the conditions that they show: no schedule, no
	// reserve, no history, no fence.
	Passive bool

	Database string // absolute path of the live file
	Name     string // of the database, in the names of logs
	Home     string // absolute
	TempDir  string // where SQLite and Officer put temporary files

	Files   fsx.FS
	Volumes Volumes

	// Limits in bytes of free space; 0 = default, negative = never.
	Limits space.Limits
	// ReserveBytes is the size of {home}/reserve; 0 = twice that of the database and its
	// WAL, from 250 kB to 16 MB, or a sixteenth of a small volume; negative = no reserve.
	ReserveBytes int64
	// FenceWhenFull holds all writes back while the database's volume is at its last level.
	FenceWhenFull bool
	// Every is the time between two looks while all is well; 0 = 1 h.
	Every time.Duration
}

// Volumes looks at the volume of a path that exists (internal/host). It may hang with a
// network mount; it is never called in Receive.
type Volumes interface {
	Look(path string) (Volume, error)
}

// Volume is what is known of one file system now.
type Volume struct {
	ID         string // the same for all paths on it
	MountPoint string // "" = unknown
	FSType     string // "" = unknown
	TotalBytes int64
	FreeBytes  int64
	FreeInodes int64 // -1 = unknown
	Remote     bool  // another machine serves it
}

const (
	scheduleKey = "disk"

	everyDefault = time.Hour
	everyMin     = time.Second // the calendar has no shorter periods
	// The calendars of several databases shall not fall together.
	jitter = time.Minute

	reserveDefaultBytes = 16_000_000 // a WAL at its limit, and some
	reserveLeastBytes   = reserveDefaultBytes / 64
	reserveShare        = 16 // of a small volume

	// settleTime leaves the first minute to the first check and the first backup.
	settleTime = 30 * time.Second

	askTimeout        = 30 * time.Second
	checkpointTimeout = 5 * time.Second // the fence waits for it
	retryBase         = time.Second
	retryMax          = 5 * time.Minute
	failedBase        = 10 * time.Second

	// The history is written once a day: what a power cut takes does not matter to a
	// forecast over two weeks.
	saveEvery = 24 * time.Hour
)

// Messages to itself.
type (
	lookTime      struct{} // sooner than the calendar
	readTime      struct{} // the history could not be read a moment ago
	settled       struct{} // the start is over
	scheduleAgain struct{}
)

// Tags of what was asked and of work in the background.
type (
	looked       struct{}
	scheduled    struct{}
	historyRead  struct{}
	historySaved struct{}
	reserveMade  struct{}
	reserveGone  struct{}
	checkpointed struct{}
	fenced       struct{}
	lifted       struct{}
)

// ledger outlives a restart.
type ledger struct {
	settled  bool
	volumes  map[string]*standing // by Volume.ID
	order    []string             // of the newest look
	sizes    space.Sizes
	looked   time.Time
	reserve  int64 // bytes it has, as last seen
	freeable []*messages.Freeable
	history  space.History
	read     bool // the history was
	saved    time.Time
	unsaved  bool            // it grew since
	suspect  bool            // damage is known: nothing is checkpointed
	raised   map[string]bool // conditions
	fenced   bool            // RaiseFence was ordered and LiftFence not yet confirmed
}

// standing is what is known of one volume.
type standing struct {
	Volume
	path   string // the first one of ours on it
	roles  []space.Role
	paths  []string
	limits space.Limits // resolved
	level  space.Level
	inodes bool // run short
	soon   bool // full soon
	days   float64
	needs  int64 // of the next job
	owed   int64 // to the reserve: free, but not to be counted on
}

// Props makes the props of the disk actor.
func Props(cfg Config) *actor.Props {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Every <= 0 {
		cfg.Every = everyDefault
	}
	cfg.Every = max(cfg.Every, everyMin)
	l := &ledger{volumes: make(map[string]*standing), raised: make(map[string]bool)}
	return kit.Props(func() actor.Actor { return &disk{cfg: cfg, ledger: l} })
}

type disk struct {
	kit.Base
	cfg     Config
	ledger  *ledger
	looking bool
	waiting []pending // for the look under way
	next    []pending // came during one: they get a look of their own
	again   func()    // stops the timer of lookTime
	tries   int       // of asking schedule
	unread  int       // times that the history could not be read
	// failures in a row: of looks, and of lifting the fence.
	failures int
	filing   bool // the reserve is being made or released
	saving   bool
	rescue   bool // from the order to release the reserve until the fence is ordered
}

// pending is a request with what answers it.
type pending struct {
	request *kit.Request
	msg     any // *messages.GetDisk or *messages.MayUse
}

// Receive is the table of contents.
func (d *disk) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		d.start(ctx)
	case *actor.Stopping:
		d.saveNow()
	case *messages.GetDisk:
		d.answerAfterLook(ctx, msg)
	case *messages.MayUse:
		d.mayUse(ctx, msg)
	case *messages.Due:
		d.due(ctx)
	case lookTime:
		d.look(ctx)
	case *messages.BackupFailed:
		d.backupFailed(ctx, msg)
	case *messages.DamageFound:
		d.ledger.suspect = true
	case *messages.DamageGone:
		d.ledger.suspect = false
	case readTime:
		d.readHistory(ctx)
	case settled:
		d.ledger.settled = true
		d.keepReserve(ctx)
	case scheduleAgain:
		d.schedule(ctx)
	case *kit.Answer:
		d.take(ctx, msg)
	default:
		d.Unhandled(ctx)
	}
}

func (d *disk) start(ctx actor.Context) {
	if d.cfg.Passive {
		return
	}
	if !d.ledger.settled {
		d.After(ctx, settleTime, settled{})
	}
	d.schedule(ctx)
	if d.ledger.read {
		d.look(ctx)
		return
	}
	d.readHistory(ctx)
}

func (d *disk) schedule(ctx actor.Context) {
	d.Ask(ctx, d.cfg.Peers.Of("schedule"), &messages.AddSchedule{Key: scheduleKey,
		Spec:     &messages.AddSchedule_EveryMs{EveryMs: d.cfg.Every.Milliseconds()},
		JitterMs: min(jitter, d.cfg.Every/2).Milliseconds(), LastDoneUnixMs: time.Now().UnixMilli()}, askTimeout, scheduled{})
}

func (d *disk) due(ctx actor.Context) {
	if now := time.Now(); now.Sub(d.ledger.saved) >= saveEvery {
		d.save(ctx, now)
	}
	d.look(ctx)
}

func (d *disk) answerAfterLook(ctx actor.Context, msg any) {
	p := pending{d.Accept(ctx), msg}
	if d.looking {
		d.next = append(d.next, p)
		return
	}
	d.waiting = append(d.waiting, p)
	d.look(ctx)
}

func (d *disk) mayUse(ctx actor.Context, msg *messages.MayUse) {
	if _, known := space.Demand(space.Purpose(msg.GetPurpose()), msg.GetBytes(), space.Sizes{}); !known {
		kit.Reply(ctx, messages.NewFailure("invalid", "ask for room",
			"%q is no purpose; there are import, backup, vacuum, restore and drill", msg.GetPurpose()))
		return
	}
	d.answerAfterLook(ctx, msg)
}

func (d *disk) backupFailed(ctx actor.Context, msg *messages.BackupFailed) {
	if !d.cfg.Passive && msg.GetFailure().GetCode() == "disk_full" {
		d.look(ctx)
	}
}

// take sorts answers.
func (d *disk) take(ctx actor.Context, a *kit.Answer) {
	switch a.Tag.(type) {
	case looked:
		d.takeLook(ctx, a)
	case scheduled:
		if a.Err != nil {
			d.tries++
			d.After(ctx, kit.Backoff(d.tries, retryBase, retryMax, 0), scheduleAgain{})
		}
	case historyRead:
		d.takeHistory(ctx, a)
	case historySaved:
		d.saving = false
		d.note("the history of free space could not be written", a.Err)
	case reserveMade:
		d.filing = false
		d.takeReserve(a)
	case reserveGone:
		d.filing = false
		d.takeRelease(ctx, a)
	case checkpointed:
		d.rescue = false
		d.note("the WAL could not be moved into the database before writes were held back", a.Err)
		d.fence(ctx)
	case fenced:
		d.note("writes could not be held back", a.Err)
	case lifted:
		switch {
		case a.Err != nil:
			d.note("writes are still held back", a.Err)
			d.lookSoon(ctx, true)
		case !d.writesBlocked(): // else they were ordered to be held back again since
			d.ledger.fenced = false
		}
	}
}

func (d *disk) note(what string, err error) {
	if err != nil {
		d.cfg.Log.Warn(what, slog.Any("error", err))
	}
}

func (d *disk) historyFile() string { return filepath.Join(d.cfg.Home, "metrics", "disk.json") }
func (d *disk) reserveFile() string { return filepath.Join(d.cfg.Home, "reserve") }
