package recovery

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// order is what somebody wants done.
type order struct {
	op        string // "restore" or "undo"
	jobID     string
	id        string
	beforeMS  int64
	toFile    string
	table     string
	dryRun    bool
	confirmed bool
	repair    bool // of damage, by layers
	automatic bool // nobody asked
}

// candidate is a file that could go live. A restore takes it from a backup, an undo from
// a kept database, a resumed run from the killed one; a repair makes it.
type candidate struct {
	from    string // backup id or id of the undo point
	path    string // read only until it is staged
	sha256  string // what its bytes must be; "" = not known before it is staged
	size    int64  // bytes
	takenMS int64  // 0 = unknown
	content *manifest.Content
}

// step is one stage of a run. A remedy is a list of steps; the first error ends it.
type step struct {
	name string
	do   func(*run, context.Context) error
}

// run carries one order out, in the background. Only its goroutine touches it.
type run struct {
	order
	cfg    Config
	led    *ledger
	quar   quarantine
	system *actor.ActorSystem
	tell   func(*messages.Progress)

	began     time.Time
	pick      candidate
	undoing   *set // undo: the set that is taken back
	killed    *set // resume: the set that is carried out again
	looks     int  // resume: at it before, without an answer
	suspect   bool // damage was seen twice
	before    *manifest.Content
	set       *set   // ours, from the step "journal" on
	changed   bool   // the live database was, or may have been, changed
	keptAs    string // the backup that was made of the live database, "" = none
	unsure    bool   // the owner's answer was lost: only a look can tell
	overwrote *messages.OverwriteReport
	report    *messages.RestoreReport
	finished  bool // the order is carried out before the list ends (dry run)

	mending
}

// ledger outlives a restart of the actor.
type ledger struct {
	born    time.Time
	mine    madeSets
	making  notebook
	mu      sync.Mutex
	closing *messages.RestoreFinished // live and verified, but fence and event are still due
	fenced  bool                      // a repair holds writes back
	// Of the actor's goroutine alone:
	damage  *messages.DamageFound // the present damage; nil = none is known
	kept    string                // where its evidence is kept; "" = not yet
	tries   int                   // automatic repairs of the present damage
	stopped string                // why it stopped
}

func (l *ledger) setClosing(e *messages.RestoreFinished) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = e
}

func (l *ledger) setFenced(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fenced = on
}

func (l *ledger) isFenced() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fenced
}

func (l *ledger) takeClosing() *messages.RestoreFinished {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.closing
	l.closing = nil
	return e
}

// carryOut does the steps. When ctx ends nothing is tidied up: the journal tells the
// next run what was going on, just as after a kill.
func (r *run) carryOut(ctx context.Context, steps []step) (*messages.RestoreReport, error) {
	r.report = &messages.RestoreReport{}
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		r.announceStep(s.name)
		err := s.do(r, ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil && r.overtaken(ctx, err) {
			i = -1 // once more from the beginning, with the files as they are now
			continue
		}
		if err != nil {
			return nil, r.failed(ctx, s.name, err)
		}
		if r.finished {
			break
		}
	}
	if err := r.tidyPreview(); err != nil {
		return nil, r.failed(ctx, "remove the preview", err)
	}
	r.sweepAlone(ctx)
	r.report.DurationMs = time.Since(r.began).Milliseconds()
	return r.report, nil
}

// failed turns the error of a step into the answer, and undoes what the steps before it
// prepared as long as the live database was not touched.
func (r *run) failed(ctx context.Context, name string, err error) *messages.Failure {
	if r.refused(err) {
		r.cfg.Log.Info("an order was refused", "step", name, "op", r.op, "from", r.pick.from, "why", textOf(err))
	} else {
		r.cfg.Log.Error("a restore failed", "step", name, "op", r.op, "from", r.pick.from,
			"changed", r.changed, "unsure", r.unsure, "error", err)
	}
	if ctx.Err() != nil {
		f := messages.NewFailure("interrupted", r.op, "interrupted while Officer was to %s", name).
			WithDid("It looks at its journal at the next start and finishes or calls it off.")
		f.DataChanged = r.changed
		return f
	}
	if r.set != nil && !r.changed && !r.unsure {
		if aerr := r.abort("the restore failed before anything was changed"); aerr != nil {
			r.cfg.Log.Error("what a failed restore prepared could not be removed", "dir", r.set.dir, "error", aerr)
		}
	}
	r.letGo(ctx)
	f := failureOf(r.op, name, err)
	f.DataChanged = r.changed
	switch {
	case r.unsure:
		f.Did = "It is not known yet whether the database was changed: Officer looks at it before anything else."
		f.Hints = []string{r.verb("status")}
	case r.changed && r.set != nil:
		f.Did = "The database was changed but is not what it should be; what it replaced is kept in " + r.set.dir + "."
		f.Hints = []string{r.verb("undo"), r.verb("list")}
	case f.Did == "":
		f.Did = "Nothing was changed."
	}
	return f
}

