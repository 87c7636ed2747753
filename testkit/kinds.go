package testkit

import "fmt"

// Kind names the shape of a database that Build makes. Every kind but Empty holds the
// table items(id, name, amount, note, body) with 300 rows and an index on name; what
// the kind is about stands beside it.
type Kind string

// The kinds. Page sizes are in WAL mode, everything else in DELETE mode unless its
// name says otherwise.
const (
	Page512   Kind = "page-512"
	Page1024  Kind = "page-1024"
	Page2048  Kind = "page-2048"
	Page4096  Kind = "page-4096"
	Page8192  Kind = "page-8192"
	Page16384 Kind = "page-16384"
	Page32768 Kind = "page-32768"
	Page65536 Kind = "page-65536"

	WAL    Kind = "wal"    // journal_mode=WAL, checkpointed and closed
	Delete Kind = "delete" // journal_mode=DELETE
	// WALPending has committed frames in its -wal that are not in the database yet, and
	// no -shm: what a crash of the app leaves behind. Only there is the table pending.
	WALPending Kind = "wal-pending"

	AutoVacuumFull        Kind = "auto-vacuum-full"
	AutoVacuumIncremental Kind = "auto-vacuum-incremental" // with pages on the freelist
	Freelist              Kind = "freelist"                // half of the pages are free
	WithoutRowid          Kind = "without-rowid"
	FTS5                  Kind = "fts5"
	RTree                 Kind = "rtree"
	GeneratedVirtual      Kind = "generated-virtual"
	GeneratedStored       Kind = "generated-stored"
	UTF16le               Kind = "utf-16le"
	UTF16be               Kind = "utf-16be"
	PartialIndex          Kind = "partial-index"
	ExpressionIndex       Kind = "expression-index"
	Descending            Kind = "descending" // DESC columns in indexes and keys
	Strict                Kind = "strict"
	OverflowBlobs         Kind = "overflow-blobs" // values of 0 to 300,000 bytes
	NulInText             Kind = "nul-in-text"
	RealAsInteger         Kind = "real-as-integer" // REAL columns whose values SQLite stores as integers
	OddNames              Kind = "odd-names"       // key words, quotes, spaces, a newline, the empty name
	ExtremeValues         Kind = "extreme-values"  // ends of every integer width, infinities, rowids of both signs
	Autoincrement         Kind = "autoincrement"   // sqlite_sequence, and sqlite_stat1 by ANALYZE
	TriggersViews         Kind = "triggers-views"
	ForeignKeys           Kind = "foreign-keys" // every child has its parent
	Orphans               Kind = "orphans"      // rows 3 and 7 of child have no parent
	Empty                 Kind = "empty"        // a schema without a row
)

// Kinds lists all kinds, for tests that must hold for every database.
func Kinds() []Kind {
	return []Kind{
		Page512, Page1024, Page2048, Page4096, Page8192, Page16384, Page32768, Page65536,
		WAL, Delete, WALPending, AutoVacuumFull, AutoVacuumIncremental, Freelist,
		WithoutRowid, FTS5, RTree, GeneratedVirtual, GeneratedStored, UTF16le, UTF16be,
		PartialIndex, ExpressionIndex, Descending, Strict, OverflowBlobs, NulInText,
		RealAsInteger, OddNames, ExtremeValues, Autoincrement, TriggersViews,
		ForeignKeys, Orphans, Empty,
	}
}

// recipe is how a kind is made: pragmas on the empty file, then SQL and rows in one
// transaction, then SQL that must stand outside of one.
type recipe struct {
	pragmas []string
	schema  string
	rows    func(*filler)
	after   string
	pending bool // leave what `after` wrote in the WAL
	empty   bool // no rows in items
}

func recipeOf(kind Kind) (recipe, bool) {
	var pageSize int
	if _, err := fmt.Sscanf(string(kind), "page-%d", &pageSize); err == nil {
		return recipe{pragmas: []string{fmt.Sprintf("page_size=%d", pageSize), "journal_mode=wal"}}, true
	}
	r, ok := recipes()[kind]
	return r, ok
}

