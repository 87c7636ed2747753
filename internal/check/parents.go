package check

import (
	"cmp"
	"fmt"
)

// heldMaxBytes bounds the keys of parents that are kept from one foreign key to the next, for
// a thousand tables may have the same parent.
const heldMaxBytes = 4 << 20

// held are the keys of parents, by the parent and what of it is the key.
type held struct {
	ids   map[*tree]*idSet
	keys  map[string]*keySet
	bytes int
}

// makeRoom readies it for so many bytes more, and tells whether they are few enough to be held.
func (h *held) makeRoom(bytes int) bool {
	if h.ids == nil || h.bytes+bytes > heldMaxBytes {
		h.ids, h.keys, h.bytes = map[*tree]*idSet{}, map[string]*keySet{}, 0
	}
	if bytes > heldMaxBytes {
		return false
	}
	h.bytes += bytes
	return true
}

// idBlocks is how many blocks a set of rowids may have.
func (v *verifier) idBlocks() int { return max(1, cmp.Or(v.o.KeysMax, keySetMax)/keysPerBlock) }

// idsOf gathers the rowids of the parent. A set that is full is of no use.
func (v *verifier) idsOf(r *reference) (ids *idSet, why string, err error) {
	if ids = v.held.ids[r.parent]; ids != nil {
		return ids, "", nil
	}
	ids = &idSet{max: v.idBlocks()}
	workers, why, err := v.passOver(r.parent, v.o.Crew, nil)
	if err != nil || why != "" {
		return nil, why, err
	}
	for _, w := range workers {
		ids.take(&w.ids)
	}
	return v.hold(r.parent, ids), "", nil
}

// hold keeps the rowids of a table for the next key, if they are few enough.
func (v *verifier) hold(tr *tree, ids *idSet) *idSet {
	if ids.full {
		ids = &idSet{full: true}
	}
	if v.held.makeRoom(len(ids.blocks)*idBlockBytes + idBlockBytes/8) {
		v.held.ids[tr] = ids
	}
	return ids
}

// keysOf gathers the keys of the parent whose turn it is. A set that is full is of no use.
func (v *verifier) keysOf(r *reference, turn, turns int) (set *keySet, why string, err error) {
	set = &keySet{turn: uint64(turn), turns: uint64(turns), max: cmp.Or(v.o.KeysMax, keySetMax)}
	if r.parent == nil {
		return set, "", nil
	}
	name := fmt.Sprint(r.parent.number, r.parts)
	if known := v.held.keys[name]; turns == 1 && known != nil {
		return known, "", nil
	}
	if why, err = v.parents(r, set); err != nil || why != "" || turns > 1 {
		return set, why, err
	}
	if set.full {
		set = &keySet{full: true}
	}
	if v.held.makeRoom(8*len(set.slots) + len(name)) {
		v.held.keys[name] = set
	}
	return set, "", nil
}

// parents reads the parent for its keys.
func (v *verifier) parents(r *reference, set *keySet) (why string, err error) {
	slots := make([]int, len(r.parts))
	for i, p := range r.parts {
		slots[i] = r.parent.table.Slot(p.Column)
	}
	unsure := ""
	_, why, err = v.passOver(r.parent, Alone{}, func(w *worker, row *record) {
		if set.full {
			return
		}
		k := w.keyOf(r, r.parent, row, slots, true)
		if k.doubt != "" {
			unsure = k.doubt
			return
		}
		set.add(k.hash)
	})
	return cmp.Or(why, unsure), err
}
