package rebuild

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/sqlite"
)

const (
	opRecover = "recover database"
	// freeBytesMin is the size of a new database from which on it pays to give memory back to the system: that takes a
	// collection of all garbage, and a small one was made with little.
	freeBytesMin = 8 << 20
)

// Order says what is to be recovered.
type Order struct {
	FS   fsx.FS
	File string // the damaged database; what lies beside it is read, too
	To   string // the new database; it must not exist
	Base string // a healthy older copy, "" = none
	VFS  string // the SQLite VFS that belongs to FS, "" = the default
	// Aside takes what would be lost_and_found, so that the new database has no table that
	// the old one had not: a database file of its own, made when there is something to
	// put into it; "" = it stays in the new database.
	Aside string
	// Distrust names indexes that are known to be damaged where no table is: what they hold
	// speaks neither for nor against a row.
	Distrust []string
	// Sound says that a full check found nothing wrong with any table: no row is doubted.
	Sound bool
	// Readable says that the device gave all bytes of File and Base a moment ago. A read that
	// fails then is the device's trouble and ends the work with fault.IO; otherwise what
	// cannot be read is lost like what is damaged.
	Readable bool
	// Placed hears of each row that went into its table, with what confirms it and what
	// speaks against it; nil = nobody. key is that of a table without rowids, as values of SQL.
	// A run that is done again tells of its rows again. The values hold until it returns.
	Placed func(table, key string, r *salvage.Row)
	// Progress hears of the work, often.
	Progress func(stage string, done, total int64)
}

// Result is a recovered database.
type Result struct {
	Tables       []salvage.TableReport
	LostAndFound string // the table of rows that are in no other, "" = there is none
	Found        int64  // rows in it
	Doubts       string // the table that names the doubted rows of all others, "" = there is none
	Undated      string // what leaves open whether this is the newest state, "" = nothing does
	Notes        []string
	Patched      int          // pages that were written anew while all others stayed as they were; 0 = all of it is new
	Verdict      check.Report // of the new database
	PageSize     int
	Pages        uint32           // of the damaged one
	WALBytes     int64            // of the log that was read, 0 = there was none
	Changed      bool             // somebody wrote to the files while they were read
	Content      manifest.Content // of the new database
	Duration     time.Duration
}

// Whole tells whether everything is there as it was, as far as can be known.
func (r *Result) Whole() bool {
	for i := range r.Tables {
		if !r.Tables[i].Whole() {
			return false
		}
	}
	return r.Verdict.Verdict == check.OK && r.Found == 0 && r.Undated == "" && len(r.Notes) == 0 && !r.Changed
}

// making gives the name of the new database until it is whole and verified. It says
// whose it is, so that what a killed run left can be taken away.
func making(to string) string {
	return filepath.Join(filepath.Dir(to), ".officer-recover-"+filepath.Base(to))
}

// Recover salvages a database into a new file, verifies it and gives it its name. The
// damaged file is only read. When it fails or ctx ends nothing is left behind.
func Recover(ctx context.Context, o Order) (*Result, error) { return recoverBy(ctx, o, attempts) }

// recoverBy is Recover; how says by which means the new database is written.
func recoverBy(ctx context.Context, o Order, how func(write func(*pages) (*Result, error)) (*Result, error)) (*Result, error) {
	started := time.Now()
	switch _, err := o.FS.Lstat(o.To); {
	case err == nil:
		return nil, fault.New(fault.Refused, opRecover, "%s exists already", filepath.Base(o.To))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fsx.Wrap(opRecover, err) // no refusal: a repair would go on to a layer that brings back less
	}
	reads := &watch{}
	src, err := openSource(o.FS, o.File, reads)
	if err != nil {
		return nil, err
	}
	defer src.close()
	compile, done, err := compiler()
	if err != nil {
		return nil, err
	}
	defer done()
	opts := salvage.Options{Compile: compile, Distrust: o.Distrust, Sound: o.Sound, Beside: fsx.Alongside, Stopped: ctx.Err, Tick: func(stage salvage.Stage, done, total int64) error {
		if o.Progress != nil {
			o.Progress(string(stage), done, total)
		}
		return ctx.Err()
	}}
	if o.Base != "" {
		base, err := openSource(o.FS, o.Base, reads)
		if err != nil {
			return nil, err
		}
		defer base.close()
		opts.Base = &base.Source
	}
	out, err := how(func(by *pages) (*Result, error) {
		return write(ctx, o, by, func(db *Database) (*Result, error) {
			out, err := fill(db, src, opts)
			if failed := reads.failed(); o.Readable && failed != nil {
				return nil, fault.Wrap(fault.IO, opRecover, "the files could be read before, and now not", failed)
			}
			return out, err
		})
	})
	if err != nil {
		return nil, err
	}
	out.Changed, out.WALBytes = src.changed(o.FS), src.WALBytes
	out.Duration = time.Since(started)
	return out, nil
}

