package schema

// columnsMax is SQLite's own limit as it is usually built
// (https://sqlite.org/limits.html#max_column).
const columnsMax = 2000

// builder puts a table together.
type builder struct {
	*parser
	t       *Table
	hasKey  bool
	keyDesc bool // of an INTEGER PRIMARY KEY, should the table turn out WITHOUT ROWID
	byName  map[string]int
}

// ParseTable reads a CREATE TABLE statement as it stands in sqlite_schema
// (https://sqlite.org/lang_createtable.html). The error is an *UnusualError.
func ParseTable(sql string) (*Table, error) {
	b := &builder{parser: newParser(sql), t: &Table{RowidColumn: -1}, byName: map[string]int{}}
	b.expect("create", "table")
	b.t.Name = b.name()
	b.expect("(")
	b.column()
	more := b.accept(",")
	for ; b.err == nil && more && !b.startsConstraint(); more = b.accept(",") {
		b.column()
	}
	for b.err == nil && more {
		b.constraint()
		if b.accept(",") && !b.startsConstraint() {
			b.fail(b.peek())
		}
		more = b.startsConstraint() // between constraints SQLite does not insist on the comma
	}
	b.expect(")")
	b.options()
	if err := b.end(); err != nil {
		return nil, err
	}
	b.complete()
	if b.err != nil {
		return nil, b.err
	}
	return b.t, nil
}

func (b *builder) options() {
	for b.err == nil && (b.peek().is("without") || b.peek().is("strict")) {
		if b.accept("strict") {
			b.t.Strict = true
		} else {
			b.expect("without", "rowid")
			b.t.WithoutRowid = true
		}
		if !b.accept(",") {
			return
		}
		if !b.peek().is("without") && !b.peek().is("strict") {
			b.fail(b.peek())
		}
	}
}

// column reads name, type and constraints of a column.
func (b *builder) column() {
	c := Column{Name: b.name(), Collation: Binary}
	if b.err != nil {
		return
	}
	if _, twice := b.byName[Fold(c.Name)]; twice || len(b.t.Columns) == columnsMax {
		b.fail(b.tokens[b.at-1])
		return
	}
	b.byName[Fold(c.Name)] = len(b.t.Columns)
	c.Type = b.typeName()
	c.Affinity = AffinityOf(c.Type)
	b.t.Columns = append(b.t.Columns, c)
	for b.err == nil && b.columnConstraint(&b.t.Columns[len(b.t.Columns)-1]) {
	}
}

// typeName gives the text of a type, comments and all: they count for the affinity.
func (b *builder) typeName() string {
	from, to := b.peek().from, 0
	for {
		t := b.peek()
		word := t.kind == tokenWord && !listed(reserved, t.text) && !listed(alsoJoins, t.text)
		if !word && t.kind != tokenQuoted && t.kind != tokenString || t.is("generated") && b.ahead().is("always") {
			break
		}
		to = b.next().to
	}
	if to == 0 {
		return ""
	}
	if b.accept("(") {
		b.signed()
		if b.accept(",") {
			b.signed()
		}
		to = b.peek().to
		b.expect(")")
	}
	return dequote(b.sql[from:to])
}

func (b *builder) signed() {
	if !b.accept("+") {
		b.accept("-")
	}
	if t := b.next(); t.kind != tokenNumber {
		b.fail(t)
	}
}

// columnConstraint reads one constraint, false if none comes.
func (b *builder) columnConstraint(c *Column) bool {
	i := len(b.t.Columns) - 1
	switch {
	case b.accept("constraint"):
		b.name()
	case b.accept("default"):
		b.defaultOf(c)
	case b.accept("null"):
		b.onConflict()
	case b.accept("not", "null"):
		c.NotNull = true
		b.onConflict()
	case b.accept("primary", "key"):
		desc := b.direction()
		b.onConflict()
		b.key([]Part{{Column: i, Collation: c.Collation, Desc: desc}}, b.accept("autoincrement"), desc)
	case b.accept("unique"):
		b.onConflict()
		b.implied([]Part{{Column: i, Collation: c.Collation}}, false)
	case b.accept("check"):
		b.check()
	case b.accept("references"):
		b.references([]int{i})
	case b.peek().is("not") && b.ahead().is("deferrable"), b.peek().is("deferrable"):
		b.deferrable()
	case b.accept("collate"):
		b.collate(c, i)
	case b.accept("generated", "always", "as"), b.accept("as"):
		b.generated(c)
	default:
		return false
	}
	return b.err == nil
}

