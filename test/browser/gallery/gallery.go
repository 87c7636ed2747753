// Package gallery serves Officer's page over made-up answers, so that every state can be
// looked at and tried without waiting for a disk to fill: go run ./cmd/gallery. The answers
// are the real messages in their real form; only what they say is made up.
package gallery

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/officer-doofy/officer/internal/dashboard"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/messages/messagesconnect"
)

// Policy is the content security policy of the real server.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves every scene below its name, and a list of them at "/".
func Handler() http.Handler {
	mux := http.NewServeMux()
	page := dashboard.Handler()
	var links []string
	for _, s := range Scenes() {
		at := "/" + s.Name
		mux.Handle(at+"/", http.StripPrefix(at, guarded(s.handler(page))))
		links = append(links, fmt.Sprintf("<li><a href=%q>%s</a>: %s</li>", at+"/", s.Name, s.About))
	}
	mux.Handle("/host", guarded(http.HandlerFunc(host)))
	mux.Handle(dashboard.CardPath, guarded(page))
	mux.Handle("/{$}", guarded(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><html lang=en><title>Gallery</title><h1>Gallery</h1><ul>%s<li><a href=/host>card and banner</a></li></ul>", strings.Join(links, ""))
	})))
	return mux
}

// host is a page of somebody else's app with cards in every state.
func host(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	var cards strings.Builder
	for _, s := range []string{"green", "yellow", "red", "young", "gone"} {
		fmt.Fprintf(&cards, "<h2>%s</h2><officer-card variant=banner src=\"/%s\" database=app></officer-card><p></p><officer-card src=\"/%s\" database=app></officer-card>", s, s, s)
	}
	fmt.Fprintf(w, "<!doctype html><html lang=en><meta name=viewport content=\"width=device-width\"><title>Host</title><script src=/officer-card.js></script><main><h1>Settings of an app</h1>%s</main></html>", cards.String())
}

func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", Policy)
		next.ServeHTTP(w, r)
	})
}

// Scene is one state of everything.
type Scene struct {
	Name  string
	About string
	// Refuse answers every call with this status, as the real server does without a session.
	Refuse int

	all       *messages.ListDatabasesResponse
	status    *messages.Status
	backups   *messages.BackupList
	history   *messages.History
	metrics   *messages.MetricsReport
	schedules *messages.ScheduleList
	logs      []*messages.LogRecord

	mu         sync.Mutex
	events     []*messages.Event
	operations []*messages.Operation
	told       chan struct{} // closed at the next event
}

func (s *Scene) handler(page http.Handler) http.Handler {
	s.told = make(chan struct{})
	mux := http.NewServeMux()
	path, service := messagesconnect.NewControlServiceHandler(&answers{scene: s})
	mux.Handle(path, service)
	mux.HandleFunc("GET /v1/events", s.stream)
	mux.HandleFunc("GET /v1/backups/{id}/download", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", "attachment; filename=app.db")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api := strings.HasPrefix(r.URL.Path, path) || strings.HasPrefix(r.URL.Path, "/v1/")
		switch {
		case api && s.Refuse != 0:
			http.Error(w, http.StatusText(s.Refuse), s.Refuse)
		case api:
			mux.ServeHTTP(w, r)
		default:
			page.ServeHTTP(w, r)
		}
	})
}

// tell adds an event and lets the streams know.
func (s *Scene) tell(e *messages.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Sequence, e.TimeUnixMs, e.Database = uint64(len(s.events)+1), time.Now().UnixMilli(), "app"
	s.events = append(s.events, e)
	close(s.told)
	s.told = make(chan struct{})
}

func (s *Scene) since(after uint64) ([]*messages.Event, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.events, after+1, func(e *messages.Event, n uint64) int { return int(e.Sequence) - int(n) })
	return slices.Clone(s.events[i:]), s.told
}

// stream sends new events as server-sent events in the shape of CloudEvents.
func (s *Scene) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	seen := uint64(len(s.events))
	for {
		news, told := s.since(seen)
		for _, e := range news {
			seen = e.Sequence
			body, err := protojson.Marshal(e)
			if err != nil {
				return
			}
			line, err := json.Marshal(struct {
				SpecVersion string          `json:"specversion"`
				ID          string          `json:"id"`
				Type        string          `json:"type"`
				Data        json.RawMessage `json:"data"`
			}{"1.0", fmt.Sprint(seen), e.Type, body})
			if err != nil {
				return
			}
			fmt.Fprintf(w, "id: %d\ndata: %s\n\n", seen, line)
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-told:
		case <-r.Context().Done():
			return
		}
	}
}

// answers is ControlService over a scene.
type answers struct {
	messagesconnect.UnimplementedControlServiceHandler
	scene *Scene
}

func (a *answers) ListDatabases(context.Context, *messages.ListDatabasesRequest) (*messages.ListDatabasesResponse, error) {
	return a.scene.all, nil
}

func (a *answers) GetStatus(_ context.Context, q *messages.GetStatusRequest) (*messages.Status, error) {
	return a.scene.status, nil
}

func (a *answers) ListBackups(context.Context, *messages.ListBackupsRequest) (*messages.BackupList, error) {
	return a.scene.backups, nil
}

func (a *answers) GetSchedule(context.Context, *messages.GetScheduleRequest) (*messages.ScheduleList, error) {
	return a.scene.schedules, nil
}

func (a *answers) GetMetrics(context.Context, *messages.GetMetricsRequest) (*messages.MetricsReport, error) {
	return a.scene.metrics, nil
}

func (a *answers) GetHistory(context.Context, *messages.GetHistoryRequest) (*messages.History, error) {
	if a.scene.history == nil {
		return nil, connect.NewError(connect.CodeUnimplemented, fmt.Errorf("no history"))
	}
	return a.scene.history, nil
}

func (a *answers) ListEvents(_ context.Context, q *messages.ListEventsRequest) (*messages.EventPage, error) {
	events, _ := a.scene.since(q.After)
	return &messages.EventPage{Events: events}, nil
}

func (a *answers) GetLogs(_ context.Context, q *messages.GetLogsRequest) (*messages.LogPage, error) {
	page := &messages.LogPage{}
	for _, r := range a.scene.logs {
		if r.Sequence > q.After {
			page.Records = append(page.Records, r)
		}
	}
	return page, nil
}
