package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type runResult struct {
	report.Head
	Databases []string `json:"databases"`
}

func (c *cli) runVerb() *cobra.Command {
	return c.verb("run [DB...]", "Look after databases until stopped", cobra.ArbitraryArgs,
		func(ctx context.Context, args []string) (*outcome, error) { return c.run(ctx, args) })
}

// run starts, opens the sockets, shows the first minute, and stays until it is told to stop.
func (c *cli) run(ctx context.Context, args []string) (*outcome, error) {
	cfg, err := c.settings(args)
	if err != nil {
		return nil, err
	}
	for _, text := range cfg.Warnings() {
		c.warn(text)
	}
	if len(cfg.Databases) == 0 {
		return nil, usage("no database was named", "officer run DB", "officer run --config officer.yaml")
	}
	if cfg.API.Listen != "" {
		return nil, messages.NewFailure("unsupported", "read the configuration", "api.listen is not there yet: the API answers at the socket alone").
			WithDid("Nothing was changed.")
	}
	o, err := officer.Start(ctx, configured(cfg))
	if err != nil {
		return nil, err
	}
	r := &runner{Officer: o, c: c, args: args, off: cfg.API.Socket == "off", end: newEnding()}
	r.api = control.New(r)
	r.now.Store(cfg)
	defer context.AfterFunc(ctx, func() { r.end.want("a signal", 0) })()
	r.serve()
	go r.hangups(ctx)
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	shown := make(chan int, 1)
	go func() { shown <- c.narrate(work, o) }()
	r.end.rest()
	r.closeAll()
	err = o.Close()
	cancel()
	code := <-shown
	if err != nil {
		return nil, messages.NewFailure("no_answer", "stop", "something did not stop within five seconds").
			WithDid("What was going on was cancelled; no half-made backup counts.")
	}
	if !c.quiet && !c.json {
		fmt.Fprintln(c.out, "Stopped.")
	}
	return &outcome{code: code, json: &runResult{Databases: pathsOf(o)}}, nil
}

func pathsOf(o *officer.Officer) []string {
	var paths []string
	for _, d := range o.Databases() {
		paths = append(paths, d.Path)
	}
	return paths
}

func textOf(err error) string {
	var f *messages.Failure
	if errors.As(err, &f) {
		return f.Text
	}
	return "an unexpected error"
}

func (c *cli) warn(text string) {
	fmt.Fprintf(c.err, "%s %s\n", c.errStyle.warn(), clean(text))
}

// narrate shows the first minute of each database and then what matters, until the
// events end. The result is the exit code that the newest known health stands for.
func (c *cli) narrate(ctx context.Context, o *officer.Officer) int {
	events, err := o.Subscribe(ctx, &messages.WatchRequest{Replay: true})
	if err != nil {
		c.warn(textOf(err))
		return report.Failed
	}
	for _, p := range o.Problems() {
		showFailure(c.err, c.errStyle, p.Failure)
	}
	views := make(map[string]*view)
	for _, d := range o.Databases() {
		v := &view{c: c, o: o, name: d.Name, path: d.Path, home: d.Home, label: len(o.Databases()) > 1}
		views[d.Name] = v
		v.greet(ctx)
	}
	for e := range events {
		if views[e.Database] == nil {
			c.newcomer(ctx, o, views, e.Database)
		}
		if c.json {
			c.event(e)
		}
		if v := views[e.Database]; v != nil {
			v.hear(ctx, e)
		}
	}
	code := report.Done
	for _, v := range views {
		code = max(code, report.CodeOfHealth(v.health))
	}
	return code
}

// newcomer greets a database that a new configuration brought.
func (c *cli) newcomer(ctx context.Context, o *officer.Officer, views map[string]*view, name string) {
	for _, d := range o.Databases() {
		if d.Name == name {
			views[name] = &view{c: c, o: o, name: d.Name, path: d.Path, home: d.Home, label: true}
			views[name].greet(ctx)
		}
	}
}

func (c *cli) event(e *messages.Event) {
	if e.Sequence == 0 {
		return // progress of work that nobody asked for
	}
	c.line(report.EventOf(e))
}

func baseOf(path string) string { return clean(filepath.Base(path)) }
