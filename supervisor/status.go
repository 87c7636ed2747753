package supervisor

import (
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

const (
	// partTimeout is how long one part of a status is waited for: status must answer
	// while something hangs, that is when it is needed.
	partTimeout = 2 * time.Second
	// factsTimeout is shorter: facts are a job of the owner, and when it is busy the
	// newest known ones do.
	factsTimeout = time.Second
)

// gathering is one status being put together: it is answered when nothing is missing.
type gathering struct {
	request *kit.Request
	status  *messages.Status
	missing int
	judged  bool // health was asked
	foreign bool // the file does not begin as a database does
}

// gather asks every part for its share of the status.
func (t *tree) gather(ctx actor.Context) {
	g := &gathering{request: t.Accept(ctx), status: &messages.Status{
		Database: t.cfg.database, Home: t.cfg.home, OfficerVersion: t.cfg.version,
		StartedAtUnixMs: t.led.started.UnixMilli(), Pid: t.cfg.pid, Facts: t.led.facts,
	}}
	ask := func(part string, msg any, timeout time.Duration) {
		g.missing++
		t.Ask(ctx, t.cfg.peers.Of(part), msg, timeout, g)
	}
	ask("backup", &messages.ListBackups{}, partTimeout)
	ask("backup", &messages.GetDrill{}, partTimeout)
	ask("integrity", &messages.GetIntegrity{}, partTimeout)
	ask("maint", &messages.GetMaintenance{}, partTimeout)
	ask("wal", &messages.GetWal{}, partTimeout)
	ask("dbowner", &messages.GetOwnerStatus{}, partTimeout)
	ask("disk", &messages.GetDisk{}, partTimeout)
	ask("dbowner", &messages.InspectDatabase{Job: &messages.Job{
		Priority: messages.Priority_PRIORITY_URGENT, TimeoutMs: factsTimeout.Milliseconds(),
	}}, factsTimeout)
}

// collect takes one part's answer; a part that did not answer is left out. Health comes
// last: looking at the database may be what finds it gone, and then health must not have
// been asked before it heard of that.
func (t *tree) collect(ctx actor.Context, a *kit.Answer) {
	g, ok := a.Tag.(*gathering)
	if !ok {
		return
	}
	switch part := a.Value.(type) {
	case *messages.HealthReport:
		g.status.Health = part
	case *messages.BackupList:
		g.status.Backups = int32(len(part.Backups))
		g.status.LastVerifiedBackup = newestVerified(part.Backups)
	case *messages.DrillReport:
		g.status.LastDrill = part
	case *messages.WalReport:
		g.status.Wal = part
	case *messages.DiskReport:
		g.status.Disk = part
	case *messages.IntegrityStatus:
		g.status.Integrity = part
	case *messages.MaintenanceStatus:
		g.status.Maintenance = part
	case *messages.OwnerStatus:
		g.status.Owner = part
	case *messages.DatabaseFacts:
		g.status.Facts, t.led.facts = part, part
	case nil:
		var f *messages.Failure
		g.foreign = g.foreign || errors.As(a.Err, &f) && f.GetCode() == string(fault.NotADatabase)
	}
	g.missing--
	if g.missing > 0 {
		return
	}
	if !g.judged {
		g.judged, g.missing = true, 1
		t.noteEmptied(ctx, g.status)
		t.noteForeign(ctx, g)
		t.Ask(ctx, t.cfg.peers.Of("health"), &messages.GetHealth{}, partTimeout, g)
		return
	}
	g.status.Actors = t.states()
	if g.status.Health == nil {
		g.status.Health = t.healthByHand()
	}
	g.request.Answer(g.status)
}

// noteEmptied tells health whether the database has become a file without a byte, which
// is a sound database to SQLite and a lost one to everybody else.
func (t *tree) noteEmptied(ctx actor.Context, s *messages.Status) {
	tables := len(s.GetLastVerifiedBackup().GetContent().GetTables())
	switch {
	case s.Facts == nil:
	case s.Facts.GetSizeBytes() == 0 && tables > 0:
		ctx.Send(t.cfg.peers.Of("health"), &messages.RaiseCondition{Code: emptiedCode,
			Args: []string{"path=" + s.Facts.GetPath()}})
	default:
		ctx.Send(t.cfg.peers.Of("health"), &messages.ClearCondition{Code: emptiedCode})
	}
}

// noteForeign tells health of a file that is no database, where no check will: whoever asks
// for the status without an Officer running hears of it at once.
func (t *tree) noteForeign(ctx actor.Context, g *gathering) {
	if t.cfg.passive && g.foreign {
		ctx.Send(t.cfg.peers.Of("health"), &messages.RaiseCondition{Code: foreignCode, Args: []string{"path=" + shell.Word(t.cfg.path)}})
	}
}

// healthByHand is the report when health itself does not answer: never green.
func (t *tree) healthByHand() *messages.HealthReport {
	r := &messages.HealthReport{
		Health:   messages.Severity_SEVERITY_RED,
		Headline: "Officer's own health part does not answer: nobody is watching for alarms.",
	}
	now := time.Now().UnixMilli()
	for _, w := range t.wards {
		if w.state != stateRunning || w.name == "health" {
			r.Conditions = append(r.Conditions, &messages.Condition{
				Code: gaveUpCode(w.name), Severity: messages.Severity_SEVERITY_RED, System: "supervisor",
				Text: gaveUpText(w.name), Hint: gaveUpHint, SinceUnixMs: now,
			})
		}
	}
	return r
}

// newestVerified finds the proof: the list comes newest first, but the order is not
// what safety should hang on.
func newestVerified(list []*messages.Backup) *messages.Backup {
	var newest *messages.Backup
	for _, b := range list {
		out := b.Tier == "suspect" || b.Tier == "quarantined"
		if b.Verified && !out && (newest == nil || b.TakenAtUnixMs > newest.TakenAtUnixMs) {
			newest = b
		}
	}
	return newest
}
