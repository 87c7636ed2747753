package salvage

import "github.com/officer-doofy/officer/internal/page"

// keyed is one entry of an index b-tree.
type keyed struct {
	values []Value
	page   uint32
	what   string
	partly bool
}

// keyWalk goes over an index b-tree in key order: that of an index, or of a WITHOUT
// ROWID table.
type keyWalk struct {
	*rescue
	owner   owner
	claim   bool // the first walk
	bufs    [depthMax][]byte
	take    func(*keyed) error // nil on the first walk
	missing int
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
		w.missing++
		return nil
	}
	if w.claim {
		if d.Validate(&w.cover) != nil {
			w.missing++
		}
		w.marks.owners[n] = w.owner
		for i := range d.Cells {
			var c page.Cell
			if d.Cell(i, &c) == nil {
				w.chained(&c)
			}
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
		if w.take == nil || i == d.Cells {
			continue
		}
		if err := w.entry(n, &d, i); err != nil {
			return err
		}
	}
	return nil
}

func (w *keyWalk) enters(n uint32) bool {
	if w.claim {
		return w.free(n) && n != 1
	}
	return w.marks.owner(n) == w.owner
}

func (w *keyWalk) entry(n uint32, d *page.Node, i int) error {
	var c page.Cell
	if d.Cell(i, &c) != nil {
		return nil
	}
	k := keyed{page: n}
	k.values, k.what, k.partly = w.record(d, &c)
	if k.values == nil {
		return nil
	}
	return w.take(&k)
}

// chartKeys claims an index b-tree and gives how many of its pages are missing or
// damaged.
func (r *rescue) chartKeys(root uint32, o owner) (missing int, err error) {
	w := &keyWalk{rescue: r, owner: o, claim: true}
	err = w.tree(root, 0)
	return w.missing, err
}

// keysUnder reads the entries of an index b-tree.
func (r *rescue) keysUnder(root uint32, o owner, take func(*keyed) error) error {
	w := &keyWalk{rescue: r, owner: o, take: take}
	return w.tree(root, 0)
}
