package check

import (
	"slices"

	"github.com/officer-doofy/officer/internal/page"
)

// unit is a part of a b-tree that one worker walks by itself.
type unit struct {
	tree   int
	page   uint32
	parent uint32 // 0 = root
	depth  int    // of page, the root's is 1
	lo, hi limit
}

// limit is where the keys of a part end: at a key of a page above. In a table it is
// known; of an index only where it stands.
type limit struct {
	given bool
	rowid int64
	page  uint32
	cell  int
}

// frame is one level of a walk.
type frame struct {
	node   page.Node
	b      []byte
	next   int  // child that comes next
	leaves bool // its children are leaves, as far as has been seen
	lo, hi limit
}

// unitsMin is how many parts a great tree is taken apart into, at least.
const unitsMin = 64

// walk takes b-trees apart, has the crew walk the parts, and puts together what it saw.
func (v *verifier) walk() error {
	workers := max(1, min(v.o.Crew.Workers(), maxWorkers(v.g.Count)))
	for range workers {
		v.crew = append(v.crew, newWorker(v))
	}
	lead := v.crew[0]
	lead.checkFreelist()
	v.units = make([]unit, 0, len(v.trees))
	for _, tr := range v.trees {
		lead.split(tr)
	}
	if lead.err != nil {
		return lead.err
	}
	v.o.Crew.Each(workers, len(v.units), func(worker, i int) { v.crew[worker].unit(&v.units[i]) })
	for _, w := range v.crew {
		if w.err != nil {
			return w.err
		}
	}
	return v.gather()
}

// maxWorkers bounds the memory of the page sets, one for each worker.
func maxWorkers(count uint32) int { return int(32<<20/(uint64(count)/8+1)) + 1 }

// gather puts together what the workers saw.
func (v *verifier) gather() error {
	lead := v.crew[0]
	v.sums = lead.tallies // with 10,000 tables another copy would be felt
	for i, w := range v.crew {
		if i > 0 {
			for t := range w.tallies {
				v.sums[t].merge(&w.tallies[t])
			}
			for _, n := range lead.used.merge(w.used, v.o.FindingsMax) {
				lead.tree = nil
				lead.find(Finding{Kind: kindStructure, Page: int64(n), Detail: "it is used again, but: " + string(page.PageUsedOnce)})
			}
		}
	}
	lead.tree = nil
	lead.checkUse()
	for _, w := range v.crew {
		for _, f := range w.findings.list {
			v.found.add(f)
		}
		v.found.more += w.findings.more
		for _, u := range w.unjudged {
			if !slices.Contains(v.unjudged, u) {
				v.unjudged = append(v.unjudged, u)
			}
		}
	}
	for t := range v.sums {
		if v.sums[t].leafAt < 0 {
			v.found.add(Finding{Kind: kindStructure, Object: v.trees[t].name, Page: int64(v.trees[t].root), Detail: "its leaves are not equally deep, but: " + string(page.TreeDepth)})
			v.sums[t].broken = true
		}
	}
	return nil
}

// merge adds what another worker counted of the same tree.
func (t *tally) merge(o *tally) {
	if t.rows == 0 || o.rows > 0 && o.maxRowid > t.maxRowid {
		t.maxRowid = o.maxRowid
	}
	t.rows += o.rows
	t.digest.merge(o.digest)
	t.entries.merge(o.entries)
	t.broken = t.broken || o.broken
	t.unsure = t.unsure || o.unsure
	t.unordered = t.unordered || o.unordered
	t.sawLeaf(o.leafAt)
	if t.indexes == nil {
		t.indexes, o.indexes = o.indexes, nil
	}
	for i := range o.indexes {
		t.indexes[i].merge(o.indexes[i])
	}
}

// sawLeaf notes how deep a leaf lies. It becomes -1 when not all are as deep.
func (t *tally) sawLeaf(depth int) (same bool) {
	if t.leafAt == 0 || depth == 0 {
		t.leafAt = max(t.leafAt, depth)
		if depth < 0 {
			t.leafAt = depth
		}
		return true
	}
	if t.leafAt != depth {
		t.leafAt = -1
		return false
	}
	return true
}

// begin turns to a tree.
func (w *worker) begin(tr *tree) {
	w.tree, w.tally = tr, &w.tallies[tr.number]
	if tr.plan != nil && w.tally.indexes == nil {
		w.tally.indexes = make([]sum, len(tr.plan.indexes))
		if len(w.hashes) < len(tr.plan.hashed) {
			w.hashes = make([]hash, len(tr.plan.hashed))
		}
	}
}

// split takes a tree apart: nodes near the root are looked at here, one by one, until
// there are enough parts below them, or only leaves.
func (w *worker) split(tr *tree) {
	w.begin(tr)
	level := []unit{{tree: tr.number, page: tr.root, depth: 1}}
	for len(level) > 0 && w.err == nil {
		if len(level) >= unitsMin || !w.deep(&level[0]) {
			break
		}
		var below []unit
		for i := range level {
			below = append(below, w.takeNode(&level[i])...)
		}
		level = below
	}
	w.v.units = append(w.v.units, level...)
}

// deep tells whether the children of a page are interior pages, too.
func (w *worker) deep(u *unit) bool {
	if u.depth >= depthMax {
		return false
	}
	var d page.Node
	b := w.frame(0).b
	for range 2 {
		if !w.g.Holds(u.page) || w.v.db.Pages.ReadPage(u.page, b) != nil || d.Parse(w.g, u.page, b) != nil || d.Kind.Leaf() {
			return false
		}
		u = &unit{page: d.Child(0)}
	}
	return true
}

