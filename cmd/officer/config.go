package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/config"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type settingJSON struct {
	Path   string `json:"path"`
	Value  string `json:"value"`
	Source string `json:"source"`
	Where  string `json:"where"`
}

type sectionJSON struct {
	Database string        `json:"database"` // empty: the common settings
	Settings []settingJSON `json:"settings"`
}

type configResult struct {
	report.Head
	File     string        `json:"file"`
	Sections []sectionJSON `json:"sections"`
	Warnings []string      `json:"warnings"`
}

type reloadResult struct {
	report.Head
	Changed      []string `json:"changed"`
	Added        []string `json:"added"`
	Removed      []string `json:"removed"`
	NeedsRestart []string `json:"needs_restart"`
}

type textResult struct {
	report.Head
	Text string `json:"text"`
}

func (c *cli) configVerb() *cobra.Command {
	root := &cobra.Command{Use: "config", Short: "Check, show or begin a configuration", Args: worded(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	root.AddCommand(
		c.verb("check [FILE]", "Say whether a configuration can be used", cobra.MaximumNArgs(1), c.configCheck),
		c.configShowVerb(),
		c.verb("schema", "Print the JSON schema for editors", cobra.NoArgs, func(context.Context, []string) (*outcome, error) {
			text, err := config.Schema()
			if err != nil {
				return nil, messages.NewFailure("internal", "make the schema", "the schema could not be made")
			}
			return printed(string(text) + "\n"), nil
		}),
		c.verb("init [DB]", "Print a configuration with every setting and its default", cobra.MaximumNArgs(1),
			func(_ context.Context, args []string) (*outcome, error) {
				return printed(config.Template(strings.Join(append(args, "app.db")[:1], ""))), nil
			}),
		c.verb("reload DB", "Have a running Officer read its configuration again", cobra.ExactArgs(1), c.configReload),
	)
	return root
}

func printed(text string) *outcome {
	return &outcome{json: &textResult{Text: text}, text: func(w io.Writer, _ style) { fmt.Fprint(w, text) }}
}

// read gives the configuration of the argument, of --config or of the environment.
func (c *cli) read(args []string) (*config.Config, error) {
	if len(args) > 0 {
		c.config = args[0]
	}
	return c.settings(nil)
}

func (c *cli) configCheck(_ context.Context, args []string) (*outcome, error) {
	cfg, err := c.read(args)
	if err != nil {
		return nil, err
	}
	out := c.sections(cfg)
	code := report.Done
	if len(out.Warnings) > 0 {
		code = report.Warnings
	}
	return &outcome{code: code, json: out, text: func(w io.Writer, s style) {
		for _, text := range out.Warnings {
			fmt.Fprintf(w, "%s %s\n", s.warn(), clean(text))
		}
		what := "the environment"
		if out.File != "" {
			what = clean(out.File)
		}
		fmt.Fprintf(w, "%s %s can be used: %s\n", s.good(), what, count(len(cfg.Databases), "database"))
	}}, nil
}

func (c *cli) sections(cfg *config.Config) *configResult {
	out := &configResult{File: c.configFile(), Warnings: report.List(cfg.Warnings()), Sections: []sectionJSON{}}
	for _, s := range cfg.Show() {
		one := sectionJSON{Database: s.Database, Settings: []settingJSON{}}
		for _, l := range s.Lines {
			one.Settings = append(one.Settings, settingJSON{l.Path, l.Value, string(l.Origin.Source), l.Origin.Where})
		}
		out.Sections = append(out.Sections, one)
	}
	return out
}

func (c *cli) configShowVerb() *cobra.Command {
	var origin bool
	cmd := c.verb("show [FILE]", "Show every setting in force", cobra.MaximumNArgs(1), func(_ context.Context, args []string) (*outcome, error) {
		cfg, err := c.read(args)
		if err != nil {
			return nil, err
		}
		out := c.sections(cfg)
		return &outcome{json: out, text: func(w io.Writer, s style) {
			for _, section := range cfg.Show() {
				if section.Database != "" {
					fmt.Fprintf(w, "\n%s\n", clean(section.Database))
				}
				for _, l := range section.Lines {
					if !origin {
						fmt.Fprintf(w, "  %-32s %s\n", l.Path, clean(l.Value))
						continue
					}
					fmt.Fprintf(w, "  %-32s %-20s %s\n", l.Path, clean(l.Value), s.dim(clean(l.Origin.String())))
				}
			}
		}}, nil
	})
	cmd.Flags().BoolVar(&origin, "origin", false, "say where each value came from")
	return cmd
}

func (c *cli) configReload(ctx context.Context, args []string) (*outcome, error) {
	r, err := c.running(ctx, args[0])
	if err != nil {
		return nil, err
	}
	defer r.close()
	done, err := asking[*messages.ConfigReloaded](ctx, c, r, &messages.ReloadConfig{})
	if err != nil {
		return nil, err
	}
	return &outcome{
		json: &reloadResult{Changed: report.List(done.Changed), Added: report.List(done.Added), Removed: report.List(done.Removed), NeedsRestart: report.List(done.NeedsRestart)},
		text: func(w io.Writer, s style) { fmt.Fprintf(w, "%s %s\n", s.good(), reloadText(done)) },
	}, nil
}