func recipes() map[Kind]recipe {
	return map[Kind]recipe{
		WAL:    {pragmas: []string{"journal_mode=wal"}},
		Delete: {},
		Empty:  {empty: true},
		WALPending: {pragmas: []string{"journal_mode=wal", "wal_autocheckpoint=0"}, pending: true,
			after: `create table pending(id integer primary key, note text);
				insert into pending(note) select note from items;
				update items set note = note || ' (changed)' where id % 5 = 0;`},
		AutoVacuumFull:        {pragmas: []string{"auto_vacuum=full"}, after: "delete from items where id between 50 and 60"},
		AutoVacuumIncremental: {pragmas: []string{"auto_vacuum=incremental"}, rows: (*filler).gap},
		Freelist:              {rows: (*filler).gap},
		WithoutRowid: {schema: `create table keyed(code text, part int, note text, primary key(code, part)) without rowid;
				create index keyed_note on keyed(note);`, rows: (*filler).keyed},
		FTS5: {schema: `create virtual table words using fts5(title, body);
				create virtual table outer_words using fts5(note, content='items', content_rowid='id');`,
			rows: (*filler).words},
		RTree: {schema: "create virtual table places using rtree(id, x0, x1, y0, y1, +label);", rows: (*filler).places},
		GeneratedVirtual: {schema: `create table derived(id integer primary key, a int, b text,
				twice int generated always as (a * 2) virtual, upper_b text as (upper(b)) virtual);
				create index derived_twice on derived(twice);`, rows: (*filler).derived},
		GeneratedStored: {schema: `create table derived(id integer primary key, a int, b text,
				twice int generated always as (a * 2) stored, upper_b text as (upper(b)) stored);
				create unique index derived_upper on derived(upper_b, id);`, rows: (*filler).derived},
		UTF16le:      {pragmas: []string{"encoding='UTF-16le'"}},
		UTF16be:      {pragmas: []string{"encoding='UTF-16be'"}},
		PartialIndex: {schema: "create index rich on items(amount) where amount > 500 and note is not null;"},
		ExpressionIndex: {schema: `create index lower_name on items(lower(name), length(note));
				create index far on items(abs(amount - 500));`},
		Descending: {schema: `create index by_amount on items(amount desc, name);
				create table ranks(score int, name text, note text, primary key(score desc, name)) without rowid;
				create table down(id integer primary key desc, note text);`, rows: (*filler).ranks},
		Strict: {schema: `create table typed(id integer primary key, i int, r real, t text, b blob, x any) strict;`,
			rows: (*filler).typed},
		OverflowBlobs: {schema: "create table blobs(id integer primary key, body blob, tail text);", rows: (*filler).blobs},
		NulInText:     {schema: "create table nuls(id integer primary key, note text unique);", rows: (*filler).nuls},
		RealAsInteger: {schema: `create table reals(id integer primary key, r real, n numeric);
				create index reals_r on reals(r);`, rows: (*filler).reals},
		OddNames:      {schema: oddSchema, rows: (*filler).odd},
		ExtremeValues: {schema: "create table extremes(id integer primary key, v, r real); create index extremes_v on extremes(v);", rows: (*filler).extremes},
		Autoincrement: {schema: "create table counted(id integer primary key autoincrement, note text);",
			rows: (*filler).counted, after: "analyze"},
		TriggersViews: {schema: `create table log(id integer primary key, what text, item int);
				create trigger note_insert after insert on items begin insert into log(what, item) values('insert', new.id); end;
				create view rich_items as select id, name from items where amount > 500;
				create trigger view_insert instead of insert on rich_items begin select 1; end;`},
		ForeignKeys: {schema: familySchema, rows: (*filler).family},
		Orphans:     {schema: familySchema, rows: (*filler).family, after: "pragma foreign_keys=off; update child set parent = 9999 where id in (3, 7)"},
	}
}

const familySchema = `create table parent(id integer primary key, name text);
	create table child(id integer primary key, parent int references parent(id), note text);`

const oddSchema = `create table "select"("order" integer primary key, "group by" text, "%s" text);
	create table "with ""quotes"" and 'more'"("a""b" text, "c'd" text);
	create table [sp ace]([the column] text);
	create table "new
line"("x
y" text);
	create table "ünï→码"("größe" text);
	create table ""("" text);
	create index "index" on "select"("group by");`
