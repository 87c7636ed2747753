package supervisor

import (
	"context"
	"errors"

	"github.com/officer-doofy/officer/actors/recovery"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
)

// workshop makes the candidates of a repair: recovery.Workshop.
type workshop struct {
	*engine
	rules []check.Rule
}

// Reindex works on a plain copy: a suspect file itself is never written. What cannot be made anew there is
// written anew, of another copy.
func (w workshop) Reindex(ctx context.Context, kept, to string) (recovery.Candidate, error) {
	made, err := w.reindex(ctx, kept, to, false)
	if errors.Is(err, rebuild.ErrSpoiled) {
		made, err = w.reindex(ctx, kept, to, true)
	}
	return made, err
}

func (w workshop) reindex(ctx context.Context, kept, to string, anew bool) (recovery.Candidate, error) {
	plain := to + ".tmp"
	defer w.sweep(plain)
	w.sweep(to)
	if _, err := w.consolidate(ctx, kept, plain, false); err != nil {
		return recovery.Candidate{}, err
	}
	_, made, err := rebuild.Reindex(ctx, rebuild.ReindexOrder{FS: w.files, VFS: w.vfs, File: plain, To: to, Anew: anew})
	if err != nil {
		w.sweep(to)
		return recovery.Candidate{}, err
	}
	return recovery.Candidate{Verdict: made.Verdict.Verdict, Findings: made.Verdict.Findings, Content: made.Content, Patched: made.Patched}, nil
}

// Salvage gets out what the kept files prove.
func (w workshop) Salvage(ctx context.Context, o recovery.SalvageOrder) (recovery.Candidate, error) {
	// The kept files were written and hashed a moment ago: a read that fails is no lost row.
	out, err := rebuild.Recover(ctx, rebuild.Order{FS: w.files, VFS: w.vfs, File: o.Kept, To: o.To, Base: o.Base, Aside: o.Aside, Readable: true, Progress: o.Progress})
	if err != nil {
		return recovery.Candidate{}, err
	}
	notes := out.Notes
	if out.Undated != "" {
		notes = append(notes, out.Undated)
	}
	return recovery.Candidate{Verdict: out.Verdict.Verdict, Findings: out.Verdict.Findings, Content: out.Content,
		Tables: lossOf(out), SetAside: out.Found, Named: out.Doubts != "", Patched: out.Patched, Notes: notes}, nil
}

// lossOf counts where the rows of each table came from.
func lossOf(r *rebuild.Result) []loss.Table {
	list := make([]loss.Table, 0, len(r.Tables))
	for i := range r.Tables {
		t := &r.Tables[i]
		list = append(list, loss.Table{Name: t.Name, Kept: t.Kept, Salvaged: t.Salvaged, FromBase: t.FromBase, Uncertain: t.Uncertain(),
			Lost: max(t.Lost-t.FromBase, 0), SetAside: t.Strays + t.Refused, Notes: t.Notes, Confirmed: t.Confirmed(), ByBase: t.ByBase,
			ByIndex: t.ByIndex, ByLog: t.ByLog, Unconfirmed: t.Unconfirmed(), Undated: t.Undated, Doubted: t.Doubted, AsInBase: t.AsInBase,
			FromOlder: t.FromOlder, Loose: looseOf(t.Loose)})
	}
	return list
}

func looseOf(all []salvage.Stretch) (list []loss.Stretch) {
	for _, s := range all {
		list = append(list, loss.Stretch(s))
	}
	return list
}

// Judge runs the foreign keys and the rules of the application.
func (w workshop) Judge(ctx context.Context, path string) (report check.Report, err error) {
	c, err := sqlite.Open(ctx, path, sqlite.Options{VFS: w.vfs, ReadOnly: true, Immutable: true, Untrusted: true, Space: w.space})
	if err != nil {
		return report, err
	}
	defer c.Close()
	if report, err = c.Check(ctx, sqlite.CheckOptions{Kind: check.ForeignKeys, OrphansMax: loss.ForeignKeysMax}); err != nil || len(w.rules) == 0 {
		return report, err
	}
	broken, err := c.RunRules(ctx, w.rules)
	report.RuleBreaks = broken.RuleBreaks
	return report, err
}