// refused tells whether an order was turned down for what it says, or for what a person has
// to decide: nothing failed, and nothing belongs among the errors.
func (r *run) refused(err error) bool {
	switch codeOf(err) {
	case "refused", "invalid", "nothing_to_restore", "needs_confirmation", "not_recoverable":
		return !r.changed && !r.unsure
	}
	return false
}

// abort writes down that the old database stands and removes the set.
func (r *run) abort(found string) error {
	r.set.rec.State, r.set.rec.Found, r.set.rec.Ended = stateAborted, found, time.Now()
	if err := r.quar.save(r.set); err != nil {
		return err
	}
	return r.quar.remove(r.set)
}

// failureOf makes a new Failure of an error of any kind: the cause is never handed on as
// it is, because somebody else may hold it.
func failureOf(op, name string, err error) *messages.Failure {
	var known *messages.Failure
	if errors.As(err, &known) {
		f, _ := proto.Clone(known).(*messages.Failure)
		f.Op = op
		return f
	}
	code, text := describe(err)
	return messages.NewFailure(code, op, "Officer could not %s: %s", name, text)
}

// verb is a command that can be pasted.
func (r *run) verb(words ...string) string { return command(r.cfg.Database, words...) }

func command(database string, words ...string) string {
	line := "officer " + words[0] + " " + shell.Word(database)
	for _, w := range words[1:] {
		line += " " + w
	}
	return line
}

// request asks a neighbour and waits.
func request[R any](ctx context.Context, r *run, peer string, msg any, timeout time.Duration) (R, error) {
	actx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return kit.Ask[R](actx, r.system, r.cfg.Peers.Of(peer), msg, r.progress)
}

// progress hands a step's progress on under the name of the order.
func (r *run) progress(p *messages.Progress) {
	r.tell(&messages.Progress{JobId: r.jobID, Stage: p.Stage, Done: p.Done, Total: p.Total, Unit: p.Unit})
}

// job of the owner: somebody waits, and a damaged database cannot wait.
func (r *run) job(suffix string) *messages.Job {
	priority := messages.Priority_PRIORITY_INTERACTIVE
	if r.suspect {
		priority = messages.Priority_PRIORITY_URGENT
	}
	return &messages.Job{Id: r.jobID + suffix, Priority: priority, TimeoutMs: r.cfg.Timeout.Milliseconds(), Progress: true}
}

// changes compares what the tables hold before and after, by name; -1 = unknown or
// absent. An unknown side is nil.
func changes(before, after *manifest.Content) []*messages.TableChange {
	byName := map[string]*messages.TableChange{}
	at := func(name string) *messages.TableChange {
		if byName[name] == nil {
			byName[name] = &messages.TableChange{Name: name, RowsBefore: -1, RowsAfter: -1}
		}
		return byName[name]
	}
	if before != nil {
		for _, t := range before.Tables {
			at(t.Name).RowsBefore = t.Rows
		}
	}
	if after != nil {
		for _, t := range after.Tables {
			at(t.Name).RowsAfter = t.Rows
		}
	}
	all := make([]*messages.TableChange, 0, len(byName))
	for _, c := range byName {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *messages.TableChange) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func fromMessage(c *messages.Content) *manifest.Content {
	if c == nil {
		return nil
	}
	out := &manifest.Content{SchemaDigest: c.SchemaDigest}
	for _, t := range c.Tables {
		out.Tables = append(out.Tables, manifest.Table{Name: t.GetName(), Rows: t.GetRows(), Digest: t.GetDigest()})
	}
	return out
}

func toMessage(c *manifest.Content) *messages.Content {
	if c == nil {
		return nil
	}
	out := &messages.Content{SchemaDigest: c.SchemaDigest}
	for _, t := range c.Tables {
		out.Tables = append(out.Tables, &messages.Table{Name: t.Name, Rows: t.Rows, Digest: t.Digest})
	}
	return out
}

// complete tells whether every table could be read, digests included.
func complete(c *manifest.Content) bool {
	return c != nil && c.SchemaDigest != "" && !slices.ContainsFunc(c.Tables, func(t manifest.Table) bool {
		return t.Rows < 0 || t.Digest == ""
	})
}

func (r *run) quarantineDir() string { return filepath.Join(r.cfg.Home, "quarantine") }
