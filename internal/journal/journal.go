// Package journal is the book of a database's events: one JSON object a line, each
// chained by hash to the one before, so that a line that was changed, taken out or put
// in shows. It is pure: it turns lines into values and back, and leaves files to others.
//
// A line is a JSON object with at least "sequence", "type", "time_unix_ms" and "prev"
// and, as its last member, "hash": SHA-256 in hex over the very bytes of the object
// without that member. What is hashed is what lies on disk, so a line can be proved
// without knowing what its fields mean.
package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/officer-doofy/officer/internal/fault"
)

// The end of every line, around the 64 characters of the hash.
const (
	hashBegin = `,"hash":"`
	hashEnd   = `"}`
	hashChars = 2 * sha256.Size
	sealBytes = len(hashBegin) + hashChars + len(hashEnd)
)

// Line is one event as it lies on disk.
type Line struct {
	Sequence   uint64
	Type       string
	TimeUnixMS int64
	Prev, Hash string
	Raw        []byte // without the newline
}

// Break is a place where the chain does not hold. Text is one sentence, the same
// whenever the same place is looked at again.
type Break struct {
	Sequence uint64 // 0 = unknown
	Text     string
}

// Book is what a journal holds.
type Book struct {
	Lines  []Line // oldest first; those that cannot be read are left out
	Breaks []Break
	// WholeBytes is where the last whole line ends. What follows is the beginning of a
	// line that a crash cut off.
	WholeBytes int

	torn      bool // a line that is none, and no break before it
	tornBytes int  // where it begins
	tornLines int  // lines before it
}

// Head says up to where a journal went when it was noted elsewhere.
type Head struct {
	Oldest   uint64 // sequence of the oldest line kept; 0 = nothing is noted
	Sequence uint64 // of the newest
	Hash     string
}

// Seal makes the line of an object: a compact JSON object of one line, with its "prev"
// and without "hash".
func Seal(object []byte) (line []byte, hash string, err error) {
	const op = "seal event"
	n := len(object)
	if n < 3 || object[0] != '{' || object[n-1] != '}' || bytes.IndexByte(object, '\n') >= 0 {
		return nil, "", fault.New(fault.Invalid, op, "an event is a JSON object on one line")
	}
	hash = digest(object)
	line = make([]byte, 0, n-1+sealBytes)
	line = append(line, object[:n-1]...)
	line = append(line, hashBegin...)
	line = append(line, hash...)
	return append(line, hashEnd...), hash, nil
}

func digest(object []byte) string {
	sum := sha256.Sum256(object)
	return hex.EncodeToString(sum[:])
}

// parse reads a line; ok is false for what is no line of a journal, fits for one whose
// hash is not that of its bytes.
func parse(raw []byte) (l Line, fits, ok bool) {
	n := len(raw) - sealBytes
	if n < 2 || !bytes.HasPrefix(raw[n:], []byte(hashBegin)) || !bytes.HasSuffix(raw, []byte(hashEnd)) {
		return l, false, false
	}
	var head struct {
		Sequence   uint64 `json:"sequence,string"`
		Type       string `json:"type"`
		TimeUnixMS int64  `json:"time_unix_ms,string"`
		Prev       string `json:"prev"`
	}
	object := append(bytes.Clone(raw[:n]), '}')
	if json.Unmarshal(object, &head) != nil || head.Sequence == 0 {
		return l, false, false
	}
	l = Line{Sequence: head.Sequence, Type: head.Type, TimeUnixMS: head.TimeUnixMS, Prev: head.Prev,
		Hash: string(raw[n+len(hashBegin) : len(raw)-len(hashEnd)]), Raw: raw}
	return l, digest(object) == l.Hash, true
}

// Read reads a journal and names every line that was changed, taken out or put in past
// Officer. A line that was cut off at the end is no break: a crash does that.
func Read(data []byte) Book { return Book{}.on(data) }

// ReadOn reads what follows a line in a journal; it is the first of the Book.
func ReadOn(before Line, data []byte) Book { return Book{Lines: []Line{before}}.on(data) }

