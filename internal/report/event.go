package report

import (
	"fmt"
	"strings"

	"github.com/officer-doofy/officer/messages"
)

// Event is one event as a line of NDJSON.
type Event struct {
	Type     string  `json:"type"`
	Event    string  `json:"event"`
	Sequence uint64  `json:"sequence"`
	Time     *string `json:"time"`
	Database string  `json:"database"`
	Text     string  `json:"text"`
}

// EventOf gives an event as JSON.
func EventOf(e *messages.Event) Event {
	return Event{"event", e.Type, e.Sequence, Stamp(e.TimeUnixMs), e.Database, EventText(e)}
}

// EventText is one sentence for an event.
func EventText(e *messages.Event) string {
	switch b := e.Body.(type) {
	case *messages.Event_BackupTaken:
		k := b.BackupTaken.Backup
		return fmt.Sprintf("backup made and verified: %s in %s, %s", Size(k.GetSizeBytes()), Seconds(k.GetCopyMs()+k.GetVerifyMs()), k.GetFile())
	case *messages.Event_BackupFailed:
		return "no backup could be made: " + b.BackupFailed.Failure.GetText()
	case *messages.Event_BackupSkipped:
		return "nothing changed since the verified backup of " + When(b.BackupSkipped.Standing.GetTakenAtUnixMs())
	case *messages.Event_BackupPruned:
		return "backup " + b.BackupPruned.Dropped.GetId() + " dropped: " + b.BackupPruned.Dropped.GetReason()
	case *messages.Event_BackupRotten:
		return "stored backup " + b.BackupRotten.Verdict.GetBackup().GetId() + " is " + b.BackupRotten.Verdict.GetVerdict()
	case *messages.Event_IntegrityChecked:
		return checkedText(b.IntegrityChecked.Report)
	case *messages.Event_DamageFound:
		return "damage found: " + FirstFinding(b.DamageFound.Report)
	case *messages.Event_DamageGone:
		return "the damage is gone"
	case *messages.Event_RestoreFinished:
		return restoredText(b.RestoreFinished)
	case *messages.Event_RestoreFailed:
		return either(b.RestoreFailed.Repair, "recovery stopped: ", "restore failed: ") + b.RestoreFailed.Failure.GetText()
	case *messages.Event_RecoveryStarted:
		return "recovery of the damaged database begins" + either(b.RecoveryStarted.Automatic, " by itself", "")
	case *messages.Event_RecoveryStep:
		return "recovery: " + b.RecoveryStep.Step
	case *messages.Event_HealthChanged:
		return b.HealthChanged.Report.GetHeadline()
	case *messages.Event_FenceChanged:
		return either(b.FenceChanged.Active, "writes are held back: ", "writes are let through again: ") + b.FenceChanged.Reason
	case *messages.Event_WalCheckpointed, *messages.Event_WalGrew, *messages.Event_WalBlocked:
		return walText(e)
	case *messages.Event_ActorRestarted:
		return "part " + b.ActorRestarted.Actor + " crashed and was restarted"
	case *messages.Event_ActorGaveUp:
		return "part " + b.ActorGaveUp.Actor + " crashed too often and rests; everything else goes on"
	case *messages.Event_DrillFinished:
		r := b.DrillFinished.Report
		return "restore drill of backup " + r.GetBackup().GetId() + either(r.GetOk(), ": usable after "+Seconds(r.GetRestoreMs()), ": it did not restore")
	case *messages.Event_SchemaChanged:
		return "the schema changed: backup " + b.SchemaChanged.PinnedId + " before it is pinned until " + When(b.SchemaChanged.UntilUnixMs)
	case *messages.Event_TamperingFound:
		return b.TamperingFound.File + " was changed past Officer: " + strings.Join(b.TamperingFound.What, "; ")
	case *messages.Event_DiskLevelChanged:
		return diskText(b.DiskLevelChanged)
	case *messages.Event_MaintenanceDone:
		return maintainedText(b.MaintenanceDone.Report)
	case *messages.Event_MaintenanceSkipped:
		r := b.MaintenanceSkipped.Report
		return maintenanceOf(r) + " left out: " + r.GetBecause()
	case *messages.Event_QuerySlow:
		q := b.QuerySlow
		return strings.TrimSuffix(fmt.Sprintf("%s took %s, its budget is %s: %s", q.Name, Seconds(q.DurationMs), Seconds(q.BudgetMs), q.Shape), ": ")
	case *messages.Event_Progress:
		return "progress: " + b.Progress.Stage
	case *messages.Event_Lifecycle:
		return b.Lifecycle.State
	}
	return e.Type
}

// checkedText says what was looked for, and what came of it.
func checkedText(r *messages.CheckReport) string {
	what := "full check: "
	switch r.GetKind() {
	case messages.CheckKind_CHECK_KIND_QUICK:
		what = "quick check: "
	case messages.CheckKind_CHECK_KIND_FOREIGN_KEYS:
		what = "foreign keys checked: "
	}
	return what + strings.ReplaceAll(r.GetVerdict(), "_", " ")
}

