package recovery

import "github.com/officer-doofy/officer/internal/condition"

// Codes of the conditions of this system.
const (
	evidenceKept      = "evidence_kept"
	restoreUnfinished = "restore_unfinished"
)

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition {
	return []condition.Definition{
		{
			Code: evidenceKept, System: "recovery", Severity: condition.Yellow,
			Text: "The damaged files are kept in {dir}; nothing was repaired yet{why}.",
			Hint: "officer repair {database}",
		},
		{
			Code: restoreUnfinished, System: "recovery", Severity: condition.Red,
			Text: "A restore that began {since} did not finish: {found}.",
			Hint: "{hint}",
		},
	}
}