func (b Book) on(data []byte) Book {
	data = whole(data)
	b.WholeBytes = len(data)
	unread := uint64(0) // lines since the last one that could be read
	for n := 1; len(data) > 0; n++ {
		end := bytes.IndexByte(data, '\n')
		raw := data[:end]
		at := b.WholeBytes - len(data)
		data = data[end+1:]
		l, fits, ok := parse(raw)
		if !ok {
			if len(b.Breaks) == 0 {
				b.torn, b.tornBytes, b.tornLines = true, at, len(b.Lines)
			}
			unread++
			b.add(0, "line %d is not one of the journal", n)
			continue
		}
		if !fits {
			b.add(l.Sequence, "event %d was changed after it was written", l.Sequence)
		}
		if k := len(b.Lines); k > 0 {
			b.link(b.Lines[k-1], l, unread)
		}
		unread = 0
		b.Lines = append(b.Lines, l)
	}
	return b
}

// Untorn gives the beginning of a journal up to a line that is none. A power cut leaves
// one when it tears what was not on the device yet, and what was written after that is
// worth nothing without it. ok is false when there is no such line, when something before
// it is broken, or when more was on the device: head noted so.
func (b Book) Untorn(head Head) (beginning Book, ok bool) {
	if !b.torn {
		return b, false
	}
	beginning = Book{Lines: b.Lines[:b.tornLines:b.tornLines], WholeBytes: b.tornBytes}
	return beginning, len(beginning.Against(head)) == 0
}

// link checks that a line follows another one.
func (b *Book) link(before, l Line, unread uint64) {
	switch expected := before.Sequence + 1 + unread; {
	case l.Sequence < expected:
		b.add(l.Sequence, "event %d stands where event %d belongs", l.Sequence, expected)
	case l.Sequence > expected:
		b.Breaks = append(b.Breaks, missing(before.Sequence+1, l.Sequence-1))
	case unread == 0 && l.Prev != before.Hash:
		b.add(before.Sequence, "event %d is not the one that event %d was chained to", before.Sequence, l.Sequence)
	}
}

func (b *Book) add(sequence uint64, format string, args ...any) {
	b.Breaks = append(b.Breaks, Break{Sequence: sequence, Text: fmt.Sprintf(format, args...)})
}

func missing(from, to uint64) Break {
	if from == to {
		return Break{Sequence: from, Text: fmt.Sprintf("event %d was taken out", from)}
	}
	return Break{Sequence: from, Text: fmt.Sprintf("events %d to %d were taken out", from, to)}
}

// whole cuts off an end that a crash left: a line without newline, and lines behind the
// last one of the journal that are none.
func whole(data []byte) []byte {
	for len(data) > 0 {
		end := bytes.LastIndexByte(data, '\n')
		if end < 0 {
			return nil
		}
		data = data[:end+1]
		if _, _, ok := parse(data[bytes.LastIndexByte(data[:end], '\n')+1 : end]); ok {
			return data
		}
		data = data[:end]
	}
	return data
}

// Against names what is missing of a journal that went as far as head says.
func (b Book) Against(head Head) []Break {
	if head.Oldest == 0 {
		return nil
	}
	if len(b.Lines) == 0 {
		return []Break{missing(head.Oldest, head.Sequence)}
	}
	var out []Break
	if oldest := b.Lines[0].Sequence; oldest > head.Oldest {
		out = append(out, missing(head.Oldest, min(oldest-1, head.Sequence)))
	}
	if newest := b.Lines[len(b.Lines)-1].Sequence; newest < head.Sequence {
		out = append(out, missing(newest+1, head.Sequence))
	}
	for _, l := range b.Lines {
		if l.Sequence == head.Sequence && l.Hash != head.Hash {
			out = append(out, Break{Sequence: l.Sequence, Text: fmt.Sprintf("event %d is not the one that was noted", l.Sequence)})
		}
	}
	return out
}

// Tail gives the newest lines of a journal, at most lines of them and at most bytes long
// in all (but always one), as they are written to disk.
func (b Book) Tail(linesMax, bytesMax int) (kept []Line, data []byte) {
	from, size := len(b.Lines), 0
	for from > 0 && len(b.Lines)-from < linesMax {
		size += len(b.Lines[from-1].Raw) + 1
		if size > bytesMax && from < len(b.Lines) {
			break
		}
		from--
	}
	kept = b.Lines[from:]
	for _, l := range kept {
		data = append(append(data, l.Raw...), '\n')
	}
	return kept, data
}

// Matches tells whether an event type passes a filter: "backup.verified" itself,
// "backup.*" for all of a system, "" for everything.
func Matches(filter, kind string) bool {
	if n := len(filter); n > 0 && filter[n-1] == '*' {
		return len(kind) >= n-1 && kind[:n-1] == filter[:n-1]
	}
	return filter == "" || filter == kind
}
