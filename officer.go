package officer

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/supervisor"
)

// Version is Officer's own version.
const Version = supervisor.Version

// SQLiteVersion is that of Officer's own SQLite.
const SQLiteVersion = supervisor.SQLiteVersion

// Settings. Their zero values are the defaults; only Config.Databases is needed.
type (
	// Config says which databases are looked after and how.
	Config = supervisor.Config
	// Database is one database file and its settings.
	Database = supervisor.Database
	// BackupSettings says how backups are made.
	BackupSettings = supervisor.Backup
	// Keep says how many backups each tier holds.
	Keep = supervisor.Keep
	// Check says how the live database is checked.
	Check = supervisor.Check
	// FileCheck says how CheckFile checks a file.
	FileCheck = supervisor.FileCheck
	// Rule is a statement of the app's that must return no rows.
	Rule = supervisor.Rule
	// Fence says when writes of all processes are held back.
	Fence = supervisor.Fence
	// Drill says how often a stored backup is restored as a proof.
	Drill = supervisor.Drill
	// Disk says below how much free space what happens.
	Disk = supervisor.Disk
	// WAL says when the write-ahead log is emptied.
	WAL = supervisor.WAL
	// Maintain says when VACUUM and ANALYZE run.
	Maintain = supervisor.Maintain
	// Vacuum says when free pages are given back.
	Vacuum = supervisor.Vacuum
	// Recover says what follows from confirmed damage.
	Recover = supervisor.Recover
	// API says where other processes reach Officer.
	API = supervisor.API
	// Notify is one receiver of news.
	Notify = supervisor.Notify
	// SMTP is how mail is sent.
	SMTP = supervisor.SMTP
	// Log says how each database's log is written.
	Log = supervisor.Log
	// Problem is a database that could not be taken on, while others could.
	Problem = supervisor.Problem
	// Looked is one database that is looked after.
	Looked = supervisor.Looked
	// Answers is who the API speaks for.
	Answers = supervisor.Answers
	// Endpoint is where other processes reach Officer.
	Endpoint = supervisor.Endpoint
)

// Officer looks after databases until it is closed. Its methods may be called from
// several goroutines. Where a method takes the name of a database, its path or, when
// there is only one, "" is right too.
type Officer struct {
	running *supervisor.Running
	mu      sync.Mutex
	handles map[string]*sql.DB
}

// Start begins to look after the databases of cfg and returns when every part answers.
// A database that cannot be taken on leaves the others alone and is listed by Problems;
// only when none can be is it an error, with the code "locked" (another Officer has
// it), "missing", "database_missing" (but there are backups), "foreign_driver" or
// another one. ctx bounds the start only.
func Start(ctx context.Context, cfg Config) (*Officer, error) {
	running, err := supervisor.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Officer{running: running, handles: make(map[string]*sql.DB)}, nil
}

// Close closes the handles, stops everything in order, and gives the locks back. It
// takes at most five seconds; work that was going on is cancelled and leaves no strays.
func (o *Officer) Close() error {
	o.mu.Lock()
	var errs []error
	for name, db := range o.handles {
		errs = append(errs, db.Close())
		delete(o.handles, name)
	}
	o.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	return errors.Join(append(errs, o.running.Stop(ctx))...)
}

// closeWithin is the promise of Close.
const closeWithin = 5 * time.Second

// DB gives the handle through which the host program works with a database. It is made
// once, shared, and closed by Close. Writes that meet Officer's locks wait up to 5 s.
func (o *Officer) DB(database string) (*sql.DB, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if db := o.handles[database]; db != nil {
		return db, nil
	}
	db, err := o.running.Handle(database)
	if err != nil {
		return nil, err
	}
	o.handles[database] = db
	return db, nil
}

// Backup takes a backup now and gives it once it is verified and listed. When nothing
// changed since the last verified one, that one is given.
func (o *Officer) Backup(ctx context.Context, database, reason string) (*messages.Backup, error) {
	r, err := ask[*messages.BackupReport](ctx, o, database, &messages.TakeBackup{
		Reason: reason, Priority: messages.Priority_PRIORITY_INTERACTIVE,
	})
	return r.GetBackup(), err
}

// Backups lists the backups, newest first, each with why it is kept.
func (o *Officer) Backups(ctx context.Context, database string) ([]*messages.Backup, error) {
	l, err := ask[*messages.BackupList](ctx, o, database, &messages.ListBackups{})
	return l.GetBackups(), err
}

// Check checks the whole live database now. Damage is a verdict, not an error.
func (o *Officer) Check(ctx context.Context, database string) (*messages.CheckReport, error) {
	return ask[*messages.CheckReport](ctx, o, database, &messages.CheckNow{
		Priority: messages.Priority_PRIORITY_INTERACTIVE,
	})
}

// Health gives the colour, the one sentence and the root causes.
func (o *Officer) Health(ctx context.Context, database string) (*messages.HealthReport, error) {
	return ask[*messages.HealthReport](ctx, o, database, &messages.GetHealth{})
}

