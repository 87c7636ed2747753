// Package shell writes words of commands that people paste into a shell.
package shell

import "strings"

// plain are the characters beside letters and digits that no shell gives a meaning to, wherever
// they stand in a path.
const plain = "/._-+:@%,"

// Word makes a text one word for a POSIX shell: as it is, or in single quotes
// (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02).
func Word(text string) string {
	special := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(plain, r)
	}
	if text != "" && !strings.ContainsFunc(text, special) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Database is Word for the path of a database; where none is known it is "DB", as in the help.
func Database(path string) string {
	if path == "" {
		return "DB"
	}
	return Word(path)
}
