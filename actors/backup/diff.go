package backup

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

const diffOp = "compare backups"

// diffTimeout bounds one pass over the live database for its digests.
const diffTimeout = 30 * time.Minute

// comparing waits for the content of the live database.
type comparing struct {
	req  *kit.Request
	from manifest.Entry
}

// compare answers from the list when both sides are backups; the live database is read.
func (b *backup) compare(ctx actor.Context, req *kit.Request, msg *messages.DiffBackups) {
	from, f := b.listed(msg.GetId())
	if f != nil {
		req.Answer(f)
		return
	}
	if msg.GetOtherId() == "" {
		b.Ask(ctx, b.cfg.Peers.Of("dbowner"), &messages.ReadContent{Job: &messages.Job{
			Id: msg.GetJobId(), Priority: messages.Priority_PRIORITY_INTERACTIVE, TimeoutMs: diffTimeout.Milliseconds(),
		}}, diffTimeout+askTimeout, comparing{req, from})
		return
	}
	to, f := b.listed(msg.GetOtherId())
	if f != nil {
		req.Answer(f)
		return
	}
	report := differing(from.Content, to.Content)
	report.From, report.To = b.shown(from), b.shown(to)
	req.Answer(report)
}

// compared has the content of the live database, or the reason why not.
func (b *backup) compared(c comparing, a *kit.Answer) {
	live, ok := a.Value.(*messages.ContentReport)
	if !ok {
		c.req.Answer(b.failure(diffOp, a.Err))
		return
	}
	report := differing(c.from.Content, contentIn(live.GetContent()))
	report.From = b.shown(c.from)
	c.req.Answer(report)
}

// listed finds a backup whose content is known: by id, else the newest verified one.
func (b *backup) listed(id string) (manifest.Entry, *messages.Failure) {
	m := b.ledger.known()
	e, ok := m.Newest()
	if id != "" {
		e, ok = m.Find(id)
	}
	switch {
	case !ok:
		return e, b.noBackup(diffOp, id)
	case e.Content.SchemaDigest == "":
		return e, messages.NewFailure("cannot_judge", diffOp, "what backup %s holds is not on the list", e.ID).
			WithDid("Nothing was changed.").WithHints("officer verify " + b.cfg.Database + " " + e.ID)
	}
	return e, nil
}

func differing(from, to manifest.Content) *messages.DiffReport {
	r := &messages.DiffReport{Equal: from.Equal(to), SchemaChanged: from.SchemaDigest != to.SchemaDigest}
	for _, d := range manifest.Diff(from, to) {
		r.Tables = append(r.Tables, &messages.TableDiff{Name: d.Name, Change: string(d.Change), RowsFrom: d.From, RowsTo: d.To})
	}
	return r
}
