package disk_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/disk"
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/space"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

const (
	mb = 1_000_000
	gb = 1_000_000_000
)

// volumes is a machine whose volumes have the room that a test says, less the reserve,
// which is a real file on the first of them.
type volumes struct {
	mu      sync.Mutex
	list    []disk.Volume // the first one holds every path that no other's mount point does
	reserve string
	err     error
	looks   int
}

func (v *volumes) Look(path string) (disk.Volume, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.looks++
	if v.err != nil {
		return disk.Volume{}, v.err
	}
	found := v.list[0]
	for _, other := range v.list[1:] {
		if strings.HasPrefix(path, other.MountPoint) {
			return other, nil
		}
	}
	if info, err := os.Stat(v.reserve); err == nil {
		found.FreeBytes -= info.Size()
	}
	return found, nil
}

func (v *volumes) set(change func(list []disk.Volume)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(v.list)
}

func (v *volumes) free(bytes int64) { v.set(func(l []disk.Volume) { l[0].FreeBytes = bytes }) }

// world is a disk actor among probes.
type world struct {
	*testkit.Bench
	cfg     disk.Config
	volumes *volumes
	pid     *actor.PID
	tree    *testkit.Probe
	owner   *testkit.Probe
	health  *testkit.Probe
	reserve string
}

func run(t *testing.T, change func(*world), test func(*world)) {
	t.Helper()
	testkit.Run(t, func(b *testkit.Bench) {
		dir := b.T.TempDir()
		w := &world{Bench: b, reserve: filepath.Join(dir, "home", "reserve")}
		w.volumes = &volumes{reserve: w.reserve, list: []disk.Volume{{ID: "one", MountPoint: dir, FSType: "ext4", TotalBytes: 250 * gb, FreeBytes: 50 * gb, FreeInodes: 1e6}}}
		w.cfg = disk.Config{
			Peers: kit.NewPeers(b.System(), "officer/app"), Log: b.Log(),
			Database: filepath.Join(dir, "app.db"), Name: "app", Home: filepath.Join(dir, "home"), TempDir: dir,
			Files: fsx.OS(), Volumes: w.volumes, ReserveBytes: 3 * mb, FenceWhenFull: true,
		}
		w.write(w.cfg.Database, 5*mb)
		if err := os.MkdirAll(w.cfg.Home, 0o700); err != nil {
			b.T.Fatal(err)
		}
		w.tree, w.owner, w.health = b.Probe("officer/app"), b.Probe("officer/app/dbowner"), b.Probe("officer/app/health")
		schedule := b.Probe("officer/app/schedule")
		testkit.On(schedule, func(*messages.AddSchedule) any { return &messages.ScheduleAdded{} })
		testkit.On(w.owner, func(*messages.RaiseFence) any { return &messages.FenceState{Active: true, Held: true} })
		testkit.On(w.owner, func(*messages.LiftFence) any { return &messages.FenceState{} })
		testkit.On(w.owner, func(*messages.CheckpointDatabase) any { return &messages.CheckpointReport{} })
		if change != nil {
			change(w)
		}
		w.pid = b.Spawn(disk.Props(w.cfg), "officer/app/disk")
		b.Advance(time.Minute)
		test(w)
	})
}

func (w *world) write(path string, size int) {
	w.T.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.T.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		w.T.Fatal(err)
	}
}

func (w *world) report() *messages.DiskReport {
	w.T.Helper()
	return testkit.Ask[*messages.DiskReport](w.Bench, w.pid, &messages.GetDisk{})
}

func (w *world) mayUse(purpose string, bytes int64) *messages.SpaceVerdict {
	w.T.Helper()
	return testkit.Ask[*messages.SpaceVerdict](w.Bench, w.pid, &messages.MayUse{Purpose: purpose, Bytes: bytes})
}

// up gives the raised conditions with their args.
func (w *world) up() map[string]string {
	up := map[string]string{}
	for _, h := range w.health.Heard() {
		switch m := h.Message.(type) {
		case *messages.RaiseCondition:
			up[m.Code] = strings.Join(m.Args, " ")
		case *messages.ClearCondition:
			delete(up, m.Code)
		}
	}
	return up
}

