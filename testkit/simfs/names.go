package simfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// nameOp is one change of names that happens as a whole: a create, a removal, or a rename
// with both its sides.
type nameOp struct{ edits []edit }

// edit sets one name of one folder; nil takes it away.
type edit struct {
	dir  *inode
	name string
	to   *inode
}

func (op *nameOp) touches(dirs map[*inode]bool) bool {
	return slices.ContainsFunc(op.edits, func(e edit) bool { return dirs[e.dir] })
}

// settle makes an operation durable.
func (op *nameOp) settle() {
	for _, e := range op.edits {
		set(e.dir.kept, e.name, e.to)
	}
}

func set(names map[string]*inode, name string, to *inode) {
	if to == nil {
		delete(names, name)
	} else {
		names[name] = to
	}
}

// rename changes names at once, for every reader; what is durable follows later.
func (d *Disk) rename(edits ...edit) {
	for _, e := range edits {
		set(e.dir.names, e.name, e.to)
	}
	d.journal = append(d.journal, &nameOp{edits: edits})
}

// syncDir makes durable what was done in a folder, and what was done before that in
// every other folder that one of these operations touched.
func (d *Disk) syncDir(dir *inode) {
	dirs := map[*inode]bool{dir: true}
	var due, rest []*nameOp
	for _, op := range slices.Backward(d.journal) {
		if !op.touches(dirs) {
			rest = append(rest, op)
			continue
		}
		for _, e := range op.edits {
			dirs[e.dir] = true
		}
		due = append(due, op)
	}
	for _, op := range slices.Backward(due) {
		op.settle()
	}
	slices.Reverse(rest)
	d.journal = rest
}

// PowerCut takes the power away: every Life ends, and of what was not synced the seed
// chooses what is left.
func (d *Disk) PowerCut(seed uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut(seed)
}

func (d *Disk) cut(seed uint64) {
	for _, l := range d.lives {
		l.gone()
	}
	d.lives, d.holders = nil, map[*inode]*Life{}
	rng := rand.New(rand.NewPCG(seed, 0x63757421))
	d.loseNames(rng)
	common := rng.IntN(2 * keepStyles) // for all files, or each its own
	done := map[*inode]bool{}
	d.walk(d.root, "", func(_ string, n *inode) {
		if n.dir || done[n] {
			return
		}
		done[n] = true
		style := common
		if style >= keepStyles {
			style = rng.IntN(keepStyles)
		}
		n.lose(rng, style)
	})
}

// loseNames keeps a beginning of what was done to names: of all of it, as a file system
// with a journal does, or of what was done in each folder.
func (d *Disk) loseNames(rng *rand.Rand) {
	if rng.IntN(2) == 0 {
		for _, op := range d.journal[:rng.IntN(len(d.journal)+1)] {
			op.settle()
		}
	} else {
		stopped := map[*inode]bool{}
		for _, op := range d.journal {
			if op.touches(stopped) || rng.IntN(3) == 0 {
				for _, e := range op.edits {
					stopped[e.dir] = true
				}
				continue
			}
			op.settle()
		}
	}
	d.journal = nil
	revert(d.root, map[*inode]bool{})
}

// revert makes what is durable what readers see, below a folder.
func revert(dir *inode, seen map[*inode]bool) {
	if seen[dir] {
		return
	}
	seen[dir] = true
	dir.names = maps.Clone(dir.kept)
	for _, n := range dir.names {
		if n.dir {
			revert(n, seen)
		}
	}
}
