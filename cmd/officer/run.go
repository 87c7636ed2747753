package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/config"
	"github.com/officer-doofy/officer/internal/process"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type runResult struct {
	report.Head
	Databases []string `json:"databases"`
	Reason    string   `json:"reason"` // why it ended
}

// runOrder is what a command line of "officer run" asks for.
type runOrder struct {
	databases []string
	command   []string // after "--"
	sidecar   bool
	parent    int
	wait      bool
	takeOver  bool
}

func (c *cli) runVerb() *cobra.Command {
	o := &runOrder{}
	cmd := c.verb("run [DB...] [-- COMMAND...]", "Look after databases until stopped", cobra.ArbitraryArgs, nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.databases = args
		if at := cmd.ArgsLenAtDash(); at >= 0 {
			o.databases, o.command = args[:at], args[at:]
			if len(o.command) == 0 {
				return usage("there is no command after --", "officer run app.db -- ./app")
			}
		}
		done, err := c.run(cmd.Context(), o)
		c.done = done
		return err
	}
	f := cmd.Flags()
	f.StringVar(&c.listen, "listen", "", "address of a TCP port for API and page; 127.0.0.1:0 takes a free one")
	f.BoolVar(&o.sidecar, "sidecar", false, "for the program that started this one: JSON on stdout, and end when it ends or closes stdin")
	f.IntVar(&o.parent, "parent", 0, "with --sidecar: live for the process with this `PID`, not for the one that started this one")
	f.BoolVar(&o.wait, "wait", false, "wait for databases that do not exist yet")
	f.BoolVar(&o.takeOver, "take-over", false, "have a running Officer of these databases stop, and take its place")
	return cmd
}

// run takes the place of an Officer that ends, starts, opens the sockets, tells who
// asked, and stays until there is a reason to stop.
func (c *cli) run(ctx context.Context, o *runOrder) (*outcome, error) {
	lives := livesOf(o, c.in) // first of all: who ends from here on is seen to
	c.steady()
	if err := c.understand(o); err != nil {
		return nil, err
	}
	cfg, err := c.settings(o.databases)
	if err != nil {
		return nil, err
	}
	for _, text := range cfg.Warnings() {
		c.warn(text)
	}
	if err := runnable(cfg); err != nil {
		return nil, err
	}
	program, err := programOf(o.command)
	if err != nil {
		return nil, err
	}
	start := configured(cfg)
	start.Await = o.wait || program != ""
	late := make(chan officer.Looked, len(cfg.Databases))
	start.Late = func(d officer.Looked) { late <- d }
	running, before, err := c.begin(ctx, start, o.takeOver)
	if err != nil {
		return nil, err
	}
	r := &runner{Officer: running, c: c, args: o.databases, waits: start.Await, late: late, end: newEnding()}
	r.now.Store(cfg)
	if err := r.serve(); err != nil {
		_ = running.Close()
		return nil, err
	}
	return r.stay(ctx, &stay{order: o, program: program, before: before, lives: lives})
}

// understand settles what the flags mean together.
func (c *cli) understand(o *runOrder) error {
	if o.sidecar && len(o.command) > 0 {
		return usage("--sidecar and a command after -- are two ways to the same: the app starts Officer, or Officer the app",
			"officer run app.db --sidecar", "officer run app.db -- ./app")
	}
	if o.parent != 0 && !o.sidecar {
		return usage("--parent goes with --sidecar", "officer run app.db --sidecar --parent PID")
	}
	if o.sidecar {
		c.json = true
	}
	if len(o.command) > 0 {
		c.out, c.style = c.err, c.errStyle // stdout is the app's
	}
	return nil
}

func runnable(cfg *config.Config) error {
	if len(cfg.Databases) == 0 {
		return usage("no database was named", "officer run DB", "officer run --config officer.yaml")
	}
	return nil
}

// stay is what a run does besides looking after databases.
type stay struct {
	order   *runOrder
	program string // path of the app to start, "" = none
	before  *holder
	lives   *lives
}

// stay tells who asked that Officer is ready, and works until the end.
func (r *runner) stay(ctx context.Context, s *stay) (*outcome, error) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r.c.ready(r, s)
	go process.Bury(work, r.isChild)
	go r.watchdog(work)
	go r.await(work)
	go r.recovered(work)
	go s.lives.watch(work, r.end)
	shown := make(chan int, 1)
	go func() { shown <- r.c.narrate(work, r) }()
	code, err := r.attend(ctx, work, s)
	health, stuck := r.finish(shown)
	switch {
	case err != nil:
		return nil, err
	case stuck != nil:
		return nil, stuck
	case s.program == "":
		code = health
	}
	r.c.note("Stopped.")
	return &outcome{code: code, json: &runResult{Databases: pathsOf(r.Officer), Reason: r.end.why()}}, nil
}

// attend returns when there is a reason to stop and what was promised is done; with an
// app of its own that is when the app has ended, and code is the app's.
func (r *runner) attend(ctx, work context.Context, s *stay) (code int, err error) {
	if s.program != "" {
		return r.accompany(ctx, s.program, s.order.command)
	}
	defer context.AfterFunc(ctx, func() { r.end.want("a signal", 0) })()
	go r.hangups(work)
	go giveBack(work)
	r.end.rest()
	return report.Done, nil
}

// finish stops everything and gives the exit code that the last known health stands for.
func (r *runner) finish(shown <-chan int) (health int, err error) {
	r.c.leave(r.end.why())
	err = r.Close()
	health = <-shown
	if err != nil {
		return health, messages.NewFailure("no_answer", "stop", "something did not stop within five seconds").
			WithDid("What was going on was cancelled; no half-made backup counts.")
	}
	return health, nil
}

func pathsOf(o *officer.Officer) []string {
	var paths []string
	for _, d := range o.Databases() {
		paths = append(paths, d.Path)
	}
	return paths
}

func processID() int64 { return int64(os.Getpid()) }
