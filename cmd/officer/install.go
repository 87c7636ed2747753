package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/internal/unit"
	"github.com/officer-doofy/officer/messages"
)

// installOrder is what a command line of "officer install" or "uninstall" asks for.
type installOrder struct {
	databases    []string
	user, system bool
	name         string
	dry, yes     bool
	place        manager
}

type installResult struct {
	report.Head
	Name     string  `json:"name"`
	Manager  string  `json:"manager"` // systemd, launchd, windows
	File     *string `json:"file"`    // null: Windows keeps services in its registry
	Text     string  `json:"text"`
	Commands []step  `json:"commands"` // that were run, or would be
	DryRun   bool    `json:"dry_run"`
	Changed  bool    `json:"changed"`
}

func (c *cli) installVerb() *cobra.Command {
	o := &installOrder{}
	return c.installing(o, "install [DB...]", "Have the system start Officer and keep it running", c.install)
}

func (c *cli) uninstallVerb() *cobra.Command {
	return c.installing(&installOrder{}, "uninstall [DB...]", "Remove what install wrote, and nothing else", c.uninstall)
}

// installing makes one of the two verbs.
func (c *cli) installing(o *installOrder, use, short string, work func(context.Context, *installOrder) (*outcome, error)) *cobra.Command {
	cmd := c.verb(use, short, cobra.ArbitraryArgs, func(ctx context.Context, args []string) (*outcome, error) {
		o.databases = args
		if o.user && o.system {
			return nil, usage("--user and --system exclude each other")
		}
		o.place.foreign = o.place.system != platformHere
		o.place.machine = o.system || !o.user && os.Geteuid() == 0
		return work(ctx, o)
	})
	f := cmd.Flags()
	f.BoolVar(&o.user, "user", false, "for your user: it runs while you are logged in (the default unless you are root)")
	f.BoolVar(&o.system, "system", false, "for the machine (the default for root)")
	f.StringVar(&o.name, "name", "", "`NAME` of the service (default officer-DB)")
	f.BoolVar(&o.dry, "dry-run", false, "only show what would be done")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.StringVar(&o.place.root, "root", "", "write below this `DIR` and tell nobody")
	f.StringVar(&o.place.system, "platform", platformHere, "as if this were linux, darwin or windows")
	_ = f.MarkHidden("root")
	_ = f.MarkHidden("platform")
	return cmd
}

// install shows what it is going to write, asks, writes it and has it started.
func (c *cli) install(ctx context.Context, o *installOrder) (*outcome, error) {
	if err := o.place.usable(o.dry); err != nil {
		return nil, err
	}
	u, err := c.unitOf(o)
	if err != nil {
		return nil, err
	}
	result := o.place.plan(u)
	result.DryRun = o.dry
	had, err := o.place.look(u.Name)
	if err != nil {
		return nil, err
	}
	if had.there {
		switch {
		case had.state == unit.Foreign:
			return nil, notOurs(had, "officer install --name officer-2 …", "install")
		case had.state == unit.Changed:
			return nil, wasChanged(had, "install")
		case had.text == result.Text:
			return &outcome{json: result, text: func(w io.Writer, _ style) {
				fmt.Fprintf(w, "%s is installed already, with just these settings.\n", had.name)
			}}, nil
		}
	}
	if err := c.sure(o, result, either(had.there, "will replace the one that install wrote", "will be written")); err != nil || o.dry {
		return &outcome{json: result}, err
	}
	if err := o.place.install(ctx, u, result); err != nil {
		return nil, err
	}
	result.Changed = true
	c.beside(ctx, o)
	return &outcome{json: result, text: func(w io.Writer, s style) {
		fmt.Fprintf(w, "%s %s is installed. officer status %s says how it goes; officer uninstall --name %s removes it.\n",
			s.good(), u.Name, shell.Word(c.first(o)), u.Name)
	}}, nil
}

