package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// writeWithin is how long one write may take once everything is about to stop.
const writeWithin = 250 * time.Millisecond

// outlet is an output whose reader may have stopped reading, or be gone: it holds a run
// up as long as the run lasts, but never its end.
type outlet struct {
	to      io.Writer
	turn    sync.Mutex // one write at a time
	hurried chan struct{}
	once    sync.Once
	stuck   bool
}

var errStuck = errors.New("nobody reads")

func newOutlet(to io.Writer) *outlet { return &outlet{to: to, hurried: make(chan struct{})} }

// Write writes p, or gives up when it takes too long and everything is about to stop.
func (o *outlet) Write(p []byte) (int, error) {
	o.turn.Lock()
	defer o.turn.Unlock()
	if o.stuck {
		return 0, errStuck
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	mine := slices.Clone(p) // the caller may use p again when this write was given up
	go func() {
		n, err := o.to.Write(mine)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-o.hurried:
	}
	patience := time.NewTimer(writeWithin)
	defer patience.Stop()
	select {
	case r := <-done:
		return r.n, r.err
	case <-patience.C:
		o.stuck = true
		return 0, errStuck
	}
}

// hurry begins the time in which writes are given up.
func (o *outlet) hurry() { o.once.Do(func() { close(o.hurried) }) }

// steady has a reader that is gone end nothing: without it, the first line after that
// would kill this process with SIGPIPE, before its last checkpoint. The signal is taken,
// not ignored, so that a program that is started does not inherit it.
func (c *cli) steady() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	out, errs := newOutlet(c.out), newOutlet(c.err)
	c.out, c.err = out, errs
	c.hurry = func() {
		out.hurry()
		errs.hurry()
	}
}