// collate changes indexes that were implied before the collation was named, too.
func (b *builder) collate(c *Column, column int) {
	c.Collation = Fold(b.name())
	for _, x := range b.t.Implied {
		if x.Parts[0].Column == column {
			x.Parts[0].Collation = c.Collation
		}
	}
}

func (b *builder) generated(c *Column) {
	b.skip()
	c.Generated = Virtual
	switch t := b.peek(); {
	case t.is("stored"):
		c.Generated = Stored
		b.at++
	case t.is("virtual"):
		b.at++
	}
	b.t.Uncompiled = true
	if c.Key || c.Default.Known != DefaultNone {
		b.fail(b.tokens[b.at-1])
	}
}

func (b *builder) check() {
	if !b.skip() {
		b.fail(b.tokens[b.at-1])
	}
	b.onConflict()
	b.t.Uncompiled = true
	for _, o := range b.t.Opaque {
		if o == opaqueCheck {
			return
		}
	}
	b.t.Opaque = append(b.t.Opaque, opaqueCheck)
}

const opaqueCheck = "CHECK constraints"

func (b *builder) deferrable() {
	b.accept("not")
	b.expect("deferrable")
	if b.accept("initially") && !b.accept("deferred") {
		b.expect("immediate")
	}
}

// references reads what follows REFERENCES.
func (b *builder) references(columns []int) {
	k := ForeignKey{Columns: columns, Parent: b.name()}
	if b.peek().is("(") {
		b.list(func() { k.Parents = append(k.Parents, b.name()) })
		if len(k.Parents) != len(columns) {
			b.fail(b.peek())
		}
	}
	for b.err == nil {
		switch {
		case b.accept("on", "delete"), b.accept("on", "update"), b.accept("on", "insert"):
			if !b.accept("set", "null") && !b.accept("set", "default") && !b.accept("cascade") && !b.accept("restrict") {
				b.expect("no", "action")
			}
			continue
		case b.accept("match"):
			b.name()
			continue
		}
		break
	}
	b.t.ForeignKeys = append(b.t.ForeignKeys, k)
}

func (b *builder) startsConstraint() bool {
	for _, word := range []string{"constraint", "primary", "unique", "check", "foreign"} {
		if b.peek().is(word) {
			return true
		}
	}
	return false
}

// constraint reads one constraint of the table.
func (b *builder) constraint() {
	switch {
	case b.accept("constraint"):
		b.name()
	case b.accept("primary", "key"):
		b.expect("(")
		parts := b.keyParts()
		auto := b.accept("autoincrement")
		b.expect(")")
		b.onConflict()
		b.key(parts, auto, false)
	case b.accept("unique"):
		b.expect("(")
		parts := b.keyParts()
		b.expect(")")
		b.onConflict()
		b.implied(parts, false)
	case b.accept("check"):
		b.check()
	case b.accept("foreign", "key"):
		var columns []int
		b.list(func() { columns = append(columns, b.known()) })
		b.expect("references")
		b.references(columns)
		if b.peek().is("deferrable") || b.peek().is("not") {
			b.deferrable()
		}
	default:
		b.fail(b.peek())
	}
}

// known takes the name of a column that there is.
func (b *builder) known() int {
	t := b.peek()
	if i, ok := b.byName[Fold(b.name())]; ok {
		return i
	}
	b.fail(t)
	return 0
}

func (b *builder) keyParts() (parts []Part) {
	for b.err == nil {
		i := b.known()
		if b.err != nil {
			break
		}
		part := Part{Column: i, Collation: b.t.Columns[i].Collation}
		if b.accept("collate") {
			part.Collation = Fold(b.name())
		}
		part.Desc = b.direction()
		parts = append(parts, part)
		if !b.accept(",") {
			break
		}
	}
	return parts
}
