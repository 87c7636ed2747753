package salvage

import "slices"

// write gives the sink everything that was found, table by table, the best evidence
// first.
func (r *rescue) write() error {
	if err := r.begin(StageWrite, int64(r.g.Count)); err != nil {
		return err
	}
	if err := r.sink.Begin(r.plan()); err != nil {
		return err
	}
	for _, t := range r.tables {
		if err := r.writeTable(t); err != nil {
			return err
		}
	}
	return r.strayPages()
}

func (r *rescue) plan() *Plan {
	p := &Plan{
		PageSize: r.g.PageSize, Encoding: r.g.Encoding, AutoVacuum: r.g.Maps, Incremental: r.vitals.incremental,
		UserVersion: r.vitals.userVersion, ApplicationID: r.vitals.applicationID, Objects: r.objects, Undated: r.undated, Image: r.image(),
	}
	for _, t := range r.tables {
		t.place = len(p.Tables)
		p.Tables = append(p.Tables, &TablePlan{Name: t.name, SQL: t.sql, Def: t.def})
	}
	return p
}

func (r *rescue) writeTable(t *table) error {
	if t.def.WithoutRowid {
		if err := r.writeKeyed(t); err != nil {
			return err
		}
		return r.recall(t)
	}
	r.twins = r.twinsOf(t, true)
	err := r.rows(t, func(f *found) error { return r.put(t, f) })
	r.twins.close()
	if r.twins = nil; err != nil {
		return err
	}
	if err := r.writeOlder(t); err != nil {
		return err
	}
	if err := r.writeBase(t); err != nil {
		return err
	}
	if err := r.writeFreed(t); err != nil {
		return err
	}
	return r.recall(t)
}

// writeKeyed writes the rows of a WITHOUT ROWID table, then the backup's for its gaps.
func (r *rescue) writeKeyed(t *table) error {
	r.twins = r.twinsOf(t, false)
	defer func() { r.twins.close(); r.twins = nil }()
	row := &found{}
	w := &keyWalk{rescue: r, owner: t.owner, t: t, take: func(k *keyed) error {
		*row = found{values: k.values, from: k.from, page: k.page, what: k.what, joint: r.joint, partly: k.partly, logged: k.logged}
		return r.put(t, row)
	}}
	if err := w.tree(t.root, 0); err != nil {
		return err
	}
	for i, n := range t.islands {
		if i < islandsCompared { // each begins before the one that was read last
			r.twins.close()
			r.twins = r.twinsOf(t, false)
		}
		if err := w.tree(n, 0); err != nil {
			return err
		}
	}
	r.twins.close() // it reads with the same buffers
	r.twins = nil
	if err := r.writeOlderKeyed(t); err != nil {
		return err
	}
	if r.base == nil || len(t.keyGaps) == 0 || r.base.g.Encoding != r.g.Encoding {
		return nil
	}
	was := r.base.byName(t.name)
	if was == nil || !slices.Equal(slotsFrom(t.def, was.def), slotsFrom(was.def, was.def)) {
		return nil // an index b-tree of other columns is in another order
	}
	parts := t.def.Primary().Parts
	return r.base.keysUnder(was.root, was.owner, func(k *keyed) error {
		if k.what != "" || len(k.values) < len(parts) || !within(t.keyGaps, k.values, parts, r) {
			return nil
		}
		return r.lend(t, &found{values: k.values, from: FromBase, page: k.page})
	})
}

// put gives a row to the sink: into its table if it is whole, else among the strays.
func (r *rescue) put(t *table, f *found) error {
	if r.opts.Sound {
		if t.covered {
			r.judge(t, f)
		}
		f.doubt = ""
		return r.hand(t, f)
	}
	found := f.from == Kept || f.from == Salvaged
	if n := len(f.values); found && f.doubt != "" && n > 0 && f.values[n-1].Class == classText {
		f.what = f.doubt // a blob may end in zeros, a text hardly does
	}
	if found && f.what == "" {
		r.judge(t, f)
		r.examineTexts(t, f)
		same, flipped := f.twin && f.doubt == "", false // what is in doubt may have been corrected
		if !same {
			same, flipped = r.twins.compare(f)
		}
		if f.asInBase = same; flipped && f.doubt == "" {
			f.doubt = "it differs from the older copy as flipped bits would make it"
		}
	}
	if f.doubt == "" && f.what == "" && f.from != FromBase && r.suspicious(f.page) {
		f.doubt = suspectFrame
	}
	if f.doubt == "" && !f.asInBase {
		f.doubt = f.joint
	}
	return r.hand(t, f)
}

// hand gives a row that was judged to the sink, and counts what became of it.
func (r *rescue) hand(t *table, f *found) error {
	if f.what != "" || len(f.values) > len(t.def.Stored) {
		return r.stray(t, f)
	}
	r.row = Row{Table: t.place, Rowid: f.rowid, Values: f.values, From: f.from, Page: f.page, Doubt: f.doubt, Proof: r.proofOf(t, f), Undated: r.isUndated(t, f)}
	outcome, err := r.sink.Row(&r.row)
	if err != nil {
		return err
	}
	if outcome == Taken && f.from != FromBase {
		r.grade(t, f)
	}
	switch {
	case outcome == Refused:
		t.tally.Refused++
	case outcome == Duplicate:
	case f.from == Kept:
		t.tally.Kept++
	case f.from == FromBase:
		t.tally.FromBase++
	case f.from == FromOlder:
		t.tally.FromOlder++
		t.tally.Salvaged++
	case f.from == FromIndex:
		t.tally.FromIndex++
		t.tally.Salvaged++
	default:
		t.tally.Salvaged++
	}
	return nil
}

func (r *rescue) stray(t *table, f *found) error {
	t.tally.Strays++
	r.report.Strays++
	if f.keyed && f.from != FromIndex && len(t.torn) < gapsMax {
		t.torn = append(t.torn, span{f.rowid, f.rowid}) // the backup may have it
	}
	return r.sink.Stray(&Stray{
		Table: t.name, Root: t.root, Page: f.page, Rowid: f.rowid, Keyed: f.keyed, Values: f.values, Why: f.what, Told: f.from == FromIndex,
	})
}

func (r *rescue) finish() *Report {
	r.report.Undated = r.undated
	r.report.Database = !r.vitals.headerGone || len(r.tables) > 0
	for _, t := range r.tables {
		t.tally.Lost += t.lost()
		r.report.Tables = append(r.report.Tables, t.tally)
	}
	return &r.report
}
