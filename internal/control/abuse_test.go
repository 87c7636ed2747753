//go:build unix

package control

import (
	"bufio"
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

// fort is an API with a port, a home, and an Officer that notes what reaches it.
type fort struct {
	t       *testing.T
	api     *API
	home    string
	token   string
	reached chan proto.Message
	log     *book
	backup  *messages.Backup // what FindBackup gives, whatever id was asked for
}

func newFort(t *testing.T, change func(*Config)) *fort {
	t.Helper()
	f := &fort{t: t, home: t.TempDir(), reached: make(chan proto.Message, 1000), log: &book{}}
	logger := slog.New(slog.NewTextHandler(f.log, nil))
	cfg := Config{
		Version: "1.2.3", Log: func() *slog.Logger { return logger },
		Officer: &fake{ask: f.answer, events: make(chan *messages.Event)},
		Page: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "the page")
		}),
	}
	if change != nil {
		change(&cfg)
	}
	f.api = New(cfg)
	if err := f.api.Open(f.home, "app"); err != nil {
		t.Fatal(err)
	}
	if err := f.api.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := f.api.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	token, err := os.ReadFile(filepath.Join(f.home, tokenName))
	if err != nil {
		t.Fatal(err)
	}
	f.token = strings.TrimSpace(string(token))
	return f
}

func (f *fort) answer(_ context.Context, _ string, msg proto.Message) (proto.Message, error) {
	f.reached <- msg
	switch msg := msg.(type) {
	case *messages.ListDatabasesRequest:
		return &messages.ListDatabasesResponse{Databases: []*messages.LookedAfter{{Name: "app", Path: "/data/app.db", Home: f.home}}}, nil
	case *messages.GetInfo:
		return &messages.Info{Version: "1.2.3", Databases: []string{"/data/app.db"}}, nil
	case *messages.Ping:
		return &messages.Pong{}, nil
	case *messages.GetHealth:
		return &messages.HealthReport{Headline: "all is well"}, nil
	case *messages.GetEvents:
		return &messages.EventPage{}, nil
	case *messages.FindBackup:
		if f.backup != nil {
			return f.backup, nil
		}
		return nil, messages.NewFailure("no_backup", "find", "there is no backup %q", msg.Id)
	case *messages.PinBackup:
		return &messages.Backup{Id: msg.Id}, nil
	}
	return nil, messages.NewFailure("unhandled", "ask", "not here")
}

// url is an address at the port.
func (f *fort) url(path string) string { return f.api.port.at + path }

// send sends a request to the port; headers are "Name: value".
func (f *fort) send(method, path, body string, headers ...string) *http.Response {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), method, f.url(path), strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	// What is let in by mistake may be a stream without an end.
	client := &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, path, err)
	}
	f.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (f *fort) bearer() string { return "Authorization: Bearer " + f.token }

// login gives the cookie of a session.
func (f *fort) login() string {
	f.t.Helper()
	res := f.send("GET", strings.TrimPrefix(f.link(), f.api.port.at), "")
	if len(res.Cookies()) != 1 {
		f.t.Fatalf("login: got %d, cookies %v", res.StatusCode, res.Cookies())
	}
	return "Cookie: " + res.Cookies()[0].Name + "=" + res.Cookies()[0].Value
}

// later has the gate's clock go ahead.
func (f *fort) later(by time.Duration) {
	f.api.gate.mu.Lock()
	defer f.api.gate.mu.Unlock()
	f.api.gate.now = func() time.Time { return time.Now().Add(by) }
}

// book is a log that is written and read at once.
type book struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (f *fort) link() string {
	link, file, err := f.api.dashboard("app", f.home)
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(html.UnescapeString(string(text)), `url=`+link+`"`) {
		f.t.Errorf("the file holds %s, %v; want it to lead to %s", text, err, link)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		f.t.Errorf("got %v, %v; want 0600", info.Mode(), err)
	}
	return link
}

const (
	pin      = "/officer.v1.ControlService/Pin"
	getInfo  = "/officer.v1.ControlService/GetInfo"
	callInfo = "/officer.v1.ControlService/Call"
)

