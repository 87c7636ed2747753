package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/officer-doofy/officer/messages"
)

// metricsWithin is less than Prometheus waits for a scrape by default.
const metricsWithin = 8 * time.Second

// metrics is GET /metrics for Prometheus: of the socket's database, or the one that
// ?database= names.
func (s *service) metrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), metricsWithin)
	defer cancel()
	got, err := s.officer.Ask(ctx, s.named(r.URL.Query().Get("database")), &messages.GetExposition{}, nil)
	text, ok := got.(*messages.Exposition)
	if err != nil || !ok {
		status, sentence := http.StatusServiceUnavailable, "no metrics now"
		var f *messages.Failure
		if errors.As(err, &f) {
			sentence = f.Text
			if f.Code == "unknown_database" || f.Code == "invalid" {
				status = http.StatusNotFound
			}
		}
		http.Error(w, sentence, status)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = io.WriteString(w, text.GetText())
}
