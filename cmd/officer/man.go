package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type manResult struct {
	report.Head
	Files []string `json:"files"`
}

// manVerb is for who makes packages; it is not listed.
func (c *cli) manVerb() *cobra.Command {
	var dir string
	cmd := c.verb("man", "Write the manual pages", cobra.NoArgs, nil)
	cmd.Hidden = true
	cmd.Flags().StringVar(&dir, "dir", ".", "folder, of which man1 is made")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		done, err := c.man(cmd.Context(), cmd.Root(), dir)
		c.done = done
		return err
	}
	return cmd
}

func (c *cli) man(_ context.Context, root *cobra.Command, dir string) (*outcome, error) {
	result := &manResult{Files: []string{}}
	section := filepath.Join(dir, "man1")
	if err := os.MkdirAll(section, 0o755); err != nil { //nolint:gosec // G301: everybody reads manual pages
		return nil, messages.NewFailure("permission", "write manual pages", "the folder %s cannot be made", section)
	}
	for _, cmd := range append([]*cobra.Command{root}, verbsOf(root)...) {
		var page bytes.Buffer
		manPage(&page, cmd)
		file := filepath.Join(section, manName(cmd)+".1")
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil { //nolint:gosec // G306: the same
			return nil, messages.NewFailure("io_error", "write manual pages", "%s cannot be written", file)
		}
		result.Files = append(result.Files, file)
	}
	return &outcome{json: result, text: func(w io.Writer, _ style) {
		fmt.Fprintf(w, "%d manual pages in %s\n", len(result.Files), clean(section))
	}}, nil
}

// verbsOf lists the verbs that people see, with their own verbs.
func verbsOf(cmd *cobra.Command) (list []*cobra.Command) {
	for _, sub := range cmd.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			list = append(append(list, sub), verbsOf(sub)...)
		}
	}
	return list
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage writes one page in the macros of man(7).
func manPage(w io.Writer, cmd *cobra.Command) {
	name := manName(cmd)
	fmt.Fprintf(w, ".TH %s 1 \"\" \"officer %s\" \"Officer\"\n", roff(strings.ToUpper(name)), officer.Version)
	fmt.Fprintf(w, ".SH NAME\n%s \\- %s\n", roff(name), roff(cmd.Short))
	use := cmd.CommandPath() + strings.TrimPrefix(cmd.Use, cmd.Name())
	fmt.Fprintf(w, ".SH SYNOPSIS\n.B %s\n", roff(use))
	fmt.Fprintf(w, ".SH DESCRIPTION\n%s\n", paragraphs(cmd.Long))
	if cmd.HasParent() {
		manFlags(w, "OPTIONS", cmd.NonInheritedFlags())
	}
	manFlags(w, "OPTIONS OF ALL VERBS", cmd.Root().PersistentFlags())
	if cmd.Example != "" {
		fmt.Fprintf(w, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(cmd.Example))
	}
	if !cmd.HasParent() {
		manVerbs(w, cmd)
	}
	fmt.Fprint(w, ".SH EXIT STATUS\n")
	for _, row := range exitTexts {
		fmt.Fprintf(w, ".TP\n.B %d\n%s\n", row.code, roff(row.text))
	}
	fmt.Fprint(w, ".SH ENVIRONMENT\n.TP\n.B OFFICER_CONFIG\nThe configuration file when there is no \\-\\-config.\n"+
		".TP\n.B OFFICER_BACKUP_EVERY=1h\nAnd so on: every setting, above the file; see officer config show.\n.TP\n.B NO_COLOR\nNo colours.\n")
	if cmd.HasParent() {
		fmt.Fprint(w, ".SH SEE ALSO\n.BR officer (1)\n")
	}
}

// exitTexts is what the exit codes mean.
var exitTexts = []struct {
	code int
	text string
}{
	{report.Done, "done, green"}, {report.Failed, "failed"}, {report.Usage, "wrong usage; nothing was touched"},
	{report.Warnings, "done with warnings, yellow"}, {report.Damage, "damage, red"}, {report.Refused, "refused for safety"},
	{report.NoOfficer, "no Officer answers"}, {report.Nothing, "nothing to restore"},
	{report.Locked, "another Officer looks after this database"}, {report.Interrupted, "interrupted, cleaned up"},
}

func manVerbs(w io.Writer, root *cobra.Command) {
	fmt.Fprint(w, ".SH VERBS\n")
	for _, sub := range verbsOf(root) {
		fmt.Fprintf(w, ".TP\n.BR %s (1)\n%s\n", roff(manName(sub)), roff(sub.Short))
	}
}

func manFlags(w io.Writer, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(w, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, text := pflag.UnquoteUsage(f)
		names := "--" + f.Name
		if f.Shorthand != "" {
			names = "-" + f.Shorthand + ", " + names
		}
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace(names+" "+value)), roff(text))
	})
}

// paragraphs sets an empty line as a paragraph.
func paragraphs(text string) string { return strings.ReplaceAll(roff(text), "\n\n", "\n.PP\n") }

// roff keeps text from being read as a request of roff, and hyphens as they are typed.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
