package rolling

import "time"

// Budget says how long an operation may take.
type Budget struct {
	Operation string
	Limit     time.Duration
	PerBytes  int64         // > 0: Limit is for this many bytes; less is never expected to be faster
	Alert     time.Duration // a single run is an event only beyond this; 0 = beyond Limit
}

// For gives the budget of a run about so many bytes; 0 = no budget, also where it depends
// on a size that nobody knows.
func (b Budget) For(sizeBytes int64) time.Duration {
	switch {
	case b.PerBytes > 0 && sizeBytes <= 0:
		return 0
	case sizeBytes <= b.PerBytes || b.PerBytes <= 0:
		return b.Limit
	}
	return time.Duration(float64(b.Limit) * float64(sizeBytes) / float64(b.PerBytes))
}

// Budgets are the ones Officer promises: for its own jobs those of the plan, and what a
// statement of an app may take before it is called slow.
func Budgets() []Budget {
	const backupBytes = 100_000_000
	return []Budget{
		{Operation: "start", Limit: 5 * time.Second, Alert: 10 * time.Second},
		{Operation: "query", Limit: 5 * time.Second},
		{Operation: AppPrefix + "query", Limit: 5 * time.Second},
		{Operation: AppPrefix + "start", Limit: 10 * time.Second},
		{Operation: "backup.copy", Limit: 5 * time.Second, PerBytes: backupBytes},
		{Operation: "backup.verify", Limit: 5 * time.Second, PerBytes: backupBytes},
		{Operation: "check.full", Limit: 10 * time.Second, PerBytes: backupBytes},
		{Operation: "check.foreign_keys", Limit: 10 * time.Second, PerBytes: backupBytes},
		{Operation: "wal.checkpoint", Limit: 3 * time.Second},
		{Operation: "recovery.restore", Limit: 30 * time.Second},
		{Operation: "recovery.undo", Limit: 30 * time.Second},
	}
}
