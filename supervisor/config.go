package supervisor

import (
	"log/slog"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
)

// Version is Officer's own version.
const Version = "0.1.0"

// Config says which databases are looked after and how. The zero value of every field
// is its default; only Databases is needed.
type Config struct {
	Databases []Database
	// Home is where backups, logs and the lock lie. Empty: "{file}-officer" beside each
	// database. With several databases each gets "{Home}/{name}".
	Home string
	Log  Log
	API  API
	// Notify lists who is told when something is wrong with any of the databases.
	Notify []Notify
	// Passive: nothing is done unasked; only requests are answered.
	Passive bool
	// Looks: only requests that change nothing are answered, and not a trace is left: no home is
	// made, no log written, no lock file, nothing beside the database, so that the folders may
	// be read-only. It implies Passive. Of a home that is there the lock is taken.
	Looks bool
	// AllowMissing starts also when a database file is missing but has backups, so that
	// one can be restored. Without it that is the Failure "database_missing".
	AllowMissing bool
	// Await starts also when no database is there yet: each one that is missing is a Problem
	// with the code "missing", and Reload takes it on when it has come.
	Await bool
	// LockWait is how long Start waits for a home whose lock somebody has; 0 = 2 s, as long
	// as the command line may need it.
	LockWait time.Duration
	// Late is told of each database that could not be taken on at first and is looked after
	// now, because what was in the way has passed; nil = nobody.
	Late func(Looked)
	// Logger receives what concerns no single database; nil = dropped.
	Logger *slog.Logger
	// OnlySQLite says that this program holds no other SQLite, as command officer does not.
	// Then none is looked for; a program that links another driver as well must leave it out.
	OnlySQLite bool
	// VFS names the registered SQLite VFS to use, "" = the operating system. It must show
	// the same files as FS.
	VFS string
	// FS is the file system for Officer's own files; nil = the operating system.
	FS fsx.FS
	// Seed makes jitter repeatable; 0 = from the database's name.
	Seed uint64

	// LookEvery is the longest time for which nobody looks whether the files and the clock are
	// as they were, when nothing else is to be done: 0 = a second for a write-ahead log, a
	// minute for the database file, five minutes for the clock. Longer is for a machine that
	// shall sleep, and for a test in virtual time, of which the looks are most of the work;
	// a write-ahead log that begins to grow is then noticed as much later.
	LookEvery time.Duration
	// elapsed is a clock that nobody can set, beside which a jump of the other shows; nil = none.
	elapsed func() time.Duration
}

// Database is one database file and its settings.
type Database struct {
	Path string // of the file; it must exist (Officer never creates one)
	Name string // "" = file name without extension; clashes get "-2"
	Home string // "" = from Config.Home

	Backup   Backup
	Keep     Keep
	Check    Check
	Drill    Drill
	Disk     Disk
	WAL      WAL
	Maintain Maintain
	Recover  Recover
	Fence    Fence
}

// Backup says how backups are made.
type Backup struct {
	Every              time.Duration // 0 = 4 h
	PaceBytesPerSecond int64         // average of background copies; 0 = 10 MB/s, negative = full speed
	Tries              int           // 0 = 3
}

// Keep says how many backups each tier holds; all zero = 1 recent, 1 daily, 1 weekly,
// 12 monthly, 1 yearly.
type Keep struct {
	Recent, Daily, Weekly, Monthly, Yearly int
}

// Check says how the live database is checked.
type Check struct {
	OnStart          string        // "full" (also when empty), "quick", "off"
	FullEvery        time.Duration // 0 = 24 h
	ForeignKeysEvery time.Duration // 0 = 6 h
	Rules            []Rule
}

// Rule is a statement of the app's that must return no rows.
type Rule struct {
	Name     string
	SQL      string
	Severity string // "yellow" (also when empty) or "red"
}

// Fence says when writes of all processes are held back.
type Fence struct {
	NotOnDamage       bool // true: confirmed damage does not raise the fence
	NotOnDiskCritical bool // true: a full disk does not raise the fence
}

// Drill says how often a stored backup is restored into a temporary file as a proof.
type Drill struct {
	Every time.Duration // 0 = 7 days, negative = never
}

