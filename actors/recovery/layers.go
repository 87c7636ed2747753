package recovery

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// Workshop makes candidates of kept files, which it never changes, and judges them. The
// supervisor implements it. An error is a *fault.Error; then nothing is left at to.
type Workshop interface {
	// Reindex makes a candidate whose damaged indexes were made anew. The error is
	// fault.Refused when more than indexes may be damaged.
	Reindex(ctx context.Context, kept, to string) (Candidate, error)
	// Salvage makes a candidate of everything that the kept files prove, and of the rows of
	// base, a plain SQLite file ("" = none), where they have lost some. Rows that are in no
	// table go into a database file aside.
	Salvage(ctx context.Context, o SalvageOrder) (Candidate, error)
	// Judge runs the foreign keys and the app's rules on a candidate.
	Judge(ctx context.Context, path string) (check.Report, error)
}

// SalvageOrder says what is salvaged from where.
type SalvageOrder struct {
	Kept, Base, To, Aside string
	Progress              func(stage string, done, total int64)
}

// Candidate is a new database that was checked in full.
type Candidate struct {
	Verdict  check.Verdict
	Findings []check.Finding
	Content  manifest.Content
	Tables   []loss.Table // of a reindexing none: all rows are where they were
	SetAside int64
	Patched  int  // pages that were written anew while all others are those of the damaged files; 0 = all are new
	Named    bool // the file aside names each row that the damaged files do not prove
	Notes    []string
}

// assemble makes the candidate, and takes the hash of the kept files that it is made of: it
// goes live only over these very bytes.
func (r *run) assemble(ctx context.Context) error {
	var sum string
	var unread error
	wait := fsx.Alongside(func() { sum, unread = fsx.HashDatabase(ctx, r.cfg.FS, r.evidence.database()) })
	err := func() error {
		defer wait()
		return r.layers(ctx)
	}()
	if err := cmp.Or(err, unread); err != nil {
		return err
	}
	r.onlyOver, r.set.rec.OnlyOver = sum, sum // in the journal with the candidate
	return nil
}

// layers makes the candidate by the first layer whose outcome passes a full check.
func (r *run) layers(ctx context.Context) error {
	base := r.lender(ctx)
	if err := r.roomToRepair(base); err != nil {
		return err
	}
	var why []string
	for _, layer := range []loss.Layer{loss.Reindex, loss.Merge, loss.Salvage} {
		if layer == loss.Merge && base.path == "" {
			continue
		}
		if layer == loss.Reindex && (r.namesTable(base.content) || r.treeOfTable()) {
			continue
		}
		made, err := r.make(ctx, layer, base)
		switch {
		case err == nil:
			r.adopt(layer, base, made)
			return nil
		case ctx.Err() != nil || !refusal(err):
			return err // of the machine, not of the files: no other layer would do better
		}
		r.cfg.Log.Info("a layer of the repair gives no candidate", "layer", string(layer), "error", err)
		why = append(why, string(layer)+": "+textOf(err))
		if err := r.dropCandidate(); err != nil {
			return err
		}
	}
	f := messages.NewFailure("not_recoverable", r.op, "no candidate passed (%s)", strings.Join(why, "; ")).
		WithDid("Nothing was changed; the damaged files are kept in " + r.evidence.dir + ".")
	if base.from != "" {
		return f.WithHints(r.verb("restore", base.from))
	}
	return f.WithHints(r.verb("list"))
}

// refusal tells whether an error is about the files: then the next layer is tried.
func refusal(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Refused, fault.Corrupt, fault.NotADatabase, fault.CannotJudge, fault.Mismatch, fault.Invalid:
		return true
	}
	return false
}

