package gallery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

// Work takes this long here: long enough to be seen, short enough for a test.
const (
	steps   = 20
	stepFor = 200 * time.Millisecond
)

// begin starts work that ends with what finish makes of it.
func (a *answers) begin(kind string, stages []string, finish func(*messages.Operation)) (*messages.Operation, error) {
	s := a.scene
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("op-%d", len(s.operations)+1)
	o := &messages.Operation{Id: id, Kind: kind, Database: "app", State: "running", StartedAtUnixMs: time.Now().UnixMilli()}
	s.operations = append(s.operations, o)
	go a.run(id, stages, finish)
	return o, nil
}

func (a *answers) run(id string, stages []string, finish func(*messages.Operation)) {
	ticker := time.NewTicker(stepFor)
	defer ticker.Stop()
	total := a.scene.status.GetFacts().GetSizeBytes()
	for i := range steps {
		<-ticker.C
		if !a.change(id, func(o *messages.Operation) {
			per := steps / len(stages)
			o.Progress = &messages.Progress{Stage: stages[min(i/per, len(stages)-1)], Done: total * int64(i%per) / int64(per), Total: total, Unit: "bytes"}
		}) {
			return
		}
	}
	a.change(id, func(o *messages.Operation) {
		o.State, o.EndedAtUnixMs = "done", time.Now().UnixMilli()
		finish(o)
	})
}

// change replaces a running operation; false when it runs no more.
func (a *answers) change(id string, by func(*messages.Operation)) bool {
	a.scene.mu.Lock()
	defer a.scene.mu.Unlock()
	for i, o := range a.scene.operations {
		if o.Id == id && o.State == "running" {
			next := proto.CloneOf(o)
			by(next)
			a.scene.operations[i] = next
			return true
		}
	}
	return false
}

func (a *answers) find(id string) (*messages.Operation, error) {
	a.scene.mu.Lock()
	defer a.scene.mu.Unlock()
	for _, o := range a.scene.operations {
		if o.Id == id {
			return o, nil
		}
	}
	return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("no such operation"))
}

func (a *answers) BackUp(_ context.Context, q *messages.BackUpRequest) (*messages.Operation, error) {
	return a.begin("backup", []string{"copy", "verify"}, func(o *messages.Operation) {
		b := proto.CloneOf(a.scene.status.LastVerifiedBackup)
		if b == nil {
			b = &messages.Backup{Verified: true, Verdict: "verified", SizeBytes: 104e6, CopyMs: 420, VerifyMs: 810}
		}
		now := time.Now()
		b.Id, b.TakenAtUnixMs, b.Tier, b.KeepReason = now.UTC().Format("20060102T150405Z"), now.UnixMilli(), "recent", "the newest verified backup"
		o.Result = &messages.Operation_Backup{Backup: &messages.BackupReport{Backup: b, Tries: 1}}
		a.scene.status = proto.CloneOf(a.scene.status)
		a.scene.status.LastVerifiedBackup = b
		a.scene.backups = &messages.BackupList{Backups: slices.Insert(slices.Clone(a.scene.backups.Backups), 0, b)}
		go a.scene.tell(&messages.Event{Type: "backup.verified", Body: &messages.Event_BackupTaken{BackupTaken: &messages.BackupTaken{Backup: b}}})
	})
}

func (a *answers) Check(context.Context, *messages.CheckRequest) (*messages.Operation, error) {
	return a.begin("check", []string{"check"}, func(o *messages.Operation) {
		o.Result = &messages.Operation_Check{Check: a.scene.status.GetIntegrity().GetLastFull()}
	})
}

func (a *answers) Verify(context.Context, *messages.VerifyRequest) (*messages.Operation, error) {
	return a.begin("verify", []string{"verify"}, func(o *messages.Operation) {
		report := &messages.VerifyReport{}
		for _, b := range a.scene.backups.Backups {
			report.Verdicts = append(report.Verdicts, &messages.BackupVerdict{Backup: b, Verdict: b.Verdict})
		}
		o.Result = &messages.Operation_Verify{Verify: report}
	})
}

func (a *answers) Drill(context.Context, *messages.DrillRequest) (*messages.Operation, error) {
	return a.begin("drill", []string{"restore", "check"}, func(o *messages.Operation) {
		o.Result = &messages.Operation_Drill{Drill: a.scene.status.LastDrill}
	})
}

// changes is what a restore of the newest backup would do here.
func changes() []*messages.TableChange {
	return []*messages.TableChange{
		{Name: "articles", RowsBefore: 34_112, RowsAfter: 34_000}, {Name: "authors", RowsBefore: 2_140, RowsAfter: 2_140},
		{Name: "drafts", RowsBefore: 12, RowsAfter: -1}, {Name: "images", RowsBefore: 340_870, RowsAfter: 340_000},
		{Name: "locations", RowsBefore: -1, RowsAfter: 170_000}, {Name: "tags", RowsBefore: 496, RowsAfter: 500},
	}
}

