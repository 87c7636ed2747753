// Package officer looks after an application's SQLite database from inside the program
// that uses it: verified backups on a schedule, integrity checks, a write fence when
// damage is found, and restores that can be undone.
//
//	o, err := officer.Start(ctx, officer.Config{
//		Databases: []officer.Database{{Path: "app.db"}},
//	})
//	if err != nil {
//		return err
//	}
//	defer o.Close()
//	db, err := o.DB("app") // work with the database through this handle
//
// A program that embeds Officer must use the handle of [Officer.DB] and no other SQLite
// driver on the same file: POSIX locks belong to the process, so two SQLites in one
// process take each other's locks away and lose acknowledged writes
// (https://sqlite.org/howtocorrupt.html#multiple_copies_of_sqlite_linked_into_the_same_application).
// Officer looks for that and refuses with the code "foreign_driver". A program that
// needs another driver runs the officer command beside itself instead.
//
// Every error is a *messages.Failure: what happened, what Officer did about it, what
// one can do, under a stable code.
package officer
