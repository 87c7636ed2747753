package main

import "github.com/officer-doofy/officer/messages"

// Exit codes; they only grow.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitWarnings    = 3
	exitDamage      = 4
	exitRefused     = 5
	exitNoOfficer   = 6
	exitNothing     = 7
	exitLocked      = 10
	exitInterrupted = 130
)

// exitOf is the exit code of a failure.
func exitOf(f *messages.Failure) int {
	switch f.Code {
	case "usage", "invalid", "missing", "unknown_database", "unhandled", "unsupported":
		return exitUsage
	case "corrupt", "not_a_database", "damaged", "database_missing", "database_emptied", "content_differs":
		return exitDamage
	case "refused", "not_confirmed", "foreign_driver", "suspect", "database_moved":
		return exitRefused
	case "no_officer", "officer_silent":
		return exitNoOfficer
	case "no_backup", "nothing_to_restore":
		return exitNothing
	case "locked":
		return exitLocked
	case "interrupted":
		return exitInterrupted
	}
	return exitFailed
}

// exitOfHealth is the exit code of a colour.
func exitOfHealth(s messages.Severity) int {
	switch s {
	case messages.Severity_SEVERITY_GREEN:
		return exitDone
	case messages.Severity_SEVERITY_YELLOW:
		return exitWarnings
	}
	return exitDamage
}
