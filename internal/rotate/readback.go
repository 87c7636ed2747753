package rotate

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
)

// readBack gives the records at the end of what an earlier run left, oldest first.
func (l *logFile) readBack() []Record {
	if info, err := l.fsys.Lstat(l.path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := l.fsys.Open(l.path)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	return parseAll(tail(f, info.Size(), readBackBytes))
}

// parseAll gives the records of the whole lines in data.
func parseAll(data []byte) []Record {
	var found []Record
	for line := range bytes.Lines(data) {
		if r, ok := parseLine(bytes.TrimSuffix(line, []byte("\n"))); ok {
			found = append(found, r)
		}
	}
	return found
}

// tail reads at most maxBytes from the end of f.
func tail(f fsx.File, sizeBytes, maxBytes int64) []byte {
	from := max(0, sizeBytes-maxBytes)
	buf := make([]byte, sizeBytes-from)
	n, err := f.ReadAt(buf, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return buf[:n]
}

// oldestOf is the time of the first record of a file, zero when it has none near its
// start.
func oldestOf(f fsx.File) time.Time {
	head := make([]byte, edgeBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return time.Time{}
	}
	for line := range bytes.Lines(head[:n]) {
		if r, ok := parseLine(bytes.TrimSuffix(line, []byte("\n"))); ok {
			return r.Time
		}
	}
	return time.Time{}
}

// newestOf is the time of the last record of a rotated file, its time of modification
// when it has none near its end.
func (l *logFile) newestOf(e elderFile) time.Time {
	f, err := l.fsys.Open(e.path)
	if err != nil {
		return e.modified
	}
	defer f.Close()
	for rest := tail(f, e.sizeBytes, edgeBytes); len(rest) > 0; {
		line := bytes.TrimSuffix(rest, []byte("\n"))
		line = line[bytes.LastIndexByte(line, '\n')+1:]
		if r, ok := parseLine(line); ok {
			return r.Time
		}
		rest = bytes.TrimSuffix(rest, []byte("\n"))
		rest = rest[:len(rest)-len(line)]
	}
	return e.modified
}
