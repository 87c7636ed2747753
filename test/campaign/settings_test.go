package campaign

import (
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/supervisor"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// settings are those of a simulated Officer, and how dense its time is. Where one is zero
// it is Officer's default, but for the number of backups, which are few, and their pace,
// which is none.
type settings struct {
	name                                           string
	look, backup, full, keys, drill, disk, analyze time.Duration
	// step is the time between two draws of what happens; of them one in troubles is a
	// fault, and one in stops ends Officer as it ends itself.
	step            time.Duration
	troubles, stops int
}

const day = 24 * time.Hour

// asInstalled is Officer with its defaults, on a disk that fails about once a day.
func asInstalled() settings {
	return settings{name: "as installed", step: 6 * time.Hour, troubles: 4, stops: 24}
}

// calm are settings with which a year has hundreds of works instead of a million looks.
// The faults are as many for each work as with the defaults, or more.
func calm() []settings {
	return []settings{
		{name: "weekly", look: 6 * time.Hour, backup: 7 * day, full: 14 * day, keys: 14 * day, drill: 28 * day, disk: day, analyze: 14 * day,
			step: 4 * day, troubles: 2, stops: 10},
		{name: "daily", look: 6 * time.Hour, backup: day, full: 3 * day, keys: 7 * day, drill: 14 * day, disk: day, analyze: 7 * day,
			step: 2 * day, troubles: 2, stops: 15},
	}
}

// calmOf gives one seed in eight the daily backups, which cost three times as much.
func calmOf(seed uint64) settings {
	if seed%8 == 0 {
		return calm()[1]
	}
	return calm()[0]
}

// every is how far apart backups are that nobody orders.
func (s settings) every() time.Duration {
	if s.backup == 0 {
		return 4 * time.Hour
	}
	return s.backup
}

func (s settings) database() supervisor.Database {
	return supervisor.Database{
		Path: database, Keep: supervisor.Keep{Recent: 1, Daily: 1, Weekly: 1, Monthly: 2, Yearly: 1},
		Backup:   supervisor.Backup{Every: s.backup, PaceBytesPerSecond: -1},
		Check:    supervisor.Check{FullEvery: s.full, ForeignKeysEvery: s.keys},
		Drill:    supervisor.Drill{Every: s.drill},
		Disk:     supervisor.Disk{Every: s.disk},
		Maintain: supervisor.Maintain{AnalyzeEvery: s.analyze},
	}
}

// brittle is the disk as Officer uses it, with a defect of Officer's own: an operation that
// panics where it is called, when the fuse has burnt down.
type brittle struct {
	*simfs.Life
	fuse *atomic.Int64
}

func (b brittle) burn(path string) {
	if b.fuse.Load() > 0 && !quiet(path) && b.fuse.Add(-1) == 0 {
		panic(fmt.Sprintf("a defect at %s", strings.TrimPrefix(path, home)))
	}
}

func (b brittle) Open(name string) (fsx.File, error) {
	b.burn(name)
	return b.Life.Open(name)
}

func (b brittle) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	b.burn(name)
	return b.Life.OpenFile(name, flag, perm)
}

func (b brittle) Create(name string) (fsx.File, error) {
	b.burn(name)
	return b.Life.Create(name)
}

func (b brittle) Remove(name string) error {
	b.burn(name)
	return b.Life.Remove(name)
}

func (b brittle) Rename(from, to string) error {
	b.burn(to)
	return b.Life.Rename(from, to)
}

func (b brittle) RenameNoReplace(from, to string) error {
	b.burn(to)
	return b.Life.RenameNoReplace(from, to)
}

func (b brittle) Lstat(name string) (fs.FileInfo, error) {
	b.burn(name)
	return b.Life.Lstat(name)
}

func (b brittle) Stat(name string) (fs.FileInfo, error) {
	b.burn(name)
	return b.Life.Stat(name)
}

func (b brittle) ReadDir(name string) ([]fs.DirEntry, error) {
	b.burn(name)
	return b.Life.ReadDir(name)
}

func (b brittle) SyncDir(name string) error {
	b.burn(name)
	return b.Life.SyncDir(name)
}
