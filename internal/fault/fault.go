// Package fault names what can go wrong with a database file or the disk under
// it, in words that outlive any one driver. Adapters return a *Error; actors turn
// it into a messages.Failure with the same code.
package fault

import (
	"errors"
	"fmt"
)

// Code is a stable, lower_snake_case name of a kind of failure. Codes only grow.
type Code string

// The codes. Only Corrupt and NotADatabase are evidence of damage; everything
// else is operational and must never start a recovery (promise P4).
const (
	Busy          Code = "busy"            // a lock was not granted in time
	Full          Code = "disk_full"       // no space or no inodes left
	IO            Code = "io_error"        // the device or file system failed
	NoMemory      Code = "out_of_memory"   // SQLITE_NOMEM or a limit of the engine
	TooBig        Code = "too_big"         // SQLITE_TOOBIG: beyond LIMIT_LENGTH
	Corrupt       Code = "corrupt"         // SQLITE_CORRUPT
	NotADatabase  Code = "not_a_database"  // SQLITE_NOTADB: header gone, or encrypted
	ReadOnly      Code = "read_only"       // the file or volume cannot be written
	Moved         Code = "database_moved"  // the path names another file now
	Missing       Code = "missing"         // no such file
	Permission    Code = "permission"      // the user may not
	Interrupted   Code = "interrupted"     // cancelled or past its deadline
	CannotJudge   Code = "cannot_judge"    // module, collation or layer unknown here
	ForeignDriver Code = "foreign_driver"  // another SQLite in this process has the file open
	Mismatch      Code = "content_differs" // the copy is not what the snapshot was
	Invalid       Code = "invalid"         // the request itself is wrong
	Refused       Code = "refused"         // refused for safety
	Internal      Code = "internal"        // a defect of Officer, a panic among them
)

// Error is a failure with a stable code. Op says what was tried ("copy database"),
// Text what happened in one sentence for people; Err is the cause, for the log.
type Error struct {
	Code Code
	Op   string
	Text string
	Err  error
}

// Error gives op, text and cause on one line.
func (e *Error) Error() string {
	s := e.Op + ": " + e.Text
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an Error with a formatted text and no cause.
func New(code Code, op, format string, args ...any) *Error {
	return &Error{Code: code, Op: op, Text: fmt.Sprintf(format, args...)}
}

// Wrap makes an Error around a cause.
func Wrap(code Code, op, text string, err error) *Error {
	return &Error{Code: code, Op: op, Text: text, Err: err}
}

// CodeOf gives the code of the first *Error in err's chain, Internal for any
// other error and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// IsDamage tells whether err is evidence that the database itself is damaged.
func IsDamage(err error) bool {
	c := CodeOf(err)
	return c == Corrupt || c == NotADatabase
}
