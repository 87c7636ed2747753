package schema

import "strconv"

// key declares the primary key. One column of type INTEGER becomes the rowid, unless
// its own constraint says DESC (https://sqlite.org/lang_createtable.html#rowid).
func (b *builder) key(parts []Part, autoincrement, columnDesc bool) {
	if b.err != nil {
		return
	}
	if b.hasKey || len(parts) == 0 {
		b.fail(b.tokens[b.at-1])
		return
	}
	b.hasKey, b.t.PrimaryKey = true, parts
	for _, part := range parts {
		c := &b.t.Columns[part.Column]
		c.Key = true
		if c.Generated != NotGenerated {
			b.fail(b.tokens[b.at-1])
		}
	}
	if len(parts) == 1 && Fold(b.t.Columns[parts[0].Column].Type) == "integer" && !columnDesc {
		b.t.RowidColumn = parts[0].Column
		b.keyDesc = parts[0].Desc
		b.t.Autoincrement = autoincrement
		return
	}
	if autoincrement {
		b.fail(b.tokens[b.at-1])
		return
	}
	b.implied(parts, true)
}

// implied adds the index of a UNIQUE or PRIMARY KEY constraint, unless there is one on
// the same columns (https://sqlite.org/fileformat2.html#representation_of_sql_indices).
func (b *builder) implied(parts []Part, primary bool) {
	if b.err != nil {
		return
	}
	for _, x := range b.t.Implied {
		if sameKey(x.Parts, parts) {
			x.Primary = x.Primary || primary
			return
		}
	}
	name := "sqlite_autoindex_" + b.t.Name + "_" + strconv.Itoa(len(b.t.Implied)+1)
	b.t.Implied = append(b.t.Implied, &Index{Name: name, Unique: true, Implied: true, Primary: primary, Parts: parts})
}

func sameKey(a, b []Part) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Column != b[i].Column || a[i].Collation != b[i].Collation {
			return false
		}
	}
	return true
}

// complete settles what only the end of the statement decides: the order of the record
// and what index entries end in.
func (b *builder) complete() {
	t := b.t
	if t.Strict {
		b.strict()
	}
	if b.err != nil { // without its key a table cannot be laid out
		return
	}
	if t.WithoutRowid {
		b.withoutRowid()
	} else {
		for _, x := range t.Implied {
			x.Primary = false
		}
	}
	if b.err != nil {
		return
	}
	t.store()
	if len(t.Stored) == 0 {
		b.fail(b.tokens[len(b.tokens)-1])
		return
	}
	for _, x := range t.Implied {
		t.finish(x, false)
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Generated == Virtual && (c.NotNull || c.Affinity != Blob || t.Strict) {
			t.Opaque = append(t.Opaque, "generated column "+c.Name)
		}
	}
}

func (b *builder) strict() {
	for i := range b.t.Columns {
		c := &b.t.Columns[i]
		kind, ok := strictOf(c.Type)
		if !ok {
			b.fail(token{kind: tokenWord, text: c.Type})
			return
		}
		if c.Strict = kind; kind == StrictAny {
			c.Affinity = Blob
		}
		c.NotNull = c.NotNull || c.Key && b.t.RowidColumn != i
	}
}

func (b *builder) withoutRowid() {
	t := b.t
	if !b.hasKey || t.Autoincrement {
		b.fail(b.tokens[len(b.tokens)-1])
		return
	}
	if c := t.RowidColumn; c >= 0 { // the key comes last of all
		t.RowidColumn = -1
		b.implied([]Part{{Column: c, Collation: t.Columns[c].Collation, Desc: b.keyDesc}}, true)
	}
	for i := range t.Columns {
		t.Columns[i].NotNull = t.Columns[i].NotNull || t.Columns[i].Key
	}
	key := t.Primary()
	parts := key.Parts[:0:0]
	for _, part := range key.Parts {
		if !holds(parts, part) {
			parts = append(parts, part)
		}
	}
	key.Parts = parts
}

// holds tells whether a column is in a key under the same collation.
func holds(parts []Part, p Part) bool {
	for _, q := range parts {
		if q.Column == p.Column && q.Collation == p.Collation {
			return true
		}
	}
	return false
}

// store lays out the record (https://sqlite.org/fileformat2.html#representation_of_sql_tables).
func (t *Table) store() {
	taken := make([]bool, len(t.Columns))
	if key := t.Primary(); key != nil {
		for _, part := range key.Parts {
			if !taken[part.Column] {
				taken[part.Column] = true
			}
			t.Stored = append(t.Stored, part.Column)
		}
	}
	for i := range t.Columns {
		if !taken[i] && t.Columns[i].Generated != Virtual {
			t.Stored = append(t.Stored, i)
		}
	}
}

// finish adds to an index what its entries end in: the rowid, or what the index lacks
// of the primary key. Constraints were always built with an ascending rest
// (https://sqlite.org/src/info/bba7b69f9849b5bf).
func (t *Table) finish(x *Index, declared bool) {
	x.Entry = append(x.Parts[:0:0], x.Parts...)
	for _, p := range x.Parts {
		if p.Column >= 0 && t.Columns[p.Column].Generated == Virtual {
			x.Opaque = "a generated column"
		}
	}
	key := t.Primary()
	switch {
	case key == nil:
		x.Entry = append(x.Entry, Part{Column: Rowid, Collation: Binary})
	case key == x:
		for _, c := range t.Stored[len(x.Parts):] {
			x.Entry = append(x.Entry, Part{Column: c, Collation: t.Columns[c].Collation})
		}
	default:
		for _, part := range key.Parts {
			if !holds(x.Parts, part) {
				part.Desc = part.Desc && declared
				x.Entry = append(x.Entry, part)
			}
		}
	}
}
