package control

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

// Long work: each method starts an operation and answers with its state.

// BackUp takes a backup and verifies it.
func (s *service) BackUp(ctx context.Context, in *messages.BackUpRequest) (*messages.Operation, error) {
	reason := in.Reason
	if reason == "" {
		reason = "manual"
	}
	return s.begin(ctx, "backup", in, func(job string) proto.Message {
		return &messages.TakeBackup{Reason: reason, Pin: in.Pin, Force: in.Force, Priority: messages.Priority_PRIORITY_INTERACTIVE, JobId: job}
	})
}

// Check checks the live database.
func (s *service) Check(ctx context.Context, in *messages.CheckRequest) (*messages.Operation, error) {
	return s.begin(ctx, "check", in, func(job string) proto.Message {
		return &messages.CheckNow{Kind: in.Kind, Sqlite: in.Sqlite, Priority: messages.Priority_PRIORITY_INTERACTIVE, JobId: job}
	})
}

// Verify reads stored backups back and judges them.
func (s *service) Verify(ctx context.Context, in *messages.VerifyRequest) (*messages.Operation, error) {
	return s.begin(ctx, "verify", in, func(job string) proto.Message {
		return &messages.VerifyBackups{Id: in.Id, All: in.All, JobId: job}
	})
}

// Drill restores a backup into a temporary file and measures the time.
func (s *service) Drill(ctx context.Context, in *messages.DrillRequest) (*messages.Operation, error) {
	return s.begin(ctx, "drill", in, func(job string) proto.Message {
		return &messages.DrillNow{Id: in.Id, JobId: job}
	})
}

// Restore puts a backup into the live database in place; never into a file that a client names.
func (s *service) Restore(ctx context.Context, in *messages.RestoreRequest) (*messages.Operation, error) {
	return s.begin(ctx, "restore", in, func(job string) proto.Message {
		if in.Table != "" {
			return &messages.RestoreTable{Table: in.Table, Id: in.Id, BeforeUnixMs: in.BeforeUnixMs, DryRun: in.DryRun, Confirmed: in.Confirmed, JobId: job}
		}
		return &messages.RestoreBackup{Id: in.Id, BeforeUnixMs: in.BeforeUnixMs, DryRun: in.DryRun, Confirmed: in.Confirmed, JobId: job}
	})
}

// Undo brings back what the last restore replaced; without confirmation it only looks.
func (s *service) Undo(ctx context.Context, in *messages.UndoRequest) (*messages.Operation, error) {
	return s.begin(ctx, "undo", in, func(job string) proto.Message {
		return &messages.UndoRestore{DryRun: in.DryRun || !in.Confirmed, JobId: job}
	})
}

// Repair recovers a damaged database in place.
func (s *service) Repair(ctx context.Context, in *messages.RepairRequest) (*messages.Operation, error) {
	return s.begin(ctx, "repair", in, func(job string) proto.Message {
		return &messages.RepairDatabase{DryRun: in.DryRun, Confirmed: in.Confirmed, JobId: job}
	})
}

// Checkpoint empties the write-ahead log.
func (s *service) Checkpoint(ctx context.Context, in *messages.CheckpointRequest) (*messages.Operation, error) {
	return s.begin(ctx, "checkpoint", in, func(job string) proto.Message {
		return &messages.CheckpointNow{Mode: in.Mode, Reason: "manual", JobId: job}
	})
}

// Vacuum gives free pages back.
func (s *service) Vacuum(ctx context.Context, in *messages.VacuumRequest) (*messages.Operation, error) {
	return s.begin(ctx, "vacuum", in, func(job string) proto.Message {
		return &messages.VacuumNow{Force: in.Force, JobId: job}
	})
}

// Analyze renews the statistics of the query planner.
func (s *service) Analyze(ctx context.Context, in *messages.AnalyzeRequest) (*messages.Operation, error) {
	return s.begin(ctx, "analyze", in, func(job string) proto.Message {
		return &messages.AnalyzeNow{JobId: job}
	})
}

// Diff compares a backup with another one or with the live database.
func (s *service) Diff(ctx context.Context, in *messages.DiffRequest) (*messages.Operation, error) {
	return s.begin(ctx, "diff", in, func(job string) proto.Message {
		return &messages.DiffBackups{Id: in.Id, OtherId: in.OtherId, JobId: job}
	})
}

// order is what every request for long work has.
type order interface {
	proto.Message
	GetDatabase() string
	GetIdempotencyKey() string
	GetWaitMs() int64
}

// begin starts an operation and waits as long as the client wants to.
func (s *service) begin(ctx context.Context, kind string, in order, make func(job string) proto.Message) (*messages.Operation, error) {
	database, f := s.which(ctx, in.GetDatabase())
	if f != nil {
		return nil, carry(f)
	}
	one, f := s.operations.start(work{kind: kind, database: database, key: in.GetIdempotencyKey(), request: in, order: make})
	if f != nil {
		return nil, carry(f)
	}
	return one.wait(ctx, in.GetWaitMs()), nil
}

// GetOperation gives one operation, at once or when it ended.
func (s *service) GetOperation(ctx context.Context, in *messages.GetOperationRequest) (*messages.Operation, error) {
	one, f := s.operations.find(in.Id)
	if f != nil {
		return nil, carry(f)
	}
	return one.wait(ctx, in.WaitMs), nil
}

// ListOperations gives those of a database; at a port of all databases, without a name, all.
func (s *service) ListOperations(ctx context.Context, in *messages.ListOperationsRequest) (*messages.ListOperationsResponse, error) {
	database := s.named(in.Database)
	if database != "" {
		var f *messages.Failure
		if database, f = s.which(ctx, database); f != nil {
			return nil, carry(f)
		}
	}
	return &messages.ListOperationsResponse{Operations: s.operations.all(database)}, nil
}

// CancelOperation ends one and answers when it has ended.
func (s *service) CancelOperation(ctx context.Context, in *messages.CancelOperationRequest) (*messages.Operation, error) {
	one, f := s.operations.find(in.Id)
	if f != nil {
		return nil, carry(f)
	}
	one.cancel()
	return one.wait(ctx, waitMax.Milliseconds()), nil
}

// stepEvery is the shortest time between two steps of a stream: a copy tells hundreds a second.
const stepEvery = 100 * time.Millisecond

// WatchOperation streams one operation until it has ended. A client that is slow misses
// steps, never the end.
func (s *service) WatchOperation(ctx context.Context, in *messages.WatchOperationRequest, to *connect.ServerStream[messages.Operation]) error {
	one, f := s.operations.find(in.Id)
	if f != nil {
		return carry(f)
	}
	pause := time.NewTicker(stepEvery)
	defer pause.Stop()
	for {
		state, changed := one.look()
		if err := to.Send(state); err != nil {
			return err
		}
		if state.State != stateRunning {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-one.ended:
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