// P13: the API lets nobody in. Each line is a request that must be refused, and must not
// reach Officer.
func TestAbuse_isRefused(t *testing.T) {
	f := newFort(t, func(c *Config) { c.Origins = []string{"https://app.example.org"} })
	cookie := f.login()
	own := f.api.port.at
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		want               int
		code               string
	}{
		"no token":                       {"POST", pin, "{}", nil, 401, "unauthenticated"},
		"no token, a plain route":        {"GET", "/v1/status", "", nil, 401, "unauthenticated"},
		"no token, events":               {"GET", "/v1/events", "", nil, 401, "unauthenticated"},
		"no token, metrics":              {"GET", "/metrics", "", nil, 401, "unauthenticated"},
		"no token, health":               {"GET", "/health", "", nil, 401, "unauthenticated"},
		"no token, a backup":             {"GET", "/v1/backups/20261122T174539Z/download", "", nil, 401, "unauthenticated"},
		"a wrong token":                  {"POST", pin, "{}", []string{"Authorization: Bearer " + strings.Repeat("0", 64)}, 401, "unauthenticated"},
		"an empty token":                 {"POST", pin, "{}", []string{"Authorization: Bearer "}, 401, "unauthenticated"},
		"the token's beginning":          {"POST", pin, "{}", []string{"Authorization: Bearer " + f.token[:63]}, 401, "unauthenticated"},
		"the token as a password":        {"POST", pin, "{}", []string{"Authorization: Basic " + f.token}, 401, "unauthenticated"},
		"the token in the query":         {"POST", pin + "?token=" + f.token, "{}", nil, 401, "unauthenticated"},
		"a wrong cookie":                 {"POST", pin, "{}", []string{"Cookie: " + f.api.gate.cookie + "=" + f.token}, 401, "unauthenticated"},
		"another port's cookie":          {"POST", pin, "{}", []string{strings.Replace(cookie, "officer-", "officer-1", 1)}, 401, "unauthenticated"},
		"a foreign host":                 {"POST", pin, "{}", []string{f.bearer(), "Host: evil.example.org"}, 403, "foreign_host"},
		"a name that only begins so":     {"POST", pin, "{}", []string{f.bearer(), "Host: localhost.evil.example.org:1"}, 403, "foreign_host"},
		"localhost, another port":        {"POST", pin, "{}", []string{f.bearer(), "Host: localhost:1"}, 403, "foreign_host"},
		"localhost without a port":       {"POST", pin, "{}", []string{f.bearer(), "Host: localhost"}, 403, "foreign_host"},
		"a foreign host, the page":       {"GET", "/", "", []string{"Host: evil.example.org"}, 403, "foreign_host"},
		"origin null":                    {"POST", pin, "{}", []string{cookie, "Origin: null"}, 403, "cross_origin"},
		"origin null with a token":       {"POST", pin, "{}", []string{f.bearer(), "Origin: null"}, 403, "cross_origin"},
		"another origin":                 {"POST", pin, "{}", []string{cookie, "Origin: https://evil.example.org"}, 403, "cross_origin"},
		"another scheme":                 {"POST", pin, "{}", []string{cookie, "Origin: http://app.example.org"}, 403, "cross_origin"},
		"another site, no origin":        {"POST", pin, "{}", []string{cookie, "Sec-Fetch-Site: cross-site"}, 403, "cross_origin"},
		"another port of the host":       {"POST", pin, "{}", []string{cookie, "Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1:1"}, 403, "cross_origin"},
		"another port, a GET":            {"GET", "/v1/events", "", []string{cookie, "Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1:1"}, 403, "cross_origin"},
		"another site shows an image":    {"GET", "/v1/status", "", []string{cookie, "Sec-Fetch-Site: cross-site"}, 403, "cross_origin"},
		"a preflight":                    {"OPTIONS", pin, "", []string{"Origin: https://evil.example.org", "Access-Control-Request-Method: POST"}, 403, "cross_origin"},
		"a preflight of null":            {"OPTIONS", pin, "", []string{"Origin: null", "Access-Control-Request-Method: POST"}, 403, "cross_origin"},
		"an effect by GET":               {"GET", pin + "?connect=v1&encoding=json&message=%7B%22id%22%3A%22a%22%7D", "", []string{f.bearer()}, 405, ""},
		"an effect by a form":            {"POST", pin, "id=a", []string{f.bearer(), "Content-Type: application/x-www-form-urlencoded"}, 415, ""},
		"an effect by text":              {"POST", pin, `{"id":"a"}`, []string{cookie, "Content-Type: text/plain", "Origin: " + own}, 415, ""},
		"a route by POST":                {"POST", "/v1/status", "{}", []string{f.bearer()}, 405, "invalid"},
		"a verb of the socket":           {"POST", callInfo, `{"info":{}}`, []string{f.bearer()}, 403, "permission_denied"},
		"stop":                           {"POST", "/officer.v1.ControlService/Stop", "{}", []string{f.bearer()}, 403, "permission_denied"},
		"another login link":             {"POST", "/officer.v1.ControlService/OpenDashboard", "{}", []string{f.bearer()}, 403, "permission_denied"},
		"an unknown method":              {"POST", "/officer.v1.ControlService/Nothing", "{}", []string{f.bearer()}, 404, ""},
		"a login without a code":         {"GET", "/login", "", nil, 401, ""},
		"a login with a wrong code":      {"GET", "/login?code=" + strings.Repeat("0", 64), "", nil, 401, ""},
		"a login by POST":                {"POST", "/login?code=" + strings.Repeat("0", 64), "", nil, 405, "invalid"},
		"a body of 2 MB":                 {"POST", pin, strings.Repeat(" ", 2<<20), []string{f.bearer()}, 413, "invalid"},
		"a body of 2 MB, no token":       {"POST", pin, strings.Repeat(" ", 2<<20), nil, 401, "unauthenticated"},
		"headers of 100 kB":              {"POST", pin, "{}", []string{f.bearer(), "X-Long: " + strings.Repeat("a", 100_000)}, 431, ""},
		"traversal in an id":             {"GET", "/v1/backups/..%2f..%2f..%2fetc%2fpasswd/download", "", []string{f.bearer()}, 404, "no_backup"},
		"traversal in a path":            {"GET", "/v1/backups/%2e%2e/download", "", []string{f.bearer()}, 404, ""},
		"an absolute id":                 {"GET", "/v1/backups/%2fetc%2fpasswd/download", "", []string{f.bearer()}, 404, "no_backup"},
		"a NUL in an id":                 {"GET", "/v1/backups/20261122T174539Z%00/download", "", []string{f.bearer()}, 404, "no_backup"},
		"a line break in an id":          {"GET", "/v1/backups/20261122T174539Z%0d%0aX-Evil:1/download", "", []string{f.bearer()}, 404, "no_backup"},
		"a path as the database":         {"GET", "/v1/status?database=../../etc/passwd", "", []string{f.bearer()}, 404, "unknown_database"},
		"a home as the database":         {"GET", "/v1/status?database=" + f.home, "", []string{f.bearer()}, 404, "unknown_database"},
		"a proxy's absolute address":     {"CONNECT", "/", "", nil, 403, ""},
		"a trace":                        {"TRACE", "/", "", []string{f.bearer()}, 403, ""},
		"events after something else":    {"GET", "/v1/events?database=none", "", []string{f.bearer()}, 404, "unknown_database"},
		"a method with a body by DELETE": {"DELETE", "/v1/backups/20261122T174539Z", "", []string{f.bearer()}, 405, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			f.drain()
			f.api.gate.mu.Lock()
			f.api.gate.wrong = 0
			f.api.gate.mu.Unlock()
			if c.method == "CONNECT" || c.method == "TRACE" {
				c.headers = append(c.headers, "Origin: https://evil.example.org")
			}
			res := f.send(c.method, c.path, c.body, c.headers...)
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.want || !strings.Contains(string(body), c.code) {
				t.Errorf("got %d %s, want %d %s", res.StatusCode, body, c.want, c.code)
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("pages of %s may read it", got)
			}
			if res.StatusCode == http.StatusUnauthorized && res.Header.Get("WWW-Authenticate") == "" && !strings.HasPrefix(c.path, "/login") {
				t.Error("it does not say how to come in")
			}
			for _, msg := range f.drain() {
				switch msg.(type) {
				case *messages.ListDatabasesRequest, *messages.GetInfo:
				default:
					t.Errorf("%T reached Officer", msg)
				}
			}
		})
	}
}

