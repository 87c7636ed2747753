package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/page"
)

const (
	opReindex    = "make indexes anew"
	findingsRead = 100_000 // a finding that is not read may speak of a table
)

// ReindexOrder says whose indexes are to be made anew.
type ReindexOrder struct {
	FS   fsx.FS
	VFS  string // the SQLite VFS that belongs to FS, "" = the default
	File string // a plain copy of the damaged database, its log brought in; it becomes the new database
	To   string // the new database; it must not exist
	Anew bool   // all of it is written anew, and File only read
}

// Reindex makes a database of one in which nothing but indexes is damaged: all tables as
// they are, and indexes made of them. It names the damaged ones, which it finds out itself,
// from the pages. That the tables hold the same is proven by their digests. The error is
// fault.Refused when rows may be damaged, too: then no index can be believed less than its table. ErrSpoiled asks for
// another copy.
func Reindex(ctx context.Context, o ReindexOrder) (names []string, made *Result, err error) {
	defer guard(&err)
	db, err := openPlain(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	indexes, keyed, err := readIndexes(db)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, nil, refusedReindex("the schema cannot be read: %v", err)
	}
	found, err := suspects(ctx, o, indexes, keyed)
	if err != nil {
		return nil, nil, err
	}
	if !o.Anew {
		made, err = o.inPlace(ctx, found)
		return found.names, made, err
	}
	made, err = Recover(ctx, Order{FS: o.FS, VFS: o.VFS, File: o.File, To: o.To, Distrust: found.names, Sound: true, Readable: true})
	if err != nil {
		return nil, nil, err
	}
	if err := made.holds(found.tables); err != nil {
		return nil, nil, errors.Join(err, o.FS.Remove(o.To))
	}
	return found.names, made, nil
}

// holds compares the tables of a new database with what was read of the damaged one.
func (r *Result) holds(tables []check.Content) error {
	if r.Found > 0 || len(r.Notes) > 0 {
		return refusedReindex("%d rows are in no table (%s)", r.Found, strings.Join(r.Notes, "; "))
	}
	if r.Verdict.Verdict != check.OK {
		return refusedReindex("the new database does not pass its check")
	}
	if len(tables) != len(r.Content.Tables) {
		return refusedReindex("there are %d tables, not %d", len(r.Content.Tables), len(tables))
	}
	for i, want := range tables {
		if got := r.Content.Tables[i]; got.Name != want.Name || got.Rows != want.Rows || got.Digest != want.Digest || got.Digest == "" {
			return refusedReindex("table %s would not be what it was", want.Name)
		}
	}
	return nil
}

func refusedReindex(format string, args ...any) error {
	return fault.New(fault.Refused, opReindex, format, args...)
}

func openPlain(ctx context.Context, o ReindexOrder) (*sqlite3.Conn, error) {
	db, err := sqlite3.OpenFlags(fileURI(o.File, o.VFS), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, failed(err)
	}
	db.SetInterrupt(ctx)
	db.Limit(sqlite3.LIMIT_LENGTH, lengthMaxBytes)
	_, err = db.Config(sqlite3.DBCONFIG_DQS_DDL, true)
	err = errors.Join(err, db.Exec(`PRAGMA trusted_schema=OFF; PRAGMA temp_store=FILE; PRAGMA synchronous=OFF; PRAGMA cache_size=-`+fmt.Sprint(cacheKB)))
	if err != nil {
		return nil, errors.Join(failed(err), db.Close())
	}
	return db, nil
}

// readIndexes gives the root page of each index, and tells whether tables are kept in
// trees of the same kind (https://sqlite.org/withoutrowid.html).
func readIndexes(db *sqlite3.Conn) (roots map[string]uint32, keyed bool, err error) {
	roots = map[string]uint32{}
	s, _, err := db.Prepare(`SELECT name, rootpage FROM sqlite_schema WHERE type='index'`)
	if err != nil {
		return nil, false, err
	}
	defer s.Close()
	for s.Step() {
		roots[s.ColumnText(0)] = uint32(s.ColumnInt64(1))
	}
	if err := s.Err(); err != nil {
		return nil, false, err
	}
	w, _, err := db.Prepare(`SELECT count(*) FROM pragma_table_list WHERE wr`)
	if err != nil {
		return nil, false, err
	}
	defer w.Close()
	keyed = w.Step() && w.ColumnInt64(0) > 0
	return roots, keyed, w.Err()
}

// blamed names the indexes that the findings speak of; an error if they speak of more.
func blamed(findings []check.Finding, indexes map[string]uint32) ([]string, error) {
	var names []string
	missing, counted := map[string]bool{}, map[string]bool{}
	for _, f := range findings {
		_, isIndex := indexes[f.Object]
		switch {
		case f.Kind == "structure" && f.Object == "" && f.Page > 1 && strings.HasSuffix(f.Detail, string(page.PageNeverUsed)):
			continue // what kind of page it is shows when the trees are emptied
		case !isIndex:
			return nil, refusedReindex("%s is not an index: %s", f.Object, f.Detail)
		case f.Kind == "structure" || f.Kind == "order":
		case f.Kind == "index" && strings.Contains(f.Detail, "is missing from index"):
			missing[f.Object] = true
		case f.Kind == "index" && strings.Contains(f.Detail, " entries, but table "):
			counted[f.Object] = true
		default: // entries without a row: the row may be what is lost
			return nil, refusedReindex("%s", f.Detail)
		}
		if !slices.Contains(names, f.Object) {
			names = append(names, f.Object)
		}
	}
	for name := range counted {
		if !missing[name] {
			return nil, refusedReindex("it is not known which rows index %s lacks", name)
		}
	}
	if len(names) == 0 {
		return nil, refusedReindex("no index was named")
	}
	return names, nil
}

// suspects finds the damaged indexes, and what the tables hold. It refuses when a page that
// nothing uses may have been a table's.
func suspects(ctx context.Context, o ReindexOrder, roots map[string]uint32, keyed bool) (s *suspicion, err error) {
	f, err := o.FS.Open(o.File)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := page.OpenFile(f, info.Size())
	if err != nil {
		return nil, refusedReindex("the header cannot be read")
	}
	g := &file.Geometry
	out, err := verify(ctx, check.Database{Pages: file, Header: file.Header, Geometry: *g})
	if err != nil {
		return nil, err
	}
	if out.More > 0 {
		return nil, refusedReindex("there is more damage than is read here")
	}
	s = &suspicion{tables: out.Tables}
	if s.names, err = blamed(out.Findings, roots); err != nil {
		return nil, err
	}
	for _, name := range s.names {
		s.roots = append(s.roots, roots[name])
	}
	for _, finding := range out.Findings {
		var kind [1]byte
		if finding.Object != "" {
			continue
		}
		if _, err := f.ReadAt(kind[:], (finding.Page-1)*int64(g.PageSize)); err != nil || keyed || page.Kind(kind[0]).Table() {
			return nil, refusedReindex("page %d may have been a table's", finding.Page)
		}
		s.unused = append(s.unused, uint32(finding.Page))
	}
	return s, nil
}

// verify makes a refusal of a panic: what the pages do to the check they may do to rows.
func verify(ctx context.Context, db check.Database) (out check.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = refusedReindex("the check panicked: %v", p)
		}
	}()
	return check.Verify(ctx, db, check.Options{FindingsMax: findingsRead, Digest: true})
}