// Disk says below how much free space on any volume that matters what happens.
type Disk struct {
	WarnBytes         int64 // 0 = 1 GB, negative = never
	BlockImportsBytes int64 // 0 = 500 MB, negative = never
	BlockWritesBytes  int64 // 0 = 100 MB, negative = never
	// ReserveBytes is the size of {home}/reserve, a file that is given up when writes are
	// blocked, so that the last checkpoint can finish; 0 = twice the size of the database,
	// from 250 kB to 16 MB; negative = none.
	ReserveBytes int64
	Every        time.Duration // between two looks while there is room; 0 = 1 h
}

// WAL says when the write-ahead log is emptied.
type WAL struct {
	LimitBytes int64         // 0 = 10 MB
	Idle       time.Duration // without commits until a checkpoint; 0 = 30 min
}

// Maintain says when VACUUM and ANALYZE run.
type Maintain struct {
	Vacuum       Vacuum
	AnalyzeEvery time.Duration // 0 = 24 h, negative = never
}

// Vacuum says when free pages are given back.
type Vacuum struct {
	Off          bool
	At           string        // weekday and local time of day; "" = "Sun 03:00"
	Idle         time.Duration // without commits; 0 = 1 h
	FreePagesMin float64       // share of the file that pays, 0 < x ≤ 1; 0 = 0.10
}

// Recover says what follows from confirmed damage.
type Recover struct {
	// NotAutomatic leaves a damaged database as it is, fenced and with its files kept, until
	// somebody orders RepairDatabase. Otherwise it is repaired once for each damage, unless a
	// person has to weigh a loss; `officer undo` takes it back.
	NotAutomatic bool
}

// API says where other processes reach Officer, once Serve was called.
type API struct {
	Socket string // "auto" (also when empty): in each home; "off": none
	// Listen is the TCP address of the API and the page, "" = none. All databases share it.
	// Requests need the token in {home}/token, or a login by `officer dashboard`.
	Listen string
	// AllowRemote lets Listen be an address that other machines reach. It is not encrypted:
	// put a reverse proxy with TLS before it.
	AllowRemote bool
	// Hosts are names by which clients may call the port beside its address and those of the
	// loopback, with or without the number of a port.
	Hosts []string
	// Origins are web origins ("https://app.example.org") whose pages may call the API with
	// the token or a login, and may show the page in a frame.
	Origins []string
}

// Notify is one receiver of news. Exactly one of Webhook, Ntfy, Healthchecks, SMTP and
// Exec is set.
type Notify struct {
	Name      string   // "" = the kind and its place in the list; never a secret
	Databases []string // names of databases; empty = all
	Severity  string   // news from this on: "yellow" (also when empty) or "red"
	Events    []string // types or patterns ("backup.*"); empty = all that are told at all

	Webhook      string // URL: POST of a CloudEvent as JSON
	Ntfy         string // URL of the topic
	Healthchecks string // ping URL; "/start" and "/fail" are appended
	TokenFile    string // bearer token of Webhook or Ntfy; "" = none
	SMTP         *SMTP
	Exec         []string // program and arguments; the event as JSON on stdin
	// Timeout of one delivery; 0 = 10 s.
	Timeout time.Duration
}

// SMTP is how mail is sent.
type SMTP struct {
	Server       string // host:port; port 587 when missing
	From         string
	To           []string
	User         string // "" = no authentication
	PasswordFile string // file with the password alone
	PasswordEnv  string // or the environment variable that holds it
	// Plain allows sending without encryption (a relay on this machine).
	Plain bool
}

// Log says how each database's log is written.
type Log struct {
	Level         slog.Level    // the zero value is info
	Format        string        // "text" (also when empty) or "json"
	MaxFileBytes  int64         // 0 = 10 MB
	Keep          time.Duration // 0 = 7 days
	MaxTotalBytes int64         // 0 = 70 MB
}

// The defaults of product.md that are not the actors' own.
const (
	backupEvery     = 4 * time.Hour
	paceBytesPerSec = 10_000_000
	backupTries     = 3
)

func (b Backup) withDefaults() Backup {
	if b.Every <= 0 {
		b.Every = backupEvery
	}
	if b.Tries <= 0 {
		b.Tries = backupTries
	}
	switch {
	case b.PaceBytesPerSecond == 0:
		b.PaceBytesPerSecond = paceBytesPerSec
	case b.PaceBytesPerSecond < 0:
		b.PaceBytesPerSecond = 0
	}
	return b
}
