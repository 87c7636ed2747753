package control

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/officer-doofy/officer/messages"
)

const loginPath = "/login"

// loginLink is what follows the address of the port.
func loginLink(code, database string) string {
	link := loginPath + "?code=" + code
	if database != "" {
		link += "&database=" + url.QueryEscape(database)
	}
	return link
}

// doormatName is the file in a home that leads to a link. The arguments of a program that
// opens a browser are there for every user of the machine to read (`ps`); this is not.
const doormatName = "dashboard.html"

func doormat(link string) []byte {
	return []byte(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=` + html.EscapeString(link) + `"><title>Officer</title></html>
`)
}

// staleLink is what somebody sees whose link does not work. There is nothing in it that
// came with the request.
const staleLink = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Officer</title><h1>This link does not work any more.</h1>
<p>It is good once, and for one minute. This opens the page with a new one:</p><pre>officer dashboard app.db</pre></html>
`

// login turns a link into the cookie of a session and leads to an address without the code,
// so that neither history nor anybody who looks at the screen has it. A HEAD, as chat
// programs send it to look at links, does not use it up.
func (a *API) login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		refuse(w, http.StatusMethodNotAllowed, messages.NewFailure("invalid", "log in", "a login is a GET").WithDid("Nothing was changed."))
		return
	}
	q := r.URL.Query()
	cookie := a.gate.login(q.Get("code"))
	if cookie == nil {
		status := http.StatusUnauthorized
		if a.gate.tooMany() {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", "10")
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, staleLink)
		return
	}
	http.SetCookie(w, cookie)
	to := "/"
	if database := q.Get("database"); database != "" {
		to += "?database=" + url.QueryEscape(database)
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// isPage tells whether a request is for the page or its files and not for the API. They hold
// no data: the page says by itself when nobody is logged in.
func (s *service) isPage(r *http.Request) bool {
	switch path := r.URL.Path; {
	case s.api.cfg.Page == nil, r.Method != http.MethodGet && r.Method != http.MethodHead:
		return false
	case strings.HasPrefix(path, "/v1/"), path == "/health", path == "/metrics", strings.HasPrefix(path, "/officer.v1."):
		return false
	}
	return true
}

func (s *service) page(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, messages.NewFailure("invalid", "call", "this path is only read").WithDid("Nothing was changed."))
		return
	}
	if s.api.cfg.Page == nil {
		refuse(w, http.StatusNotFound, messages.NewFailure("missing", "call", "there is nothing at this path"))
		return
	}
	s.api.cfg.Page.ServeHTTP(w, r)
}
