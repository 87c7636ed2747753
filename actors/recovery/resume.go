package recovery

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// ending is what a look at an interrupted restore found.
type ending string

const (
	endedNone    ending = ""        // nothing was open
	endedOld     ending = "old"     // the old database stands
	endedNew     ending = "new"     // the restore had gone live
	endedAgain   ending = "again"   // neither; the restore was carried out again
	endedUnclear ending = "unclear" // a healthy database of which nobody can tell
)

// againWithin is how old an order may be that is carried out again without being asked
// for: after that the app may have worked on, and the damage may be another.
const againWithin = 24 * time.Hour

// looked is the outcome of a resume.
type looked struct {
	ending ending
	set    *set
	found  string // for people
	report *messages.RestoreReport
}

// resume finds out how an interrupted restore ended and finishes it (promise P7). It
// returns an error when nobody could tell yet: then it is asked again later.
func (r *run) resume(ctx context.Context) (looked, error) {
	r.report = &messages.RestoreReport{}
	s, err := r.lastOpen()
	if err != nil || s == nil {
		return looked{}, err
	}
	if r.unread(s.err) {
		return looked{set: s}, s.err
	}
	if s.err != nil {
		r.cfg.Log.Error("the journal of a restore cannot be read", "dir", s.dir, "error", s.err)
		return looked{ending: endedUnclear, set: s, found: "its journal cannot be read"}, nil //nolint:nilerr // an unreadable journal is the finding
	}
	// A record in the making is of a life before this one; the janitor keeps away from what is open.
	if err := fsx.RemoveTemps(r.cfg.FS, filepath.Join(s.dir, recordFile(s.rec.Kind))); err != nil {
		return looked{set: s}, err
	}
	r.set, r.began, r.suspect, r.repair = s, s.rec.Began, s.rec.Damaged, s.rec.Kind == kindRepair
	r.pick = candidate{from: s.rec.RestoredFrom, content: s.rec.After}
	switch s.rec.State {
	case stateStaging:
		return r.endOld(false, "nothing had been changed")
	case stateLive:
		return r.endNew(ctx, "it was in place and compared")
	}
	r.unfinishedNow(s, "Officer is looking at the database", r.verb("status"))
	end, guess, found, err := r.inspect(ctx)
	if err != nil {
		return looked{set: s}, err
	}
	switch end {
	case endedOld:
		return r.endOld(guess, found)
	case endedNew:
		return r.endNew(ctx, found)
	case endedAgain:
		if age := time.Since(s.rec.Began); age <= againWithin {
			return r.endAgain(ctx, s, found)
		}
		found += ", and the order is too old to be carried out again by itself"
	}
	if err := r.protectUnclear(ctx, s); err != nil {
		r.cfg.Log.Warn("a database of which nobody can tell could not be backed up", "set", s.id, "error", err)
	}
	if s.rec.BackedUpAs != "" {
		found += "; what is there now is backed up, and pinned, as " + s.rec.BackedUpAs
	}
	s.rec.Found = found
	return looked{ending: endedUnclear, set: s, found: found}, r.quar.save(s)
}

// protectUnclear keeps what the app may have written since, once: whatever is ordered next
// cannot lose it. A database that cannot be read cannot be backed up, and is not asked for.
func (r *run) protectUnclear(ctx context.Context, s *set) error {
	if s.rec.BackedUpAs != "" {
		return nil
	}
	b, err := r.takeBackup(ctx, true)
	if err == nil && b.GetBackup().GetVerified() {
		s.rec.BackedUpAs = b.GetBackup().GetId()
	}
	return err
}

// unread tells whether a device did not give what a look needs, and may give it at the next one.
func (r *run) unread(err error) bool {
	return fsx.Unread(err) && r.looks < looksPatient
}

// lastOpen gives the newest restore or undo if its outcome is open, and closes older
// ones that a later restore decided.
func (r *run) lastOpen() (*set, error) {
	sets, err := r.quar.sets()
	if err != nil {
		return nil, err
	}
	for i, s := range slices.Backward(sets) {
		switch {
		case s.err == nil && (s.rec.Kind == kindDamage || s.rec.State == stateAborted):
			continue
		case s.err != nil || s.open():
			return s, nil
		}
		r.set = sets[i] // verified: it decided what came before
		r.supersede()
		return nil, nil
	}
	return nil, nil
}

