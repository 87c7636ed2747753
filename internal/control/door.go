package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits against clients that are slow or hold on: a request must be here within
// seconds, its answer may take hours.
const (
	headerWithin = 5 * time.Second
	bodyWithin   = 10 * time.Second
	idleFor      = 2 * time.Minute
	headerBytes  = 32 << 10
	// writeWithin is how long a client may take to accept a piece of an answer.
	writeWithin = 30 * time.Second
	// connectionsMax is for each way in; what comes after takes the place of who does nothing.
	connectionsMax = 128
	// streamsMax is for each connection of HTTP/2.
	streamsMax = 32
	// answeringMax bounds the requests under way at all ways in together: streams stay.
	answeringMax = 256
	// readingMax bounds the bodies that are read at once, each up to requestBytesMax.
	readingMax = 16
)

// door is one way in: a listener and its server.
type door struct {
	at    string // path of the socket, name of the pipe, or URL
	http  *http.Server
	ended chan error
}

func (a *API) newDoor(listener net.Listener, at string, handler http.Handler) *door {
	guests := &crowd{list: make(map[net.Conn]*guest)}
	d := &door{at: at, ended: make(chan error, 1), http: &http.Server{
		Handler: guests.attend(paced(handler)), ReadHeaderTimeout: headerWithin, IdleTimeout: idleFor, MaxHeaderBytes: headerBytes,
		BaseContext: func(net.Listener) context.Context { return a.ctx }, ConnState: guests.changed, ConnContext: guests.context,
		// What clients do wrong is no news: net/http tells of each broken connection.
		ErrorLog:  slog.NewLogLogger(debugOnly{a.cfg.Log}, slog.LevelDebug),
		Protocols: new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: streamsMax, MaxReceiveBufferPerConnection: 1 << 20, MaxReceiveBufferPerStream: 64 << 10,
			SendPingTimeout: idleFor, PingTimeout: headerWithin, WriteByteTimeout: writeWithin,
		},
	}}
	// gRPC over a socket or a loopback port is HTTP/2 without TLS.
	d.http.Protocols.SetHTTP1(true)
	d.http.Protocols.SetUnencryptedHTTP2(true)
	go func() { d.ended <- d.http.Serve(listener) }()
	return d
}

// close lets running calls finish until ctx is done and then cuts them.
func (d *door) close(ctx context.Context) error {
	err := d.http.Shutdown(ctx)
	if err != nil {
		err = d.http.Close()
	}
	if served := <-d.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// crowd bounds the connections of a door. When there are too many the one that has had no
// request under way for longest goes, so that those who only hold on, or send a byte a
// second, keep nobody out.
type crowd struct {
	mu   sync.Mutex
	list map[net.Conn]*guest
}

// guest is one connection.
type guest struct {
	busy  int       // requests under way
	since time.Time // of the last change
}

// guestKey finds the guest in the context of a request.
type guestKey struct{}

func (c *crowd) context(ctx context.Context, conn net.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := &guest{since: time.Now()}
	c.list[conn] = g
	return context.WithValue(ctx, guestKey{}, g)
}

func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case state == http.StateClosed, state == http.StateHijacked:
		delete(c.list, conn)
	case state == http.StateNew && len(c.list) > connectionsMax:
		c.turnOut()
	}
}

// turnOut closes the connection that rests longest; the newest one, when all are at work.
func (c *crowd) turnOut() {
	var longest net.Conn
	for conn, g := range c.list {
		if g.busy == 0 && (longest == nil || g.since.Before(c.list[longest].since)) {
			longest = conn
		}
	}
	delete(c.list, longest)
	_ = longest.Close()
}

// attend notes which connections are at work.
func (c *crowd) attend(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g, _ := r.Context().Value(guestKey{}).(*guest)
		c.step(g, 1)
		defer c.step(g, -1)
		next.ServeHTTP(w, r)
	})
}

func (c *crowd) step(g *guest, by int) {
	if g == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	g.busy, g.since = g.busy+by, time.Now()
}

// debugOnly writes to the log of the moment, at the level of debugging.
type debugOnly struct{ log func() *slog.Logger }

// Enabled is part of slog.Handler.
func (d debugOnly) Enabled(ctx context.Context, _ slog.Level) bool {
	return d.log().Enabled(ctx, slog.LevelDebug)
}

// Handle is part of slog.Handler.
func (d debugOnly) Handle(ctx context.Context, r slog.Record) error {
	return d.log().Handler().Handle(ctx, r)
}

// WithAttrs is part of slog.Handler; log.Logger adds none.
func (d debugOnly) WithAttrs([]slog.Attr) slog.Handler { return d }

// WithGroup is part of slog.Handler; log.Logger has none.
func (d debugOnly) WithGroup(string) slog.Handler { return d }

// paced gives each piece of an answer a deadline of its own: a client that stops reading
// is cut, a stream may last for days.
func paced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), multiplexed: r.ProtoMajor > 1}
		next.ServeHTTP(p, r)
		if !p.multiplexed {
			p.begin() // for what net/http still has to send
		}
	})
}

type pacedWriter struct {
	http.ResponseWriter
	control     *http.ResponseController
	multiplexed bool
}

func (p *pacedWriter) begin() { _ = p.control.SetWriteDeadline(time.Now().Add(writeWithin)) }

// end takes the deadline back: over HTTP/2 one that passes resets the stream although
// nothing waits to be written.
func (p *pacedWriter) end() {
	if p.multiplexed {
		_ = p.control.SetWriteDeadline(time.Time{})
	}
}

// Write is part of http.ResponseWriter.
func (p *pacedWriter) Write(b []byte) (int, error) {
	p.begin()
	defer p.end()
	return p.ResponseWriter.Write(b)
}

// Flush is part of http.Flusher, which Connect asks for.
func (p *pacedWriter) Flush() {
	p.begin()
	defer p.end()
	_ = p.control.Flush()
}

// Unwrap lets http.ResponseController find the writer of the server.
func (p *pacedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }
