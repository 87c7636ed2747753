package check

import (
	"cmp"
	"context"
	"slices"

	"github.com/officer-doofy/officer/internal/schema"
)

// Orphans is what a look at the foreign keys found.
type Orphans struct {
	List     []ForeignKey
	More     bool      // there are more than were asked for
	Unjudged []Finding // the tables whose keys only SQLite can check, and why

	doubted map[string]bool // the tables in Unjudged
}

// FindOrphans looks for rows whose parent is missing, as PRAGMA foreign_key_check does
// (https://sqlite.org/pragma.html#pragma_foreign_key_check), and lists at most limit of
// them (0 = findingsMax). The keys of the parents are held as a set of hashes, in
// several turns when there are too many. A database that is damaged on the way is no
// matter of this function: the table is named as not judged.
func FindOrphans(ctx context.Context, db Database, o Options, limit int) (Orphans, error) {
	if o.Crew == nil {
		o.Crew = Alone{}
	}
	o.FindingsMax = 1
	v := &verifier{ctx: ctx, db: db, g: db.Geometry, o: o, keys: newKeys(o.Seed)}
	v.found.max = 1
	if err := v.readSchema(); err != nil {
		return Orphans{}, err
	}
	out := &Orphans{doubted: map[string]bool{}}
	tables := map[string]*tree{}
	for _, tr := range v.tables {
		tables[schema.Fold(tr.name)] = tr
	}
	for _, tr := range v.trees {
		if tr.blind && !tr.keyed { // it may have keys, too
			out.doubt(tr.name, "its declaration is not understood here")
		}
	}
	if limit == 0 {
		limit = findingsMax
	}
	for _, tr := range v.tables {
		if len(v.found.list) > 0 && len(tr.table.ForeignKeys) > 0 {
			out.doubt(tr.name, "the schema is damaged")
			continue
		}
		for _, k := range tr.table.ForeignKeys {
			if err := v.checkKey(tr, &k, tables, out, limit); err != nil {
				return Orphans{}, err
			}
		}
	}
	return *out, nil
}

// doubt names a table whose keys are SQLite's to check, once.
func (o *Orphans) doubt(table, why string) {
	if !o.doubted[table] {
		o.doubted[table] = true
		o.Unjudged = append(o.Unjudged, Finding{Kind: kindModule, Object: table, Detail: why})
	}
}

// reference is one foreign key with both its sides.
type reference struct {
	child, parent *tree // parent nil: there is no such table
	columns       []int // of the child
	parts         []schema.Part
	rowid         bool // the parent's key is its rowid
}

// keysPerBlock sets a block of rowids against hashes of keys, so that a set of either
// takes about as much.
const keysPerBlock = 512

// turnsMax bounds how often a parent is read for its keys.
const turnsMax = 1 << 12

// checkKey checks one foreign key of a table.
func (v *verifier) checkKey(tr *tree, k *schema.ForeignKey, tables map[string]*tree, out *Orphans, limit int) error {
	r := &reference{child: tr, columns: k.Columns, parent: tables[schema.Fold(k.Parent)]}
	if r.parent == nil && !v.absent(k.Parent) {
		out.doubt(tr.name, "its parent "+k.Parent+" is not understood here")
		return nil
	}
	if r.parent != nil {
		if why := r.locate(v, k); why != "" {
			out.doubt(tr.name, why)
			return nil
		}
	}
	had := len(out.List)
	if r.rowid {
		why, done, err := v.checkByID(r, k.Parent, out, limit)
		if err != nil || done {
			out.doubtful(tr.name, why)
			out.settle(had, limit)
			return err
		}
	}
	for turn, turns := 0, 1; turn < turns; turn++ {
		set, why, err := v.keysOf(r, turn, turns)
		if err != nil {
			return err
		}
		if set.full { // begin again, with fewer keys in each turn
			turn, turns = -1, 2*turns
			out.List = out.List[:had]
			if turns > turnsMax {
				out.doubt(tr.name, "its parent has too many keys to be held here")
				return nil
			}
			continue
		}
		if why != "" {
			out.doubt(tr.name, why)
			return nil
		}
		why, err = v.children(r, func(k foreignKey) bool { return !set.mine(k.hash) || set.has(k.hash) }, k.Parent, out, limit)
		if err != nil {
			return err
		}
		if why != "" {
			out.doubt(tr.name, why)
			return nil
		}
	}
	out.settle(had, limit)
	return nil
}

// doubtful is doubt if there is a reason for it.
func (o *Orphans) doubtful(table, why string) {
	if why != "" {
		o.doubt(table, why)
	}
}

// checkByID checks a key that is the parent's rowid, by a set of rowids; done is false
// when they are too scattered for that.
func (v *verifier) checkByID(r *reference, parent string, out *Orphans, limit int) (why string, done bool, err error) {
	ids, why, err := v.idsOf(r)
	if err != nil || why != "" {
		return why, true, err
	}
	if ids.full {
		return "", false, nil
	}
	why, err = v.children(r, func(k foreignKey) bool { return k.whole && ids.has(k.id) }, parent, out, limit)
	return why, true, err
}

