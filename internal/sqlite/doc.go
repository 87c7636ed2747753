// Package sqlite is the only door to SQLite: every database file that Officer reads,
// copies, checks or restores is opened by this package, through one driver and one
// open function, so that a process never holds two SQLites on one file
// (https://sqlite.org/howtocorrupt.html#multiple_copies_of_sqlite_linked_into_the_same_application).
//
// A Conn treats the file as hostile (https://sqlite.org/security.html): DEFENSIVE,
// untrusted schema, limits on every length, no memory mapping, no file created. Every
// call takes a context, comes back with a *fault.Error, and turns a panic of the
// driver into one. Only fault.Corrupt and fault.NotADatabase speak of damage.
package sqlite
