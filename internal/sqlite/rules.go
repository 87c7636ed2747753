package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
)

const (
	// RuleTimeout is how long one app rule may run.
	RuleTimeout = 30 * time.Second
	// ruleRowsMax is how many offending rows of a rule are counted.
	ruleRowsMax = 1000
)

// RunRules runs each rule in one read transaction under an authorizer that lets it
// read only, and reports those that returned rows or could not be run. The verdict is
// OK: broken rules are not damage. An error means that not every rule could be judged, for
// a reason that is none of theirs.
func (c *Conn) RunRules(ctx context.Context, rules []check.Rule) (check.Report, error) {
	report := check.Report{Engine: engine, Kind: check.Full, Verdict: check.OK}
	started := time.Now()
	err := c.do(ctx, "run rules", func() error {
		return c.snapshot(func() error {
			confined, err := c.confine()
			if err != nil {
				return err
			}
			defer confined()
			for _, rule := range rules {
				rows, err := c.runRule(ctx, rule)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				switch {
				case err != nil:
					if failed := c.fail("run the rule "+rule.Name, err); notTheRules(failed) {
						return failed
					}
					report.RuleBreaks = append(report.RuleBreaks, check.RuleBreak{Rule: rule, Rows: rows, Err: err.Error()})
				case rows > 0:
					report.RuleBreaks = append(report.RuleBreaks, check.RuleBreak{Rule: rule, Rows: rows})
				}
			}
			return nil
		})
	})
	if err != nil {
		return check.Report{}, err
	}
	report.Duration = time.Since(started)
	return report, nil
}

// notTheRules tells whether an error of a rule says nothing of it: a device that failed once must not
// count as a broken rule until the next check. Memory and temporary room are the rule's own: one that always needs too
// much of them would keep every check from its end.
func notTheRules(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Corrupt, fault.NotADatabase, fault.IO, fault.Busy:
		return true
	}
	return false
}

// confine lets the connection only read until the returned function is called.
func (c *Conn) confine() (release func(), err error) {
	if err := c.db.Exec(`PRAGMA query_only=ON`); err != nil {
		return nil, err
	}
	if err := c.db.SetAuthorizer(ruleOnly); err != nil {
		return nil, err
	}
	return func() {
		if c.opts.Untrusted {
			_ = c.db.SetAuthorizer(readingOnly)
		} else {
			_ = c.db.SetAuthorizer(nil)
		}
		if !c.opts.ReadOnly {
			old := c.db.SetInterrupt(context.Background())
			_ = c.db.Exec(`PRAGMA query_only=OFF`)
			c.db.SetInterrupt(old)
		}
	}, nil
}

func (c *Conn) runRule(ctx context.Context, rule check.Rule) (rows int64, err error) {
	const op = "run rule"
	bounded, cancel := context.WithTimeout(ctx, RuleTimeout)
	defer cancel()
	c.db.SetInterrupt(bounded)
	defer c.db.SetInterrupt(ctx)
	s, tail, err := c.db.Prepare(rule.SQL)
	if err != nil {
		return 0, err
	}
	if s == nil {
		return 0, fault.New(fault.Invalid, op, "no statement")
	}
	defer s.Close()
	if strings.Trim(tail, " \t\r\n;") != "" {
		return 0, fault.New(fault.Invalid, op, "more than one statement")
	}
	if !s.ReadOnly() {
		return 0, fault.New(fault.Invalid, op, "the statement writes")
	}
	for rows < ruleRowsMax && s.Step() {
		rows++
	}
	if bounded.Err() != nil && ctx.Err() == nil {
		return rows, fault.New(fault.Interrupted, op, "took longer than %s", RuleTimeout)
	}
	return rows, s.Err()
}
