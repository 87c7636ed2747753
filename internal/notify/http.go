package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/notice"
)

// cloudEvent is the shape of https://cloudevents.io (structured mode, JSON).
type cloudEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        eventData `json:"data"`
}

type eventData struct {
	Database string   `json:"database"`
	Severity string   `json:"severity"`
	Title    string   `json:"title"`
	Text     string   `json:"text"`
	Hints    []string `json:"hints"`
}

func encode(n notice.Note) ([]byte, error) {
	hints := n.Hints
	if hints == nil {
		hints = []string{}
	}
	return json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: n.ID, Source: "officer/" + n.Database, Type: n.Type, Time: n.At.UTC(), ContentType: "application/json",
		Data: eventData{n.Database, n.Severity.String(), n.Title, n.Text, hints},
	})
}

func (s *Sender) webhook(ctx context.Context, n notice.Note) error {
	text, err := encode(n)
	if err != nil {
		return s.failed("the event could not be written as JSON")
	}
	return s.post(ctx, s.target.Webhook, "application/cloudevents+json", text, nil)
}

// ntfy publishes as https://docs.ntfy.sh/publish says: the text is the body, the rest
// stands in headers.
func (s *Sender) ntfy(ctx context.Context, n notice.Note) error {
	priority := map[notice.Severity]string{notice.Red: "5", notice.Yellow: "4", notice.Green: "3"}[n.Severity]
	return s.post(ctx, s.target.Ntfy, "text/plain; charset=utf-8", []byte(body(n)), http.Header{
		"Title": {ascii(n.Title)}, "Priority": {priority}, "Tags": {"officer," + n.Severity.String()},
	})
}

// ascii keeps a header to what every server takes.
func ascii(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, oneLine(text))
}

// ping tells a check of https://healthchecks.io/docs/http_api that work began, went
// well or failed.
func (s *Sender) ping(ctx context.Context, n notice.Note) error {
	url := strings.TrimSuffix(s.target.Healthchecks, "/")
	switch n.Ping {
	case notice.NoPing:
		return nil
	case notice.Start:
		url += "/start"
	case notice.Fail:
		url += "/fail"
	}
	return s.post(ctx, url, "text/plain; charset=utf-8", []byte(n.Title), nil)
}

func (s *Sender) post(ctx context.Context, url, contentType string, text []byte, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return s.failed("its URL is none") // the error would quote it
	}
	for key, values := range header {
		req.Header[key] = values
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", "officer")
	if s.target.TokenFile != "" {
		token, err := s.secret(s.target.TokenFile)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	// A client of its own: no idle connection stays, and no redirect takes the token or
	// the event somewhere that nobody named.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	switch {
	case ctx.Err() != nil:
		return s.failed("no answer within %s", s.target.Timeout)
	case err != nil:
		return s.failed("the server cannot be reached")
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, secretBytesMax)
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return s.failed("the server answered %d", res.StatusCode)
	}
	return nil
}