func maintenanceOf(r *messages.MaintenanceReport) string {
	return either(r.GetKind() == "analyze", "statistics", strings.ReplaceAll(r.GetKind(), "_", " "))
}

func maintainedText(r *messages.MaintenanceReport) string {
	if r.GetKind() == "analyze" {
		return "statistics renewed in " + Seconds(r.GetDurationMs())
	}
	return fmt.Sprintf("%s in %s: %s, was %s", maintenanceOf(r), Seconds(r.GetDurationMs()), Size(r.GetAfterBytes()), Size(r.GetBeforeBytes()))
}

// restoredText says what came into place, of a repair also what it cost.
func restoredText(e *messages.RestoreFinished) string {
	r := e.GetReport()
	switch r.GetLayer() {
	case "reindex", "merge", "salvage":
		sum := Recovered(r)
		return fmt.Sprintf("recovered (%s): %d rows confirmed, %d whole but unconfirmed, %d doubted, %d from a backup, about %d lost, %d set aside",
			r.GetLayer(), sum.RowsConfirmed, sum.RowsUnconfirmed+sum.RowsUndated, sum.RowsDoubted, sum.RowsFromBase, sum.RowsLostEstimate, r.GetSetAside())
	}
	return either(e.GetUndo(), "restore taken back", "restored from "+r.GetRestoredFrom())
}

// Recovered sums up all tables of a repair.
func Recovered(r *messages.RestoreReport) *messages.RecoveredTable {
	sum := &messages.RecoveredTable{}
	for _, t := range r.GetRecovered() {
		sum.RowsKept, sum.RowsSalvaged, sum.RowsFromBase = sum.RowsKept+t.RowsKept, sum.RowsSalvaged+t.RowsSalvaged, sum.RowsFromBase+t.RowsFromBase
		sum.RowsUncertain, sum.RowsLostEstimate = sum.RowsUncertain+t.RowsUncertain, sum.RowsLostEstimate+t.RowsLostEstimate
		sum.RowsConfirmed, sum.RowsUnconfirmed = sum.RowsConfirmed+t.RowsConfirmed, sum.RowsUnconfirmed+t.RowsUnconfirmed
		sum.RowsUndated, sum.RowsDoubted = sum.RowsUndated+t.RowsUndated, sum.RowsDoubted+t.RowsDoubted
	}
	return sum
}

// FirstFinding is what a check found first, and how much more there is.
func FirstFinding(r *messages.CheckReport) string {
	if len(r.GetFindings()) == 0 {
		return "seen twice"
	}
	f := r.Findings[0]
	text := FindingText(f.Object, f.Page, f.Detail)
	if n := len(r.Findings) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

// FindingText says where something was found and what. The page is named where nothing
// else tells one finding from the next; SQLite's own words name it by themselves.
func FindingText(object string, page int64, detail string) string {
	where := object
	if at := fmt.Sprintf("page %d", page); page > 0 && !strings.Contains(detail, at) {
		where = strings.TrimPrefix(where+", "+at, ", ")
	}
	if where == "" {
		return detail
	}
	return where + ": " + detail
}

// RolesText names what a volume holds; it leaves the WAL out: it is where the database is.
func RolesText(roles []string) string {
	var names []string
	for _, r := range roles {
		if r != "wal" {
			names = append(names, r)
		}
	}
	return strings.Join(names, ", ")
}

// diskText is a line for the change of a level.
func diskText(e *messages.DiskLevelChanged) string {
	v := e.GetVolume()
	where := Size(v.GetFreeBytes()) + " free for " + RolesText(v.GetRoles())
	if e.GetTo() == "ok" {
		return "there is room again: " + where
	}
	return "the disk runs full (" + strings.ReplaceAll(e.GetTo(), "_", " ") + "): " + where
}

// walText is one sentence for an event of the WAL.
func walText(e *messages.Event) string {
	switch b := e.Body.(type) {
	case *messages.Event_WalCheckpointed:
		o := b.WalCheckpointed.Outcome
		return "checkpoint: WAL " + Size(o.GetWalBytesAfter()) + ", was " + Size(o.GetWalBytesBefore())
	case *messages.Event_WalGrew:
		return "the WAL passed its limit of " + Size(b.WalGrew.LimitBytes) + ": " + Size(b.WalGrew.WalBytes)
	case *messages.Event_WalBlocked:
		list := b.WalBlocked.Hostages
		if len(list) == 0 || list[0].Pid == 0 {
			return "a reader keeps the WAL from being emptied: " + Size(b.WalBlocked.WalBytes)
		}
		return fmt.Sprintf("process %d (%s) keeps the WAL from being emptied: %s", list[0].Pid, list[0].Command, Size(b.WalBlocked.WalBytes))
	}
	return e.Type
}