// Restoring into a file that a client names is not in the API: the field is not known, and
// what is asked of Officer names no file.
func TestRestore_takesNoPath(t *testing.T) {
	f := newFort(t, nil)
	f.send("POST", "/officer.v1.ControlService/Restore", `{"toFile":"/etc/passwd","to_file":"/etc/passwd","waitMs":1000}`, f.bearer())
	for _, msg := range f.drain() {
		if order, ok := msg.(*messages.RestoreBackup); ok && order.ToFile != "" {
			t.Errorf("got %v", order)
		}
	}
}

// drain gives what reached Officer since the last time.
func (f *fort) drain() (list []proto.Message) {
	for {
		select {
		case msg := <-f.reached:
			list = append(list, msg)
		default:
			return list
		}
	}
}

func TestAccess_isGivenToWhomItIsDue(t *testing.T) {
	f := newFort(t, func(c *Config) {
		c.Origins, c.Hosts = []string{"https://app.example.org/"}, []string{"officer.example.org", "10.0.0.7:99"}
	})
	cookie := f.login()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(f.api.port.at, "http://"))
	for name, headers := range map[string][]string{
		"the token":                {f.bearer()},
		"the token, lower case":    {"Authorization: bearer " + f.token},
		"localhost":                {f.bearer(), "Host: LOCALHOST:" + port},
		"the other loopback":       {f.bearer(), "Host: [::1]:" + port},
		"a name of the config":     {f.bearer(), "Host: officer.example.org"},
		"… with the port":          {f.bearer(), "Host: officer.example.org:" + port},
		"one with its own port":    {f.bearer(), "Host: 10.0.0.7:99"},
		"a login":                  {cookie},
		"the page itself":          {cookie, "Origin: " + f.api.port.at, "Sec-Fetch-Site: same-origin"},
		"an old browser":           {cookie, "Origin: " + f.api.port.at},
		"an origin of the config":  {f.bearer(), "Origin: https://app.example.org", "Sec-Fetch-Site: cross-site"},
		"… with a login":           {cookie, "Origin: https://app.example.org", "Sec-Fetch-Site: cross-site"},
		"the token and bad cookie": {f.bearer(), "Cookie: officer-" + port + "=x"},
	} {
		res := f.send("POST", pin, `{"id":"a"}`, headers...)
		if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d %s", name, res.StatusCode, body)
		}
	}
	pre := f.send("OPTIONS", pin, "", "Origin: https://app.example.org", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization")
	if pre.StatusCode != http.StatusNoContent || pre.Header.Get("Access-Control-Allow-Origin") != "https://app.example.org" ||
		!strings.Contains(pre.Header.Get("Access-Control-Allow-Headers"), "Authorization") || !strings.Contains(pre.Header.Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("preflight of an origin of the config: got %d %v", pre.StatusCode, pre.Header)
	}
}

