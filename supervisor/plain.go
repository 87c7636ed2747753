package supervisor

import (
	"context"
	"path/filepath"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
)

// FileCheck says how a file is checked.
type FileCheck struct {
	Quick    bool                              // leave out the comparison of indexes where SQLite makes it
	SQLite   bool                              // SQLite's own pragmas instead of the check of pages
	Progress func(donePages, totalPages int64) // may be nil
}

// CheckFile checks a SQLite file that no tree looks after, reading only. With a -wal
// beside it the content of that counts too.
func CheckFile(ctx context.Context, path string, how FileCheck) (*messages.CheckReport, error) {
	op := "check " + filepath.Base(path)
	c, err := sqlite.Open(ctx, path, sqlite.Options{Looks: true, Untrusted: true, BusyTimeout: busyTimeout})
	if err != nil {
		return nil, failureOf(op, err).WithDid("Nothing was changed.").WithHints("ls -l " + shell.Word(path))
	}
	defer c.Close()
	opts := sqlite.CheckOptions{Kind: check.Full, SQLite: how.SQLite, Progress: how.Progress}
	if how.Quick {
		opts.Kind = check.Quick
	}
	began := time.Now()
	report, err := c.Check(ctx, opts)
	if fault.CodeOf(err) == fault.ReadOnly {
		// SQLite would have to roll a journal back, or make the -shm of a WAL, before it reads:
		// a backup does
		// (https://sqlite.org/lockingv3.html#hot_journals).
		return nil, messages.NewFailure(string(fault.ReadOnly), op,
			"%s cannot be read without writing: an interrupted transaction waits beside it, or its folder is read-only", path).
			WithDid("Nothing was changed; whether it is damaged is not known.").
			WithHints("officer backup "+shell.Word(path), "ls -la "+shell.Word(filepath.Dir(path)))
	}
	if err != nil {
		return nil, failureOf(op, err).WithDid("Nothing was changed.")
	}
	if !how.Quick && report.Verdict == check.OK {
		keys, err := c.Check(ctx, sqlite.CheckOptions{Kind: check.ForeignKeys, SQLite: how.SQLite, OrphansMax: foreignKeysShown})
		if err != nil {
			return nil, failureOf(op, err).WithDid("Nothing was changed.")
		}
		report.ForeignKeys = keys.ForeignKeys
	}
	report.Duration = time.Since(began)
	return reportOf(report, began), nil
}

// foreignKeysShown bounds the list of orphans.
const foreignKeysShown = 1000

func reportOf(r check.Report, at time.Time) *messages.CheckReport {
	kind := messages.CheckKind_CHECK_KIND_FULL
	if r.Kind == check.Quick {
		kind = messages.CheckKind_CHECK_KIND_QUICK
	}
	out := &messages.CheckReport{
		Verdict: string(r.Verdict), Engine: string(r.Engine), EngineReason: r.Reason, MoreFindings: r.More, Kind: kind,
		DurationMs: r.Duration.Milliseconds(), CheckedAtUnixMs: at.UnixMilli(),
	}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, &messages.Finding{Kind: f.Kind, Object: f.Object, Page: f.Page, Detail: f.Detail,
			Rowid: f.Rowid, HasRowid: f.HasRowid})
	}
	for _, k := range r.ForeignKeys {
		out.ForeignKeys = append(out.ForeignKeys, &messages.ForeignKeyFinding{
			Table: k.Table, Rowid: k.Rowid, HasRowid: k.HasRowid, Parent: k.Parent,
		})
	}
	return out
}

// SameVolume tells whether two files or folders lie on one volume. Unknown counts as different.
func SameVolume(a, b string) bool {
	fsys := fsx.OS()
	one, err := fsys.Stat(a)
	if err != nil {
		return false
	}
	two, err := fsys.Stat(b)
	if err != nil {
		return false
	}
	deviceOne, _, ok := fsys.Identity(one)
	deviceTwo, _, ok2 := fsys.Identity(two)
	return ok && ok2 && deviceOne == deviceTwo
}
