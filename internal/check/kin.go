package check

import (
	"cmp"
	"slices"
	"sort"

	"github.com/officer-doofy/officer/internal/schema"
)

// kin goes over the tables that foreign keys tie together: parents before their children, and
// each once if it can. A pass looks all keys of a table up whose parents are known by rowid,
// and gathers the table's own rowids if it is a parent, too.
type kin struct {
	v      *verifier
	tables map[string]*tree
	out    *Orphans
	limit  int
	asked  map[*tree]bool // whose rowids somebody needs
	begun  map[*tree]bool
	lists  map[*tree][]ForeignKey // what each table has, in the order of its keys
	count  int
}

// Bounds of one pass: the parents' rowids, and the keys.
const (
	setsMaxBytes = 8 << 20
	togetherMax  = 16
)

// listed bounds the orphans that are kept while it is not known yet which are the first.
const listed = 1 << 14

// all checks every table, and puts together what was found in the order of the tables.
func (k *kin) all() error {
	v := k.v
	refs := map[*tree][]*reference{}
	for _, tr := range v.tables {
		if len(v.found.list) > 0 && len(tr.table.ForeignKeys) > 0 {
			k.out.doubt(tr.name, "the schema is damaged")
			continue
		}
		refs[tr] = k.references(tr)
		for _, r := range refs[tr] {
			k.asked[r.parent] = k.asked[r.parent] || r.rowid
		}
	}
	for _, tr := range v.tables {
		if err := k.visit(tr, refs); err != nil {
			return err
		}
	}
	k.prune()
	for _, tr := range v.tables {
		k.out.List = append(k.out.List, k.lists[tr]...)
	}
	return nil
}

// references locates both sides of the keys of a table, those of which that can be done.
func (k *kin) references(tr *tree) (list []*reference) {
	for i := range tr.table.ForeignKeys {
		f := &tr.table.ForeignKeys[i]
		r := &reference{child: tr, columns: f.Columns, name: f.Parent, parent: k.tables[schema.Fold(f.Parent)]}
		why := ""
		switch {
		case r.parent != nil:
			why = r.locate(f)
		case !k.v.absent(f.Parent):
			why = "its parent " + f.Parent + " is not understood here"
		}
		if why != "" {
			k.out.doubt(tr.name, why)
			continue
		}
		list = append(list, r)
	}
	return list
}

// visit checks the keys of a table, after those of its parents.
func (k *kin) visit(tr *tree, refs map[*tree][]*reference) error {
	if k.begun[tr] {
		return nil
	}
	k.begun[tr] = true
	for _, r := range refs[tr] {
		if r.rowid {
			if err := k.visit(r.parent, refs); err != nil {
				return err
			}
		}
	}
	var results, together []*lookup
	bytes := 0
	for _, r := range refs[tr] {
		l := &lookup{r: r}
		results = append(results, l)
		if err := k.ready(l); err != nil {
			return err
		}
		if l.ids == nil {
			k.trim(results)
			continue
		}
		size := len(l.ids.blocks) * idBlockBytes
		if len(together) == togetherMax || len(together) > 0 && bytes+size > setsMaxBytes {
			if err := k.v.lookUp(tr, together, k.limit, false); err != nil {
				return err
			}
			k.trim(results)
			together, bytes = nil, 0
		}
		together, bytes = append(together, l), bytes+size
	}
	if len(together) > 0 {
		if err := k.v.lookUp(tr, together, k.limit, k.asked[tr] && k.v.held.ids[tr] == nil); err != nil {
			return err
		}
	}
	k.take(tr, results)
	return nil
}

// ready gets the rowids of a key's parent, or checks the key by hashes where that is no way.
func (k *kin) ready(l *lookup) (err error) {
	if l.r.rowid {
		ids, why, err := k.v.idsOf(l.r)
		if l.doubt = why; err != nil || why != "" {
			return err
		}
		if !ids.full {
			l.ids = ids
			return nil
		}
	}
	l.orphans, l.doubt, err = k.v.checkByHash(l.r, k.limit)
	return err
}

// trim drops what can be none of the first orphans of a table, and those of keys that are in doubt.
func (k *kin) trim(results []*lookup) {
	count := 0
	for _, l := range results {
		if l.doubt != "" {
			l.orphans = nil
		}
		sort.Slice(l.orphans, func(a, b int) bool { return l.orphans[a].Rowid < l.orphans[b].Rowid })
		if most := k.limit + 1 - count; len(l.orphans) > most {
			l.orphans = slices.Clone(l.orphans[:most])
		}
		count += len(l.orphans)
	}
}

