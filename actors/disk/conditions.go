package disk

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/internal/space"
	"github.com/officer-doofy/officer/messages"
)

// Codes of the conditions.
const (
	diskLow            = "disk_low"
	diskImportsBlocked = "disk_imports_blocked"
	diskWritesBlocked  = "disk_writes_blocked"
	diskInodesLow      = "disk_inodes_low"
	diskNetwork        = "disk_network"
	diskCloudFolder    = "disk_cloud_folder"
	diskFullSoon       = "disk_full_soon"
	diskUnknown        = "disk_unknown"
	backupDoesNotFit   = "backup_does_not_fit"
)

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition {
	const system = "disk"
	return []condition.Definition{
		{
			Code: diskWritesBlocked, System: system, Severity: condition.Red,
			Text: "The disk is full: {free} are left on the volume of {path} ({roles}). {then}",
			Hint: "{free_up}", Headline: "The disk is full: {free} left for {roles}. {then}",
		},
		{
			Code: diskImportsBlocked, System: system, Severity: condition.Yellow, DependsOn: []condition.Code{diskWritesBlocked},
			Text: "Only {free} are left on the volume of {path} ({roles}). {then}",
			Hint: "{free_up}",
		},
		{
			Code: backupDoesNotFit, System: system, Severity: condition.Yellow, DependsOn: []condition.Code{diskWritesBlocked},
			Text: "The next backup does not fit: it needs {need}, and {free} are free on the volume of {path}.",
			Hint: "{free_up}",
		},
		{
			Code: diskLow, System: system, Severity: condition.Yellow,
			DependsOn: []condition.Code{diskWritesBlocked, diskImportsBlocked, backupDoesNotFit},
			Text:      "The disk runs full: {free} are left on the volume of {path} ({roles}).",
			Hint:      "{free_up}",
		},
		{
			Code: diskFullSoon, System: system, Severity: condition.Yellow,
			DependsOn: []condition.Code{diskWritesBlocked, diskImportsBlocked, diskLow, backupDoesNotFit},
			Text:      "If it goes on like in the last two weeks, the volume of {path} is full in {days}; {free} are left.",
			Hint:      "{free_up}",
		},
		{
			Code: diskInodesLow, System: system, Severity: condition.Yellow, DependsOn: []condition.Code{diskWritesBlocked},
			Text: "The volume of {path} has room for {inodes} more files only, whatever their size.",
			Hint: "du --inodes -d 2 {path}",
		},
		{
			Code: diskNetwork, System: system, Severity: condition.Yellow,
			Text: "{path} ({roles}) is on a network file system ({type}): its locks and its fsync cannot be trusted.",
			Hint: "Move it to a disk of this machine (see https://sqlite.org/useovernet.html).",
		},
		{
			Code: diskCloudFolder, System: system, Severity: condition.Yellow,
			Text: "{path} ({roles}) is in a folder that {service} copies while SQLite writes: the copies are torn, and a synced-back file destroys the database.",
			Hint: "Move it out of the {service} folder.",
		},
		{
			// A mount that comes back within minutes is no news.
			Code: diskUnknown, System: system, Severity: condition.Yellow, VisibleAfter: 5 * time.Minute,
			DependsOn: []condition.Code{"database_missing"},
			Text:      "The volume of {path} cannot be looked at: nobody knows how much room there is.",
			Hint:      "df {path}",
		},
	}
}

func (d *disk) raise(ctx actor.Context, code string, args ...string) {
	d.ledger.raised[code] = true
	ctx.Send(d.cfg.Peers.Of("health"), &messages.RaiseCondition{Code: code, Args: args})
}

// clear tells health only of what was raised: most looks find nothing.
func (d *disk) clear(ctx actor.Context, code string) {
	if d.ledger.raised[code] {
		delete(d.ledger.raised, code)
		ctx.Send(d.cfg.Peers.Of("health"), &messages.ClearCondition{Code: code})
	}
}

// rule is one condition: which volumes it speaks of, and its words for one of them.
type rule struct {
	code  string
	holds func(v *standing) bool
	args  func(v *standing) []string
}

