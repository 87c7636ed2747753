package check

const (
	idBlockShift = 15
	idBlockIDs   = 1 << idBlockShift
	idBlockBytes = idBlockIDs / 8
)

// idSet is a set of rowids, which mostly lie close together: a bit each, in blocks.
type idSet struct {
	blocks map[int64]*[idBlockBytes / 8]uint64
	max    int  // blocks
	full   bool // there are more
}

func (s *idSet) add(id int64) {
	b := s.blocks[id>>idBlockShift]
	if b == nil {
		if len(s.blocks) >= s.max {
			s.full = true
			return
		}
		if s.blocks == nil {
			s.blocks = map[int64]*[idBlockBytes / 8]uint64{}
		}
		b = new([idBlockBytes / 8]uint64)
		s.blocks[id>>idBlockShift] = b
	}
	at := uint64(id) % idBlockIDs
	b[at/64] |= 1 << (at % 64)
}

func (s *idSet) has(id int64) bool {
	b := s.blocks[id>>idBlockShift]
	at := uint64(id) % idBlockIDs
	return b != nil && b[at/64]&(1<<(at%64)) != 0
}

// take takes over what another set holds, which is not used any more.
func (s *idSet) take(o *idSet) {
	s.full = s.full || o.full
	for n, from := range o.blocks {
		into := s.blocks[n]
		switch {
		case into != nil:
			for i := range from {
				into[i] |= from[i]
			}
		case len(s.blocks) >= s.max:
			s.full = true
		default:
			if s.blocks == nil {
				s.blocks = map[int64]*[idBlockBytes / 8]uint64{}
			}
			s.blocks[n] = from
		}
	}
}
