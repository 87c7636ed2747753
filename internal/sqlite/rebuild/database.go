package rebuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/ext/rtree"

	"github.com/officer-doofy/officer/internal/bulk"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

const op = "write recovered database"

// lengthMaxBytes bounds a row. The driver panics when a connection has 256 MB.
const lengthMaxBytes = 80 << 20

// Database is a new database that is being filled. It is a salvage.Sink.
type Database struct {
	ctx       context.Context
	db        *sqlite3.Conn
	plan      *salvage.Plan
	tables    []*target
	found     *foundTable // lost_and_found, nil until something is
	doubts    *doubts     // nil until something is doubted
	rival     map[string]int64
	hurt      map[string]bool // tables of which rows are lost or not proven
	anew      []string        // tables of modules that were not kept but made again
	unordered []string        // collations that are unknown here
	notes     []string
	counters  map[string]salvage.Value // what sqlite_sequence held, by table
	pages     *pages                   // how pages are written, nil = rows are inserted
	native    *native                  // nil until the tables are made, and when rows are inserted
	placed    func(table, key string, r *salvage.Row)
	patch     *patch // nil = trees are written, and not pages patched
	side      string // the schema that lost_and_found and doubts are in until the end, with its dot
}

// pages is what it takes to write trees by pages.
type pages struct {
	file     fsx.File // the new database
	scratch  func() (bulk.SpillFile, error)
	inserted []string // tables whose rows are inserted all the same
	patch    bool     // pages that are lost, where that is all: then aside takes tables out of the new database
	aside    func(db *sqlite3.Conn, schema string, tables []string) error
}

// Hurt says that rows of a table are lost or not proven. What a module made of it is then
// made again.
func (d *Database) Hurt(table string) { d.hurt[table] = true }

// newOn opens an empty file, which the caller has just created, for a new database. vfs "" =
// the default.
func newOn(ctx context.Context, path, vfs string, by *pages) (d *Database, err error) {
	d = &Database{ctx: ctx, counters: map[string]salvage.Value{}, rival: map[string]int64{}, hurt: map[string]bool{}, pages: by}
	defer guard(&err)
	d.db, err = sqlite3.OpenFlags(fileURI(path, vfs), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, d.fail(err)
	}
	d.db.SetInterrupt(ctx)
	if err := d.configure(); err != nil {
		_ = d.db.Close()
		return nil, d.fail(err)
	}
	return d, nil
}

func fileURI(path, vfs string) string {
	uri := "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	if vfs != "" {
		uri += "?vfs=" + vfs
	}
	return uri
}

func (d *Database) configure() error {
	for _, set := range []struct {
		op sqlite3.DBConfig
		on bool
	}{
		{sqlite3.DBCONFIG_DEFENSIVE, false}, // the schema of virtual tables is written by hand
		{sqlite3.DBCONFIG_TRUSTED_SCHEMA, false},
		{sqlite3.DBCONFIG_ENABLE_TRIGGER, false},
		{sqlite3.DBCONFIG_ENABLE_FKEY, false},
		{sqlite3.DBCONFIG_DQS_DDL, true},
		{sqlite3.DBCONFIG_DQS_DML, false},
		{sqlite3.DBCONFIG_ENABLE_LOAD_EXTENSION, false},
	} {
		if _, err := d.db.Config(set.op, set.on); err != nil {
			return err
		}
	}
	d.db.Limit(sqlite3.LIMIT_LENGTH, lengthMaxBytes)
	err := d.db.CollationNeeded(func(db *sqlite3.Conn, name string) {
		if strings.EqualFold(name, schema.NoCase) || strings.EqualFold(name, schema.RTrim) {
			return // SQLite asks in a database in UTF-16, and then makes them of its own
		}
		if db.CreateCollation(name, bytes.Compare) == nil {
			d.unordered = append(d.unordered, name)
		}
	})
	return errors.Join(err, fts5.Register(d.db), rtree.Register(d.db))
}

// cacheKB is the page cache: with what else SQLite needs it stays far below the 64 MB
// that a salvage may take. Where most is written by pages, sorting wants memory more.
const (
	cacheKB        = 8000
	cacheByPagesKB = 1500
)

// Begin makes the tables.
func (d *Database) Begin(p *salvage.Plan) (err error) {
	defer guard(&err)
	d.plan = p
	if d.pages != nil && d.pages.patch && p.Image != nil {
		d.beginPatch(p.Image)
		return nil
	}
	vacuum := "NONE"
	if p.AutoVacuum {
		vacuum = "FULL"
	}
	if p.AutoVacuum && p.Incremental {
		vacuum = "INCREMENTAL"
	}
	cache := cacheKB
	if d.pages != nil && len(d.pages.inserted) == 0 && !p.AutoVacuum {
		cache = cacheByPagesKB
	}
	// A rollback journal in memory leaves no file behind and, unlike none, lets a
	// statement that fails be taken back (https://sqlite.org/pragma.html#pragma_journal_mode).
	err = d.db.Exec(fmt.Sprintf(`PRAGMA page_size=%d; PRAGMA encoding='%s'; PRAGMA auto_vacuum=%s; PRAGMA journal_mode=MEMORY;
		PRAGMA synchronous=OFF; PRAGMA cache_size=-%d; PRAGMA temp_store=FILE; PRAGMA mmap_size=0;
		PRAGMA legacy_alter_table=ON; PRAGMA user_version=%d; PRAGMA application_id=%d; BEGIN; PRAGMA writable_schema=ON`,
		p.PageSize, p.Encoding, vacuum, cache, p.UserVersion, p.ApplicationID))
	if err != nil {
		return d.fail(err)
	}
	for _, t := range p.Tables {
		made, err := d.make(t)
		if err != nil {
			return err
		}
		d.tables = append(d.tables, made)
	}
	if d.pages != nil && !p.AutoVacuum {
		return d.fail(d.byPages(d.pages))
	}
	return nil
}

