package dbowner

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
)

const (
	// A busy database is asked again soon, one that cannot be fenced now and then: a
	// restore may have given it its header back.
	lockRetryBase = 50 * time.Millisecond
	lockRetryMax  = 5 * time.Second
	lockTryMax    = 2 * time.Second // one attempt
)

// Private messages of the fence child.
type (
	wish struct { // from the owner: hold the write lock, or do not
		number uint64
		held   bool
	}
	tryLock struct{ number uint64 } // once more
)

// keeper is the fence child: it holds the write lock on a connection of its own, which
// lives in the ledger so that it can outlive a restart of the owner.
type keeper struct {
	kit.Base
	cfg   Config
	led   *ledger
	owner *actor.PID
	wish  wish
	tries int
}

// Receive is the table of contents.
func (k *keeper) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *wish:
		k.wish, k.tries = *msg, 0
		k.align(ctx)
	case *tryLock:
		if msg.number == k.wish.number {
			k.align(ctx)
		}
	case *actor.Stopping:
		if !k.led.keepLock {
			k.release()
		}
	default:
		k.Unhandled(ctx)
	}
}

// align makes one attempt to have the lock as wished, and tells the owner.
func (k *keeper) align(ctx actor.Context) {
	var err error
	switch {
	case !k.wish.held:
		k.release()
	case k.led.lock.held:
		err = k.inspect()
	default:
		err = k.take()
	}
	news := &fenceNews{wish: k.wish.number, held: k.led.lock.held}
	if err != nil {
		k.cfg.Log.Debug("the write lock cannot be had", slog.Any("error", err))
		news.code, news.text = fault.CodeOf(err), whyNotHeld(err)
		k.tries++
		k.After(ctx, kit.Backoff(k.tries, lockRetryBase, lockRetryMax, 0), &tryLock{k.wish.number})
	}
	ctx.Send(k.owner, news)
}

func (k *keeper) take() error {
	ctx, cancel := context.WithTimeout(context.Background(), lockTryMax)
	defer cancel()
	l := &k.led.lock
	if l.db == nil {
		if err := k.led.guard(ctx, k.cfg.Opener); err != nil {
			return err
		}
		db, err := k.led.open(ctx, k.cfg.Opener, ForFence)
		if err != nil {
			return err
		}
		l.db = db
	}
	err := l.db.BeginFence(ctx)
	if err == nil {
		l.held = true
		err = k.inspect()
	}
	if err != nil && fault.CodeOf(err) != fault.Busy {
		k.release() // a connection that failed is not used again
	}
	return err
}

// inspect lets go of a lock on a file that is not the database any more.
func (k *keeper) inspect() error {
	moved, err := k.led.lock.db.HasMoved()
	if err != nil {
		return nil //nolint:nilerr // cannot be told here; the worker's look judges
	}
	if moved {
		k.release()
		return fault.New(fault.Moved, "hold the fence", "the path names another file now")
	}
	return nil
}

// release lets go of the lock and its connection: an idle one is of no use.
func (k *keeper) release() {
	l := &k.led.lock
	if l.db == nil {
		return
	}
	db := l.db
	l.db, l.held = nil, false
	if err := errors.Join(db.EndFence(), k.led.close(db)); err != nil {
		k.cfg.Log.Warn("the fence's connection did not close cleanly", slog.Any("error", err))
	}
}

func whyNotHeld(err error) string {
	if fault.IsDamage(err) {
		return "the header of the file is destroyed"
	}
	if fault.CodeOf(err) == fault.Busy {
		return "another program holds the write lock"
	}
	var e *fault.Error
	if errors.As(err, &e) {
		return e.Text
	}
	return "it failed"
}
