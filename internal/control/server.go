package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/messages/messagesconnect"
)

// Limits against clients that are slow or hold on: a request must be here within
// seconds, its answer may take hours.
const (
	headerWithin = 5 * time.Second
	bodyWithin   = 10 * time.Second
	idleFor      = 2 * time.Minute
	headerBytes  = 64 << 10
)

// API is what one Officer shows the outside: a socket in each home, and what their
// clients share.
type API struct {
	officer    Officer
	operations *operations

	mu    sync.Mutex
	doors map[string]*Server // by home
}

// New makes an API that nobody reaches yet.
func New(officer Officer) *API {
	return &API{officer: officer, operations: newOperations(officer), doors: make(map[string]*Server)}
}

// Open answers at the socket of home until Shut or Close. Requests that name no database
// mean the one called database. The caller holds the lock of home: a socket that lies there
// is then a dead process's and is removed.
func (a *API) Open(home, database string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.doors[home] != nil {
		return nil
	}
	s, err := a.serve(home, database)
	if err == nil {
		a.doors[home] = s
	}
	return err
}

// Homes are those with a socket.
func (a *API) Homes() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.doors))
}

// Shut closes the socket of a home once running calls have finished, at the latest when
// ctx is done.
func (a *API) Shut(ctx context.Context, home string) error {
	a.mu.Lock()
	s := a.doors[home]
	delete(a.doors, home)
	a.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.Close(ctx)
}

// Close cancels the operations, lets running calls finish until ctx is done, then cuts
// them, and removes the sockets.
func (a *API) Close(ctx context.Context) error {
	a.operations.close()
	var errs []error
	for _, home := range a.Homes() {
		errs = append(errs, a.Shut(ctx, home))
	}
	return errors.Join(errs...)
}

// Server answers at one socket.
type Server struct {
	http     *http.Server
	listener net.Listener
	path     string
	ended    chan error
}

func (a *API) serve(home, database string) (*Server, error) {
	listener, path, err := listen(home)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	answers := &service{officer: a.officer, operations: a.operations, database: database}
	mux.Handle("/"+messagesconnect.ControlServiceName+"/", routes(answers, connect.WithReadMaxBytes(requestBytesMax)))
	mux.HandleFunc("GET /metrics", answers.metrics)
	s := &Server{
		listener: listener, path: path, ended: make(chan error, 1),
		http: &http.Server{
			Handler: bounded(mux), ReadHeaderTimeout: headerWithin, IdleTimeout: idleFor, MaxHeaderBytes: headerBytes,
			Protocols: new(http.Protocols),
		},
	}
	// gRPC over a socket or a loopback port is HTTP/2 without TLS.
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	go func() { s.ended <- s.http.Serve(listener) }()
	return s, nil
}

// Path is where the socket is.
func (s *Server) Path() string { return s.path }

// Close lets running calls finish until ctx is done, then cuts them, and removes the socket.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// bounded reads the body before the handler runs, so that a deadline can be set for it
// without one for the answer (http.Server.ReadTimeout would end long calls).
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(bodyWithin))
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestBytesMax+headerBytes))
		if err != nil {
			status := http.StatusRequestTimeout
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				status = http.StatusRequestEntityTooLarge
			}
			w.Header().Set("Connection", "close")
			w.WriteHeader(status)
			return
		}
		_ = control.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// service is ControlService.
type service struct {
	messagesconnect.UnimplementedControlServiceHandler
	officer    Officer
	operations *operations
	database   string
}

// Call carries one request to Officer and its answer back.
func (s *service) Call(ctx context.Context, call *messages.CallRequest) (*messages.CallResponse, error) {
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
	got, err := s.officer.Ask(ctx, "", &messages.StopOfficer{Reason: order.Reason, FinishMs: order.FinishMs}, nil)
	if err != nil {
		return nil, carry(err)
	}
	stopping, ok := got.(*messages.Stopping)
	if !ok {
		return nil, carry(messages.NewFailure("internal", "stop", "an unexpected answer"))
	}
	return stopping, nil
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
