package control

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/officer-doofy/officer/messages"
)

// eventsKept is how many events of all databases together are held for clients that come
// again; as many as the journal of one database holds.
const eventsKept = 1000

// stream is the events of all databases in one row. Each database numbers its own, so a
// client of all of them could not say with one number where it was: here they are counted
// again. The count begins anew with each run and whenever something was missed; its epoch
// says so. It listens once somebody asked.
type stream struct {
	officer Officer
	ctx     context.Context
	stop    context.CancelFunc
	going   sync.WaitGroup

	mu    sync.Mutex
	on    bool
	epoch string
	first uint64 // place of kept[0]; the next one is first+len(kept)
	kept  []*messages.Event
	more  chan struct{} // closed at the next event
}

func newStream(officer Officer) *stream {
	ctx, stop := context.WithCancel(context.Background())
	return &stream{officer: officer, ctx: ctx, stop: stop, more: make(chan struct{})}
}

// close ends it; then wait for going.
func (s *stream) close() { s.stop() }

// begin listens, if nobody does yet.
func (s *stream) begin() *messages.Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on {
		return nil
	}
	events, err := s.officer.Subscribe(s.ctx, &messages.WatchRequest{})
	if err != nil {
		return failureOf(err)
	}
	s.on, s.first, s.kept = true, 1, nil
	s.epoch = newID()
	s.going.Go(func() { s.listen(events) })
	return nil
}

func (s *stream) listen(events <-chan *messages.Event) {
	for e := range events {
		if e.Sequence == 0 {
			continue // progress is not kept
		}
		s.mu.Lock()
		if len(s.kept) == eventsKept {
			copy(s.kept, s.kept[1:])
			s.kept = s.kept[:eventsKept-1]
			s.first++
		}
		s.kept = append(s.kept, e)
		s.wake()
		s.mu.Unlock()
	}
	// It lost step, or Officer stops: whoever comes next begins a new epoch.
	s.mu.Lock()
	s.on, s.epoch, s.kept = false, "", nil
	s.wake()
	s.mu.Unlock()
}

// wake tells those who wait. The lock is held.
func (s *stream) wake() {
	close(s.more)
	s.more = make(chan struct{})
}

// position is a place in the stream of all databases.
type position struct {
	epoch string
	place uint64 // of the last event seen
}

func (p position) String() string { return p.epoch + "-" + strconv.FormatUint(p.place, 10) }

// parsePosition reads what a client gives back as Last-Event-ID.
func parsePosition(text string) (position, bool) {
	epoch, number, ok := strings.Cut(text, "-")
	place, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || len(epoch) != epochBytes || strconv.FormatUint(place, 10) != number {
		return position{}, false
	}
	return position{epoch, place}, true
}

// epochBytes is the length of an epoch: that of newID.
const epochBytes = 24

// newest is the place of the newest event.
func (s *stream) newest() position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end()
}

func (s *stream) end() position { return position{s.epoch, s.first + uint64(len(s.kept)) - 1} }

// after gives the events behind a place, the place of the last of them, and what is closed
// when there are more. gap says that some are not held any more: then there are none.
func (s *stream) after(p position) (events []*messages.Event, at position, more <-chan struct{}, gap, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = s.end()
	switch {
	case !s.on:
		return nil, at, s.more, true, true
	case p.epoch != s.epoch || p.place+1 < s.first || p.place > at.place:
		return nil, at, s.more, true, false
	}
	kept := s.kept[p.place+1-s.first:]
	return append(make([]*messages.Event, 0, len(kept)), kept...), at, s.more, false, false
}

// heartbeat is how often a stream says that it is there: proxies end what is silent for half
// a minute.
const heartbeat = 15 * time.Second
