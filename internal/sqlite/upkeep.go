package sqlite

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
)

const (
	// incrementalPages is how many pages one step of an incremental vacuum moves: at 4 kB
	// about 1 MB, a few milliseconds of the write lock.
	incrementalPages = 256
	// incrementalPause lets a waiting writer through between two steps.
	incrementalPause = 10 * time.Millisecond
	// analysisLimit is how many rows of each index ANALYZE looks at, so that its time does
	// not grow with the table (https://sqlite.org/lang_analyze.html#approx).
	analysisLimit = 1000
	// optimizeAll has PRAGMA optimize look at all tables, also at those that this
	// connection never queried (https://sqlite.org/pragma.html#pragma_optimize).
	optimizeAll = 0x10002
)

// Vacuum rebuilds the database file (https://sqlite.org/lang_vacuum.html). It waits at
// most busy for the write lock, which it then holds to the end: in WAL mode readers go
// on, in rollback mode they wait too. Interrupted by ctx nothing has changed. It fails
// with fault.CannotJudge when the schema needs a module or collation that is unknown
// here, and with fault.Refused when the rebuild would break a full-text index.
func (c *Conn) Vacuum(ctx context.Context, busy time.Duration) error {
	const op = "vacuum"
	return c.upkeep(ctx, op, busy, func() error {
		if err := c.rebuildable(op); err != nil {
			return err
		}
		return c.db.Exec(`VACUUM main`)
	})
}

// IncrementalVacuum moves free pages out of a database with auto_vacuum=incremental, in
// steps of one short transaction each (https://sqlite.org/pragma.html#pragma_incremental_vacuum),
// until none is free or ctx ends. When a step is BUSY for longer than busy it stops
// there: freed counts what was done, and done is false.
func (c *Conn) IncrementalVacuum(ctx context.Context, busy time.Duration) (freedPages int64, done bool, err error) {
	const op = "incremental vacuum"
	err = c.upkeep(ctx, op, busy, func() error {
		for {
			free, err := c.value(`PRAGMA main.freelist_count`)
			if err != nil || free == 0 {
				done = err == nil
				return err
			}
			before := free
			err = c.rows(fmt.Sprintf(`PRAGMA main.incremental_vacuum(%d)`, incrementalPages), func(*sqlite3.Stmt) error { return nil })
			if fault.CodeOf(c.fail(op, err)) == fault.Busy {
				return nil
			}
			if err != nil {
				return err
			}
			if free, err = c.value(`PRAGMA main.freelist_count`); err != nil {
				return err
			}
			freedPages += max(before-free, 0)
			if free >= before { // the app frees as fast, or the file has no pointer map
				return nil
			}
			if err := wait(ctx, incrementalPause); err != nil {
				return err
			}
		}
	})
	if fault.CodeOf(err) == fault.Interrupted && freedPages > 0 {
		return freedPages, false, nil // every step was committed
	}
	return freedPages, done, err
}

// Analyze renews the planner's statistics of every index
// (https://sqlite.org/lang_analyze.html), looking at a bounded number of its rows.
func (c *Conn) Analyze(ctx context.Context, busy time.Duration) error {
	return c.upkeep(ctx, "analyze", busy, func() error {
		return c.db.Exec(fmt.Sprintf(`PRAGMA analysis_limit=%d; ANALYZE main`, analysisLimit))
	})
}

// Optimize renews only the statistics that are missing or stale, if any
// (https://sqlite.org/pragma.html#pragma_optimize).
func (c *Conn) Optimize(ctx context.Context, busy time.Duration) error {
	return c.upkeep(ctx, "optimize", busy, func() error {
		return c.rows(fmt.Sprintf(`PRAGMA main.optimize=%d`, optimizeAll), func(*sqlite3.Stmt) error { return nil })
	})
}

// upkeep runs f with its own patience for locks, and never under the fence.
func (c *Conn) upkeep(ctx context.Context, op string, busy time.Duration, f func() error) error {
	return c.do(ctx, op, func() error {
		if err := c.free(op); err != nil {
			return err
		}
		if c.opts.ReadOnly {
			return fault.New(fault.ReadOnly, op, "this connection only reads")
		}
		if err := c.db.BusyTimeout(busy); err != nil {
			return err
		}
		defer func() {
			c.rollback()
			_ = c.db.BusyTimeout(c.opts.BusyTimeout)
		}()
		// SQLite cuts a smaller file off after its journal is gone. On a disk that keeps the
		// cut and loses the removal, the journal is rolled back over pages that are not there
		// any more; EXTRA makes the removal durable first
		// (https://sqlite.org/pragma.html#pragma_synchronous).
		level, err := c.value(`PRAGMA main.synchronous`)
		if err != nil {
			return err
		}
		if err := c.db.Exec(`PRAGMA main.synchronous=EXTRA`); err != nil {
			return err
		}
		defer func() { _ = c.db.Exec(`PRAGMA main.synchronous=` + itoa(int(level))) }()
		return f()
	})
}

// rebuildable refuses schemas that VACUUM would not rebuild rightly.
func (c *Conn) rebuildable(op string) error {
	var report check.Report
	if err := c.findUnjudged(&report); err != nil {
		return err
	}
	if len(report.Findings) > 0 {
		return fault.New(fault.CannotJudge, op, "%s: %s", report.Findings[0].Object, report.Findings[0].Detail)
	}
	var tables []string
	err := c.rows(`SELECT sql FROM main.sqlite_schema WHERE type='table' AND rootpage=0`, func(s *sqlite3.Stmt) error {
		if m := externalContent.FindStringSubmatch(s.ColumnText(0)); m != nil {
			tables = append(tables, strings.Trim(m[1], "\"'`[] "))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, table := range tables {
		if table == "" { // a contentless index refers to nothing
			continue
		}
		numbered, err := c.renumbers(table)
		if err != nil {
			return err
		}
		if numbered {
			return fault.New(fault.Refused, op, "a full-text index refers to %s by rowid, and VACUUM may number its rows anew", table)
		}
	}
	return nil
}

// externalContent finds the content table of a full-text index
// (https://sqlite.org/fts5.html#external_content_tables).
var externalContent = regexp.MustCompile(`(?i)[(,]\s*content\s*=\s*('[^']*'|"[^"]*"|\[[^\]]*\]|[^,)]*)`)

// renumbers tells whether VACUUM may give the rows of a table other rowids: it does
// where no INTEGER PRIMARY KEY holds them fast (https://sqlite.org/lang_vacuum.html).
// A name that is no rowid table (a view, say) is not renumbered.
func (c *Conn) renumbers(table string) (bool, error) {
	s, _, err := c.db.Prepare(`SELECT (SELECT count(*) FROM main.pragma_table_list WHERE schema='main' AND name=?1 COLLATE NOCASE AND type='table' AND wr=0),
		(SELECT count(*) FROM main.pragma_table_info(?1) WHERE pk>0),
		(SELECT count(*) FROM main.pragma_table_info(?1) WHERE pk=1 AND upper(type)='INTEGER')`)
	if err != nil {
		return false, err
	}
	err = s.BindText(1, table)
	var ordinary, keys, integers int64
	if err == nil && s.Step() {
		ordinary, keys, integers = s.ColumnInt64(0), s.ColumnInt64(1), s.ColumnInt64(2)
	}
	return ordinary > 0 && (keys != 1 || integers != 1), errors.Join(err, s.Err(), s.Close())
}