// inspect looks at the live database: is it what it was, what was wanted, or neither?
// guess says that it was told by most tables and not by all.
func (r *run) inspect(ctx context.Context) (end ending, guess bool, found string, err error) {
	rec := &r.set.rec
	rep, err := request[*messages.ContentReport](ctx, r, "dbowner", &messages.ReadContent{Job: r.job(".look")}, r.cfg.Timeout)
	if err != nil && passing(codeOf(err)) && codeOf(err) != "unhandled" {
		return "", false, "", err
	}
	var now *manifest.Content
	if err == nil {
		now = fromMessage(rep.GetContent())
	}
	if complete(now) && complete(rec.After) && same(now, rec.After) {
		return endedNew, false, "the restored database is in place", nil
	}
	if complete(now) && complete(rec.Before) && same(now, rec.Before) {
		return endedOld, false, "the old database is in place", nil
	}
	if rec.State == stateDoubtful && !complete(rec.After) {
		return endedNew, false, "the damaged database that was to be brought back is in place", nil
	}
	c, err := request[*messages.CheckReport](ctx, r, "integrity", &messages.CheckNow{
		Kind: messages.CheckKind_CHECK_KIND_FULL, Priority: messages.Priority_PRIORITY_URGENT, JobId: r.jobID + ".check"}, r.cfg.Timeout)
	if err != nil && passing(codeOf(err)) {
		return "", false, "", err
	}
	switch {
	case err != nil || c.GetVerdict() == string(check.Damaged):
		return endedAgain, false, "the database was neither the old nor the restored one", nil //nolint:nilerr // damage that keeps the check from running is damage
	case c.GetVerdict() != string(check.OK) || now == nil:
		return endedUnclear, false, "the database could not be judged", nil
	}
	cookie, err := r.schemaCookie(ctx)
	if err != nil {
		return "", false, "", err
	}
	end, found = resembles(now, cookie, rec)
	return end, true, found, nil
}

// schemaCookie is the number of the live schema
// (https://sqlite.org/fileformat2.html#schema_cookie). A restore in place makes it one more
// than that of what it replaces, and what an app writes into its tables leaves it as it is.
// nil = the database has no header, or it cannot be read.
func (r *run) schemaCookie(ctx context.Context) (*uint32, error) {
	facts, err := request[*messages.DatabaseFacts](ctx, r, "dbowner", &messages.InspectDatabase{Job: r.job(".inspect")}, askTimeout)
	if err != nil && passing(codeOf(err)) {
		return nil, err
	}
	if err != nil || facts.GetPageSize() == 0 {
		return nil, nil //nolint:nilerr // damage has no number
	}
	cookie := facts.GetSource().GetSchemaCookie()
	return &cookie, nil
}

// resembles judges a healthy database that equals neither side, because the app went on
// writing: by the number of its schema, by tables that are still equal, by the schema. Only
// an empty one in place of tables is a restore that was cut in two: that is what remains
// when a destroyed header was reset.
func resembles(now *manifest.Content, cookie *uint32, rec *record) (ending, string) {
	if len(now.Tables) == 0 && rec.After != nil && len(rec.After.Tables) > 0 && (rec.Before == nil || len(rec.Before.Tables) > 0) {
		return endedAgain, "the database was empty"
	}
	const newStands, oldStands = "the restored database is in place, and the app has written since", "the old database is in place, and the app has written since"
	numbered := cookie != nil && rec.SchemaCookie != nil
	toNew, toOld := equalTables(now, rec.After, rec.Before), equalTables(now, rec.Before, rec.After)
	likeNew, likeOld := likeSchema(now, rec.After), likeSchema(now, rec.Before)
	switch {
	case numbered && !rec.Damaged && *cookie == *rec.SchemaCookie:
		return endedOld, oldStands // no restore leaves the number as it was
	case toNew > toOld:
		return endedNew, newStands
	case toOld > toNew:
		return endedOld, oldStands
	case rec.Damaged:
		return endedNew, "the database is healthy, which the old one was not, and the app has written since"
	case likeNew && hasSchema(rec.Before) && !likeOld:
		return endedNew, newStands
	case likeOld && hasSchema(rec.After) && !likeNew:
		return endedOld, oldStands
	case numbered && likeNew && *cookie == *rec.SchemaCookie+1:
		return endedNew, "to judge by the number of its schema, " + newStands
	}
	return endedUnclear, "the database is healthy, but it cannot be told whether it is the old or the restored one"
}

