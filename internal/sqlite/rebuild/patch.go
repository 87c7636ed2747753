package rebuild

import (
	"context"
	"errors"

	"github.com/officer-doofy/officer/internal/bulk"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/salvage"
)

// errUnfit says that more is wrong with a database than the pages that were written anew.
var errUnfit = errors.New("more is wrong than the pages that are lost")

// patch makes the new database of the damaged one: all pages as they are, and anew those
// leaf pages of which nothing is left. Its rows pass by like those of any salvage; with the first one that
// is not where it was, or that something speaks against, it gives up.
type patch struct {
	d      *Database
	image  *salvage.Image
	leaves []*bulk.Leaf  // by hole
	lent   []salvage.Row // without their values
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
	case r.Doubt != "":
		return 0, errUnfit
	case r.From == salvage.FromBase:
		if !p.lend(r) {
			return 0, errUnfit
		}
	case r.From != salvage.Kept:
		return 0, errUnfit
	}
	if p.d.placed != nil {
		p.d.placed(t.plan.Name, p.d.keyOf(t, r), r)
	}
	return salvage.Taken, nil
}

func (p *patch) lend(r *salvage.Row) bool {
	for i, h := range p.image.Holes {
		if h.Table != r.Table || r.Rowid < h.First || r.Rowid > h.Last {
			continue
		}
		p.record.Reset()
		for j := range r.Values {
			add(&p.record, &r.Values[j])
		}
		kept := *r
		kept.Values = nil
		p.lent = append(p.lent, kept)
		return p.leaves[i].Row(r.Rowid, p.record.Bytes())
	}
	return false
}

// finish writes the pages that are lost, and names the rows that were lent.
func (p *patch) finish() (*Outcome, error) {
	if err := p.join(); err != nil {
		return nil, p.d.fail(err)
	}
	file, size := p.d.pages.file, int64(p.image.Geometry.PageSize)
	for i, h := range p.image.Holes {
		if p.leaves[i].Rows() == 0 {
			return nil, errUnfit // SQLite takes no leaf page without a row
		}
		if _, err := file.WriteAt(p.leaves[i].Bytes(), int64(h.Page-1)*size); err != nil {
			return nil, p.d.fail(err)
		}
	}
	if err := errors.Join(p.head(), p.name()); err != nil {
		return nil, p.d.fail(err)
	}
	return &Outcome{Doubts: p.d.doubts.name, Patched: len(p.leaves)}, nil
}

// head makes the header that of a file in journal mode DELETE, as a backup has it
// (https://sqlite.org/fileformat2.html#file_format_version_numbers).
func (p *patch) head() error {
	_, err := p.d.pages.file.WriteAt([]byte{1, 1}, 18)
	return err
}

// name tells of each lent row in the file aside.
func (p *patch) name() error {
	d := p.d
	d.side = "temp."
	if err := d.db.Exec(`PRAGMA temp_store=FILE`); err != nil {
		return err
	}
	for i := range p.lent {
		if err := d.doubt(d.tables[p.lent[i].Table], &p.lent[i]); err != nil {
			return err
		}
	}
	d.doubts.close()
	d.doubts.insert = nil
	return d.pages.aside(d.db, d.side, []string{d.doubts.name})
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
