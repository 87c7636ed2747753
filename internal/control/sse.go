package control

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/officer-doofy/officer/internal/journal"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

// everyDatabase asks /v1/events for the events of all databases.
const everyDatabase = "*"

// happening is an event as JSON, in the structured mode of https://cloudevents.io.
// Database, sequence and text are extensions; data is the body of the event as the other
// routes of the API have it.
type happening struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Time        *string         `json:"time"`
	ContentType string          `json:"datacontenttype"`
	Database    string          `json:"database"`
	Sequence    uint64          `json:"sequence"`
	Text        string          `json:"text"`
	Data        json.RawMessage `json:"data"`
}

// cloudEvent gives an event as JSON on one line.
func cloudEvent(e *messages.Event) ([]byte, error) {
	sequence := strconv.FormatUint(e.Sequence, 10)
	out := happening{
		SpecVersion: "1.0", ID: e.Database + "/" + sequence, Source: "officer/" + e.Database, Type: e.Type,
		Time: report.Stamp(e.TimeUnixMs), ContentType: "application/json",
		Database: e.Database, Sequence: e.Sequence, Text: report.EventText(e), Data: json.RawMessage("{}"),
	}
	m := e.ProtoReflect()
	if field := m.WhichOneof(m.Descriptor().Oneofs().ByName("body")); field != nil {
		// A text out of a damaged file may be no UTF-8: then the sentence has to do.
		if data, err := protojson.Marshal(m.Get(field).Message().Interface()); err == nil {
			out.Data = data
		}
	}
	return json.Marshal(out) // compacts data: no line break ends the event early
}

// events streams what happens as server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html): of one database, with its
// sequence as the id, or of all, with a position as the id. A client that comes again with
// the id of the last event it saw gets everything since, or an event "reset" when that is
// not held any more: then what it knows is old, and the stream goes on from now.
func (s *service) events(w http.ResponseWriter, r *http.Request) {
	f := s.follow(w, r)
	if f != nil {
		plainly(w, f)
	}
}

func (s *service) follow(w http.ResponseWriter, r *http.Request) *messages.Failure {
	q := r.URL.Query()
	out := &sse{w: w, kinds: q.Get("type"), last: r.Header.Get("Last-Event-ID")}
	if out.last == "" {
		out.last = q.Get("after")
	}
	database := q.Get("database")
	if database == "" && s.database == "" {
		list, f := s.databases(r.Context())
		if f != nil {
			return f
		}
		if len(list.Databases) != 1 {
			database = everyDatabase
		}
	}
	if database == everyDatabase {
		return s.followAll(r.Context(), out)
	}
	d, f := s.find(r.Context(), database)
	if f != nil {
		return f
	}
	return s.followOne(r.Context(), out, d.Name)
}

// followOne streams the events of one database. It listens before it asks for what was, so
// that nothing falls between.
func (s *service) followOne(ctx context.Context, out *sse, database string) *messages.Failure {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	live, err := s.officer.Subscribe(ctx, &messages.WatchRequest{Database: database})
	if err != nil {
		return failureOf(err)
	}
	had, sent, gap, f := s.missed(ctx, database, out.last)
	if f != nil {
		return f
	}
	out.begin(strconv.FormatUint(sent, 10))
	if gap {
		out.reset(strconv.FormatUint(sent, 10))
	}
	for _, e := range had {
		sent = e.Sequence
		out.event(e, strconv.FormatUint(sent, 10))
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for out.flush() {
		select {
		case e, more := <-live:
			if !more {
				return nil // it fell behind, or Officer stops: the client comes again
			}
			if e.Sequence <= sent { // progress, or sent already
				continue
			}
			if e.Sequence != sent+1 {
				out.reset(strconv.FormatUint(e.Sequence-1, 10))
			}
			sent = e.Sequence
			out.event(e, strconv.FormatUint(sent, 10))
		case <-beat.C:
			out.beat()
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// missed gives the events that came after the one a client saw last, and the sequence from
// which on it is told. gap says that not all of them are held any more, or that the client
// knows of events that this journal never had.
func (s *service) missed(ctx context.Context, database, last string) (had []*messages.Event, sent uint64, gap bool, f *messages.Failure) {
	newest, f := fetch[*messages.EventPage](ctx, s, database, &messages.GetEvents{Limit: 1})
	if f != nil {
		return nil, 0, false, f
	}
	if n := len(newest.Events); n > 0 {
		sent = newest.Events[n-1].Sequence
	}
	if last == "" {
		return nil, sent, false, nil
	}
	seen, ok := parseSequence(last)
	if !ok || seen > sent {
		return nil, sent, true, nil
	}
	page, f := fetch[*messages.EventPage](ctx, s, database, &messages.GetEvents{After: seen, Limit: eventsKept})
	if f != nil {
		return nil, 0, false, f
	}
	if len(page.Events) == 0 {
		return nil, sent, seen != sent, nil
	}
	if page.Events[0].Sequence != seen+1 {
		return nil, page.Events[len(page.Events)-1].Sequence, true, nil
	}
	return page.Events, seen, false, nil
}

// parseSequence reads the sequence of an event as it was written.
func parseSequence(text string) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == text
}

// followAll streams the events of all databases.
func (s *service) followAll(ctx context.Context, out *sse) *messages.Failure {
	all := s.api.stream
	if f := all.begin(); f != nil {
		return f
	}
	at := all.newest()
	known, ok := parsePosition(out.last)
	begun := at
	if ok && known.epoch == at.epoch {
		begun = known
	}
	out.begin(begun.String())
	if out.last != "" && !ok || ok && known.epoch != at.epoch {
		out.reset(at.String())
	}
	at = begun
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		events, to, more, gap, ended := all.after(at)
		if ended {
			return nil
		}
		if gap {
			out.reset(to.String())
		}
		for i, e := range events {
			out.event(e, position{to.epoch, to.place - uint64(len(events)-1-i)}.String())
		}
		at = to
		if !out.flush() {
			return nil
		}
		select {
		case <-more:
		case <-beat.C:
			out.beat()
		case <-ctx.Done():
			return nil
		}
	}
}

// sse writes server-sent events.
type sse struct {
	w     http.ResponseWriter
	kinds string // only these types; "" = all
	last  string // id of the event that the client saw last
	err   error
}

// retryMS is how long a browser waits before it comes again.
const retryMS = "2000"

// begin sends the headers and the id from which on the client is told: if the line breaks
// before the first event, it knows what to ask for.
func (o *sse) begin(id string) {
	h := o.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	o.write("retry: " + retryMS + "\nid: " + id + "\n\n")
}

// event sends one event, if the client wants its type.
func (o *sse) event(e *messages.Event, id string) {
	if !journal.Matches(o.kinds, e.Type) {
		return
	}
	data, err := cloudEvent(e)
	if err != nil {
		return
	}
	o.write("id: " + id + "\ndata: " + string(data) + "\n\n")
}

// reset says that events are missing before the next one.
func (o *sse) reset(id string) { o.write("event: reset\nid: " + id + "\ndata: {}\n\n") }

// beat is a comment: it proves to both sides that the line stands.
func (o *sse) beat() { o.write(": \n\n") }

func (o *sse) write(text string) {
	if o.err == nil {
		_, o.err = o.w.Write([]byte(text))
	}
}

// flush sends what was written; false when the client is gone.
func (o *sse) flush() bool {
	if f, ok := o.w.(http.Flusher); ok && o.err == nil {
		f.Flush()
	}
	return o.err == nil
}
