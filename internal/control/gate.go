package control

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	inviteFor   = time.Minute    // how long a link to log in is good for
	invitesMax  = 16             // links that wait at once
	sessionIdle = 12 * time.Hour // after the last request of a browser
	sessionMax  = 7 * 24 * time.Hour
	sessionsMax = 64
	// Wrong tokens are answered at this pace and then turned away: 256 bits cannot be
	// guessed, but nobody needs to try at full speed.
	wrongBurst  = 20
	wrongPerSec = 5
)

// gate knows who may use the TCP port: who has a token, or a browser that followed a link
// of `officer dashboard`. It keeps digests only, in memory.
type gate struct {
	now func() time.Time

	mu       sync.Mutex
	cookie   string         // its name
	tokens   map[string]sum // by home
	invites  map[sum]time.Time
	sessions map[sum]*session
	wrong    float64 // wrong tokens that are not forgotten yet
	wrongAt  time.Time
}

type sum [sha256.Size]byte

type session struct{ begun, used time.Time }

func newGate() *gate {
	return &gate{now: time.Now, tokens: map[string]sum{}, invites: map[sum]time.Time{}, sessions: map[sum]*session{}}
}

// open names the cookie. Browsers send cookies to every port of a host, so the name has
// the port: two Officers on one machine do not log each other's pages out.
func (g *gate) open(port string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cookie = "officer-" + port
}

// allow lets everybody in who has the token of a home; forget ends that.
func (g *gate) allow(home, token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens[home] = sha256.Sum256([]byte(token))
}

func (g *gate) forget(home string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tokens, home)
}

// invite gives a code that logs in once.
func (g *gate) invite() string {
	code := newSecret()
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for key, until := range g.invites {
		if !now.Before(until) {
			delete(g.invites, key)
		}
	}
	for len(g.invites) >= invitesMax {
		g.dropInvite()
	}
	g.invites[sha256.Sum256([]byte(code))] = now.Add(inviteFor)
	return code
}

// dropInvite forgets the oldest link.
func (g *gate) dropInvite() {
	var oldest sum
	var at time.Time
	for key, until := range g.invites {
		if at.IsZero() || until.Before(at) {
			oldest, at = key, until
		}
	}
	delete(g.invites, oldest)
}

// login takes a code and gives the cookie of a new session; nil when the code is used up,
// too old, or none.
func (g *gate) login(code string) *http.Cookie {
	g.mu.Lock()
	defer g.mu.Unlock()
	// A map finds by value in a time that depends on it; the value is a digest of the code,
	// which tells nothing about it.
	key := sum(sha256.Sum256([]byte(code)))
	until, known := g.invites[key]
	delete(g.invites, key)
	now := g.now()
	if !known || !now.Before(until) {
		return nil
	}
	secret := newSecret()
	for len(g.sessions) >= sessionsMax {
		g.dropSession()
	}
	g.sessions[sha256.Sum256([]byte(secret))] = &session{begun: now, used: now}
	return &http.Cookie{Name: g.cookie, Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// dropSession forgets the one that was used longest ago.
func (g *gate) dropSession() {
	var oldest sum
	var at time.Time
	for key, s := range g.sessions {
		if at.IsZero() || s.used.Before(at) {
			oldest, at = key, s.used
		}
	}
	delete(g.sessions, oldest)
}

// pass is how a request came in.
type pass int

const (
	passNone pass = iota
	passToken
	passCookie
)

// admits tells whether a request carries a token or the cookie of a session.
func (g *gate) admits(r *http.Request) pass {
	g.mu.Lock()
	defer g.mu.Unlock()
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		if g.isToken(strings.TrimSpace(token)) {
			return passToken
		}
		return passNone
	}
	cookie, err := r.Cookie(g.cookie)
	if err != nil {
		return passNone
	}
	key := sum(sha256.Sum256([]byte(cookie.Value)))
	s, now := g.sessions[key], g.now()
	if s == nil {
		return passNone
	}
	if now.Sub(s.used) > sessionIdle || now.Sub(s.begun) > sessionMax {
		delete(g.sessions, key)
		return passNone
	}
	s.used = now
	return passCookie
}

// isToken compares with every token, in a time that depends on none.
func (g *gate) isToken(token string) bool {
	given, found := sha256.Sum256([]byte(token)), 0
	for _, want := range g.tokens {
		found |= subtle.ConstantTimeCompare(given[:], want[:])
	}
	return found == 1
}

// tooMany counts a wrong token or code, and tells whether there were too many lately.
func (g *gate) tooMany() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.wrong = max(0, g.wrong-now.Sub(g.wrongAt).Seconds()*wrongPerSec)
	g.wrongAt = now
	if g.wrong >= wrongBurst {
		return true
	}
	g.wrong++
	return false
}
