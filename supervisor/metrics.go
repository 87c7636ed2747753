package supervisor

import (
	"path/filepath"
	"runtime"
	rtmetrics "runtime/metrics"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/metrics"
	"github.com/officer-doofy/officer/internal/exposition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/sqlite/handle"
	"github.com/officer-doofy/officer/messages"
)

func (p parts) metrics() *actor.Props {
	return metrics.Props(metrics.Config{
		Peers: p.peers, Log: p.logger("metrics"), Passive: p.passive, Database: p.path,
		Dir: filepath.Join(p.home, "metrics"), FS: p.files, Actors: p.meters.Counts, Writer: exposer{},
	})
}

// waitingMax is how many records may wait for the metrics part before those of further
// statements are dropped: an app that is fast must not fill the memory.
const waitingMax = 10_000

// trace tells the metrics part of every statement of the host program.
func (r *Running) trace(p *post) handle.Trace {
	to, waiting := kit.NewPeers(r.system, p.tree.Id).Of("metrics"), p.meters.Depth("metrics")
	return func(s handle.Statement) {
		if waiting() > waitingMax {
			return
		}
		r.system.Root.Send(to, &messages.RecordOperation{
			Name: "query", DurationUs: s.Took.Microseconds(), Failed: s.Failed, Shape: s.Shape, Rows: s.Rows,
		})
	}
}

// noteStart tells the metrics part of each database how long the start took, and how
// large the database is.
func (r *Running) noteStart(posts []*post) {
	for _, p := range posts {
		record := &messages.RecordOperation{Name: "start", DurationUs: time.Since(r.started).Microseconds()}
		if info, err := p.engine.files.Stat(p.path); err == nil {
			record.SizeBytes = info.Size()
		}
		r.system.Root.Send(kit.NewPeers(r.system, p.tree.Id).Of("metrics"), record)
	}
}

// exposer is internal/exposition as the metrics part sees it.
type exposer struct{}

// Text writes a picture for Prometheus: metrics.Writer.
func (exposer) Text(p metrics.Picture) (string, error) {
	s := exposition.Snapshot{
		Database: p.Status.GetDatabase(), Version: Version, GoVersion: runtime.Version(), SQLiteVersion: SQLiteVersion,
		Health: int(p.Status.GetHealth().GetHealth()), Backups: int(p.Status.GetBackups()),
		Goroutines: runtime.NumGoroutine(), HeapBytes: heapBytes(),
	}
	for _, c := range p.Status.GetHealth().GetConditions() {
		if word := severityWord(c.GetSeverity()); word != "" {
			s.Conditions = append(s.Conditions, exposition.Condition{Code: c.GetCode(), Severity: word})
		}
	}
	if b := p.Status.GetLastVerifiedBackup(); b != nil {
		s.HasBackup, s.BackupAge = true, p.At.Sub(time.UnixMilli(b.GetTakenAtUnixMs()))
	}
	if f := p.Status.GetFacts(); f != nil {
		s.HasFacts, s.DatabaseBytes, s.WALBytes = true, f.GetSizeBytes(), f.GetWalBytes()
	}
	for _, v := range p.Status.GetDisk().GetVolumes() {
		s.Volumes = append(s.Volumes, exposition.Volume{Path: v.GetPath(), FreeBytes: v.GetFreeBytes()})
	}
	for _, o := range p.Operations {
		s.Operations = append(s.Operations, exposition.Operation{Name: o.Name, Runs: o.Runs, Failures: o.Failures,
			Total: o.Total, P50: o.Window.P50, P95: o.Window.P95, P99: o.Window.P99})
	}
	for _, c := range p.Actors {
		s.Actors = append(s.Actors, shownActor(c))
	}
	return exposition.Text(s)
}

// heapBytes asks what costs no stop of the world, as runtime.ReadMemStats would.
func heapBytes() int64 {
	sample := []rtmetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	rtmetrics.Read(sample)
	if sample[0].Value.Kind() != rtmetrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}

func severityWord(s messages.Severity) string {
	switch s {
	case messages.Severity_SEVERITY_YELLOW:
		return "yellow"
	case messages.Severity_SEVERITY_RED:
		return "red"
	}
	return ""
}

func shownActor(c kit.Counts) exposition.Actor {
	a := exposition.Actor{Name: c.Actor, Messages: c.Messages, Panics: c.Panics, Restarts: c.Restarts, Depth: c.Depth, Handling: c.Handling}
	for i, bound := range kit.LatencyBounds() {
		a.Classes = append(a.Classes, exposition.Class{Within: bound, Count: c.Within[i]})
	}
	return a
}
