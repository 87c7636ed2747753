package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
)

// VerifyCopy opens a stored copy, a file that nobody writes, afresh as an untrusted
// one, runs the full check by pages and compares its content with want, unless that is the zero
// value: then nothing is known of the copy. Content that differs is a finding of kind
// "content" that names the table. Damage is in the report; an error
// is operational and no verdict.
func VerifyCopy(ctx context.Context, path, vfs string, want manifest.Content) (check.Report, manifest.Content, error) {
	started := time.Now()
	c, err := Open(ctx, path, Options{VFS: vfs, ReadOnly: true, Immutable: true, Untrusted: true})
	if err != nil {
		return check.Report{}, manifest.Content{}, err
	}
	defer c.Close()
	report, told, err := c.checkWith(ctx, CheckOptions{}, true)
	if err != nil {
		return check.Report{}, manifest.Content{}, err
	}
	var got manifest.Content
	if report.Engine == check.EnginePage && report.Verdict == check.OK {
		got, err = c.complete(ctx, &told)
	} else {
		got, err = c.ContentOfRows(ctx)
	}
	found := len(report.Findings)
	if fault.CodeOf(err) == fault.CannotJudge || fault.IsDamage(err) {
		err = absorb(&report, err)
	} else if err == nil && want.SchemaDigest != "" {
		report.Findings = append(report.Findings, differences(want, got)...)
	}
	if err != nil {
		return check.Report{}, manifest.Content{}, err
	}
	for _, f := range report.Findings[found:] {
		switch {
		case f.Kind != kindModule:
			report.Verdict = check.Damaged
		case report.Verdict == check.OK:
			report.Verdict = check.CannotJudge
		}
	}
	report.Duration = time.Since(started)
	return report, got, nil
}

// differences compares two contents table by table; both are sorted by name.
func differences(want, got manifest.Content) []check.Finding {
	var list []check.Finding
	differs := func(object, format string, args ...any) {
		list = append(list, check.Finding{Kind: "content", Object: object, Detail: fmt.Sprintf(format, args...)})
	}
	if want.SchemaDigest != got.SchemaDigest {
		differs("sqlite_schema", "schema, user_version, application_id or encoding differs")
	}
	have := make(map[string]manifest.Table, len(got.Tables))
	for _, t := range got.Tables {
		have[t.Name] = t
	}
	for _, w := range want.Tables {
		g, ok := have[w.Name]
		delete(have, w.Name)
		switch {
		case !ok:
			differs(w.Name, "table %s with %d rows is not in the copy", w.Name, w.Rows)
		case w.Rows != g.Rows:
			differs(w.Name, "table %s has %d rows, want %d", w.Name, g.Rows, w.Rows)
		case w.Digest != g.Digest:
			differs(w.Name, "table %s has the right %d rows, but not their content", w.Name, w.Rows)
		}
	}
	for _, g := range got.Tables {
		if _, extra := have[g.Name]; extra {
			differs(g.Name, "table %s with %d rows should not be in the copy", g.Name, g.Rows)
		}
	}
	return list
}

// firstDifference says in one sentence why two contents are not equal.
func firstDifference(want, got manifest.Content) string {
	if list := differences(want, got); len(list) > 0 {
		return list[0].Detail
	}
	return "the order of tables differs"
}

// Preview counts the rows of every table of a stored copy.
func Preview(ctx context.Context, path, vfs string) ([]manifest.Table, error) {
	c, err := Open(ctx, path, Options{VFS: vfs, ReadOnly: true, Immutable: true, Untrusted: true})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Preview(ctx)
}
