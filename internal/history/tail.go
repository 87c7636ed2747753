package history

import (
	"encoding/json"
	"time"

	"github.com/officer-doofy/officer/internal/tail"
)

// lineForm is one line of a tail: what was recorded at one time, in the order of Record.
type lineForm struct {
	At      int64        `json:"at"` // Unix seconds
	Samples []sampleForm `json:"samples"`
}

type sampleForm struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// Line is what was recorded at one time, as a tail has it.
func Line(now time.Time, samples ...Sample) ([]byte, error) {
	f := lineForm{At: now.Unix()}
	for _, s := range samples {
		f.Samples = append(f.Samples, sampleForm(s))
	}
	return tail.Line(f)
}

// Continue records what a tail has, if it is this history's, up to the first line that is
// not whole: a kill may have cut it. It gives how many lines it took.
func (h *History) Continue(data []byte) (lines int) {
	return tail.Read(data, h.generation, func(line []byte) bool {
		var f lineForm
		if json.Unmarshal(line, &f) != nil || f.At <= 0 || f.At > atMax {
			return false
		}
		samples := make([]Sample, 0, len(f.Samples))
		for _, s := range f.Samples {
			samples = append(samples, Sample(s))
		}
		h.Record(time.Unix(f.At, 0), samples...)
		return true
	})
}

// InDoubt tells whether the clock is in doubt: then a tail does not tell everything, since
// also a sample that was left out belongs to the doubt.
func (h *History) InDoubt() bool { return h.doubt.since != 0 }
