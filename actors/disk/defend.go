package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/space"
	"github.com/officer-doofy/officer/messages"
)

// defend does what the levels ask for: the reserve goes first, with it the WAL is moved
// into the database, then the fence goes up. When there is room again the fence is
// lifted, then the reserve is made again.
func (d *disk) defend(ctx actor.Context) {
	switch {
	case d.rescue:
	case !d.filing && (d.reserveInDanger() && d.ledger.reserve > 0 || d.writesBlocked() && !d.ledger.fenced):
		d.releaseReserve(ctx)
	case d.writesBlocked():
		d.fence(ctx)
	default:
		d.liftFence(ctx)
		d.keepReserve(ctx)
	}
}

// writesBlocked: only the volume of the database may stop the app.
func (d *disk) writesBlocked() bool {
	v := d.volumeOf(space.Database)
	return v != nil && v.level == space.WritesBlocked && d.cfg.FenceWhenFull
}

func (d *disk) reserveInDanger() bool {
	v := d.volumeOf(space.Backups)
	return v != nil && v.level == space.WritesBlocked
}

func (d *disk) volumeOf(role space.Role) *standing {
	for _, v := range d.ledger.volumes {
		if v.holds(role) {
			return v
		}
	}
	return nil
}

// fence holds all writes back. It is ordered at every look: the owner takes a reason
// once, and may have lost it with its process.
func (d *disk) fence(ctx actor.Context) {
	if !d.writesBlocked() {
		return // there is room again
	}
	d.ledger.fenced = true
	d.Ask(ctx, d.cfg.Peers.Of("dbowner"), &messages.RaiseFence{Reason: fenceReason}, askTimeout, fenced{})
}

const fenceReason = "disk"

func (d *disk) liftFence(ctx actor.Context) {
	if d.ledger.fenced {
		d.Ask(ctx, d.cfg.Peers.Of("dbowner"), &messages.LiftFence{Reason: fenceReason}, askTimeout, lifted{})
	}
}

// reserveBytes is the size that the reserve should have on a volume.
func (d *disk) reserveBytes(v *standing) int64 {
	switch {
	case d.cfg.ReserveBytes > 0:
		return d.cfg.ReserveBytes
	case d.cfg.ReserveBytes < 0:
		return 0
	}
	// What a checkpoint adds to the database is what its WAL holds, and that of a small one
	// holds little: four hundred of them shall not take gigabytes. In powers of two, so that
	// one that grows does not have it written anew at every look.
	sizeBytes := int64(reserveLeastBytes)
	for sizeBytes < reserveDefaultBytes && sizeBytes < 2*(d.ledger.sizes.DatabaseBytes+d.ledger.sizes.WALBytes) {
		sizeBytes *= 2
	}
	if v.TotalBytes > 0 {
		sizeBytes = min(sizeBytes, v.TotalBytes/reserveShare)
	}
	return min(sizeBytes, reserveDefaultBytes)
}

// releaseReserve gives its room to the last checkpoint.
func (d *disk) releaseReserve(ctx actor.Context) {
	d.filing, d.rescue = true, true
	files, name, inDanger := d.cfg.Files, d.reserveFile(), d.reserveInDanger()
	d.Go(ctx, reserveGone{}, func(context.Context) (any, error) {
		if !inDanger {
			return false, nil // it lies on another volume, where there is room
		}
		err := files.Remove(name)
		return err == nil, gone(err)
	})
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// takeRelease goes on with the checkpoint, whether or not there was room to give.
func (d *disk) takeRelease(ctx actor.Context, a *kit.Answer) {
	d.note("the reserve could not be released", a.Err)
	if was, _ := a.Value.(bool); was {
		d.cfg.Log.Warn("the reserve was released", "path", d.reserveFile())
		d.credit()
	}
	if v := d.volumeOf(space.Database); d.ledger.suspect || v == nil || v.level != space.WritesBlocked {
		d.rescue = false
		d.fence(ctx)
		return
	}
	d.Ask(ctx, d.cfg.Peers.Of("dbowner"), &messages.CheckpointDatabase{Mode: "truncate",
		Job: &messages.Job{Priority: messages.Priority_PRIORITY_URGENT, TimeoutMs: checkpointTimeout.Milliseconds()}},
		checkpointTimeout, checkpointed{})
}

// credit notes that the reserve is gone: its room is free and owed.
func (d *disk) credit() {
	if v := d.volumeOf(space.Backups); v != nil {
		v.FreeBytes += d.ledger.reserve
		v.owed = d.reserveBytes(v)
	}
	d.ledger.reserve = 0
}

// keepReserve makes the reserve where it is missing or too small, once the start is over.
// What it takes is owed already, so making it changes no level.
func (d *disk) keepReserve(ctx actor.Context) {
	v := d.volumeOf(space.Backups)
	if d.filing || !d.ledger.settled || v == nil || v.owed == 0 || v.level >= space.ImportsBlocked {
		return
	}
	d.filing = true
	files, name, sizeBytes := d.cfg.Files, d.reserveFile(), d.reserveBytes(v)
	d.Go(ctx, reserveMade{}, func(wctx context.Context) (any, error) {
		return sizeBytes, makeReserve(wctx, files, name, sizeBytes)
	})
}

func (d *disk) takeReserve(a *kit.Answer) {
	if a.Err != nil {
		d.note("the reserve could not be made", a.Err)
		return
	}
	madeBytes, _ := a.Value.(int64)
	if v := d.volumeOf(space.Backups); v != nil {
		v.FreeBytes, v.owed = v.FreeBytes-(madeBytes-d.ledger.reserve), 0
	}
	d.ledger.reserve = madeBytes
}

const burstBytes = 1 << 20

// makeReserve writes a file that really takes its room: noise, because a file system may
// compress or leave out what it can. It bears its name only when it is whole.
func makeReserve(ctx context.Context, files fsx.FS, name string, sizeBytes int64) (err error) {
	temp := name + ".tmp"
	if err := gone(files.Remove(temp)); err != nil {
		return err
	}
	f, err := files.Create(temp)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = files.Remove(temp)
		}
	}()
	err = fill(ctx, f, sizeBytes)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = files.Rename(temp, name)
	}
	if err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(name))
}

