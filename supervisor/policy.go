package supervisor

import (
	"time"

	"github.com/officer-doofy/officer/internal/kit"
)

// policy says what follows a crash. It is pure: the times are arguments.
type policy struct {
	base    time.Duration // wait before the first restart; doubled for each further one in the window
	limit   time.Duration // longest wait
	burst   int           // restarts allowed within the window
	window  time.Duration
	retry   time.Duration // from giving up to the next try
	settled time.Duration // a retried part that lives this long is trusted again
}

// standardPolicy restarts five times in ten minutes, 0.1 s to 30 s apart, so that a
// passing fault (a full disk, a vanished volume) is outlived and a defect is not
// hammered. After that one try an hour costs nothing and may find the cause gone.
func standardPolicy() policy {
	return policy{
		base: 100 * time.Millisecond, limit: 30 * time.Second,
		burst: 5, window: 10 * time.Minute,
		retry: time.Hour, settled: time.Minute,
	}
}

// crashes are the crashes of one part, oldest first, and whether it is on probation:
// once it was given up, its next crash before it settled gives it up again.
type crashes struct {
	at        []time.Time
	probation bool
}

// step is what to do after a crash: give up, or restart after wait.
type step struct {
	giveUp bool
	wait   time.Duration
}

// after records a crash and decides. jitter is in [0,1).
func (p policy) after(c crashes, now time.Time, jitter float64) (crashes, step) {
	recent := make([]time.Time, 0, len(c.at)+1)
	for _, t := range c.at {
		// A clock set back must not make crashes count for ever: what lies in the
		// future is of no known age and is dropped too.
		if age := now.Sub(t); age >= 0 && age < p.window {
			recent = append(recent, t)
		}
	}
	recent = append(recent, now)
	next := crashes{at: recent, probation: c.probation}
	if c.probation || len(recent) > p.burst {
		return next, step{giveUp: true, wait: p.retry}
	}
	return next, step{wait: kit.Backoff(len(recent), p.base, p.limit, jitter)}
}