// What holds no data needs no token: a kubelet has none, and the page says by itself that
// nobody is logged in.
func TestAccess_probesAndPageNeedNoToken(t *testing.T) {
	f := newFort(t, nil)
	for path, want := range map[string]string{"/livez": "ok\n", "/readyz": "ok\n", "/": "the page", "/officer-card.js": "the page", "/assets/1/x.js": "the page"} {
		res := f.send("GET", path, "")
		if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || string(body) != want {
			t.Errorf("%s: got %d %q, want %q", path, res.StatusCode, body, want)
		}
	}
	if res := f.send("GET", "/livez", "", "Host: 10.1.2.3:8484"); res.StatusCode != http.StatusOK {
		t.Errorf("/livez by the address of a pod: got %d", res.StatusCode)
	}
}

func TestHeaders_protectEveryAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		origins   []string
		ancestors string
	}{
		"nobody frames":  {nil, "frame-ancestors 'none'"},
		"an origin does": {[]string{"https://b.example.org", "http://localhost:3000"}, "frame-ancestors 'self' http://localhost:3000 https://b.example.org"},
	} {
		f := newFort(t, func(cfg *Config) { cfg.Origins = c.origins })
		for _, path := range []string{"/", "/v1/status", "/livez", "/login?code=x", "/nothing"} {
			h := f.send("GET", path, "").Header
			if csp := h.Get("Content-Security-Policy"); !strings.HasSuffix(csp, c.ancestors) || !strings.HasPrefix(csp, "default-src 'none'; script-src 'self';") {
				t.Errorf("%s, %s: got policy %q", name, path, csp)
			}
			if (h.Get("X-Frame-Options") == "DENY") != (c.origins == nil) {
				t.Errorf("%s, %s: got X-Frame-Options %q", name, path, h.Get("X-Frame-Options"))
			}
			for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"} {
				if got := h.Get(header); got != want {
					t.Errorf("%s, %s: got %s %q, want %q", name, path, header, got, want)
				}
			}
		}
	}
}