// uninstall removes a service that is as install wrote it.
func (c *cli) uninstall(ctx context.Context, o *installOrder) (*outcome, error) {
	if err := o.place.usable(o.dry); err != nil {
		return nil, err
	}
	name, err := c.serviceName(o)
	if err != nil {
		return nil, err
	}
	had, err := o.place.look(name)
	switch {
	case err != nil:
		return nil, err
	case !had.there:
		return nil, messages.NewFailure("missing", "uninstall", "there is no service %s (%s)", name, had.name).
			WithDid("Nothing was changed.").WithHints("officer uninstall --name NAME", "officer uninstall --user --name "+name)
	case had.state == unit.Foreign:
		return nil, notOurs(had, "", "uninstall")
	case had.state == unit.Changed:
		return nil, wasChanged(had, "uninstall")
	}
	result := o.place.farewell(name, had)
	result.DryRun = o.dry
	if err := c.sure(o, result, "will be removed"); err != nil || o.dry {
		return &outcome{json: result}, err
	}
	if err := o.place.uninstall(ctx, name, result); err != nil {
		return nil, err
	}
	result.Changed = true
	return &outcome{json: result, text: func(w io.Writer, s style) {
		fmt.Fprintf(w, "%s %s is removed. The databases and their backups were not touched.\n", s.good(), name)
	}}, nil
}

func notOurs(had existing, hint, op string) error {
	f := messages.NewFailure("refused", op, "%s is there and was not written by officer install", had.name).WithDid("It was left alone.")
	if hint != "" {
		f = f.WithHints(hint)
	}
	return f
}

func wasChanged(had existing, op string) error {
	return messages.NewFailure("refused", op, "%s was changed since officer install wrote it", had.name).
		WithDid("It was left alone.").WithHints("rm " + shell.Word(had.name) + "   when nothing in it is needed any more")
}

