package officer_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/testkit"
)

// A Go program serves the API, the page and the card by one call, and the command line
// reaches it.
func TestServe_aProgramShowsItsOfficer(t *testing.T) {
	dir := t.TempDir()
	a, b := testkit.Build(t, filepath.Join(dir), testkit.Kinds()[0]), filepath.Join(dir, "second.db")
	data, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := officer.Config{Databases: []officer.Database{{Path: a}}, API: officer.API{Listen: "127.0.0.1:0"}}
	o := start(t, cfg)
	if at := o.Endpoint(""); at != (officer.Endpoint{}) {
		t.Errorf("before Serve: got %+v", at)
	}
	if problems, err := o.Serve(nil); err != nil || len(problems) > 0 {
		t.Fatalf("got %v, %v", problems, err)
	}
	if _, err := o.Serve(nil); codeOf(err) != "invalid" {
		t.Errorf("served twice: got %v, want invalid", err)
	}
	at := o.Endpoint(a)
	if at.Socket == "" || !strings.HasPrefix(at.URL, "http://127.0.0.1:") || at.TokenFile != filepath.Join(officer.HomeOf(a), "token") || at.PID != os.Getpid() {
		t.Fatalf("got %+v", at)
	}
	for path, want := range map[string]string{"/": "<!doctype html>", "/officer-card.js": "customElements", "/livez": "ok"} {
		if status, body := fetch(t, at, path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %.80q, want %q", path, status, body, want)
		}
	}
	if status, body := fetch(t, at, "/v1/status"); status != http.StatusOK || !strings.Contains(body, `"running":true`) {
		t.Errorf("status: got %d %s", status, body)
	}

	// A database that a reload brings is reached, too, and one that it takes away is not.
	cfg.Databases = []officer.Database{{Path: b}}
	if done, err := o.Reload(t.Context(), cfg); err != nil || len(done.NeedsRestart) > 0 {
		t.Fatalf("got %v, %v", done, err)
	}
	second := o.Endpoint(b)
	if second.URL != at.URL || second.Socket == "" || second.Socket == at.Socket {
		t.Errorf("got %+v", second)
	}
	if status, _ := fetch(t, second, "/v1/status"); status != http.StatusOK {
		t.Errorf("the new database: got %d", status)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{second.Socket, filepath.Join(officer.HomeOf(b), "endpoint.json")} {
		if _, err := os.Lstat(name); err == nil {
			t.Errorf("%s is left behind", name)
		}
	}
}

// fetch asks a port with the token of its home.
func fetch(t *testing.T, at officer.Endpoint, path string) (status int, body string) {
	t.Helper()
	token, err := os.ReadFile(at.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
