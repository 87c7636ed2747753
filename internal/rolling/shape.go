package rolling

import (
	"bytes"
	"strings"
)

// ShapeBytesMax bounds a shape: more does not help to recognise a statement.
const ShapeBytesMax = 240

// Shape gives a statement without what it was about: literals are "?", lists of them
// "(?, …)", comments gone, white space single. No value of the app is left in it. Names
// and keywords stay as they are written. It reads at most a few kilobytes.
// Lexical rules: https://sqlite.org/lang_keywords.html, https://sqlite.org/c3ref/bind_blob.html.
func Shape(sql string) string {
	if len(sql) > shapeReads {
		sql = sql[:shapeReads]
	}
	s := shaper{in: sql, out: make([]byte, 0, min(len(sql)+8, ShapeBytesMax+64))}
	for s.at < len(s.in) && len(s.out) < ShapeBytesMax {
		s.token()
	}
	out := strings.TrimRight(string(s.out), "; ")
	if len(out) > ShapeBytesMax || s.at < len(s.in) {
		out = strings.ToValidUTF8(out[:min(len(out), ShapeBytesMax)], "") + "…"
	}
	return strings.ToValidUTF8(out, "?")
}

// shapeReads bounds the work on a statement of megabytes; a statement that long is cut
// in its shape anyhow, unless nearly all of it are values.
const shapeReads = 8 << 10

// shaper writes one token after the other.
type shaper struct {
	in    string
	at    int
	out   []byte
	space bool   // something stood between the last token and this one
	run   int    // values in a row, a comma between each two; 0 = none
	comma bool   // one that waits for what follows
	last  string // the last token: a word, or one byte
	list  bool   // within the brackets of IN or VALUES
}

func (s *shaper) token() {
	c := s.in[s.at]
	switch {
	case c == ' ' || c >= '\t' && c <= '\r':
		s.at++
		s.space = true
	case c == '-' && s.follows("--"):
		s.skipTo("\n")
	case c == '/' && s.follows("/*"):
		s.skipTo("*/")
	case c == '\'':
		s.quoted('\'')
		s.value()
	case (c == 'x' || c == 'X') && s.at+1 < len(s.in) && s.in[s.at+1] == '\'':
		s.at++
		s.quoted('\'')
		s.value()
	case c == '"' || c == '`':
		s.identifier(c, c)
	case c == '[':
		s.identifier('[', ']')
	case digit(c) || c == '.' && s.digitAt(s.at+1) || s.sign(c):
		for s.at++; s.at < len(s.in) && (wordByte(s.in[s.at]) || s.in[s.at] == '.' || s.exponentSign()); s.at++ {
		}
		s.value()
	case c == '?' || c == ':' || c == '@' || c == '$':
		s.at++
		for s.at < len(s.in) && wordByte(s.in[s.at]) {
			s.at++
		}
		s.value()
	case wordByte(c):
		from := s.at
		for s.at < len(s.in) && wordByte(s.in[s.at]) {
			s.at++
		}
		s.write(s.in[from:s.at])
	default:
		s.mark(c)
	}
}

// mark writes an operator or a bracket; a comma after a value waits for what follows.
func (s *shaper) mark(c byte) {
	s.at++
	if c == ',' && s.run > 0 && !s.comma {
		s.comma, s.space = true, false
		return
	}
	switch c {
	case '(':
		s.list = strings.EqualFold(s.last, "IN") || strings.EqualFold(s.last, "VALUES") || s.list && s.last == ","
	case ')':
		s.write(")")
		s.foldRows()
		return
	}
	s.write(string(c))
}

// foldRows makes one of the rows of VALUES that look the same.
func (s *shaper) foldRows() {
	for _, row := range [...]string{"(?, …)", "(?)"} {
		for _, between := range [...]string{", ", ","} {
			if twice := row + between + row; bytes.HasSuffix(s.out, []byte(twice)) {
				s.out = s.out[:len(s.out)-len(between)-len(row)]
			}
		}
	}
}

// value writes "?" for a literal or a parameter; the second and all further ones of a
// list are one "…".
func (s *shaper) value() {
	if !s.comma {
		s.write("?")
		s.run, s.last = 1, "?"
		return
	}
	if s.run == 1 {
		s.out = append(s.out, ", …"...)
	}
	s.run++
	s.comma, s.space = false, false
}

func (s *shaper) write(text string) {
	if s.comma {
		s.out = append(s.out, ',')
	}
	if s.space && len(s.out) > 0 {
		s.out = append(s.out, ' ')
	}
	s.out = append(s.out, text...)
	s.space, s.comma, s.run, s.last = false, false, 0, text
}

// identifier copies a quoted name.
func (s *shaper) identifier(open, end byte) {
	from := s.at
	if open == end {
		s.quoted(end)
	} else if n := strings.IndexByte(s.in[s.at:], end); n >= 0 {
		s.at += n + 1
	} else {
		s.at = len(s.in)
	}
	name := s.in[from:s.at]
	if open == '"' && (!plainName(name) || s.valueExpected()) {
		s.value()
		return
	}
	s.write(name)
}

// valueExpected tells whether a text in double quotes is rather a value than a name: an
// engine may take it for one (https://sqlite.org/quirks.html#dblquote).
func (s *shaper) valueExpected() bool {
	if s.at < len(s.in) && s.in[s.at] == '.' {
		return false
	}
	switch s.last {
	case "=", "<", ">", "|", "?":
		return true
	case "(", ",":
		return s.list
	}
	for _, word := range [...]string{"LIKE", "GLOB", "MATCH", "REGEXP", "IS", "NOT", "BETWEEN"} {
		if strings.EqualFold(s.last, word) {
			return true
		}
	}
	return false
}

// plainName tells whether a quoted text may be shown: a short word.
func plainName(quoted string) bool {
	if len(quoted) < 3 || len(quoted) > 66 || digit(quoted[1]) || quoted[len(quoted)-1] != '"' {
		return false
	}
	for _, c := range []byte(quoted[1 : len(quoted)-1]) {
		if !wordByte(c) || c >= 0x80 {
			return false
		}
	}
	return true
}

// quoted skips a quoted text in which the quote is doubled.
func (s *shaper) quoted(q byte) {
	for s.at++; s.at < len(s.in); s.at++ {
		if s.in[s.at] != q {
			continue
		}
		s.at++
		if s.at == len(s.in) || s.in[s.at] != q {
			return
		}
	}
}

func (s *shaper) follows(text string) bool { return strings.HasPrefix(s.in[s.at:], text) }

func (s *shaper) skipTo(end string) {
	s.space = true
	if n := strings.Index(s.in[s.at+2:], end); n >= 0 {
		s.at += 2 + n + len(end)
		return
	}
	s.at = len(s.in)
}

// exponentSign tells whether here is the sign of 1e-5.
func (s *shaper) exponentSign() bool {
	c := s.in[s.at]
	return (c == '-' || c == '+') && (s.in[s.at-1] == 'e' || s.in[s.at-1] == 'E') && s.digitAt(s.at+1)
}

// sign tells whether a minus or plus belongs to the number after it.
func (s *shaper) sign(c byte) bool {
	return (c == '-' || c == '+') && s.digitAt(s.at+1) && (s.comma || s.last == "(" || s.last == "=")
}

func (s *shaper) digitAt(i int) bool { return i < len(s.in) && digit(s.in[i]) }

func digit(c byte) bool { return c >= '0' && c <= '9' }

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || digit(c) || c == '_' || c == '$' || c >= 0x80
}
