package report

import "github.com/officer-doofy/officer/messages"

// Point is one sample of a series.
type Point struct {
	Time  *string `json:"time"`
	Value float64 `json:"value"`
}

// Series is one quantity over time, oldest first.
type Series struct {
	Name   string  `json:"name"` // "database_bytes", "rows:orders", "duration_ms:backup.copy", …
	Unit   string  `json:"unit"` // "bytes", "rows", "ms"
	Points []Point `json:"points"`
}

// History is the result of metrics --history.
type History struct {
	Head
	Series []Series `json:"series"`
}

// HistoryOf shows a history.
func HistoryOf(h *messages.History) *History {
	out := &History{Series: []Series{}}
	for _, s := range h.GetSeries() {
		one := Series{Name: s.GetName(), Unit: s.GetUnit(), Points: []Point{}}
		for _, p := range s.GetPoints() {
			one.Points = append(one.Points, Point{Stamp(p.GetTimeUnixMs()), p.GetValue()})
		}
		out.Series = append(out.Series, one)
	}
	return out
}
