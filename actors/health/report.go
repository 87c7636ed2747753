package health

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/messages"
)

// placeholder is {key} in the texts of a definition.
var placeholder = regexp.MustCompile(`\{([A-Za-z0-9_]+)\}`)

// stray is a condition that nobody declared.
type stray struct {
	code  string
	args  []string
	since time.Time
}

func (h *health) raiseStray(m *messages.RaiseCondition, now time.Time) {
	for i, s := range h.ledger.strays {
		if s.code == m.GetCode() {
			h.ledger.strays[i].args = m.GetArgs()
			return
		}
	}
	h.cfg.Log.Error("a condition was raised that nobody declared", slog.String("code", m.GetCode()),
		slog.Any("args", m.GetArgs()))
	if len(h.ledger.strays) < straysMax {
		h.ledger.strays = append(h.ledger.strays, stray{m.GetCode(), m.GetArgs(), now})
	}
}

// report is the present picture for people; proof stands behind "Your data is safe."
func (h *health) report(now time.Time, proof string) *messages.HealthReport {
	visible := h.ledger.state.Visible(h.cfg.Registry, now)
	r := &messages.HealthReport{
		Health:   severity(condition.Colour(visible)),
		Headline: h.ledger.state.Headline(h.cfg.Registry, visible, proof),
	}
	var remarks []*messages.Condition // green ones come last
	for _, s := range visible {
		c := &messages.Condition{
			Code: string(s.Code), Severity: severity(s.Severity), Text: s.Text, Hint: s.Hint,
			SinceUnixMs: s.Since.UnixMilli(), System: s.System,
		}
		if s.Severity == condition.Green {
			remarks = append(remarks, c)
		} else {
			r.Conditions = append(r.Conditions, c)
		}
	}
	for _, s := range h.ledger.strays {
		c := &messages.Condition{
			Code: s.code, Severity: messages.Severity_SEVERITY_YELLOW, Text: s.text(),
			Hint: "officer logs shows more; please report this as a defect of Officer.", SinceUnixMs: s.since.UnixMilli(), System: "health",
		}
		if r.Health == messages.Severity_SEVERITY_GREEN {
			r.Health, r.Headline = messages.Severity_SEVERITY_YELLOW, c.Text
		}
		r.Conditions = append(r.Conditions, c)
	}
	r.Conditions = append(r.Conditions, remarks...)
	return r
}

func (s stray) text() string {
	text := "A part of Officer reports \"" + s.code + "\", which has no description"
	if len(s.args) > 0 {
		text += ": " + strings.Join(s.args, ", ")
	}
	return text + "."
}

// argsOf gives each placeholder of the definition its value.
func argsOf(d condition.Definition, given []string) condition.Args {
	var free []string // placeholders in order of appearance
	known := make(map[string]bool)
	for _, m := range placeholder.FindAllStringSubmatch(d.Text+" "+d.Hint+" "+d.Headline, -1) {
		if !known[m[1]] {
			known[m[1]] = true
			free = append(free, m[1])
		}
	}
	args := make(condition.Args, len(given))
	var unnamed []string
	for _, g := range given {
		key, value, named := strings.Cut(g, "=")
		if named && known[key] {
			args[key] = value
		} else {
			unnamed = append(unnamed, g)
		}
	}
	for _, key := range free {
		if _, done := args[key]; !done && len(unnamed) > 0 {
			args[key], unnamed = unnamed[0], unnamed[1:]
		}
	}
	return args
}

// proofText is the sentence that makes safety more than a claim.
func proofText(b *messages.Backup, now time.Time) string {
	return "The newest backup that Officer opened, checked and compared is " +
		age(now.Sub(time.UnixMilli(b.GetTakenAtUnixMs()))) + " old."
}

// age says a time in the largest unit of which there are two.
func age(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func severity(s condition.Severity) messages.Severity {
	switch s {
	case condition.Red:
		return messages.Severity_SEVERITY_RED
	case condition.Yellow:
		return messages.Severity_SEVERITY_YELLOW
	}
	return messages.Severity_SEVERITY_GREEN
}

func word(s messages.Severity) string {
	switch s {
	case messages.Severity_SEVERITY_RED:
		return "red"
	case messages.Severity_SEVERITY_YELLOW:
		return "yellow"
	}
	return "green"
}
