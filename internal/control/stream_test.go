//go:build unix

package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

// chronicle is an Officer with journals: of each database it keeps the newest events, and
// tells those who listen.
type chronicle struct {
	mu        sync.Mutex
	keep      int
	names     []string
	events    map[string][]*messages.Event
	sequence  map[string]uint64
	listeners map[chan *messages.Event]string
	joined    chan struct{}
}

func newChronicle(keep int, names ...string) *chronicle {
	return &chronicle{keep: keep, names: names, events: map[string][]*messages.Event{}, sequence: map[string]uint64{},
		listeners: map[chan *messages.Event]string{}, joined: make(chan struct{}, 100)}
}

func (c *chronicle) tell(database, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequence[database]++
	e := &messages.Event{Sequence: c.sequence[database], Type: kind, Database: database, TimeUnixMs: 1795692331868,
		Body: &messages.Event_HealthChanged{HealthChanged: &messages.HealthChanged{Report: &messages.HealthReport{
			Headline: "line\none", Health: messages.Severity_SEVERITY_RED}}}}
	c.events[database] = append(c.events[database], e)
	if n := len(c.events[database]) - c.keep; n > 0 {
		c.events[database] = c.events[database][n:]
	}
	for l, only := range c.listeners {
		if only == "" || only == database {
			l <- e
			l <- &messages.Event{Database: database, Body: &messages.Event_Progress{Progress: &messages.Progress{}}}
		}
	}
}

// drop ends all subscriptions, as when a receiver fell behind.
func (c *chronicle) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.listeners {
		delete(c.listeners, l)
		close(l)
	}
}

func (c *chronicle) Ask(_ context.Context, database string, msg proto.Message, _ func(*messages.Progress)) (proto.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch msg := msg.(type) {
	case *messages.ListDatabasesRequest:
		out := &messages.ListDatabasesResponse{}
		for _, name := range c.names {
			out.Databases = append(out.Databases, &messages.LookedAfter{Name: name, Path: "/data/" + name + ".db"})
		}
		return out, nil
	case *messages.GetEvents:
		page := &messages.EventPage{}
		for _, e := range c.events[database] {
			if e.Sequence > msg.After {
				page.Events = append(page.Events, e)
			}
		}
		if n := len(page.Events) - int(msg.Limit); n > 0 {
			page.Events = page.Events[n:]
		}
		return page, nil
	}
	return nil, messages.NewFailure("unhandled", "ask", "not here")
}

func (c *chronicle) Subscribe(ctx context.Context, from *messages.WatchRequest) (<-chan *messages.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := make(chan *messages.Event, 5000)
	c.listeners[l] = from.Database
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if _, there := c.listeners[l]; there {
			delete(c.listeners, l)
			close(l)
		}
	})
	c.joined <- struct{}{}
	return l, nil
}

// listener is a client of /v1/events that reads as a browser does.
type listener struct {
	t    *testing.T
	body io.ReadCloser
	in   *bufio.Reader
	last string // id of the last event
}

// heard is one event: its kind ("reset" or "") and what it carries.
type heard struct {
	kind  string
	event happening
}

func listenTo(t *testing.T, a *API, path, last string) *listener {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.port.at+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range a.homes {
		token, _ := readToken(a.cfg.Files, e.home+"/"+tokenName)
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		b, _ := io.ReadAll(res.Body)
		t.Fatalf("got %d %s %s", res.StatusCode, res.Header.Get("Content-Type"), b)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	l := &listener{t: t, body: res.Body, in: bufio.NewReader(res.Body), last: last}
	l.block() // retry and the id to begin with
	return l
}

// block reads up to an empty line.
func (l *listener) block() (fields map[string]string, ok bool) {
	fields = map[string]string{}
	for {
		line, err := l.in.ReadString('\n')
		if err != nil {
			return nil, false
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			if id, has := fields["id"]; has {
				l.last = id
			}
			return fields, true
		}
		name, value, _ := strings.Cut(line, ": ")
		if _, twice := fields[name]; twice {
			l.t.Errorf("%s stands twice in one event", name)
		}
		fields[name] = value
	}
}

func (l *listener) next() heard {
	l.t.Helper()
	for {
		fields, ok := l.block()
		if !ok {
			l.t.Fatal("the stream ended")
		}
		if _, has := fields["data"]; !has {
			continue
		}
		h := heard{kind: fields["event"]}
		if err := json.Unmarshal([]byte(fields["data"]), &h.event); err != nil {
			l.t.Fatalf("%s: %v", fields["data"], err)
		}
		return h
	}
}

// serveEvents gives an API at a port.
func serveEvents(t *testing.T, c *chronicle) *API {
	t.Helper()
	a := New(Config{Officer: c})
	for _, name := range c.names {
		a.Join(t.TempDir(), name)
	}
	if err := a.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		a.stream.going.Wait()
	})
	return a
}

