package salvage

import "math"

// span is a range of rowids, both ends included.
type span struct{ lo, hi int64 }

// everything is the span of a root page.
func everything() span { return span{math.MinInt64, math.MaxInt64} }

func (s span) empty() bool          { return s.lo > s.hi }
func (s span) holds(id int64) bool  { return id >= s.lo && id <= s.hi }
func (s span) holdsAll(t span) bool { return t.lo >= s.lo && t.hi <= s.hi }
