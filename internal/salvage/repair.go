package salvage

import "github.com/officer-doofy/officer/internal/page"

// mend looks for the one bit of a page's header, cell pointers and cell headers without
// which the page breaks no rule. It is proven only if there is just one such bit.
func (r *rescue) mend(n uint32, d *page.Node, b []byte, s span, t *table) bool {
	return false
}
