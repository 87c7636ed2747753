package main

import (
	"context"
	"runtime/debug"
	"time"

	cmap "github.com/orcaman/concurrent-map"
)

const (
	// freeFirst is when the first checks and backups of a few databases are over.
	freeFirst = 45 * time.Second
	freeEvery = 10 * time.Minute
)

// slim makes this process small; nothing else may run yet.
func slim() {
	// protoactor keeps its few actors in 1,024 maps that are cut into so many shards each,
	// made when the system is: 2.8 MB of the 7 that an idle Officer has on its heap.
	cmap.SHARD_COUNT = 1
	// Most of what is allocated is gone when a job ends, and a job is slow beside a collection.
	debug.SetGCPercent(50)
}

// giveBack returns memory that a job needed to the operating system, until ctx is done.
func giveBack(ctx context.Context) {
	for wait := freeFirst; ; wait = freeEvery {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			debug.FreeOSMemory()
		}
	}
}
