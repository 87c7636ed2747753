package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/process"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// programOf finds the app of a command line, before anything is touched; "" without one.
func programOf(command []string) (string, error) {
	if len(command) == 0 {
		return "", nil
	}
	path, err := process.Find(command[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", usage(fmt.Sprintf("there is no program %s", command[0]), "officer run app.db -- ./app")
	}
	return path, nil
}

// accompany runs the app until it ends by itself, passes signals on, and ends what it left
// behind. code is the app's: of its exit, or 128 + n when signal n ended it.
func (r *runner) accompany(ctx context.Context, program string, command []string) (code int, err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, process.Passed()...)
	defer signal.Stop(signals)
	if ctx.Err() != nil { // before there was an app that it could have been meant for
		r.end.want("a signal", 0)
		return report.Interrupted, nil
	}
	child, err := process.Start(program, command, r.environment(os.Environ()), []*os.File{os.Stdin, os.Stdout, os.Stderr})
	if err != nil {
		r.end.want("the app could not be started", 0)
		return 0, messages.NewFailure("invalid", "start the app", "%s could not be started", program).
			WithDid("Officer stopped again.").WithHints("ls -l " + shell.Word(program))
	}
	r.app.Store(child)
	r.end.keep(fmt.Sprintf("this Officer runs %s and ends with it", clean(filepath.Base(program))))
	for {
		select {
		case s := <-signals:
			child.Signal(s)
		case <-child.Ended():
			child.Sweep()
			r.end.want(fmt.Sprintf("%s ended with code %d", clean(filepath.Base(program)), child.Code()), 0)
			return child.Code(), nil
		}
	}
}

// isChild tells whether a process is the app, for which accompany waits.
func (r *runner) isChild(pid int) bool {
	child := r.app.Load()
	return child != nil && child.PID() == pid
}

// environment is what the app gets: where Officer answers, and nothing of what a service
// manager told Officer about itself.
func (r *runner) environment(from []string) []string {
	at := r.toCome(r.endpoint())
	var env []string
	for _, pair := range from {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "OFFICER_SOCKET", "OFFICER_URL", "OFFICER_TOKEN_FILE", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID":
		default:
			env = append(env, pair)
		}
	}
	add := func(name, value string) {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	add("OFFICER_SOCKET", at.Socket)
	add("OFFICER_URL", at.URL)
	add("OFFICER_TOKEN_FILE", at.TokenFile)
	return env
}

// toCome fills in where Officer will answer once the first database is there: the app that
// makes it has to know now.
func (r *runner) toCome(at officer.Endpoint) officer.Endpoint {
	cfg := r.now.Load()
	places, err := officer.PlacesOf(configured(cfg))
	if err != nil || len(places) == 0 {
		return at
	}
	if at.Socket == "" && cfg.API.Socket != "off" {
		at.Socket = control.SocketOf(places[0].Home)
	}
	if at.TokenFile == "" && at.URL != "" {
		at.TokenFile = filepath.Join(places[0].Home, "token")
	}
	return at
}
