package check

import (
	"math/bits"

	"github.com/officer-doofy/officer/internal/page"
)

// pageSet is one bit for each page.
type pageSet []uint64

func newPageSet(count uint32) pageSet { return make(pageSet, uint64(count)/64+1) }

// add puts a page in and tells whether it was not there before.
func (s pageSet) add(n uint32) bool {
	bit := uint64(1) << (n & 63)
	old := s[n>>6]
	s[n>>6] = old | bit
	return old&bit == 0
}

// drop takes a page out.
func (s pageSet) drop(n uint32) { s[n>>6] &^= uint64(1) << (n & 63) }

// merge adds another set and gives the pages that are in both, up to limit.
func (s pageSet) merge(o pageSet, limit int) (both []uint32) {
	for i, w := range o {
		for twice := s[i] & w; twice != 0 && len(both) < limit; twice &= twice - 1 {
			both = append(both, uint32(i*64+bits.TrailingZeros64(twice)))
		}
		s[i] |= w
	}
	return both
}

// missing gives the pages from 1 to count that are not in the set, up to limit.
func (s pageSet) missing(count uint32, limit int) (list []uint32) {
	for i, w := range s {
		if w == ^uint64(0) {
			continue
		}
		for free := ^w; free != 0; free &= free - 1 {
			n := uint64(i*64 + bits.TrailingZeros64(free))
			if n == 0 {
				continue
			}
			if n > uint64(count) || len(list) == limit {
				return list
			}
			list = append(list, uint32(n))
		}
	}
	return list
}

// checkUse compares the pages that b-trees, chains and freelist use with those that
// there are. Pointer maps and the lock-byte page are used by nobody else.
func (w *worker) checkUse() {
	g := w.g
	if lock := g.LockPage(); lock <= g.Count && !w.used.add(lock) {
		w.find(Finding{Kind: kindStructure, Page: int64(lock), Detail: "it is used, but: " + string(page.PageLockUnused)})
	}
	if g.Maps {
		each := uint64(g.Usable/5) + 1
		for first := uint64(2); first <= uint64(g.Count); first += each {
			n := uint32(first)
			if n == g.LockPage() {
				n++
			}
			if n <= g.Count && !w.used.add(n) {
				w.find(Finding{Kind: kindStructure, Page: int64(n), Detail: "something else uses it, but: " + string(page.PageMapPlace)})
			}
		}
	}
	for _, n := range w.used.missing(g.Count, w.o.FindingsMax) {
		w.find(Finding{Kind: kindStructure, Page: int64(n), Detail: "nothing uses this, but: " + string(page.PageNeverUsed)})
	}
}
