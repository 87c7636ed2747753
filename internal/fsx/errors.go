package fsx

import (
	"errors"
	"io"
	"io/fs"
	"syscall"

	"github.com/officer-doofy/officer/internal/fault"
)

// Wrap turns an error of the operating system into a *fault.Error. An error that
// already is one is returned as it is; nil stays nil.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	code, text := classify(err)
	return fault.Wrap(code, op, text, err)
}

func classify(err error) (fault.Code, string) {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if code, text, ok := classifyErrno(errno); ok {
			return code, text
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Missing, "no such file or directory"
	case errors.Is(err, fs.ErrPermission):
		return fault.Permission, "not permitted"
	case errors.Is(err, fs.ErrExist):
		return fault.Refused, "something already has that name"
	default:
		return fault.IO, "the file system failed"
	}
}

// Unread tells whether a file could not be read for a reason that passes and says nothing of what
// it holds. That one may not read it does not pass: such a file is as good as none.
func Unread(err error) bool {
	switch fault.CodeOf(err) {
	case fault.IO, fault.NoMemory, fault.Busy, fault.Interrupted:
		return true
	}
	return false
}

// wrapRead leaves io.EOF bare: readers compare it by value.
func wrapRead(err error) error {
	if err == io.EOF { //nolint:errorlint // io.ReaderAt promises exactly io.EOF, and so do we
		return err
	}
	return Wrap("read file", err)
}