func (w *world) wantUp(codes ...string) {
	w.T.Helper()
	var got []string
	for code := range w.up() {
		got = append(got, code)
	}
	slices.Sort(got)
	if !slices.Equal(got, codes) {
		w.T.Errorf("got conditions %q, want %q", got, codes)
	}
}

// orders gives what the owner was told to do.
func (w *world) orders() (orders []string) {
	for _, h := range w.owner.Heard() {
		switch m := h.Message.(type) {
		case *messages.RaiseFence:
			orders = append(orders, "raise "+m.Reason)
		case *messages.LiftFence:
			orders = append(orders, "lift "+m.Reason)
		case *messages.CheckpointDatabase:
			orders = append(orders, "checkpoint "+m.Mode)
		}
	}
	return orders
}

func (w *world) levels() (changes []string) {
	for _, h := range w.tree.Heard() {
		if m, ok := h.Message.(*messages.DiskLevelChanged); ok {
			changes = append(changes, m.From+" → "+m.To)
		}
	}
	return changes
}

func (w *world) reserveBytes() int64 {
	info, err := os.Stat(w.reserve)
	if err != nil {
		return 0
	}
	return info.Size()
}

func TestDisk_quietWhenAllIsWell(t *testing.T) {
	run(t, nil, func(w *world) {
		r := w.report()
		if r.Level != "ok" || len(r.Volumes) != 1 || !r.ReserveHeld || r.ReserveBytes != 3*mb {
			t.Errorf("got %v, want one volume, ok, with its reserve", r)
		}
		if v := r.Volumes[0]; strings.Join(v.Roles, " ") != "database wal backups temp" || v.FreeBytes != 50*gb-3*mb || v.NextJobBytes <= 0 {
			t.Errorf("got %v", v)
		}
		if w.reserveBytes() != 3*mb {
			t.Errorf("the reserve has %d bytes, want 3 MB", w.reserveBytes())
		}
		w.wantUp()
		if len(w.orders()) > 0 || len(w.levels()) > 0 {
			t.Errorf("got orders %q and events %q, want none", w.orders(), w.levels())
		}
		before := w.volumes.looks
		w.Advance(24 * time.Hour)
		if w.volumes.looks != before {
			t.Errorf("%d looks in a day without the calendar, want none", w.volumes.looks-before)
		}
	})
}

// The whole way down and up again, as P8 wants it.
func TestDisk_fillsUpAndRecoversByItself(t *testing.T) {
	run(t, nil, func(w *world) {
		w.volumes.free(900 * mb)
		w.report()
		w.wantUp("disk_low")
		if v := w.mayUse("import", mb); !v.Allowed {
			t.Errorf("an import of 1 MB was refused while disk is only low: %s", v.Text)
		}
		w.volumes.free(400 * mb)
		if v := w.mayUse("import", mb); v.Allowed || v.FreeBytes != 397*mb || v.Path == "" {
			t.Errorf("got %v, want the import refused with the numbers", v)
		}
		w.wantUp("disk_imports_blocked")
		if len(w.orders()) > 0 {
			t.Errorf("got %q before the last level", w.orders())
		}
		w.volumes.free(90 * mb)
		w.Advance(time.Minute) // nobody asks: it looks by itself
		if got, want := w.orders(), []string{"checkpoint truncate", "raise disk"}; !slices.Equal(got, want) {
			t.Errorf("got orders %q, want %q", got, want)
		}
		if w.reserveBytes() != 0 {
			t.Error("the reserve was not released")
		}
		w.wantUp("disk_writes_blocked")
		if words := w.up()["disk_writes_blocked"]; !strings.Contains(words, "roles=database, backups, temp") || !strings.Contains(words, "holds all writes back until 113 MB are free") {
			t.Errorf("got words %q", words)
		}
		// A little room is not enough: neither to lift the fence nor to make the reserve again.
		w.volumes.free(105 * mb)
		w.Advance(5 * time.Minute)
		if slices.Contains(w.orders(), "lift disk") || w.reserveBytes() != 0 {
			t.Errorf("got %q and a reserve of %d bytes at 105 MB, want the fence up and no reserve", w.orders(), w.reserveBytes())
		}
		w.volumes.free(20 * gb)
		w.Advance(2 * time.Minute)
		if orders := w.orders(); orders[len(orders)-1] != "lift disk" {
			t.Errorf("got %q, want the fence lifted at last", orders)
		}
		w.wantUp()
		if r := w.report(); r.Level != "ok" || !r.ReserveHeld || w.reserveBytes() != 3*mb {
			t.Errorf("got %s, reserve held %v, want ok with the reserve made again", r.Level, r.ReserveHeld)
		}
		want := []string{"ok → low", "low → imports_blocked", "imports_blocked → writes_blocked", "writes_blocked → ok"}
		if got := w.levels(); !slices.Equal(got, want) {
			t.Errorf("got events %q, want %q", got, want)
		}
		n := len(w.orders())
		w.Advance(time.Hour)
		if len(w.orders()) != n {
			t.Errorf("got more orders after all was well: %q", w.orders()[n:])
		}
	})
}

