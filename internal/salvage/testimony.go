package salvage

import "github.com/officer-doofy/officer/internal/page"

// testimony is an entry of an index whose row is missing, other than it says, or a
// neighbour of such a row.
type testimony struct {
	values  []Value
	hash    uint64
	page    uint32
	seen    bool    // the table has a row with its key
	ordered bool    // it lies in key order between its neighbours
	lo, hi  []Value // these, nil = the ends of the index
}

// What is kept of all indexes, so that memory is bounded whatever is lost.
const (
	testimonyBytesMax = 4 << 20
	testimonySize     = 160 // without its values
	valueSize         = 64  // of a Value without its bytes
)

// prove compares every table with its indexes, and finds out where they disagree.
func (r *rescue) prove() error {
	if err := r.begin(StageProve, int64(r.g.Count)); err != nil {
		return err
	}
	for _, t := range r.tables {
		for _, tr := range t.trials {
			tr.even = tr.void || tr.sums == [buckets]uint32{}
			if tr.even {
				continue
			}
			if err := r.collect(tr); err != nil {
				return err
			}
		}
	}
	if r.log != nil && r.undated == "" && r.atOdds() {
		r.undated = undatedForeign
	}
	return nil
}

// collect keeps the entries of uneven buckets.
func (r *rescue) collect(tr *trial) error {
	tr.entries = map[uint64][]*testimony{}
	parts := tr.x.def.Entry
	var last []Value    // the entry before this one
	var open *testimony // the one whose upper neighbour is still to come
	return r.keysUnder(tr.x.root, tr.x.owner, func(k *keyed) error {
		key, ok := tr.keyIn(k.values)
		if k.what != "" || !ok {
			return nil
		}
		if open != nil {
			open.hi = cloneKey(k.values)
			order, known := compareKeys(open.values, open.hi, parts, r.g.Encoding)
			open.ordered = open.ordered && known && order < 0
			open = nil
		}
		if tr.sums[tr.bucket(key)] != 0 {
			size := testimonySize
			for _, v := range k.values {
				size += 3 * (valueSize + len(v.Bytes))
			}
			if r.testimony += size; r.testimony > testimonyBytesMax {
				tr.crowded = true
			} else {
				y := &testimony{values: cloneKey(k.values), hash: hashOf(k.values), page: k.page, lo: cloneKey(last), ordered: true}
				if last != nil {
					order, known := compareKeys(last, y.values, parts, r.g.Encoding)
					y.ordered = known && order < 0
				}
				tr.entries[key] = append(tr.entries[key], y)
				open = y
			}
		}
		last = copyKey(last, k.values)
		return nil
	})
}

// atOdds tells whether the trees contradict themselves or each other in a way that pages
// of different times do: sound pages that do not belong where they are named, rows and
// entries that do not agree, pages that are neither in the log nor in the file.
func (r *rescue) atOdds() bool {
	for _, t := range r.tables {
		for _, tr := range t.trials {
			if tr.x.whole && !tr.even && len(t.gaps) == 0 {
				return true
			}
		}
		for i := range t.gaps {
			if r.looksSound(t.gaps[i].page) {
				return true
			}
		}
	}
	last := pagesIn(r.src.FileBytes, r.g.PageSize)
	for n := last + 1; n <= r.log.pages && n != 0; n++ {
		if r.log.newest(n) == 0 && n != r.g.LockPage() {
			return true
		}
	}
	return false
}

func (r *rescue) looksSound(n uint32) bool {
	b := make([]byte, r.g.PageSize)
	var d page.Node
	return r.read(n, b) && d.Parse(&r.g, n, b) == nil && d.Validate(&r.cover) == nil
}