func (w *worker) frame(depth int) *frame {
	f := &w.frames[depth]
	if f.b == nil {
		f.b = make([]byte, w.g.PageSize)
	}
	return f
}

// takeNode looks at one interior page without what is below, and gives its children.
func (w *worker) takeNode(u *unit) (children []unit) {
	f := w.open(u.page, u.parent, u.depth, u.lo, u.hi)
	if f == nil {
		return nil
	}
	if f.node.Kind.Leaf() { // not all leaves are as deep, which has been noticed
		w.highest(u.hi, w.leaf(f, w.lowest(u.lo)))
		return nil
	}
	for i := range f.node.Cells {
		w.separator(f, i, nil)
	}
	for i := range f.node.Cells + 1 {
		lo, hi := w.limits(f, i)
		children = append(children, unit{tree: u.tree, page: f.node.Child(i), parent: u.page, depth: u.depth + 1, lo: lo, hi: hi})
	}
	return children
}

// unit walks a part.
func (w *worker) unit(u *unit) {
	if w.stopped() {
		return
	}
	w.begin(w.v.trees[u.tree])
	prev, depth := w.lowest(u.lo), u.depth
	if w.open(u.page, u.parent, depth, u.lo, u.hi) == nil {
		return
	}
	for depth >= u.depth && w.err == nil {
		f := &w.frames[depth-1]
		switch {
		case f.node.Kind.Leaf():
			prev = w.leaf(f, prev)
			depth--
		case f.next > f.node.Cells:
			depth--
		default:
			i := f.next
			f.next++
			if i > 0 {
				prev = w.separator(f, i-1, prev)
			}
			lo, hi := w.limits(f, i)
			if f.leaves {
				w.look(&f.node, i)
			}
			if below := w.open(f.node.Child(i), f.node.Page, depth+1, lo, hi); below != nil {
				f.leaves = below.node.Kind.Leaf()
				depth++
			}
		}
	}
	w.highest(u.hi, prev)
}

// limits gives the range of the keys below child i.
func (w *worker) limits(f *frame, i int) (lo, hi limit) {
	lo, hi = f.lo, f.hi
	var c page.Cell
	if i > 0 && f.node.Cell(i-1, &c) == nil {
		lo = limit{true, c.Rowid, f.node.Page, i - 1}
	}
	if i < f.node.Cells && f.node.Cell(i, &c) == nil {
		hi = limit{true, c.Rowid, f.node.Page, i}
	}
	return lo, hi
}

// open reads a page of the tree into the frame of its depth and checks all of it that
// does not depend on keys. nil means that nothing more can be done with it.
func (w *worker) open(n, parent uint32, depth int, lo, hi limit) *frame {
	kind, rule := page.MapNode, page.ChildNumber
	if parent == 0 {
		kind = page.MapRoot
	}
	if depth > depthMax {
		w.breaks(page.TreeDepthMax, n, int64(depth))
		return nil
	}
	if parent == 0 && n == 1 { // the one root without a back-link
		if !w.take(1) {
			w.breaks(page.PageUsedOnce, 1, 0)
			return nil
		}
	} else if !w.use(n, rule, parent, kind, parent) {
		return nil
	}
	f := w.frame(depth - 1)
	d := &f.node
	b := w.window.page(n, w.g.PageSize)
	if b == nil {
		if b = f.b; !w.readPage(n, b) {
			return nil
		}
	}
	if err := d.Parse(w.g, n, b); err != nil {
		w.broken(err)
		return nil
	}
	if !d.Kind.Leaf() && &b[0] != &f.b[0] { // it is needed for longer than the window stays
		copy(f.b, b)
		b = f.b
		_ = d.Parse(w.g, n, b)
	}
	f.next, f.lo, f.hi, f.leaves = 0, lo, hi, false
	switch {
	case d.Kind.Table() == w.tree.keyed:
		w.breaks(page.TreeKind, n, int64(d.Kind))
		return nil
	case d.Cells == 0 && (parent != 0 || !d.Kind.Leaf() && n != 1):
		w.breaks(page.NodeNoCells, n, 0)
		if d.Kind.Leaf() {
			return nil
		}
	case d.Kind.Leaf():
		if !w.tally.sawLeaf(depth) {
			w.breaks(page.TreeDepth, n, int64(depth))
			w.tally.leafAt = depth
		}
	}
	if !d.Kind.Leaf() {
		w.interior(f)
	}
	return f
}

// interior checks cells and free space of an interior page; in a table its keys, too.
func (w *worker) interior(f *frame) {
	d := &f.node
	w.cover.Reset(w.g)
	lo, sound := f.lo, true
	for i := range d.Cells {
		var c page.Cell
		if err := d.Cell(i, &c); err != nil {
			w.broken(err)
			sound = false
			continue
		}
		if !w.cover.Take(c.Offset, c.Size) {
			w.breaks(page.NodeOverlap, d.Page, int64(c.Offset))
			sound = false
		}
		if !w.tree.keyed {
			if lo.given && c.Rowid <= lo.rowid || f.hi.given && c.Rowid > f.hi.rowid {
				w.outOfOrder(d.Page, c.Rowid)
			}
			lo = limit{given: true, rowid: c.Rowid}
		}
	}
	if sound {
		if err := d.Freeblocks(&w.cover); err != nil {
			w.broken(err)
		}
	}
}

func (w *worker) outOfOrder(n uint32, rowid int64) {
	err := &page.Error{Rule: page.TreeRange, Page: n, Got: rowid}
	w.find(Finding{Kind: kindStructure, Page: int64(n), Rowid: rowid, HasRowid: true, Detail: err.Error()})
}
