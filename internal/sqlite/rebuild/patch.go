package rebuild

import (
	"context"
	"errors"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/bulk"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/salvage"
)

// errUnfit says that more is wrong with a database than the pages that were written anew.
var errUnfit = errors.New("more is wrong than the pages that are lost")

// patch makes the new database of the damaged one: all pages as they are, and anew those
// leaf pages of which nothing is left. Its rows pass by like those of any salvage; with the first one that
// is not where it was, or that something speaks against, it gives up. A row that is lost stands on its page
// with what the indexes have of it until SQLite deletes it there and in the indexes, and the page with the
// last of them.
type patch struct {
	d      *Database
	image  *salvage.Image
	leaves []*bulk.Leaf    // by hole
	lent   []salvage.Row   // without their values
	lost   []salvage.Stray // of which indexes tell
	nobody []salvage.Stray // rows that stand where there is none, so that SQLite takes the page away
	record bulk.Record
	cancel context.CancelFunc
	wait   func() // for the copy, nil = it is over
	copied error
}

// copyBytes is what is copied at once.
const copyBytes = 1 << 20

// beginPatch copies the pages while the rows pass by.
func (d *Database) beginPatch(image *salvage.Image) {
	p := &patch{d: d, image: image}
	for range image.Holes {
		p.leaves = append(p.leaves, bulk.NewLeaf(&image.Geometry))
	}
	for _, t := range d.plan.Tables {
		d.tables = append(d.tables, &target{plan: t})
	}
	ctx, cancel := context.WithCancel(d.ctx)
	p.cancel = cancel
	p.wait = fsx.Alongside(func() { p.copied = p.copy(ctx) })
	d.patch = p
}

// copy writes all pages, and makes them durable.
func (p *patch) copy(ctx context.Context) error {
	size, count := p.image.Geometry.PageSize, p.image.Geometry.Count
	burst := uint32(max(1, copyBytes/size))
	buf := make([]byte, int(burst)*size)
	for n := uint32(1); n <= count; n += burst {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:int(min(burst, count-n+1))*size]
		if !p.image.Read(n, b) {
			return errUnfit
		}
		if _, err := p.d.pages.file.WriteAt(b, int64(n-1)*int64(size)); err != nil {
			return err
		}
	}
	return p.d.pages.file.Sync()
}

// row looks at a row that is in its place, or puts a lent one on its page.
func (p *patch) row(r *salvage.Row) (salvage.Outcome, error) {
	t := p.d.tables[r.Table]
	switch {
	case r.From == salvage.FromBase:
		if !p.lend(t, r) {
			return 0, errUnfit
		}
	case r.Doubt != "" || r.From != salvage.Kept:
		return 0, errUnfit
	}
	if p.d.placed != nil {
		p.d.placed(t.plan.Name, p.d.keyOf(t, r), r)
	}
	return salvage.Taken, nil
}

// hole gives the place of the page on which a row belongs, -1 if it is none that is lost.
func (p *patch) hole(table int, rowid int64) int {
	return slices.IndexFunc(p.image.Holes, func(h salvage.Hole) bool {
		return h.Table == table && rowid >= h.First && rowid <= h.Last
	})
}

func (p *patch) lend(t *target, r *salvage.Row) bool {
	i := p.hole(r.Table, r.Rowid)
	if i < 0 {
		return false
	}
	p.record.Reset()
	for slot, column := range t.plan.Def.Stored[:min(len(r.Values), len(t.plan.Def.Stored))] {
		v, plain := r.Values[slot], true
		if r.Doubt != "" && column != t.plan.Def.RowidColumn { // an index has the value otherwise than a table
			v, plain = settled(&t.plan.Def.Columns[column], v, p.d.plan.Encoding)
		}
		if !plain {
			return false
		}
		add(&p.record, &v)
	}
	kept := *r
	kept.Values = nil
	p.lent = append(p.lent, kept)
	return p.leaves[i].Row(r.Rowid, p.record.Bytes())
}

// stray puts what indexes tell of a row that is lost on its page.
func (p *patch) stray(s *salvage.Stray) error {
	table := slices.IndexFunc(p.d.tables, func(t *target) bool { return t.plan.Name == s.Table })
	i := p.hole(table, s.Rowid)
	if !s.Told || !s.Keyed || i < 0 {
		return errUnfit
	}
	p.record.Reset()
	for j := range s.Values {
		add(&p.record, &s.Values[j])
	}
	if !p.leaves[i].Row(s.Rowid, p.record.Bytes()) {
		return errUnfit
	}
	kept := *s
	kept.Values = slices.Clone(s.Values)
	for j := range kept.Values {
		kept.Values[j].Bytes = slices.Clone(kept.Values[j].Bytes)
	}
	p.lost = append(p.lost, kept)
	return nil
}

