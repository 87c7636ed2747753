package main

import (
	"strings"

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
			f.Hints[i] = hint + " --home " + quoted(c.home)
		}
	}
}

// quoted makes a word safe to paste into a shell.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
