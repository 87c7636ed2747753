package main

import "encoding/json"

// line writes one JSON object on one line of stdout.
func (c *cli) line(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte(`{"type":"result","ok":false,"code":1}`)
	}
	_, _ = c.out.Write(append(b, '\n'))
}

// progressJSON is one line of the progress of long work.
type progressJSON struct {
	Type  string `json:"type"`
	Stage string `json:"stage"`
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Unit  string `json:"unit"`
}
