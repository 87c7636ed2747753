package main

import (
	"context"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// tell says something to the service manager when there is one
// (https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).
func tell(state string) {
	// One that does not listen is no reason to look after a database less.
	_, _ = daemon.SdNotify(false, strings.ReplaceAll(state, "\x00", ""))
}

// monotonic is what RELOADING goes with.
func monotonic() string { return daemon.SdNotifyMonotonicUsec() }

// watchdog tells the service manager that this process lives, as long as its root answers.
// The health of a database is no matter for it: a restart would not mend that.
func (r *runner) watchdog(ctx context.Context) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil || limit <= 0 {
		return
	}
	beat := time.NewTicker(limit / 3)
	defer beat.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, limit/3)
		if r.Alive(asking) == nil {
			tell(daemon.SdNotifyWatchdog)
		}
		cancel()
		select {
		case <-beat.C:
		case <-ctx.Done():
			return
		}
	}
}
