package check_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/ext/rtree"
	"github.com/ncruces/go-sqlite3/ext/serdes"
)

// maker makes small databases of all shapes with SQLite itself. The same seed makes the
// same database with the same SQLite.
type maker struct {
	t   testing.TB
	rng *rand.Rand
	db  *sqlite3.Conn
	sql []string // what was done, but for the rows
}

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

// maybe is true once in so many times.
func (m *maker) maybe(n int) bool { return m.rng.IntN(n) == 0 }

// generate gives the image of a database, and the SQL that made it.
func generate(t testing.TB, seed uint64) (image []byte, sql string) {
	t.Helper()
	m := &maker{t: t, rng: rand.New(rand.NewPCG(seed, 7))}
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	m.db = db
	if err := fts5.Register(db); err != nil {
		t.Fatal(err)
	}
	if err := rtree.Register(db); err != nil {
		t.Fatal(err)
	}
	// SQLite's own would give another database for the same seed each time.
	err = db.CreateFunction("random", 0, 0, func(ctx sqlite3.Context, _ ...sqlite3.Value) { ctx.ResultInt64(m.rng.Int64()) })
	if err != nil {
		t.Fatal(err)
	}
	m.settings()
	for i := range 1 + m.rng.IntN(3) {
		m.table(fmt.Sprintf("t%d", i))
	}
	m.extras()
	image, err = serdes.Serialize(db, "main")
	if err != nil {
		t.Fatal(err)
	}
	return image, strings.Join(m.sql, ";\n")
}

// exec does something that may be refused, as an insert that breaks a constraint.
func (m *maker) exec(sql string) bool {
	if err := m.db.Exec(sql); err != nil {
		return false
	}
	if !strings.HasPrefix(sql, "insert") {
		m.sql = append(m.sql, sql)
	}
	return true
}

func (m *maker) settings() {
	m.exec(fmt.Sprintf("pragma page_size=%d", pick(m.rng, 512, 512, 1024, 1024, 2048, 4096, 65536)))
	m.exec("pragma encoding='" + pick(m.rng, "UTF-8", "UTF-8", "UTF-16le", "UTF-16be") + "'")
	m.exec(fmt.Sprintf("pragma auto_vacuum=%d", pick(m.rng, 0, 0, 1, 2)))
	if m.maybe(4) {
		reserve := 1 + m.rng.IntN(20)
		if reserve == 8 { // which has a meaning of its own for the driver
			reserve = 9
		}
		if _, err := m.db.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, reserve); err != nil {
			m.t.Fatal(err)
		}
	}
	if m.maybe(6) {
		if _, err := m.db.Config(sqlite3.DBCONFIG_LEGACY_FILE_FORMAT, true); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *maker) table(name string) {
	strict, withoutRowid := m.maybe(5), m.maybe(4)
	var columns []string
	n := 1 + m.rng.IntN(6)
	for i := range n {
		columns = append(columns, m.column(fmt.Sprintf("c%d", i), strict, i))
	}
	if withoutRowid || m.maybe(4) {
		columns = append(columns, "primary key("+m.keys(n, withoutRowid)+")")
	} else if m.maybe(3) {
		columns = append([]string{"id integer primary key" + pick(m.rng, "", "", " autoincrement", " desc")}, columns...)
	}
	if m.maybe(4) {
		columns = append(columns, "unique("+m.keys(n, false)+")")
	}
	if m.maybe(6) {
		columns = append(columns, "check(c0 is null or length(c0) < 100000)")
	}
	options := []string{}
	if strict {
		options = append(options, "strict")
	}
	if withoutRowid {
		options = append(options, "without rowid")
	}
	if !m.exec("create table " + name + "(" + strings.Join(columns, ", ") + ") " + strings.Join(options, ", ")) {
		m.exec("create table " + name + "(c0, c1 int unique, c2 text collate nocase)")
		n = 3
	}
	early := m.maybe(2)
	if early {
		m.indexes(name, n)
	}
	m.rows(name, n)
	if m.maybe(3) {
		m.alter(name)
		m.rows(name, n)
	}
	if !early {
		m.indexes(name, n)
	}
	m.thin(name)
}

func (m *maker) column(name string, strict bool, i int) string {
	c := name
	if strict {
		c += " " + pick(m.rng, "int", "integer", "real", "text", "blob", "any")
	} else {
		c += " " + pick(m.rng, "", "", "int", "text", "text", "real", "numeric", "blob", "varchar(10)", "double", "boolean")
	}
	if m.maybe(4) {
		c += " collate " + pick(m.rng, "nocase", "rtrim", "binary")
	}
	if m.maybe(7) {
		c += " unique"
	}
	if m.maybe(9) && i > 0 {
		return c + " as (" + pick(m.rng, "c0", "length(c0)", "7", "upper(c0)") + ")" + pick(m.rng, "", " stored", " virtual")
	}
	if m.maybe(5) {
		c += " not null"
	}
	if m.maybe(6) {
		c += " default " + pick(m.rng, "5", "-3", "'abc'", "2.5", "x'0102'", "null", "true", "(4)")
	}
	return c
}

// keys lists columns for a key.
func (m *maker) keys(n int, narrow bool) string {
	var list []string
	for _, i := range m.rng.Perm(n)[:1+m.rng.IntN(min(n, 3))] {
		k := fmt.Sprintf("c%d", i)
		if m.maybe(4) {
			k += " collate " + pick(m.rng, "nocase", "rtrim", "binary")
		}
		if m.maybe(3) {
			k += " desc"
		}
		list = append(list, k)
	}
	return strings.Join(list, ", ")
}

func (m *maker) indexes(table string, n int) {
	for i := range m.rng.IntN(4) {
		unique := ""
		if m.maybe(4) {
			unique = "unique "
		}
		on := m.keys(n, false)
		if m.maybe(8) {
			on = pick(m.rng, "lower(c0)", "c0 || 'x'", "length(c0), c0")
		}
		where := ""
		if m.maybe(8) {
			where = " where " + pick(m.rng, "c0 is not null", "c0 > 3", "length(c0) > 2")
		}
		m.exec(fmt.Sprintf("create %sindex %s_i%d on %s(%s)%s", unique, table, i, table, on, where))
	}
}

func (m *maker) rows(table string, n int) {
	var names []string
	s, _, err := m.db.Prepare("select name from pragma_table_info('" + table + "') where name <> 'id'")
	if err != nil {
		m.t.Fatal(err)
	}
	defer s.Close()
	for s.Step() {
		names = append(names, s.ColumnText(0))
	}
	for range pick(m.rng, 0, 3, 10, 40, 120) {
		values := make([]string, len(names))
		for i := range values {
			values[i] = m.value()
		}
		id, idValue := "", ""
		if m.maybe(5) {
			id, idValue = ", id", fmt.Sprintf(", %d", pick(m.rng, m.rng.Int64(), -m.rng.Int64(), int64(m.rng.IntN(1000)), math.MaxInt64, math.MinInt64))
		}
		m.exec("insert or ignore into " + table + "(" + strings.Join(names, ", ") + id + ") values(" + strings.Join(values, ", ") + idValue + ")")
	}
}

func (m *maker) value() string {
	switch m.rng.IntN(14) {
	case 0:
		return "null"
	case 1:
		return fmt.Sprint(m.rng.IntN(5))
	case 2:
		return fmt.Sprint(m.rng.Int64() >> m.rng.IntN(64))
	case 3:
		return fmt.Sprint(-(m.rng.Int64() >> m.rng.IntN(64)))
	case 4:
		return fmt.Sprintf("%g", m.rng.NormFloat64()*math.Pow(10, float64(m.rng.IntN(30)-10)))
	case 5:
		return fmt.Sprintf("%d.0", m.rng.IntN(100))
	case 6:
		return pick(m.rng, "9e999", "-9e999", "0.0", "-0.0", "9223372036854775807", "-9223372036854775808", "9.2233720368547758e18", "1e15", "4503599627370497.5")
	case 7:
		return fmt.Sprintf("x'%x'", m.bytes(m.rng.IntN(12)))
	case 8:
		return fmt.Sprintf("x'%x'", m.bytes(pick(m.rng, 60, 200, 500, 3000)))
	case 9:
		return "'" + strings.Repeat(pick(m.rng, "a", "B", "ö", "☃"), pick(m.rng, 40, 200, 900)) + fmt.Sprint(m.rng.IntN(9)) + "'"
	case 10:
		return pick(m.rng, "''", "' '", "'12'", "'1e3'", "' 7 '", "'0x10'", "'abc'", "'ABC'", "'abc '", "'abc  '", "'😀x'", "char(97,0,98)", "char(0)", "cast(x'ff41' as text)", "cast(x'd83d41' as text)")
	}
	return "'" + pick(m.rng, "name", "Name", "NAME", "value", "größe") + " " + fmt.Sprint(m.rng.IntN(300)) + pick(m.rng, "", "", " ", "  ") + "'"
}

func (m *maker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.rng.Uint32())
	}
	return b
}

func (m *maker) alter(table string) {
	m.exec("alter table " + table + " add column more " + pick(m.rng, "", "int", "text", "real", "text collate nocase") +
		pick(m.rng, "", " default 7", " default 'x'", " default 2.0", " default null", " not null default 'n'"))
	if m.maybe(2) {
		m.exec("create index " + table + "_more on " + table + "(more)")
	}
	if m.maybe(3) {
		m.exec("alter table " + table + " rename column c0 to renamed")
		m.exec("alter table " + table + " rename column renamed to c0")
	}
	if m.maybe(4) {
		m.exec("alter table " + table + " drop column c1")
	}
}

// thin deletes and changes rows, so that pages have holes and lists have members.
func (m *maker) thin(table string) {
	if m.maybe(2) {
		m.exec(fmt.Sprintf("delete from %s where abs(random()) %% %d = 0", table, 2+m.rng.IntN(5)))
	}
	if m.maybe(3) {
		m.exec(fmt.Sprintf("update or ignore %s set c0 = %s where abs(random()) %% 3 = 0", table, m.value()))
	}
	if m.maybe(8) {
		m.exec("delete from " + table)
	}
}

func (m *maker) extras() {
	if m.maybe(6) {
		m.exec("create view v as select * from t0")
	}
	if m.maybe(6) {
		m.exec("create trigger tr after insert on t0 begin select 1; end")
	}
	if m.maybe(5) {
		m.exec("analyze")
	}
	if m.maybe(5) {
		m.exec("create table gone(x)")
		m.exec(fmt.Sprintf("insert into gone values(zeroblob(%d))", 1+m.rng.IntN(40000)))
		m.exec("drop table gone")
	}
	if m.maybe(12) && m.exec("create virtual table words using fts5(body)") {
		m.exec("insert into words values('page frame freelist'), ('checkpoint savepoint')")
	}
	if m.maybe(12) && m.exec("create virtual table places using rtree(id, x0, x1)") {
		m.exec("insert into places values(1, 0, 1), (2, 5, 6)")
	}
	if m.maybe(6) {
		m.exec("vacuum")
	}
}
