package rebuild

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A virtual table is what its module makes of its shadow tables. When pages of these are
// lost the module finds them damaged: then they are made anew from what is left.

// modules looks at every virtual table whose module is known here, after all is in.
func (d *Database) modules(done func() error) error {
	if err := d.db.Exec(`PRAGMA writable_schema=RESET`); err != nil {
		return d.fail(err)
	}
	for _, o := range d.plan.Objects {
		if o.Type != "table" || !d.has(o.Name) {
			continue
		}
		if err := done(); err != nil {
			return err
		}
		var err error
		switch moduleOf(o.SQL) {
		case "fts5":
			err = d.mendFTS(o.Name, o.SQL)
		case "fts3", "fts4":
			d.judgeFTS4(o.Name, o.SQL)
		case "rtree", "rtree_i32":
			err = d.mendRTree(o.Name, o.SQL)
		}
		if err == nil {
			continue
		}
		if stopped := d.stopped(err); stopped != nil && d.ctx.Err() != nil {
			return stopped
		}
		d.notes = append(d.notes, fmt.Sprintf("table %s is damaged and could not be made anew: %v", o.Name, err))
	}
	return nil
}

// moduleOf gives the module of a CREATE VIRTUAL TABLE statement.
func moduleOf(sql string) string {
	words := strings.Fields(strings.NewReplacer("(", " ", "\"", " \" ").Replace(sql))
	for i, w := range words {
		if strings.EqualFold(w, "using") && i+1 < len(words) {
			return strings.ToLower(words[i+1])
		}
	}
	return ""
}

// mendFTS makes the index of a full-text table anew from its content when it is damaged
// (https://sqlite.org/fts5.html#the_rebuild_command).
func (d *Database) mendFTS(name, sql string) error {
	t := quote(name)
	command := func(words string) error {
		return d.db.Exec(`INSERT INTO ` + t + `(` + t + `) VALUES('` + words + `')`)
	}
	// The check does not miss what the table of terms lacks.
	whole := !slices.ContainsFunc([]string{"_data", "_idx", "_docsize", "_content"}, func(s string) bool { return d.hurt[name+s] })
	if command("integrity-check") == nil && (whole || !d.has(name+"_content") && !strings.Contains(strings.ReplaceAll(sql, " ", ""), "content='")) {
		return nil
	}
	shadow := func(s string) string { return quote(name + s) }
	// What an empty index has; FTS5 reads it before it does anything else.
	err := d.db.Exec(`DELETE FROM ` + shadow("_data") + `; DELETE FROM ` + shadow("_idx") + `;
		INSERT INTO ` + shadow("_data") + ` VALUES(1,x''),(10,x'00000000000000');
		INSERT OR IGNORE INTO ` + shadow("_config") + ` VALUES('version',4)`)
	if err != nil {
		return err
	}
	if d.has(name + "_docsize") {
		if err := d.db.Exec(`DELETE FROM ` + shadow("_docsize")); err != nil {
			return err
		}
	}
	if err := d.db.Exec(`PRAGMA writable_schema=RESET`); err != nil {
		return err
	}
	if err := command("rebuild"); err != nil {
		d.notes = append(d.notes, "the full-text table "+name+" has no content to make its index from: it is empty, and the application has to fill it")
		return nil //nolint:nilerr // an empty index is sound
	}
	d.anew = append(d.anew, name+"_data", name+"_idx", name+"_docsize", name+"_config")
	d.notes = append(d.notes, "the full-text index "+name+" was damaged and made anew from its content")
	return nil
}

// leafEntry is an entry of an R-tree.
type leafEntry struct {
	id     int64
	coords []float64
}

