package control

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

// worker is an Officer that does long work until it is told to end it.
type worker struct {
	asked    chan proto.Message
	progress chan func(*messages.Progress)
	end      chan proto.Message // the answer; a Failure fails
}

func newWorker() *worker {
	return &worker{asked: make(chan proto.Message, 10_000), end: make(chan proto.Message), progress: make(chan func(*messages.Progress), 10_000)}
}

func (w *worker) Ask(ctx context.Context, database string, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error) {
	if _, ok := msg.(*messages.ListDatabasesRequest); ok {
		return &messages.ListDatabasesResponse{Databases: []*messages.LookedAfter{{Name: "app", Path: "/data/app.db", Home: "/data/app.db-officer"}}}, nil
	}
	w.progress <- progress
	w.asked <- msg
	select {
	case answer := <-w.end:
		if f, ok := answer.(*messages.Failure); ok {
			return nil, f
		}
		return answer, nil
	case <-ctx.Done():
		return nil, messages.NewFailure("interrupted", "work", "interrupted")
	}
}

func (w *worker) Subscribe(context.Context, *messages.WatchRequest) (<-chan *messages.Event, error) {
	return nil, messages.NewFailure("internal", "subscribe", "not here")
}

// bench is a service without a socket, in virtual time.
func bench(t *testing.T, test func(t *testing.T, w *worker, s *service)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker()
		s := &service{officer: w, operations: newOperations(w)}
		test(t, w, s)
		s.operations.close()
		s.operations.going.Wait()
	})
}

func TestBackUp_goesOnWhenItsClientLeaves(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		ctx, leave := context.WithCancel(t.Context())
		answered := make(chan *messages.Operation)
		go func() {
			one, err := s.BackUp(ctx, &messages.BackUpRequest{Reason: "mine", Pin: true, WaitMs: 1e9})
			if err != nil {
				t.Error(err)
			}
			answered <- one
		}()
		order := (<-w.asked).(*messages.TakeBackup)
		leave()
		one := <-answered
		if one.State != "running" || one.Database != "app" || one.Kind != "backup" {
			t.Errorf("got %v, want it running for app", one)
		}
		want := &messages.TakeBackup{Reason: "mine", Pin: true, Priority: messages.Priority_PRIORITY_INTERACTIVE, JobId: "op-" + one.Id}
		if !proto.Equal(order, want) {
			t.Errorf("got order %v, want %v", order, want)
		}
		(<-w.progress)(&messages.Progress{Stage: "copy", Done: 3})
		if got, _ := s.GetOperation(t.Context(), &messages.GetOperationRequest{Id: one.Id}); got.GetProgress().GetDone() != 3 {
			t.Errorf("got progress %v, want 3 done", got.GetProgress())
		}
		report := &messages.BackupReport{Backup: &messages.Backup{Id: "b"}}
		w.end <- report
		got, err := s.GetOperation(t.Context(), &messages.GetOperationRequest{Id: one.Id, WaitMs: 1000})
		if err != nil || got.State != "done" || !proto.Equal(got.GetBackup(), report) || got.EndedAtUnixMs == 0 {
			t.Errorf("got %v, %v; want it done with its report", got, err)
		}
	})
}

func TestBackUp_waitsAsLongAsItIsTold(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		for _, c := range []struct {
			waitMS int64
			want   time.Duration
		}{{0, 0}, {-5, 0}, {1500, 1500 * time.Millisecond}, {1 << 62, time.Hour}} {
			start := time.Now()
			one, err := s.Check(t.Context(), &messages.CheckRequest{WaitMs: c.waitMS})
			if got := time.Since(start); err != nil || one.State != "running" || got != c.want {
				t.Errorf("wait_ms %d: got %v after %v, %v; want running after %v", c.waitMS, one, got, err, c.want)
			}
		}
	})
}

func TestOperations_theSameKeyIsTheSameOperation(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		backUp := func(in *messages.BackUpRequest) (*messages.Operation, *messages.Failure) {
			one, err := s.BackUp(t.Context(), in)
			if err != nil {
				return nil, unpack(t.Context(), "test", err)
			}
			return one, nil
		}
		first, f := backUp(&messages.BackUpRequest{IdempotencyKey: "k", Reason: "r"})
		if f != nil {
			t.Fatal(f)
		}
		for name, in := range map[string]*messages.BackUpRequest{
			"again":               {IdempotencyKey: "k", Reason: "r"},
			"another wait":        {IdempotencyKey: "k", Reason: "r", WaitMs: 1},
			"the database's path": {IdempotencyKey: "k", Reason: "r", Database: "/data/app.db"},
		} {
			if got, f := backUp(in); f != nil || got.Id != first.Id {
				t.Errorf("%s: got %v, %v; want operation %s", name, got, f, first.Id)
			}
		}
		if _, f := backUp(&messages.BackUpRequest{IdempotencyKey: "k", Reason: "another"}); f.GetCode() != "idempotency_conflict" {
			t.Errorf("other parameters: got %v, want idempotency_conflict", f)
		}
		if got, err := s.Check(t.Context(), &messages.CheckRequest{IdempotencyKey: "k"}); err != nil || got.Id == first.Id {
			t.Errorf("another kind: got %v, %v; want an operation of its own", got, err)
		}
		if got, f := backUp(&messages.BackUpRequest{Reason: "r"}); f != nil || got.Id == first.Id {
			t.Errorf("no key: got %v, %v; want an operation of its own", got, f)
		}
		<-time.After(keyFor)
		if got, f := backUp(&messages.BackUpRequest{IdempotencyKey: "k", Reason: "another"}); f != nil || got.Id == first.Id {
			t.Errorf("a day later: got %v, %v; want an operation of its own", got, f)
		}
	})
}