func TestEvents_areCloudEventsAsTheyHappen(t *testing.T) {
	c := newChronicle(1000, "app")
	a := serveEvents(t, c)
	c.tell("app", "officer.started")
	l := listenTo(t, a, "/v1/events", "")
	if l.last != "1" {
		t.Errorf("begins at %q, want at the newest event, 1", l.last)
	}
	c.tell("app", "health.changed")
	got := l.next()
	e := got.event
	if got.kind != "" || l.last != "2" || e.SpecVersion != "1.0" || e.ID != "app/2" || e.Source != "officer/app" || e.Type != "health.changed" ||
		e.Sequence != 2 || e.Database != "app" || e.Text != "line\none" || e.Time == nil || *e.Time != "2026-11-26T11:25:31.868Z" {
		t.Errorf("got %+v at %s", got, l.last)
	}
	if want := `{"report":{"health":"SEVERITY_RED","headline":"line\none"}}`; string(e.Data) != want {
		t.Errorf("got data %s, want %s", e.Data, want)
	}
}

func TestEvents_goOnWithoutAGapWhereTheClientWas(t *testing.T) {
	c := newChronicle(1000, "app")
	a := serveEvents(t, c)
	for range 50 {
		c.tell("app", "wal.checkpointed")
	}
	l := listenTo(t, a, "/v1/events", "7")
	for want := uint64(8); want <= 50; want++ {
		if got := l.next(); got.event.Sequence != want || l.last != strconv.FormatUint(want, 10) {
			t.Fatalf("got %+v, want event %d", got, want)
		}
	}
	_ = l.body.Close()
	done := make(chan struct{})
	go func() { // events come while the client comes again
		defer close(done)
		for range 200 {
			c.tell("app", "wal.grew")
		}
	}()
	l = listenTo(t, a, "/v1/events?after=3", l.last) // the header counts, the query is older
	for want := uint64(51); want <= 250; want++ {
		if got := l.next(); got.kind != "" || got.event.Sequence != want {
			t.Fatalf("got %+v, want event %d", got, want)
		}
	}
	<-done
}

func TestEvents_fromTheBeginning(t *testing.T) {
	c := newChronicle(1000, "app")
	a := serveEvents(t, c)
	c.tell("app", "officer.started")
	c.tell("app", "backup.verified")
	l := listenTo(t, a, "/v1/events?after=0", "")
	if first, second := l.next(), l.next(); first.event.Sequence != 1 || second.event.Sequence != 2 {
		t.Errorf("got %+v, %+v", first, second)
	}
}

func TestEvents_whatIsNotHeldAnyMoreIsAReset(t *testing.T) {
	for name, last := range map[string]string{"too old": "3", "never happened": "99", "nonsense": "x", "negative": "-1", "with zeros": "0050",
		"of another kind": strings.Repeat("a", epochBytes) + "-4", "too large": "99999999999999999999999", "with a blank": " 50"} {
		c := newChronicle(10, "app")
		a := serveEvents(t, c)
		for range 50 {
			c.tell("app", "wal.grew")
		}
		l := listenTo(t, a, "/v1/events", last)
		if strings.TrimSpace(last) == "50" { // HTTP takes the blank away
			c.tell("app", "wal.grew")
			if got := l.next(); got.event.Sequence != 51 {
				t.Errorf("%s: got %+v, want event 51", name, got)
			}
			continue
		}
		if got := l.next(); got.kind != "reset" || l.last != "50" {
			t.Errorf("%s: got %+v at %s, want a reset at 50", name, got, l.last)
		}
		c.tell("app", "wal.grew")
		if got := l.next(); got.event.Sequence != 51 {
			t.Errorf("%s: got %+v after it, want event 51", name, got)
		}
	}
}

func TestEvents_onlyTheTypesThatAreAskedFor(t *testing.T) {
	c := newChronicle(1000, "app")
	a := serveEvents(t, c)
	l := listenTo(t, a, "/v1/events?type=backup.*", "")
	c.tell("app", "wal.grew")
	c.tell("app", "backup.verified")
	if got := l.next(); got.event.Type != "backup.verified" || got.event.Sequence != 2 {
		t.Errorf("got %+v, want the backup", got)
	}
}

func TestEvents_ofAllDatabasesGoOnWithoutAGap(t *testing.T) {
	c := newChronicle(1000, "app", "other")
	a := serveEvents(t, c)
	l := listenTo(t, a, "/v1/events", "")
	<-c.joined
	c.tell("app", "wal.grew")
	c.tell("other", "wal.grew")
	if one, two := l.next(), l.next(); one.event.ID != "app/1" || two.event.ID != "other/1" {
		t.Errorf("got %+v, %+v", one, two)
	}
	_ = l.body.Close()
	for range 20 {
		c.tell("other", "wal.blocked")
	}
	again := listenTo(t, a, "/v1/events?database=*", l.last)
	for want := uint64(2); want <= 21; want++ {
		if got := again.next(); got.kind != "" || got.event.Database != "other" || got.event.Sequence != want {
			t.Fatalf("got %+v, want event %d of other", got, want)
		}
	}
	one := listenTo(t, a, "/v1/events?database=app", "0")
	if got := one.next(); got.event.ID != "app/1" {
		t.Errorf("of one of them: got %+v", got)
	}
}