// take notes what the keys of a table gave.
func (k *kin) take(tr *tree, results []*lookup) {
	k.trim(results)
	for _, l := range results {
		if l.doubt != "" {
			k.out.doubt(tr.name, l.doubt)
		}
		k.lists[tr] = append(k.lists[tr], l.orphans...)
	}
	if k.count += len(k.lists[tr]); k.count > max(listed, 2*k.limit) {
		k.prune()
	}
}

// prune drops the orphans that come after the first ones that were asked for, whatever else is found.
func (k *kin) prune() {
	k.count = 0
	for _, tr := range k.v.tables {
		list := k.lists[tr]
		if most := k.limit - k.count; len(list) > most {
			k.lists[tr], k.out.More = slices.Clone(list[:most]), true
		}
		k.count += len(k.lists[tr])
	}
}

// lookup is one key while its table is read.
type lookup struct {
	r       *reference
	ids     *idSet // of its parent
	slots   []int
	orphans []ForeignKey
	doubt   string // why it cannot be checked here
}

// lookedUp is what a worker has to say of one key.
type lookedUp struct {
	orphans []ForeignKey
	doubt   string
}

// lookUp reads a table once for several keys; gather has it keep its rowids for others.
func (v *verifier) lookUp(tr *tree, lookups []*lookup, limit int, gather bool) error {
	for _, l := range lookups {
		l.slots = slotsOf(l.r)
	}
	own := &idSet{max: v.idBlocks()}
	workers, why, err := v.passOver(tr, v.o.Crew, func(w *worker, row *record) {
		if w.looked == nil {
			w.looked = make([]lookedUp, len(lookups))
		}
		for i, l := range lookups {
			if found := &w.looked[i]; found.doubt == "" {
				w.lookUp(l, row, found, limit)
			}
		}
		if gather && !w.ids.full {
			w.ids.add(row.rowid)
		}
	})
	if err != nil {
		return err
	}
	for _, w := range workers {
		own.take(&w.ids)
		for i := range w.looked {
			l := lookups[i]
			l.doubt = cmp.Or(l.doubt, w.looked[i].doubt)
			l.orphans = append(l.orphans, w.looked[i].orphans...)
		}
	}
	for _, l := range lookups {
		l.doubt, l.ids = cmp.Or(why, l.doubt), nil
	}
	if gather && why == "" {
		v.hold(tr, own)
	}
	return nil
}

// lookUp looks for the parent of one row.
func (w *worker) lookUp(l *lookup, row *record, found *lookedUp, limit int) {
	k := w.keyOf(l.r, l.r.child, row, l.slots, false)
	switch {
	case k.doubt != "":
		found.doubt = k.doubt
	case k.null || k.whole && l.ids.has(k.id):
	case len(found.orphans) <= limit:
		found.orphans = append(found.orphans, l.r.orphan(row))
	}
}

func (r *reference) orphan(row *record) ForeignKey {
	return ForeignKey{Table: r.child.name, Rowid: row.rowid, HasRowid: !r.child.keyed, Parent: r.name}
}

// slotsOf gives where the child has its key.
func slotsOf(r *reference) []int {
	slots := make([]int, len(r.columns))
	for i, c := range r.columns {
		slots[i] = r.child.table.Slot(c)
	}
	return slots
}

// checkByHash checks a key by hashes of the parents' keys, in several turns when there are
// too many.
func (v *verifier) checkByHash(r *reference, limit int) (list []ForeignKey, why string, err error) {
	for turn, turns := 0, 1; turn < turns; turn++ {
		set, why, err := v.keysOf(r, turn, turns)
		if err != nil {
			return nil, "", err
		}
		if set.full { // begin again, with fewer keys in each turn
			turn, turns, list = -1, 2*turns, nil
			if turns > turnsMax {
				return nil, "its parent has too many keys to be held here", nil
			}
			continue
		}
		if why != "" {
			return nil, why, nil
		}
		slots := slotsOf(r)
		workers, why, err := v.passOver(r.child, v.o.Crew, func(w *worker, row *record) {
			k := w.keyOf(r, r.child, row, slots, false)
			switch {
			case k.doubt != "":
				w.doubt = k.doubt
			case k.null || !set.mine(k.hash) || set.has(k.hash):
			case len(w.orphans) <= limit:
				w.orphans = append(w.orphans, r.orphan(row))
			}
		})
		if err != nil || why != "" {
			return nil, why, err
		}
		for _, w := range workers {
			if w.doubt != "" {
				return nil, w.doubt, nil
			}
			list = append(list, w.orphans...)
		}
	}
	return list, "", nil
}
