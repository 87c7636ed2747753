package sqlite

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/page"
)

// CheckOptions say how a check is made. The zero value is a full one by pages.
type CheckOptions struct {
	Kind check.Kind // "" is check.Full
	// SQLite leaves the check to SQLite's own pragmas.
	SQLite bool
	// Alone leaves the other processors to the app.
	Alone bool
	// OrphansMax bounds the rows without a parent that are listed; 0 = 100.
	OrphansMax int
	// Progress hears pages read and in all.
	Progress func(donePages, totalPages int64)
}

const (
	opCheck   = "check pages"
	askedFor  = "it was asked for"
	kindFault = "the check of pages failed: "
)

// Check checks the database as of one read transaction, page by page; SQLite judges what
// only it can (https://sqlite.org/pragma.html#pragma_integrity_check). When pages alone are not enough for a verdict
// everything is asked of SQLite, and the report names it as the engine and says why. An
// error is operational and no verdict.
func (c *Conn) Check(ctx context.Context, o CheckOptions) (check.Report, error) {
	report, _, err := c.checkWith(ctx, o, false)
	return report, err
}

// checkWith is Check, which also digests the content of the tables if it is asked to.
func (c *Conn) checkWith(ctx context.Context, o CheckOptions, digest bool) (report check.Report, told check.Outcome, err error) {
	started := time.Now()
	if o.SQLite {
		report, err = c.checkBySQLite(ctx, o, askedFor)
		return report, told, err
	}
	s, err := c.Snapshot(ctx)
	if err != nil {
		if why, ok := leftToSQLite(err); ok {
			report, err = c.checkBySQLite(ctx, o, why)
		}
		return report, told, err
	}
	report, told, err = c.checkSnapshot(ctx, s, o, digest)
	if ended := s.Close(); err == nil {
		err = ended
	}
	if err != nil {
		return check.Report{}, check.Outcome{}, err
	}
	report.Duration = time.Since(started)
	return report, told, nil
}

// leftToSQLite tells whether an error only says that pages cannot be read here: SQLite
// then judges, damage that keeps it from opening the file included.
func leftToSQLite(err error) (why string, ok bool) {
	switch fault.CodeOf(err) {
	case fault.CannotJudge, fault.Corrupt, fault.NotADatabase, fault.Refused:
		return sentence(err), true
	}
	return "", false
}

// sentence is what happened, without what was tried and without the words of the driver.
func sentence(err error) string {
	var known *fault.Error
	if !errors.As(err, &known) {
		return err.Error()
	}
	var rule *page.Error
	if errors.As(err, &rule) {
		return known.Text + ": " + rule.Error()
	}
	return known.Text
}

func (c *Conn) checkSnapshot(ctx context.Context, s *Snapshot, o CheckOptions, digest bool) (check.Report, check.Outcome, error) {
	report := check.Report{Engine: check.EnginePage, Kind: o.kind(), Verdict: check.OK}
	var told check.Outcome
	if s.PageCount() == 0 { // SQLite, too, finds nothing wrong with an empty file
		return report, told, nil
	}
	why, err := c.readPages(ctx, s, o, func(db check.Database, opts check.Options) (why string, err error) {
		if o.Kind == check.ForeignKeys {
			return orphans(ctx, db, opts, o.OrphansMax, &report)
		}
		opts.Digest = digest
		told, why, err = verdict(ctx, db, opts, &report)
		return why, err
	})
	if err == nil && why != "" {
		report, err = c.checkBySQLite(ctx, o, why)
	}
	return report, told, err
}

func (o *CheckOptions) kind() check.Kind {
	if o.Kind == "" {
		return check.Full
	}
	return o.Kind
}

// readPages has f read the pages of a snapshot. A crash of the engine on a hostile file
// is a reason to ask SQLite, as is everything that f gives as why.
func (c *Conn) readPages(ctx context.Context, s *Snapshot, o CheckOptions, f func(check.Database, check.Options) (string, error)) (why string, err error) {
	defer func() {
		if r := recover(); r != nil {
			why, err = kindFault+fmt.Sprint(r), nil
		}
	}()
	opts := check.Options{Crew: crewFor(s.PageCount(), o.Alone && s.Source().JournalMode == "wal"), Judge: c.Judge()}
	if o.Kind == check.Quick {
		opts.Judge = quickJudge{c.Judge()}
	}
	if opts.Seed, err = chance(); err != nil {
		return "", err
	}
	db := s.Database()
	db.Pages = &countedPages{of: s, size: s.PageSize(), total: int64(s.PageCount()), tell: o.Progress}
	why, err = f(db, opts)
	if err != nil && ctx.Err() != nil {
		err = fault.Wrap(fault.Interrupted, opCheck, "stopped before the end", ctx.Err())
	}
	return why, err
}

// quickJudge never compares indexes with their tables.
type quickJudge struct{ Judge }