func TestDisk_releasingTheReserveDoesNotFlap(t *testing.T) {
	run(t, func(w *world) { w.cfg.ReserveBytes = 30 * mb }, func(w *world) {
		w.volumes.free(125 * mb) // 95 with the reserve held; 125 without it is above the limit and its calm
		w.report()
		w.Advance(time.Hour)
		want := []string{"ok → writes_blocked"}
		if got := w.levels(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if slices.Contains(w.orders(), "lift disk") {
			t.Errorf("the reserve lifted its own fence: %q", w.orders())
		}
	})
}

func TestDisk_aFullVolumeOfBackupsNeverStopsTheApp(t *testing.T) {
	run(t, func(w *world) {
		w.volumes.list = append(w.volumes.list, disk.Volume{ID: "two", MountPoint: w.cfg.Home, FSType: "xfs", TotalBytes: 10 * gb, FreeBytes: 50 * mb, FreeInodes: -1})
	}, func(w *world) {
		r := w.report()
		if r.Level != "writes_blocked" || len(r.Volumes) != 2 || r.Volumes[0].Level != "ok" {
			t.Errorf("got %v, want the second volume full", r)
		}
		w.wantUp("backup_does_not_fit", "disk_writes_blocked")
		if words := w.up()["disk_writes_blocked"]; !strings.Contains(words, "the database itself is not concerned") {
			t.Errorf("got words %q", words)
		}
		if len(w.orders()) > 0 {
			t.Errorf("got orders %q, want none: the database has room", w.orders())
		}
		if v := w.mayUse("backup", 0); v.Allowed {
			t.Errorf("a backup was allowed: %s", v.Text)
		}
		if v := w.mayUse("import", mb); !v.Allowed {
			t.Errorf("an import was refused: %s", v.Text)
		}
	})
}

func TestDisk_damageIsNotCheckpointed(t *testing.T) {
	run(t, nil, func(w *world) {
		w.Tell(w.pid, &messages.DamageFound{})
		w.volumes.free(10 * mb)
		w.report()
		w.Advance(time.Second)
		if got, want := w.orders(), []string{"raise disk"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestDisk_theFenceCanBeSwitchedOff(t *testing.T) {
	run(t, func(w *world) { w.cfg.FenceWhenFull = false }, func(w *world) {
		w.volumes.free(10 * mb)
		w.report()
		w.Advance(10 * time.Minute)
		w.wantUp("backup_does_not_fit", "disk_writes_blocked")
		if slices.Contains(w.orders(), "raise disk") || w.reserveBytes() != 0 {
			t.Errorf("got %q, reserve of %d bytes; want no fence and no reserve", w.orders(), w.reserveBytes())
		}
	})
}

// bomb is a log that panics once, as a defect would, when a line is written.
type bomb struct {
	slog.Handler
	armed atomic.Bool
}

func (b *bomb) Handle(ctx context.Context, r slog.Record) error {
	if b.armed.Swap(false) {
		panic("a defect")
	}
	return b.Handler.Handle(ctx, r)
}

func TestDisk_aCrashDoesNotForgetTheFence(t *testing.T) {
	b := &bomb{}
	run(t, func(w *world) {
		b.Handler = w.Log().Handler()
		w.cfg.Log = slog.New(b)
	}, func(w *world) {
		w.volumes.free(10 * mb)
		w.report()
		w.Advance(time.Second)
		b.armed.Store(true)
		w.volumes.free(20 * gb)
		if _, err := w.Ask(w.pid, &messages.GetDisk{}); err == nil {
			t.Error("the part did not crash")
		}
		w.Advance(2 * time.Minute)
		if orders := w.orders(); orders[len(orders)-1] != "lift disk" {
			t.Errorf("got %q, want the fence lifted after the crash", orders)
		}
		w.wantUp()
	})
}

func TestDisk_passiveOnlyAnswers(t *testing.T) {
	run(t, func(w *world) { w.cfg.Passive = true; w.volumes.list[0].FreeBytes = 10 * mb }, func(w *world) {
		if w.volumes.looks != 0 {
			t.Errorf("%d looks unasked", w.volumes.looks)
		}
		if r := w.report(); r.Level != "writes_blocked" {
			t.Errorf("got %s, want writes_blocked", r.Level)
		}
		w.Advance(2 * time.Hour)
		w.wantUp("backup_does_not_fit", "disk_writes_blocked")
		if words := w.up()["disk_writes_blocked"]; strings.Contains(words, "holds all writes back") {
			t.Errorf("nobody holds writes back, but: %s", words)
		}
		if len(w.orders()) > 0 || len(w.levels()) > 0 || w.reserveBytes() > 0 {
			t.Errorf("got %q, %q and a reserve of %d bytes, want nothing", w.orders(), w.levels(), w.reserveBytes())
		}
		if _, err := os.Stat(filepath.Join(w.cfg.Home, "metrics")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a history was written: %v", err)
		}
	})
}

func TestDisk_namesPlacesThatSQLiteShouldNotLiveOn(t *testing.T) {
	run(t, func(w *world) {
		w.cfg.Home = filepath.Join(filepath.Dir(w.cfg.Home), "Dropbox", "home")
		w.write(filepath.Join(w.cfg.Home, "x"), 1)
		w.volumes.list[0].FSType = "nfs4"
		w.volumes.list[0].FreeInodes = 900
	}, func(w *world) {
		w.wantUp("disk_cloud_folder", "disk_inodes_low", "disk_network")
		if v := w.report().Volumes[0]; !v.Network || !v.CloudSynced {
			t.Errorf("got %v, want network and cloud_synced", v)
		}
	})
}

func TestDisk_saysWhatCouldBeFreed(t *testing.T) {
	run(t, func(w *world) {
		w.write(w.cfg.Database+"-wal", 4*mb)
		w.write(filepath.Join(w.cfg.Home, "logs", "app.log"), mb)
		w.write(filepath.Join(w.cfg.Home, "logs", "app.log.1"), 2*mb)
		w.write(filepath.Join(w.cfg.Home, "quarantine", "20261122T000000Z", "app.db"), 5*mb)
		w.write(filepath.Join(w.cfg.Home, "backups", "2026", "suspect", "app-20261122T000000Z.db"), 6*mb)
		w.write(filepath.Join(w.cfg.Home, "backups", "2026", "recent", "app-20261122T000000Z.db"), 6*mb)
	}, func(w *world) {
		sum := map[string]int64{}
		for _, f := range w.report().Volumes[0].Freeable {
			sum[strings.Fields(f.How)[0]+" "+f.What] = f.Bytes
		}
		for what, want := range map[string]int64{"officer WAL that a checkpoint empties": 4 * mb, "rm old logs": 2 * mb,
			"rm undo point or damaged files of 20261122T000000Z": 5 * mb, "rm suspect backups of 2026": 6 * mb} {
			if sum[what] != want {
				t.Errorf("%s: got %d bytes, want %d", what, sum[what], want)
			}
		}
		if len(sum) != 4 {
			t.Errorf("got %v, want four things", sum)
		}
		w.volumes.free(900 * mb)
		w.report()
		if words := w.up()["disk_low"]; !strings.Contains(words, "officer checkpoint ") {
			t.Errorf("got words %q, want the checkpoint as the way out", words)
		}
	})
}

// One call of the kernel that failed was told for an hour, and on a full disk nobody looked any more.
func TestDisk_aLookThatFailsIsRepeatedSoon(t *testing.T) {
	run(t, nil, func(w *world) {
		w.volumes.mu.Lock()
		w.volumes.err = errors.New("input/output error")
		w.volumes.mu.Unlock()
		w.Tell(w.pid, &messages.Due{Key: "disk"})
		w.Advance(time.Second)
		w.wantUp("disk_unknown")
		w.volumes.mu.Lock()
		looks := w.volumes.looks
		w.volumes.mu.Unlock()
		w.Advance(24 * time.Hour) // an error that stays is not looked at in a hurry
		w.volumes.mu.Lock()
		if n := (w.volumes.looks - looks) / 4; n < 5 || n > 10 {
			t.Errorf("%d looks beside the calendar", n)
		}
		w.volumes.err = nil
		w.volumes.mu.Unlock()
		w.Tell(w.pid, &messages.Due{Key: "disk"}) // the calendar goes on beside it
		w.Advance(time.Second)
		w.wantUp()
		w.volumes.mu.Lock()
		w.volumes.err = errors.New("input/output error")
		w.volumes.mu.Unlock()
		w.Tell(w.pid, &messages.Due{Key: "disk"})
		w.Advance(time.Second)
		w.volumes.mu.Lock()
		w.volumes.err = nil
		w.volumes.mu.Unlock()
		w.Advance(15 * time.Second)
		w.wantUp()
	})
}

// The owner did not answer once, and the app could not write for another hour.
func TestDisk_aFenceThatCouldNotBeLiftedIsLiftedSoon(t *testing.T) {
	run(t, nil, func(w *world) {
		w.volumes.free(90 * mb)
		w.report()
		w.Advance(time.Minute)
		fails := true
		testkit.On(w.owner, func(*messages.LiftFence) any {
			if fails {
				fails = false
				return messages.NewFailure("no_answer", "lift the fence", "a defect of Officer ended it")
			}
			return &messages.FenceState{}
		})
		w.volumes.free(20 * gb)
		w.Advance(2 * time.Minute)
		n := 0
		for _, order := range w.orders() {
			if order == "lift disk" {
				n++
			}
		}
		if n != 2 {
			t.Errorf("got %q, want the fence lifted at the second try", w.orders())
		}
	})
}

func TestDisk_aVolumeThatCannotBeLookedAtKeepsItsLevel(t *testing.T) {
	run(t, nil, func(w *world) {
		w.volumes.free(400 * mb)
		w.report()
		w.volumes.mu.Lock()
		w.volumes.err = errors.New("stale handle")
		w.volumes.mu.Unlock()
		if r := w.report(); r.Level != "imports_blocked" || len(r.Volumes) != 1 {
			t.Errorf("got %v, want the level of before", r)
		}
		w.wantUp("disk_imports_blocked", "disk_unknown")
	})
}

func TestDisk_refusesAnUnknownPurpose(t *testing.T) {
	run(t, nil, func(w *world) {
		var f *messages.Failure
		if _, err := w.Ask(w.pid, &messages.MayUse{Purpose: "party"}); !errors.As(err, &f) || f.Code != "invalid" {
			t.Errorf("got %v, want invalid", err)
		}
	})
}

func TestDisk_looksAtOnceWhenABackupFailedForWantOfRoom(t *testing.T) {
	run(t, nil, func(w *world) {
		w.volumes.free(90 * mb)
		w.Tell(w.pid, &messages.BackupFailed{Failure: messages.NewFailure("busy", "x", "y")})
		w.Advance(time.Second)
		w.wantUp()
		w.Tell(w.pid, &messages.BackupFailed{Failure: messages.NewFailure("disk_full", "x", "y")})
		w.Advance(time.Second)
		w.wantUp("disk_writes_blocked")
	})
}

func TestDisk_forecastsFromAHistoryThatSurvivesDamage(t *testing.T) {
	var history string
	run(t, func(w *world) {
		history = filepath.Join(w.cfg.Home, "metrics", "disk.json")
		w.write(history, 100) // zeros
	}, func(w *world) {
		w.volumes.free(100 * gb)
		for range 4 * 10 {
			w.Tell(w.pid, &messages.Due{Key: "disk"})
			w.Advance(6 * time.Hour)
			w.volumes.set(func(l []disk.Volume) { l[0].FreeBytes -= 2 * gb })
		}
		if d := w.report().Volumes[0].DaysUntilFull; d < 2 || d > 3 {
			t.Errorf("got full in %.1f days, want 2.5", d)
		}
		w.wantUp("disk_full_soon")
		w.Stop(w.pid)
		data, err := os.ReadFile(history)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := space.ParseHistory(data); err != nil {
			t.Error(err)
		}
		again := w.Spawn(disk.Props(w.cfg), "officer/app/disk")
		w.Advance(time.Second)
		if d := testkit.Ask[*messages.DiskReport](w.Bench, again, &messages.GetDisk{}).Volumes[0].DaysUntilFull; d < 2 || d > 3 {
			t.Errorf("after a start: got full in %.1f days, want 2.5", d)
		}
	})
}

func TestConditions_haveWordsForEveryPlaceholder(t *testing.T) {
	known := condition.Definition{Code: "database_missing", System: "dbowner", Severity: condition.Red, Text: "x"}
	if _, err := condition.NewRegistry(append(disk.Conditions(), known)...); err != nil {
		t.Fatal(err)
	}
}

func TestReserve_isAsLargeAsTheDatabaseNeeds(t *testing.T) {
	run(t, func(w *world) { w.cfg.ReserveBytes = 0 }, func(w *world) {
		if got := w.reserveBytes(); got != 16*mb {
			w.T.Errorf("5 MB: got %d bytes, want 16 MB", got)
		}
	})
	run(t, func(w *world) {
		w.cfg.ReserveBytes = 0
		w.write(w.cfg.Database, 50_000)
	}, func(w *world) {
		if got := w.reserveBytes(); got != mb/4 {
			w.T.Errorf("50 kB: got %d bytes, want 250 kB", got)
		}
		first, err := os.Stat(w.reserve)
		if err != nil {
			w.T.Fatal(err)
		}
		w.write(w.cfg.Database, 120_000)
		w.report()
		if again, _ := os.Stat(w.reserve); !os.SameFile(first, again) {
			w.T.Error("written anew although it was large enough")
		}
		w.write(w.cfg.Database+"-wal", 300_000)
		w.report()
		w.Settle()
		if got := w.reserveBytes(); got != mb {
			w.T.Errorf("420 kB: got %d bytes, want 1 MB", got)
		}
	})
}

func TestLook_tellsMetricsOfTheSizes(t *testing.T) {
	var metrics *testkit.Probe
	run(t, func(w *world) { metrics = w.Probe("officer/app/metrics") }, func(w *world) {
		w.write(w.cfg.Database+"-wal", 4000)
		w.report()
		var got *messages.RecordSizes
		for _, h := range metrics.Heard() {
			got, _ = h.Message.(*messages.RecordSizes)
		}
		if got.GetDatabaseBytes() != 5*mb || got.GetWalBytes() != 4000 || got.GetFreeBytes() == 0 {
			w.T.Errorf("got %v, want database, WAL and free space", got)
		}
		if err := os.Remove(w.cfg.Database); err != nil {
			w.T.Fatal(err)
		}
		w.report()
		heard := metrics.Heard()
		got, _ = heard[len(heard)-1].Message.(*messages.RecordSizes)
		if got == nil || got.DatabaseBytes != nil || got.WalBytes != nil || got.FreeBytes == nil {
			w.T.Errorf("without a database: got %v, want the free space alone", got)
		}
	})
}
