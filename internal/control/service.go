package control

import (
	"context"
	"net/http"
	"path"

	"connectrpc.com/connect"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/messages/messagesconnect"
)

// service is ControlService and the plain routes at one way in.
type service struct {
	messagesconnect.UnimplementedControlServiceHandler
	api        *API
	officer    Officer
	operations *operations
	database   string // of the socket; "" at the TCP port
	local      bool   // at a socket
}

func (a *API) service(database string) *service {
	return &service{api: a, officer: a.cfg.Officer, operations: a.operations, database: database}
}

// routes is everything that needs a login at the TCP port, and all of it at a socket.
func (a *API) routes(s *service) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/"+messagesconnect.ControlServiceName+"/", routes(s, connect.WithReadMaxBytes(requestBytesMax)))
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("GET /v1/events", s.events)
	mux.HandleFunc("GET /v1/backups", s.backups)
	mux.HandleFunc("GET /v1/backups/{id}/download", s.download)
	mux.HandleFunc("GET /livez", s.livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("/", s.page)
	return straight(mux)
}

// straight refuses a path with an empty or dotted element. The mux would answer with the
// address of another one, made of what the client sent; an id that is empty is no id.
func straight(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.EscapedPath(); p != path.Clean("/"+p) && p != path.Clean("/"+p)+"/" {
			refuse(w, http.StatusNotFound, messages.NewFailure("missing", "call", "there is nothing at this path"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ofTheSocket is the refusal of what is for the socket alone.
func ofTheSocket(op string) error {
	return carry(messages.NewFailure("forbidden", op, "only the socket in the home of a database answers this").WithDid("Nothing was changed."))
}

// Call carries one request to Officer and its answer back. A verb of the command line can
// name files, as its user may: that is not for a port.
func (s *service) Call(ctx context.Context, call *messages.CallRequest) (*messages.CallResponse, error) {
	if !s.local {
		return nil, ofTheSocket("call")
	}
	msg := request(call)
	if msg == nil {
		return nil, carry(messages.NewFailure("invalid", "call", "the call carries no request"))
	}
	got, err := s.officer.Ask(ctx, s.named(call.Database), msg, nil)
	if err != nil {
		return nil, carry(err)
	}
	response := &messages.CallResponse{}
	if !fill(response, "response", got) {
		return nil, carry(messages.NewFailure("internal", "call", "the answer has no place in the protocol"))
	}
	return response, nil
}

// Stop ends this Officer. It is for the socket alone: who can open that may also send a signal.
func (s *service) Stop(ctx context.Context, order *messages.StopRequest) (*messages.Stopping, error) {
	if !s.local {
		return nil, ofTheSocket("stop")
	}
	return ask[*messages.Stopping](ctx, s, "", &messages.StopOfficer{Reason: order.Reason, FinishMs: order.FinishMs})
}

// OpenDashboard gives a link that logs a browser in, once.
func (s *service) OpenDashboard(ctx context.Context, in *messages.OpenDashboardRequest) (*messages.OpenDashboardResponse, error) {
	if !s.local {
		return nil, ofTheSocket("open the dashboard")
	}
	d, f := s.find(ctx, in.Database)
	if f != nil {
		return nil, carry(f)
	}
	link, file, err := s.api.dashboard(d.Name, d.Home)
	if err != nil {
		return nil, carry(err)
	}
	return &messages.OpenDashboardResponse{Url: link, File: file}, nil
}

// Watch streams events until the client leaves.
func (s *service) Watch(ctx context.Context, from *messages.WatchRequest, to *connect.ServerStream[messages.Event]) error {
	events, err := s.officer.Subscribe(ctx, &messages.WatchRequest{
		Database: s.named(from.Database), Replay: from.Replay, AfterSequence: from.AfterSequence,
	})
	if err != nil {
		return carry(err)
	}
	// The headers go out now: the client knows that from here on it misses nothing.
	if err := to.Send(nil); err != nil {
		return err
	}
	for e := range events {
		if err := to.Send(e); err != nil {
			return err
		}
	}
	return nil
}
