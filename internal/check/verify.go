package check

import (
	"context"
	"errors"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// Kinds of findings.
const (
	kindStructure = "structure"
	kindIndex     = "index"
	kindContent   = "content"
	kindNotNull   = "not_null"
	kindUnique    = "unique"
	kindType      = "type"
	kindModule    = "module"
	kindHeader    = "header"
	kindSchema    = "schema"
	kindOrder     = "order"
	kindSequence  = "sequence"
)

// Database is one state of a database: a file by itself, or as of a commit in its log.
type Database struct {
	Pages    page.Pages
	Header   page.Header
	Geometry page.Geometry
}

// Judge answers what only SQLite can, about the same state of the database. An error is
// operational and no verdict. A finding of kind "module" says that SQLite cannot judge
// either.
type Judge interface {
	// Schema has SQLite compile the whole schema and gives what it says against it.
	Schema(ctx context.Context) ([]Finding, error)
	// Table has SQLite check one table, or module table, with its constraints: Quick
	// without, Full with its indexes.
	Table(ctx context.Context, name string, how Kind) ([]Finding, error)
	// Count gives how many rows of a table meet a condition of its schema, -1 if that cannot be told here.
	Count(ctx context.Context, table, where string) (int64, error)
}

// Options are how to verify.
type Options struct {
	Crew        Crew      // nil: Alone
	Judge       Judge     // nil: what it would be asked is named as not judged
	Seed        [2]uint64 // new for every run, from a good source of chance
	Digest      bool      // digest the content of every table
	FindingsMax int       // 0: 100, as PRAGMA integrity_check
	KeysMax     int       // parents' keys that FindOrphans holds at once, 0: 1 million, which take 16 MB
}

const findingsMax = 100

// Content is what a table holds.
type Content struct {
	Name   string
	Rows   int64
	Digest string // of rowids and values, whatever their order; "" unless asked for
}

// Outcome is what Verify saw.
type Outcome struct {
	Verdict  Verdict
	Findings []Finding // what is wrong
	More     int       // findings beyond those that are listed, at least
	Unjudged []Finding // what could not be judged, and why
	Notes    []Finding // odd, but allowed
	Tables   []Content // of every table that stores rows and whose rows are understood, by name
	Schema   Schema    // only when Digest was asked for
}

// unsteady is the error of a check that found damage and, looking again, found none: the
// pages changed under it, or are not always read alike.
func unsteady() error {
	return fault.New(fault.IO, "check pages", "the pages did not read alike twice")
}

// Verify checks a whole database. The error is operational and no verdict. Memory: two
// bits for each page, the schema, and a few pages and one megabyte for each worker,
// whatever the size of the database and whatever stands in it.
//
// Damage is looked at twice: what a crew finds is taken again page by page by one alone,
// so that the same file always gives the same findings.
func Verify(ctx context.Context, db Database, o Options) (Outcome, error) {
	if o.Crew == nil {
		o.Crew = Alone{}
	}
	if o.FindingsMax == 0 {
		o.FindingsMax = findingsMax
	}
	out, err := verify(ctx, db, o)
	if err != nil || len(out.Findings) == 0 || o.Crew.Workers() <= 1 {
		return out, err
	}
	o.Crew = Alone{}
	again, err := verify(ctx, db, o)
	if err == nil && len(again.Findings) == 0 {
		err = unsteady()
	}
	return again, err
}

func verify(ctx context.Context, db Database, o Options) (Outcome, error) {
	v := &verifier{ctx: ctx, db: db, g: db.Geometry, o: o, keys: newKeys(o.Seed)}
	v.header()
	if err := v.readSchema(); err != nil {
		return Outcome{}, err
	}
	if err := v.walk(); err != nil {
		return Outcome{}, err
	}
	if err := v.compare(); err != nil {
		return Outcome{}, err
	}
	v.checkSequence()
	if err := v.ask(); err != nil {
		return Outcome{}, err
	}
	return v.outcome(), nil
}

// verifier is one run. While a crew works it is only read.
type verifier struct {
	ctx   context.Context
	db    Database
	g     page.Geometry
	o     Options
	keys  *keys
	trees []*tree
	units []unit
	crew  []*worker
	held  held             // of FindOrphans
	seqs  map[string]int64 // what sqlite_sequence says

	schema   Schema
	tables   []*tree // of those, the ones that hold the rows of a table
	partial  []*tree // and the indexes that hold entries of some rows only
	asks     []ask
	wholly   map[string]bool        // of the asks, the tables that SQLite is to check with their indexes, folded
	implied  map[*schema.Index]bool // the indexes of constraints that are in the schema
	names    map[string]bool        // of tables and views, folded
	whole    bool                   // the whole schema was read
	compiled bool                   // nothing in the schema is left for SQLite to compile
	found    findings
	unjudged []Finding
	notes    []Finding
	sums     []tally // of all workers, by tree
}

// ask is a question to the judge.
type ask struct {
	table, why string
	how        Kind
}

// question puts a table on the list of the judge.
func (v *verifier) question(a ask) {
	v.asks = append(v.asks, a)
	if a.how == Full {
		v.wholly[schema.Fold(a.table)] = true
	}
}

// findings is a list that does not grow without bound.
type findings struct {
	list []Finding
	more int
	max  int
}

func (f *findings) add(x Finding) {
	if len(f.list) < f.max {
		f.list = append(f.list, x)
	} else {
		f.more++
	}
}

// header takes the sentences that SQLite does not hold before it opens a file.
func (v *verifier) header() {
	v.found.max = v.o.FindingsMax
	err := v.db.Header.Validate(int64(v.g.Count) * int64(v.g.PageSize))
	if err == nil {
		return
	}
	f := Finding{Kind: kindHeader, Page: 1, Detail: err.Error()}
	if errors.Is(err, &page.Error{Rule: page.HeaderExpansion}) {
		v.notes = append(v.notes, f) // some later version may know what to do with them
		return
	}
	if errors.Is(err, &page.Error{Rule: page.HeaderFormat}) {
		// What a newer SQLite wrote is not damaged, and must not be repaired away.
		v.unjudged = append(v.unjudged, Finding{Kind: kindModule, Object: "sqlite_schema", Page: 1, Detail: err.Error()})
		return
	}
	v.found.add(f)
}

// ask has the judge answer what was left open. Where nothing was, the schema is not compiled
// either: with 10,000 tables that takes SQLite longer than all else that is done here.
func (v *verifier) ask() error {
	judge := v.o.Judge
	if judge == nil {
		if !v.compiled {
			v.unjudged = append(v.unjudged, Finding{Kind: kindModule, Object: "sqlite_schema", Detail: "only SQLite can compile its expressions, views and triggers"})
		}
		for _, a := range v.asks {
			v.unjudged = append(v.unjudged, Finding{Kind: kindModule, Object: a.table, Detail: a.why})
		}
		return nil
	}
	if v.compiled && len(v.asks) == 0 {
		return nil
	}
	list, err := judge.Schema(v.ctx)
	if err != nil {
		return err
	}
	v.heard(list)
	asked, passed := map[ask]bool{}, map[string]bool{} // a table with several such indexes is checked once
	for _, a := range v.asks {
		if len(v.found.list) > 0 && len(list) > 0 {
			return nil // without a schema SQLite answers nothing else
		}
		once := ask{table: a.table, how: a.how}
		if asked[once] {
			continue
		}
		asked[once] = true
		answer, err := judge.Table(v.ctx, a.table, a.how)
		if err != nil {
			return err
		}
		v.heard(answer)
		passed[a.table] = passed[a.table] || a.how == Full && len(answer) == 0
	}
	return v.countPartial(passed)
}

func (v *verifier) heard(list []Finding) {
	for _, f := range list {
		if f.Kind == kindModule {
			v.unjudged = append(v.unjudged, f)
		} else {
			v.found.add(f)
		}
	}
}

func (v *verifier) outcome() Outcome {
	out := Outcome{Verdict: OK, Findings: v.found.list, More: v.found.more, Unjudged: v.unjudged, Notes: v.notes, Tables: v.contents(), Schema: v.schema}
	switch {
	case len(out.Findings) > 0:
		out.Verdict = Damaged
	case len(out.Unjudged) > 0:
		out.Verdict = CannotJudge
	}
	return out
}
