package recovery

import (
	"errors"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/messages"
)

// describe gives code and sentence of an error that is not a Failure.
func describe(err error) (code, text string) {
	var f *fault.Error
	if errors.As(err, &f) {
		return string(f.Code), f.Text
	}
	return string(fault.Internal), "a defect of Officer; the log has it"
}

func codeOf(err error) string {
	var f *messages.Failure
	if errors.As(err, &f) {
		return f.GetCode()
	}
	return string(fault.CodeOf(err))
}

// passing tells whether a failure says nothing about the database: asked again later,
// the answer may be another (promise P4: none of these is damage).
func passing(code string) bool {
	return code != string(fault.Corrupt) && code != string(fault.NotADatabase) && code != string(fault.Missing)
}

// unknownOutcome tells whether the owner may have gone on after this failure.
func unknownOutcome(code string) bool {
	switch code {
	case "no_answer", "actor_gone", "stuck", string(fault.Internal), string(fault.Interrupted), "timeout":
		return true
	}
	return false
}

func (r *run) nothingToRestore(why string) *messages.Failure {
	return messages.NewFailure("nothing_to_restore", r.op, "there is nothing to restore: %s", why).
		WithDid("Nothing was changed.").WithHints(r.verb("list"))
}

// refuse is promise P4 in words.
func (r *run) refuse(why string) *messages.Failure {
	return messages.NewFailure("refused", r.op, "%s, and a healthy database is never overwritten without an explicit order", why).
		WithDid("Nothing was changed.").
		WithHints(r.verb("restore", r.pick.from, "--yes"), r.verb("restore", r.pick.from, "--dry-run"))
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
