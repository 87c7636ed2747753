package check

import (
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
	k := &kin{v: v, tables: tables, out: out, limit: limit, asked: map[*tree]bool{}, begun: map[*tree]bool{}, lists: map[*tree][]ForeignKey{}}
	if err := k.all(); err != nil {
		return Orphans{}, err
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
	name          string // of the parent, as it is written
	child, parent *tree  // parent nil: there is no such table
	columns       []int  // of the child
	parts         []schema.Part
	rowid         bool // the parent's key is its rowid
}

// keysPerBlock sets a block of rowids against hashes of keys, so that a set of either
// takes about as much.
const keysPerBlock = 512

// turnsMax bounds how often a parent is read for its keys.
const turnsMax = 1 << 12

// absent tells whether there is certainly no such table, view or module table.
func (v *verifier) absent(name string) bool { return v.whole && !v.names[schema.Fold(name)] }

// locate finds the key of the parent that a foreign key means: the rowid, the primary
// key, or a UNIQUE index (https://sqlite.org/foreignkeys.html#fk_indexes).
func (r *reference) locate(k *schema.ForeignKey) (why string) {
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

// passOver walks over all rows of a table, which must be sound on the way. Without each, the
// workers gather the rowids alone and read no record. They are those of the pass before: what
// they say is to be read before the next.
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
		v.crew[i].ids.max = v.idBlocks()
	}
	p.crew = v.crew[:count]
}