func TestOrigins_thatAreNoneAreRefused(t *testing.T) {
	for _, origin := range []string{"*", "null", "app.example.org", "https://", "https://a.example.org/path", "https://a.example.org; script-src *", "https://a b"} {
		a := New(Config{Officer: &fake{}, Origins: []string{origin}})
		if err := a.Listen("127.0.0.1:0"); err == nil {
			t.Errorf("%q was taken", origin)
			_ = a.Close(t.Context())
		}
	}
}

func TestListen_onlyTheLoopbackUnlessTold(t *testing.T) {
	for address, code := range map[string]string{":0": "refused", "0.0.0.0:0": "refused", "[::]:0": "refused", "192.0.2.1:0": "refused",
		"example.org:0": "refused", "localhost.example.org:0": "refused", "127.0.0.1": "invalid", "": "invalid", "nonsense": "invalid"} {
		a := New(Config{Officer: &fake{}})
		err := a.Listen(address)
		if f := failureOf(err); err == nil || f.Code != code {
			t.Errorf("%q: got %v, want %s", address, err, code)
		}
		_ = a.Close(t.Context())
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "127.0.0.2:0"} {
		a := New(Config{Officer: &fake{}})
		if err := a.Listen(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
		_ = a.Close(t.Context())
	}
	a := New(Config{Officer: &fake{}, AllowRemote: true})
	if err := a.Listen("0.0.0.0:0"); err != nil {
		t.Errorf("allowed by the config: %v", err)
	}
	if !strings.HasPrefix(a.port.at, "http://127.0.0.1:") {
		t.Errorf("got %s, want an address of this machine", a.port.at)
	}
	_ = a.Close(t.Context())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b := New(Config{Officer: &fake{}})
	if err := b.Listen(taken.Addr().String()); err == nil || failureOf(err).Code != "address_in_use" {
		t.Errorf("got %v, want address_in_use", err)
	}
	_ = b.Close(t.Context())
}

func TestLogin_isGoodOnceAndForAMinute(t *testing.T) {
	f := newFort(t, nil)
	link := strings.TrimPrefix(f.link(), f.api.port.at)
	if res := f.send("HEAD", link, ""); res.StatusCode != http.StatusMethodNotAllowed || len(res.Cookies()) != 0 {
		t.Errorf("a look at the link: got %d %v", res.StatusCode, res.Cookies())
	}
	res := f.send("GET", link, "")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/?database=app" || len(res.Cookies()) != 1 {
		t.Fatalf("got %d to %q with %v", res.StatusCode, res.Header.Get("Location"), res.Cookies())
	}
	c := res.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || len(c.Value) != 64 || strings.Contains(link, c.Value) {
		t.Errorf("got cookie %v", c)
	}
	if res := f.send("GET", link, ""); res.StatusCode != http.StatusUnauthorized || len(res.Cookies()) != 0 {
		t.Errorf("the second time: got %d %v", res.StatusCode, res.Cookies())
	}
	late := strings.TrimPrefix(f.link(), f.api.port.at)
	f.later(inviteFor)
	if res := f.send("GET", late, ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a minute later: got %d", res.StatusCode)
	}
	use := func() int { return f.send("POST", getInfo, "{}", "Cookie: "+c.Name+"="+c.Value).StatusCode }
	if got := use(); got != 200 {
		t.Errorf("the session: got %d", got)
	}
	f.later(inviteFor + sessionIdle + time.Second)
	if got := use(); got != 401 {
		t.Errorf("after half a day without a request: got %d", got)
	}
}