func TestCancelOperation_answersWhenItHasEnded(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		one, err := s.Restore(t.Context(), &messages.RestoreRequest{Confirmed: true})
		if err != nil {
			t.Fatal(err)
		}
		<-w.asked
		got, err := s.CancelOperation(t.Context(), &messages.CancelOperationRequest{Id: one.Id})
		if err != nil || got.State != "cancelled" || got.GetFailure().GetCode() != "interrupted" {
			t.Errorf("got %v, %v; want it cancelled", got, err)
		}
		again, err := s.CancelOperation(t.Context(), &messages.CancelOperationRequest{Id: one.Id})
		if err != nil || !proto.Equal(again, got) {
			t.Errorf("cancelled twice: got %v, %v; want %v", again, err, got)
		}
	})
}

func TestOperations_aFailureIsKept(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		go func() { w.end <- messages.NewFailure("disk_full", "take backup", "no room") }()
		got, err := s.BackUp(t.Context(), &messages.BackUpRequest{WaitMs: 1000})
		if err != nil || got.State != "failed" || got.GetFailure().GetCode() != "disk_full" {
			t.Errorf("got %v, %v; want it failed", got, err)
		}
	})
}

func TestOperations_areBoundedInNumberAndSize(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		run := func(report proto.Message) string {
			one, err := s.Analyze(t.Context(), &messages.AnalyzeRequest{})
			if err != nil {
				t.Fatal(err)
			}
			<-w.asked
			w.end <- report
			synctest.Wait()
			return one.Id
		}
		long, err := s.Verify(t.Context(), &messages.VerifyRequest{All: true}) // runs all the time
		if err != nil {
			t.Fatal(err)
		}
		<-w.asked
		go func() { w.end <- &messages.VerifyReport{} }() // the first answer goes to it
		synctest.Wait()
		first := run(&messages.MaintenanceReport{})
		for range operationsKept + 10 {
			run(&messages.MaintenanceReport{})
		}
		list, err := s.ListOperations(t.Context(), &messages.ListOperationsRequest{})
		if err != nil || len(list.Operations) != operationsKept {
			t.Errorf("got %d operations, %v; want %d", len(list.GetOperations()), err, operationsKept)
		}
		for _, id := range []string{first, long.Id} {
			if _, err := s.GetOperation(t.Context(), &messages.GetOperationRequest{Id: id}); err == nil {
				t.Errorf("operation %s is still remembered", id)
			}
		}
		large := &messages.MaintenanceReport{Because: string(make([]byte, operationsBytes/4))}
		for range 10 {
			run(large)
		}
		if s.operations.bytes > operationsBytes || len(s.operations.list) != 3 {
			t.Errorf("got %d bytes in %d operations, want at most %d in 3", s.operations.bytes, len(s.operations.list), operationsBytes)
		}
	})
}

func TestOperations_tooManyAtOnceAreRefused(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		for range operationsRunning {
			if _, err := s.Analyze(t.Context(), &messages.AnalyzeRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.Analyze(t.Context(), &messages.AnalyzeRequest{})
		if f := unpack(t.Context(), "test", err); f.Code != "too_many" {
			t.Errorf("got %v, want too_many", f)
		}
	})
}

func TestOperations_whatNobodyLooksAfterIsRefused(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		for database, want := range map[string]string{"other": "unknown_database", "../app": "unknown_database", "/data/app.db-officer": "unknown_database"} {
			_, err := s.BackUp(t.Context(), &messages.BackUpRequest{Database: database})
			if f := unpack(t.Context(), "test", err); f.Code != want {
				t.Errorf("%q: got %v, want %s", database, f, want)
			}
		}
		for _, id := range []string{"", "x", "../../etc/passwd", "a\nb"} {
			_, err := s.GetOperation(t.Context(), &messages.GetOperationRequest{Id: id})
			if f := unpack(t.Context(), "test", err); f.Code != "unknown_operation" {
				t.Errorf("%q: got %v, want unknown_operation", id, f)
			}
		}
		if _, err := s.BackUp(t.Context(), &messages.BackUpRequest{IdempotencyKey: string(make([]byte, keyBytesMax+1))}); unpack(t.Context(), "test", err).Code != "invalid" {
			t.Errorf("a long key: got %v, want invalid", err)
		}
	})
}