// settle puts what one key gave in order, and cuts the list to what was asked for.
func (o *Orphans) settle(had, limit int) {
	slices.SortFunc(o.List[had:], func(a, b ForeignKey) int { return cmp.Compare(a.Rowid, b.Rowid) })
	if len(o.List) > limit {
		o.List, o.More = o.List[:limit], true
	}
}

// absent tells whether there is certainly no such table, view or module table.
func (v *verifier) absent(name string) bool { return v.whole && !v.names[schema.Fold(name)] }

// locate finds the key of the parent that a foreign key means: the rowid, the primary
// key, or a UNIQUE index (https://sqlite.org/foreignkeys.html#fk_indexes).
func (r *reference) locate(v *verifier, k *schema.ForeignKey) (why string) {
	t := r.parent.table
	if len(k.Columns) == 1 && t.RowidColumn >= 0 && (len(k.Parents) == 0 || t.Column(k.Parents[0]) == t.RowidColumn) {
		r.rowid, r.parts = true, []schema.Part{{Column: t.RowidColumn, Collation: schema.Binary}}
		return ""
	}
	const mismatch = "foreign key mismatch: the parent has no such key"
	if len(k.Parents) == 0 {
		if r.parts = t.PrimaryKey; len(r.parts) != len(k.Columns) {
			return mismatch
		}
	} else {
		for _, name := range k.Parents {
			c := t.Column(name)
			if c < 0 {
				return mismatch
			}
			r.parts = append(r.parts, schema.Part{Column: c, Collation: t.Columns[c].Collation})
		}
		if !r.unique(r.parent) && !slices.ContainsFunc(r.parent.indexes, r.unique) {
			return mismatch
		}
	}
	for _, p := range r.parts {
		if collationOf(p.Collation) == foreign {
			return "no such collation sequence: " + p.Collation
		}
		if t.Columns[p.Column].Generated == schema.Virtual {
			return "its parent's key is computed"
		}
	}
	for _, c := range r.columns {
		if r.child.table.Columns[c].Generated == schema.Virtual {
			return "its key is computed"
		}
	}
	return ""
}

// unique tells whether a tree of the parent is a UNIQUE index on just these columns.
func (r *reference) unique(x *tree) bool {
	if x.index == nil || !x.index.Unique || x.index.Opaque != "" || len(x.index.Parts) != len(r.parts) {
		return false
	}
	for _, p := range r.parts {
		if !holdsPart(x.index.Parts, p) {
			return false
		}
	}
	return true
}

func holdsPart(parts []schema.Part, p schema.Part) bool {
	return slices.ContainsFunc(parts, func(q schema.Part) bool { return q.Column == p.Column && q.Collation == p.Collation })
}

// passOver walks over all rows of a table, which must be sound on the way. The workers are
// those of the pass before: what they say is to be read before the next.
func (v *verifier) passOver(tr *tree, crew Crew, each func(w *worker, row *record)) (workers []*worker, why string, err error) {
	pass := &tree{number: 0, name: tr.name, root: tr.root, keyed: tr.keyed, blind: true, light: true, each: each}
	p := &verifier{ctx: v.ctx, db: v.db, g: v.g, o: v.o, keys: v.keys, trees: []*tree{pass}}
	v.hire(p, 1)
	v.crew[0].split(pass)
	count := min(max(1, min(crew.Workers(), maxWorkers(v.g.Count))), max(1, len(p.units)))
	if v.hire(p, count); count == 1 {
		crew = Alone{}
	}
	crew.Each(count, len(p.units), func(worker, i int) { p.crew[worker].unit(&p.units[i]) })
	for _, w := range p.crew {
		if w.err != nil {
			return nil, "", w.err
		}
		if len(w.findings.list) > 0 {
			why = "table " + tr.name + " is damaged: " + w.findings.list[0].Detail
		}
	}
	return p.crew, why, nil
}

// hire readies so many workers for a pass; the first one may be at it already.
func (v *verifier) hire(p *verifier, count int) {
	for i := len(p.crew); i < count; i++ {
		if i == len(v.crew) {
			v.crew = append(v.crew, newWorker(p))
			v.crew[i].light = true
		} else {
			v.crew[i].anew(p)
		}
	}
	p.crew = v.crew[:count]
}

// children looks the keys of the child up; known tells of a key that it has a parent, or
// that it is not its turn.
func (v *verifier) children(r *reference, known func(foreignKey) bool, parent string, out *Orphans, limit int) (why string, err error) {
	slots := make([]int, len(r.columns))
	for i, c := range r.columns {
		slots[i] = r.child.table.Slot(c)
	}
	workers, why, err := v.passOver(r.child, v.o.Crew, func(w *worker, row *record) {
		k := w.keyOf(r, r.child, row, slots, false)
		switch {
		case k.doubt != "":
			w.doubt = k.doubt
		case k.null || known(k):
		case len(w.orphans) <= limit:
			w.orphans = append(w.orphans, ForeignKey{Table: r.child.name, Rowid: row.rowid, HasRowid: !r.child.keyed, Parent: parent})
		}
	})
	if err != nil || why != "" {
		return why, err
	}
	for _, w := range workers {
		if w.doubt != "" {
			return w.doubt, nil
		}
		out.List = append(out.List, w.orphans...)
	}
	return "", nil
}
