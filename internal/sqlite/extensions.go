package sqlite

import (
	"bytes"
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/ext/rtree"
)

// register gives a connection the modules that databases in the field have tables of:
// FTS5, rtree and geopoly. Functions that replace a built-in one (a Unicode lower or
// LIKE) are left out on purpose: an index on lower(name) that stock SQLite wrote would
// then look damaged.
//
// When all is registered the driver prepares a statement, to get at functions that only
// tokenizers of one's own need. SQLite would read and compile the whole schema for it, which
// with 10,000 tables takes seconds of a processor for each connection. While no statement may
// be longer than nothing it is refused before, and that is the last thing that the driver does.
func register(db *sqlite3.Conn) error {
	old := db.Limit(sqlite3.LIMIT_SQL_LENGTH, 0)
	err := fts5.Register(db)
	db.Limit(sqlite3.LIMIT_SQL_LENGTH, old)
	if errors.Is(err, sqlite3.TOOBIG) {
		err = nil
	}
	return errors.Join(err, rtree.Register(db))
}

// standIn lets a database with an unknown collation be read row by row. The order it
// gives is not the database's, so nothing that depends on order is believed afterwards.
//
// SQLite asks for NOCASE and RTRIM, too, in a database in UTF-16: it knows them for UTF-8
// only, and converts once nobody has them otherwise. To give it one of ours would put
// every such index in the wrong order.
func (c *Conn) standIn(db *sqlite3.Conn, name string) {
	switch strings.ToLower(name) {
	case "binary", "nocase", "rtrim":
		return
	}
	if db.CreateCollation(name, bytes.Compare) == nil {
		c.standIns = append(c.standIns, name)
	}
}

// lendStandIns gives a connection that may write stand-ins until the returned function
// is called: with one of them it could rebuild an index in the wrong order. Connections
// that only read have them for good.
func (c *Conn) lendStandIns() (takeBack func(), err error) {
	if c.opts.ReadOnly {
		return func() {}, nil
	}
	if err := c.db.CollationNeeded(c.standIn); err != nil {
		return nil, err
	}
	return func() {
		_ = c.db.CollationNeeded(nil)
		for _, name := range c.standIns {
			_ = c.db.CreateCollation(name, nil)
		}
		c.standIns = nil
	}, nil
}

// readingOnly is the authorizer of untrusted files and of app rules
// (https://sqlite.org/c3ref/set_authorizer.html): nothing is attached, created, dropped
// or rebuilt. It lets rows be changed, because the R-tree module prepares such
// statements whenever it is read; query_only keeps them from running.
func readingOnly(action sqlite3.AuthorizerActionCode, _, name4th, _, _ string) sqlite3.AuthorizerReturnCode {
	switch action {
	case sqlite3.AUTH_SELECT, sqlite3.AUTH_READ, sqlite3.AUTH_RECURSIVE, sqlite3.AUTH_TRANSACTION, sqlite3.AUTH_PRAGMA,
		sqlite3.AUTH_INSERT, sqlite3.AUTH_UPDATE, sqlite3.AUTH_DELETE:
		return sqlite3.AUTH_OK
	case sqlite3.AUTH_FUNCTION:
		if name4th == "load_extension" {
			return sqlite3.AUTH_DENY
		}
		return sqlite3.AUTH_OK
	}
	return sqlite3.AUTH_DENY
}

// ruleOnly is readingOnly without pragmas: a rule must not change what the connection is.
func ruleOnly(action sqlite3.AuthorizerActionCode, name3rd, name4th, schema, inner string) sqlite3.AuthorizerReturnCode {
	if action == sqlite3.AUTH_PRAGMA || action == sqlite3.AUTH_TRANSACTION {
		return sqlite3.AUTH_DENY
	}
	return readingOnly(action, name3rd, name4th, schema, inner)
}
