package handle

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
)

type stmt struct {
	c     *conn
	raw   *sqlite3.Stmt
	shape string
}

// Close finalizes the statement.
func (s *stmt) Close() error { return s.raw.Close() }

// NumInput is the number of parameters, -1 when they have names.
func (s *stmt) NumInput() int {
	n := s.raw.BindCount()
	for i := 1; i <= n; i++ {
		if s.raw.BindName(i) != "" {
			return -1
		}
	}
	return n
}

// CheckNamedValue lets the values through that bind stores as they are.
func (s *stmt) CheckNamedValue(arg *driver.NamedValue) error {
	switch arg.Value.(type) {
	case nil, bool, int64, float64, string, []byte, time.Time:
		return nil
	}
	return driver.ErrSkip
}

// Exec is part of driver.Stmt; database/sql calls ExecContext.
func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query is part of driver.Stmt; database/sql calls QueryContext.
func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

// ExecContext runs the statement to its end.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.bind(args); err != nil {
		return nil, err
	}
	defer s.c.during(ctx)()
	began, before := s.c.tracer.begin(), s.c.raw.TotalChanges()
	err := errors.Join(s.raw.Exec(), s.raw.ClearBindings())
	s.c.tracer.done(s.shape, began, s.c.raw.TotalChanges()-before, err)
	if err != nil {
		return nil, err
	}
	return outcome(s.c.raw), nil
}

// QueryContext starts the statement; each row is stepped when it is asked for.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.bind(args); err != nil {
		return nil, err
	}
	return &rows{ctx: ctx, s: s}, nil
}

func (s *stmt) bind(args []driver.NamedValue) error {
	for _, arg := range args {
		if arg.Name == "" {
			if err := s.bindOne(arg.Ordinal, arg.Value); err != nil {
				return err
			}
			continue
		}
		found := false
		for _, prefix := range [...]string{":", "@", "$"} {
			if id := s.raw.BindIndex(prefix + arg.Name); id != 0 {
				found = true
				if err := s.bindOne(id, arg.Value); err != nil {
					return err
				}
			}
		}
		if !found {
			return fmt.Errorf("officer: the statement has no parameter %q", arg.Name)
		}
	}
	return nil
}

func (s *stmt) bindOne(id int, value driver.Value) error {
	switch v := value.(type) {
	case nil:
		return s.raw.BindNull(id)
	case bool:
		return s.raw.BindBool(id, v)
	case int64:
		return s.raw.BindInt64(id, v)
	case float64:
		return s.raw.BindFloat(id, v)
	case string:
		return s.raw.BindText(id, v)
	case []byte:
		return s.raw.BindBlob(id, v)
	case time.Time:
		return s.raw.BindTime(id, v, time.RFC3339Nano)
	}
	return fmt.Errorf("officer: a %T cannot be stored", value)
}

type rows struct {
	ctx   context.Context
	s     *stmt
	names []string
	kinds []byte // 'b' boolean, 't' time, 0 as stored
	// For the trace:
	took   time.Duration // in steps
	steps  int64         // that gave a row
	failed bool
}

// Columns names the columns of the result.
func (r *rows) Columns() []string {
	if r.names == nil {
		n := r.s.raw.ColumnCount()
		r.names, r.kinds = make([]string, n), make([]byte, n)
		for i := range n {
			r.names[i] = r.s.raw.ColumnName(i)
			switch strings.ToUpper(r.s.raw.ColumnDeclType(i)) {
			case "BOOLEAN", "BOOL":
				r.kinds[i] = 'b'
			case "DATE", "TIME", "DATETIME", "TIMESTAMP":
				r.kinds[i] = 't'
			}
		}
	}
	return r.names
}

// ColumnTypeDatabaseTypeName is the declared type in capitals.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	return strings.ToUpper(r.s.raw.ColumnDeclType(i))
}

// Close resets the statement for its next use.
func (r *rows) Close() error {
	err := errors.Join(r.s.raw.Reset(), r.s.raw.ClearBindings())
	if trace := r.s.c.tracer.trace; trace != nil {
		trace(Statement{Shape: r.s.shape, Took: r.took, Rows: r.steps, Failed: r.failed})
	}
	return err
}

// Next steps to the next row.
func (r *rows) Next(dest []driver.Value) error {
	defer r.s.c.during(r.ctx)()
	if !r.step() {
		if err := r.s.raw.Err(); err != nil {
			r.failed = true
			return err
		}
		return io.EOF
	}
	r.Columns()
	for i := range dest {
		dest[i] = r.value(i)
	}
	return nil
}

// step takes one step, with the time it took when somebody traces.
func (r *rows) step() bool {
	if r.s.c.tracer.trace == nil {
		return r.s.raw.Step()
	}
	began := time.Now()
	row := r.s.raw.Step()
	r.took += time.Since(began)
	if row {
		r.steps++
	}
	return row
}

func (r *rows) value(i int) driver.Value {
	var v driver.Value
	switch r.s.raw.ColumnType(i) {
	case sqlite3.INTEGER:
		v = r.s.raw.ColumnInt64(i)
	case sqlite3.FLOAT:
		v = r.s.raw.ColumnFloat(i)
	case sqlite3.TEXT:
		v = r.s.raw.ColumnText(i)
	case sqlite3.BLOB:
		return r.s.raw.ColumnBlob(i, []byte{})
	default:
		return nil
	}
	switch r.kinds[i] {
	case 't':
		if t, err := sqlite3.TimeFormatAuto.Decode(v); err == nil {
			return t
		}
	case 'b':
		if n, ok := v.(int64); ok && (n == 0 || n == 1) {
			return n == 1
		}
	}
	return v
}
