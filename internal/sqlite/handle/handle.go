// Package handle makes the *sql.DB that an embedding program works with. It speaks
// database/sql over connections of Officer's one driver without registering a name:
// importing go-sqlite3's own database/sql package would panic at start in every
// program that also links mattn/go-sqlite3, since both register "sqlite3".
//
// Values: bool is stored as 0 or 1, time.Time as RFC 3339 text with nanoseconds.
// Columns declared BOOLEAN come back as bool, columns declared DATE, TIME, DATETIME or
// TIMESTAMP as time.Time when their value can be read as one
// (https://sqlite.org/lang_datefunc.html#time_values); everything else as stored.
package handle

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/ncruces/go-sqlite3"
)

// Open opens a handle whose connections are made by connect and set up by it
// completely (busy timeout, pragmas) and closed by ending. trace (may be nil) hears
// of each finished statement.
func Open(connect func(context.Context) (*sqlite3.Conn, error), ending func(*sqlite3.Conn) error, trace Trace) *sql.DB {
	return sql.OpenDB(connector{connect, ending, trace})
}

type connector struct {
	open   func(context.Context) (*sqlite3.Conn, error)
	ending func(*sqlite3.Conn) error
	trace  Trace
}

// Connect makes one connection.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	raw, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, ending: c.ending, tracer: tracer{trace: c.trace}}, nil
}

// Driver is part of driver.Connector.
func (c connector) Driver() driver.Driver { return unnamed{} }

// unnamed cannot be opened by name: a handle always comes from Open.
type unnamed struct{}

func (unnamed) Open(string) (driver.Conn, error) {
	return nil, errors.New("officer: a handle is opened through officer.Start")
}

type conn struct {
	raw      *sqlite3.Conn
	ending   func(*sqlite3.Conn) error
	tracer   tracer
	readOnly bool // the open transaction set query_only
}

var (
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.SessionResetter    = (*conn)(nil)
	_ driver.StmtExecContext    = (*stmt)(nil)
	_ driver.StmtQueryContext   = (*stmt)(nil)
	_ driver.NamedValueChecker  = (*stmt)(nil)
)

// during makes SQLite stop with INTERRUPT when ctx ends, until the returned function is called.
func (c *conn) during(ctx context.Context) func() {
	old := c.raw.SetInterrupt(ctx)
	return func() { c.raw.SetInterrupt(old) }
}

// Close closes the connection.
func (c *conn) Close() error {
	return c.ending(c.raw)
}

// Ping runs the smallest statement that reads the file.
func (c *conn) Ping(ctx context.Context) error {
	defer c.during(ctx)()
	return c.raw.Exec("PRAGMA schema_version")
}

// ResetSession rolls back what a careless user left open.
func (c *conn) ResetSession(context.Context) error {
	if c.raw.GetAutocommit() {
		return nil
	}
	if err := c.raw.Exec("ROLLBACK"); err != nil {
		return driver.ErrBadConn
	}
	return nil
}

// Begin starts a deferred transaction.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx starts a transaction: serializable is IMMEDIATE, linearizable EXCLUSIVE, the
// default DEFERRED; read-only refuses writes until its end.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	begin := "BEGIN"
	switch sql.IsolationLevel(opts.Isolation) {
	case sql.LevelDefault:
	case sql.LevelSerializable:
		begin = "BEGIN IMMEDIATE"
	case sql.LevelLinearizable:
		begin = "BEGIN EXCLUSIVE"
	default:
		return nil, errors.New("officer: isolation level not supported by SQLite")
	}
	defer c.during(ctx)()
	began := c.tracer.begin()
	err := c.raw.Exec(begin)
	c.tracer.done(begin, began, 0, err)
	if err != nil {
		return nil, err
	}
	if opts.ReadOnly {
		if err := c.raw.Exec("PRAGMA query_only=on"); err != nil {
			return nil, errors.Join(err, c.Rollback())
		}
		c.readOnly = true
	}
	return c, nil
}

// Commit commits; when that fails the transaction is rolled back, so that the
// connection is fit for the next user.
func (c *conn) Commit() error {
	began := c.tracer.begin()
	err := c.raw.Exec("COMMIT")
	c.tracer.done("COMMIT", began, 0, err)
	if err != nil && !c.raw.GetAutocommit() {
		return errors.Join(err, c.Rollback())
	}
	return errors.Join(err, c.writable())
}

// Rollback rolls back, also when the context of the transaction is over.
func (c *conn) Rollback() error {
	defer c.during(context.Background())()
	if c.raw.GetAutocommit() {
		return c.writable() // SQLite rolled back by itself, after a full disk say
	}
	return errors.Join(c.raw.Exec("ROLLBACK"), c.writable())
}

func (c *conn) writable() error {
	if !c.readOnly {
		return nil
	}
	c.readOnly = false
	defer c.during(context.Background())()
	return c.raw.Exec("PRAGMA query_only=off")
}

// Prepare compiles one statement.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext compiles one statement; a second one after it is an error.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	defer c.during(ctx)()
	s, tail, err := c.raw.Prepare(query)
	if err != nil {
		return nil, err
	}
	if rest, _, err := c.raw.Prepare(tail); err != nil || rest != nil {
		return nil, errors.Join(errors.New("officer: more than one statement; use Exec without arguments"),
			err, rest.Close(), s.Close())
	}
	return &stmt{c: c, raw: s, shape: c.tracer.shape(query)}, nil
}

// ExecContext runs any number of statements without arguments.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) > 0 {
		return nil, driver.ErrSkip
	}
	defer c.during(ctx)()
	began, before := c.tracer.begin(), c.raw.TotalChanges()
	err := c.raw.Exec(query)
	c.tracer.done(c.tracer.shape(query), began, c.raw.TotalChanges()-before, err)
	if err != nil {
		return nil, err
	}
	return outcome(c.raw), nil
}

type result struct{ id, rows int64 }

// LastInsertId is the rowid of the newest insert on this connection.
func (r result) LastInsertId() (int64, error) { return r.id, nil }

// RowsAffected counts rows changed by the statement.
func (r result) RowsAffected() (int64, error) { return r.rows, nil }

func outcome(c *sqlite3.Conn) driver.Result {
	return result{c.LastInsertRowID(), c.Changes()}
}
