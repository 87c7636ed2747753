// Package metrics keeps what operations take (system 7): the last hundred runs of each,
// summaries of thirty local days, alerts and trends; and how sizes went over two years.
//
// Protocol: takes RecordOperation and RecordSizes (no answer), ReportMetric → MetricNoted,
// GetMetrics → MetricsReport, GetHistory → History, GetExposition → Exposition. Hears
// BackupTaken (rows), WalCheckpointed and WalGrew: what is known anyway is sampled, nothing
// is asked for. Asks the tree GetStatus, for the exposition. Tells the tree QuerySlow, at
// most one a minute for one operation and twenty an hour in all. Raises budget_exceeded
// when three of the newest ten runs of an operation took longer than its budget.
//
// What was recorded is stored when something changed, at most once a minute, and at the end:
// a kill loses at most a minute. It is appended to a tail of the file that it changes, so that
// a sample costs the same however much is known; the file itself is written anew once an
// hour, when its tail has grown as long as it is, and at the end. A file that is none of ours is kept
// aside and begun afresh; one that a device does not give is read again, after 15 minutes at most,
// and what is known meanwhile is in memory only: nothing replaces it. Nothing here ever keeps the
// rest of Officer from its work.
package metrics

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/history"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/rolling"
	"github.com/officer-doofy/officer/messages"
)

// Config of the metrics actor, complete and fixed for a life.
type Config struct {
	Peers kit.Peers
	Log   *slog.Logger
	// Passive: what is stored is read and nothing is stored.
	Passive bool
	// Database is the path for the commands in hints; empty leaves the hints without one.
	Database string
	// Dir is where metrics.json and history.json lie; it is made when they are first written.
	Dir string
	FS  fsx.FS
	// Location whose days are meant, nil = local time.
	Location *time.Location
	// Budgets, nil = rolling.Budgets().
	Budgets []rolling.Budget
	// Actors tells what the actors of the tree did; nil = nothing is known.
	Actors func() []kit.Counts
	// Writer writes the exposition; nil = there is none.
	Writer Writer
}

// Writer writes a picture in the text format of Prometheus.
type Writer interface {
	Text(Picture) (string, error)
}

// Picture is everything that an exposition tells.
type Picture struct {
	Status     *messages.Status // never nil
	Operations []rolling.Report
	Actors     []kit.Counts
	At         time.Time
}

const (
	fileName    = "metrics.json"
	historyName = "history.json"
	damagedTail = ".damaged" // one of each is enough to find the cause
	tailSuffix  = ".tail"
	// writeEvery bounds what a kill can lose, and how often a disk is made to sync.
	writeEvery = time.Minute
	// wholeEvery bounds how old the two files may be for whoever reads them alone.
	wholeEvery = time.Hour
	// tailBytesMax is the longest tail of a small file: a kill in between costs a few ms of reading.
	tailBytesMax = 64 << 10
	// statusTimeout is longer than the tree's own patience with its parts.
	statusTimeout = 5 * time.Second
	// earlyMax bounds what waits while the file is being read.
	earlyMax = 10_000
	// Slow statements come in swarms; the log and the journal of events need only the first.
	slowEvery = time.Minute
	// trendEvery: a trend is no matter of seconds, and looking at all windows costs.
	trendEvery = time.Minute
	slowHour   = 20
)

// Messages to itself, and tags.
type (
	writeTime struct{}
	loadTime  struct{} // a file could not be read a moment ago
	loaded    struct{}
	gathered  struct{ request *kit.Request }
)

// Props makes the props of the metrics actor.
func Props(cfg Config) *actor.Props {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	if cfg.Budgets == nil {
		cfg.Budgets = rolling.Budgets()
	}
	if cfg.Actors == nil {
		cfg.Actors = func() []kit.Counts { return nil }
	}
	file := func(name string) *store { return &store{fs: cfg.FS, dir: cfg.Dir, path: filepath.Join(cfg.Dir, name)} }
	durations, plots := file(fileName), file(historyName)
	return kit.Props(func() actor.Actor {
		m := &metrics{cfg: cfg}
		m.durations = &record{store: durations, what: "the metrics", unread: true, form: m.bookForm}
		m.plots = &record{store: plots, what: "the history", unread: true,
			form: func(generation int64) ([]byte, error) { return m.past.Marshal(generation) }}
		return m
	})
}

type metrics struct {
	kit.Base
	cfg    Config
	book   *rolling.Book    // nil until the files were read
	past   *history.History // the same
	early  []func()         // what came before that
	shapes rolling.Shapes
	// sizeBytes of the database, as the newest record that says one has it: the budget of
	// a check grows with it too.
	sizeBytes int64

	durations *record // of book
	plots     *record // of past
	timer     bool    // for the next write
	loading   bool    // loadTime will come

	alerts    alerts
	trending  string // the operations that budget_exceeded names now
	trendTold time.Time
}

// Receive is the table of contents.
func (m *metrics) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		m.load(ctx)
	case *actor.Stopping, *actor.Restarting:
		m.save()
	case *messages.RecordOperation:
		m.take(ctx, msg)
	case *messages.RecordSizes, *messages.BackupTaken, *messages.WalCheckpointed, *messages.WalGrew:
		m.sample(ctx, msg)
	case *messages.ReportMetric:
		m.report(ctx, msg)
	case *messages.GetMetrics:
		m.answer(ctx, msg)
	case *messages.GetHistory:
		m.tell(ctx, msg)
	case *messages.GetExposition:
		m.gather(ctx)
	case *kit.Answer:
		m.collect(ctx, msg)
	case writeTime:
		m.timer = false
		m.write(ctx)
	case loadTime:
		m.loading = false
		m.load(ctx)
	default:
		m.Unhandled(ctx)
	}
}

