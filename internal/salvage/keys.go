package salvage

import (
	"slices"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// keyed is one entry of an index b-tree.
type keyed struct {
	values []Value
	page   uint32
	from   Origin
	what   string
	partly bool
	logged bool
}

// keyGap is a place in an index b-tree where entries may be missing: between two that
// are there, nil = the beginning or the end.
type keyGap struct {
	lo, hi []Value
	pages  []uint32 // that should have been there
}

// keyWalk goes over an index b-tree in key order: that of an index, or of a WITHOUT
// ROWID table.
type keyWalk struct {
	*rescue
	owner   owner
	t       *table             // whose rows these are, nil for an index
	of      *table             // whose index it is
	x       *index             // of of, nil = not an index, or not the first walk
	claim   bool               // the first walk
	loose   bool               // whoever owns the pages
	take    func(*keyed) error // nil = entries are not wanted
	missing int                // pages that are not there or damaged
	gaps    []keyGap
	open    bool    // the last gap has no end yet
	last    []Value // key of the last entry
	now     keyed   // that take has
	cell    page.Cell
	bufs    [depthMax][]byte
}

func (w *keyWalk) buf(depth int) []byte {
	if w.bufs[depth] == nil {
		w.bufs[depth] = make([]byte, w.g.PageSize)
	}
	return w.bufs[depth]
}

func (w *keyWalk) tree(n uint32, depth int) error {
	var d page.Node
	if depth == depthMax || !w.enters(n) || !w.read(n, w.buf(depth)) || d.Parse(&w.g, n, w.buf(depth)) != nil || d.Kind.Table() {
		w.lose(n)
		return nil //nolint:nilerr // a page that cannot be read is a gap, not a failure
	}
	from := Kept
	if d.Validate(&w.cover) != nil {
		w.lose(n)
		from = Salvaged
	}
	if !w.alike(&d) {
		w.lose(n)
		return nil
	}
	if w.claim {
		w.marks.owners[n] = w.owner
		if w.t != nil {
			w.t.profile.pages++
		}
	}
	if err := w.tick(); err != nil {
		return err
	}
	for i := 0; i <= d.Cells; i++ {
		if !d.Kind.Leaf() {
			if err := w.tree(d.Child(i), depth+1); err != nil {
				return err
			}
		}
		if i == d.Cells {
			break
		}
		if err := w.entry(n, &d, i, from); err != nil {
			return err
		}
	}
	if from == Salvaged {
		w.lose(n)
	}
	return nil
}

// lose notes that entries may be missing here, which page n should have had.
func (w *keyWalk) lose(n uint32) {
	w.missing++
	if w.t == nil || !w.open && len(w.gaps) >= gapsMax {
		return
	}
	if !w.open {
		w.gaps = append(w.gaps, keyGap{lo: cloneKey(w.last)})
		w.open = true
	}
	if w.missing <= gapsMax {
		g := &w.gaps[len(w.gaps)-1]
		g.pages = append(g.pages, n)
	}
}

// alike tells whether most entries of a page can be of this b-tree.
func (w *keyWalk) alike(d *page.Node) bool {
	if !w.claim || d.Cells == 0 || w.t == nil && (w.x == nil || w.x.def == nil) {
		return true
	}
	fit, all := 0, 0
	for i := 0; i < d.Cells; i += max(1, d.Cells/samplesOfLeaf) {
		var c page.Cell
		if d.Cell(i, &c) != nil {
			continue
		}
		values, err := w.head(d, &c)
		if err != nil {
			continue
		}
		all++
		if w.t != nil && fits(w.t.def, values, w.g.Encoding) || w.t == nil && len(values) == len(w.x.def.Entry) {
			fit++
		}
	}
	return 2*fit >= all
}

func (w *keyWalk) enters(n uint32) bool {
	if w.claim {
		if w.t != nil && !w.free(n) {
			w.contest(n, w.t)
		}
		return w.free(n) && n != 1
	}
	if w.loose {
		return w.marks.holds(n)
	}
	return w.marks.owner(n) == w.owner
}

func (w *keyWalk) entry(n uint32, d *page.Node, i int, from Origin) error {
	c := &w.cell
	if d.Cell(i, c) != nil {
		return nil //nolint:nilerr // a cell that cannot be read is a loss, not a failure
	}
	if w.claim {
		w.chained(c)
	}
	if w.x != nil && w.x.trial != nil {
		if values, what, _ := w.record(d, c); what == "" {
			w.x.trial.entry(values)
		}
		return nil
	}
	if w.t == nil && w.take == nil {
		return nil
	}
	k := &w.now
	*k = keyed{page: n, from: from}
	if w.claim && len(w.t.trials) == 0 {
		k.values, _ = w.head(d, c) // the key is what matters
	} else {
		k.values, k.what, k.partly = w.record(d, c)
		k.logged = w.logged
	}
	if len(k.values) == 0 || from == Salvaged && w.t != nil && !fits(w.t.def, k.values, w.g.Encoding) {
		return nil
	}
	if w.t != nil {
		w.passed(k.values)
	}
	if w.claim && k.what == "" {
		for _, tr := range w.t.trials {
			tr.row(0, k.values)
		}
	}
	if w.take == nil {
		return nil
	}
	return w.take(k)
}

// passed keeps the key of a row and ends the gap before it.
func (w *keyWalk) passed(values []Value) {
	if !w.claim {
		return
	}
	w.t.profile.rows++
	parts := len(w.t.def.Primary().Parts)
	w.last = copyKey(w.last, values[:min(parts, len(values))])
	if w.open {
		w.gaps[len(w.gaps)-1].hi = cloneKey(w.last)
		w.open = false
	}
}

// copyKey copies a key over an older one, whose memory it takes.
func copyKey(into, key []Value) []Value {
	for len(into) < len(key) {
		into = append(into, Value{})
	}
	into = into[:len(key)]
	for i, v := range key {
		bytes := append(into[i].Bytes[:0], v.Bytes...)
		into[i] = v
		into[i].Bytes = bytes
	}
	return into
}

func cloneKey(key []Value) []Value {
	if len(key) == 0 {
		return nil
	}
	out := slices.Clone(key)
	for i := range out {
		out[i].Bytes = slices.Clone(out[i].Bytes)
	}
	return out
}

// within tells whether a key lies in one of the gaps. Under a collation that is not
// known here nothing does.
func within(gaps []keyGap, key []Value, parts []schema.Part, r *rescue) bool {
	for _, g := range gaps {
		after, before := g.lo == nil, g.hi == nil
		if !after {
			order, known := compareKeys(key, g.lo, parts, r.g.Encoding)
			after = known && order > 0
		}
		if after && !before {
			order, known := compareKeys(key, g.hi, parts, r.g.Encoding)
			before = known && order < 0
		}
		if after && before {
			return true
		}
	}
	return false
}

// chartKeys claims an index b-tree and gives how many of its pages are missing or
// damaged.
func (r *rescue) chartKeys(t *table, x *index) (missing int, err error) {
	w := &keyWalk{rescue: r, owner: x.owner, claim: true, of: t, x: x}
	err = w.tree(x.root, 0)
	return w.missing, err
}

// chartKeyed claims the b-tree of a WITHOUT ROWID table.
func (r *rescue) chartKeyed(t *table) error {
	w := &keyWalk{rescue: r, owner: t.owner, claim: true, t: t}
	if err := w.tree(t.root, 0); err != nil {
		return err
	}
	t.keyGaps = w.gaps
	return nil
}

// keysUnder reads the entries of an index b-tree.
func (r *rescue) keysUnder(root uint32, o owner, take func(*keyed) error) error {
	w := &keyWalk{rescue: r, owner: o, take: take}
	return w.tree(root, 0)
}