// Status gives everything at once: health, newest verified backup, facts, actors.
func (o *Officer) Status(ctx context.Context, database string) (*messages.Status, error) {
	return ask[*messages.Status](ctx, o, database, &messages.GetStatus{})
}

// Restore puts a backup into the live database in place, or into a new file. A healthy
// database is only overwritten when the order says Confirmed; Undo takes it back.
func (o *Officer) Restore(ctx context.Context, database string, order *messages.RestoreBackup) (*messages.RestoreReport, error) {
	return ask[*messages.RestoreReport](ctx, o, database, order)
}

// Repair recovers a damaged database in place: by its indexes made anew, by the newest
// verified backup and everything newer that can be salvaged, or by what can be salvaged
// alone. It is refused when no damage was seen twice.
func (o *Officer) Repair(ctx context.Context, database string, order *messages.RepairDatabase) (*messages.RestoreReport, error) {
	return ask[*messages.RestoreReport](ctx, o, database, order)
}

// Undo brings back what the last restore or repair replaced.
func (o *Officer) Undo(ctx context.Context, database string) (*messages.RestoreReport, error) {
	return ask[*messages.RestoreReport](ctx, o, database, &messages.UndoRestore{})
}

func ask[R proto.Message](ctx context.Context, o *Officer, database string, msg proto.Message) (R, error) {
	var none R
	got, err := o.running.Ask(ctx, database, msg, nil)
	if err != nil {
		return none, err
	}
	r, ok := got.(R)
	if !ok {
		return none, messages.NewFailure("internal", "ask", "an unexpected answer %T", got)
	}
	return r, nil
}

// Ask sends any request of the protocol (package messages) to the part that takes it
// and waits for its one answer. progress, when not nil, hears of long work.
func (o *Officer) Ask(ctx context.Context, database string, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error) {
	return o.running.Ask(ctx, database, msg, progress)
}

// Subscribe gives the events of the database that from names, or of all. With
// from.Replay those that are still held (the last 1,000) come first. The channel is
// closed when ctx is done, Officer is closed, or the receiver fell too far behind: then
// subscribe again from the last sequence seen.
func (o *Officer) Subscribe(ctx context.Context, from *messages.WatchRequest) (<-chan *messages.Event, error) {
	return o.running.Subscribe(ctx, from)
}

// Reload takes on a new configuration while running: databases whose settings differ are
// restarted with them, new ones begin, those named no more end; the others are not
// touched. What only a start can change is named. One that cannot be used changes nothing.
func (o *Officer) Reload(ctx context.Context, cfg Config) (*messages.ConfigReloaded, error) {
	return o.running.Reload(ctx, cfg)
}

// Alive is nil when Officer's root answers: what a liveness probe asks. It never follows
// the health of a database.
func (o *Officer) Alive(ctx context.Context) error { return o.running.Alive(ctx) }

// Serve opens what Config.API says, until Close: a socket in each home, so that the command
// line reaches this program, and with API.Listen a TCP port with API, page and card. by
// answers the requests, nil = this Officer. Sockets that could not be opened are given, and
// matter to nobody else; a port that could not be is an error.
func (o *Officer) Serve(by Answers) ([]Problem, error) { return o.running.Serve(by) }

// Endpoint tells where other processes reach the Officer of a database: socket, URL of the
// port and file with its token, each empty if there is none.
func (o *Officer) Endpoint(database string) Endpoint { return o.running.Endpoint(database) }

// Databases lists what is looked after.
func (o *Officer) Databases() []Looked { return o.running.Databases() }

// Problems lists the databases that could not be taken on.
func (o *Officer) Problems() []Problem { return o.running.Problems() }

// HomeOf is the folder in which everything about a database lies when no other is
// configured: "{path}-officer".
func HomeOf(path string) string { return supervisor.HomeOf(path) }

// PlacesOf says where each database of a config lies and has its home; nothing is looked
// at. Its error is a *messages.Failure with the code "invalid".
func PlacesOf(cfg Config) ([]Looked, error) { return supervisor.PlacesOf(cfg) }

// CheckFile checks a plain SQLite file that nobody needs to look after. It is opened for
// reading only.
func CheckFile(ctx context.Context, path string, how FileCheck) (*messages.CheckReport, error) {
	return supervisor.CheckFile(ctx, path, how)
}

// Recovered is a database that RecoverFile made.
type Recovered = supervisor.Recovered

// RecoverFile salvages what can be read of the damaged database at path, with the -wal
// and -journal beside it, into the new file to, and verifies that. base is an older
// healthy copy that lends what is lost, "" = none. The damaged files are only read.
func RecoverFile(ctx context.Context, path, to, base string, progress func(*messages.Progress)) (*Recovered, error) {
	return supervisor.RecoverFile(ctx, path, to, base, progress)
}

// SameVolume tells whether two files or folders lie on one volume, so that one broken
// disk would take both. Unknown counts as different.
func SameVolume(a, b string) bool { return supervisor.SameVolume(a, b) }