func (a *answers) Restore(_ context.Context, q *messages.RestoreRequest) (*messages.Operation, error) {
	return a.begin("restore", []string{"verify", "restore", "check"}, func(o *messages.Operation) {
		report := &messages.RestoreReport{RestoredFrom: q.Id, Tables: changes(), InPlace: true, DryRun: q.DryRun, DurationMs: 940}
		if !q.DryRun {
			report.UndoId, report.KeptDir = "20261122T174539Z", "/srv/archive/app.db-officer/quarantine/20261122T174539Z"
		}
		o.Result = &messages.Operation_Restore{Restore: report}
	})
}

func (a *answers) Undo(_ context.Context, q *messages.UndoRequest) (*messages.Operation, error) {
	return a.begin("undo", []string{"restore"}, func(o *messages.Operation) {
		o.Result = &messages.Operation_Restore{Restore: &messages.RestoreReport{RestoredFrom: "20261122T174539Z", DryRun: !q.Confirmed, InPlace: true, DurationMs: 610,
			Tables: []*messages.TableChange{{Name: "articles", RowsBefore: 34_000, RowsAfter: 34_112}, {Name: "tags", RowsBefore: 500, RowsAfter: 496}}}}
	})
}

func (a *answers) Checkpoint(context.Context, *messages.CheckpointRequest) (*messages.Operation, error) {
	return a.begin("checkpoint", []string{"checkpoint"}, func(o *messages.Operation) {
		o.Result = &messages.Operation_Checkpoint{Checkpoint: &messages.CheckpointOutcome{Complete: true, WalBytesBefore: 2_400_000}}
	})
}

func (a *answers) Vacuum(context.Context, *messages.VacuumRequest) (*messages.Operation, error) {
	return a.begin("vacuum", []string{"vacuum"}, func(o *messages.Operation) {
		o.Result = &messages.Operation_Maintenance{Maintenance: &messages.MaintenanceReport{Kind: "vacuum", Skipped: true, Because: "3.1 % of the pages are free, it pays from 10 %"}}
	})
}

func (a *answers) Analyze(context.Context, *messages.AnalyzeRequest) (*messages.Operation, error) {
	return a.begin("analyze", []string{"analyze"}, func(o *messages.Operation) {
		o.Result = &messages.Operation_Maintenance{Maintenance: &messages.MaintenanceReport{Kind: "analyze", DurationMs: 140}}
	})
}

func (a *answers) GetOperation(ctx context.Context, q *messages.GetOperationRequest) (*messages.Operation, error) {
	until := time.After(time.Duration(q.WaitMs) * time.Millisecond)
	ticker := time.NewTicker(stepFor)
	defer ticker.Stop()
	for {
		o, err := a.find(q.Id)
		if err != nil || o.State != "running" {
			return o, err
		}
		select {
		case <-until:
			return o, nil
		case <-ctx.Done():
			return o, nil
		case <-ticker.C:
		}
	}
}

func (a *answers) ListOperations(context.Context, *messages.ListOperationsRequest) (*messages.ListOperationsResponse, error) {
	a.scene.mu.Lock()
	defer a.scene.mu.Unlock()
	list := slices.Clone(a.scene.operations)
	slices.Reverse(list)
	return &messages.ListOperationsResponse{Operations: list}, nil
}

func (a *answers) CancelOperation(_ context.Context, q *messages.CancelOperationRequest) (*messages.Operation, error) {
	a.change(q.Id, func(o *messages.Operation) {
		o.State, o.EndedAtUnixMs = "cancelled", time.Now().UnixMilli()
		o.Result = &messages.Operation_Failure{Failure: messages.NewFailure("interrupted", o.Kind, "interrupted")}
	})
	return a.find(q.Id)
}

func (a *answers) Pin(_ context.Context, q *messages.PinRequest) (*messages.Backup, error) {
	return a.mark(q.Id, true)
}

func (a *answers) Unpin(_ context.Context, q *messages.UnpinRequest) (*messages.Backup, error) {
	return a.mark(q.Id, false)
}

func (a *answers) mark(id string, pinned bool) (*messages.Backup, error) {
	a.scene.mu.Lock()
	defer a.scene.mu.Unlock()
	for i, b := range a.scene.backups.Backups {
		if b.Id != id {
			continue
		}
		b = proto.CloneOf(b)
		b.Pinned = pinned
		list := slices.Clone(a.scene.backups.Backups)
		list[i] = b
		a.scene.backups = &messages.BackupList{Backups: list}
		return b, nil
	}
	return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("no such backup"))
}
