package dashboard_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/dashboard"
)

// get asks the handler once.
func get(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	dashboard.Handler().ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// script finds the address of the page's program.
func script(t *testing.T) string {
	t.Helper()
	page := text(t, get(t, "GET", "/"))
	m := regexp.MustCompile(`type="module" src="(assets/[0-9a-f]{16}/js/main\.js)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page names no program of this version:\n%s", page)
	}
	return "/" + m[1]
}

func TestHandler_servesPageProgramAndCard(t *testing.T) {
	main := script(t)
	for _, c := range []struct {
		path, kind, caching, holds string
	}{
		{"/", "text/html; charset=utf-8", "no-cache", "<!doctype html>"},
		{"/index.html", "text/html; charset=utf-8", "no-cache", "<!doctype html>"},
		{main, "text/javascript; charset=utf-8", "private, max-age=31536000, immutable", "new Page()"},
		{strings.Replace(main, "js/main.js", "css/base.css", 1), "text/css; charset=utf-8", "private, max-age=31536000, immutable", "color-scheme"},
		{"/assets/0123456789abcdef/js/main.js", "text/javascript; charset=utf-8", "no-cache", "new Page()"},
		{dashboard.CardPath, "text/javascript; charset=utf-8", "no-cache", "officer-card"},
	} {
		r := get(t, "GET", c.path)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != c.kind || r.Header.Get("Cache-Control") != c.caching ||
			r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d %v, want %q, %q and nosniff", c.path, r.StatusCode, r.Header, c.kind, c.caching)
		}
		if got := text(t, r); !strings.Contains(got, c.holds) {
			t.Errorf("%s does not hold %q", c.path, c.holds)
		}
	}
}

func TestHandler_refusesWhatIsNotThere(t *testing.T) {
	main := script(t)
	version := strings.Split(main, "/")[2]
	for _, path := range []string{"/nothing", "/assets/", "/assets/" + version, "/assets/" + version + "/", "/assets/" + version + "/index.html",
		"/assets/" + version + "/../dashboard.go", "/assets/" + version + "/js", "/types.d.ts", "//", "/assets//js/main.js/"} {
		if r := get(t, "GET", path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, r.StatusCode)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if r := get(t, method, "/"); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: got %d, want 405", method, r.StatusCode)
		}
	}
}

func TestHandler_sendsNothingTwice(t *testing.T) {
	first := get(t, "GET", "/")
	tag := first.Header.Get("ETag")
	packed := get(t, "GET", "/", "Accept-Encoding", "gzip").Header.Get("ETag")
	for _, c := range []struct {
		given string
		want  int
	}{{tag, 304}, {"W/" + tag, 304}, {`"other", ` + tag, 304}, {"*", 304}, {packed, 304}, {`"other"`, 200}, {"", 200}} {
		r := get(t, "GET", "/", "If-None-Match", c.given)
		if body := text(t, r); r.StatusCode != c.want || (c.want == 304) != (body == "") {
			t.Errorf("If-None-Match %s: got %d with %d bytes, want %d", c.given, r.StatusCode, len(body), c.want)
		}
	}
	head := get(t, "HEAD", "/")
	if body := text(t, head); body != "" || head.Header.Get("Content-Length") != first.Header.Get("Content-Length") {
		t.Errorf("HEAD: got %q with length %s, want nothing with length %s", body, head.Header.Get("Content-Length"), first.Header.Get("Content-Length"))
	}
}

func TestHandler_packsForThoseWhoUnpack(t *testing.T) {
	main := script(t)
	plain := text(t, get(t, "GET", main))
	for accept, want := range map[string]string{"gzip": "gzip", "br;q=1, GZIP ; q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.000": "", "br": "", "": "", "gzip;q=x": ""} {
		r := get(t, "GET", main, "Accept-Encoding", accept)
		if got := r.Header.Get("Content-Encoding"); got != want || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: got encoding %q and vary %q, want %q", accept, got, r.Header.Get("Vary"), want)
		}
	}
	r := get(t, "GET", main, "Accept-Encoding", "gzip")
	unpacked, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(unpacked); err != nil || string(body) != plain {
		t.Errorf("unpacked: %d bytes (%v), want the %d of the file", len(body), err, len(plain))
	}
}

func TestHandler_worksBelowAPrefix(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/officer/", nil)
	w := httptest.NewRecorder()
	http.StripPrefix("/officer", dashboard.Handler()).ServeHTTP(w, r)
	if w.Code != http.StatusOK || regexp.MustCompile(`(src|href)="/`).MatchString(w.Body.String()) {
		t.Errorf("got %d; every address in the page must be relative:\n%s", w.Code, w.Body)
	}
}