func TestEvents_ofAllDatabasesAreResetWhenTheyCannotGoOn(t *testing.T) {
	c := newChronicle(1000, "app", "other")
	a := serveEvents(t, c)
	l := listenTo(t, a, "/v1/events", "")
	<-c.joined
	c.tell("app", "wal.grew")
	l.next()
	old := l.last
	c.drop()
	if _, ok := l.block(); ok {
		t.Error("the stream goes on although events were missed")
	}
	for name, last := range map[string]string{"an old epoch": old, "nonsense": "x", "a sequence": "1", "the future": strings.Split(old, "-")[0] + "-99"} {
		again := listenTo(t, a, "/v1/events", last)
		if got := again.next(); got.kind != "reset" {
			t.Errorf("%s: got %+v, want a reset", name, got)
		}
		c.tell("app", "wal.grew")
		if got := again.next(); got.kind != "" || got.event.Database != "app" {
			t.Errorf("%s: got %+v after it, want an event", name, got)
		}
		_ = again.body.Close()
	}
}

// A client that falls out of what is held gets a reset, not a gap without a word.
func TestStream_holdsOnlyTheNewest(t *testing.T) {
	c := newChronicle(1000, "a", "b")
	s := newStream(c)
	if f := s.begin(); f != nil {
		t.Fatal(f)
	}
	first := s.newest()
	for range eventsKept + 5 {
		c.tell("a", "wal.grew")
	}
	c.drop()
	s.going.Wait()
	if _, _, _, gap, ended := s.after(first); !gap || !ended {
		t.Error("an ended stream gives no gap")
	}
	if f := s.begin(); f != nil {
		t.Fatal(f)
	}
	for range eventsKept + 5 {
		c.tell("a", "wal.grew")
	}
	for s.newest().place != eventsKept+5 { // it hears them one by one
		_, _, more, _, _ := s.after(s.newest())
		if s.newest().place != eventsKept+5 {
			<-more
		}
	}
	at := s.newest()
	events, _, _, gap, _ := s.after(position{at.epoch, at.place - eventsKept})
	if gap || len(events) != eventsKept || events[eventsKept-1].Sequence != 2*(eventsKept+5) {
		t.Errorf("got %d events, gap %v; want the newest %d", len(events), gap, eventsKept)
	}
	s.mu.Lock()
	held := len(s.kept)
	s.mu.Unlock()
	if held != eventsKept {
		t.Errorf("%d events are held, want %d", held, eventsKept)
	}
	if _, _, _, gap, _ := s.after(position{at.epoch, at.place - eventsKept - 1}); !gap {
		t.Error("what is not held any more gives no gap")
	}
	s.close()
	s.going.Wait()
}

func FuzzPosition(f *testing.F) {
	f.Add("0123456789abcdef01234567-12")
	f.Add("12")
	f.Add("-")
	f.Add(strings.Repeat("a", 24) + "-018446744073709551615")
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := parsePosition(text); ok && p.String() != text {
			t.Errorf("%q is read as %q", text, p)
		}
		if n, ok := parseSequence(text); ok && fmt.Sprint(n) != text {
			t.Errorf("%q is read as %d", text, n)
		}
	})
}

// Whatever a client sends as an id or a place, nothing but Officer's own words and files go
// out, and no header is torn.
func FuzzRequest(f *testing.F) {
	f.Add("20261122T174539Z", "app", "7", "backup.*")
	f.Add("../../etc/passwd", "..", "x\ny", "*")
	f.Add("%2e%2e%2f", "\x00", "-", "")
	f.Add("", "", "", "")
	f.Add(".", "app", "", "")
	f.Add("..", "app", "", "")
	f.Fuzz(func(t *testing.T, id, database, last, kind string) {
		c := newChronicle(10, "app")
		c.tell("app", "wal.grew")
		a := New(Config{Officer: c})
		handler := a.local("app")
		for _, path := range []string{"/v1/backups/" + pathEscape(id) + "/download", "/v1/status?database=" + queryEscape(database)} {
			w := call(t, handler, path, last)
			if w.Code < 400 {
				t.Errorf("%s: got %d", path, w.Code)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: got %q", path, w.Body)
			}
		}
		w := call(t, handler, "/v1/events?type="+queryEscape(kind)+"&after="+queryEscape(last), last)
		for _, block := range strings.Split(strings.TrimSuffix(w.Body.String(), "\n\n"), "\n\n") {
			for _, line := range strings.Split(block, "\n") {
				if name, _, ok := strings.Cut(line, ": "); !ok || name != "id" && name != "data" && name != "event" && name != "retry" && name != "" {
					t.Errorf("got the line %q", line)
				}
			}
		}
		_ = a.Close(t.Context())
	})
}
