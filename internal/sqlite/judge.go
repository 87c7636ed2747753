package sqlite

import (
	"context"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
)

// Judge answers the questions that a check of pages leaves to SQLite. It sees what its
// connection sees: whoever reads pages beside it holds one read transaction for both.
type Judge struct {
	c       *Conn
	unknown *unknown
}

// unknown are the tables whose modules are not known here, by folded name, once somebody asked.
type unknown struct {
	tables map[string][]check.Finding
}

// Judge gives a judge of this connection, for as long as its database stays what it is.
func (c *Conn) Judge() Judge { return Judge{c, &unknown{}} }

// Schema has SQLite compile the schema. Virtual tables are not connected yet.
func (j Judge) Schema(ctx context.Context) ([]check.Finding, error) {
	return j.hear(ctx, "compile schema", `SELECT count(*) FROM main.sqlite_schema`, func(*sqlite3.Stmt) []check.Finding { return nil })
}

// Table has SQLite check one table (https://sqlite.org/pragma.html#pragma_integrity_check),
// with its indexes unless Quick is enough.
func (j Judge) Table(ctx context.Context, name string, how check.Kind) ([]check.Finding, error) {
	pragma := "integrity_check"
	if how == check.Quick {
		pragma = "quick_check"
	}
	name, _, _ = strings.Cut(name, "\x00")
	sql := `PRAGMA main.` + pragma + `('` + strings.ReplaceAll(name, "'", "''") + `')`
	list, err := j.hear(ctx, "check table", sql, func(s *sqlite3.Stmt) []check.Finding { return parseFindings(s.ColumnText(0)) })
	if err == nil && how != check.Quick {
		var unknown []check.Finding
		unknown, err = j.module(ctx, name)
		list = append(list, unknown...)
	}
	return list, err
}

// Count has SQLite count the rows that a condition of the schema chooses; -1 where it cannot, as with a collation that stands in for
// one which is unknown here. The condition was compiled with the schema before: it has no subqueries and changes nothing.
func (j Judge) Count(ctx context.Context, table, where string) (rows int64, err error) {
	rows = -1
	if len(j.c.standIns) > 0 {
		return rows, nil
	}
	sql := `SELECT count(*) FROM main.` + quote(table) + ` NOT INDEXED WHERE (` + where + `)`
	list, err := j.hear(ctx, "count rows", sql, func(s *sqlite3.Stmt) []check.Finding {
		rows = s.ColumnInt64(0)
		return nil
	})
	if len(list) > 0 {
		return -1, err
	}
	return rows, err
}

// hear runs a statement and makes findings of its rows, and of errors that are verdicts.
func (j Judge) hear(ctx context.Context, op, sql string, row func(*sqlite3.Stmt) []check.Finding) ([]check.Finding, error) {
	c, report := j.c, check.Report{}
	err := c.do(ctx, op, func() error {
		return c.snapshot(func() error {
			return c.rows(sql, func(s *sqlite3.Stmt) error {
				report.Findings = append(report.Findings, row(s)...)
				return nil
			})
		})
	})
	if fault.CodeOf(err) == fault.Invalid { // as a module that does not know its own tables any more
		return []check.Finding{{Kind: kindModule, Detail: err.Error()}}, nil
	}
	if err := absorb(&report, err); err != nil {
		return nil, err
	}
	c.judge(&report)
	var list []check.Finding
	for _, f := range report.Findings {
		if len(c.standIns) == 0 || !ordered(f.Kind) {
			list = append(list, f)
		}
	}
	return list, nil
}

// module says so when a table's module is unknown: its pragma passes in silence. The schema is
// read for it once: there may be thousands of tables to ask about.
func (j Judge) module(ctx context.Context, name string) ([]check.Finding, error) {
	if j.unknown.tables == nil {
		report := check.Report{}
		err := j.c.do(ctx, "look for module", func() error {
			return j.c.snapshot(func() error { return j.c.findUnjudged(&report) })
		})
		if err := absorb(&report, err); err != nil {
			return nil, err
		}
		j.unknown.tables = map[string][]check.Finding{}
		for _, f := range report.Findings {
			key := strings.ToLower(f.Object)
			j.unknown.tables[key] = append(j.unknown.tables[key], f)
		}
	}
	return j.unknown.tables[strings.ToLower(name)], nil
}
