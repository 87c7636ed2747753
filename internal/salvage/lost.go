package salvage

import "math"

// fanout is how many children an interior page is taken to have when none was seen.
const fanout = 100

// nearlyFull: where so few more keys fit than a page has rows, the table is one in which
// no key is left out.
const nearlyFull = 1.25

// lost estimates how many rows a table has lost: for each place without a page the rows
// that such a page has on average, and never more than there are rowids for.
func (t *table) lost() int64 {
	if t.counted {
		return max(0, t.gone-t.tally.FromIndex)
	}
	if t.profile.pages == 0 {
		return int64(len(t.keyGaps))
	}
	if t.def.WithoutRowid {
		gaps := max(0, len(t.keyGaps)-len(t.islands)) // a gap that was filled is listed still
		return int64(gaps) * max(1, t.profile.rows/t.profile.pages)
	}
	each := float64(t.profile.rows) / float64(t.profile.pages)
	total := 0.0
	for i := range t.gaps {
		g := &t.gaps[i]
		rows := each * math.Pow(fanout, float64(max(0, t.profile.depth-g.depth)))
		room := float64(g.hi) - float64(g.lo) + 1
		for _, f := range g.found {
			rows = min(rows, each) // most of it was found
			room -= float64(f.hi) - float64(f.lo) + 1
		}
		if room <= rows*nearlyFull {
			rows = room // its neighbours' keys tell it better than an average does
		}
		total += max(0, min(rows, room))
	}
	return max(0, int64(math.Ceil(total))-t.tally.FromOlder)
}
