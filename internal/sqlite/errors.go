package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/fault"
)

// fullBytes is the room below which an I/O error is taken for a full disk: SQLite
// needs about this much for a -shm file, a journal header and a few pages.
const fullBytes = 1 << 20

// fail turns an error of the driver into a *fault.Error with a stable code
// (https://sqlite.org/rescode.html).
func (c *Conn) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	code, text := classify(err)
	if code == fault.IO && c.volumeFull() {
		code, text = fault.Full, "no space left on the volume"
	}
	return fault.Wrap(code, op, text, err)
}

// volumeFull asks the Space callback, because the driver reports a full disk as
// SQLITE_IOERR_WRITE (778) or SQLITE_IOERR_SHMSIZE (4874).
func (c *Conn) volumeFull() bool {
	if c.opts.Space == nil {
		return false
	}
	freeBytes, freeInodes, err := c.opts.Space(c.path)
	return err == nil && (freeBytes < fullBytes || freeInodes == 0)
}

func classify(err error) (fault.Code, string) {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Interrupted, "stopped before the end"
	case errors.Is(err, syscall.ENOSPC):
		return fault.Full, "no space left on the volume"
	case errors.Is(err, syscall.EROFS):
		return fault.ReadOnly, "the volume is read-only"
	}
	var x sqlite3.ExtendedErrorCode
	if !errors.As(err, &x) {
		return fault.Internal, "the driver failed"
	}
	switch x {
	case sqlite3.READONLY_DBMOVED:
		return fault.Moved, "the path names another file now"
	case sqlite3.IOERR_NOMEM:
		return fault.NoMemory, "SQLite ran out of memory"
	case sqlite3.ERROR_MISSING_COLLSEQ:
		return fault.CannotJudge, "a collation of the database is unknown here"
	}
	if code, text, ok := classifyPrimary(x.Code()); ok {
		return code, text
	}
	switch x.Code() {
	case sqlite3.CANTOPEN:
		return classifyCantOpen(err)
	case sqlite3.ERROR:
		if isUnknownPart(err.Error()) {
			return fault.CannotJudge, "the database needs something that is unknown here"
		}
		return fault.Invalid, "SQLite refused the statement"
	}
	return fault.Internal, "SQLite failed in an unexpected way"
}

func classifyPrimary(code sqlite3.ErrorCode) (fault.Code, string, bool) {
	switch code {
	case sqlite3.INTERRUPT, sqlite3.ABORT:
		return fault.Interrupted, "stopped before the end", true
	case sqlite3.BUSY, sqlite3.LOCKED, sqlite3.PROTOCOL:
		return fault.Busy, "another connection holds a lock", true
	case sqlite3.NOMEM:
		return fault.NoMemory, "SQLite ran out of memory", true
	case sqlite3.FULL:
		return fault.Full, "no space left on the volume", true
	case sqlite3.IOERR, sqlite3.NOLFS:
		return fault.IO, "the file system failed", true
	case sqlite3.CORRUPT:
		return fault.Corrupt, "the database is damaged", true
	case sqlite3.NOTADB:
		return fault.NotADatabase, "not a database, or its header is destroyed or encrypted", true
	case sqlite3.READONLY:
		return fault.ReadOnly, "the database cannot be written", true
	case sqlite3.PERM, sqlite3.AUTH:
		return fault.Permission, "not permitted", true
	case sqlite3.TOOBIG:
		return fault.TooBig, "a value or row is beyond the limit", true
	}
	return "", "", false
}

func classifyCantOpen(err error) (fault.Code, string) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Missing, "no such file"
	case errors.Is(err, fs.ErrPermission):
		return fault.Permission, "not permitted"
	case errors.Is(err, syscall.EISDIR):
		return fault.Invalid, "a directory, not a file"
	}
	return fault.IO, "the file cannot be opened"
}

// isUnknownPart recognises the messages by which SQLite says that it lacks a module,
// a collation, a function or a tokenizer. They share SQLITE_ERROR with syntax errors.
func isUnknownPart(message string) bool {
	for _, s := range []string{
		"no such module", "no such collation sequence", "no such function",
		"unknown function", "no such tokenizer", "unknown tokenizer", "error in tokenizer constructor",
		"unsupported file format", "must use the same text encoding",
		"no query solution", // a WITHOUT ROWID table whose key has an unknown collation
	} {
		if strings.Contains(message, s) {
			return true
		}
	}
	return false
}

// panicked turns a recovered panic into an error. The driver panics with a plain error
// on SQLITE_NOMEM after SQLite has returned cleanly, so the connection goes on; any
// other panic (a -shm truncated by someone, a defect) leaves the engine in an unknown
// state, and the connection is not used again.
func (c *Conn) panicked(op string, r any) error {
	cause, ok := r.(error)
	if !ok {
		cause = fmt.Errorf("%v", r)
	}
	if strings.Contains(cause.Error(), "out of memory") {
		return fault.Wrap(fault.NoMemory, op, "SQLite ran out of memory", cause)
	}
	c.broken = true
	var fault1 interface{ Addr() uintptr } // what SetPanicOnFault panics with
	if errors.As(cause, &fault1) {
		return fault.Wrap(fault.IO, op, "shared memory of the database was cut off by another program", cause)
	}
	var re runtime.Error
	if errors.As(cause, &re) {
		return fault.Wrap(fault.Internal, op, "the SQLite engine crashed on this file", cause)
	}
	return fault.Wrap(fault.Internal, op, "the SQLite driver panicked", cause)
}
