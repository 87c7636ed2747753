package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

type operationJSON struct {
	Name       string    `json:"name"`
	Count      int64     `json:"count"`
	Failed     int64     `json:"failed"`
	MeanMS     float64   `json:"mean_ms"`
	P50MS      float64   `json:"p50_ms"`
	P95MS      float64   `json:"p95_ms"`
	P99MS      float64   `json:"p99_ms"`
	MaxMS      float64   `json:"max_ms"`
	BudgetMS   int64     `json:"budget_ms"`
	OverBudget int32     `json:"over_budget"`
	Trend      float64   `json:"trend"`
	Days       []dayJSON `json:"days"`
}

type dayJSON struct {
	Day    string  `json:"day"`
	Count  int64   `json:"count"`
	Failed int64   `json:"failed"`
	MeanMS float64 `json:"mean_ms"`
	P50MS  float64 `json:"p50_ms"`
	P95MS  float64 `json:"p95_ms"`
	P99MS  float64 `json:"p99_ms"`
	MaxMS  float64 `json:"max_ms"`
}

type shapeJSON struct {
	Shape   string  `json:"shape"`
	Count   int64   `json:"count"`
	Failed  int64   `json:"failed"`
	Rows    int64   `json:"rows"`
	TotalMS float64 `json:"total_ms"`
	MaxMS   float64 `json:"max_ms"`
}

type metricsResult struct {
	report.Head
	Operations []operationJSON `json:"operations"`
	Statements []shapeJSON     `json:"statements"`
}

type expositionResult struct {
	report.Head
	Text string `json:"text"`
}

// statementsShown is how many of the costliest statements fit under the table.
const statementsShown = 10

func (c *cli) metricsVerb() *cobra.Command {
	var prometheus, past bool
	var last time.Duration
	cmd := c.verb("metrics DB", "Show how long operations and statements take", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) (*outcome, error) {
			if past {
				return c.history(ctx, args[0], last)
			}
			if prometheus {
				got, _, err := looking[*messages.Exposition](ctx, c, args[0], true, &messages.GetExposition{})
				if err != nil {
					return nil, err
				}
				return &outcome{json: &expositionResult{Text: got.Text}, text: func(w io.Writer, _ style) {
					_, _ = io.WriteString(w, got.Text)
				}}, nil
			}
			got, _, err := looking[*messages.MetricsReport](ctx, c, args[0], true, &messages.GetMetrics{})
			if err != nil {
				return nil, err
			}
			return &outcome{json: metricsOf(got), text: func(w io.Writer, s style) { showMetrics(w, s, got) }}, nil
		})
	cmd.Flags().BoolVar(&prometheus, "prometheus", false, "in the text format of Prometheus")
	cmd.Flags().BoolVar(&past, "history", false, "how sizes, rows and durations went, up to two years back")
	cmd.Flags().DurationVar(&last, "last", 0, "with --history: only so far back (24h)")
	cmd.MarkFlagsMutuallyExclusive("prometheus", "history")
	return cmd
}

func metricsOf(r *messages.MetricsReport) *metricsResult {
	out := &metricsResult{Operations: []operationJSON{}, Statements: []shapeJSON{}}
	for _, o := range r.Operations {
		j := operationJSON{Name: o.Name, Count: o.Count, Failed: o.Failed, MeanMS: o.MeanMs, P50MS: o.P50Ms, P95MS: o.P95Ms,
			P99MS: o.P99Ms, MaxMS: o.MaxMs, BudgetMS: o.BudgetMs, OverBudget: o.OverBudget, Trend: o.Trend, Days: []dayJSON{}}
		for _, d := range o.Days {
			j.Days = append(j.Days, dayJSON{Day: d.Day, Count: d.Count, Failed: d.Failed, MeanMS: d.MeanMs, P50MS: d.P50Ms,
				P95MS: d.P95Ms, P99MS: d.P99Ms, MaxMS: d.MaxMs})
		}
		out.Operations = append(out.Operations, j)
	}
	for _, s := range r.Shapes {
		out.Statements = append(out.Statements, shapeJSON{Shape: s.Shape, Count: s.Count, Failed: s.Failed, Rows: s.Rows,
			TotalMS: s.TotalMs, MaxMS: s.MaxMs})
	}
	return out
}

func showMetrics(w io.Writer, s style, r *messages.MetricsReport) {
	if len(r.Operations) == 0 {
		fmt.Fprintf(w, "%s nothing has been measured yet: officer run DB measures\n", s.warn())
		return
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "  \tOPERATION\tRUNS\tFAILED\tMEDIAN\t95 %\t99 %\tLONGEST\tBUDGET\tTREND")
	for _, o := range r.Operations {
		// Marks are coloured only outside the table: escape codes would count as cells.
		fmt.Fprintf(t, "%s \t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", metricsMark(o), clean(o.Name), o.Count, o.Failed,
			took(o.P50Ms), took(o.P95Ms), took(o.P99Ms), took(o.MaxMs), budget(o.BudgetMs), trendWord(o.Trend))
	}
	_ = t.Flush()
	if len(r.Shapes) == 0 {
		return
	}
	fmt.Fprintln(w, "statements that took longest in all, since the start")
	t = tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "  TOTAL\tRUNS\tROWS\tLONGEST\tSTATEMENT")
	for _, shape := range r.Shapes[:min(len(r.Shapes), statementsShown)] {
		fmt.Fprintf(t, "  %s\t%d\t%d\t%s\t%s\n", took(shape.TotalMs), shape.Count, shape.Rows, took(shape.MaxMs), clean(shape.Shape))
	}
	_ = t.Flush()
}

// metricsMark warns of a budget that was not kept lately, again and again.
func metricsMark(o *messages.OperationMetrics) string {
	switch {
	case o.OverBudget >= 3:
		return "!"
	case o.BudgetMs > 0:
		return "✓"
	}
	return " "
}

// took writes milliseconds, also parts of one.
func took(ms float64) string {
	switch {
	case ms < 1:
		return fmt.Sprintf("%.0f µs", ms*1000)
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return report.Seconds(int64(ms))
}

func budget(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return report.Seconds(ms)
}

// trendWord compares the newest day with those before it.
func trendWord(trend float64) string {
	if trend == 0 {
		return "-"
	}
	return fmt.Sprintf("× %.2f", trend)
}
