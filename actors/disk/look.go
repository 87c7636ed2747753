package disk

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/space"
	"github.com/officer-doofy/officer/messages"
)

// survey is one look at everything.
type survey struct {
	found    []sight
	sizes    space.Sizes
	reserve  int64 // bytes of the reserve file
	freeable []*messages.Freeable
	blind    error  // why a volume could not be looked at
	blindAt  string // its path
}

// sight is one path of ours with its volume.
type sight struct {
	path   string
	roles  []space.Role
	volume Volume
}

// look begins a look at the volumes, unless one is under way.
func (d *disk) look(ctx actor.Context) {
	if d.looking {
		return
	}
	d.looking = true
	cfg, reserve, asked := d.cfg, d.reserveFile(), len(d.waiting) > 0
	d.Go(ctx, looked{}, func(wctx context.Context) (any, error) {
		s := surveyOf(cfg, reserve)
		if asked || s.tight(cfg.Limits) {
			s.freeable = freeableIn(wctx, cfg, s.sizes.WALBytes)
		}
		return s, nil
	})
}

// tight tells whether any volume is near its warning: then it matters what could go.
func (s survey) tight(settings space.Limits) bool {
	return slices.ContainsFunc(s.found, func(at sight) bool {
		return settings.For(at.volume.TotalBytes).LookAgain(space.OK, at.volume.FreeBytes) > 0
	})
}

func surveyOf(cfg Config, reserve string) survey {
	var s survey
	for _, at := range []sight{
		{path: filepath.Dir(cfg.Database), roles: []space.Role{space.Database, space.WAL}},
		{path: cfg.Home, roles: []space.Role{space.Backups}},
		{path: cfg.TempDir, roles: []space.Role{space.Temp}},
	} {
		if at.path == "" {
			continue
		}
		v, err := cfg.Volumes.Look(at.path)
		if at.roles[0] == space.Database {
			// The file itself may be a link to another volume; then the WAL lies there too.
			if linked, lerr := cfg.Volumes.Look(cfg.Database); lerr == nil {
				v, err = linked, nil
			}
		}
		if errors.Is(err, fs.ErrNotExist) && at.roles[0] == space.Temp {
			continue // SQLite then uses another one
		}
		if err != nil {
			s.blind, s.blindAt = err, at.path
			continue
		}
		at.volume = v
		s.found = append(s.found, at)
	}
	s.sizes = space.Sizes{DatabaseBytes: sizeOf(cfg, cfg.Database), WALBytes: sizeOf(cfg, cfg.Database+"-wal")}
	s.reserve = sizeOf(cfg, reserve)
	return s
}

