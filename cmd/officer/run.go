package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/messages"
)

type runResult struct {
	head
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
		return exitFailed
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
	code := exitDone
	for _, v := range views {
		code = max(code, exitOfHealth(v.health))
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

// eventJSON is one event as a line of NDJSON.
type eventJSON struct {
	Type     string  `json:"type"`
	Event    string  `json:"event"`
	Sequence uint64  `json:"sequence"`
	Time     *string `json:"time"`
	Database string  `json:"database"`
	Text     string  `json:"text"`
}

func (c *cli) event(e *messages.Event) {
	if e.Sequence == 0 {
		return // progress of work that nobody asked for
	}
	c.line(eventOf(e))
}

func eventOf(e *messages.Event) eventJSON {
	return eventJSON{"event", e.Type, e.Sequence, stamp(e.TimeUnixMs), e.Database, eventText(e)}
}

// eventText is one sentence for an event.
func eventText(e *messages.Event) string {
	switch b := e.Body.(type) {
	case *messages.Event_BackupTaken:
		k := b.BackupTaken.Backup
		return fmt.Sprintf("backup made and verified: %s in %s, %s", size(k.GetSizeBytes()), seconds(k.GetCopyMs()+k.GetVerifyMs()), shown(k.GetPath()))
	case *messages.Event_BackupFailed:
		return "no backup could be made: " + b.BackupFailed.Failure.GetText()
	case *messages.Event_BackupSkipped:
		return "nothing changed since the verified backup of " + when(b.BackupSkipped.Standing.GetTakenAtUnixMs())
	case *messages.Event_BackupPruned:
		return "backup " + b.BackupPruned.Dropped.GetId() + " dropped: " + b.BackupPruned.Dropped.GetReason()
	case *messages.Event_BackupRotten:
		return "stored backup " + b.BackupRotten.Verdict.GetBackup().GetId() + " is " + b.BackupRotten.Verdict.GetVerdict()
	case *messages.Event_IntegrityChecked:
		return "checked: " + strings.ReplaceAll(b.IntegrityChecked.Report.GetVerdict(), "_", " ")
	case *messages.Event_DamageFound:
		return "damage found: " + firstFinding(b.DamageFound.Report)
	case *messages.Event_DamageGone:
		return "the damage is gone"
	case *messages.Event_RestoreFinished:
		return either(b.RestoreFinished.Undo, "restore taken back", "restored from "+b.RestoreFinished.Report.GetRestoredFrom())
	case *messages.Event_RestoreFailed:
		return "restore failed: " + b.RestoreFailed.Failure.GetText()
	case *messages.Event_HealthChanged:
		return b.HealthChanged.Report.GetHeadline()
	case *messages.Event_FenceChanged:
		return either(b.FenceChanged.Active, "writes are held back: ", "writes are let through again: ") + b.FenceChanged.Reason
	case *messages.Event_WalCheckpointed, *messages.Event_WalGrew, *messages.Event_WalBlocked:
		return walText(e)
	case *messages.Event_ActorRestarted:
		return "part " + b.ActorRestarted.Actor + " crashed and was restarted"
	case *messages.Event_ActorGaveUp:
		return "part " + b.ActorGaveUp.Actor + " crashed too often and rests; everything else goes on"
	case *messages.Event_DrillFinished:
		r := b.DrillFinished.Report
		return "restore drill of backup " + r.GetBackup().GetId() + either(r.GetOk(), ": usable after "+seconds(r.GetRestoreMs()), ": it did not restore")
	case *messages.Event_SchemaChanged:
		return "the schema changed: backup " + b.SchemaChanged.PinnedId + " before it is pinned until " + when(b.SchemaChanged.UntilUnixMs)
	case *messages.Event_TamperingFound:
		return b.TamperingFound.File + " was changed past Officer: " + strings.Join(b.TamperingFound.What, "; ")
	case *messages.Event_DiskLevelChanged:
		return diskText(b.DiskLevelChanged)
	case *messages.Event_Lifecycle:
		return b.Lifecycle.State
	}
	return e.Type
}

func firstFinding(r *messages.CheckReport) string {
	if len(r.GetFindings()) == 0 {
		return "seen twice"
	}
	f := r.Findings[0]
	text := f.Detail
	if f.Object != "" {
		text = f.Object + ": " + text
	}
	if n := len(r.Findings) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

func baseOf(path string) string { return clean(filepath.Base(path)) }
