package maint

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/upkeep"
	"github.com/officer-doofy/officer/messages"
)

const (
	stateFile     = "maintenance.json"
	stateVersion  = 1
	stateBytesMax = 1 << 20
	stateMode     = 0o600
)

// ledger outlives a restart of the actor, and its state a restart of Officer: what is
// weekly must not begin anew with each start of a desktop app.
type ledger struct {
	file  string
	files fsx.FS

	began       time.Time
	runs        int // so far, for ids that are never used twice
	vacuumOwed  bool
	analyzeOwed bool
	imports     map[string]time.Time // by name, since when
	facts       upkeep.Facts         // as seen last

	mu    sync.Mutex // writing goes on beside the actor
	state state
}

// state is {home}/maintenance.json.
type state struct {
	Version int `json:"version"` // 0 = the file could not be read yet
	// SettledAt is when the question of a VACUUM was settled: done, or it did not pay.
	SettledAt time.Time `json:"settled_at"`
	// WantedSince is since when one would pay and was not done; zero = none is wanted.
	WantedSince time.Time `json:"wanted_since,omitzero"`
	// RateBytesPerSecond of earlier VACUUMs here; 0 = none yet.
	RateBytesPerSecond int64   `json:"rate_bytes_per_second"`
	LastVacuum         *record `json:"last_vacuum,omitempty"`
	LastAnalyze        *record `json:"last_analyze,omitempty"`
}

// record is a MaintenanceReport as it is stored.
type record struct {
	Kind        string    `json:"kind"`
	At          time.Time `json:"at"`
	Because     string    `json:"because,omitempty"`
	BeforeBytes int64     `json:"before_bytes,omitempty"`
	AfterBytes  int64     `json:"after_bytes,omitempty"`
	DurationMS  int64     `json:"duration_ms"`
	BackupID    string    `json:"backup_id,omitempty"`
}

func recordOf(r *messages.MaintenanceReport) *record {
	return &record{Kind: r.GetKind(), At: time.UnixMilli(r.GetAtUnixMs()).UTC(), Because: r.GetBecause(),
		BeforeBytes: r.GetBeforeBytes(), AfterBytes: r.GetAfterBytes(), DurationMS: r.GetDurationMs(), BackupID: r.GetBackupId()}
}

func (r *record) report() *messages.MaintenanceReport {
	if r == nil {
		return nil
	}
	return &messages.MaintenanceReport{Kind: r.Kind, AtUnixMs: r.At.UnixMilli(), Because: r.Because,
		BeforeBytes: r.BeforeBytes, AfterBytes: r.AfterBytes, DurationMs: r.DurationMS, BackupId: r.BackupID}
}

func (l *ledger) view() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

func (l *ledger) change(f func(*state)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.state)
}

// settle takes note that the question of a VACUUM is settled as of now; without again
// only when it never was. It tells whether anything changed.
func (l *ledger) settle(now time.Time, again bool) (changed bool) {
	l.change(func(s *state) {
		if changed = again || s.SettledAt.IsZero() || s.SettledAt.After(now); changed {
			s.SettledAt = now.UTC()
		}
	})
	return changed
}

// load reads the state once in the life of the process. A stray of a killed writer goes,
// unless only requests are answered. A file that is not ours begins anew.
func (l *ledger) load(passive bool) func(context.Context) (any, error) {
	return func(context.Context) (any, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.state.Version != 0 {
			return nil, nil
		}
		err := l.read()
		if !passive {
			if stray := l.files.Remove(l.file + ".tmp"); stray != nil && !errors.Is(stray, fs.ErrNotExist) {
				err = errors.Join(err, stray)
			}
		}
		return nil, err
	}
}

// read is over, and the version known, once it says what the file holds, be it nothing of ours:
// what a device did not give (fsx.Unread) is not taken for nothing. What was done meanwhile is newer.
func (l *ledger) read() error {
	data, err := fsx.ReadLimited(l.files, l.file, stateBytesMax)
	if fsx.Unread(err) {
		return err
	}
	l.state.Version = stateVersion
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil || s.Version != stateVersion {
		return errors.Join(errors.New(l.file+" is not what Officer wrote"), err)
	}
	since := l.state
	if !since.SettledAt.IsZero() {
		s.SettledAt = since.SettledAt
	}
	s.RateBytesPerSecond = cmp.Or(since.RateBytesPerSecond, max(s.RateBytesPerSecond, 0))
	s.LastVacuum, s.LastAnalyze = cmp.Or(since.LastVacuum, s.LastVacuum), cmp.Or(since.LastAnalyze, s.LastAnalyze)
	l.state = s
	return nil
}

// save writes what is known now; two of them never overtake each other. Nothing replaces a
// file that could not be read yet.
func (l *ledger) save(context.Context) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.Version == 0 {
		if err := l.read(); l.state.Version == 0 {
			return nil, err
		}
	}
	data, err := json.MarshalIndent(l.state, "", "  ")
	if err != nil {
		return nil, err
	}
	return nil, fsx.WriteAtomic(l.files, l.file, append(data, '\n'), stateMode)
}

func (l *ledger) importing(now time.Time) bool {
	for name, since := range l.imports {
		if now.Sub(since) > importMax {
			delete(l.imports, name)
		}
	}
	return len(l.imports) > 0
}

func (l *ledger) status(activity *messages.Activity, now time.Time) *messages.MaintenanceStatus {
	s := l.view()
	return &messages.MaintenanceStatus{LastVacuum: s.LastVacuum.report(), LastAnalyze: s.LastAnalyze.report(),
		IdleMs: activity.GetIdleMs(), FreePages: l.facts.FreePages, Pages: l.facts.Pages, Importing: l.importing(now)}
}
