package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/messages"
)

// finishMax is the longest that a request to stop may let work go on.
const finishMax = 10 * time.Minute

// ending is how one run ends: the first reason to stop counts. From then on orders are
// refused, questions are answered, and those who were promised it see their work finished.
type ending struct {
	mu      sync.Mutex
	reason  string
	finish  time.Duration
	keeps   string        // why nobody but a signal may end it, "" = anybody may
	orders  int           // under way
	wanted  chan struct{} // closed with the first reason
	settled chan struct{} // closed when it ends and no order is under way
}

func newEnding() *ending {
	return &ending{wanted: make(chan struct{}), settled: make(chan struct{})}
}

// want asks for the end; only the first reason counts. What is under way gets the time
// that finish says.
func (e *ending) want(reason string, finish time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reason != "" {
		return
	}
	e.reason, e.finish = reason, min(max(finish, 0), finishMax)
	close(e.wanted)
	if e.orders == 0 {
		close(e.settled)
	}
}

// stopping tells whether the end was asked for.
func (e *ending) stopping() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reason != ""
}

// why gives the reason.
func (e *ending) why() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reason
}

// keep has requests through a socket refused.
func (e *ending) keep(why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keeps = why
}

// enter lets a request in, or refuses it. left is called when it was answered.
func (e *ending) enter(msg proto.Message) (left func(), err error) {
	if isQuestion(msg) {
		return func() {}, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reason != "" {
		return nil, messages.NewFailure("stopping", "ask", "this Officer (pid %d) is stopping: %s", os.Getpid(), e.reason).
			WithDid("Nothing was changed.").WithHints("try again in a moment")
	}
	e.orders++
	return e.leave, nil
}

func (e *ending) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.orders--
	if e.reason != "" && e.orders == 0 {
		close(e.settled)
	}
}

// rest waits until what is under way is finished, at most as long as was promised.
func (e *ending) rest() {
	<-e.wanted
	e.mu.Lock()
	patience := time.NewTimer(e.finish)
	e.mu.Unlock()
	defer patience.Stop()
	select {
	case <-e.settled:
	case <-patience.C:
	}
}

// isQuestion tells what changes nothing from an order, by the names of the protocol.
func isQuestion(msg proto.Message) bool {
	name := string(msg.ProtoReflect().Descriptor().Name())
	for _, prefix := range []string{"Get", "List", "Find", "Explain", "Ping"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// obey takes a request to stop that came through a socket.
func (e *ending) obey(order *messages.StopOfficer) (*messages.Stopping, error) {
	e.mu.Lock()
	keeps := e.keeps
	e.mu.Unlock()
	if keeps != "" {
		return nil, messages.NewFailure("refused", "stop", "%s", keeps).WithDid("Nothing was changed.").
			WithHints(fmt.Sprintf("kill %d", os.Getpid()))
	}
	reason := clean(order.Reason)
	if reason == "" {
		reason = "asked through the socket"
	}
	e.want(reason, time.Duration(order.FinishMs)*time.Millisecond)
	return &messages.Stopping{Version: officer.Version, Pid: processID()}, nil
}
