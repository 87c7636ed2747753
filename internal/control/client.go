package control

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/messages/messagesconnect"
)

// dialWithin is how long a socket may take to accept: a local one does at once or never.
const dialWithin = 2 * time.Second

// address is what the requests name; the socket is found by its path.
const address = "http://officer"

// answerWithin is how long an Officer that accepts may take to say who it is. One that
// was stopped (SIGSTOP) or hangs accepts all the same: the kernel does that for it.
const answerWithin = 5 * time.Second

// statusWithin is how long a status may take; Officer waits 2 s for each of its parts at
// once. One that falls silent in between (its volume is frozen, and with it the memory
// that it shares with the app) would be waited for without an end.
const statusWithin = 15 * time.Second

// Client reaches the Officer that looks after one home. It has what it calls, not the
// whole generated client: that would bring a copy of Connect's generic one for each method.
type Client struct {
	call      *connect.Client[envelope, envelope]
	page      *connect.Client[envelope, envelope]
	watch     *connect.Client[envelope, envelope]
	transport *http.Transport
	home      string
	database  string
	patience  time.Duration // with a status
}

// Dial finds the Officer of a home. The error is a *messages.Failure with the code
// "no_officer" when nobody answers there.
func Dial(ctx context.Context, home, database string) (*Client, error) {
	path, err := socketPath(home, false)
	if err != nil {
		return nil, nobody(home)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialWithin)
		defer cancel()
		return connectSocket(ctx, path)
	}
	first, err := dial(ctx, "", "")
	if err != nil {
		return nil, nobody(home)
	}
	_ = first.Close()
	transport := &http.Transport{DialContext: dial, MaxIdleConns: 2}
	over := &http.Client{Transport: transport}
	method := func(procedure string, answer proto.Message) *connect.Client[envelope, envelope] {
		return connect.NewClient[envelope, envelope](over, address+procedure, connect.WithReadMaxBytes(answerBytesMax),
			connect.WithResponseInitializer(filled(answer)))
	}
	return &Client{
		transport: transport, home: home, database: database, patience: statusWithin,
		call:  method(messagesconnect.ControlServiceCallProcedure, &messages.CallResponse{}),
		page:  method(messagesconnect.ControlServiceOpenDashboardProcedure, &messages.OpenDashboardResponse{}),
		watch: method(messagesconnect.ControlServiceWatchProcedure, &messages.Event{}),
	}, nil
}

// Reach is Dial for an Officer that must not only be there but answer. Its error has the
// code "officer_silent" when one is there and does not.
func Reach(ctx context.Context, home, database string) (*Client, error) {
	return reach(ctx, home, database, answerWithin)
}

// impatient ends a context after a while. It has no deadline, which would be told to
// Officer, whose own "interrupted" could then come before the end is noticed here.
func impatient(ctx context.Context, within time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(within, cancel)
	return ctx, func() { timer.Stop(); cancel() }
}

func reach(ctx context.Context, home, database string, within time.Duration) (*Client, error) {
	c, err := Dial(ctx, home, database)
	if err != nil {
		return nil, err
	}
	asking, cancel := impatient(ctx, within)
	defer cancel()
	if _, err := c.Ask(asking, &messages.GetInfo{}, nil); err != nil && ctx.Err() == nil && asking.Err() != nil {
		c.Close()
		return nil, silent(home)
	}
	return c, nil
}

func silent(home string) *messages.Failure {
	return messages.NewFailure("officer_silent", "reach Officer",
		"the Officer of %s is there but does not answer: it was stopped, or it hangs", home).
		WithDid("Nothing was changed.").WithHints("fuser -v '" + filepath.Join(home, "officer.lock") + "'")
}

func nobody(home string) *messages.Failure {
	return messages.NewFailure("no_officer", "reach Officer", "no Officer answers for %s", home).
		WithDid("Nothing was changed.")
}

// Ask sends one request and waits for its answer. The error is the *messages.Failure
// that the other side gave, or "no_officer" when it went away; "officer_silent" when it
// gives no status, which never takes long. Progress of a request
// that has a job id is heard meanwhile when progress is not nil.
func (c *Client) Ask(ctx context.Context, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error) {
	call := &messages.CallRequest{Database: c.database}
	if !fill(call, "request", msg) {
		return nil, messages.NewFailure("unhandled", "call", "the protocol has no such request")
	}
	if job, ok := msg.(interface{ GetJobId() string }); ok && progress != nil && job.GetJobId() != "" {
		listening, cancel := context.WithCancel(ctx)
		heard := make(chan struct{})
		defer func() {
			cancel()
			<-heard
		}()
		if err := c.follow(listening, job.GetJobId(), progress, heard); err != nil {
			close(heard)
		}
	}
	asking := ctx
	if _, ok := msg.(*messages.GetStatus); ok {
		var cancel func()
		asking, cancel = impatient(ctx, c.patience)
		defer cancel()
	}
	response, err := c.call.CallUnary(asking, connect.NewRequest(&envelope{call}))
	switch {
	case err != nil && ctx.Err() == nil && asking.Err() != nil:
		return nil, silent(c.home)
	case err != nil:
		return nil, unpack(ctx, "call", err)
	}
	var got proto.Message
	if r, ok := response.Msg.Message.(*messages.CallResponse); ok {
		got = answer(r)
	}
	if got == nil {
		return nil, messages.NewFailure("internal", "call", "the answer was empty")
	}
	return got, nil
}

// follow passes the progress of one job on, until ctx is done; then heard is closed.
func (c *Client) follow(ctx context.Context, job string, progress func(*messages.Progress), heard chan struct{}) error {
	events, err := c.Subscribe(ctx, &messages.WatchRequest{})
	if err != nil {
		return err
	}
	go func() {
		defer close(heard)
		for e := range events {
			if p := e.GetProgress(); p != nil && p.JobId == job {
				progress(p)
			}
		}
	}()
	return nil
}

// Subscribe gives events until ctx is done or Officer goes away; then the channel is closed.
func (c *Client) Subscribe(ctx context.Context, from *messages.WatchRequest) (<-chan *messages.Event, error) {
	if from.Database == "" {
		from = &messages.WatchRequest{Database: c.database, Replay: from.Replay, AfterSequence: from.AfterSequence}
	}
	stream, err := c.watch.CallServerStream(ctx, connect.NewRequest(&envelope{from}))
	if err != nil {
		return nil, unpack(ctx, "watch", err)
	}
	stream.ResponseHeader() // comes once the other side listens: nothing is missed from here on
	events := make(chan *messages.Event)
	go func() {
		defer close(events)
		defer stream.Close()
		for stream.Receive() {
			e, ok := stream.Msg().Message.(*messages.Event)
			if !ok {
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}

// OpenDashboard gives a link to the page that logs in once, and a file that leads to it.
func (c *Client) OpenDashboard(ctx context.Context) (*messages.OpenDashboardResponse, error) {
	response, err := c.page.CallUnary(ctx, connect.NewRequest(&envelope{&messages.OpenDashboardRequest{Database: c.database}}))
	if err != nil {
		return nil, unpack(ctx, "open the dashboard", err)
	}
	link, ok := response.Msg.Message.(*messages.OpenDashboardResponse)
	if !ok {
		return nil, messages.NewFailure("internal", "open the dashboard", "an unexpected answer")
	}
	return link, nil
}

// Close gives the connections back.
func (c *Client) Close() { c.transport.CloseIdleConnections() }
