package rolling

import (
	"bytes"
	"encoding/json"
	"time"
)

// tailForm is the first line of a tail: the book that its runs go on from.
type tailForm struct {
	Continues int64 `json:"continues"`
}

// runForm is one run of a tail.
type runForm struct {
	At        int64  `json:"at"` // Unix seconds
	Name      string `json:"name"`
	US        int64  `json:"us"`
	Failed    bool   `json:"failed,omitempty"`
	SizeBytes int64  `json:"size_bytes,omitempty"`
}

// TailOf begins a tail: what is recorded after the book of that generation was written. It
// is appended to, a line a run, so that a run costs the same however much is known.
func TailOf(generation int64) ([]byte, error) { return line(tailForm{generation}) }

// Line is one run as a tail has it.
func Line(now time.Time, s Sample) ([]byte, error) {
	return line(runForm{At: now.Unix(), Name: s.Name, US: min(max(s.Took, 0), durationMax).Microseconds(), Failed: s.Failed, SizeBytes: s.SizeBytes})
}

func line(form any) ([]byte, error) {
	data, err := json.Marshal(form)
	return append(data, '\n'), err
}

// Continue records what a tail has, if it is this book's, up to the first line that is not
// whole: a kill may have cut it. It gives how many runs it took. Counters that only rise
// since the start stay as they are.
func (b *Book) Continue(tail []byte, zone *time.Location) (runs int) {
	head, rest, whole := bytes.Cut(tail, []byte{'\n'})
	var of tailForm
	if !whole || json.Unmarshal(head, &of) != nil || b.generation == 0 || of.Continues != b.generation {
		return 0
	}
	for {
		one, after, whole := bytes.Cut(rest, []byte{'\n'})
		var f runForm
		if !whole || json.Unmarshal(one, &f) != nil || f.At < 0 || f.At > atMax || f.US < 0 || f.US > microsecondMax {
			break
		}
		b.Record(time.Unix(f.At, 0).In(zone), Sample{Name: f.Name, Took: micro(f.US), Failed: f.Failed, SizeBytes: f.SizeBytes})
		rest = after
		runs++
	}
	for _, o := range b.operations {
		o.runs, o.failures, o.total = 0, 0, 0
	}
	return runs
}
