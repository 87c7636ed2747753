package supervisor

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// What could not be taken on is tried again after 1, 2, 4, 8 and then every 15 minutes.
const (
	retryAfter  = time.Minute
	retryAtMost = 15 * time.Minute
)

// turnWithin is how long Stop waits for a Reload that is under way, which it interrupts.
const turnWithin = time.Second

// passes tells whether what keeps a database from being looked after may pass without
// anybody telling Officer: a device that failed, or somebody who has the lock.
func passes(f *messages.Failure) bool {
	switch f.Code {
	case "locked", "no_answer", "interrupted":
		return true
	}
	switch fault.Code(f.Code) {
	case fault.IO, fault.Busy, fault.Full, fault.NoMemory, fault.ReadOnly, fault.Permission:
		return true
	}
	return false
}

// tend sees to it that what may pass is tried again. The caller has the turn.
func (r *Running) tend() {
	if r.timer != nil {
		r.timer.Stop()
	}
	hopes := func(p Problem) bool { return passes(p.Failure) }
	if r.cfg.Passive || r.life.Err() != nil || !slices.ContainsFunc(r.Problems(), hopes) {
		r.tries = 0
		return
	}
	r.tries++
	tell := r.cfg.Late
	r.timer = time.AfterFunc(kit.Backoff(r.tries, retryAfter, retryAtMost, 0), func() {
		for _, one := range r.retry() {
			if tell != nil {
				tell(one)
			}
		}
	})
}

// retry tries again to take on what may be possible by now, and gives what was.
func (r *Running) retry() (late []Looked) {
	r.turn.Lock()
	defer r.turn.Unlock()
	places, err := placesOf(r.cfg)
	if err != nil || r.life.Err() != nil {
		return nil
	}
	definitions, err := registry()
	if err != nil {
		return nil
	}
	cfg := r.cfg
	cfg.LockWait = lockRetry // the next try comes, and a Reload waits for this one
	ctx, cancel := r.unasked(context.Background())
	defer cancel()
	var out messages.ConfigReloaded
	hopeful := r.hopeful()
	for _, p := range r.all() { // its tree began, and did not answer then
		if slices.Contains(hopeful, p.path) {
			r.trouble(p.path, r.answering(ctx, []*post{p}))
		}
	}
	for _, d := range plan(r.known(), places, cfg) {
		if slices.Contains(hopeful, d.path()) {
			r.change(ctx, cfg, d, definitions, &out)
		}
	}
	r.arrange(places)
	r.openWays()
	r.tend()
	for _, p := range r.all() {
		if slices.Contains(out.Added, p.path) || slices.Contains(out.Changed, p.path) {
			p.log.Info("what kept the database from being looked after has passed", slog.String("database", p.name))
			late = append(late, Looked{Name: p.name, Path: p.path, Home: p.home})
		}
	}
	return late
}

// hopeful lists the databases of which what is wrong may pass.
func (r *Running) hopeful() (paths []string) {
	for _, p := range r.Problems() {
		if passes(p.Failure) {
			paths = append(paths, p.Path)
		}
	}
	return paths
}

// unasked is a context that does not end with that of who asked, but when Stop begins.
func (r *Running) unasked(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	off := context.AfterFunc(r.life, cancel)
	return ctx, func() {
		off()
		cancel()
	}
}

// cease interrupts what is being taken on, lets nothing more begin, and waits a little for
// the end of it: nothing may take a lock after Stop has given all of them back.
func (r *Running) cease(ctx context.Context) {
	r.end()
	ctx, cancel := context.WithTimeout(ctx, turnWithin)
	defer cancel()
	over := make(chan struct{})
	go func() {
		r.turn.Lock()
		defer r.turn.Unlock()
		if r.timer != nil {
			r.timer.Stop()
		}
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
	}
}