func TestGate_isBounded(t *testing.T) {
	g := newGate()
	now := time.Now()
	g.now = func() time.Time { now = now.Add(time.Millisecond); return now }
	g.open("1")
	first := g.invite()
	var code string
	for range 3 * invitesMax {
		code = g.invite()
	}
	if len(g.invites) > invitesMax || g.login(first) != nil {
		t.Errorf("got %d links, want at most %d, the oldest gone", len(g.invites), invitesMax)
	}
	if g.login(code) == nil {
		t.Error("the newest link does not work")
	}
	for range 3 * sessionsMax {
		g.login(g.invite())
	}
	if len(g.sessions) > sessionsMax {
		t.Errorf("got %d sessions, want at most %d", len(g.sessions), sessionsMax)
	}
}

func TestGate_wrongTokensAreTurnedAwayAndTheRightOneIsNot(t *testing.T) {
	f := newFort(t, nil)
	count := map[int]int{}
	for range 4 * wrongBurst {
		count[f.send("POST", pin, "{}", "Authorization: Bearer wrong").StatusCode]++
	}
	if count[401] < wrongBurst || count[429] == 0 || count[401]+count[429] != 4*wrongBurst {
		t.Errorf("got %v, want about %d times 401 and then 429", count, wrongBurst)
	}
	if res := f.send("POST", getInfo, "{}", f.bearer()); res.StatusCode != http.StatusOK {
		t.Errorf("the right token meanwhile: got %d", res.StatusCode)
	}
	if lines := strings.Count(f.log.String(), "requests were refused"); lines > 2 {
		t.Errorf("%d lines in the log, want one for each reason:\n%s", lines, f.log)
	}
}

func TestLog_whatAClientWritesStaysInItsLine(t *testing.T) {
	f := newFort(t, nil)
	f.send("GET", "/v1/x%0a%0atime=2026%20level=ERROR%20msg=forged"+strings.Repeat("a", 500), "", "Authorization: Bearer secret-guess")
	text := f.log.String()
	if strings.Count(text, "\n") != 1 || len(text) > 1000 || strings.Contains(text, "secret-guess") || strings.Contains(text, f.token) {
		t.Errorf("got\n%s", text)
	}
}

func TestToken_thatOthersCouldReadIsMadeAnew(t *testing.T) {
	good := strings.Repeat("ab", tokenBytes)
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		keep bool
	}{
		"good":         {good + "\n", 0o600, true},
		"readable":     {good + "\n", 0o644, false},
		"to its group": {good, 0o640, false},
		"short":        {good[:62], 0o600, false},
		"no token":     {strings.Repeat("x", 64), 0o600, false},
		"empty":        {"", 0o600, false},
		"huge":         {strings.Repeat(good, 1000), 0o600, false},
	} {
		path := filepath.Join(t.TempDir(), tokenName)
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := loadToken(New(Config{}).cfg.Files, path)
		if err != nil || (got == good) != c.keep || len(got) != 2*tokenBytes {
			t.Errorf("%s: got %q, %v; want it kept: %v", name, got, err, c.keep)
		}
		now, _ := os.ReadFile(path)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 || strings.TrimSpace(string(now)) != got {
			t.Errorf("%s: the file holds %q, mode %v, %v", name, now, info.Mode(), err)
		}
	}
}

