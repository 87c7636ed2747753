package metrics

import (
	"log/slog"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/rolling"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

const budgetExceeded = "budget_exceeded"

// namesShown is how many operations a sentence can bear.
const namesShown = 3

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition {
	return []condition.Definition{{
		Code: budgetExceeded, System: "metrics", Severity: condition.Yellow,
		// While the database is damaged or cannot be reached, or its log has grown to gigabytes, slowness is a consequence.
		DependsOn: []condition.Code{"damage_found", "database_unreachable", "database_stuck", "database_missing", "wal_blocked", "wal_large"},
		Text:      "It takes longer than it should, again and again: {operations}.",
		Hint:      "officer metrics {database}",
	}}
}

// alerts remembers when which operation was last said to be slow.
type alerts struct {
	last   map[string]time.Time // bounded by the number of operations
	hour   time.Time            // the present hour began
	inHour int
}

// may tells whether another alert is still news, and notes it.
func (a *alerts) may(name string, now time.Time) bool {
	if last, ok := a.last[name]; ok && now.Sub(last) < slowEvery && !now.Before(last) {
		return false
	}
	if d := now.Sub(a.hour); d >= time.Hour || d < 0 {
		a.hour, a.inHour = now, 0
	}
	if a.inHour >= slowHour {
		return false
	}
	if a.last == nil {
		a.last = make(map[string]time.Time)
	}
	a.inHour++
	a.last[name] = now
	return true
}

// alert tells of one run that took far too long.
func (m *metrics) alert(ctx actor.Context, now time.Time, v rolling.Verdict, msg *messages.RecordOperation, took time.Duration) {
	if !m.alerts.may(v.Name, now) {
		return
	}
	m.cfg.Log.Warn("slow", slog.String("operation", v.Name), slog.String("shape", msg.GetShape()),
		slog.Int64("duration_ms", took.Milliseconds()), slog.Int64("budget_ms", v.Budget.Milliseconds()))
	ctx.Send(m.cfg.Peers.Tree(), &messages.QuerySlow{Name: v.Name, Shape: msg.GetShape(),
		DurationMs: took.Milliseconds(), BudgetMs: v.Budget.Milliseconds()})
}

// judge raises or clears budget_exceeded. What has not changed is said again once a
// minute at most: health may have restarted empty.
func (m *metrics) judge(ctx actor.Context, now time.Time) {
	names := m.book.Trending(now)
	if more := len(names) - namesShown; more > 0 {
		names = append(names[:namesShown:namesShown], "and others")
	}
	text := strings.Join(names, ", ")
	if text == m.trending && now.Sub(m.trendTold) < trendEvery {
		return
	}
	m.trending, m.trendTold = text, now
	health := m.cfg.Peers.Of("health")
	if text == "" {
		ctx.Send(health, &messages.ClearCondition{Code: budgetExceeded})
		return
	}
	ctx.Send(health, &messages.RaiseCondition{Code: budgetExceeded,
		Args: []string{"operations=" + text, "database=" + shell.Database(m.cfg.Database)}})
}

// reportOf writes reports as messages.
func reportOf(reports []rolling.Report, shapes []rolling.Statement) *messages.MetricsReport {
	out := &messages.MetricsReport{}
	for _, r := range reports {
		w := r.Window
		o := &messages.OperationMetrics{
			Name: r.Name, Count: w.Count, Failed: w.Failed, MeanMs: ms(w.Mean), P50Ms: ms(w.P50), P95Ms: ms(w.P95),
			P99Ms: ms(w.P99), MaxMs: ms(w.Max), BudgetMs: r.Budget.Limit.Milliseconds(), Trend: r.Trend,
			OverBudget: int32(r.OverBudget), // at most ten
		}
		for _, d := range r.Days {
			o.Days = append(o.Days, &messages.DayMetrics{
				Day: d.Date, Count: d.Count, Failed: d.Failed, MeanMs: ms(d.Mean), P50Ms: ms(d.P50), P95Ms: ms(d.P95),
				P99Ms: ms(d.P99), MaxMs: ms(d.Max),
			})
		}
		out.Operations = append(out.Operations, o)
	}
	for _, s := range shapes {
		out.Shapes = append(out.Shapes, &messages.ShapeMetrics{
			Shape: s.Shape, Count: s.Count, Failed: s.Failed, Rows: s.Rows, TotalMs: ms(s.Total), MaxMs: ms(s.Max),
		})
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