// write makes the new file under another name and gives it its own when it is verified.
// by says how pages are written, nil = all rows are inserted.
func write(ctx context.Context, o Order, by *pages, fill func(*Database) (*Result, error)) (out *Result, err error) {
	if err := fsx.RemoveTemps(o.FS, making(o.To)); err != nil {
		return nil, err
	}
	name := making(o.To) + ".tmp"
	f, err := o.FS.Create(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = f.Close()
		if err != nil {
			_ = o.FS.Remove(name)
			if o.Aside != "" {
				_ = o.FS.Remove(o.Aside)
			}
		}
	}()
	if by != nil {
		scratch := &scratch{fs: o.FS, name: name + "1"}
		by.file, by.scratch, by.aside = f, scratch.open, o.aside
		by.patch = by.patch && o.Aside != ""
		defer func() { err = errors.Join(err, scratch.remove()) }()
	}
	db, err := newOn(ctx, name, o.VFS, by)
	if err != nil {
		return nil, err
	}
	db.placed = o.Placed
	out, err = fill(db)
	if closed := db.Close(); err == nil {
		err = closed
	}
	if err == nil && o.Aside != "" && db.patch == nil {
		err = setAside(ctx, o, name, out)
	}
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	_ = o.FS.DropCache(f) // so that what is checked is what the device has; advice
	if info, err := f.Stat(); err == nil && info.Size() >= freeBytesMin {
		debug.FreeOSMemory() // that of the connection, before the check wants as much
	}
	if out.Verdict, out.Content, err = sqlite.VerifyCopy(ctx, name, o.VFS, manifest.Content{}); err != nil {
		return nil, err
	}
	switch {
	case db.patch != nil && !out.proves():
		return nil, errUnfit
	case by != nil && out.Verdict.Verdict == check.Damaged:
		return nil, errDoubtful
	}
	if err := o.FS.RenameNoReplace(name, o.To); err != nil {
		return nil, err
	}
	return out, o.FS.SyncDir(filepath.Dir(o.To))
}

func fill(db *Database, src *source, opts salvage.Options) (*Result, error) {
	report, err := salvage.Run(src.Source, opts, db)
	if err != nil {
		return nil, err
	}
	for i := range report.Tables {
		if t := &report.Tables[i]; t.Lost+t.Strays+t.Refused+t.FromBase+t.Doubted > 0 {
			db.Hurt(t.Name)
		}
	}
	outcome, err := db.Finish(func(n, of int64) error { return opts.Tick("index", n, of) })
	if err != nil {
		return nil, err
	}
	for i := range report.Tables {
		t := &report.Tables[i]
		t.Doubt(outcome.Rivals[t.Name])
		if slices.Contains(outcome.Anew, t.Name) {
			t.Doubt(t.Rows())
			t.Notes = append(t.Notes, "its rows were made again by the module")
		}
	}
	out := &Result{
		Tables: report.Tables, LostAndFound: outcome.LostAndFound, Found: outcome.Found, Doubts: outcome.Doubts, Undated: report.Undated,
		Notes: append(report.Notes, outcome.Notes...), PageSize: report.PageSize, Pages: report.Pages, Patched: outcome.Patched,
	}
	if len(out.Tables) == 0 && out.Found == 0 && !report.Database {
		return nil, fault.New(fault.NotADatabase, opRecover, "nothing in the file is of a SQLite database")
	}
	return out, nil
}

func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && fault.CodeOf(err) != fault.Interrupted {
		return fault.Wrap(fault.Interrupted, opRecover, "stopped before the end", err)
	}
	return err
}

// compiler gives what asks SQLite whether a CREATE statement stands. It runs nothing.
func compiler() (compile func(sql string) error, done func(), err error) {
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		return nil, nil, err
	}
	if err := db.AnyCollationNeeded(); err != nil { // one that is unknown here is no wrong statement
		return nil, nil, errors.Join(err, db.Close())
	}
	return func(sql string) error {
		s, tail, err := db.Prepare(sql)
		if err != nil {
			return err
		}
		_ = s.Close()
		if strings.Trim(tail, " \t\r\n;") != "" {
			return errors.New("it is more than one statement")
		}
		return nil
	}, func() { _ = db.Close() }, nil
}