// Each kind of work is asked of Officer as the message that the command line would send.
func TestOrders_becomeTheMessagesOfTheVerbs(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		ctx := t.Context()
		for _, c := range []struct {
			start func() (*messages.Operation, error)
			want  proto.Message
		}{
			{func() (*messages.Operation, error) { return s.BackUp(ctx, &messages.BackUpRequest{Force: true}) },
				&messages.TakeBackup{Reason: "manual", Force: true, Priority: messages.Priority_PRIORITY_INTERACTIVE}},
			{func() (*messages.Operation, error) {
				return s.Check(ctx, &messages.CheckRequest{Kind: messages.CheckKind_CHECK_KIND_QUICK})
			}, &messages.CheckNow{Kind: messages.CheckKind_CHECK_KIND_QUICK, Priority: messages.Priority_PRIORITY_INTERACTIVE}},
			{func() (*messages.Operation, error) { return s.Verify(ctx, &messages.VerifyRequest{Id: "a", All: true}) },
				&messages.VerifyBackups{Id: "a", All: true}},
			{func() (*messages.Operation, error) { return s.Drill(ctx, &messages.DrillRequest{Id: "a"}) }, &messages.DrillNow{Id: "a"}},
			{func() (*messages.Operation, error) {
				return s.Restore(ctx, &messages.RestoreRequest{Id: "a", BeforeUnixMs: 7, DryRun: true})
			}, &messages.RestoreBackup{Id: "a", BeforeUnixMs: 7, DryRun: true}},
			{func() (*messages.Operation, error) { return s.Undo(ctx, &messages.UndoRequest{}) }, &messages.UndoRestore{DryRun: true}},
			{func() (*messages.Operation, error) { return s.Undo(ctx, &messages.UndoRequest{Confirmed: true}) }, &messages.UndoRestore{}},
			{func() (*messages.Operation, error) { return s.Repair(ctx, &messages.RepairRequest{DryRun: true}) }, &messages.RepairDatabase{DryRun: true}},
			{func() (*messages.Operation, error) { return s.Repair(ctx, &messages.RepairRequest{Confirmed: true}) }, &messages.RepairDatabase{Confirmed: true}},
			{func() (*messages.Operation, error) {
				return s.Checkpoint(ctx, &messages.CheckpointRequest{Mode: "passive"})
			}, &messages.CheckpointNow{Mode: "passive", Reason: "manual"}},
			{func() (*messages.Operation, error) { return s.Vacuum(ctx, &messages.VacuumRequest{Force: true}) }, &messages.VacuumNow{Force: true}},
			{func() (*messages.Operation, error) { return s.Analyze(ctx, &messages.AnalyzeRequest{}) }, &messages.AnalyzeNow{}},
			{func() (*messages.Operation, error) {
				return s.Diff(ctx, &messages.DiffRequest{Id: "a", OtherId: "b"})
			}, &messages.DiffBackups{Id: "a", OtherId: "b"}},
		} {
			one, err := c.start()
			if err != nil {
				t.Fatal(err)
			}
			got := <-w.asked
			want := c.want.ProtoReflect()
			want.Set(want.Descriptor().Fields().ByName("job_id"), got.ProtoReflect().Get(got.ProtoReflect().Descriptor().Fields().ByName("job_id")))
			if !proto.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if job := fmt.Sprint(got.ProtoReflect().Get(got.ProtoReflect().Descriptor().Fields().ByName("job_id"))); job != "op-"+one.Id {
				t.Errorf("got job %q, want op-%s", job, one.Id)
			}
		}
	})
}

func TestOperations_endWithOfficer(t *testing.T) {
	bench(t, func(t *testing.T, w *worker, s *service) {
		one, err := s.BackUp(t.Context(), &messages.BackUpRequest{})
		if err != nil {
			t.Fatal(err)
		}
		<-w.asked
		s.operations.close()
		got, err := s.GetOperation(t.Context(), &messages.GetOperationRequest{Id: one.Id, WaitMs: 1000})
		if err != nil || got.State != "cancelled" {
			t.Errorf("got %v, %v; want it cancelled", got, err)
		}
		_, err = s.BackUp(t.Context(), &messages.BackUpRequest{})
		var f *messages.Failure
		if f = unpack(t.Context(), "test", err); !errors.As(f, &f) || f.Code != "interrupted" {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}
