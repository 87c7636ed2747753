package salvage

import (
	"errors"
	"strconv"
	"strings"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// A CREATE TABLE statement with a few wrong bytes is mended: the columns whose
// definitions are whole stay, what is missing between them is known in number from the
// rows, and by name from what stands before the wrong bytes or in the table's indexes.

// mendStatements mends the definitions of tables that SQLite would not take.
func (r *rescue) mendStatements(entries []entry) {
	for i := range entries {
		e := &entries[i]
		if e.Type != "table" || e.root == 0 || e.root == lentRoot || r.readable(e) {
			continue
		}
		s := statement{rescue: r, e: e, names: indexedNames(entries, e.Name)}
		if sql, ok := s.mend(); ok {
			e.SQL = sql
			r.note("the definition of table " + e.Name + " was damaged and put right as far as its rows and indexes tell; it is now: " + sql)
		}
	}
}

// indexedNames gives the names of columns in the indexes of a table.
func indexedNames(entries []entry, table string) (names []string) {
	for _, e := range entries {
		open := strings.IndexByte(e.SQL, '(')
		if e.Type != "index" || schema.Fold(e.Table) != schema.Fold(table) || open < 0 {
			continue
		}
		list, _, _ := strings.Cut(e.SQL[open+1:], ")")
		for _, part := range strings.Split(list, ",") {
			if words := strings.Fields(part); len(words) > 0 {
				names = append(names, strings.Trim(words[0], "\"`[]'"))
			}
		}
	}
	return names
}

// statement is one definition that is being mended.
type statement struct {
	*rescue
	e     *entry
	names []string // of columns, from indexes
	rows  [][]schema.Class
	width int // values of a row
}

// mend mends the statement by the rows under its root.
func (s *statement) mend() (string, bool) {
	s.sample()
	return s.mendWith()
}

// mendWith tries ever larger parts around the wrong bytes for what is to be replaced.
func (s *statement) mendWith() (string, bool) {
	sql := s.e.SQL
	open := strings.IndexByte(sql, '(')
	if from, _ := wrongBytes(sql); from >= 0 && from < open {
		open = -1
	}
	if open < 0 { // it is among the wrong bytes, behind the name
		at := strings.Index(sql, s.e.Name)
		if open = at + len(s.e.Name) - 1; at < 0 {
			return "", false
		}
	}
	body := sql[open+1:]
	from, to := wrongBytes(body)
	if from < 0 {
		var unusual *schema.UnusualError
		if _, err := schema.ParseTable(sql); errors.As(err, &unusual) && unusual.At > open {
			from = min(unusual.At-open-1, len(body))
			to = from
		} else {
			return "", false
		}
	}
	left, right := definitions(body[:from]), definitions(body[to:])
	for dropped := 1; dropped <= droppedMax; dropped++ {
		for l := 1; l <= dropped && l <= len(left); l++ {
			if rest := dropped - l + 1; rest <= len(right) {
				if sql, ok := s.join(left[:len(left)-l], left[len(left)-l], right[rest-1], right[rest:]); ok {
					return sql, true
				}
			}
		}
	}
	return "", false
}

// droppedMax is how many definitions are given up: the wrong bytes may hold a comma.
const droppedMax = 2

// wrongBytes gives the range of what nobody writes in a statement, -1 = nothing.
func wrongBytes(text string) (from, to int) {
	from = -1
	for i, c := range []byte(text) {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= 0x7f {
			if from < 0 {
				from = i
			}
			to = i + 1
		}
	}
	return from, to
}

// definitions splits a list at its outer commas, without what closes it.
func definitions(text string) (list []string) {
	depth, at, quote := 0, 0, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '[':
			quote = ']'
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				return append(list, text[at:i])
			}
		case c == ',' && depth <= 0:
			list, at = append(list, text[at:i]), i+1
		}
	}
	return append(list, text[at:])
}

// sample reads the classes of some rows under the root, if there are any.
func (s *statement) sample() {
	d, ok := s.outermost(s.e.root, false)
	if !ok {
		return
	}
	for i := range d.Cells {
		var c page.Cell
		if d.Cell(i, &c) != nil {
			continue
		}
		values, err := s.head(d, &c)
		if err != nil {
			continue
		}
		var classes []schema.Class
		for _, v := range values {
			classes = append(classes, v.Class)
		}
		s.rows = append(s.rows, classes)
		s.width = max(s.width, len(classes))
	}
}

// join makes a statement of the definitions that are whole and as many columns between
// them as rows have more; without rows, one. broken and rest are what stands before and
// behind the wrong bytes.
func (s *statement) join(left []string, broken, rest string, right []string) (string, bool) {
	columns, constraints := split(right)
	missing := s.width - len(left) - len(columns)
	if s.width == 0 {
		missing = 1
	}
	if missing < 0 || missing > 3 {
		return "", false
	}
	list := append([]string(nil), left...)
	for i := range missing {
		first, last := "", ""
		if i == 0 {
			first = broken
		}
		if i == missing-1 {
			last = rest
		}
		list = append(list, s.column(len(left)+i, first, last, left, columns))
	}
	list = append(list, columns...)
	for _, tail := range [][]string{constraints, nil} {
		sql := "CREATE TABLE " + quoted(s.e.Name) + "(" + strings.Join(append(list[:len(list):len(list)], tail...), ",") + ")"
		def, err := schema.ParseTable(sql)
		if err == nil && len(def.Stored) == len(left)+missing+len(columns) && !def.WithoutRowid && s.compiles(sql) && s.holds(def) {
			return sql, true
		}
	}
	return "", false
}

// split tells columns from constraints.
func split(list []string) (columns, constraints []string) {
	for i, d := range list {
		words := strings.Fields(d)
		if len(words) == 0 {
			continue
		}
		word, _, _ := strings.Cut(schema.Fold(words[0]), "(")
		switch word {
		case "constraint", "primary", "unique", "check", "foreign":
			return list[:i], list[i:]
		}
	}
	return list, nil
}

// column gives a definition for a column that is missing at a place in the record.
func (s *statement) column(slot int, broken, rest string, left, right []string) string {
	name := ""
	if fields := strings.Fields(broken); len(fields) > 1 || len(fields) == 1 && strings.HasSuffix(broken, " ") {
		name = fields[0]
	}
	if name == "" {
		taken := schema.Fold(strings.Join(left, " ") + " " + strings.Join(right, " "))
		var free []string
		for _, n := range s.names {
			if !strings.Contains(taken, schema.Fold(n)) && strings.HasPrefix(schema.Fold(n), schema.Fold(strings.Trim(broken, " \t\r\n\"`['"))) {
				free = append(free, n)
			}
		}
		if len(free) > 0 {
			name = quoted(free[0])
		}
	}
	if words := strings.Fields(rest); name == "" && strings.TrimSpace(broken) == "" && len(words) > 1 {
		name = words[0] // the wrong bytes end where it begins
	}
	if name == "" {
		name = "column_" + strconv.Itoa(slot+1)
	}
	for _, row := range s.rows {
		if slot < len(row) && row[slot] != classNull {
			return name
		}
	}
	if slot == 0 {
		return name + " INTEGER PRIMARY KEY" // its place in the record is always NULL
	}
	return name
}

// holds tells whether the rows can be of the definition.
func (s *statement) holds(def *schema.Table) bool {
	for _, row := range s.rows {
		for slot, class := range row {
			column := def.Stored[slot]
			if column == def.RowidColumn && class != classNull || column != def.RowidColumn && class == classNull && def.Columns[column].NotNull {
				return false
			}
		}
	}
	return true
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
