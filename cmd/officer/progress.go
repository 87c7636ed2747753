package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

// barCells is the width of a progress bar.
const barCells = 24

// meter shows the progress of long work: a bar on a terminal, NDJSON with --json,
// nothing else.
type meter struct {
	c     *cli
	mu    sync.Mutex
	stage string
	tenth int64
	drawn bool
}

func (c *cli) meter() *meter { return &meter{c: c, tenth: -1} }

// hear takes one step. It may be called from several goroutines.
func (m *meter) hear(p *messages.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := int64(0)
	if p.Total > 0 {
		at = p.Done * 1000 / p.Total
	}
	if m.stage == p.Stage && at == m.tenth {
		return // less than a thousandth further
	}
	m.stage, m.tenth = p.Stage, at
	switch {
	case m.c.json:
		m.c.line(progressJSON{Type: "progress", Stage: p.Stage, Done: p.Done, Total: p.Total, Unit: p.Unit})
	case m.c.errStyle.terminal && !m.c.quiet:
		m.drawn = true
		full := int(at * barCells / 1000)
		amount := ""
		if p.Unit == "bytes" && p.Total > 0 {
			amount = report.Size(p.Done) + " of " + report.Size(p.Total)
		}
		fmt.Fprintf(m.c.err, "\r\x1b[K  %-8s %s%s %3d %% %s", clean(p.Stage),
			strings.Repeat("█", full), strings.Repeat("░", barCells-full), at/10, amount)
	}
}

// end wipes the bar.
func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.drawn {
		fmt.Fprint(m.c.err, "\r\x1b[K")
	}
}
