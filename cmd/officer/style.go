package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/officer-doofy/officer/messages"
)

// style is how text may look: on a terminal with colour, else plain.
type style struct {
	terminal bool
	colour   bool
}

// styleOf finds out what w is. NO_COLOR (https://no-color.org) keeps a terminal plain.
func styleOf(w io.Writer) style {
	f, ok := w.(*os.File)
	if !ok {
		return style{}
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return style{}
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(null, info) {
		return style{}
	}
	return style{terminal: true, colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (s style) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) green(text string) string  { return s.paint("32", text) }
func (s style) yellow(text string) string { return s.paint("33", text) }
func (s style) red(text string) string    { return s.paint("31", text) }
func (s style) dim(text string) string    { return s.paint("2", text) }

// The marks: a word or an icon always, colour only beside it.
func (s style) good() string { return s.green("✓") }
func (s style) warn() string { return s.yellow("!") }
func (s style) bad() string  { return s.red("✗") }

// light is a colour with its word.
func (s style) light(h messages.Severity) string {
	switch h {
	case messages.Severity_SEVERITY_GREEN:
		return s.green("● green")
	case messages.Severity_SEVERITY_YELLOW:
		return s.yellow("▲ yellow")
	}
	return s.red("■ red")
}

// ago writes how long ago a moment was.
func ago(unixMS int64, now time.Time) string {
	d := now.Sub(time.UnixMilli(unixMS))
	switch {
	case d < 0:
		return "in the future"
	case d < 2*time.Second:
		return "just now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// count writes "1 table", "3 tables".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// clean keeps text from files and names from steering the terminal.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, text)
}

// showFailure writes what happened, what Officer did, what one can do.
func showFailure(w io.Writer, s style, f *messages.Failure) {
	fmt.Fprintf(w, "%s %s %s\n", s.red("error:"), clean(f.Text), s.dim("("+f.Code+")"))
	did := f.Did
	if did == "" {
		did = "Nothing was changed."
	}
	if f.DataChanged {
		did += " The database was changed."
	} else if !strings.Contains(strings.ToLower(did), "nothing") && !strings.Contains(did, "database") {
		did += " The database was not changed."
	}
	fmt.Fprintf(w, "  %s\n", clean(did))
	for _, hint := range f.Hints {
		fmt.Fprintf(w, "  → %s\n", clean(hint))
	}
}
