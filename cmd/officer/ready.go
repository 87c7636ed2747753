package main

import (
	"fmt"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/report"
)

// readyJSON is the first line of "officer run --json": from here on Officer answers.
type readyJSON struct {
	Type      string          `json:"type"`
	Version   string          `json:"version"`
	PID       int64           `json:"pid"`
	Socket    *string         `json:"socket"`     // of the first database; it answers for all
	URL       *string         `json:"url"`        // null: no TCP port was asked for
	TokenFile *string         `json:"token_file"` // what the URL wants
	Databases []readyDatabase `json:"databases"`
	Waiting   []string        `json:"waiting"` // databases that are not there yet
	Problems  []readyProblem  `json:"problems"`
	Watches   []string        `json:"watches"` // whose end ends this one: "parent", "stdin"
	TookOver  *holderJSON     `json:"took_over,omitempty"`
}

type readyDatabase struct {
	Name   string  `json:"name"`
	Path   string  `json:"path"`
	Home   string  `json:"home"`
	Socket *string `json:"socket"`
}

type readyProblem struct {
	Path  string         `json:"path"`
	Error report.Problem `json:"error"`
}

// stoppingJSON is the line that says that and why the end begins.
type stoppingJSON struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// ready tells whoever started this run that Officer answers, and what it could not do.
func (c *cli) ready(r *runner, s *stay) {
	line := readyJSON{Type: "ready", Version: officer.Version, PID: processID(), Databases: []readyDatabase{}, Waiting: report.List(r.waiting()),
		Problems: []readyProblem{}, Watches: s.lives.names(), TookOver: s.before.json()}
	at := r.endpoint()
	line.Socket, line.URL, line.TokenFile = given(at.Socket), given(at.URL), given(at.TokenFile)
	for _, d := range r.Databases() {
		line.Databases = append(line.Databases, r.readyDatabase(d))
	}
	for _, p := range r.Problems() {
		if p.Failure.Code == "missing" && len(line.Waiting) > 0 {
			continue
		}
		line.Problems = append(line.Problems, readyProblem{Path: p.Path, Error: report.ProblemOf(p.Failure)})
		showFailure(c.err, c.errStyle, p.Failure)
	}
	if c.json {
		c.line(line)
	}
	if at.URL != "" && len(line.Databases) > 0 {
		c.note("API and page at %s   officer dashboard %s", at.URL, shown(line.Databases[0].Path))
	}
	for _, path := range line.Waiting {
		c.note("waiting for %s: it does not exist yet", baseOf(path))
	}
	tell(daemon.SdNotifyReady)
	if len(line.Waiting) > 0 {
		tell("STATUS=waiting for " + baseOf(line.Waiting[0]))
	}
}

func (r *runner) readyDatabase(d officer.Looked) readyDatabase {
	return readyDatabase{Name: d.Name, Path: d.Path, Home: d.Home, Socket: given(r.Endpoint(d.Path).Socket)}
}

// note writes a line for people.
func (c *cli) note(format string, args ...any) {
	if !c.json && !c.quiet {
		fmt.Fprintf(c.out, format+"\n", args...)
	}
}

// leave tells that the end begins. What is written from here on may fail: nobody has to
// be there any more.
func (c *cli) leave(reason string) {
	c.hurry()
	tell(daemon.SdNotifyStopping)
	switch {
	case c.json:
		c.line(stoppingJSON{Type: "stopping", Reason: reason})
	case !strings.HasPrefix(reason, "a signal"):
		c.note("Stopping: %s.", reason)
	}
}

// endpoint is where this Officer answers: at the first database that is there, and while
// all of them are waited for, at the port.
func (r *runner) endpoint() officer.Endpoint {
	for _, d := range r.Databases() {
		if at := r.Endpoint(d.Path); at.Socket != "" || at.URL != "" {
			return at
		}
	}
	return r.Endpoint("")
}

// given is nil for "", JSON's null.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
