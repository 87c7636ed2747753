package salvage

import (
	"math"
	"math/rand/v2"
	"testing"
)

// wantsOf is what wants says, found by looking at every gap and all that was found for it.
func wantsOf(gaps []gap, s span) bool {
	for _, g := range gaps {
		free := !s.empty() && g.lo <= s.lo && s.hi <= g.hi
		for _, f := range g.found {
			free = free && (s.hi < f.lo || f.hi < s.lo)
		}
		if free {
			return true
		}
	}
	return false
}

// TestWants_knowsWhatALookAtEveryGapTells: also where ranges overlap, as those of children do
// whose keys are out of order, and where a page that was found has gaps itself.
func TestWants_knowsWhatALookAtEveryGapTells(t *testing.T) {
	for seed := range uint64(200) {
		chance := rand.New(rand.NewPCG(seed, 1))
		some := func() span {
			lo := chance.Int64N(300)
			s := span{lo, lo + chance.Int64N(30) - 2}
			switch chance.IntN(40) {
			case 0:
				s.lo = math.MinInt64
			case 1:
				s.hi = math.MaxInt64
			}
			return s
		}
		tab := &table{}
		for range chance.IntN(30) {
			if s := some(); !s.empty() {
				tab.gaps = append(tab.gaps, gap{span: s})
			}
		}
		for range 200 {
			s := some()
			into := tab.room(s)
			if got, want := into != nil, wantsOf(tab.gaps, s); got != want {
				t.Fatalf("seed %d: %v: got %v, want %v in %v", seed, s, got, want, tab.gaps)
			}
			if into == nil || chance.IntN(2) == 0 {
				continue
			}
			if g := tab.gaps[into.gap]; !g.holdsAll(s) {
				t.Fatalf("seed %d: %v was given to the gap %v", seed, s, g.span)
			}
			var more []gap
			if s.hi-s.lo > 4 && s.lo > 0 && s.hi < 400 {
				more = []gap{{span: span{s.lo + 1, s.lo + 2}}, {span: span{s.hi - 1, s.hi - 1}}}
			}
			tab.fill(into, filler{span: s}, more)
			if chance.IntN(20) == 0 {
				tab.rooms = nil // and looked at anew
			}
		}
	}
}

// TestWants_costsAStepForEachDoubling: with as many gaps as pages, and with one gap for all of
// them, in an order that has nothing to do with their keys.
func TestWants_costsAStepForEachDoubling(t *testing.T) {
	const pages, most = 1 << 15, 64 // a treap of 2^15 is some 35 deep
	many := &table{}
	for i := range int64(pages) {
		many.gaps = append(many.gaps, gap{span: span{10 * i, 10*i + 8}})
	}
	one := &table{gaps: []gap{{span: everything()}}}
	for name, tab := range map[string]*table{"many gaps": many, "one gap": one} {
		t.Run(name, func(t *testing.T) {
			worst := 0
			for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(pages) {
				s := span{10*int64(i) + 2, 10*int64(i) + 5}
				before := 0
				if tab.rooms != nil {
					before = tab.rooms.steps
				}
				into := tab.room(s)
				worst = max(worst, tab.rooms.steps-before)
				if into == nil {
					t.Fatalf("nothing holds %v", s)
				}
				if tab.fill(into, filler{span: s}, nil); tab.wants(s) {
					t.Fatalf("%v was given away twice", s)
				}
			}
			if worst > most {
				t.Errorf("a question took up to %d steps, want at most %d", worst, most)
			}
		})
	}
}
