// Package report is what Officer shows as JSON: the objects of the verbs with --json, which
// are those of the API's plain routes too. Fields are snake_case, times RFC 3339 in UTC or
// null for never, sizes in bytes, durations in milliseconds; arrays are never null. It only
// grows.
package report

import (
	"time"

	"github.com/officer-doofy/officer/messages"
)

// Head stands at the top of every result.
type Head struct {
	Type string `json:"type"`
	OK   bool   `json:"ok"`
	Code int    `json:"code"`
}

// Top gives the head of a result.
func (h *Head) Top() *Head { return h }

// Body is an object with a head.
type Body interface{ Top() *Head }

// Exit codes; they only grow.
const (
	Done        = 0
	Failed      = 1
	Usage       = 2
	Warnings    = 3
	Damage      = 4
	Refused     = 5
	NoOfficer   = 6
	Nothing     = 7
	Locked      = 10
	Interrupted = 130
)

// Finish fills the head of a result that ended with an exit code.
func Finish(b Body, code int) {
	h := b.Top()
	h.Type, h.OK, h.Code = "result", code == Done || code == Warnings, code
}

// CodeOf is the exit code of a failure.
func CodeOf(f *messages.Failure) int {
	switch f.GetCode() {
	case "usage", "invalid", "missing", "unknown_database", "unhandled", "unsupported":
		return Usage
	case "corrupt", "not_a_database", "damaged", "database_missing", "database_emptied", "content_differs":
		return Damage
	case "refused", "not_confirmed", "foreign_driver", "suspect", "database_moved":
		return Refused
	case "no_officer", "officer_silent":
		return NoOfficer
	case "no_backup", "nothing_to_restore":
		return Nothing
	case "locked":
		return Locked
	case "interrupted":
		return Interrupted
	}
	return Failed
}

// CodeOfHealth is the exit code of a colour.
func CodeOfHealth(s messages.Severity) int {
	switch s {
	case messages.Severity_SEVERITY_GREEN:
		return Done
	case messages.Severity_SEVERITY_YELLOW:
		return Warnings
	}
	return Damage
}

// CodeOfCheck is the exit code of a check.
func CodeOfCheck(r *messages.CheckReport) int {
	switch {
	case r.GetVerdict() == "damaged":
		return Damage
	case r.GetVerdict() != "ok" || len(r.GetForeignKeys()) > 0 || len(r.GetRules()) > 0:
		return Warnings
	}
	return Done
}

// Failure is the result of what could not be done.
type Failure struct {
	Head
	Error Problem `json:"error"`
}

// Problem is a messages.Failure.
type Problem struct {
	Code        string   `json:"code"`
	Op          string   `json:"op"`
	Text        string   `json:"text"`
	Did         string   `json:"did"`
	Hints       []string `json:"hints"`
	DataChanged bool     `json:"data_changed"`
}

// ProblemOf gives a failure as JSON.
func ProblemOf(f *messages.Failure) Problem {
	return Problem{Code: f.GetCode(), Op: f.GetOp(), Text: f.GetText(), Did: f.GetDid(), Hints: List(f.GetHints()), DataChanged: f.GetDataChanged()}
}

// FailureOf gives a failure as the result that a verb ends with.
func FailureOf(f *messages.Failure, code int) *Failure {
	return &Failure{Head: Head{Type: "result", Code: code}, Error: ProblemOf(f)}
}

// List makes a nil slice an empty one: JSON arrays are never null.
func List[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// Stamp is RFC 3339 in UTC; nil for never.
func Stamp(unixMS int64) *string {
	if unixMS == 0 {
		return nil
	}
	s := time.UnixMilli(unixMS).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &s
}

// Colour is the word for a severity.
func Colour(s messages.Severity) string {
	switch s {
	case messages.Severity_SEVERITY_GREEN:
		return "green"
	case messages.Severity_SEVERITY_YELLOW:
		return "yellow"
	}
	return "red"
}
