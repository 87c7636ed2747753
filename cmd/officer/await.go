package main

import (
	"context"
	"io/fs"
	"os"
	"slices"
	"time"
)

const (
	// lookForEvery is how often a database that does not exist yet is looked for.
	lookForEvery = 500 * time.Millisecond
	// quietFor is how long a new database must have rested before it is taken on. An app
	// that makes one changes its journal mode, and that fails while anybody else has the
	// file open (https://sqlite.org/wal.html#activating_and_configuring_wal_mode).
	quietFor = 2 * time.Second
	// newFor ends that patience: one that is written without a pause needs Officer too.
	newFor = 30 * time.Second
)

// arrival is a database that has come, while its app still makes it.
type arrival struct {
	size           int64
	modified       time.Time
	first, changed time.Time // when it was seen to be there, and to have changed
}

// ripe tells whether it can be taken on.
func (a *arrival) ripe(info fs.FileInfo, now time.Time) bool {
	if info.Size() == 0 { // opened, and nothing written yet
		return false
	}
	if a.first.IsZero() {
		a.first = now
	}
	if info.Size() != a.size || !info.ModTime().Equal(a.modified) {
		a.size, a.modified, a.changed = info.Size(), info.ModTime(), now
	}
	return now.Sub(a.changed) >= quietFor || now.Sub(a.first) >= newFor
}

// waiting lists the databases that are waited for.
func (r *runner) waiting() (paths []string) {
	if !r.waits {
		return nil
	}
	for _, p := range r.Problems() {
		if p.Failure.Code == "missing" {
			paths = append(paths, p.Path)
		}
	}
	return paths
}

// await takes databases on that did not exist at the start, once they have come.
func (r *runner) await(ctx context.Context) {
	if !r.waits {
		return
	}
	come := make(map[string]*arrival)
	look := time.NewTicker(lookForEvery)
	defer look.Stop()
	for {
		for _, path := range r.waiting() {
			info, err := os.Stat(path)
			if err != nil {
				delete(come, path)
				continue
			}
			if come[path] == nil {
				come[path] = &arrival{}
			}
			if come[path].ripe(info, time.Now()) {
				r.welcome(ctx)
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// welcome takes on what has come and tells where it is reached; what was wrong with the
// others stays as it was.
func (r *runner) welcome(ctx context.Context) {
	if r.end.stopping() {
		return
	}
	done, err := r.Reload(ctx, configured(r.now.Load()))
	if err != nil {
		showError(r.c, err)
		return
	}
	for _, d := range r.Databases() {
		if r.c.json && slices.Contains(done.Added, d.Path) {
			r.c.line(comeJSON{Type: "database", readyDatabase: r.readyDatabase(d)})
		}
	}
}

// recovered tells of databases that could not be taken on at the start and were since. A
// person is told by the narration, which hears their first event.
func (r *runner) recovered(ctx context.Context) {
	for {
		select {
		case d := <-r.late:
			if r.c.json {
				r.c.line(comeJSON{Type: "database", readyDatabase: r.readyDatabase(d)})
			}
		case <-ctx.Done():
			return
		}
	}
}

// comeJSON is the line for a database that is looked after since the first line.
type comeJSON struct {
	Type string `json:"type"`
	readyDatabase
}