// sizeOf gives the size of a regular file, 0 for anything else.
func sizeOf(cfg Config, path string) int64 {
	info, err := cfg.Files.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// takeLook judges what was seen, answers who waited for it, and looks again for who came
// meanwhile.
func (d *disk) takeLook(ctx actor.Context, a *kit.Answer) {
	d.looking = false
	if s, ok := a.Value.(survey); ok && a.Err == nil {
		d.learn(ctx, s)
	} else {
		d.note("the volumes could not be looked at", a.Err)
		d.lookSoon(ctx, true)
	}
	for _, p := range d.waiting {
		p.request.Answer(d.answer(p.msg))
	}
	d.waiting, d.next = d.next, nil
	if len(d.waiting) > 0 {
		d.look(ctx)
	}
}

func (d *disk) answer(msg any) any {
	if m, ok := msg.(*messages.MayUse); ok {
		return d.verdict(m)
	}
	return d.report()
}

// learn takes a survey into the ledger and does what follows.
func (d *disk) learn(ctx actor.Context, s survey) {
	l, now := d.ledger, time.Now()
	l.sizes, l.reserve, l.freeable, l.looked = s.sizes, s.reserve, s.freeable, now
	seen := d.group(s)
	var changed []*messages.DiskLevelChanged
	for _, v := range seen {
		was := space.OK
		if old := l.volumes[v.ID]; old != nil {
			was = old.level
			v.inodes, v.soon = old.inodes, old.soon
		}
		v.level = v.limits.Next(was, v.FreeBytes-v.owed)
		v.inodes = space.InodesLow(v.inodes, v.FreeInodes)
		if !d.cfg.Passive {
			var took bool
			l.history, took = l.history.Add(v.key(), space.Sample{At: now, FreeBytes: v.FreeBytes})
			l.unsaved = l.unsaved || took
		}
		v.days = l.history.DaysUntilFull(v.key(), now, v.FreeBytes)
		v.soon = space.FullSoon(v.soon, v.days)
		if v.level != was {
			changed = append(changed, &messages.DiskLevelChanged{Volume: d.shown(v), From: was.String(), To: v.level.String()})
		}
	}
	// A volume that cannot be looked at now keeps its level.
	if s.blind != nil {
		seen = append(seen, d.unseen(seen)...)
	}
	l.volumes, l.order = make(map[string]*standing, len(seen)), nil
	for _, v := range seen {
		l.volumes[v.ID] = v
		l.order = append(l.order, v.ID)
	}
	d.show(ctx, s)
	if d.cfg.Passive {
		return
	}
	d.record(ctx, s)
	for _, c := range changed {
		d.cfg.Log.Warn("level of a volume changed", slog.String("path", c.Volume.Path), slog.Int64("free_bytes", c.Volume.FreeBytes),
			slog.String("from", c.From), slog.String("to", c.To))
		ctx.Send(d.cfg.Peers.Tree(), c)
	}
	d.defend(ctx)
	if len(changed) > 0 {
		d.save(ctx, now)
	}
	d.lookSoon(ctx, s.blind != nil)
}

// record tells the metrics system of the sizes, for the plots.
func (d *disk) record(ctx actor.Context, s survey) {
	r := &messages.RecordSizes{}
	if s.sizes.DatabaseBytes > 0 {
		r.DatabaseBytes, r.WalBytes = &s.sizes.DatabaseBytes, &s.sizes.WALBytes
	}
	for _, at := range s.found {
		if slices.Contains(at.roles, space.Database) {
			r.FreeBytes = &at.volume.FreeBytes
		}
	}
	ctx.Send(d.cfg.Peers.Of("metrics"), r)
}

// unseen gives the volumes of the last look that are not among those of this one.
func (d *disk) unseen(seen []*standing) (rest []*standing) {
	for _, id := range d.ledger.order {
		if !slices.ContainsFunc(seen, func(v *standing) bool { return v.ID == id }) {
			rest = append(rest, d.ledger.volumes[id])
		}
	}
	return rest
}

// group makes one standing for each volume out of the paths that lie on it.
func (d *disk) group(s survey) (seen []*standing) {
	for _, at := range s.found {
		i := slices.IndexFunc(seen, func(v *standing) bool { return v.ID == at.volume.ID })
		if i < 0 {
			i = len(seen)
			seen = append(seen, &standing{Volume: at.volume, path: at.path})
		}
		seen[i].roles = append(seen[i].roles, at.roles...)
		seen[i].paths = append(seen[i].paths, at.path)
	}
	backup, _ := space.Demand(space.Backup, 0, s.sizes)
	vacuum, _ := space.Demand(space.Vacuum, 0, s.sizes)
	for _, v := range seen {
		v.limits = d.cfg.Limits.For(v.TotalBytes)
		if len(v.roles) == 1 && v.roles[0] == space.Temp {
			v.limits = v.limits.OnlyWarning()
		}
		for _, role := range v.roles {
			v.needs = max(v.needs, backup[role])
		}
		needsVacuum := int64(0)
		for _, role := range v.roles {
			needsVacuum += vacuum[role]
		}
		if v.holds(space.Backups) {
			v.limits = v.limits.Needing(v.needs)
			v.owed = d.owed(v, s.reserve)
		}
		v.needs = max(v.needs, needsVacuum)
	}
	return seen
}

// owed is what the reserve still lacks.
func (d *disk) owed(v *standing, hasBytes int64) int64 {
	if d.cfg.Passive {
		return 0
	}
	return max(0, d.reserveBytes(v)-hasBytes)
}

func (v *standing) holds(role space.Role) bool { return slices.Contains(v.roles, role) }

// key names a volume in the history: device numbers change from boot to boot.
func (v *standing) key() string {
	if v.MountPoint != "" {
		return v.MountPoint
	}
	return v.path
}

// lookSoon sets a timer when the calendar is too slow for one of the volumes, or what was to be done failed: writes that
// are held back wait for a look.
func (d *disk) lookSoon(ctx actor.Context, failed bool) {
	if d.cfg.Passive {
		return
	}
	if d.again != nil {
		d.again()
		d.again = nil
	}
	wait := time.Duration(0)
	for _, v := range d.ledger.volumes {
		if w := v.limits.LookAgain(v.level, v.FreeBytes-v.owed); w > 0 && (wait == 0 || w < wait) {
			wait = w
		}
	}
	if failed {
		d.failures++
		if w := kit.Backoff(d.failures, failedBase, d.cfg.Every, 0); wait == 0 || w < wait {
			wait = w
		}
	} else {
		d.failures = 0
	}
	if wait > 0 && wait < d.cfg.Every {
		d.again = d.After(ctx, wait, lookTime{})
	}
}