func fill(ctx context.Context, f fsx.File, sizeBytes int64) error {
	burst := make([]byte, burstBytes)
	noise := uint64(0x9e3779b97f4a7c15)
	for left := sizeBytes; left > 0; left -= burstBytes {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := 0; i < len(burst); i += 8 {
			noise ^= noise << 13
			noise ^= noise >> 7
			noise ^= noise << 17
			binary.LittleEndian.PutUint64(burst[i:], noise)
		}
		if _, err := f.Write(burst[:min(left, burstBytes)]); err != nil {
			return err
		}
	}
	return f.Sync()
}

// readHistory loads the history before the first look; one that is damaged is begun anew.
func (d *disk) readHistory(ctx actor.Context) {
	files, name := d.cfg.Files, d.historyFile()
	d.Go(ctx, historyRead{}, func(context.Context) (any, error) {
		data, err := fsx.ReadLimited(files, name, space.HistoryBytesMax)
		if errors.Is(err, fs.ErrNotExist) {
			return space.History{}, nil
		}
		if err != nil {
			return space.History{}, err
		}
		return space.ParseHistory(data)
	})
}

// takeHistory begins with the looks. A history that the device did not give is read again; what is
// seen meanwhile is kept in memory, for nothing may replace it.
func (d *disk) takeHistory(ctx actor.Context, a *kit.Answer) {
	if fsx.Unread(a.Err) {
		if d.unread++; d.unread == 1 {
			d.note("the history of free space could not be read; it is read again, and not written before", a.Err)
			d.look(ctx)
		}
		d.After(ctx, kit.ReadAgain(d.unread), readTime{})
		return
	}
	d.note("the history of free space was not readable and begins anew", a.Err)
	if h, ok := a.Value.(space.History); ok && a.Err == nil {
		d.ledger.history = h
	}
	d.ledger.read, d.ledger.saved = true, time.Now()
	d.look(ctx)
}

// save writes the history: once a day, and when a level changed.
func (d *disk) save(ctx actor.Context, now time.Time) {
	if d.saving || !d.ledger.unsaved || !d.ledger.read {
		return
	}
	d.saving, d.ledger.saved, d.ledger.unsaved = true, now, false
	files, name, h := d.cfg.Files, d.historyFile(), d.ledger.history
	d.Go(ctx, historySaved{}, func(context.Context) (any, error) { return nil, writeHistory(files, name, h) })
}

// saveNow writes the history at the end, when something was added.
func (d *disk) saveNow() {
	if d.saving || !d.ledger.unsaved || !d.ledger.read {
		return
	}
	d.note("the history of free space could not be written", writeHistory(d.cfg.Files, d.historyFile(), d.ledger.history))
}

func writeHistory(files fsx.FS, name string, h space.History) error {
	data, err := h.Encode()
	if err != nil {
		return err
	}
	if err := files.MkdirAll(filepath.Dir(name)); err != nil {
		return err
	}
	return fsx.WriteAtomic(files, name, data, 0o600)
}
