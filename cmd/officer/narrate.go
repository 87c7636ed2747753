package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

// narration is what is shown of one run: the first minute of each database and then what
// matters.
type narration struct {
	c     *cli
	o     *officer.Officer
	end   *ending
	views map[string]*view
	seen  map[string]uint64 // number of the newest event shown, by database
	told  string            // to the service manager
}

// narrate shows what happens until the events end. The result is the exit code that the
// newest known health stands for.
func (c *cli) narrate(ctx context.Context, r *runner) int {
	n := &narration{c: c, o: r.Officer, end: r.end, views: make(map[string]*view), seen: make(map[string]uint64)}
	for _, d := range n.o.Databases() {
		n.meet(ctx, d, len(n.o.Databases()) > 1)
	}
	for n.listen(ctx) {
		continue
	}
	code := report.Done
	for _, v := range n.views {
		code = max(code, report.CodeOfHealth(v.health))
	}
	return code
}

// listen shows events until there are no more, or until the reader of this output was so
// slow that some would be missing: then again is true, and the next one goes on with
// those that are still held. The numbers show whether any were lost.
func (n *narration) listen(ctx context.Context) (again bool) {
	events, err := n.o.Subscribe(ctx, &messages.WatchRequest{Replay: true})
	if err != nil {
		n.c.warn(textOf(err))
		return false
	}
	for e := range events {
		if e.Sequence != 0 && e.Sequence <= n.seen[e.Database] {
			continue
		}
		n.seen[e.Database] = max(n.seen[e.Database], e.Sequence)
		n.show(ctx, e)
	}
	return ctx.Err() == nil && !n.end.stopping()
}

func (n *narration) show(ctx context.Context, e *messages.Event) {
	if n.views[e.Database] == nil {
		n.newcomer(ctx, e.Database)
	}
	if n.c.json && !n.c.quiet {
		n.c.event(e)
	}
	if v := n.views[e.Database]; v != nil {
		v.hear(ctx, e)
	}
	n.sum()
}

func (n *narration) meet(ctx context.Context, d officer.Looked, label bool) {
	v := &view{c: n.c, o: n.o, name: d.Name, path: d.Path, home: d.Home, label: label}
	n.views[d.Name] = v
	v.greet(ctx)
	n.sum()
}

// newcomer greets a database that a new configuration brought, or that was waited for.
func (n *narration) newcomer(ctx context.Context, name string) {
	for _, d := range n.o.Databases() {
		if d.Name == name {
			n.meet(ctx, d, len(n.o.Databases()) > 1)
		}
	}
}

// sum tells the service manager the worst headline of all databases, when it is another
// one. Only its first sentence: what follows says how old a backup is, and would stand
// there for hours.
func (n *narration) sum() {
	worst, text := messages.Severity_SEVERITY_GREEN, ""
	for _, d := range n.o.Databases() {
		v := n.views[d.Name]
		if v == nil || v.health < worst || v.headline == "" {
			continue
		}
		if v.health > worst || text == "" {
			sentence, _, _ := strings.Cut(v.headline, ". ")
			worst, text = v.health, baseOf(d.Path)+": "+clean(strings.TrimSuffix(sentence, "."))+"."
		}
	}
	if text != n.told {
		n.told = text
		tell("STATUS=" + text)
	}
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

func (c *cli) event(e *messages.Event) {
	if e.Sequence == 0 {
		return // progress of work that nobody asked for
	}
	c.line(report.EventOf(e))
}
