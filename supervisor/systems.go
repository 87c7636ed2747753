package supervisor

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/actors/dbowner"
	disks "github.com/officer-doofy/officer/actors/disk"
	"github.com/officer-doofy/officer/actors/health"
	"github.com/officer-doofy/officer/actors/integrity"
	"github.com/officer-doofy/officer/actors/logs"
	"github.com/officer-doofy/officer/actors/maint"
	"github.com/officer-doofy/officer/actors/metrics"
	"github.com/officer-doofy/officer/actors/notify"
	"github.com/officer-doofy/officer/actors/recovery"
	"github.com/officer-doofy/officer/actors/schedule"
	"github.com/officer-doofy/officer/actors/wal"
	"github.com/officer-doofy/officer/internal/condition"
)

// system is one line of THE LIST: who it is, how it is made, which requests go to it,
// which neighbours' events it hears, and what it can find wrong.
type system struct {
	name       string
	props      func(parts) *actor.Props
	takes      []string // names of messages
	hears      []string
	conditions func() []condition.Definition
}

// systems is THE LIST. They start in this order and stop in reverse. A new system is
// one line here and one function in parts.go.
func systems() []system {
	return []system{
		{"logs", parts.logs, words("GetLogs"), nil, logs.Conditions},
		{"health", parts.health, words("GetHealth"), nil, health.Conditions},
		{"notify", parts.notify, nil, words("HealthChanged", "BackupTaken", "BackupSkipped", "BackupFailed", "RestoreFinished", "RestoreFailed"), notify.Conditions},
		{"schedule", parts.schedule, words("GetSchedules"), nil, schedule.Conditions},
		{"metrics", parts.metrics, words("GetMetrics", "GetHistory", "GetExposition", "ReportMetric"), words("BackupTaken", "WalCheckpointed", "WalGrew"), metrics.Conditions},
		{"dbowner", parts.dbowner, words("InspectDatabase", "GetOwnerStatus", "CancelJob", "CheckpointDatabase"), nil, dbowner.Conditions},
		{"disk", parts.disk, words("GetDisk", "MayUse"), words("DamageFound", "DamageGone", "BackupFailed"), disks.Conditions},
		{"integrity", parts.integrity, words("CheckNow", "GetIntegrity"), words("RestoreFinished"), integrity.Conditions},
		{"wal", parts.wal, words("CheckpointNow", "GetWal"), words("DamageFound", "DamageGone"), wal.Conditions},
		{"backup", parts.backup, words("TakeBackup", "ListBackups", "FindBackup", "ExplainRetention", "VerifyBackups", "PinBackup", "UnpinBackup", "DrillNow", "GetDrill", "DiffBackups"),
			words("DamageFound", "DamageGone", "IntegrityChecked", "RestoreFinished"), backup.Conditions},
		{"maint", parts.maint, words("VacuumNow", "AnalyzeNow", "GetMaintenance", "ImportStarted", "ImportFinished"), nil, maint.Conditions},
		{"recovery", parts.recovery, words("RestoreBackup", "RestoreTable", "RepairDatabase", "UndoRestore"), words("DamageFound", "DamageGone"), recovery.Conditions},
	}
}

func words(list ...string) []string { return list }

// What the supervisor itself can find wrong: one condition per system, and emptied.
const gaveUpHint = "Stop and start Officer; if it comes back, the log has the reason: officer logs DB"

func gaveUpCode(name string) string { return "actor_gave_up:" + name }

func gaveUpText(name string) string {
	return "Officer's " + name + " part crashed too often and rests for an hour; everything else goes on."
}

// emptiedCode needs what two systems know: the file has no byte, its backups have tables.
const emptiedCode = "database_emptied"

func emptied() condition.Definition {
	return condition.Definition{
		Code: emptiedCode, System: "supervisor", Severity: condition.Red,
		Text: "{path} is empty (0 bytes), but its newest verified backup holds tables.",
		Hint: "officer restore {path}", Headline: "The database was emptied.",
	}
}

// foreignCode is of a status without an Officer: with one, integrity finds the damage.
const foreignCode = "not_a_database"

func foreign() condition.Definition {
	return condition.Definition{
		Code: foreignCode, System: "supervisor", Severity: condition.Red,
		Text: "{path} is not a database, or its header is destroyed or encrypted.",
		Hint: "officer check {path}", Headline: "The file cannot be read as a database.",
	}
}

// registry declares everything that any system can find wrong.
func registry() (condition.Registry, error) {
	all := []condition.Definition{emptied(), foreign(), tampered()}
	for _, s := range systems() {
		all = append(all, condition.Definition{
			Code: condition.Code(gaveUpCode(s.name)), System: "supervisor", Severity: condition.Red,
			Text: gaveUpText(s.name), Hint: gaveUpHint,
		})
		all = append(all, s.conditions()...)
	}
	return condition.NewRegistry(all...)
}
