package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/notice"
)

func note() notice.Note {
	return notice.Note{ID: "app-1", Type: "health.changed", Database: "app", Severity: notice.Red, Ping: notice.Fail,
		Title: "app: red\r\nBcc: thief@example.org", Text: "The disk is full.\n.\nQUIT", Hints: []string{"df -h"}, At: time.Unix(1700000000, 0)}
}

// got is one request that a test server took.
type got struct {
	path, body string
	header     http.Header
}

func server(t *testing.T, status int) (url string, taken chan got) {
	t.Helper()
	taken = make(chan got, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		taken <- got{r.URL.Path, string(text), r.Header}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL, taken
}

func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWebhook_postsACloudEvent(t *testing.T) {
	url, taken := server(t, 204)
	s := New(fsx.OS(), Target{Webhook: url + "/hook", TokenFile: secretFile(t, "tok\n")})
	if err := s.Send(t.Context(), note()); err != nil {
		t.Fatal(err)
	}
	g := <-taken
	var e cloudEvent
	if err := json.Unmarshal([]byte(g.body), &e); err != nil {
		t.Fatal(err)
	}
	if e.SpecVersion != "1.0" || e.Type != "health.changed" || e.Source != "officer/app" || e.ID != "app-1" || e.Data.Severity != "red" || e.Data.Hints[0] != "df -h" {
		t.Errorf("got %+v", e)
	}
	if g.header.Get("Authorization") != "Bearer tok" || g.header.Get("Content-Type") != "application/cloudevents+json" {
		t.Errorf("got headers %v", g.header)
	}
}

func TestNtfy_putsTheTitleIntoAHeaderAndNothingElse(t *testing.T) {
	url, taken := server(t, 200)
	if err := New(fsx.OS(), Target{Ntfy: url + "/topic"}).Send(t.Context(), note()); err != nil {
		t.Fatal(err)
	}
	g := <-taken
	if g.header.Get("Title") != "app: red Bcc: thief@example.org" || g.header.Get("Priority") != "5" || g.header.Get("Bcc") != "" {
		t.Errorf("got headers %v", g.header)
	}
	if !strings.Contains(g.body, "The disk is full.") || !strings.Contains(g.body, "→ df -h") {
		t.Errorf("got %q", g.body)
	}
}

func TestHealthchecks_pingsStartSuccessAndFail(t *testing.T) {
	url, taken := server(t, 200)
	s := New(fsx.OS(), Target{Healthchecks: url + "/uuid"})
	for ping, want := range map[notice.Ping]string{notice.Start: "/uuid/start", notice.Success: "/uuid", notice.Fail: "/uuid/fail"} {
		n := note()
		n.Ping = ping
		if err := s.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if g := <-taken; g.path != want {
			t.Errorf("%s: got %s, want %s", ping, g.path, want)
		}
	}
}

func TestSend_anErrorHoldsNoSecret(t *testing.T) {
	refusing, _ := server(t, 500)
	away := "http://127.0.0.1:1/SECRET"
	for name, target := range map[string]Target{
		"refused":       {Webhook: refusing + "/SECRET"},
		"not there":     {Ntfy: away},
		"no URL":        {Healthchecks: "http://[SECRET"},
		"no token":      {Webhook: refusing, TokenFile: "/none"},
		"no mail":       {SMTP: &SMTP{Server: "127.0.0.1:1", From: "a@example.org", To: []string{"b@example.org"}}},
		"no password":   {SMTP: &SMTP{Server: "127.0.0.1:1", From: "not an address SECRET", To: []string{"b"}}},
		"no program":    {Exec: []string{"/none/program", "SECRET"}},
		"a program's 3": {Exec: []string{"/bin/sh", "-c", "echo SECRET >&2; exit 3"}},
	} {
		err := New(fsx.OS(), target).Send(t.Context(), note())
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSend_aRedirectIsNotFollowed(t *testing.T) {
	other, taken := server(t, 200)
	s := httptest.NewServer(http.RedirectHandler(other, http.StatusTemporaryRedirect))
	t.Cleanup(s.Close)
	if err := New(fsx.OS(), Target{Webhook: s.URL}).Send(t.Context(), note()); err == nil {
		t.Error("a redirect counted as delivered")
	}
	select {
	case <-taken:
		t.Error("the event went somewhere that nobody named")
	default:
	}
}

func TestSend_aServerThatHangsIsGivenUp(t *testing.T) {
	end := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(end) })
	err := New(fsx.OS(), Target{Webhook: s.URL, Timeout: 50 * time.Millisecond}).Send(t.Context(), note())
	if err == nil || !strings.Contains(err.Error(), "no answer within") {
		t.Errorf("got %v", err)
	}
}

func TestExec_getsTheEventOnStdinAndNoShell(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ncat > \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh here")
	}
	if err := New(fsx.OS(), Target{Exec: []string{script, out}}).Send(t.Context(), note()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	var e cloudEvent
	if err != nil || json.Unmarshal(text, &e) != nil || e.Data.Text != note().Text {
		t.Errorf("got %q, %v", text, err)
	}
	err = New(fsx.OS(), Target{Exec: []string{"/bin/sh", "-c", "sleep 60"}, Timeout: 50 * time.Millisecond}).Send(t.Context(), note())
	if err == nil || !strings.Contains(err.Error(), "did not end") {
		t.Errorf("got %v", err)
	}
}

// mailServer is a minimal SMTP server: it takes one mail and gives its commands and text.
func mailServer(t *testing.T, extensions ...string) (address string, taken chan []string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken = make(chan []string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		taken <- converse(conn, extensions)
	}()
	return l.Addr().String(), taken
}

func converse(conn net.Conn, extensions []string) (lines []string) {
	say := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
	in := bufio.NewScanner(conn)
	say("220 test")
	data := false
	for in.Scan() {
		line := in.Text()
		lines = append(lines, line)
		switch {
		case data && line == ".":
			data = false
			say("250 taken")
		case data:
		case strings.HasPrefix(line, "EHLO"):
			say("250-test")
			for _, e := range extensions {
				say("250-" + e)
			}
			say("250 8BITMIME")
		case line == "DATA":
			data = true
			say("354 go on")
		case line == "STARTTLS":
			say("220 go on")
			_, _ = io.WriteString(conn, "this is no TLS")
			return lines
		case strings.HasPrefix(line, "AUTH"):
			say("235 welcome")
		case line == "QUIT":
			say("221 bye")
			return lines
		default:
			say("250 ok")
		}
	}
	return lines
}

func TestMail_cannotBeBentByWhatItTells(t *testing.T) {
	address, taken := mailServer(t, "AUTH PLAIN")
	s := New(fsx.OS(), Target{SMTP: &SMTP{Server: address, From: "Officer <o@example.org>", To: []string{"a@example.org", "b@example.org"},
		User: "u", PasswordFile: secretFile(t, "pw"), Plain: true}})
	if err := s.Send(t.Context(), note()); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(<-taken, "\n")
	for _, want := range []string{"MAIL FROM:<o@example.org>", "RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>", "AUTH PLAIN ", "Subject: app: red Bcc: thief@example.org"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\nBcc:") || strings.Count(text, "\n.\n") != 1 {
		t.Errorf("the note bent the mail:\n%s", text)
	}
}

func TestMail_withoutEncryptionNothingIsSent(t *testing.T) {
	address, taken := mailServer(t)
	err := New(fsx.OS(), Target{SMTP: &SMTP{Server: address, From: "o@example.org", To: []string{"a@example.org"}}}).Send(t.Context(), note())
	if err == nil || !strings.Contains(err.Error(), "no encryption") {
		t.Errorf("got %v", err)
	}
	if text := strings.Join(<-taken, "\n"); strings.Contains(text, "MAIL") {
		t.Errorf("it sent\n%s", text)
	}
}

func TestMail_aFalseCertificateIsNotTrusted(t *testing.T) {
	address, _ := mailServer(t, "STARTTLS")
	err := New(fsx.OS(), Target{Timeout: time.Second, SMTP: &SMTP{Server: address, From: "o@example.org", To: []string{"a@example.org"}, Plain: true}}).Send(t.Context(), note())
	if err == nil || !strings.Contains(err.Error(), "encryption cannot be trusted") {
		t.Errorf("got %v", err)
	}
}