func (d *disk) rules() []rule {
	level := func(l space.Level) func(*standing) bool {
		return func(v *standing) bool { return v.level == l }
	}
	return []rule{
		{diskWritesBlocked, level(space.WritesBlocked), d.fullWords},
		{diskImportsBlocked, level(space.ImportsBlocked), d.fullWords},
		{diskLow, level(space.Low), d.fullWords},
		{backupDoesNotFit, d.lacksRoomForBackup, func(v *standing) []string {
			return append(d.words(v), "need="+space.Text(d.backupNeeds()))
		}},
		{diskFullSoon, func(v *standing) bool { return v.soon }, func(v *standing) []string {
			return append(d.words(v), "days="+daysText(v.days))
		}},
		{diskInodesLow, func(v *standing) bool { return v.inodes }, func(v *standing) []string {
			return append(d.words(v), fmt.Sprintf("inodes=%d", v.FreeInodes))
		}},
		{diskNetwork, d.onNetwork, func(v *standing) []string { return append(d.words(v), "type="+v.FSType) }},
		{diskCloudFolder, func(v *standing) bool { return v.cloud() != "" }, func(v *standing) []string {
			return append(d.words(v), "service="+v.cloud())
		}},
	}
}

// show raises everything again, because health starts empty, and clears what is over. A
// condition that holds for several volumes speaks of the first, which is the one with the
// database if that is concerned.
func (d *disk) show(ctx actor.Context, s survey) {
	for _, r := range d.rules() {
		raised := false
		for _, v := range d.standings() {
			if !raised && r.holds(v) {
				d.raise(ctx, r.code, r.args(v)...)
				raised = true
			}
		}
		if !raised {
			d.clear(ctx, r.code)
		}
	}
	if s.blind != nil {
		d.cfg.Log.Warn("a volume could not be looked at", "path", s.blindAt, "error", s.blind)
		d.raise(ctx, diskUnknown, "path="+shell.Word(s.blindAt))
	} else {
		d.clear(ctx, diskUnknown)
	}
}

func (d *disk) words(v *standing) []string {
	return []string{"free=" + space.Text(v.FreeBytes), "path=" + shell.Word(v.path), "roles=" + v.rolesText(), "free_up=" + d.freeUp(v)}
}

// fullWords adds what follows from the level.
func (d *disk) fullWords(v *standing) []string {
	then := ""
	owed := v.owed
	if v.level == space.WritesBlocked && v.holds(space.Backups) && !d.cfg.Passive {
		owed = d.reserveBytes(v) // by then it is released
	}
	better := space.Text(v.limits.BetterAtBytes(v.level) + owed)
	switch {
	case v.level == space.WritesBlocked && v.holds(space.Database) && d.cfg.FenceWhenFull && !d.cfg.Passive:
		then = "Officer holds all writes back until " + better + " are free; nothing is lost."
	case v.level == space.WritesBlocked && v.holds(space.Database):
		then = "Writes are about to fail."
	case v.level == space.WritesBlocked:
		then = "Backups are about to fail; the database itself is not concerned."
	case v.level == space.ImportsBlocked && v.holds(space.Database):
		then = "Imports are refused until " + better + " are free."
	}
	return append(d.words(v), "then="+then)
}

// freeUp is a command that makes room and costs nothing, if there is one: undo points and
// damaged files are shown as freeable, but nobody shall paste them away unread.
func (d *disk) freeUp(v *standing) string {
	for _, f := range d.shown(v).Freeable {
		// Under the fence the WAL cannot be emptied.
		harmless := f.What == logsFreeable || f.What == walFreeable && v.level < space.WritesBlocked
		if harmless && f.Bytes >= worthSaying {
			return f.How + "   # " + space.Text(f.Bytes) + ", " + f.What
		}
	}
	return "du -xh -d 2 " + shell.Word(v.path)
}

// worthSaying: nobody is helped by a few kilobytes.
const worthSaying = 1_000_000

func (d *disk) backupNeeds() int64 {
	demand, _ := space.Demand(space.Backup, 0, d.ledger.sizes)
	return demand[space.Backups]
}

func (d *disk) lacksRoomForBackup(v *standing) bool {
	return v.holds(space.Backups) && v.FreeBytes < d.backupNeeds()
}

// onNetwork: temporary files may lie anywhere.
func (d *disk) onNetwork(v *standing) bool {
	return (v.holds(space.Database) || v.holds(space.Backups)) && (v.Remote || space.Network(v.FSType))
}

// cloud is the service that syncs one of the paths, "" = none.
func (v *standing) cloud() string {
	for _, path := range v.paths {
		if s := space.CloudFolder(path); s != "" {
			return s
		}
	}
	return ""
}

func (v *standing) rolesText() string {
	var names []string
	for _, role := range v.roles {
		if role != space.WAL { // it is where the database is
			names = append(names, string(role))
		}
	}
	return strings.Join(names, ", ")
}

func daysText(days float64) string {
	if days < 1.5 {
		return fmt.Sprintf("%d hours", int(math.Ceil(days*24)))
	}
	return fmt.Sprintf("%d days", int(math.Round(days)))
}
