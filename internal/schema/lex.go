package schema

import "strings"

// kind is what a token is.
type kind byte

const (
	tokenEnd kind = iota
	tokenWord
	tokenQuoted // "name", `name`, [name]
	tokenString // 'text'
	tokenNumber
	tokenBlob // x'00'
	tokenPunctuation
	tokenBad
)

// token is one token of SQL and where it stands in the text.
type token struct {
	kind     kind
	text     string // as written
	from, to int
}

// is tells whether the token is a word, whatever its case, or a punctuation mark.
func (t token) is(text string) bool {
	switch t.kind {
	case tokenWord:
		return strings.EqualFold(t.text, text)
	case tokenPunctuation:
		return t.text == text
	}
	return false
}

// lex splits a statement as SQLite does (https://sqlite.org/lang.html). A NUL ends it.
func lex(sql string) []token {
	sql, _, _ = strings.Cut(sql, "\x00")
	tokens := make([]token, 0, len(sql)/4+1)
	for at := 0; at < len(sql); {
		n, k := next(sql[at:])
		if k != tokenEnd {
			tokens = append(tokens, token{k, sql[at : at+n], at, at + n})
		}
		at += n
	}
	return append(tokens, token{kind: tokenEnd, from: len(sql), to: len(sql)})
}

// next gives length and kind of the token at the start of s; space and comments are
// tokenEnd.
func next(s string) (int, kind) {
	switch c := s[0]; {
	case isSpace(c):
		return 1, tokenEnd
	case strings.HasPrefix(s, "--"):
		return until(s, 2, "\n"), tokenEnd
	case strings.HasPrefix(s, "/*"):
		return until(s, 2, "*/"), tokenEnd
	case c == '\'':
		return quoted(s, '\'', tokenString)
	case c == '"' || c == '`':
		return quoted(s, c, tokenQuoted)
	case c == '[':
		n := until(s, 1, "]")
		if s[n-1] != ']' {
			return n, tokenBad
		}
		return n, tokenQuoted
	case (c == 'x' || c == 'X') && len(s) > 1 && s[1] == '\'':
		return blob(s)
	case isDigit(c) || c == '.' && len(s) > 1 && isDigit(s[1]):
		return number(s)
	case isIdentifier(c) && c != '$':
		n := 1
		for n < len(s) && isIdentifier(s[n]) {
			n++
		}
		return n, tokenWord
	case strings.IndexByte("(),.;+-*/%&|<>=!~", c) >= 0:
		return 1, tokenPunctuation
	}
	return 1, tokenBad
}

// until gives the length up to and including end, or all of s.
func until(s string, from int, end string) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

func quoted(s string, quote byte, k kind) (int, kind) {
	for i := 1; i < len(s); i++ {
		if s[i] != quote {
			continue
		}
		if i+1 < len(s) && s[i+1] == quote {
			i++
			continue
		}
		return i + 1, k
	}
	return len(s), tokenBad
}

func blob(s string) (int, kind) {
	n := 2
	for n < len(s) && isHex(s[n]) {
		n++
	}
	if n == len(s) || s[n] != '\'' || n%2 != 0 {
		return n, tokenBad
	}
	return n + 1, tokenBlob
}

// number reads a literal that is all of 12, 1.5, .5e-3 or 0x1f. Digits with separators,
// which only new versions know, are not taken.
func number(s string) (n int, k kind) {
	digits := func(ok func(byte) bool) (any bool) {
		for n < len(s) && ok(s[n]) {
			n, any = n+1, true
		}
		return any
	}
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && isHex(s[2]) {
		n = 2
		digits(isHex)
	} else {
		digits(isDigit)
		if n < len(s) && s[n] == '.' {
			n++
			digits(isDigit)
		}
		if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
			n++
			if n < len(s) && (s[n] == '+' || s[n] == '-') {
				n++
			}
			if !digits(isDigit) {
				return n, tokenBad
			}
		}
	}
	if n < len(s) && isIdentifier(s[n]) {
		return n, tokenBad
	}
	return n, tokenNumber
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' && c != '\v' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func isIdentifier(c byte) bool {
	return c >= 0x80 || c == '_' || c == '$' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// unquote gives the name or text that a token stands for.
func (t token) unquote() string {
	switch t.kind {
	case tokenString, tokenQuoted:
		return dequote(t.text)
	}
	return t.text
}

// dequote takes the quotes from a text that begins with one, and leaves any other as
// it is. What follows the closing quote is dropped.
func dequote(s string) string {
	if s == "" {
		return s
	}
	quote := s[0]
	switch quote {
	case '[':
		quote = ']'
	case '\'', '"', '`':
	default:
		return s
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == quote {
			if i+1 >= len(s) || s[i+1] != quote {
				break
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Fold makes names comparable: only ASCII letters are the same in both cases.
func Fold(name string) string {
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' {
			b := []byte(name)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return name
}
