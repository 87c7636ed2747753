package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// Patience with an Officer that has the lock.
const (
	// endsWithin is how long one that stops, or answers no more, is waited for: stopping
	// takes at most five seconds, and an app that restarts must not fail over that.
	endsWithin = 10 * time.Second
	// finishWithin is what one whose place is taken gets for the work it was asked for.
	finishWithin = 30 * time.Second
	// probeWithin is how long a healthy one may take to say who it is.
	probeWithin = 2 * time.Second
)

// holder is an Officer that has the lock of a home.
type holder struct {
	at        control.Endpoint
	version   string // as it says, or wrote down when it began
	pid       int64
	said      bool // it answered
	stopping  bool
	databases []string
}

// holderJSON is where the other one answers.
type holderJSON struct {
	Version   *string `json:"version"`
	PID       int64   `json:"pid"`
	Socket    *string `json:"socket"`
	URL       *string `json:"url"`
	TokenFile *string `json:"token_file"`
	Answers   bool    `json:"answers"`
}

func (h *holder) json() *holderJSON {
	if h == nil {
		return nil
	}
	return &holderJSON{Version: given(h.version), PID: h.pid, Socket: given(h.at.Socket), URL: given(h.at.URL),
		TokenFile: given(h.at.TokenFile), Answers: h.answers()}
}

func (h *holder) answers() bool { return h != nil && h.said }

func (h *holder) String() string {
	switch {
	case h.version == "":
		return "another Officer (it does not answer)"
	case !h.said:
		return fmt.Sprintf("another Officer (%s, pid %d, it does not answer)", clean(h.version), h.pid)
	}
	return fmt.Sprintf("another Officer (%s, pid %d)", clean(h.version), h.pid)
}

// holderOf asks who answers in a home; nil when nobody does.
func holderOf(ctx context.Context, home string) *holder {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	client, err := control.Dial(ctx, home, "")
	if err != nil {
		return nil
	}
	defer client.Close()
	h := &holder{}
	// One that could not write down where it is answers at its socket all the same.
	if at, err := control.ReadEndpoint(fsx.OS(), home); err == nil {
		h.at, h.version, h.pid = at, at.Version, int64(at.PID)
	} else {
		h.at.Socket = control.SocketOf(home)
	}
	if got, err := client.Ask(ctx, &messages.GetInfo{}, nil); err == nil {
		if info, ok := got.(*messages.Info); ok {
			h.said, h.version, h.pid, h.stopping, h.databases = true, info.Version, info.Pid, info.Stopping, info.Databases
		}
	}
	return h
}

// begin starts Officer. When another one has the lock and ends, that is waited for; when
// its place is to be taken, it is asked to end: before is that one.
func (c *cli) begin(ctx context.Context, start officer.Config, takeOver bool) (running *officer.Officer, before *holder, err error) {
	places, err := officer.PlacesOf(start)
	if err != nil {
		return nil, nil, err
	}
	for patience := time.Now().Add(endsWithin); ; {
		taken, works, err := c.makeRoom(ctx, places, takeOver)
		if taken != nil {
			before = taken
		}
		if err != nil {
			return nil, nil, err
		}
		switch {
		case works == len(places): // no need to wait for what is not to be had
			err = messages.NewFailure("locked", "look after "+filepath.Base(places[0].Path), "another Officer looks after %s", places[0].Path).
				WithDid("Nothing was changed.").WithHints("officer status " + shell.Word(places[0].Path))
		case works > 0:
			start.LockWait = 0
		case before != nil:
			start.LockWait = finishWithin + endsWithin
		default:
			start.LockWait = endsWithin
		}
		if err == nil {
			running, err = officer.Start(ctx, start)
		}
		ends, err := c.explain(ctx, places, err)
		// Who answered a moment ago may have been told to stop just then.
		if !ends || time.Now().After(patience) {
			return running, before, err
		}
	}
}

// makeRoom asks who has the homes, and asks them to stop when their place is to be taken.
// works counts those that go on.
func (c *cli) makeRoom(ctx context.Context, places []officer.Looked, takeOver bool) (taken *holder, works int, err error) {
	for _, at := range places {
		h := holderOf(ctx, at.Home)
		switch {
		case !h.answers() || h.stopping:
		case !takeOver:
			works++
		default:
			if err := c.take(ctx, at, h, places); err != nil {
				return nil, 0, err
			}
			taken = h
		}
	}
	return taken, works, nil
}

// take asks another Officer to stop. It must not look after a database that nobody would
// look after then.
func (c *cli) take(ctx context.Context, at officer.Looked, h *holder, places []officer.Looked) error {
	for _, path := range h.databases {
		if !slices.ContainsFunc(places, func(p officer.Looked) bool { return p.Path == path }) {
			return messages.NewFailure("refused", "take over", "%s also looks after %s, which would be left alone", h, path).
				WithDid("It goes on; nothing was changed.").WithHints("name that database too", fmt.Sprintf("kill %d", h.pid))
		}
	}
	client, err := control.Dial(ctx, at.Home, "")
	if err != nil {
		return nil // it ended meanwhile: its place is free
	}
	defer client.Close()
	_, err = client.Ask(ctx, &messages.StopOfficer{
		Reason:   fmt.Sprintf("officer %s (pid %d) takes over", officer.Version, processID()),
		FinishMs: finishWithin.Milliseconds(),
	}, nil)
	var f *messages.Failure
	if errors.As(err, &f) && f.Code != "no_officer" {
		return f
	}
	if !c.quiet {
		fmt.Fprintf(c.err, "Taking over %s from %s.\n", baseOf(at.Path), h)
	}
	return nil
}

// failed is the result of a command that could not do its work.
type failed struct {
	*report.Failure
	Other *holderJSON `json:"other,omitempty"` // of "locked": the Officer that has the lock
}

// held is the failure to get a lock, with who has it.
type held struct {
	*messages.Failure
	by *holder
}

// Unwrap gives the failure.
func (h *held) Unwrap() error { return h.Failure }

// explain says of a lock that could not be had who has it; ends tells that it will soon be free.
func (c *cli) explain(ctx context.Context, places []officer.Looked, err error) (ends bool, explained error) {
	var f *messages.Failure
	if !errors.As(err, &f) || f.Code != "locked" {
		return false, err
	}
	for _, at := range places {
		h := holderOf(ctx, at.Home)
		if h == nil {
			continue
		}
		f.Text = strings.Replace(f.Text, "another Officer", h.String(), 1)
		if h.answers() {
			f.Hints = append(f.Hints, "officer run --take-over "+shell.Word(at.Path))
		}
		return !h.answers() || h.stopping, &held{Failure: f, by: h}
	}
	return true, err
}
