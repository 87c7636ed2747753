package rotate

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	formatText = "text"
	formatJSON = "json"

	timeLayout       = "2006-01-02T15:04:05.000Z07:00"
	defaultComponent = "officer"

	// Caps of one record, so that the records in memory stay below 30 MB even when
	// somebody logs a blob.
	messageBytesMax = 4 << 10
	contextBytesMax = 8 << 10
	stackBytesMax   = 8 << 10

	// More openings than a message of the largest size has; a bound on the work that a
	// planted file can make.
	contextTries = messageBytesMax / len(" {")
)

// jsonLine is a record in the format "json".
type jsonLine struct {
	Time      string          `json:"time"`
	Level     string          `json:"level"`
	Component string          `json:"component"`
	Message   string          `json:"message"`
	Context   json.RawMessage `json:"context,omitempty"`
	Stack     string          `json:"stack,omitempty"`
}

// appendLine gives the record as one line with its newline.
func appendLine(format string, r Record) []byte {
	if format == formatJSON {
		return jsonFormat(r)
	}
	context := r.Context
	if r.Stack != "" {
		context = withStack(context, r.Stack)
	}
	if context == "" && strings.HasSuffix(r.Message, "}") {
		context = "{}" // so that the end of a message never passes for a context
	}
	var b bytes.Buffer
	b.WriteString("[" + r.Time.UTC().Format(timeLayout) + "] [" + strings.ToUpper(r.Level) + "] [" + r.Component + "] " + r.Message)
	if context != "" {
		b.WriteString(" " + context)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func jsonFormat(r Record) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(jsonLine{
		Time: r.Time.UTC().Format(timeLayout), Level: r.Level, Component: r.Component,
		Message: r.Message, Context: json.RawMessage(r.Context), Stack: r.Stack,
	})
	if err != nil { // a context that is no JSON: keep it as text
		b.Reset()
		_ = e.Encode(jsonLine{Time: r.Time.UTC().Format(timeLayout), Level: r.Level, Component: r.Component,
			Message: r.Message + " " + r.Context, Stack: r.Stack})
	}
	return []byte(escape(strings.TrimSuffix(b.String(), "\n")) + "\n")
}

const stackKey = `"stack":`

func withStack(context, stack string) string {
	s := stackKey + quote(stack) + "}"
	if len(context) <= len("{}") {
		return "{" + s
	}
	return strings.TrimSuffix(context, "}") + "," + s
}

func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return escape(strings.TrimSuffix(b.String(), "\n"))
}

// splitStack undoes withStack. Inside a value the key's quotes are escaped, so the last
// plain occurrence is the key.
func splitStack(context string) (rest, stack string) {
	at := strings.LastIndex(context, stackKey+`"`)
	if at < 1 || json.Unmarshal([]byte(strings.TrimSuffix(context[at+len(stackKey):], "}")), &stack) != nil {
		return context, ""
	}
	if rest = strings.TrimSuffix(context[:at], ","); rest == "{" {
		return "", stack
	}
	rest += "}"
	if !json.Valid([]byte(rest)) { // the key of an inner object
		return context, ""
	}
	return rest, stack
}

// parseLine reads a line of either format, without its newline. ok is false for
// anything else (the torn last line of a crash, a line of another program).
func parseLine(line []byte) (r Record, ok bool) {
	if len(line) > edgeBytes || !utf8.Valid(line) {
		return Record{}, false
	}
	if len(line) > 0 && line[0] == '{' {
		return parseJSON(line)
	}
	s := string(line)
	stamp, s, ok1 := bracket(s)
	level, s, ok2 := bracket(s)
	component, s, ok3 := bracket(s)
	if !ok1 || !ok2 || !ok3 {
		return Record{}, false
	}
	at, err := time.Parse(timeLayout, stamp)
	level = strings.ToLower(level)
	if err != nil || !knownLevel(level) {
		return Record{}, false
	}
	s = escape(s)
	r = Record{Time: at, Level: level, Component: escape(component), Message: s}
	for from, tries := 0, 0; ; tries++ {
		i := strings.Index(s[from:], " {")
		if i < 0 || tries == contextTries || !strings.HasSuffix(s, "}") {
			return r, true
		}
		from += i + 1
		if json.Valid([]byte(s[from:])) {
			r.Message = s[:from-1]
			r.Context, r.Stack = splitStack(s[from:])
			r.Stack = escapeBut(r.Stack, "\n\t")
			if r.Context == "{}" {
				r.Context = ""
			}
			return r, true
		}
	}
}

// bracket takes "[word] " off the front of s.
func bracket(s string) (word, rest string, ok bool) {
	if !strings.HasPrefix(s, "[") {
		return "", s, false
	}
	word, rest, ok = strings.Cut(s[1:], "] ")
	return word, rest, ok
}

func parseJSON(line []byte) (Record, bool) {
	var l jsonLine
	if json.Unmarshal(line, &l) != nil || !knownLevel(l.Level) {
		return Record{}, false
	}
	at, err := time.Parse(timeLayout, l.Time)
	if err != nil {
		return Record{}, false
	}
	return Record{Time: at, Level: l.Level, Component: column(l.Component), Message: escape(l.Message),
		Context: escape(string(l.Context)), Stack: escapeBut(l.Stack, "\n\t")}, true
}

func knownLevel(level string) bool { return level == "debug" || rank(level) > 0 }

// component makes a name fit for its column.
func component(name string) string { return column(cut(name, 64)) }

func column(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '[' || r == ']' || r == ' ' {
			return '_'
		}
		return r
	}, escape(name))
	if name == "" {
		return defaultComponent
	}
	return name
}

// escape writes control characters, line separators, bidirectional overrides and broken
// UTF-8 as \n, \t or \uXXXX: one record stays one line, and a terminal shows what is there
// instead of obeying it. Between quotes it is also the right spelling in JSON.
func escape(s string) string { return escapeBut(s, "") }

// escapeBut is escape that leaves the characters of keep as they are.
func escapeBut(s, keep string) string {
	if strings.IndexFunc(s, unsafe) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unsafe(r):
			h := strconv.FormatInt(int64(r), 16)
			b.WriteString(`\u` + "0000"[len(h):] + h)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafe(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f, r == utf8.RuneError, r == 0x061c, r == 0xfeff,
		r >= 0x200e && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// cut shortens s to at most maxBytes, at the end of a character, and says so.
func cut(s string, maxBytes int) string {
	if len(s) <= maxBytes {
		return s
	}
	end := maxBytes
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "… (" + strconv.Itoa(len(s)) + " bytes)"
}
