package control

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages/messagesconnect"
)

// routes does what messagesconnect.NewControlServiceHandler does, with one handler type for
// all methods. Connect's constructors are generic over request and answer: each method
// would bring a copy of the whole handler, forty of them 2 MB of program. Here every
// message travels in an envelope, so there is one copy (docs/decisions/0010-one-handler-for-all-methods.md).
// An interceptor sees the envelope, too.
func routes(to messagesconnect.ControlServiceHandler, options ...connect.HandlerOption) http.Handler {
	r := &router{mux: http.NewServeMux(), options: options}

	unary(r, messagesconnect.ControlServiceBackUpProcedure, to.BackUp)
	unary(r, messagesconnect.ControlServiceCheckProcedure, to.Check)
	unary(r, messagesconnect.ControlServiceVerifyProcedure, to.Verify)
	unary(r, messagesconnect.ControlServiceDrillProcedure, to.Drill)
	unary(r, messagesconnect.ControlServiceRestoreProcedure, to.Restore)
	unary(r, messagesconnect.ControlServiceUndoProcedure, to.Undo)
	unary(r, messagesconnect.ControlServiceRepairProcedure, to.Repair)
	unary(r, messagesconnect.ControlServiceCheckpointProcedure, to.Checkpoint)
	unary(r, messagesconnect.ControlServiceVacuumProcedure, to.Vacuum)
	unary(r, messagesconnect.ControlServiceAnalyzeProcedure, to.Analyze)
	unary(r, messagesconnect.ControlServiceDiffProcedure, to.Diff)
	unary(r, messagesconnect.ControlServiceGetOperationProcedure, to.GetOperation)
	unary(r, messagesconnect.ControlServiceListOperationsProcedure, to.ListOperations)
	unary(r, messagesconnect.ControlServiceCancelOperationProcedure, to.CancelOperation)

	unary(r, messagesconnect.ControlServiceListDatabasesProcedure, to.ListDatabases)
	unary(r, messagesconnect.ControlServiceGetStatusProcedure, to.GetStatus)
	unary(r, messagesconnect.ControlServiceGetHealthProcedure, to.GetHealth)
	unary(r, messagesconnect.ControlServiceListBackupsProcedure, to.ListBackups)
	unary(r, messagesconnect.ControlServiceGetBackupProcedure, to.GetBackup)
	unary(r, messagesconnect.ControlServiceExplainProcedure, to.Explain)
	unary(r, messagesconnect.ControlServiceGetLogsProcedure, to.GetLogs)
	unary(r, messagesconnect.ControlServiceListEventsProcedure, to.ListEvents)
	unary(r, messagesconnect.ControlServiceGetMetricsProcedure, to.GetMetrics)
	unary(r, messagesconnect.ControlServiceGetHistoryProcedure, to.GetHistory)
	unary(r, messagesconnect.ControlServiceGetDiskProcedure, to.GetDisk)
	unary(r, messagesconnect.ControlServiceGetWalProcedure, to.GetWal)
	unary(r, messagesconnect.ControlServiceGetMaintenanceProcedure, to.GetMaintenance)
	unary(r, messagesconnect.ControlServiceGetScheduleProcedure, to.GetSchedule)
	unary(r, messagesconnect.ControlServiceGetConfigProcedure, to.GetConfig)
	unary(r, messagesconnect.ControlServiceGetInfoProcedure, to.GetInfo)
	unary(r, messagesconnect.ControlServiceMayImportProcedure, to.MayImport)

	unary(r, messagesconnect.ControlServicePinProcedure, to.Pin)
	unary(r, messagesconnect.ControlServiceUnpinProcedure, to.Unpin)
	unary(r, messagesconnect.ControlServiceReportMetricProcedure, to.ReportMetric)
	unary(r, messagesconnect.ControlServiceStartImportProcedure, to.StartImport)
	unary(r, messagesconnect.ControlServiceFinishImportProcedure, to.FinishImport)
	unary(r, messagesconnect.ControlServiceReloadConfigProcedure, to.ReloadConfig)
	unary(r, messagesconnect.ControlServiceOpenDashboardProcedure, to.OpenDashboard)
	unary(r, messagesconnect.ControlServiceCallProcedure, to.Call)
	unary(r, messagesconnect.ControlServiceStopProcedure, to.Stop)

	// The streams name their messages in the signature, so each has its own copy.
	r.mux.Handle(messagesconnect.ControlServiceWatchProcedure,
		connect.NewServerStreamHandlerSimple(messagesconnect.ControlServiceWatchProcedure, to.Watch, r.options...))
	r.mux.Handle(messagesconnect.ControlServiceWatchOperationProcedure,
		connect.NewServerStreamHandlerSimple(messagesconnect.ControlServiceWatchOperationProcedure, to.WatchOperation, r.options...))
	return r.mux
}

// whenAsked makes a handler with its first request. The forty of a service take 160 kB, and
// of hundreds of sockets most are never used.
func whenAsked(makeHandler func() http.Handler) http.Handler {
	once := sync.OnceValue(makeHandler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { once().ServeHTTP(w, r) })
}

// router collects the handlers of routes.
type router struct {
	mux     *http.ServeMux
	options []connect.HandlerOption
}

// unary adds one method. All messages are pointers, which share one instance of it.
func unary[Request, Answer proto.Message](r *router, procedure string, call func(context.Context, Request) (Answer, error)) {
	var none Request
	r.mux.Handle(procedure, connect.NewUnaryHandlerSimple(procedure, func(ctx context.Context, in *envelope) (*envelope, error) {
		request, ok := in.Message.(Request)
		if !ok {
			return nil, connect.NewError(connect.CodeInternal, fmt.Errorf("%T came to %s", in.Message, procedure))
		}
		answer, err := call(ctx, request)
		if err != nil {
			return nil, err
		}
		return &envelope{answer}, nil
	}, append(r.options[:len(r.options):len(r.options)], connect.WithRequestInitializer(filled(none)))...))
}

// envelope is the one type that Connect's handlers are made for. It is a message because the
// one inside is: Connect's own codecs read and write that.
type envelope struct{ proto.Message }

// filled has every envelope that comes made with an empty message of one kind, to be read into.
func filled(kind proto.Message) func(connect.Spec, any) error {
	return func(_ connect.Spec, message any) error {
		into, ok := message.(*envelope)
		if !ok {
			return fmt.Errorf("%T is no envelope", message)
		}
		into.Message = kind.ProtoReflect().New().Interface()
		return nil
	}
}