func likeSchema(now, side *manifest.Content) bool {
	return hasSchema(side) && len(now.Tables) > 0 && now.SchemaDigest == side.SchemaDigest
}

func hasSchema(c *manifest.Content) bool { return c != nil && c.SchemaDigest != "" }

// equalTables counts tables of now that equal those of side and not those of other.
func equalTables(now, side, other *manifest.Content) int {
	n := 0
	for _, t := range now.Tables {
		if t.Digest != "" && holds(side, t) && !holds(other, t) {
			n++
		}
	}
	return n
}

func holds(c *manifest.Content, t manifest.Table) bool {
	return c != nil && slices.Contains(c.Tables, t)
}

func same(a, b *manifest.Content) bool {
	return a.SchemaDigest == b.SchemaDigest && slices.Equal(a.Tables, b.Tables)
}

func (r *run) endOld(guess bool, found string) (looked, error) {
	s := r.set
	if !guess {
		return looked{ending: endedOld, set: s, found: found}, r.abort(found)
	}
	// Told by most tables only: what was kept stays for as long as an undo point.
	s.rec.State, s.rec.Found, s.rec.Ended = stateAborted, found, time.Now().UTC()
	s.rec.Expires = s.rec.Ended.Add(r.cfg.UndoFor)
	s.keep(r.cfg.FS, s.rec.KeptFiles)
	if err := r.quar.save(s); err != nil {
		return looked{set: s}, err
	}
	return looked{ending: endedOld, set: s, found: found}, r.quar.dropSource(s)
}

func (r *run) endNew(ctx context.Context, found string) (looked, error) {
	r.set.rec.Found = found
	r.keep(r.set.rec.KeptFiles)
	r.report.RestoredFrom = r.set.rec.RestoredFrom
	if err := r.seal(ctx); err != nil {
		return looked{set: r.set}, err
	}
	r.report.DurationMs = r.set.rec.Ended.Sub(r.set.rec.Began).Milliseconds()
	return looked{ending: endedNew, set: r.set, found: found, report: r.report}, r.release(ctx)
}

// endAgain carries the order out again, from the private copy of the killed run. The
// order stands: it was confirmed, or damage had been seen twice, and is seen again.
func (r *run) endAgain(ctx context.Context, s *set, found string) (looked, error) {
	r.killed, r.suspect, r.confirmed, r.began = s, true, s.rec.Confirmed, time.Now()
	r.set = nil
	if r.repair {
		r.mendAgain(s)
	}
	r.pick = candidate{from: s.rec.RestoredFrom, path: s.source(), sha256: s.rec.SHA256, size: s.rec.SizeBytes, content: s.rec.After}
	switch sum, _, err := fsx.HashFile(ctx, r.cfg.FS, s.source()); {
	case r.unread(err):
		return looked{set: s}, err
	case err != nil || sum != s.rec.SHA256:
		return looked{ending: endedUnclear, set: s, found: found + ", and its copy of the backup is gone"}, ctx.Err()
	}
	rep, err := r.carryOut(ctx, append([]step{
		{"preview the restore", (*run).preview},
		{"remember what was replaced", (*run).recall},
		{"open the journal", (*run).journal},
		{"copy the backup", (*run).stage},
	}, goLive()...))
	if r.repair && codeOf(err) == codeChanged {
		r.set = s // the damaged database stands, and somebody wrote to it: its repair begins anew
		return r.endOld(false, "the damaged database is in place, and somebody wrote to it")
	}
	if err != nil {
		return looked{set: s}, err
	}
	return looked{ending: endedAgain, set: r.set, found: found + "; the restore was carried out again", report: rep}, nil
}

// recall takes what the killed run found for what is replaced: what lies there now is what
// that run left of it, and must not count as a state to come back to.
func (r *run) recall(context.Context) error {
	r.before = r.killed.rec.Before
	return nil
}

// mendAgain takes on what a killed repair knew. The candidate may still go live only over
// the files that it was made of; without a header a kill may have left neither state,
// and the candidate is all there is.
func (r *run) mendAgain(s *set) {
	r.loss = s.rec.Loss
	r.evidence = r.quar.load(s.rec.Evidence)
	if r.evidence != nil && r.evidence.err == nil && r.headerIntact(r.evidence) {
		r.onlyOver = s.rec.OnlyOver
	}
}
