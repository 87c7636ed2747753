package rolling

import (
	"encoding/json"
	"time"

	"github.com/officer-doofy/officer/internal/tail"
)

// runForm is one run of a tail.
type runForm struct {
	At        int64  `json:"at"` // Unix seconds
	Name      string `json:"name"`
	US        int64  `json:"us"`
	Failed    bool   `json:"failed,omitempty"`
	SizeBytes int64  `json:"size_bytes,omitempty"`
}

// Line is one run as a tail has it.
func Line(now time.Time, s Sample) ([]byte, error) {
	return tail.Line(runForm{At: now.Unix(), Name: s.Name, US: min(max(s.Took, 0), durationMax).Microseconds(), Failed: s.Failed, SizeBytes: s.SizeBytes})
}

// Continue records what a tail has, if it is this book's, up to the first line that is not
// whole: a kill may have cut it. It gives how many runs it took. Counters that only rise
// since the start stay as they are.
func (b *Book) Continue(data []byte, zone *time.Location) (runs int) {
	runs = tail.Read(data, b.generation, func(line []byte) bool {
		var f runForm
		if json.Unmarshal(line, &f) != nil || f.At < 0 || f.At > atMax || f.US < 0 || f.US > microsecondMax {
			return false
		}
		b.Record(time.Unix(f.At, 0).In(zone), Sample{Name: f.Name, Took: micro(f.US), Failed: f.Failed, SizeBytes: f.SizeBytes})
		return true
	})
	if runs == 0 {
		return 0
	}
	for _, o := range b.operations {
		o.runs, o.failures, o.total = 0, 0, 0
	}
	return runs
}
