package supervisor

import (
	"log/slog"
	"path/filepath"

	"github.com/officer-doofy/officer/internal/fsx"
)

// notes are the small files of a home that are written as a whole, relative to it. The
// list of backups and the records of restores are their owners' to tidy.
func notes() []string {
	return []string{"events.ndjson", "evidence.json", "maintenance.json", "restore-to.json", "reserve",
		"metrics/metrics.json", "metrics/history.json", "metrics/disk.json"}
}

// tidy removes what a run that was killed left of a file in the making (promise P7). The
// lock is held, so nobody else is making one.
func (p place) tidy(files fsx.FS, log *slog.Logger) {
	for _, name := range notes() {
		if err := fsx.RemoveTemps(files, filepath.Join(p.home, filepath.FromSlash(name))); err != nil {
			log.Warn("what a killed run left could not be removed", slog.String("of", name), slog.Any("error", err))
		}
	}
}
