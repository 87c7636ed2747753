package salvage

import (
	"cmp"
	"slices"
)

// rooms are what is left of the gaps of a table: the ranges of rowids in which a page may still
// find a home. They are asked for each page that nothing holds, and a hostile file has hundreds of
// thousands of both: so they are a search tree (a treap) by where they begin, of which each node
// knows how far those below it reach. Ranges may overlap where keys were out of order.
type rooms struct {
	top   *room
	made  uint64
	steps int // nodes seen by of
}

// room is one range, and a node of the tree.
type room struct {
	span
	gap         int    // of the table, by its place in the list
	number      uint64 // tells equal beginnings apart
	rank        uint64 // none below has a higher one
	far         int64  // how far this one and all below reach
	left, right *room
}

// roomsOf gives what is left of gaps.
func roomsOf(gaps []gap) *rooms {
	r := &rooms{}
	for i := range gaps {
		g := &gaps[i]
		found := slices.Clone(g.found)
		slices.SortFunc(found, func(a, b filler) int { return cmp.Compare(a.lo, b.lo) })
		rest, full := g.span, false
		for _, f := range found {
			if f.lo > rest.lo {
				r.add(span{rest.lo, f.lo - 1}, i)
			}
			if full = f.hi >= g.hi; full {
				break
			}
			rest.lo = max(rest.lo, f.hi+1)
		}
		if !full {
			r.add(rest, i)
		}
	}
	return r
}

// of gives the first room that holds a range, nil if none does.
func (r *rooms) of(s span) *room { return r.search(r.top, s) }

// search goes down one path: where a room on the left reaches as far as s and yet none of
// those holds it, they begin too late, and so does all that follows.
func (r *rooms) search(n *room, s span) *room {
	if n == nil || n.far < s.hi {
		return nil
	}
	r.steps++
	if found := r.search(n.left, s); found != nil {
		return found
	}
	switch {
	case n.lo > s.lo:
		return nil
	case n.hi >= s.hi:
		return n
	}
	return r.search(n.right, s)
}

// take gives a part of a room away.
func (r *rooms) take(from *room, s span) {
	r.top = from.without(r.top)
	if s.lo > from.lo {
		r.add(span{from.lo, s.lo - 1}, from.gap)
	}
	if s.hi < from.hi {
		r.add(span{s.hi + 1, from.hi}, from.gap)
	}
}

func (r *rooms) add(s span, gap int) {
	r.made++
	n := &room{span: s, gap: gap, number: r.made, rank: scattered(r.made), far: s.hi}
	before, after := n.split(r.top)
	r.top = joined(joined(before, n), after)
}

// scattered is a number that looks like chance (splitmix64): it keeps the tree flat.
func scattered(n uint64) uint64 {
	n *= 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

func (n *room) compare(m *room) int {
	return cmp.Or(cmp.Compare(n.lo, m.lo), cmp.Compare(n.number, m.number))
}

// reach notes how far a node and those below it reach.
func (n *room) reach() *room {
	n.far = n.hi
	for _, below := range []*room{n.left, n.right} {
		if below != nil {
			n.far = max(n.far, below.far)
		}
	}
	return n
}

// split parts a tree into what comes before n and what comes after it.
func (n *room) split(top *room) (before, after *room) {
	switch {
	case top == nil:
		return nil, nil
	case top.compare(n) < 0:
		top.right, after = n.split(top.right)
		return top.reach(), after
	}
	before, top.left = n.split(top.left)
	return before, top.reach()
}

// joined makes one tree of two, of which the first comes before the second.
func joined(before, after *room) *room {
	switch {
	case before == nil:
		return after
	case after == nil:
		return before
	case before.rank > after.rank:
		before.right = joined(before.right, after)
		return before.reach()
	}
	after.left = joined(before, after.left)
	return after.reach()
}

// without gives a tree without n.
func (n *room) without(top *room) *room {
	switch c := n.compare(top); {
	case c == 0:
		return joined(top.left, top.right)
	case c < 0:
		top.left = n.without(top.left)
	default:
		top.right = n.without(top.right)
	}
	return top.reach()
}

// room gives the first room in the gaps of a table that holds a range, nil if none does.
func (t *table) room(s span) *room {
	if s.empty() {
		return nil
	}
	if t.rooms == nil {
		t.rooms = roomsOf(t.gaps)
	}
	return t.rooms.of(s)
}

// wants tells whether a gap of the table holds a range that nothing has filled yet.
func (t *table) wants(s span) bool { return t.room(s) != nil }

// fill notes what was found for a room, and the gaps that this has itself.
func (t *table) fill(into *room, f filler, more []gap) {
	g := &t.gaps[into.gap]
	g.found = append(g.found, f)
	t.rooms.take(into, f.span)
	for _, m := range more {
		t.rooms.add(m.span, len(t.gaps))
		t.gaps = append(t.gaps, m)
	}
}
