package schema

import "strings"

// parser walks over tokens. The first thing it does not understand stops it.
type parser struct {
	sql    string
	tokens []token
	at     int
	err    *UnusualError
}

func newParser(sql string) *parser {
	p := &parser{sql: sql, tokens: lex(sql)}
	for _, t := range p.tokens {
		if t.kind == tokenBad {
			p.fail(t)
			break
		}
	}
	return p
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) ahead() token { return p.tokens[min(p.at+1, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) fail(t token) {
	if p.err == nil {
		what := t.text
		if t.kind == tokenEnd {
			what = "the end of the statement"
		}
		p.err = &UnusualError{What: what, At: t.from}
	}
}

// accept takes words or marks if they come next, all of them or none.
func (p *parser) accept(texts ...string) bool {
	if p.err != nil {
		return false
	}
	for i, text := range texts {
		if j := p.at + i; j >= len(p.tokens) || !p.tokens[j].is(text) {
			return false
		}
	}
	p.at += len(texts)
	return true
}

// expect takes words or marks that must come next.
func (p *parser) expect(texts ...string) {
	if p.err == nil && !p.accept(texts...) {
		p.fail(p.peek())
	}
}

// reserved are the words of SQLite that no name can be without quotes
// (https://sqlite.org/lang_keywords.html; those that fall back to names are left out).
const reserved = " add all alter and as autoincrement between case check collate commit constraint create default deferrable " +
	"delete distinct drop else escape except exists foreign from group having in index insert intersect into is isnull join " +
	"limit not nothing notnull null on or order primary references returning select set table then to transaction union " +
	"unique update using values when where "

// alsoJoins are words that a name can be, but not a word of a type.
const alsoJoins = " cross full inner left natural outer right indexed "

func listed(list, word string) bool { return strings.Contains(list, " "+Fold(word)+" ") }

// name takes a name of any spelling.
func (p *parser) name() string {
	t := p.peek()
	switch {
	case p.err != nil:
		return ""
	case t.kind == tokenQuoted, t.kind == tokenString, t.kind == tokenWord && !listed(reserved, t.text):
		p.at++
		return t.unquote()
	}
	p.fail(t)
	return ""
}

// skip passes over something in parentheses and tells whether anything was inside.
func (p *parser) skip() (inside bool) {
	p.expect("(")
	for depth := 1; p.err == nil; inside = true {
		switch t := p.next(); {
		case t.kind == tokenEnd || t.is(";"):
			p.fail(t)
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				return inside
			}
		}
	}
	return inside
}

// onConflict takes a conflict clause (https://sqlite.org/lang_conflict.html).
func (p *parser) onConflict() {
	if !p.accept("on", "conflict") {
		return
	}
	for _, how := range []string{"rollback", "abort", "fail", "ignore", "replace"} {
		if p.accept(how) {
			return
		}
	}
	p.fail(p.peek())
}

// direction takes ASC or DESC.
func (p *parser) direction() (desc bool) {
	if p.accept("asc") {
		return false
	}
	return p.accept("desc")
}

// list takes things in parentheses with commas between them.
func (p *parser) list(one func()) {
	p.expect("(")
	for p.err == nil {
		one()
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
}

// end makes sure that nothing follows but one semicolon.
func (p *parser) end() error {
	p.accept(";")
	if t := p.peek(); p.err == nil && t.kind != tokenEnd {
		p.fail(t)
	}
	if p.err != nil {
		return p.err
	}
	return nil
}
