// Package exposition writes what is known of one database in the text format of
// Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). It is the
// only importer of client_golang. Times are in seconds, sizes in bytes; every series
// carries the name of its database.
package exposition

import (
	"bytes"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/officer-doofy/officer/internal/fault"
)

// Snapshot is everything that is told of one database at one moment.
type Snapshot struct {
	Database      string // its name, a label of every series
	Version       string // of Officer
	GoVersion     string
	SQLiteVersion string

	Goroutines int   // of the whole process
	HeapBytes  int64 // that are in use there, garbage not yet collected among them

	Health     int // 0 green, 1 yellow, 2 red
	Conditions []Condition
	HasBackup  bool // a verified one
	BackupAge  time.Duration
	Backups    int

	HasFacts      bool
	DatabaseBytes int64
	WALBytes      int64
	Volumes       []Volume

	Operations []Operation
	Actors     []Actor
}

// Condition is one thing that is wrong now.
type Condition struct {
	Code     string
	Severity string // "yellow" or "red"
}

// Volume is the room where something lies that matters.
type Volume struct {
	Path      string
	FreeBytes int64
}

// Operation is what the runs of an operation took: counts since the start, percentiles
// of its newest runs.
type Operation struct {
	Name          string
	Runs          int64
	Failures      int64
	Total         time.Duration
	P50, P95, P99 time.Duration
}

// Actor is what one actor did since the start.
type Actor struct {
	Name     string
	Messages int64
	Panics   int64
	Restarts int64
	Depth    int64
	Handling time.Duration
	Classes  []Class // rising; not cumulated
}

// Class counts messages that were handled within a time.
type Class struct {
	Within time.Duration
	Count  int64
}

// Text writes a snapshot. It fails (fault.Internal) when the snapshot holds one series
// twice.
func Text(s Snapshot) (string, error) {
	const op = "write metrics"
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(collector{s}); err != nil {
		return "", fault.Wrap(fault.Internal, op, "the metrics contradict each other", err)
	}
	families, err := registry.Gather()
	if err != nil {
		return "", fault.Wrap(fault.Internal, op, "the metrics contradict each other", err)
	}
	var out bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			return "", fault.Wrap(fault.Internal, op, "the metrics cannot be written", err)
		}
	}
	return out.String(), nil
}