// finish writes the pages that are lost, has SQLite delete the rows that are, and names them and those that
// were lent.
func (p *patch) finish() (*Outcome, error) {
	if err := p.join(); err != nil {
		return nil, p.d.fail(err)
	}
	file, size := p.d.pages.file, int64(p.image.Geometry.PageSize)
	for i, h := range p.image.Holes {
		if p.leaves[i].Rows() == 0 { // SQLite takes no leaf page without a row
			nobody := salvage.Stray{Table: p.d.tables[h.Table].plan.Name, Rowid: max(h.First, min(h.Last, 0))}
			p.record.Reset()
			if !p.leaves[i].Row(nobody.Rowid, p.record.Bytes()) {
				return nil, errUnfit
			}
			p.nobody = append(p.nobody, nobody)
		}
		if _, err := file.WriteAt(p.leaves[i].Bytes(), int64(h.Page-1)*size); err != nil {
			return nil, p.d.fail(err)
		}
	}
	if err := p.head(); err != nil {
		return nil, p.d.fail(err)
	}
	if err := p.erase(); err != nil {
		return nil, err
	}
	return p.name()
}

// erase has SQLite delete the rows that are lost.
func (p *patch) erase() error {
	gone := append(p.lost[:len(p.lost):len(p.lost)], p.nobody...)
	if len(gone) == 0 {
		return nil
	}
	d := p.d
	if err := d.db.Exec(`PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; BEGIN`); err != nil {
		return unfit(d, err)
	}
	for i := range gone {
		if err := p.delete(&gone[i]); err != nil {
			return unfit(d, err)
		}
	}
	if err := d.db.Exec(`COMMIT`); err != nil {
		return unfit(d, err)
	}
	if len(d.unordered) > 0 {
		return errUnfit // it looked for entries in an order that is not theirs
	}
	return nil
}

// delete deletes one row, with its entries. SQLite fails where an entry is not there
// (https://sqlite.org/rescode.html#corrupt_index).
func (p *patch) delete(s *salvage.Stray) error {
	t := p.d.tables[slices.IndexFunc(p.d.tables, func(t *target) bool { return t.plan.Name == s.Table })]
	name := t.rowidName()
	if c := t.plan.Def.RowidColumn; c >= 0 {
		name = quote(t.plan.Def.Columns[c].Name)
	}
	if name == "" {
		return errUnfit // all its names are those of columns
	}
	stmt, _, err := p.d.db.Prepare(`DELETE FROM main.` + quote(t.plan.Name) + ` WHERE ` + name + `=?`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	if err := errors.Join(stmt.BindInt64(1, s.Rowid), stmt.Exec()); err != nil {
		return err
	}
	if p.d.db.Changes() != 1 {
		return errUnfit
	}
	return nil
}

// unfit makes errUnfit of what SQLite says of the pages, and of a definition.
func unfit(d *Database, err error) error {
	if againstPages(err) {
		return errUnfit
	}
	return d.fail(err)
}

// againstPages tells whether SQLite has something against what stands in a database.
func againstPages(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.ERROR) || errors.Is(err, sqlite3.CONSTRAINT)
}

// head makes the header that of a file in journal mode DELETE, as a backup has it
// (https://sqlite.org/fileformat2.html#file_format_version_numbers).
func (p *patch) head() error {
	_, err := p.d.pages.file.WriteAt([]byte{1, 1}, 18)
	return err
}

// name tells of each row that was lent, and of what is left of those that are lost, in the file aside.
func (p *patch) name() (*Outcome, error) {
	d := p.d
	d.side = "temp."
	out := &Outcome{Patched: len(p.leaves)}
	if len(p.lent)+len(p.lost) == 0 {
		return out, nil
	}
	if err := d.db.Exec(`PRAGMA temp_store=FILE`); err != nil {
		return nil, d.fail(err)
	}
	for i := range p.lost {
		if err := d.keepStray(&p.lost[i]); err != nil {
			return nil, err
		}
	}
	for i := range p.lent {
		if err := d.doubt(d.tables[p.lent[i].Table], &p.lent[i]); err != nil {
			return nil, d.fail(err)
		}
	}
	var tables []string
	if d.found != nil {
		d.found.close()
		d.found.insert, d.found.why = nil, nil
		out.LostAndFound, out.Found, out.Notes = d.found.name, d.found.rows, d.notes
		tables = append(tables, d.found.name, d.found.name+"_why")
	}
	if d.doubts != nil {
		d.doubts.close()
		d.doubts.insert = nil
		out.Doubts = d.doubts.name
		tables = append(tables, d.doubts.name)
	}
	return out, d.fail(d.pages.aside(d.db, d.side, tables))
}

// join waits for the copy.
func (p *patch) join() error {
	if p.wait != nil {
		p.wait()
		p.wait = nil
	}
	return p.copied
}

func (p *patch) close() {
	if p != nil {
		p.cancel()
		_ = p.join() // finish has told it
	}
}

// proves tells whether a patched database passed its check, and has as many rows as passed by.
func (r *Result) proves() bool {
	rows := map[string]int64{}
	for _, t := range r.Content.Tables {
		rows[t.Name] = t.Rows
	}
	for i := range r.Tables {
		t := &r.Tables[i]
		if n, counted := rows[t.Name]; counted && n != t.Rows() {
			return false
		}
		delete(rows, t.Name)
	}
	return r.Verdict.Verdict == check.OK && len(rows) == 0
}
