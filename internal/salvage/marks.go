package salvage

// flag is what is known of a page beside its owner.
type flag uint8

const (
	flagSound  flag = 1 << iota // a b-tree page that breaks no rule by itself
	flagChain                   // on an overflow chain that is exact
	flagRivals                  // on two of them
	flagFree                    // on the freelist, and nobody owns it
	flagBelow                   // a child of a b-tree page that belongs to no known tree
	flagStray                   // given out as belonging to no table
	flagListed                  // on the freelist
	flagNamed                   // a page that nobody owns, or a row whose chain is broken, leads to it
)

// owner is the b-tree that a page belongs to, 0 = none. There are as many as fit; trees
// beyond that share the last.
type owner uint16

const ownerMax owner = 1<<16 - 1

// marks is the evidence about every page of the file: three bytes each.
type marks struct {
	owners []owner
	flags  []flag
}

func newMarks(pages uint32) *marks {
	return &marks{owners: make([]owner, pages+1), flags: make([]flag, pages+1)}
}

// holds tells whether a page is there to be marked.
func (m *marks) holds(n uint32) bool { return n != 0 && int64(n) < int64(len(m.owners)) }

func (m *marks) owner(n uint32) owner {
	if !m.holds(n) {
		return 0
	}
	return m.owners[n]
}

func (m *marks) has(n uint32, f flag) bool { return m.holds(n) && m.flags[n]&f != 0 }

func (m *marks) set(n uint32, f flag) { m.flags[n] |= f }

// unclaimed tells whether no b-tree and no overflow chain holds the page.
func (m *marks) unclaimed(n uint32) bool {
	return m.holds(n) && m.owners[n] == 0 && m.flags[n]&(flagChain|flagFree) == 0
}
