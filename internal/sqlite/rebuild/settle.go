package rebuild

import (
	"math"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

// settle gives the values of a row as SQLite would store them: affinities applied
// (https://sqlite.org/datatype3.html#type_affinity), what a short record lacks filled in.
// What takes more than that is SQLite's to judge; the error is then what it says against the
// row. The values hold until the next row.
func (t *tree) settle(r *salvage.Row) ([]salvage.Value, error) {
	def, n := t.plan.Def, t.n
	n.settled = n.settled[:0]
	bytes := 0
	for slot, column := range def.Stored {
		c := &def.Columns[column]
		var v salvage.Value
		var plain bool
		switch {
		case column == def.RowidColumn:
			n.settled = append(n.settled, salvage.Value{}) // https://sqlite.org/lang_createtable.html#rowid
			continue
		case slot < len(r.Values):
			v, plain = settled(c, r.Values[slot], n.key.Encoding)
		default:
			v, plain = missing(c, n.key.Encoding)
		}
		bytes += len(v.Bytes)
		if !plain || bytes > lengthMaxBytes/2 {
			return n.judge(r)
		}
		n.settled = append(n.settled, v)
	}
	return n.settled, nil
}

// settled gives a value as it is stored in a column. plain is false if SQLite has to say.
func settled(c *schema.Column, v salvage.Value, e page.Encoding) (_ salvage.Value, plain bool) {
	switch v.Class {
	case schema.ClassNull:
		return v, !c.NotNull
	case schema.ClassInteger:
		if c.Affinity == schema.Real && magnitude(v.Int) >= 1<<47 {
			v = salvage.Value{Class: schema.ClassReal, Real: float64(v.Int)}
		}
		return v, c.Affinity != schema.Text && c.Strict.Takes(v.Class)
	case schema.ClassReal:
		if math.IsNaN(v.Real) {
			return salvage.Value{}, !c.NotNull
		}
		if c.Affinity >= schema.Numeric {
			v = whole(c, v)
		}
		edge := c.Affinity != schema.Real && math.Abs(v.Real) >= 1<<62 && math.Abs(v.Real) <= 1<<63
		return v, c.Affinity != schema.Text && !edge && c.Strict.Takes(v.Class)
	case schema.ClassText:
		if c.Affinity >= schema.Numeric && numeric(v.Bytes, e) {
			return v, false
		}
	}
	return v, c.Strict.Takes(v.Class)
}

// whole makes an integer of a whole number; in a REAL column only if it takes less room
// then (https://sqlite.org/datatype3.html#storage_classes_and_datatypes). The greatest are
// left to SQLite.
func whole(c *schema.Column, v salvage.Value) salvage.Value {
	if math.Abs(v.Real) >= 1<<62 {
		return v
	}
	i := int64(v.Real)
	if float64(i) != v.Real || c.Affinity == schema.Real && magnitude(i) >= 1<<47 {
		return v
	}
	return salvage.Value{Class: schema.ClassInteger, Int: i}
}

func magnitude(i int64) int64 {
	if i < 0 {
		return ^i
	}
	return i
}

// numeric tells whether a numeric column may make a number of a text.
func numeric(text []byte, e page.Encoding) bool {
	if e != page.UTF8 {
		text = e.AppendUTF8(nil, text)
	}
	return schema.LooksNumeric(text)
}

// missing gives what a row has in a column that was added after it was written.
func missing(c *schema.Column, e page.Encoding) (salvage.Value, bool) {
	switch d := c.Default; {
	case d.Known == schema.DefaultUnknown:
		return salvage.Value{}, false
	case d.Class == schema.ClassText:
		return settled(c, salvage.Value{Class: d.Class, Bytes: e.AppendFrom(nil, d.Bytes)}, e)
	case d.Class == schema.ClassBlob:
		return settled(c, salvage.Value{Class: d.Class, Bytes: []byte(d.Bytes)}, e)
	default:
		return settled(c, salvage.Value{Class: d.Class, Int: d.Int, Real: d.Real}, e)
	}
}
