//go:build unix

package control

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

// get sends a plain HTTP request to the socket of a server.
func get(t *testing.T, s *door, method, path string) (status int, kind, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return connectSocket(ctx, s.at)
	}}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://officer"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), string(text)
}

func TestMetrics_areServedAsPlainText(t *testing.T) {
	var asked string
	s := serve(t, t.TempDir(), &fake{ask: func(_ context.Context, database string, msg proto.Message) (proto.Message, error) {
		if _, ok := msg.(*messages.GetExposition); !ok {
			t.Errorf("got %T, want GetExposition", msg)
		}
		asked = database
		if database == "other" {
			return nil, messages.NewFailure("unknown_database", "find", "other is not looked after")
		}
		return &messages.Exposition{Text: "officer_health 0\n"}, nil
	}})
	status, kind, body := get(t, s, http.MethodGet, "/metrics")
	if status != http.StatusOK || kind != "text/plain; version=0.0.4; charset=utf-8" || body != "officer_health 0\n" || asked != "app" {
		t.Errorf("got %d %s %q of %q", status, kind, body, asked)
	}
	if status, _, _ := get(t, s, http.MethodGet, "/metrics?database=other"); status != http.StatusNotFound {
		t.Errorf("unknown database: got %d, want %d", status, http.StatusNotFound)
	}
	if status, _, _ := get(t, s, http.MethodPost, "/metrics"); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d, want %d", status, http.StatusMethodNotAllowed)
	}
}

func TestMetrics_withoutAnAnswerAreUnavailable(t *testing.T) {
	s := serve(t, t.TempDir(), &fake{ask: func(context.Context, string, proto.Message) (proto.Message, error) {
		return nil, messages.NewFailure("actor_gone", "ask", "the part that was asked is not there")
	}})
	if status, _, body := get(t, s, http.MethodGet, "/metrics"); status != http.StatusServiceUnavailable || !strings.Contains(body, `"code":"actor_gone","op":"ask","text":"the part that was asked is not there"`) {
		t.Errorf("got %d %q, want %d and the sentence", status, body, http.StatusServiceUnavailable)
	}
}
