package control

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func pathEscape(s string) string  { return url.PathEscape(s) }
func queryEscape(s string) string { return url.QueryEscape(s) }

// call asks a handler without a network; the client of a stream leaves at once.
func call(t *testing.T, to http.Handler, path, last string) *httptest.ResponseRecorder {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://officer"+path, nil)
	if err != nil {
		t.Skip("no address")
	}
	r.Header.Set("Last-Event-ID", last)
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	return w
}