func (m *metrics) bookForm(generation int64) ([]byte, error) {
	m.book.Expire(m.now())
	return m.book.Marshal(generation)
}

func (m *metrics) now() time.Time { return time.Now().In(m.cfg.Location) }

// whenLoaded does something once the book is there; for a request too many it answers.
func (m *metrics) whenLoaded(request *kit.Request, do func()) {
	switch {
	case m.book != nil:
		do()
	case len(m.early) < earlyMax:
		m.early = append(m.early, do)
	default:
		request.Answer(messages.NewFailure("overloaded", "keep metrics", "the stored metrics are still being read").
			WithDid("Nothing was counted."))
	}
}

func (m *metrics) take(ctx actor.Context, msg *messages.RecordOperation) {
	now := m.now()
	m.whenLoaded(nil, func() { m.record(ctx, now, msg) })
}

// record counts one run and says what it means.
func (m *metrics) record(ctx actor.Context, now time.Time, msg *messages.RecordOperation) {
	took := time.Duration(min(max(msg.GetDurationUs(), 0), int64(24*time.Hour/time.Microsecond))) * time.Microsecond
	sizeBytes := msg.GetSizeBytes()
	switch {
	case sizeBytes > 0:
		m.sizeBytes = sizeBytes
	default:
		sizeBytes = m.sizeBytes
	}
	one := rolling.Sample{Name: msg.GetName(), Took: took, Failed: msg.GetFailed(), SizeBytes: sizeBytes}
	v := m.book.Record(now, one)
	m.shapes.Record(msg.GetShape(), took, msg.GetRows(), msg.GetFailed())
	line, err := rolling.Line(now, one)
	m.changed(ctx, m.durations, line, err == nil, func() { m.book.Record(now, one) })
	if m.cfg.Passive {
		return
	}
	if v.Alert {
		m.alert(ctx, now, v, msg, took)
	}
	if v.Over || m.trending != "" && now.Sub(m.trendTold) >= trendEvery {
		m.judge(ctx, now)
	}
}

// report counts what a sidecar's app measured itself. Its statement is made a shape
// here: what it sends may hold values.
func (m *metrics) report(ctx actor.Context, msg *messages.ReportMetric) {
	name := rolling.AppPrefix + msg.GetName()
	if !rolling.ValidName(msg.GetName()) || !rolling.ValidName(name) {
		kit.Reply(ctx, messages.NewFailure("invalid", "report a metric",
			"%.40q is no name of an operation: a lower-case letter, then letters, digits, dots, dashes, at most %d",
			msg.GetName(), rolling.NameBytesMax-len(rolling.AppPrefix)).WithDid("Nothing was counted."))
		return
	}
	if msg.GetDurationUs() < 0 || msg.GetRows() < 0 {
		kit.Reply(ctx, messages.NewFailure("invalid", "report a metric", "a duration or a number of rows below zero").
			WithDid("Nothing was counted."))
		return
	}
	record := &messages.RecordOperation{Name: name, DurationUs: msg.GetDurationUs(), Failed: msg.GetFailed(),
		Shape: rolling.Shape(msg.GetShape()), Rows: msg.GetRows()}
	request, now := m.Accept(ctx), m.now()
	m.whenLoaded(request, func() {
		if !m.book.Knows(name) && m.book.AppNames() >= rolling.AppNamesMax {
			request.Answer(messages.NewFailure("invalid", "report a metric",
				"the app reports %d operations already; use names without numbers in them", rolling.AppNamesMax).
				WithDid("Nothing was counted."))
			return
		}
		m.record(ctx, now, record)
		request.Answer(&messages.MetricNoted{})
	})
}

func (m *metrics) answer(ctx actor.Context, msg *messages.GetMetrics) {
	request := m.Accept(ctx)
	m.whenLoaded(request, func() {
		request.Answer(reportOf(m.book.Reports(m.now(), msg.GetName()), m.shapes.List()))
	})
}

// gather asks the tree what else there is to tell.
func (m *metrics) gather(ctx actor.Context) {
	if m.cfg.Writer == nil {
		kit.Reply(ctx, messages.NewFailure("unhandled", "write metrics", "this Officer writes no exposition"))
		return
	}
	m.Ask(ctx, m.cfg.Peers.Tree(), &messages.GetStatus{}, statusTimeout, gathered{m.Accept(ctx)})
}

// collect sorts answers.
func (m *metrics) collect(ctx actor.Context, a *kit.Answer) {
	switch tag := a.Tag.(type) {
	case loaded:
		m.begin(ctx, a)
	case stored:
		m.wrote(ctx, tag, a.Err)
	case gathered:
		m.expose(tag.request, a)
	}
}

// expose answers with the text. Without a status the rest is still worth telling.
func (m *metrics) expose(request *kit.Request, a *kit.Answer) {
	status, ok := a.Value.(*messages.Status)
	if !ok {
		status = &messages.Status{Health: &messages.HealthReport{Health: messages.Severity_SEVERITY_RED}}
	}
	m.whenLoaded(request, func() {
		now := m.now()
		text, err := m.cfg.Writer.Text(Picture{Status: status, Operations: m.book.Reports(now, ""), Actors: m.cfg.Actors(), At: now})
		if err != nil {
			m.cfg.Log.Error("the exposition could not be written", slog.Any("error", err))
			request.Answer(messages.NewFailure("internal", "write metrics", "the exposition could not be written; the log has the reason"))
			return
		}
		request.Answer(&messages.Exposition{Text: text})
	})
}
