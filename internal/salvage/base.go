package salvage

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"github.com/officer-doofy/officer/internal/schema"
)

// openBase reads the backup the same way, at first its schema.
func (r *rescue) openBase() error {
	opts := r.opts
	opts.Base = nil
	base, err := open(r.opts.Base, opts)
	if err != nil {
		return err
	}
	base.lends = true
	r.base = base
	return base.readSchema()
}

// chartBoth walks the trees of both files: they have nothing to do with each other until
// rows are placed.
func (r *rescue) chartBoth() error {
	if r.base == nil {
		return r.chartAll()
	}
	// What is read of the backup later is part of what is being done with the file.
	defer func() { r.base.opts.Tick = func(Stage, int64, int64) error { return r.say() } }()
	if r.opts.Beside == nil {
		if err := r.base.chartAll(); err != nil {
			return err
		}
		return r.chartAll()
	}
	r.base.opts.Tick = func(Stage, int64, int64) error { return r.opts.Stopped() }
	var lent error
	wait := r.opts.Beside(func() { lent = r.base.chartAll() })
	err := func() error {
		defer wait()
		return r.chartAll()
	}()
	return cmp.Or(err, lent)
}

// withBase adds what the schema lacks and the backup knows, and takes its definition
// where that of the file cannot be read. gaps tells whether entries of the schema may be
// missing; if none can be, what only the backup has was dropped.
func (r *rescue) withBase(entries []entry, gaps bool) []entry {
	if r.base == nil {
		return entries
	}
	was := r.base.catalog
	have := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		have[e.key()] = true
		if j := slices.IndexFunc(was, func(b entry) bool { return b.key() == e.key() }); j >= 0 && e.SQL != was[j].SQL && !r.readable(e) {
			e.SQL = was[j].SQL
			r.note("the definition of " + e.Type + " " + e.Name + " was damaged; it was taken from the older copy")
		}
	}
	if !gaps && len(entries) > 0 {
		return entries
	}
	lent := 0
	for _, b := range was {
		if have[b.key()] {
			continue
		}
		if b.root != 0 {
			b.root = lentRoot
		}
		entries = append(entries, b)
		lent++
	}
	if lent > 0 {
		r.note("the schema is damaged; what it lacks was taken from the older copy")
		// The vitals of a schema that is gone are gone with its page.
		if r.vitals.headerGone {
			r.vitals.userVersion, r.vitals.applicationID = r.base.vitals.userVersion, r.base.vitals.applicationID
			r.vitals.incremental = r.base.vitals.incremental
		}
	}
	return entries
}

// lentRoot is the root of what the backup lent: a page that is in no file, so that the
// pages of the tree are found by their rows.
const lentRoot = 1<<32 - 1

func (e *entry) key() string { return e.Type + "\x00" + schema.Fold(e.Name) }

// readable tells whether a definition can be read.
func (r *rescue) readable(e *entry) bool {
	switch {
	case e.SQL == "":
		return e.Type == "index"
	case e.Type == "table" && virtual(e.SQL):
		return true
	case e.Type == "table":
		_, err := schema.ParseTable(e.SQL)
		return err == nil && r.compiles(e.SQL)
	case e.Type == "index":
		_, err := schema.ParseIndex(e.SQL)
		return err == nil
	}
	return strings.HasPrefix(strings.ToLower(e.SQL), "create")
}

// compiles asks SQLite.
func (r *rescue) compiles(sql string) bool {
	return r.opts.Compile == nil || r.opts.Compile(sql) == nil
}

// holes gives the ranges of rowids in which rows may be missing, in order.
func (t *table) holes() []span {
	var list []span
	for i := range t.gaps {
		g := &t.gaps[i]
		found := slices.Clone(g.found)
		slices.SortFunc(found, func(a, b filler) int { return cmp.Compare(a.lo, b.lo) })
		lo := g.lo
		for _, f := range found {
			if f.lo > lo {
				list = append(list, span{lo, f.lo - 1})
			}
			lo = max(lo, f.hi) // may be the last rowid there is
		}
		if len(found) > 0 && found[len(found)-1].hi < g.hi {
			list = append(list, span{lo + 1, g.hi})
		} else if len(found) == 0 {
			list = append(list, g.span)
		}
	}
	list = append(list, t.torn...)
	sort.Slice(list, func(a, b int) bool { return list[a].lo < list[b].lo })
	return list
}

// inHole tells whether a rowid lies in one of the ranges, which are in order of their
// beginnings.
func inHole(holes []span, id int64) bool {
	i, found := slices.BinarySearchFunc(holes, id, func(s span, id int64) int { return cmp.Compare(s.lo, id) })
	if found {
		return holes[i].holds(id)
	}
	for i--; i >= 0 && i > len(holes)-1-gapsMax; i-- {
		if holes[i].holds(id) {
			return true
		}
		if holes[i].hi < id {
			return false // ranges hardly overlap
		}
	}
	return false
}

// writeBase gives the sink the backup's rows for the holes of a table: nowhere else, so
// that nothing that was deleted returns.
func (r *rescue) writeBase(t *table) error {
	if r.base == nil {
		return nil
	}
	was := r.base.byName(t.name)
	holes := t.holes()
	if was == nil || was.def.WithoutRowid || t.def.WithoutRowid || len(holes) == 0 || r.base.g.Encoding != r.g.Encoding {
		return nil
	}
	slots := slotsFrom(t.def, was.def)
	var values []Value
	return r.base.rows(was, func(f *found) error {
		if !inHole(holes, f.rowid) || f.what != "" || len(f.values) > len(was.def.Stored) {
			return nil
		}
		values = arrange(values[:0], f.values, slots)
		return r.lend(t, &found{rowid: f.rowid, keyed: true, values: values, from: FromBase, page: f.page})
	})
}

// lend gives the sink a row of the backup or of an older image, unless an index of the file tells that it was
// deleted since. What an index tells of its columns is newer.
func (r *rescue) lend(t *table, f *found) error {
	for _, tr := range t.trials {
		if tr.even {
			continue
		}
		entry := tr.entryOf(f.rowid, f.values)
		key, ok := tr.keyIn(entry)
		if !ok {
			continue
		}
		switch list := tr.entries[key]; {
		case len(list) == 0 && tr.x.whole && !tr.crowded:
			return nil
		case len(list) == 1:
			list[0].seen = true
			if list[0].hash != hashOf(entry) {
				r.correct(tr, f, list[0])
				f.doubt = lender(f.from) + ", with what index " + tr.x.name + " has of it since"
			}
		}
	}
	return r.put(t, f)
}

func lender(from Origin) string {
	if from == FromOlder {
		return "from an older image of its page"
	}
	return "lent by the older copy"
}

// slotsFrom gives for each place of a record the place that the column had in an older
// definition, -1 if it had none.
func slotsFrom(now, was *schema.Table) []int {
	slots := make([]int, len(now.Stored))
	for i, column := range now.Stored {
		slots[i] = -1
		if c := was.Column(now.Columns[column].Name); c >= 0 {
			slots[i] = was.Slot(c)
		}
	}
	return slots
}

// arrange puts values in their new places. It ends at the first one that was not there,
// if nothing after it was: the rest has its default.
func arrange(into, values []Value, slots []int) []Value {
	end := len(slots)
	for end > 0 && (slots[end-1] < 0 || slots[end-1] >= len(values)) {
		end--
	}
	for _, slot := range slots[:end] {
		v := Value{}
		if slot >= 0 && slot < len(values) {
			v = values[slot]
		}
		into = append(into, v)
	}
	return into
}
