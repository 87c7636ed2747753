package schema

import (
	"math"
	"strconv"
	"strings"
)

// Known tells what is known of a default value.
type Known byte

// What can be known. DefaultNone: there is none, so that it is NULL.
const (
	DefaultNone Known = iota
	DefaultValue
	DefaultUnknown // an expression
)

// Class is the storage class of a value (https://sqlite.org/datatype3.html).
type Class byte

// The classes.
const (
	ClassNull Class = iota
	ClassInteger
	ClassReal
	ClassText
	ClassBlob
)

// Default is what a row has in a column that was added after it was written.
type Default struct {
	Known Known
	Class Class
	Int   int64
	Real  float64
	Bytes string // of text, in UTF-8, or of a blob
}

// defaultOf reads what follows DEFAULT and gives it the column's affinity.
func (b *builder) defaultOf(c *Column) {
	if c.Generated != NotGenerated {
		b.fail(b.tokens[b.at-1])
		return
	}
	from := b.at
	inParentheses := b.accept("(")
	sign := ""
	signed := true
	if b.accept("-") {
		sign = "-"
	} else {
		signed = b.accept("+")
	}
	value := b.next()
	c.Default = literal(value, sign, c.Affinity)
	if inParentheses && (c.Default.Known == DefaultUnknown || isName(value) || !b.accept(")")) {
		b.at = from
		b.skip()
		c.Default = Default{Known: DefaultUnknown}
		b.t.Uncompiled = true
		return
	}
	switch {
	case signed && !inParentheses && (isName(value) || listed(" true false ", value.text)):
		b.fail(value)
	case c.Default.Known != DefaultUnknown:
	case value.kind != tokenNumber && !listed(timeWords, value.text) || sign != "":
		b.fail(value)
	}
}

const timeWords = " current_date current_time current_timestamp "

// isName tells names from literals: SQLite takes one for text where it stands alone, as it once
// did everywhere, but neither in parentheses nor behind a sign (https://sqlite.org/lang_createtable.html#the_default_clause).
func isName(t token) bool {
	return t.kind == tokenQuoted || t.kind == tokenWord && !listed(" null true false"+timeWords, t.text)
}

// literal gives the value of a token, DefaultUnknown if SQLite alone can tell.
func literal(t token, sign string, a Affinity) Default {
	unknown := Default{Known: DefaultUnknown}
	switch t.kind {
	case tokenString, tokenQuoted:
		if sign != "" {
			return unknown
		}
		return textValue(t.unquote(), a)
	case tokenBlob:
		if sign != "" {
			return unknown
		}
		return Default{Known: DefaultValue, Class: ClassBlob, Bytes: unhex(t.text[2 : len(t.text)-1])}
	case tokenNumber:
		return numberValue(t.text, sign, a)
	case tokenWord:
		return wordValue(t.text, sign, a)
	}
	return unknown
}

// wordValue: any other word than these is text, which was allowed once and still is.
func wordValue(word, sign string, a Affinity) Default {
	switch folded := Fold(word); {
	case sign != "" || listed(timeWords, word) || folded != "null" && (listed(reserved, word) || listed(alsoJoins, word)):
		return Default{Known: DefaultUnknown}
	case folded == "null":
		return Default{Known: DefaultValue}
	case folded == "true":
		return integerValue(1, a)
	case folded == "false":
		return integerValue(0, a)
	}
	return textValue(word, a)
}

func integerValue(v int64, a Affinity) Default {
	if a == Text {
		return Default{Known: DefaultValue, Class: ClassText, Bytes: strconv.FormatInt(v, 10)}
	}
	return Default{Known: DefaultValue, Class: ClassInteger, Int: v}
}

func numberValue(text, sign string, a Affinity) Default {
	if strings.ContainsAny(text, "xX") {
		u, err := strconv.ParseUint(text[2:], 16, 64)
		if err != nil || sign != "" {
			return Default{Known: DefaultUnknown}
		}
		return integerValue(int64(u), a)
	}
	if v, err := strconv.ParseInt(sign+text, 10, 64); err == nil {
		return integerValue(v, a)
	}
	if a == Text {
		return Default{Known: DefaultValue, Class: ClassText, Bytes: sign + text}
	}
	return realValue(sign+text, a)
}

// digitsSure is how many significant digits every conversion agrees on.
const digitsSure = 15

func realValue(text string, a Affinity) Default {
	digits := 0
	for i := 0; i < len(text) && text[i]|0x20 != 'e'; i++ {
		if isDigit(text[i]) {
			digits++
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || digits > digitsSure {
		return Default{Known: DefaultUnknown}
	}
	if whole := int64(v); a != Blob && float64(whole) == v && math.Abs(v) < 1<<62 {
		return Default{Known: DefaultValue, Class: ClassInteger, Int: whole}
	}
	return Default{Known: DefaultValue, Class: ClassReal, Real: v}
}

func textValue(text string, a Affinity) Default {
	if a >= Numeric && LooksNumeric([]byte(text)) {
		trimmed := strings.Trim(text, " \t\n\v\f\r")
		if v, err := strconv.ParseInt(trimmed, 10, 64); err == nil {
			return Default{Known: DefaultValue, Class: ClassInteger, Int: v}
		}
		return realValue(strings.TrimPrefix(trimmed, "+"), a)
	}
	return Default{Known: DefaultValue, Class: ClassText, Bytes: text}
}

func unhex(digits string) string {
	b := make([]byte, 0, len(digits)/2)
	for i := 0; i+1 < len(digits); i += 2 {
		v, _ := strconv.ParseUint(digits[i:i+2], 16, 8) // the lexer took only digits
		b = append(b, byte(v))
	}
	return string(b)
}

// LooksNumeric tells whether SQLite makes a number of a UTF-8 text when it applies a
// numeric affinity (https://sqlite.org/datatype3.html#type_affinity): a whole number or
// a floating-point literal, space around it, up to the first NUL.
func LooksNumeric(b []byte) bool {
	at := 0
	peek := func() byte {
		if at < len(b) {
			return b[at]
		}
		return 0
	}
	digits := func() (any bool) {
		for isDigit(peek()) {
			at, any = at+1, true
		}
		return any
	}
	for isBlank(peek()) {
		at++
	}
	if c := peek(); c == '-' || c == '+' {
		at++
	}
	whole := digits()
	if peek() == '.' {
		at++
		if !digits() && !whole {
			return false
		}
	} else if !whole {
		return false
	}
	if peek()|0x20 == 'e' {
		at++
		if c := peek(); c == '-' || c == '+' {
			at++
		}
		if !digits() {
			return false
		}
	}
	for isBlank(peek()) {
		at++
	}
	return peek() == 0
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
