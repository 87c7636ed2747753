package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/officer-doofy/officer/messages"
)

// Codes of monitoring plugins
// (https://www.monitoring-plugins.org/doc/guidelines.html, table 2).
const (
	pluginOK       = 0
	pluginWarning  = 1
	pluginCritical = 2
	pluginUnknown  = 3
)

// nagios is the status as a monitoring plugin says it: one line with figures. What
// cannot be told is UNKNOWN, never a failure of the plugin.
func (c *cli) nagios(ctx context.Context, database string) *outcome {
	r, err := c.look(ctx, database, true)
	if err != nil {
		return unknown(err)
	}
	defer r.close()
	st, err := asking[*messages.Status](ctx, c, r, &messages.GetStatus{})
	if err != nil {
		return unknown(err)
	}
	done := statusOutcome(st, r)
	word, code := "OK", pluginOK
	switch st.Health.GetHealth() {
	case messages.Severity_SEVERITY_GREEN:
	case messages.Severity_SEVERITY_YELLOW:
		word, code = "WARNING", pluginWarning
	default:
		word, code = "CRITICAL", pluginCritical
	}
	line := fmt.Sprintf("OFFICER %s - %s: %s | %s", word, baseOf(r.path), unpiped(st.Health.GetHeadline()), strings.Join(figures(st, time.Now()), " "))
	return &outcome{code: code, json: done.json, text: func(w io.Writer, _ style) { fmt.Fprintln(w, line) }}
}

func unknown(err error) *outcome {
	text := unpiped(textOf(err))
	return &outcome{code: pluginUnknown, json: &textResult{Text: text}, text: func(w io.Writer, _ style) {
		fmt.Fprintln(w, "OFFICER UNKNOWN - "+text)
	}}
}

// unpiped keeps figures and text apart: the first bar of the line divides them.
func unpiped(text string) string { return strings.ReplaceAll(clean(text), "|", "/") }

// figures is the performance data.
func figures(st *messages.Status, now time.Time) []string {
	list := []string{fmt.Sprintf("backups=%d", st.Backups)}
	if b := st.LastVerifiedBackup; b != nil {
		list = append(list, fmt.Sprintf("backup_age=%ds", max(0, int64(now.Sub(time.UnixMilli(b.TakenAtUnixMs)).Seconds()))))
	}
	if f := st.Facts; f != nil {
		list = append(list, fmt.Sprintf("size=%dB", f.SizeBytes), fmt.Sprintf("wal=%dB", f.WalBytes))
	}
	return append(list, fmt.Sprintf("conditions=%d", len(st.Health.GetConditions())))
}
