package host

import (
	"time"

	"golang.org/x/sys/windows"
)

// Elapsed is the time since this boot, sleep included: GetTickCount64.
func Elapsed() time.Duration { return windows.DurationSinceBoot() }
