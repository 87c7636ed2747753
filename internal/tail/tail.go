// Package tail is the form of what is appended behind a file that is written whole only now and then
// (docs/decisions/0044-samples-are-appended.md): a first line that names the generation of that file, then a line of JSON for
// each thing that came since.
package tail

import (
	"bytes"
	"encoding/json"
)

// headForm is the first line.
type headForm struct {
	Continues int64 `json:"continues"`
}

// Begin gives the first line of a tail of what was written whole as that generation.
func Begin(generation int64) ([]byte, error) { return Line(headForm{generation}) }

// Line gives one more line.
func Line(form any) ([]byte, error) {
	data, err := json.Marshal(form)
	return append(data, '\n'), err
}

// Read gives take the lines of a tail if it is that generation's, up to the first that it refuses
// or that is not whole: a kill may have cut it. 0 is no generation. It gives how many were taken.
func Read(data []byte, generation int64, take func(line []byte) bool) (lines int) {
	head, rest, whole := bytes.Cut(data, []byte{'\n'})
	var of headForm
	if !whole || json.Unmarshal(head, &of) != nil || generation == 0 || of.Continues != generation {
		return 0
	}
	for ; ; lines++ {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		if !whole || !take(line) {
			return lines
		}
		rest = after
	}
}
