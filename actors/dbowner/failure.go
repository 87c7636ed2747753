package dbowner

import (
	"errors"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/messages"
)

const (
	codeOverloaded = "overloaded"
	codeTimeout    = "timeout"
	codeStuck      = "stuck"
	codeChanged    = "changed_meanwhile" // somebody wrote between the candidate and its restore
)

const nothingChanged = "Nothing was changed in the database."

// The causes with which the owner ends a job's context.
var (
	errTimeout   = errors.New("the job's time is over")
	errCancelled = errors.New("the job was cancelled")
	errEnding    = errors.New("the owner ends")
)

// failureOf turns an error of the database into the Failure for the asker; a *Failure
// among the causes is taken as it is. The chain belongs into the log.
func failureOf(op, path string, err error) *messages.Failure {
	var f *messages.Failure
	if errors.As(err, &f) {
		return f
	}
	text := "something unexpected happened"
	var e *fault.Error
	if errors.As(err, &e) {
		text = e.Text
	}
	f = messages.NewFailure(string(fault.CodeOf(err)), op, "%s", text)
	f.Did = nothingChanged
	f.Hints = hintsOf(fault.CodeOf(err), path)
	return f
}

func hintsOf(code fault.Code, path string) []string {
	switch code {
	case fault.Missing:
		return []string{"officer restore " + path}
	case fault.Corrupt, fault.NotADatabase:
		return []string{"officer check " + path, "officer repair " + path}
	case fault.ForeignDriver:
		return []string{"officer run " + path}
	case fault.Full:
		return []string{"df -h " + path}
	case fault.Permission, fault.ReadOnly:
		return []string{"ls -l " + path}
	}
	return []string{"officer status " + path}
}

// interruptedBy words the failure of a job whose context the owner ended.
func interruptedBy(cause error, j *job) *messages.Failure {
	if errors.Is(cause, errTimeout) {
		return messages.NewFailure(codeTimeout, j.op, "it was not done within %s", j.timeout).
			WithDid("The job was stopped. " + nothingChanged)
	}
	return messages.NewFailure(string(fault.Interrupted), j.op, "it was cancelled").
		WithDid("The job was stopped. " + nothingChanged)
}