func TestToken_aPlantedLinkIsReplacedNotFollowed(t *testing.T) {
	dir := t.TempDir()
	target, path := filepath.Join(dir, "target"), filepath.Join(dir, tokenName)
	good := strings.Repeat("ab", tokenBytes)
	if err := os.WriteFile(target, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	got, err := loadToken(New(Config{}).cfg.Files, path)
	if err != nil || got == good {
		t.Errorf("got %q, %v; want a new token", got, err)
	}
	if b, _ := os.ReadFile(target); string(b) != good {
		t.Errorf("the target now holds %q", b)
	}
}

// The file of a backup is given by its id, and a link in its place is not.
func TestDownload_givesTheFileOfTheListAndNothingElse(t *testing.T) {
	f := newFort(t, nil)
	const id, at = "20261122T174539Z", "2026/recent/app-20261122T174539Z.db"
	f.backup = &messages.Backup{Id: id, File: at, Sha256: "abc", TakenAtUnixMs: 1795692331868}
	file := filepath.Join(f.home, "backups", filepath.FromSlash(at))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	for _, p := range []string{file, secret} {
		if err := os.WriteFile(p, []byte("SQLite format 3\x00 of "+filepath.Base(p)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	get := func(headers ...string) (*http.Response, string) {
		t.Helper()
		res := f.send("GET", "/v1/backups/"+id+"/download", "", append(headers, f.bearer())...)
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	res, body := get()
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(body, "SQLite format 3\x00 of app-") || res.Header.Get("Content-Type") != "application/vnd.sqlite3" ||
		res.Header.Get("Content-Disposition") != "attachment; filename=app-20261122T174539Z.db" {
		t.Errorf("got %d %q %v", res.StatusCode, body, res.Header)
	}
	if res, body := get("Range: bytes=0-5"); res.StatusCode != http.StatusPartialContent || body != "SQLite" {
		t.Errorf("a range: got %d %q", res.StatusCode, body)
	}
	if res, _ := get(`If-None-Match: "abc"`); res.StatusCode != http.StatusNotModified {
		t.Errorf("known already: got %d", res.StatusCode)
	}
	plant := map[string]func(path string) error{
		"a link":            func(path string) error { return os.Symlink(secret, path) },
		"a link that stays": func(path string) error { return os.Symlink("other.db", path) },
		"a folder":          func(path string) error { return os.Mkdir(path, 0o700) },
		"a named pipe":      mkfifo,
		"nothing":           func(string) error { return nil },
	}
	for name, make := range plant {
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
		if err := make(file); err != nil {
			t.Fatal(err)
		}
		if res, body := get(); res.StatusCode != http.StatusNotFound || strings.Contains(body, "secret") {
			t.Errorf("%s: got %d %q, want 404", name, res.StatusCode, body)
		}
	}
	// A folder on the way that leads elsewhere.
	year := filepath.Join(f.home, "backups", "2026")
	elsewhere := t.TempDir()
	if err := os.MkdirAll(filepath.Join(elsewhere, "recent"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "recent", filepath.Base(at)), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(year); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, year); err != nil {
		t.Fatal(err)
	}
	if res, body := get(); res.StatusCode != http.StatusNotFound || strings.Contains(body, "secret") {
		t.Errorf("a planted folder: got %d %q, want 404", res.StatusCode, body)
	}
	for _, name := range []string{"../../token", "/etc/passwd", "..", "2026/../../token"} {
		f.backup.File = name // a list that somebody tampered with
		if res, body := get(); res.StatusCode != http.StatusNotFound || strings.Contains(body, f.token) {
			t.Errorf("%s in the list: got %d %q, want 404", name, res.StatusCode, body)
		}
	}
}

// Two hundred clients that send a byte now and then keep nobody out.
func TestCrowd_slowClientsGiveWay(t *testing.T) {
	f := newFort(t, nil)
	address := strings.TrimPrefix(f.api.port.at, "http://")
	open := 0
	for i := range 200 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST "+pin+" HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
			continue // turned out already
		}
		if i%20 == 19 {
			if res := f.send("POST", getInfo, "{}", f.bearer(), "Connection: close"); res.StatusCode != http.StatusOK {
				t.Fatalf("with %d slow clients: got %d", i+1, res.StatusCode)
			}
		}
		open++
	}
	res := f.send("POST", getInfo, "{}", f.bearer())
	if res.StatusCode != http.StatusOK {
		t.Errorf("with 200 slow clients: got %d", res.StatusCode)
	}
}

// A client that asks for much and reads nothing is cut, and its request ends.
func TestPaced_aReaderThatHangsIsCut(t *testing.T) {
	ended := make(chan error, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w)}
		piece := make([]byte, 1<<20)
		for {
			_ = p.control.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
			if _, err := p.ResponseWriter.Write(piece); err != nil {
				ended <- err
				return
			}
		}
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !os.IsTimeout(err) {
		t.Errorf("got %v, want a timeout", err)
	}
}
