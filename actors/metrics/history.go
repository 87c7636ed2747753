package metrics

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/history"
	"github.com/officer-doofy/officer/internal/rolling"
	"github.com/officer-doofy/officer/messages"
)

const (
	durationPrefix = "duration_ms:"
	noon           = 12 * time.Hour // where a day's median stands on the axis
)

// sample takes the sizes that a message carries.
func (m *metrics) sample(ctx actor.Context, msg any) {
	if m.cfg.Passive {
		return
	}
	now := m.now()
	m.whenLoaded(nil, func() {
		m.remember(ctx, now, samplesOf(msg))
	})
}

// remember makes samples part of the history. While the clock is in doubt a line of them
// does not tell everything, and the file is written as a whole.
func (m *metrics) remember(ctx actor.Context, now time.Time, samples []history.Sample) {
	doubted := m.past.InDoubt()
	if !m.past.Record(now, samples...) {
		return
	}
	line, err := history.Line(now, samples...)
	m.changed(ctx, m.plots, line, err == nil && !doubted && !m.past.InDoubt(), func() { m.past.Record(now, samples...) })
}

// samplesOf are the samples that a message carries.
func samplesOf(msg any) (samples []history.Sample) {
	switch msg := msg.(type) {
	case *messages.RecordSizes:
		for name, bytes := range map[string]*int64{
			history.DatabaseBytes: msg.DatabaseBytes, history.WALBytes: msg.WalBytes, history.FreeBytes: msg.FreeBytes,
		} {
			if bytes != nil {
				samples = append(samples, history.Sample{Name: name, Value: *bytes})
			}
		}
	case *messages.BackupTaken:
		if !msg.GetBackup().GetVerified() {
			return nil // what a doubtful copy holds may not be what there is
		}
		var tables []history.Table
		for _, t := range msg.GetBackup().GetContent().GetTables() {
			tables = append(tables, history.Table{Name: t.GetName(), Rows: t.GetRows()})
		}
		return history.RowsOf(tables)
	case *messages.WalCheckpointed:
		if msg.GetOutcome().GetSkippedBecause() != "" {
			return nil
		}
		return []history.Sample{{Name: history.WALBytes, Value: msg.GetOutcome().GetWalBytesBefore()},
			{Name: history.WALBytes, Value: msg.GetOutcome().GetWalBytesAfter()}}
	case *messages.WalGrew:
		return []history.Sample{{Name: history.WALBytes, Value: msg.GetWalBytes()}}
	}
	return samples
}

// tell answers with the series, and with the medians of the days that metrics.json has.
func (m *metrics) tell(ctx actor.Context, msg *messages.GetHistory) {
	request, now := m.Accept(ctx), m.now()
	m.whenLoaded(request, func() {
		since := time.UnixMilli(msg.GetSinceUnixMs())
		out := &messages.History{}
		for _, s := range m.past.Since(since) {
			one := &messages.Series{Name: s.Name, Unit: unitOf(s.Name)}
			for _, p := range s.Points {
				one.Points = append(one.Points, &messages.Point{TimeUnixMs: p.At * 1000, Value: float64(p.Value)})
			}
			out.Series = append(out.Series, one)
		}
		for _, r := range m.book.Reports(now, "") {
			if one := medians(r, since, now); len(one.Points) > 0 {
				out.Series = append(out.Series, one)
			}
		}
		request.Answer(out)
	})
}

func unitOf(name string) string {
	switch name {
	case history.DatabaseBytes, history.WALBytes, history.FreeBytes:
		return "bytes"
	}
	return "rows"
}

// medians is one operation, a point for each local day, at noon; today's is not ahead of now.
func medians(r rolling.Report, since, now time.Time) *messages.Series {
	one := &messages.Series{Name: durationPrefix + r.Name, Unit: "ms"}
	for _, d := range r.Days {
		date, err := time.ParseInLocation(time.DateOnly, d.Date, now.Location())
		if err != nil {
			continue
		}
		at := date.Add(noon)
		if at.After(now) {
			at = now
		}
		if !at.Before(since) {
			one.Points = append(one.Points, &messages.Point{TimeUnixMs: at.UnixMilli(), Value: ms(d.P50)})
		}
	}
	return one
}
