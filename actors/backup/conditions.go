package backup

import (
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// Codes of the conditions.
const (
	noVerifiedBackup   = "no_verified_backup"
	backupOverdue      = "backup_overdue"
	backupFailed       = "backup_failed"
	backupRotten       = "backup_rotten"
	drillFailed        = "drill_failed"
	drillOverdue       = "drill_overdue"
	manifestRebuilt    = "manifest_rebuilt"
	manifestUnwritable = "manifest_unwritable"
)

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition {
	return []condition.Definition{
		{Code: manifestUnwritable, System: "backup", Severity: condition.Red,
			Text: "The list of backups cannot be read or written: {detail}.",
			Hint: "Look at the space and the permissions of {dir}.", Headline: "Backups cannot be kept."},
		{Code: backupFailed, System: "backup", Severity: condition.Red,
			DependsOn: []condition.Code{manifestUnwritable},
			Text:      "The last backup failed: {detail}.",
			Hint:      "officer backup {database}", Headline: "The last backup failed."},
		// Young databases have none yet: shown once the first one had its time.
		{Code: noVerifiedBackup, System: "backup", Severity: condition.Red,
			DependsOn: []condition.Code{manifestUnwritable, backupFailed},
			Text:      "There is no backup that was opened, checked and compared.",
			Hint:      "officer backup {database}", Headline: "There is no verified backup.",
			VisibleAfter: startWait + time.Minute},
		{Code: backupOverdue, System: "backup", Severity: condition.Yellow,
			DependsOn: []condition.Code{manifestUnwritable, backupFailed, noVerifiedBackup},
			Text:      "The newest verified backup is {age} old; one is due every {every}.",
			Hint:      "officer backup {database}", Headline: "A backup is overdue.",
			VisibleAfter: startWait + time.Minute},
		{Code: backupRotten, System: "backup", Severity: condition.Yellow,
			Text: "{count} of the stored backups did not pass verification again; the newest such one is {id} ({verdict}).",
			Hint: "officer verify {database} --all", Headline: "A stored backup went bad."},
		{Code: drillFailed, System: "backup", Severity: condition.Red,
			DependsOn: []condition.Code{manifestUnwritable},
			Text:      "The last restore drill failed: backup {id} did not restore ({detail}).",
			Hint:      "officer verify {database} --all", Headline: "A backup did not restore in a drill."},
		// A machine that was off for weeks drills soon after its start.
		{Code: drillOverdue, System: "backup", Severity: condition.Yellow,
			DependsOn: []condition.Code{manifestUnwritable, noVerifiedBackup, drillFailed},
			Text:      "No restore drill proved a backup for {age}; one is due every {every}.",
			Hint:      "officer drill {database}", VisibleAfter: 12 * time.Hour},
		{Code: manifestRebuilt, System: "backup", Severity: condition.Yellow,
			Text: "The list of backups was made again from the files: {detail}.",
			Hint: "officer verify {database} --all"},
	}
}

func (b *backup) raise(ctx actor.Context, code string, args ...string) {
	ctx.Send(b.cfg.Peers.Of("health"), &messages.RaiseCondition{Code: code,
		Args: append(args, "database="+b.cfg.Database)})
}

func (b *backup) clear(ctx actor.Context, code string) {
	ctx.Send(b.cfg.Peers.Of("health"), &messages.ClearCondition{Code: code})
}

// evaluate raises and clears what follows from the list of backups and the clock.
func (b *backup) evaluate(ctx actor.Context) {
	m, now := b.ledger.known(), b.cfg.Now()
	newest, ok := m.Newest()
	if ok {
		b.clear(ctx, noVerifiedBackup)
	} else {
		b.raise(ctx, noVerifiedBackup)
	}
	proven := b.ledger.provenAt
	if newest.Taken.After(proven) {
		proven = newest.Taken
	}
	// Without a running Officer nobody notes that nothing changed since.
	if age := now.Sub(proven); ok && !b.cfg.Passive && age > 2*b.cfg.Every {
		b.raise(ctx, backupOverdue, "age="+age.Round(time.Minute).String(), "every="+b.cfg.Every.String())
	} else {
		b.clear(ctx, backupOverdue)
	}
	b.evaluateRot(ctx, m, newest.Taken, now)
	b.evaluateDrill(ctx, m, now)
	if text := b.ledger.rebuilt(); text != "" {
		b.raise(ctx, manifestRebuilt, "detail="+text)
	} else {
		b.clear(ctx, manifestRebuilt)
	}
}

// evaluateRot shows a backup that went bad for a week, and longer while no newer one
// is verified.
func (b *backup) evaluateRot(ctx actor.Context, m manifest.Manifest, newestGood, now time.Time) {
	count, last := 0, manifest.Entry{}
	for _, e := range m.Entries {
		if bad(e.Verdict) && e.State != manifest.StateSuspect &&
			(now.Sub(judgedAt(e)) < rottenShown || e.Taken.After(newestGood)) {
			count, last = count+1, e
		}
	}
	if count == 0 {
		b.clear(ctx, backupRotten)
		return
	}
	b.raise(ctx, backupRotten, "count="+strconv.Itoa(count), "id="+last.ID, "verdict="+last.Verdict)
}

func bad(verdict string) bool {
	return verdict == manifest.Rotten || verdict == manifest.Missing || verdict == manifest.Changed
}

func judgedAt(e manifest.Entry) time.Time {
	if n := len(e.Verdicts); n > 0 {
		return e.Verdicts[n-1].At
	}
	return e.Taken
}
