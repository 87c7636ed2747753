package schema

// Declared is a CREATE INDEX statement before its table is known.
type Declared struct {
	Name, Table string
	p           *parser
	unique      bool
}

// ParseIndex reads the beginning of a CREATE INDEX statement as it stands in
// sqlite_schema (https://sqlite.org/lang_createindex.html). The error is an *UnusualError.
func ParseIndex(sql string) (*Declared, error) {
	p := newParser(sql)
	p.expect("create")
	d := &Declared{p: p, unique: p.accept("unique")}
	p.expect("index")
	d.Name = p.name()
	p.expect("on")
	d.Table = p.name()
	if p.err != nil {
		return nil, p.err
	}
	return d, nil
}

// Bind reads the rest of the statement for the table that it names. An index on an
// expression, or with a WHERE clause, is Opaque. It can be called once.
func (d *Declared) Bind(t *Table) (*Index, error) {
	p, x := d.p, &Index{Name: d.Name, Unique: d.unique}
	p.expect("(")
	for p.err == nil {
		x.Parts = append(x.Parts, d.part(t, x))
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	if p.err == nil && p.accept("where") {
		d.where(x)
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	t.finish(x, true)
	return x, nil
}

// part reads one indexed column. Whatever is not the name of a column with a collation
// and a direction is an expression.
func (d *Declared) part(t *Table, x *Index) Part {
	p := d.p
	from, deep := p.at, 0
	for p.accept("(") {
		deep++
	}
	if token := p.peek(); token.kind == tokenQuoted || token.kind == tokenString || token.kind == tokenWord && !listed(reserved, token.text) {
		c := t.Column(p.name())
		for deep > 0 && p.accept(")") {
			deep--
		}
		if c >= 0 && deep == 0 {
			part := Part{Column: c, Collation: t.Columns[c].Collation}
			if p.accept("collate") {
				part.Collation = Fold(p.name())
			}
			part.Desc = p.direction()
			if next := p.peek(); next.is(",") || next.is(")") {
				return part
			}
		}
	}
	p.at = from
	x.Opaque = "an expression"
	d.expression()
	part := Part{Column: Expression, Collation: Binary, Desc: p.tokens[p.at-1].is("desc")}
	for _, token := range p.tokens[from:p.at] {
		if token.is("collate") {
			part.Collation = Undetermined
		}
	}
	return part
}

// expression skips to the comma or parenthesis that ends it.
func (d *Declared) expression() {
	p := d.p
	if next := p.peek(); next.is(",") || next.is(")") {
		p.fail(next)
	}
	for p.err == nil {
		switch t := p.peek(); {
		case t.is(","), t.is(")"):
			return
		case t.is("("):
			p.skip()
		case t.kind == tokenEnd, t.is(";"):
			p.fail(t)
		default:
			p.at++
		}
	}
}

func (d *Declared) where(x *Index) {
	p := d.p
	if x.Opaque == "" {
		x.Opaque = "a WHERE clause"
	}
	first := p.peek()
	if first.kind == tokenEnd || first.is(";") {
		p.fail(first)
	}
	for p.err == nil && p.peek().kind != tokenEnd && !p.peek().is(";") {
		if p.peek().is("(") {
			p.skip()
			continue
		}
		if p.next().is(")") {
			p.fail(p.tokens[p.at-1])
		}
	}
	if p.err == nil {
		x.Where = p.sql[first.from:p.tokens[p.at-1].to]
	}
}
