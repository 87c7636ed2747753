package rebuild

import (
	"context"
	"errors"
)

// RecoverByPages is Recover without a second attempt.
func RecoverByPages(ctx context.Context, o Order) (*Result, error) {
	return recoverBy(ctx, o, func(write func(*pages) (*Result, error)) (*Result, error) { return write(&pages{}) })
}

// RecoverByInserts is Recover, all of it through SQLite.
func RecoverByInserts(ctx context.Context, o Order) (*Result, error) {
	return recoverBy(ctx, o, func(write func(*pages) (*Result, error)) (*Result, error) { return write(nil) })
}

// NeedsInserts tells whether an error is that a table's rows have to be inserted.
func NeedsInserts(err error) bool {
	var c *conflict
	return errors.As(err, &c)
}
