package exposition

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector is a snapshot as client_golang takes it.
type collector struct{ Snapshot }

// series is one metric and its labels besides the database.
func series(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("officer_"+name, help, append([]string{"database"}, labels...), nil)
}

// Describe is part of prometheus.Collector; a collector without descriptions is checked
// when it is collected.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect is part of prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	c.state(to)
	c.sizes(to)
	c.operations(to)
	c.actors(to)
}

// put sends one number. Labels are clean: what is no UTF-8 is replaced.
func (c collector) put(to chan<- prometheus.Metric, d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, kind, v, c.labels(labels)...)
}

func (c collector) labels(more []string) []string {
	all := append([]string{c.Database}, more...)
	for i, l := range all {
		all[i] = strings.ToValidUTF8(l, "?")
	}
	return all
}

func (c collector) state(to chan<- prometheus.Metric) {
	const gauge = prometheus.GaugeValue
	c.put(to, series("build_info", "Officer that looks after the database; always 1.", "version", "go_version", "sqlite_version"),
		gauge, 1, c.Version, c.GoVersion, c.SQLiteVersion)
	c.put(to, series("goroutines", "Goroutines of the whole process."), gauge, float64(c.Goroutines))
	c.put(to, series("heap_bytes", "Memory of the objects of the whole process."), gauge, float64(c.HeapBytes))
	c.put(to, series("health", "Colour of the whole: 0 green, 1 yellow, 2 red."), gauge, float64(c.Health))
	counts := map[string]int{"yellow": 0, "red": 0}
	active := series("condition_active", "What is wrong now; always 1.", "code", "severity")
	seen := map[string]bool{}
	for _, condition := range c.Conditions {
		counts[condition.Severity]++
		if !seen[condition.Code] {
			seen[condition.Code] = true
			c.put(to, active, gauge, 1, condition.Code, condition.Severity)
		}
	}
	d := series("conditions", "Root causes of the colour, by severity.", "severity")
	for severity, n := range counts {
		c.put(to, d, gauge, float64(n), severity)
	}
	c.put(to, series("backups", "Backups that are kept."), gauge, float64(c.Backups))
	if c.HasBackup {
		c.put(to, series("backup_age_seconds", "Age of the newest verified backup; missing while there is none."),
			gauge, c.BackupAge.Seconds())
	}
}

func (c collector) sizes(to chan<- prometheus.Metric) {
	const gauge = prometheus.GaugeValue
	if c.HasFacts {
		c.put(to, series("database_bytes", "Size of the database file."), gauge, float64(c.DatabaseBytes))
		c.put(to, series("wal_bytes", "Size of the write-ahead log."), gauge, float64(c.WALBytes))
	}
	free := series("disk_free_bytes", "Room on a volume that matters.", "path")
	seen := map[string]bool{}
	for _, v := range c.Volumes {
		if !seen[v.Path] {
			seen[v.Path] = true
			c.put(to, free, gauge, float64(v.FreeBytes), v.Path)
		}
	}
}

func (c collector) operations(to chan<- prometheus.Metric) {
	took := series("operation_duration_seconds",
		"What an operation took: quantiles of its last 100 runs, sum and count since the start.", "operation")
	failed := series("operation_failures_total", "Runs of an operation that failed since the start.", "operation")
	for _, o := range c.Operations {
		quantiles := map[float64]float64{0.5: o.P50.Seconds(), 0.95: o.P95.Seconds(), 0.99: o.P99.Seconds()}
		to <- prometheus.MustNewConstSummary(took, uint64(max(o.Runs, 0)), o.Total.Seconds(), quantiles, c.labels([]string{o.Name})...)
		c.put(to, failed, prometheus.CounterValue, float64(o.Failures), o.Name)
	}
}

func (c collector) actors(to chan<- prometheus.Metric) {
	const counter = prometheus.CounterValue
	handled := series("actor_messages_total", "Messages an actor has handled.", "actor")
	panics := series("actor_panics_total", "Messages whose handling crashed.", "actor")
	restarts := series("actor_restarts_total", "Restarts of an actor after a crash.", "actor")
	depth := series("actor_mailbox_depth", "Messages that wait for an actor.", "actor")
	handling := series("actor_handle_seconds", "How long messages were handled.", "actor")
	for _, a := range c.Actors {
		c.put(to, handled, counter, float64(a.Messages), a.Name)
		c.put(to, panics, counter, float64(a.Panics), a.Name)
		c.put(to, restarts, counter, float64(a.Restarts), a.Name)
		c.put(to, depth, prometheus.GaugeValue, float64(a.Depth), a.Name)
		buckets, n := cumulated(a.Classes)
		to <- prometheus.MustNewConstHistogram(handling, max(n, uint64(max(a.Messages, 0))), a.Handling.Seconds(), buckets, c.labels([]string{a.Name})...)
	}
}

// cumulated gives the buckets of a histogram; n is the count of the last one.
func cumulated(classes []Class) (buckets map[float64]uint64, n uint64) {
	buckets = make(map[float64]uint64, len(classes))
	for _, class := range classes {
		n += uint64(max(class.Count, 0))
		buckets[float64(class.Within)/float64(time.Second)] = n
	}
	return buckets, n
}
