package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

// curveCells is how wide the curve of a series is drawn.
const curveCells = 24

// history is officer metrics --history: how sizes, rows and durations went.
func (c *cli) history(ctx context.Context, database string, last time.Duration) (*outcome, error) {
	ask := &messages.GetHistory{}
	if last > 0 {
		ask.SinceUnixMs = time.Now().Add(-last).UnixMilli()
	}
	got, _, err := looking[*messages.History](ctx, c, database, true, ask)
	if err != nil {
		return nil, err
	}
	return &outcome{json: report.HistoryOf(got), text: func(w io.Writer, s style) { showHistory(w, s, got) }}, nil
}

func showHistory(w io.Writer, s style, h *messages.History) {
	if len(h.Series) == 0 {
		fmt.Fprintf(w, "%s nothing has been noted yet: officer run DB does once an hour\n", s.warn())
		return
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "SERIES\tSINCE\tLOWEST\tHIGHEST\tNOW\tCOURSE")
	for _, one := range h.Series {
		if len(one.Points) == 0 {
			continue
		}
		low, high := bounds(one.Points)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", clean(one.Name), report.When(one.Points[0].TimeUnixMs), amount(one.Unit, low), amount(one.Unit, high),
			amount(one.Unit, one.Points[len(one.Points)-1].Value), curve(one.Points, low, high))
	}
	_ = t.Flush()
}

func bounds(points []*messages.Point) (low, high float64) {
	low, high = points[0].Value, points[0].Value
	for _, p := range points {
		low, high = min(low, p.Value), max(high, p.Value)
	}
	return low, high
}

// amount writes a value of a series.
func amount(unit string, v float64) string {
	switch unit {
	case "bytes":
		return report.Size(int64(v))
	case "ms":
		return took(v)
	}
	return fmt.Sprintf("%.0f", v)
}

// curve draws points over equal stretches of time; a stretch without one is as the one before.
func curve(points []*messages.Point, low, high float64) string {
	marks := []rune("▁▂▃▄▅▆▇█")
	first, last := points[0].TimeUnixMs, points[len(points)-1].TimeUnixMs
	if first == last || low == high {
		return strings.Repeat(string(marks[0]), curveCells)
	}
	var cells [curveCells]rune
	for i, next := 0, 0; i < curveCells; i++ {
		end := first + (last-first)*int64(i+1)/curveCells
		for next+1 < len(points) && points[next+1].TimeUnixMs <= end {
			next++
		}
		cells[i] = marks[int((points[next].Value-low)/(high-low)*float64(len(marks)-1)+0.5)]
	}
	return string(cells[:])
}
