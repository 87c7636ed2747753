package check

// keySetMax is how many keys are held at once unless Options say otherwise.
const keySetMax = 1 << 20

// keySet is a set of hashes, or the part of it whose turn it is.
type keySet struct {
	turn, turns uint64
	slots       []uint64 // 0 = free
	n           int
	max         int
	full        bool // there are more than max
}

// mine tells whether a key belongs to this turn.
func (s *keySet) mine(h uint64) bool { return s.turns <= 1 || (h>>32)%s.turns == s.turn }

func (s *keySet) add(h uint64) {
	if !s.mine(h) {
		return
	}
	if s.n >= s.max {
		s.full = s.full || !s.has(h)
		return
	}
	if 2*s.n >= len(s.slots) {
		s.grow()
	}
	s.put(h)
}

func (s *keySet) put(h uint64) {
	h |= 1
	for i := h >> 1; ; i++ {
		at := i & uint64(len(s.slots)-1)
		if s.slots[at] == h {
			return
		}
		if s.slots[at] == 0 {
			s.slots[at] = h
			s.n++
			return
		}
	}
}

func (s *keySet) grow() {
	old := s.slots
	s.slots, s.n = make([]uint64, max(1024, 2*len(old))), 0
	for _, h := range old {
		if h != 0 {
			s.put(h)
		}
	}
}

func (s *keySet) has(h uint64) bool {
	if len(s.slots) == 0 {
		return false
	}
	h |= 1
	for i := h >> 1; ; i++ {
		switch s.slots[i&uint64(len(s.slots)-1)] {
		case h:
			return true
		case 0:
			return false
		}
	}
}
