package dbowner

import (
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/messages"
)

const (
	conditionFence       = "fence_active"
	conditionUnreachable = "database_unreachable"
	conditionMissing     = "database_missing"
	conditionMoved       = "database_moved"
	conditionStuck       = "database_stuck"
	conditionForeign     = "foreign_driver"
)

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition {
	const system = "dbowner"
	return []condition.Definition{
		{
			Code: conditionMissing, System: system, Severity: condition.Red,
			Text: "The database {path} is not there.",
			Hint: "officer restore {path}",
		},
		{
			Code: conditionMoved, System: system, Severity: condition.Red,
			Text: "{path} is not the file any more that Officer looks after: it was moved or replaced.",
			Hint: "Start Officer again, so that it looks after the new file.",
		},
		{
			Code: conditionForeign, System: system, Severity: condition.Red,
			Text: "Another SQLite driver in this process has {path} open; two of them in one process lose data.",
			Hint: "Use the *sql.DB that Officer gives (DB()), or run Officer as a sidecar: officer run {path}",
		},
		{
			Code: conditionUnreachable, System: system, Severity: condition.Red,
			Text: "The database {path} cannot be opened: {why}.",
			Hint: "officer status {path}",
		},
		{
			Code: conditionStuck, System: system, Severity: condition.Red,
			Text: "The database does not come back from \"{job}\": a disk or another program holds it.",
			Hint: "officer status {path}",
		},
		{
			// Damage and a full disk say themselves that writes are held back, and why.
			Code: conditionFence, System: system, Severity: condition.Red,
			DependsOn: []condition.Code{"damage_found", "disk_writes_blocked"},
			Text:      "Writes are {how} ({reasons}).",
			Hint:      "officer status {path}",
		},
	}
}

// conditionOf gives the condition for a database that cannot be worked on.
func conditionOf(f *messages.Failure) string {
	switch fault.Code(f.Code) {
	case fault.Missing:
		return conditionMissing
	case fault.Moved:
		return conditionMoved
	case fault.ForeignDriver:
		return conditionForeign
	}
	return conditionUnreachable
}
