// Package page reads what SQLite writes to disk: database files, write-ahead logs, the
// shared-memory index of the log and rollback journals. It is pure: bytes come from an
// io.ReaderAt or from the caller, nothing is opened, and nothing is ever written.
//
// Every structure has a parser that accepts what a sentence of the format allows and
// says of everything else which sentence is broken ([Rule], [Error]). No input makes a
// parser panic, loop for ever or take memory that the input does not pay for; what runs
// once a page or once a row allocates nothing.
//
// Sources: https://sqlite.org/fileformat2.html and https://sqlite.org/walformat.html.
package page
