package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/officer-doofy/officer/messages"
)

const (
	// watchEvery redraws without an event: ages on the screen grow.
	watchEvery = 30 * time.Second
	// watchPause lets a burst of events end in one redraw.
	watchPause = 200 * time.Millisecond
)

// watch shows the status again at every event until it is interrupted: redrawn in place
// on a terminal, otherwise one after the other, and only when there was an event.
func (c *cli) watch(ctx context.Context, r *reached) error {
	events, err := r.events(ctx, &messages.WatchRequest{})
	if err != nil {
		return err
	}
	stopped := messages.NewFailure("no_officer", "watch", "the Officer that was watched has stopped")
	for shown := false; ; shown = true {
		st, err := asking[*messages.Status](ctx, c, r, &messages.GetStatus{})
		var f *messages.Failure
		if shown && errors.As(err, &f) && f.GetCode() == stopped.GetCode() {
			return stopped // it did so between its last event and the question
		}
		if err != nil {
			return err
		}
		c.draw(statusOutcome(st, r))
		if err := c.untilNews(ctx, events); err != nil {
			return err
		}
	}
}

func (c *cli) draw(done *outcome) {
	if c.json {
		c.finish(done)
		return
	}
	if c.style.terminal {
		fmt.Fprint(c.out, "\x1b[H\x1b[2J")
	}
	done.text(c.out, c.style)
}

// untilNews returns after an event and the pause that gathers those with it.
func (c *cli) untilNews(ctx context.Context, events <-chan *messages.Event) error {
	var redraw, settled <-chan time.Time
	if c.style.terminal && !c.json {
		redraw = time.After(watchEvery)
	}
	for {
		select {
		case e, more := <-events:
			if !more && ctx.Err() == nil {
				return messages.NewFailure("no_officer", "watch", "the Officer that was watched has stopped")
			}
			if more && e.Sequence != 0 && settled == nil { // progress is no news
				settled = time.After(watchPause)
			}
			if !more {
				return messages.NewFailure("interrupted", "watch", "interrupted")
			}
		case <-settled:
			return nil
		case <-redraw:
			return nil
		case <-ctx.Done():
			return messages.NewFailure("interrupted", "watch", "interrupted")
		}
	}
}
