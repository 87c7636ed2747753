package control

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

// local is what answers at the socket of a database. Whoever can open that needs no token.
func (a *API) local(database string) http.Handler {
	s := a.service(database)
	s.local = true
	next := a.sheltered(whenAsked(func() http.Handler { return a.routes(s) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header(), "'none'")
		if a.crosses(w, r, nil) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// remote is what answers at the TCP port. The order matters: nothing of a request is read
// but its headers before it is known who sends it.
func (a *API) remote(n *names) http.Handler {
	s := a.service("")
	next := a.sheltered(a.routes(s))
	frames := n.frames()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header(), frames)
		if probe := s.probe(r); probe != nil { // says one word: no name, no token
			probe(w, r)
			return
		}
		if !n.allowsHost(r.Host) {
			a.turnAway(w, r, http.StatusForbidden, "foreign_host", "this Officer is not called by that name", "api: {hosts: [NAME]}  in the configuration")
			return
		}
		if a.crosses(w, r, n) {
			return
		}
		switch {
		case r.URL.Path == loginPath:
			a.login(w, r)
			return
		case s.isPage(r):
			s.page(w, r)
			return
		}
		if a.entered(w, r, n) {
			next.ServeHTTP(w, r)
		}
	})
}

// entered tells whether a request may be answered; if not, it was refused.
func (a *API) entered(w http.ResponseWriter, r *http.Request, n *names) bool {
	switch a.gate.admits(r) {
	case passToken:
		return true
	case passCookie:
		// SameSite knows no ports: a page of another server on this machine makes requests
		// with the cookie, too. It may not even ask.
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "same-origin", "none":
			return true
		}
		if n.allowsOrigin(r.Header.Get("Origin")) {
			return true
		}
		a.turnAway(w, r, http.StatusForbidden, "cross_origin", "a page of another origin may not use this login")
		return false
	}
	_, err := r.Cookie(a.gate.cookie)
	if (r.Header.Get("Authorization") != "" || err == nil) && a.gate.tooMany() {
		w.Header().Set("Retry-After", "10")
		a.turnAway(w, r, http.StatusTooManyRequests, "too_many", "too many wrong tokens")
		return false
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="officer"`)
	a.turnAway(w, r, http.StatusUnauthorized, "unauthenticated", "this needs the token of this Officer, or a login by its link",
		"curl -H \"Authorization: Bearer $(cat app.db-officer/token)\" …", "officer dashboard app.db")
	return false
}

// What pages of origins on the list may send and read.
const (
	corsMethods = "GET, HEAD, POST"
	corsHeaders = "Authorization, Content-Type, Connect-Protocol-Version, Connect-Timeout-Ms, Last-Event-ID, Range"
	corsExposed = "Content-Disposition, Content-Range, ETag"
)

// crosses sees to requests of other web origins: a preflight is answered, what would
// change something is refused. Those on the list may call; a request that no browser sent
// has no origin. It tells whether the request is done with.
func (a *API) crosses(w http.ResponseWriter, r *http.Request, n *names) (done bool) {
	h, origin := w.Header(), r.Header.Get("Origin")
	h.Add("Vary", "Origin")
	if n != nil && n.allowsOrigin(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", corsExposed)
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", corsHeaders)
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return true
		}
		return false
	}
	// OPTIONS counts as safe for the check, and is what asks for everything else.
	if r.Method == http.MethodOptions || http.NewCrossOriginProtection().Check(r) != nil {
		a.turnAway(w, r, http.StatusForbidden, "cross_origin", "a page of another origin may not call this Officer",
			"api: {origins: [https://app.example.org]}  in the configuration")
		return true
	}
	return false
}

// protect sets what browsers are told about every answer.
func protect(h http.Header, frames string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "+
		"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "+frames)
	if frames == "'none'" {
		h.Set("X-Frame-Options", "DENY")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// sheltered bounds what is answered at once, and reads the body before the handler runs, so
// that a deadline can be set for it without one for the answer (http.Server.ReadTimeout
// would end long calls).
func (a *API) sheltered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case a.answering <- struct{}{}:
			defer func() { <-a.answering }()
		default:
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, messages.NewFailure("too_many", "call", "%d requests are under way already", answeringMax))
			return
		}
		body, status, f := a.readBody(w, r)
		if f != nil {
			w.Header().Set("Connection", "close")
			refuse(w, status, f)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func (a *API) readBody(w http.ResponseWriter, r *http.Request) (body []byte, status int, f *messages.Failure) {
	if r.ContentLength == 0 {
		return nil, 0, nil
	}
	if r.ContentLength > requestBytesMax+headerBytes {
		return nil, http.StatusRequestEntityTooLarge, tooLarge()
	}
	control := http.NewResponseController(w)
	deadline := time.Now().Add(bodyWithin)
	_ = control.SetReadDeadline(deadline)
	patience := time.NewTimer(bodyWithin)
	defer patience.Stop()
	select {
	case a.reading <- struct{}{}:
		defer func() { <-a.reading }()
	case <-patience.C:
		return nil, http.StatusServiceUnavailable, messages.NewFailure("too_many", "read the request", "%d others are being read", readingMax)
	case <-r.Context().Done():
		return nil, http.StatusRequestTimeout, messages.NewFailure("interrupted", "read the request", "interrupted")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestBytesMax+headerBytes))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, http.StatusRequestEntityTooLarge, tooLarge()
		}
		return nil, http.StatusRequestTimeout, messages.NewFailure("timeout", "read the request", "it did not come within %s", bodyWithin).
			WithDid("Nothing was changed.")
	}
	_ = control.SetReadDeadline(time.Time{})
	return body, 0, nil
}

func tooLarge() *messages.Failure {
	return messages.NewFailure("invalid", "read the request", "it is larger than %d bytes", requestBytesMax).WithDid("Nothing was changed.")
}

// turnAway refuses a request and says so in the log, once a minute for each reason.
func (a *API) turnAway(w http.ResponseWriter, r *http.Request, status int, code, text string, hints ...string) {
	if count := a.grumbles.count(code, time.Now()); count > 0 {
		from, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			from = r.RemoteAddr
		}
		a.cfg.Log().Warn("requests were refused", slog.String("component", "api"), slog.String("reason", code), slog.Int("count", count),
			slog.String("from", from), slog.String("method", short(r.Method)), slog.String("path", short(r.URL.Path)), slog.String("host", short(r.Host)))
	}
	refuse(w, status, messages.NewFailure(code, "call", "%s", text).WithDid("Nothing was changed.").WithHints(hints...))
}

// shortMax is how much of what a client wrote goes into a log.
const shortMax = 100

func short(text string) string {
	if len(text) > shortMax {
		return text[:shortMax] + "…"
	}
	return text
}

// refuse answers with a failure as the verbs show it with --json.
func refuse(w http.ResponseWriter, status int, f *messages.Failure) {
	writeJSON(w, status, report.FailureOf(f, report.CodeOf(f)))
}

// grumbles counts what was refused, so that nobody can fill the log.
type grumbles struct {
	mu   sync.Mutex
	last map[string]time.Time
	more map[string]int
}

// grumbleEvery is the shortest time between two lines for one reason.
const grumbleEvery = time.Minute

// count gives how many there were since the last line, when another one is due; else 0.
func (g *grumbles) count(reason string, now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last == nil {
		g.last, g.more = map[string]time.Time{}, map[string]int{}
	}
	g.more[reason]++
	if at, told := g.last[reason]; told && now.Sub(at) < grumbleEvery {
		return 0
	}
	count := g.more[reason]
	g.last[reason], g.more[reason] = now, 0
	return count
}
