package salvage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
)

// score is how one recovery did. A row is right when the table of its name has it with
// every value exactly. What is presented as right is what is confirmed.
type score struct {
	rows  int // in the truth
	right int
	whole bool
	// Rows in a table of the new database by what is said of them, and the ones that the
	// truth does not have.
	confirmed, unconfirmed, doubted graded // the last one: or lent
	unchanged                       int    // rows found in a file of a known age that the older copy has, too, as the truth has them
	known                           int    // of these, confirmed
}

// graded counts rows of a grade.
type graded struct{ rows, wrong int }

func (g *graded) add(x graded) { g.rows, g.wrong = g.rows+x.rows, g.wrong+x.wrong }

func (s score) percent() float64 {
	if s.rows == 0 {
		return 100
	}
	return 100 * float64(s.right) / float64(s.rows)
}

// doubts are the rows that a recovered database does not vouch for, and those that
// something confirms.
type doubts struct {
	all     bool // every one
	undated map[string]map[place]bool
	anew    map[string]bool // those of module tables that were made again
	rows    map[string]map[int64]bool
	keys    map[string]map[string]bool

	confirmed map[string]map[place]bool
	lent      map[string]map[place]bool
}

// place is the key of a row.
type place struct {
	id  int64
	key string
}

// recovered gives the score of Officer.
func recovered(t testing.TB, damaged, truth, base string) score {
	t.Helper()
	to := filepath.Join(t.TempDir(), "recovered.db")
	d := doubts{undated: map[string]map[place]bool{}, anew: map[string]bool{}, rows: map[string]map[int64]bool{}, keys: map[string]map[string]bool{}, confirmed: map[string]map[place]bool{}, lent: map[string]map[place]bool{}}
	got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: damaged, To: to, Base: base, Placed: d.placed})
	if fault.CodeOf(err) == fault.NotADatabase {
		return compare(t, truth, "", base, doubts{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if got.Verdict.Verdict != "ok" {
		t.Errorf("%s: the new database does not pass its check: %+v", filepath.Base(truth), got.Verdict)
	}
	d.all = got.Undated != ""
	if got.Doubts != "" {
		d.read(t, to, got.Doubts)
	}
	for i := range got.Tables {
		d.counted(t, &got.Tables[i])
	}
	return compare(t, truth, to, base, d)
}

func (d *doubts) placed(table, key string, r *salvage.Row) {
	if d.confirmed[table] == nil {
		d.confirmed[table], d.lent[table], d.undated[table] = map[place]bool{}, map[place]bool{}, map[place]bool{}
	}
	at := place{r.Rowid, key}
	if key != "" {
		at.id = 0
	}
	d.confirmed[table][at] = r.Proof != salvage.Unconfirmed
	d.undated[table][at] = r.Undated
	d.lent[table][at] = r.From == salvage.FromBase
}

// counted holds the report to what was said of each row.
func (d *doubts) counted(t testing.TB, r *salvage.TableReport) {
	t.Helper()
	n := int64(0)
	if module, own := strings.CutSuffix(r.Name, "_node"); own && slices.Contains(r.Notes, "its rows were made again by the module") {
		d.anew[module] = true // the R-tree shows what is in its own tables
	}
	for at, yes := range d.confirmed[r.Name] {
		if yes && !d.rows[r.Name][at.id] {
			n++
		}
	}
	if r.Confirmed() == 0 {
		d.confirmed[r.Name] = nil // its module made it again
	} else if n != r.Confirmed() || r.Unconfirmed() < 0 {
		t.Errorf("table %s: %d rows were said to be confirmed, and the report counts %d: %+v", r.Name, n, r.Confirmed(), *r)
	}
}

func (d *doubts) read(t testing.TB, path, table string) {
	t.Helper()
	db := opened(t, path)
	defer db.Close()
	rows, err := db.Query(`SELECT "table", id, key FROM ` + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var id sql.NullInt64
		var key sql.NullString
		if err := rows.Scan(&name, &id, &key); err != nil {
			t.Fatal(err)
		}
		if d.rows[name] == nil {
			d.rows[name], d.keys[name] = map[int64]bool{}, map[string]bool{}
		}
		if id.Valid {
			d.rows[name][id.Int64] = true
		} else {
			d.keys[name][key.String] = true
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// compare scores a recovered database; path is "" when there is none.
func compare(t testing.TB, truth, path, base string, d doubts) (s score) {
	t.Helper()
	scratch := copiedWhole(t, truth, filepath.Join(t.TempDir(), "truth.db"))
	want := opened(t, scratch)
	defer want.Close()
	have, was := openedIf(t, path), openedIf(t, base)
	defer closed(have, was)
	s.whole = true
	for _, table := range tablesOf(t, want) {
		expected := rowsOf(t, want, table, table)
		s.rows += len(expected)
		var found, older []row
		if have != nil {
			found = rowsOf(t, have, table, table)
		}
		if was != nil {
			older = rowsOf(t, was, table, table)
		}
		s.table(table.name, expected, found, older, d)
	}
	return s
}

// openedIf opens a database, nil if there is none.
func openedIf(t testing.TB, path string) *sql.DB {
	t.Helper()
	if path == "" {
		return nil
	}
	if _, err := fsx.OS().Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return opened(t, path)
}

func closed(all ...*sql.DB) {
	for _, db := range all {
		if db != nil {
			_ = db.Close()
		}
	}
}

func (s *score) table(name string, expected, found, older []row, d doubts) {
	left, unchanged := map[string]int{}, map[string]bool{}
	for _, r := range expected {
		left[r.image]++
	}
	for _, r := range older {
		if left[r.image] > 0 {
			unchanged[r.image] = true
		}
	}
	right := 0
	for _, r := range found {
		wrong := 1
		if left[r.image] > 0 {
			left[r.image]--
			right++
			wrong = 0
		}
		s.whole = s.whole && wrong == 0
		at := place{r.id, r.key}
		if wrong == 0 && unchanged[r.image] && !d.all && d.lent[name] != nil && !d.lent[name][at] { // a module's table has what its own tables have
			s.unchanged++
			if d.confirmed[name][at] {
				s.known++
			}
		}
		switch {
		case d.all && (d.undated[name] == nil || d.undated[name][at]) || d.anew[name] || d.rows[name][r.id] || d.keys[name][r.key]:
			s.doubted.add(graded{1, wrong})
		case d.confirmed[name][at]:
			s.confirmed.add(graded{1, wrong})
		default:
			s.unconfirmed.add(graded{1, wrong})
		}
	}
	s.right += right
	s.whole = s.whole && right == len(expected)
}

// table is a table that stores rows.
type table struct {
	name    string
	columns []string
	key     []string // the primary key of a table without rowid
	keyed   bool
}

func tablesOf(t testing.TB, db *sql.DB) (all []table) {
	t.Helper()
	// What a module keeps in its shadow tables is its own affair, but the content is not.
	for _, f := range query(t, db, `SELECT name, wr FROM pragma_table_list l WHERE schema='main' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND (type='table' OR type='shadow' AND name LIKE '%\_content' ESCAPE '\'
			OR type='virtual' AND (SELECT sql LIKE '%rtree%' FROM sqlite_schema s WHERE s.name=l.name)) ORDER BY name`) {
		made := table{name: f[0], keyed: f[1] == "1"}
		for _, c := range query(t, db, `SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden IN (0,2,3) ORDER BY pk, cid`, made.name) {
			made.columns = append(made.columns, c[0])
			if c[1] != "0" {
				made.key = append(made.key, c[0])
			}
		}
		all = append(all, made)
	}
	return all
}

func query(t testing.TB, db *sql.DB, q string, args ...any) (all [][2]string) {
	t.Helper()
	rows, err := db.Query(q, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var f [2]string
		if err := rows.Scan(&f[0], &f[1]); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

// row is one row: its key, and all of it.
type row struct {
	id    int64
	key   string
	image string
}

// rowsOf reads all rows of a table, nil if there is no such table.
func rowsOf(t testing.TB, db *sql.DB, as, in table) (all []row) {
	t.Helper()
	id := "rowid"
	if as.keyed {
		id = "0"
	}
	var parts, key []string
	for _, c := range as.columns {
		q := `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		parts = append(parts, "typeof("+q+")", "CASE typeof("+q+") WHEN 'text' THEN CAST("+q+" AS BLOB) ELSE "+q+" END")
	}
	for _, c := range as.key {
		key = append(key, `quote("`+strings.ReplaceAll(c, `"`, `""`)+`")`)
	}
	if !as.keyed {
		key = []string{"''"}
	}
	rows, err := db.Query(`SELECT ` + id + `,` + strings.Join(key, `||','||`) + `,` + strings.Join(parts, ",") +
		` FROM "` + strings.ReplaceAll(in.name, `"`, `""`) + `" NOT INDEXED`)
	if err != nil {
		return nil
	}
	defer rows.Close()
	values := make([]any, len(parts))
	into := []any{new(int64), new(string)}
	for i := range values {
		into = append(into, &values[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		r := row{id: *into[0].(*int64), key: *into[1].(*string)}
		r.image = fmt.Sprintf("%d %q", r.id, values)
		all = append(all, r)
	}
	return all
}
