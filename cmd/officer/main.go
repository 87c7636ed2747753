// Command officer looks after SQLite databases: verified backups, integrity checks,
// restores that can be undone. "officer run app.db" begins.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

func main() {
	slim()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	work := func(ctx context.Context) int { return execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr) }
	if code, ok := serviced(work); ok {
		os.Exit(code)
	}
	os.Exit(work(ctx))
}

// cli is one run of the command: where it reads and writes, and the global flags.
type cli struct {
	in       io.Reader
	out, err io.Writer
	home     string
	config   string // file; see configFile
	listen   string // of run
	json     bool
	quiet    bool
	style    style // of out
	errStyle style // of err
	done     *outcome
	hurry    func() // see steady
}

// outcome is what a verb ended with: the exit code, the object for --json, and the
// text for people.
type outcome struct {
	code int
	json report.Body
	text func(io.Writer, style)
}

// execute runs one command line and gives its exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	c := &cli{in: in, out: out, err: errOut, style: styleOf(out), errStyle: styleOf(errOut)}
	root := c.command()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err != nil {
		return c.fail(ctx, err, args)
	}
	if c.done == nil {
		return report.Done // help, completion
	}
	return c.finish(c.done)
}

// command makes the tree of verbs.
func (c *cli) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "officer",
		Short: "Officer looks after SQLite databases",
		Long: "Officer looks after SQLite databases: it makes backups and proves them, checks the\n" +
			"live database, and restores it in place when needed. Verbs reach a running Officer\n" +
			"through a socket beside the database; without one they take its lock and work directly.",
		Example:       "  officer run app.db\n  officer status app.db\n  officer restore app.db --dry-run",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.home, "home", "", "`DIR` of backups, log and lock (default DB-officer beside the database)")
	flags.StringVar(&c.config, "config", "", "configuration `FILE` (default $"+configVariable+")")
	flags.BoolVar(&c.json, "json", false, "JSON on stdout and nothing else")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "only results and errors")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err.Error()) })
	root.AddCommand(
		c.runVerb(), c.statusVerb(), c.backupVerb(), c.listVerb(), c.showVerb(), c.explainVerb(), c.diffVerb(), c.drillVerb(), c.eventsVerb(),
		c.verifyVerb(), c.checkVerb(), c.vacuumVerb(), c.analyzeVerb(), c.restoreVerb(), c.repairVerb(), c.undoVerb(), c.recoverVerb(), c.pinVerb(), c.unpinVerb(),
		c.logsVerb(), c.metricsVerb(), c.checkpointVerb(), c.versionVerb(), c.configVerb(), c.dashboardVerb(), c.notifyVerb(), c.doctorVerb(),
		c.installVerb(), c.uninstallVerb(), c.completionVerb(), c.manVerb(),
	)
	root.CompletionOptions.DisableDefaultCmd = true // completionVerb is cobra's with an example
	c.explainVerbs(root)
	return root
}

// verb makes a command whose work ends in an outcome.
func (c *cli) verb(use, short string, args cobra.PositionalArgs, work func(context.Context, []string) (*outcome, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: worded(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			done, err := work(cmd.Context(), args)
			c.done = done
			return err
		},
	}
}

// worded makes cobra's complaint about arguments a usage failure with the right form.
func worded(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return usage("officer "+cmd.Name()+" takes other arguments", "officer "+cmd.Use, "officer "+cmd.Name()+" --help")
		}
		return nil
	}
}

func usage(text string, hints ...string) *messages.Failure {
	if len(hints) == 0 {
		hints = []string{"officer --help"}
	}
	return messages.NewFailure("usage", "read the command line", "%s", text).
		WithDid("Nothing was touched.").WithHints(hints...)
}

// finish shows an outcome.
func (c *cli) finish(o *outcome) int {
	if c.json {
		report.Finish(o.json, o.code)
		c.line(o.json)
		return o.code
	}
	if o.text != nil {
		o.text(c.out, c.style)
	}
	return o.code
}

// showError shows a failure, and the lines of a configuration that it speaks of.
func showError(c *cli, err error) {
	var m *mistaken
	if errors.As(err, &m) {
		m.show(c.err, c.errStyle)
		fmt.Fprintln(c.err, m.Did)
		for _, h := range m.Hints {
			fmt.Fprintf(c.err, "  → %s\n", clean(h))
		}
		return
	}
	var f *messages.Failure
	if errors.As(err, &f) {
		showFailure(c.err, c.errStyle, f)
	}
}

// plainly gives the failure alone: that is what travels.
func plainly(err error) error {
	var f *messages.Failure
	if errors.As(err, &f) {
		return f
	}
	return err
}

// fail shows an error and gives its exit code. args tell whether --json was asked for
// when the command line itself could not be read.
func (c *cli) fail(ctx context.Context, err error, args []string) int {
	var f *messages.Failure
	if !errors.As(err, &f) {
		f = usage(strings.ReplaceAll(err.Error(), "\n", " ")) // only cobra's own errors are of another kind
	}
	c.pasteable(f)
	code := report.CodeOf(f)
	if ctx.Err() != nil && (f.Code == "interrupted" || f.Code == "actor_gone" || f.Code == "no_officer") {
		code = report.Interrupted
	}
	c.json = c.json || wantsJSON(args)
	if c.json {
		line := &failed{Failure: report.FailureOf(f, code)}
		var h *held
		if errors.As(err, &h) {
			line.Other = h.by.json()
		}
		c.line(line)
		return code
	}
	var m *mistaken
	if errors.As(err, &m) {
		showError(c, m)
		return code
	}
	showFailure(c.err, c.errStyle, f)
	return code
}

// wantsJSON reads from a command line that could not be understood how it wants to hear so.
func wantsJSON(args []string) bool {
	for _, a := range args {
		switch a {
		case "--json", "--json=true", "--sidecar", "--sidecar=true":
			return true
		case "--":
			return false
		}
	}
	return false
}