// lender gives the newest verified backup whose bytes are still what was verified; an
// empty one when there is none.
func (r *run) lender(ctx context.Context) candidate {
	was := r.pick
	defer func() { r.pick = was }()
	for range triesMax { // each that is found rotten is marked, and the next one asked for
		if err := r.choose(ctx); err != nil {
			r.cfg.Log.Warn("no backup lends anything to a repair", "error", err)
			return candidate{}
		}
		err := r.readBack(ctx)
		if err == nil {
			return r.pick
		}
		r.cfg.Log.Warn("a backup is of no use to a repair", "backup", r.pick.from, "error", err)
	}
	return candidate{}
}

// namesTable tells whether a finding speaks of a table: then it is no use to look for
// damage in nothing but indexes.
func (r *run) namesTable(base *manifest.Content) bool {
	return base != nil && slices.ContainsFunc(r.findings.GetFindings(), func(f *messages.Finding) bool {
		return slices.ContainsFunc(base.Tables, func(t manifest.Table) bool { return t.Name == f.GetObject() })
	})
}

// treeOfTable tells whether a finding of SQLite's own check ("Tree 3 page 15: …", by the
// root page) is about a table: to look for damage in nothing but indexes would cost a whole
// check more. The root's kind of page says so (https://sqlite.org/fileformat2.html#b_tree_pages);
// where it cannot be read the look is taken.
func (r *run) treeOfTable() bool {
	f, err := r.cfg.FS.Open(r.evidence.database())
	if err != nil {
		return false
	}
	defer f.Close()
	var size [2]byte
	if n, _ := f.ReadAt(size[:], 16); n < len(size) {
		return false
	}
	pageBytes := int64(binary.BigEndian.Uint16(size[:]))
	if pageBytes == 1 {
		pageBytes = 65536
	}
	return slices.ContainsFunc(r.findings.GetFindings(), func(finding *messages.Finding) bool {
		var root, at int64
		if n, _ := fmt.Sscanf(finding.GetDetail(), "Tree %d page %d", &root, &at); n < 2 || root < 2 {
			return false
		}
		var kind [1]byte
		n, _ := f.ReadAt(kind[:], (root-1)*pageBytes)
		return n == 1 && page.Kind(kind[0]).Table()
	})
}

// make has the workshop make a candidate, and refuses one that does not pass.
func (r *run) make(ctx context.Context, layer loss.Layer, base candidate) (Candidate, error) {
	kept, to := r.evidence.database(), filepath.Join(r.set.dir, candidateFile)
	var made Candidate
	var err error
	if layer == loss.Reindex {
		made, err = r.cfg.Workshop.Reindex(ctx, kept, to)
	} else {
		o := SalvageOrder{Kept: kept, To: to, Aside: filepath.Join(r.set.dir, asideFile), Progress: func(stage string, done, total int64) {
			r.tell(&messages.Progress{JobId: r.jobID, Stage: stage, Done: done, Total: total, Unit: "pages"})
		}}
		if layer == loss.Merge {
			o.Base = base.path
		}
		made, err = r.cfg.Workshop.Salvage(ctx, o)
		if layer == loss.Merge && gone(err) && r.refind(ctx, &base) {
			o.Base = base.path
			made, err = r.cfg.Workshop.Salvage(ctx, o)
		}
	}
	switch {
	case err != nil:
		return made, err
	case made.Verdict != check.OK:
		return made, fault.New(fault.Refused, r.op, "the candidate does not pass its check (%s)", firstFinding(made))
	case !complete(&made.Content):
		return made, fault.New(fault.Refused, r.op, "not every table of the candidate can be read")
	case len(made.Content.Tables) == 0 && base.content != nil && len(base.content.Tables) > 0:
		return made, fault.New(fault.Refused, r.op, "the candidate has no tables")
	}
	return made, nil
}

// refind asks where the lender went: one that was just published may have moved it.
func (r *run) refind(ctx context.Context, base *candidate) bool {
	was := r.pick
	defer func() { r.pick = was }()
	r.pick = *base
	ok := r.found(ctx)
	*base = r.pick
	return ok
}

