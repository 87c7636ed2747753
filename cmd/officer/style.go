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

// size writes bytes as people say them: "104 MB".
func size(bytes int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	v, i := float64(bytes), 0
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	if i > 0 && v < 9.95 {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}

// seconds writes a duration in milliseconds as "0.6 s" or "2 min 5 s".
func seconds(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatInt(ms, 10) + " ms"
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// when writes a moment in local time; 0 is "never".
func when(unixMS int64) string {
	if unixMS == 0 {
		return "never"
	}
	return time.UnixMilli(unixMS).Format("2006-01-02 15:04:05")
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
