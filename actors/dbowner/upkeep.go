package dbowner

import (
	"context"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/messages"
)

// busyDefault is how long upkeep waits for a lock that the app holds.
const busyDefault = 200 * time.Millisecond

func busyOf(ms int64) time.Duration {
	if ms <= 0 {
		return busyDefault
	}
	return time.Duration(ms) * time.Millisecond
}

// vacuum rebuilds the file, or moves free pages out in steps. What it was interrupted
// in has not happened.
func (t *task) vacuum(m *messages.VacuumDatabase) (any, error) {
	ctx, hold := t.ctx, time.Duration(m.GetHoldMs())*time.Millisecond
	if hold > 0 {
		if t.stirred {
			return nil, fault.New(fault.Busy, t.op, "the app committed just now")
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, hold)
		defer cancel()
	}
	before, err := t.db.Facts(t.ctx)
	if err != nil {
		return nil, err
	}
	report := &messages.VacuumReport{BeforeBytes: before.PageCount * int64(before.PageSize)}
	t.tell("vacuum", 0, 0, "")
	begun := time.Now()
	if m.GetIncremental() {
		var done bool
		_, done, err = t.db.IncrementalVacuum(ctx, busyOf(m.GetBusyMs()))
		report.GaveWay = !done
	} else {
		err = t.db.Vacuum(ctx, busyOf(m.GetBusyMs()))
	}
	report.DurationMs = time.Since(begun).Milliseconds()
	if err != nil {
		if ctx.Err() != nil && t.ctx.Err() == nil {
			return nil, fault.Wrap(fault.Busy, t.op, "it would have held the app up longer than "+hold.String()+" and was taken back", err)
		}
		return nil, err
	}
	t.shrink()
	after, err := t.db.Facts(t.ctx)
	if err != nil {
		return nil, err
	}
	report.AfterBytes = after.PageCount * int64(after.PageSize)
	return report, nil
}

// shrink moves the WAL in, so that the file gets its new size: first without keeping any
// writer out, and only what is then left with the lock. A reader in the way is no
// failure: the next checkpoint does it.
func (t *task) shrink() {
	logFrames, doneFrames, err := t.db.Checkpoint(t.ctx, "passive")
	if err == nil && logFrames > 0 && doneFrames == logFrames {
		_, _, _ = t.db.Checkpoint(t.ctx, "truncate")
	}
}

func (t *task) analyze(m *messages.AnalyzeDatabase) (any, error) {
	begun := time.Now()
	if err := t.db.Analyze(t.ctx, busyOf(m.GetBusyMs()), m.GetFull()); err != nil {
		return nil, err
	}
	return &messages.AnalyzeReport{DurationMs: time.Since(begun).Milliseconds()}, nil
}

// orphansNamed bounds the rows without a parent that a replaced table leaves and that are named.
const orphansNamed = 100

// replaceTable puts one table of a stored file in place.
func (t *task) replaceTable(m *messages.ReplaceTable) (any, error) {
	begun := time.Now()
	if m.GetFromPath() == "" || m.GetTable() == "" {
		return nil, fault.New(fault.Invalid, t.op, "a file and a table are needed")
	}
	r, err := t.db.ReplaceTable(t.ctx, m.GetFromPath(), m.GetTable(), m.GetDryRun(), orphansNamed)
	if err != nil {
		return nil, err
	}
	out := &messages.TableReplaced{RowsBefore: r.RowsBefore, RowsAfter: r.RowsAfter, DurationMs: time.Since(begun).Milliseconds()}
	for _, k := range r.ForeignKeys {
		out.ForeignKeys = append(out.ForeignKeys, &messages.ForeignKeyFinding{Table: k.Table, Rowid: k.Rowid, HasRowid: k.HasRowid, Parent: k.Parent})
	}
	return out, nil
}
