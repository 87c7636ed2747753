package rolling

import (
	"sort"
	"time"
)

// ShapesMax is how many statements are told apart.
const ShapesMax = 100

// Shapes sums up statements by their shape. When a new one finds no place, the one that
// has cost least so far makes way: what costs much is never lost for long.
type Shapes struct {
	by map[string]*Statement
}

// Statement is one shape and what its runs took together.
type Statement struct {
	Shape               string
	Count, Failed, Rows int64
	Total, Max          time.Duration
}

// Record counts one run. Without a shape it does nothing.
func (s *Shapes) Record(shape string, took time.Duration, rows int64, failed bool) {
	if shape == "" {
		return
	}
	if s.by == nil {
		s.by = make(map[string]*Statement, ShapesMax)
	}
	st := s.by[shape]
	if st == nil {
		if len(s.by) >= ShapesMax {
			delete(s.by, s.cheapest())
		}
		st = &Statement{Shape: shape}
		s.by[shape] = st
	}
	took = min(max(took, 0), durationMax)
	st.Count++
	st.Rows += max(rows, 0)
	st.Total += took
	st.Max = max(st.Max, took)
	if failed {
		st.Failed++
	}
}

func (s *Shapes) cheapest() (shape string) {
	var least time.Duration = -1
	for name, st := range s.by {
		if least < 0 || st.Total < least || st.Total == least && name < shape {
			shape, least = name, st.Total
		}
	}
	return shape
}

// List gives the statements, those that took longest in all first.
func (s *Shapes) List() []Statement {
	out := make([]Statement, 0, len(s.by))
	for _, st := range s.by {
		out = append(out, *st)
	}
	sort.Slice(out, func(a, b int) bool {
		if out[a].Total != out[b].Total {
			return out[a].Total > out[b].Total
		}
		return out[a].Shape < out[b].Shape
	})
	return out
}