func firstFinding(c Candidate) string {
	if len(c.Findings) == 0 {
		return string(c.Verdict)
	}
	return c.Findings[0].Object + ": " + c.Findings[0].Detail
}

// adopt notes what the candidate is and what it lacks.
func (r *run) adopt(layer loss.Layer, base candidate, made Candidate) {
	r.pick = candidate{from: r.evidence.id, content: &made.Content}
	l := &loss.Report{Layer: layer, Database: filepath.Base(r.cfg.Database), Evidence: r.evidence.dir, Tables: made.Tables,
		SetAside: made.SetAside, Notes: made.Notes}
	if layer == loss.Merge {
		r.pick.from, l.Base, l.Compared = base.from, base.from, base.from
	}
	if l.SetAside > 0 || made.Named {
		l.AsideIn = filepath.Join(r.set.dir, asideFile)
	}
	if layer == loss.Reindex {
		l.Compared = base.from
		for _, t := range made.Content.Tables {
			l.Tables = append(l.Tables, reindexed(t, base.content))
		}
	}
	r.loss = l
	r.cfg.Log.Info("a candidate was made", "layer", string(layer), "pages_patched", made.Patched)
}

// reindexed says of a table whose indexes were made anew what confirms it: the backup, if it
// has the very same rows. That they were there before the damage was found confirms no value.
func reindexed(t manifest.Table, base *manifest.Content) loss.Table {
	out := loss.Table{Name: t.Name, Kept: t.Rows}
	if base != nil && t.Digest != "" && slices.ContainsFunc(base.Tables, func(b manifest.Table) bool {
		return b.Name == t.Name && b.Rows == t.Rows && b.Digest == t.Digest
	}) {
		out.Confirmed, out.ByBase, out.AsInBase = t.Rows, t.Rows, t.Rows
		return out
	}
	out.Uncertain, out.Unconfirmed = t.Rows, t.Rows
	return out
}

// dropCandidate removes what a layer that failed has left.
func (r *run) dropCandidate() error {
	if err := r.quar.dropSource(r.set); err != nil {
		return err
	}
	if err := r.cfg.FS.Remove(filepath.Join(r.set.dir, asideFile)); err != nil && !gone(err) {
		return err
	}
	return nil
}

// roomNeeded gives the bytes that a repair takes, of damaged files and a backup of so many: the
// candidate and the copy it is made of, what its indexes are sorted in (three fifths of a database where that was measured:
// 550 MB of 1 GB, docs/recovery.md), and what is replaced.
func roomNeeded(keptBytes, baseBytes int64) int64 {
	size := max(keptBytes, baseBytes)
	return 2*size + size*3/5 + keptBytes + spareBytes
}

// roomToRepair keeps promises P5 and P8: all that a repair takes must fit before anything is begun.
func (r *run) roomToRepair(base candidate) error {
	kept := int64(0)
	for _, tail := range append([]string{""}, tails()...) {
		if info, err := r.cfg.FS.Stat(r.evidence.database() + tail); err == nil {
			kept += info.Size()
		}
	}
	need := roomNeeded(kept, base.size)
	space, err := r.cfg.FS.Space(r.cfg.Home)
	if err != nil {
		return err
	}
	if space.FreeBytes < need {
		return messages.NewFailure(string(fault.Full), r.op,
			"the volume of %s has %d MB free, %d MB are needed to make a candidate and to keep what it replaces",
			r.cfg.Home, space.FreeBytes>>20, (need>>20)+1).
			WithDid("Nothing was changed; the damaged files are kept in "+r.evidence.dir+".").
			WithHints("df -h "+shell.Word(r.cfg.Home), r.verb("repair"))
	}
	return nil
}

func ruleWords(b check.RuleBreak) string {
	if b.Err != "" {
		return fmt.Sprintf("%s could not be run: %s", b.Rule.Name, b.Err)
	}
	return fmt.Sprintf("%s: %d rows", b.Rule.Name, b.Rows)
}