func (j quickJudge) Table(ctx context.Context, name string, _ check.Kind) ([]check.Finding, error) {
	return j.Judge.Table(ctx, name, check.Quick)
}

func (quickJudge) Count(context.Context, string, string) (int64, error) { return -1, nil }

func chance() (seed [2]uint64, err error) {
	var b [16]byte
	_, err = rand.Read(b[:])
	return [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])}, err
}

// verdict checks everything. Damage needs no second opinion; only where nothing is
// damaged and something could not be judged SQLite has to look itself.
func verdict(ctx context.Context, db check.Database, o check.Options, report *check.Report) (out check.Outcome, why string, err error) {
	if out, err = check.Verify(ctx, db, o); err != nil {
		return out, "", err
	}
	report.Verdict = out.Verdict
	report.More = out.More > 0 || len(out.Findings) >= listedMax
	report.Findings = append(out.Findings, out.Unjudged...)
	if out.Verdict == check.CannotJudge {
		return out, reasonOf(out.Unjudged), nil
	}
	return out, "", nil
}

func reasonOf(unjudged []check.Finding) string {
	u := unjudged[0]
	if u.Object == "" {
		return u.Detail
	}
	return u.Object + ": " + u.Detail
}

// orphans looks for rows without a parent.
func orphans(ctx context.Context, db check.Database, o check.Options, limit int, report *check.Report) (why string, err error) {
	o.Judge = nil
	out, err := check.FindOrphans(ctx, db, o, limit)
	if err != nil {
		return "", err
	}
	report.ForeignKeys = out.List
	if len(out.Unjudged) > 0 {
		return reasonOf(out.Unjudged), nil
	}
	return "", nil
}

// checkBySQLite asks SQLite, in the transaction that is open if there is one.
func (c *Conn) checkBySQLite(ctx context.Context, o CheckOptions, why string) (report check.Report, err error) {
	switch o.Kind {
	case check.ForeignKeys:
		report, err = c.CheckForeignKeys(ctx, o.OrphansMax)
	case check.Quick:
		report, err = c.CheckQuick(ctx)
	default:
		report, err = c.CheckFull(ctx)
	}
	report.Reason = why
	return report, err
}

// Content digests what every table holds, in one read transaction, with the memory of a
// few pages. Virtual tables are left out: what they hold lies in ordinary (shadow)
// tables, which are digested. Virtual generated columns are computed, not held, and left out. In a
// table whose columns shadow all three names of the rowid, the rowid is left out. What
// pages do not tell for certain is read as ContentOfRows reads it, with the same digests.
func (c *Conn) Content(ctx context.Context) (manifest.Content, error) {
	s, err := c.Snapshot(ctx)
	if err != nil {
		if _, ok := leftToSQLite(err); ok {
			return c.ContentOfRows(ctx)
		}
		return manifest.Content{}, err
	}
	content, err := c.contentOf(ctx, s)
	if ended := s.Close(); err == nil {
		err = ended
	}
	if err != nil {
		return manifest.Content{}, err
	}
	return content, nil
}

func (c *Conn) contentOf(ctx context.Context, s *Snapshot) (manifest.Content, error) {
	if s.PageCount() == 0 {
		return c.ContentOfRows(ctx)
	}
	var out check.Outcome
	why, err := c.readPages(ctx, s, CheckOptions{}, func(db check.Database, o check.Options) (why string, err error) {
		o.Judge, o.Digest = nil, true
		out, err = check.Verify(ctx, db, o)
		return "", err
	})
	switch {
	case err != nil:
		return manifest.Content{}, err
	case why != "" || out.Verdict == check.Damaged: // how much of it can be read is SQLite's to say
		return c.ContentOfRows(ctx)
	}
	return c.complete(ctx, &out)
}

// complete makes a content of what pages told: SQLite adds what they did not. It belongs
// in the transaction in which the pages were read.
func (c *Conn) complete(ctx context.Context, told *check.Outcome) (content manifest.Content, err error) {
	known := make(map[string]check.Content, len(told.Tables))
	for _, t := range told.Tables {
		known[t.Name] = t
	}
	if content, ok := wholeContent(known, told.Schema); ok {
		return content, nil
	}
	err = c.do(ctx, opDigest, func() error {
		return c.snapshot(func() error {
			content, err = c.contentBut(known)
			return err
		})
	})
	return content, err
}

// wholeContent is the content where pages told all of it.
func wholeContent(known map[string]check.Content, schema check.Schema) (manifest.Content, bool) {
	content := manifest.Content{SchemaDigest: schema.Digest, Tables: make([]manifest.Table, 0, len(schema.Stores))}
	for _, name := range schema.Stores {
		k, ok := known[name]
		if !ok {
			return content, false
		}
		content.Tables = append(content.Tables, manifest.Table{Name: name, Rows: k.Rows, Digest: k.Digest})
	}
	return content, schema.Digest != ""
}
