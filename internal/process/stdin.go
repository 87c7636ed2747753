package process

import (
	"io"
	"os"
)

// Lifeline tells whether f, the standard input, is a pipe or socket whose other end
// somebody holds: when they end it closes. A terminal, a file, the null device, and an end
// that was closed before this process looked say nothing about anybody's life.
func Lifeline(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return false
	}
	return !ended(f, info.Mode()&os.ModeSocket != 0)
}

// Ended returns when the other end of a lifeline is closed. What comes is thrown away, so
// that whoever writes there is not held up.
func Ended(f io.Reader) { _, _ = io.Copy(io.Discard, f) }