// mendRTree makes an R-tree anew from the nodes that are left when it is damaged
// (https://sqlite.org/rtree.html).
func (d *Database) mendRTree(name, sql string) error {
	if verdict, err := d.text(`SELECT rtreecheck(?)`, name); err == nil && verdict == "ok" {
		return nil
	}
	coords, aux := rtreeShape(sql)
	integers := moduleOf(sql) == "rtree_i32"
	entries, nodeBytes, err := d.leaves(name, coords, integers)
	if err != nil {
		return err
	}
	if nodeBytes == 0 {
		nodeBytes = min(d.plan.PageSize-64, 4+nodeCellsMax*(8+4*coords))
	}
	had := `SELECT rowid AS id`
	for i := range aux {
		had += fmt.Sprintf(",a%d", i)
	}
	err = d.db.Exec(`CREATE TEMP TABLE had AS ` + had + ` FROM ` + quote(name+"_rowid") + `;
		DELETE FROM ` + quote(name+"_rowid") + `; DELETE FROM ` + quote(name+"_parent") + `; DELETE FROM ` + quote(name+"_node") + `;
		INSERT INTO ` + quote(name+"_node") + fmt.Sprintf(` VALUES(1,zeroblob(%d)); PRAGMA writable_schema=RESET; BEGIN`, nodeBytes))
	if err != nil {
		return err
	}
	if err := d.plant(name, coords, aux, entries); err != nil {
		return errors.Join(err, d.db.Exec(`ROLLBACK`))
	}
	d.notes = append(d.notes, fmt.Sprintf("the R-tree %s was damaged and made anew from the %d entries that were left", name, len(entries)))
	d.anew = append(d.anew, name+"_node", name+"_parent", name+"_rowid")
	return d.db.Exec(`COMMIT; DROP TABLE temp.had`)
}

// nodeCellsMax is how many entries a node of an R-tree has at most.
const nodeCellsMax = 51

// plant fills an empty R-tree.
func (d *Database) plant(name string, coords, aux int, entries []leafEntry) error {
	sql := `INSERT INTO ` + quote(name) + ` SELECT ?1`
	for i := range coords {
		sql += fmt.Sprintf(",?%d", i+2)
	}
	for i := range aux {
		sql += fmt.Sprintf(",(SELECT a%d FROM had WHERE id=?1)", i)
	}
	s, _, err := d.db.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, e := range entries {
		err := s.BindInt64(1, e.id)
		for i, c := range e.coords {
			err = errors.Join(err, s.BindFloat(i+2, c))
		}
		if err == nil {
			err = s.Exec()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rtreeShape gives how many coordinates and auxiliary columns an R-tree has, by the
// statement that makes it: an id, coordinates, then columns with a plus before them.
func rtreeShape(sql string) (coords, aux int) {
	_, list, _ := strings.Cut(sql, "(")
	for i, column := range strings.Split(list, ",") {
		switch {
		case strings.HasPrefix(strings.TrimSpace(column), "+"):
			aux++
		case i > 0:
			coords++
		}
	}
	return coords, aux
}

// leaves reads the entries of the leaf nodes that are left: those that a row names, for
// only a leaf has rows, and in a tree of one or two levels all that are not above
// others. The root says how many levels there are below it. All nodes have one size, 0 =
// there are none.
func (d *Database) leaves(name string, coords int, integers bool) (entries []leafEntry, nodeBytes int, err error) {
	node := quote(name + "_node")
	s, _, err := d.db.Prepare(`WITH root AS (SELECT substr(data,1,2) AS depth FROM ` + node + ` WHERE nodeno=1)
		SELECT nodeno, data FROM ` + node + ` WHERE typeof(data)='blob' AND (nodeno IN (SELECT nodeno FROM ` + quote(name+"_rowid") + `)
		OR nodeno=1 AND x'0000'=(SELECT depth FROM root) OR nodeno>1 AND x'0001'=(SELECT depth FROM root)) ORDER BY nodeno`)
	if err != nil {
		return nil, 0, err
	}
	seen := map[int64]bool{}
	for s.Step() {
		b := s.ColumnRawBlob(1)
		if len(b) < 4 {
			continue
		}
		nodeBytes = len(b)
		size := 8 + 4*coords
		for at, left := 4, int(binary.BigEndian.Uint16(b[2:])); left > 0 && at+size <= len(b); at, left = at+size, left-1 {
			e := leafEntry{id: int64(binary.BigEndian.Uint64(b[at:]))}
			for i := range coords {
				bits := binary.BigEndian.Uint32(b[at+8+4*i:])
				v := float64(math.Float32frombits(bits))
				if integers {
					v = float64(int32(bits))
				}
				e.coords = append(e.coords, v)
			}
			if !seen[e.id] {
				seen[e.id] = true
				entries = append(entries, e)
			}
		}
	}
	return entries, nodeBytes, errors.Join(s.Err(), s.Close())
}

// text gives the first value of a query.
func (d *Database) text(sql, arg string) (value string, err error) {
	s, _, err := d.db.Prepare(sql)
	if err != nil {
		return "", err
	}
	if err := s.BindText(1, arg); err != nil {
		return "", errors.Join(err, s.Close())
	}
	if s.Step() {
		value = s.ColumnText(0)
	}
	return value, errors.Join(s.Err(), s.Close())
}
