package config

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// unreadable names what makes a text no YAML before any parser looks at it.
func unreadable(text []byte) string {
	switch {
	case len(text) > bytesMax:
		return "it is larger than 1 MB, so it is no configuration"
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		return "it is written in UTF-16; save it as UTF-8"
	case !utf8.Valid(text):
		return "it is not written in UTF-8"
	case bytes.ContainsRune(text, 0):
		return "it contains a NUL byte, so it is no text"
	case bytes.Count(text, []byte("\n")) > linesMax:
		return "it has more than 20,000 lines, so it is no configuration"
	case deep(text):
		return "it is nested too deeply"
	}
	return ""
}

// linesMax bounds what the parser is given: its time grows with the square of the lines.
const linesMax = 20_000

// deep tells a text whose nesting could exhaust a recursive parser's stack. It counts
// generously: brackets, dashes without a word between them, and the marks of a line.
func deep(text []byte) bool {
	brackets, dashes, marks := 0, 0, 0
	for _, b := range text {
		switch {
		case b == '[' || b == '{':
			brackets++
		case b == ']' || b == '}':
			brackets = max(0, brackets-1)
		case b == '\n':
			dashes, marks = 0, 0
		case b == '-' || b == '?' || b == ':':
			dashes++
		case b == '&' || b == '!' || b == '*':
			marks++
		case b != ' ':
			dashes = 0
		}
		if brackets > 4*depthMax || dashes > 8*depthMax || marks > 8*depthMax {
			return true
		}
	}
	return false
}

// tabbed gives the first line that is indented with a tab, outside of nothing: YAML
// forbids it everywhere.
func tabbed(lines []string) int {
	for i, line := range lines {
		if rest := strings.TrimLeft(line, " "); strings.HasPrefix(rest, "\t") && strings.TrimSpace(rest) != "" {
			return i + 1
		}
	}
	return 0
}
