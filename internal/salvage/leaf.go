package salvage

import (
	"math"

	"github.com/officer-doofy/officer/internal/page"
)

// sound tells whether a leaf page of a table breaks no rule by itself, holds its rows in
// order and in range, and each of them is a record.
func (r *rescue) sound(d *page.Node, s span) bool {
	r.cover.Reset(&r.g)
	last := int64(math.MinInt64)
	for i := range d.Cells {
		var c page.Cell
		if d.Cell(i, &c) != nil || !r.cover.Take(c.Offset, c.Size) || !s.holds(c.Rowid) || i > 0 && c.Rowid <= last {
			return false
		}
		if c.Local < c.Total && !r.g.Holds(c.Overflow) || !plausible(d, &c) {
			return false
		}
		last = c.Rowid
	}
	return d.Freeblocks(&r.cover) == nil
}

// plausible tells whether a cell begins with the header of a record of its size, as far
// as that is on the page.
func plausible(d *page.Node, c *page.Cell) bool {
	local := d.Payload(c)
	head := page.RecordHead(local)
	if head == 0 {
		return false
	}
	if head > len(local) {
		return c.Local < c.Total
	}
	record, err := page.ParseRecord(local, c.Total)
	return err == nil && record.Validate() == nil
}

// samplesOfLeaf is how many rows of a page are looked at to tell whose it is.
const samplesOfLeaf = 16

// fitting counts how many of a page's rows fit a table, of those that were looked at.
func (r *rescue) fitting(t *table, d *page.Node) (fit, all int) {
	step := max(1, d.Cells/samplesOfLeaf)
	for i := 0; i < d.Cells; i += step {
		var c page.Cell
		if d.Cell(i, &c) != nil {
			continue
		}
		values, err := r.head(d, &c)
		if err != nil {
			continue
		}
		all++
		if fits(t.def, values, r.g.Encoding) {
			fit++
		}
	}
	return fit, all
}

// head decodes the values of a cell without its overflow pages: what does not lie on
// the page is known by its class alone.
func (r *rescue) head(d *page.Node, c *page.Cell) ([]Value, error) {
	local := d.Payload(c)
	record, err := page.ParseRecord(local, c.Total)
	if err != nil {
		return nil, err
	}
	r.headValues = r.headValues[:0]
	for {
		serial, at, size, more, err := record.Next()
		if err != nil || !more {
			return r.headValues, err
		}
		v := Value{Class: classOf(serial), Real: math.NaN()}
		if at+size <= len(local) {
			v = valueOf(serial, local[at:at+size])
		}
		r.headValues = append(r.headValues, v)
	}
}

// foreign tells whether a page's rows are not those of t but of another table.
func (r *rescue) foreign(t *table, d *page.Node) bool {
	fit, all := r.fitting(t, d)
	if 2*fit >= all {
		return false
	}
	for _, u := range r.tables {
		if u == t || u.def.WithoutRowid {
			continue
		}
		if better, of := r.fitting(u, d); better == of {
			return true
		}
	}
	return false
}