// sure shows what is going to be done, and asks.
func (c *cli) sure(o *installOrder, r *installResult, what string) error {
	if !c.json {
		where := "The service " + r.Name
		if r.File != nil {
			where = *r.File
		}
		fmt.Fprintf(c.out, "%s %s:\n\n%s\n", clean(where), what, indented(r.Text))
		for _, command := range r.Commands {
			fmt.Fprintf(c.out, "Then: %s\n", clean(command.String()))
		}
	}
	if o.dry || o.yes {
		return nil
	}
	refusal := messages.NewFailure("not_confirmed", "install", "it was not confirmed").
		WithDid("Nothing was changed.").WithHints("the same with --yes", "the same with --dry-run")
	if c.json || !c.asks("Go on? [y/N] ") {
		return refusal
	}
	return nil
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + clean(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return b.String()
}

// beside says that an Officer runs already: the service gets its place when it ends.
func (c *cli) beside(ctx context.Context, o *installOrder) {
	if o.place.root != "" || c.quiet {
		return
	}
	if h := holderOf(ctx, c.homeOf(c.first(o))); h.answers() {
		fmt.Fprintf(c.err, "%s looks after %s\n", h, baseOf(c.first(o)))
	}
}

// first is the database by which people know the service.
func (c *cli) first(o *installOrder) string {
	places, err := c.placesFor(o)
	if err != nil || len(places) == 0 {
		return "DB"
	}
	return places[0].Path
}

func (c *cli) placesFor(o *installOrder) ([]officer.Looked, error) {
	cfg, err := c.settings(o.databases)
	if err != nil {
		return nil, err
	}
	if len(cfg.Databases) == 0 {
		return nil, usage("no database was named", "officer install DB", "officer install --config officer.yaml")
	}
	return officer.PlacesOf(configured(cfg))
}

// serviceName is the name that was given, or the one of the first database.
func (c *cli) serviceName(o *installOrder) (string, error) {
	name := o.name
	if name == "" {
		places, err := c.placesFor(o)
		if err != nil {
			return "", err
		}
		name = "officer-" + strings.Map(func(r rune) rune {
			if unit.ValidName("x" + string(r)) {
				return r
			}
			return '_'
		}, places[0].Name)
	}
	if !unit.ValidName(name) {
		return "", usage(fmt.Sprintf("%q is no name of a service: letters, digits, - _ .", name), "officer install --name officer-app app.db")
	}
	return name, nil
}

// unitOf is what the service manager should run: this program, with absolute paths.
func (c *cli) unitOf(o *installOrder) (unit.Unit, error) {
	name, err := c.serviceName(o)
	if err != nil {
		return unit.Unit{}, err
	}
	places, err := c.placesFor(o)
	if err != nil {
		return unit.Unit{}, err
	}
	u := unit.Unit{Name: name, System: o.place.machine, Args: []string{"run", "--quiet", "--wait"}, OwnTmp: true}
	if u.Program, err = o.place.program(); err != nil {
		return unit.Unit{}, err
	}
	if file := c.configFile(); file != "" {
		if file, err = filepath.Abs(file); err != nil {
			return unit.Unit{}, usage("the configuration has no usable path")
		}
		u.Args, u.Reloads = append(u.Args, "--config", file), true
	}
	if c.home != "" {
		home, err := filepath.Abs(c.home)
		if err != nil {
			return unit.Unit{}, usage(fmt.Sprintf("%q is no usable path", c.home))
		}
		u.Args = append(u.Args, "--home", home)
	}
	for _, database := range o.databases {
		path, err := filepath.Abs(database)
		if err != nil {
			return unit.Unit{}, usage(fmt.Sprintf("%q is no usable path", database))
		}
		u.Args = append(u.Args, path)
	}
	u.Description = "Officer looks after " + places[0].Path
	if n := len(places) - 1; n > 0 {
		u.Description += fmt.Sprintf(" and %d more", n)
	}
	return u, c.settleUnit(&u, places)
}

// settleUnit fills in whom it runs as and where it writes.
func (c *cli) settleUnit(u *unit.Unit, places []officer.Looked) error {
	for i, at := range places {
		dir := filepath.Dir(at.Path)
		if !exists(dir) {
			return messages.NewFailure("missing", "install", "there is no folder %s", dir).WithDid("Nothing was changed.")
		}
		user, group := ownerOf(at.Path)
		if i > 0 && user != u.User {
			return messages.NewFailure("refused", "install", "the databases belong to different users (%s and %s)", u.User, user).
				WithDid("Nothing was changed.").WithHints("officer install DB   once for each user's databases")
		}
		u.User, u.Group = user, group
		u.Folders = within(u.Folders, dir)
		if real, err := filepath.EvalSymlinks(at.Path); err == nil {
			u.Folders = within(u.Folders, filepath.Dir(real))
		}
		if filepath.Dir(at.Home) != dir {
			if !exists(at.Home) {
				return messages.NewFailure("missing", "install", "the home %s does not exist, and the service could not make it", at.Home).
					WithDid("Nothing was changed.").WithHints(fmt.Sprintf("install -d -m 700 -o %s -g %s %s", user, group, shell.Word(at.Home)))
			}
			u.Folders = within(u.Folders, at.Home)
		}
		if filepath.Dir(control.SocketOf(at.Home)) != at.Home {
			u.OwnTmp = false
		}
	}
	for _, dir := range u.Folders {
		for _, tmp := range []string{"/tmp", "/var/tmp"} {
			if dir == tmp || strings.HasPrefix(dir, tmp+"/") {
				u.OwnTmp = false
			}
		}
	}
	return nil
}

// within adds a folder unless one of them holds it.
func within(folders []string, dir string) []string {
	for _, one := range folders {
		if dir == one || strings.HasPrefix(dir, strings.TrimSuffix(one, "/")+"/") {
			return folders
		}
	}
	return append(folders, dir)
}

// existing is a service that is there already.
type existing struct {
	there bool
	name  string // of the file, or of the service
	text  string
	state unit.State
}

// unitBytesMax is more than any unit file has.
const unitBytesMax = 1 << 20

// lookAt reads a unit file.
func lookAt(file string) (existing, error) {
	had := existing{name: file}
	info, err := os.Lstat(file)
	if err != nil {
		return had, nil //nolint:nilerr // it is not there
	}
	had.there = true
	if !info.Mode().IsRegular() {
		return had, nil // a link to somewhere is somebody else's
	}
	data, err := fsx.ReadLimited(fsx.OS(), file, unitBytesMax)
	if err != nil {
		return had, messages.NewFailure("permission", "install", "%s cannot be read", file).WithDid("Nothing was changed.")
	}
	had.text, had.state = string(data), unit.StateOf(string(data))
	return had, nil
}
