package main

import (
	"strings"

	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// pasteable makes the hints of a failure run as they stand: without the --home of this
// command line they would speak of another home.
func (c *cli) pasteable(f *messages.Failure) {
	if c.home == "" {
		return
	}
	for i, hint := range f.Hints {
		if strings.HasPrefix(hint, "officer ") && !strings.Contains(hint, "--") {
			f.Hints[i] = hint + " --home " + shell.Word(c.home)
		}
	}
}