// make creates a table. One that SQLite does not take keeps its rows in lost_and_found.
func (d *Database) make(t *salvage.TablePlan) (*target, error) {
	into := &target{plan: t, db: d.db, texts: texts{encoding: d.plan.Encoding}}
	if d.has(t.Name) { // sqlite_sequence comes with the first AUTOINCREMENT
		into.ready = true
		return into, nil
	}
	err := d.statement(t.SQL)
	if err == nil && !d.has(t.Name) {
		err = errors.New("it makes another table")
	}
	if err != nil {
		if stopped := d.stopped(err); stopped != nil {
			return nil, stopped
		}
		d.notes = append(d.notes, fmt.Sprintf("table %s could not be made (%v); its rows are in lost_and_found", t.Name, err))
		return into, nil
	}
	into.ready = true
	return into, nil
}

// statement runs exactly one statement.
func (d *Database) statement(sql string) error {
	s, tail, err := d.db.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Close()
	if strings.Trim(tail, " \t\r\n;") != "" {
		return errors.New("it is more than one statement")
	}
	return s.Exec()
}

func (d *Database) has(table string) bool {
	s, _, err := d.db.Prepare(`SELECT 1 FROM sqlite_schema WHERE name=? COLLATE NOCASE AND type IN ('table','view')`)
	if err != nil {
		return false
	}
	defer s.Close()
	return s.BindText(1, table) == nil && s.Step()
}

// Row puts a row into its table.
func (d *Database) Row(r *salvage.Row) (outcome salvage.Outcome, err error) {
	defer guard(&err)
	if d.patch != nil {
		return d.patch.row(r)
	}
	t := d.tables[r.Table]
	if t.plan.Name == sequenceTable && len(r.Values) == 2 {
		return d.counter(r.Values)
	}
	why := "its table could not be made"
	if t.ready {
		outcome, err = d.place(t, r)
		if err == nil && outcome == salvage.Taken {
			if d.placed != nil {
				d.placed(t.plan.Name, d.keyOf(t, r), r)
			}
			return outcome, d.fail(d.doubt(t, r))
		}
		if stopped := d.stopped(err); stopped != nil {
			return 0, stopped
		}
		if outcome == salvage.Duplicate {
			return outcome, nil
		}
		why = "refused: " + strings.TrimPrefix(err.Error(), "sqlite3: ")
	}
	return salvage.Refused, d.Stray(&salvage.Stray{
		Table: t.plan.Name, Page: r.Page, Rowid: r.Rowid, Keyed: !t.plan.Def.WithoutRowid, Values: r.Values, Why: why,
	})
}

// place writes or inserts a row.
func (d *Database) place(t *target, r *salvage.Row) (salvage.Outcome, error) {
	into := d.native.treeFor(r.Table)
	if err := d.native.change(into); err != nil {
		return 0, err
	}
	if into != nil {
		return into.row(r)
	}
	if err := d.sqlite(); err != nil {
		return 0, err
	}
	return t.insert(r)
}

// stopped gives an error that is none of the row's or statement's own.
func (d *Database) stopped(err error) error {
	if err := d.ctx.Err(); err != nil {
		return d.fail(err)
	}
	var code sqlite3.ErrorCode
	if errors.As(err, &code) {
		switch code {
		case sqlite3.CONSTRAINT, sqlite3.ERROR, sqlite3.TOOBIG, sqlite3.MISMATCH:
			return nil
		}
		return d.fail(err)
	}
	var again *conflict
	var f *fault.Error
	if errors.As(err, &again) || errors.As(err, &f) {
		return err
	}
	return nil
}

func (d *Database) fail(err error) error { return failed(err) }

// failed makes a fault of an error of the new database.
func failed(err error) error {
	if err == nil {
		return nil
	}
	code := fault.Internal
	var x sqlite3.ErrorCode
	var again *conflict
	var known *fault.Error
	switch {
	case errors.As(err, &again), errors.As(err, &known), errors.Is(err, errUnfit), errors.Is(err, ErrSpoiled):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		code = fault.Interrupted
	case errors.As(err, &x):
		switch x {
		case sqlite3.FULL:
			code = fault.Full
		case sqlite3.IOERR:
			code = fault.IO
		case sqlite3.INTERRUPT:
			code = fault.Interrupted
		case sqlite3.NOMEM:
			code = fault.NoMemory
		}
	}
	return fault.Wrap(code, op, "the new database could not be written", err)
}

// guard makes an error of a panic of the driver, as when a row takes all its memory.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fault.New(fault.NoMemory, op, "the driver panicked: %v", r)
	}
}

// Close ends the database without what was not committed.
func (d *Database) Close() (err error) {
	defer guard(&err)
	d.patch.close()
	for _, t := range d.tables {
		t.close()
	}
	if d.found != nil {
		d.found.close()
	}
	if d.doubts != nil {
		d.doubts.close()
	}
	return d.fail(errors.Join(d.native.close(), d.db.Close()))
}
