// Package messages holds every message that crosses a mailbox between systems, the
// API or the test harness. It is generated from proto/officer/v1 and imports nothing
// of the house.
package messages

import "fmt"

//go:generate go -C .. tool -modfile=tools/go.mod buf generate

// Error makes a Failure a Go error: "take backup: the disk is full (disk_full)".
func (f *Failure) Error() string {
	return fmt.Sprintf("%s: %s (%s)", f.GetOp(), f.GetText(), f.GetCode())
}

// NewFailure makes a Failure with a formatted text.
func NewFailure(code, op, format string, args ...any) *Failure {
	return &Failure{Code: code, Op: op, Text: fmt.Sprintf(format, args...)}
}

// WithDid says what Officer did about it.
func (f *Failure) WithDid(did string) *Failure {
	f.Did = did
	return f
}

// WithHints says what one can do, at most two ways out, each can be pasted.
func (f *Failure) WithHints(hints ...string) *Failure {
	f.Hints = hints
	return f
}
