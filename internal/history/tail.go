package history

import (
	"bytes"
	"encoding/json"
	"time"
)

// tailForm is the first line of a tail: the history that its samples go on from.
type tailForm struct {
	Continues int64 `json:"continues"`
}

// lineForm is one line of a tail: what was recorded at one time, in the order of Record.
type lineForm struct {
	At      int64        `json:"at"` // Unix seconds
	Samples []sampleForm `json:"samples"`
}

type sampleForm struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// TailOf begins a tail: what is recorded after the history of that generation was written.
// It is appended to, so that a sample costs the same however much is known.
func TailOf(generation int64) ([]byte, error) { return line(tailForm{generation}) }

// Line is what was recorded at one time, as a tail has it.
func Line(now time.Time, samples ...Sample) ([]byte, error) {
	f := lineForm{At: now.Unix()}
	for _, s := range samples {
		f.Samples = append(f.Samples, sampleForm(s))
	}
	return line(f)
}

func line(form any) ([]byte, error) {
	data, err := json.Marshal(form)
	return append(data, '\n'), err
}

// Continue records what a tail has, if it is this history's, up to the first line that is
// not whole: a kill may have cut it. It gives how many lines it took.
func (h *History) Continue(tail []byte) (lines int) {
	head, rest, whole := bytes.Cut(tail, []byte{'\n'})
	var of tailForm
	if !whole || json.Unmarshal(head, &of) != nil || h.generation == 0 || of.Continues != h.generation {
		return 0
	}
	for ; ; lines++ {
		one, after, whole := bytes.Cut(rest, []byte{'\n'})
		var f lineForm
		if !whole || json.Unmarshal(one, &f) != nil || f.At <= 0 || f.At > atMax {
			return lines
		}
		samples := make([]Sample, 0, len(f.Samples))
		for _, s := range f.Samples {
			samples = append(samples, Sample(s))
		}
		h.Record(time.Unix(f.At, 0), samples...)
		rest = after
	}
}

// InDoubt tells whether the clock is in doubt: then a tail does not tell everything, since
// also a sample that was left out belongs to the doubt.
func (h *History) InDoubt() bool { return h.doubt.since != 0 }
