package config

import (
	"fmt"
	"strings"
	"unicode"
)

// Error is one mistake, with the place where it stands.
type Error struct {
	File   string // "" = the command line
	Line   int    // from 1; 0 = the whole file
	Column int    // from 1, in characters
	Text   string // one sentence
	Source string // the line, for the caret
	Hint   string // a command that can be pasted, or ""
}

// Error is "file:line:column: text".
func (p *Error) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(printable(p.File))
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	b.WriteString(printable(p.Text))
	return b.String()
}

// snippetWidth is how much of a long line is shown.
const snippetWidth = 100

// Snippet is the line with a caret under the column; "" when there is no place.
func (p *Error) Snippet() string {
	if p.Line == 0 || p.Column == 0 {
		return ""
	}
	line := []rune(printable(p.Source))
	column := min(p.Column, len(line)+1)
	from := 0
	if column > snippetWidth*3/4 {
		from = column - snippetWidth/2
	}
	to := min(len(line), from+snippetWidth)
	number := fmt.Sprintf("%5d | ", p.Line)
	return number + string(line[from:to]) + "\n" +
		strings.Repeat(" ", len(number)-2) + "| " + strings.Repeat(" ", column-1-from) + "^"
}

// printable replaces what could move a cursor or forge a line; a tab is one space, so
// that the caret stays under its column.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, text)
}

// ListError are all mistakes that were found at once, at most mistakesMax.
type ListError struct {
	List []*Error
	more int
}

const mistakesMax = 20

func (p *ListError) add(one *Error) {
	if len(p.List) >= mistakesMax {
		p.more++
		return
	}
	p.List = append(p.List, one)
}

// Error lists them, one a line.
func (p *ListError) Error() string {
	lines := make([]string, 0, len(p.List)+1)
	for _, one := range p.List {
		lines = append(lines, one.Error())
	}
	if p.more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", p.more))
	}
	return strings.Join(lines, "\n")
}

// similar gives the candidate that text is probably meant to be, or "".
func similar(text string, candidates []string) string {
	best, at := "", 3
	for _, c := range candidates {
		limit := 2
		if len(c) <= 3 {
			limit = 1
		}
		if d := distance(strings.ToLower(text), c); d <= limit && d < at {
			best, at = c, d
		}
	}
	return best
}

// distance is Levenshtein's, with a swap of neighbours counted as one.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
