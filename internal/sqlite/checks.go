package sqlite

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
)

// listedMax is how much a check lists: that many rows give the pragmas
// (https://sqlite.org/pragma.html#pragma_integrity_check), and as many findings check.Verify.
const listedMax = 100

// CheckFull is PRAGMA integrity_check (https://sqlite.org/pragma.html#pragma_integrity_check).
// An error is operational and no verdict.
func (c *Conn) CheckFull(ctx context.Context) (check.Report, error) {
	return c.check(ctx, check.Full, `PRAGMA main.integrity_check`)
}

// CheckQuick is PRAGMA quick_check. An error is operational and no verdict.
func (c *Conn) CheckQuick(ctx context.Context) (check.Report, error) {
	return c.check(ctx, check.Quick, `PRAGMA main.quick_check`)
}

func (c *Conn) check(ctx context.Context, kind check.Kind, pragma string) (check.Report, error) {
	report := check.Report{Engine: engine, Kind: kind}
	started := time.Now()
	err := c.do(ctx, string(kind)+" check", func() error {
		return c.snapshot(func() error {
			var err error
			if report.Findings, err = c.findings(pragma); err != nil {
				return err
			}
			report.More = len(report.Findings) >= listedMax
			if err := c.unreadable(pragma, report.Findings); err != nil {
				return err
			}
			return c.findUnjudged(&report)
		})
	})
	report.Duration = time.Since(started)
	if err := absorb(&report, err); err != nil {
		return check.Report{}, err
	}
	c.judge(&report)
	return report, nil
}

func (c *Conn) findings(pragma string) (list []check.Finding, err error) {
	err = c.rows(pragma, func(s *sqlite3.Stmt) error {
		list = append(list, parseFindings(s.ColumnText(0))...)
		return nil
	})
	return list, err
}

// unreadable gives the error that a check hid among its findings: a device that fails or
// a want of memory is no damage (promise P4).
func (c *Conn) unreadable(pragma string, findings []check.Finding) error {
	doubtful, err := hiddenError(findings)
	if err != nil || !doubtful {
		return err
	}
	// A pointer map that cannot be read and one that is wrong are told in the same words.
	// A device that failed once does not again, one that goes on failing does so for
	// everybody.
	if err := c.db.ReleaseMemory(); err != nil {
		return err
	}
	again, err := c.findings(pragma)
	if err != nil {
		return err
	}
	if still, _ := hiddenError(again); !still {
		return sqlite3.IOERR_READ
	}
	f, sizeBytes, err := c.file(sqlite3.FCNTL_FILE_POINTER)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.NewSectionReader(f, 0, sizeBytes))
	return err
}

// absorb makes findings of the errors that are verdicts: damage that stops the check
// itself, and parts of the schema that are unknown here.
func absorb(report *check.Report, err error) error {
	finding := check.Finding{Kind: "structure"}
	switch fault.CodeOf(err) {
	case fault.Corrupt:
	case fault.NotADatabase:
		finding.Kind = "header"
	case fault.CannotJudge:
		finding.Kind = kindModule
	default:
		return err
	}
	finding.Detail = err.Error()
	var known *fault.Error
	if errors.As(err, &known) {
		finding.Detail = known.Text
		if cause := errors.Unwrap(known); cause != nil && known.Code == fault.CannotJudge {
			finding.Detail += ": " + strings.TrimPrefix(cause.Error(), "sqlite3: ") // names what is unknown
		}
	}
	report.Findings = append(report.Findings, finding)
	return nil
}

// findUnjudged adds what the pragma passes over in silence: virtual tables whose
// module is unknown here.
func (c *Conn) findUnjudged(report *check.Report) error {
	known := map[string]bool{}
	err := c.rows(`PRAGMA module_list`, func(s *sqlite3.Stmt) error {
		known[strings.ToLower(s.ColumnText(0))] = true
		return nil
	})
	if err != nil {
		return err
	}
	return c.rows(`SELECT name, sql FROM main.sqlite_schema WHERE type='table' AND rootpage=0`, func(s *sqlite3.Stmt) error {
		module := moduleOf(s.ColumnText(1))
		if module != "" && !known[strings.ToLower(module)] {
			report.Findings = append(report.Findings, check.Finding{
				Kind: kindModule, Object: s.ColumnText(0), Detail: "no such module: " + module,
			})
		}
		return nil
	})
}

// moduleOf finds the module in CREATE VIRTUAL TABLE … USING module(…).
func moduleOf(sql string) string {
	fields := strings.Fields(strings.ReplaceAll(sql, "(", " ( "))
	for i, f := range fields {
		if strings.EqualFold(f, "using") && i+1 < len(fields) {
			return strings.Trim(fields[i+1], "\"'`[];")
		}
	}
	return ""
}

// judge turns findings into the verdict. Under a stand-in collation whatever depends
// on order is no evidence.
func (c *Conn) judge(report *check.Report) {
	report.Verdict = check.OK
	for _, name := range c.standIns {
		report.Findings = append(report.Findings, check.Finding{Kind: kindModule, Object: name, Detail: "no such collation sequence: " + name})
	}
	for _, f := range report.Findings {
		switch {
		case f.Kind == kindModule, len(c.standIns) > 0 && ordered(f.Kind):
			if report.Verdict == check.OK {
				report.Verdict = check.CannotJudge
			}
		default:
			report.Verdict = check.Damaged
		}
	}
}

func ordered(kind string) bool {
	return kind == kindIndex || kind == "unique" || kind == "check" || kind == kindOrder
}

// CheckForeignKeys is PRAGMA foreign_key_check, reporting at most limit orphans (0 =
// all). Orphans are not damage: the verdict stays OK. A foreign key that points at
// nothing that could be a parent is a finding of kind "foreign_key".
func (c *Conn) CheckForeignKeys(ctx context.Context, limit int) (check.Report, error) {
	report := check.Report{Engine: engine, Kind: check.ForeignKeys, Verdict: check.OK}
	started := time.Now()
	enough := errors.New("enough")
	err := c.do(ctx, "check foreign keys", func() error {
		return c.snapshot(func() error {
			err := c.rows(`PRAGMA main.foreign_key_check`, func(s *sqlite3.Stmt) error {
				report.ForeignKeys = append(report.ForeignKeys, check.ForeignKey{
					Table:    s.ColumnText(0),
					Rowid:    s.ColumnInt64(1),
					HasRowid: s.ColumnType(1) != sqlite3.NULL,
					Parent:   s.ColumnText(2),
				})
				if limit > 0 && len(report.ForeignKeys) >= limit {
					return enough
				}
				return nil
			})
			switch {
			case errors.Is(err, enough):
				return nil
			case err != nil && strings.Contains(err.Error(), "foreign key mismatch"):
				report.Findings = append(report.Findings, check.Finding{Kind: "foreign_key", Detail: err.Error()})
				report.Verdict = check.CannotJudge
				return nil
			}
			return err
		})
	})
	report.Duration = time.Since(started)
	if fault.CodeOf(err) == fault.CannotJudge {
		report.Verdict = check.CannotJudge
		return report, absorb(&report, err)
	}
	if err != nil {
		return check.Report{}, err
	}
	return report, nil
}
