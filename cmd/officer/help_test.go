package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestHelp_everyVerbHasIt(t *testing.T) {
	root := (&cli{}).command()
	var paths []string
	for _, cmd := range append(verbsOf(root), hiddenOf(root)...) {
		path := pathIn(cmd)
		paths = append(paths, path)
		if cmd.Short == "" || len(strings.Fields(cmd.Long)) < 5 || cmd.Example == "" {
			t.Errorf("%s: give it a line in helps: what it does and an example", path)
		}
		for _, line := range strings.Split(cmd.Example, "\n") {
			if !strings.Contains(line, "officer "+path) && !strings.HasPrefix(path, "notify") && path != "config" {
				t.Errorf("%s: the example %q does not show it", path, line)
			}
			if len(line) > 100 {
				t.Errorf("%s: the example %q is too long for a terminal", path, line)
			}
		}
		for _, line := range strings.Split(cmd.Long, "\n") {
			if len(line) > 90 {
				t.Errorf("%s: %q is too long for a terminal", path, line)
			}
		}
	}
	for path := range helps {
		if !slices.Contains(paths, path) {
			t.Errorf("helps speaks of %q, which is no verb", path)
		}
	}
}

func hiddenOf(root *cobra.Command) (list []*cobra.Command) {
	for _, sub := range root.Commands() {
		if sub.Hidden && !strings.HasPrefix(sub.Name(), "__") {
			list = append(list, sub)
		}
	}
	return list
}

// TestHelp_examplesAreUnderstood: every flag that an example shows is one of the verb's.
func TestHelp_examplesAreUnderstood(t *testing.T) {
	root := (&cli{}).command()
	flag := regexp.MustCompile(`(?:^|\s)--([a-z][a-z-]*)`)
	for _, cmd := range append(verbsOf(root), hiddenOf(root)...) {
		for _, line := range strings.Split(cmd.Example, "\n") {
			line, _, _ = strings.Cut(line, " -- ") // what follows is another program's
			line, _, _ = strings.Cut(line, " | ")
			for _, m := range flag.FindAllStringSubmatch(line, -1) {
				if cmd.Flags().Lookup(m[1]) == nil && root.PersistentFlags().Lookup(m[1]) == nil && cmd.HasParent() &&
					!strings.Contains(line, "notify test") {
					t.Errorf("%s: the example %q has --%s, which it does not know", pathIn(cmd), line, m[1])
				}
			}
		}
	}
}

// TestReadme_listsEveryVerb: whoever reads the table there knows all there is.
func TestReadme_listsEveryVerb(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| for | verbs |")
	table, _, _ = strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("the README has no table of verbs")
	}
	for _, cmd := range (&cli{}).command().Commands() {
		if !cmd.Hidden && !strings.HasPrefix(cmd.Name(), "__") && cmd.Name() != "help" && !strings.Contains(table, "`"+cmd.Name()) {
			t.Errorf("the table of verbs in README.md lacks `%s`", cmd.Name())
		}
	}
}

func TestMan_pagesAreRoff(t *testing.T) {
	root := (&cli{}).command()
	macro := regexp.MustCompile(`^\.(TH|SH|TP|B|BR|PP|nf|fi)( |$)`)
	for _, cmd := range append([]*cobra.Command{root}, verbsOf(root)...) {
		var page bytes.Buffer
		manPage(&page, cmd)
		for i, line := range strings.Split(page.String(), "\n") {
			if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !macro.MatchString(line) {
				t.Errorf("%s, line %d: %q is read as a request", manName(cmd), i+1, line)
			}
		}
		for _, want := range []string{".TH ", ".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n", ".SH EXAMPLES\n", ".SH EXIT STATUS\n"} {
			if !strings.Contains(page.String(), want) {
				t.Errorf("%s lacks %q", manName(cmd), want)
			}
		}
	}
	if got, want := roff(".x\n'y\na-b \\z"), "\\&.x\n\\&'y\na\\-b \\ez"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
