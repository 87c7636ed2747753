package config

import "time"

// setting is one line of a table: what it is called, how it is written, what it is when
// nobody says anything, and where it goes. A table is made for the one thing that its
// settings are put into: a new one where only the lines matter.
type setting struct {
	path     string // "backup.every"
	doc      string // one sentence for people
	kind     kind
	fallback string   // the default as it would be written; "" = none
	words    []string // accepted beside the kind: "off", "full"; they become -1
	choices  []string
	shortest time.Duration
	least    int64
	most     int64
	example  string // what "config init" shows when there is no default
	required bool
	put      func(value)
	items    items // for kindItems
}

const (
	minute = time.Minute
	hour   = time.Hour
)

// topSettings are the settings of the file itself.
func topSettings(c *Config) []setting {
	return []setting{
		{path: "databases", doc: "The databases that are looked after.", kind: kindItems, items: listOf(databaseSettings,
			func(d Database) { c.Databases = append(c.Databases, d) })},
		{path: "home", doc: "Folder of backups, logs and locks; with several databases each gets a folder in it.", kind: kindPath,
			put: func(v value) { c.Home = v.text }},
		{path: "log.level", doc: "What is logged.", kind: kindChoice, choices: []string{"debug", "info", "warn", "error"}, fallback: "info",
			put: func(v value) { c.Log.Level = v.text }},
		{path: "log.format", doc: "How a line looks.", kind: kindChoice, choices: []string{"text", "json"}, fallback: "text",
			put: func(v value) { c.Log.Format = v.text }},
		{path: "log.max_file", doc: "Size at which a log file is rotated.", kind: kindSize, fallback: "10MB", least: 10_000,
			put: func(v value) { c.Log.MaxFileBytes = v.number }},
		{path: "log.keep", doc: "Age at which a rotated file goes.", kind: kindDuration, fallback: "168h", shortest: hour,
			put: func(v value) { c.Log.Keep = v.time }},
		{path: "log.max_total", doc: "Size of all log files of a database together.", kind: kindSize, fallback: "70MB", least: 10_000,
			put: func(v value) { c.Log.MaxTotalBytes = v.number }},
		{path: "api.socket", doc: "Socket in each home through which the verbs reach Officer.", kind: kindChoice, choices: []string{"auto", "off"}, fallback: "auto",
			put: func(v value) { c.API.Socket = v.text }},
		{path: "api.listen", doc: "TCP address of the API; empty means none.", kind: kindText, fallback: `""`,
			put: func(v value) { c.API.Listen = v.text }},
		{path: "api.allow_remote", doc: "Whether api.listen may be an address that other machines reach; it is not encrypted.", kind: kindFlag, fallback: "false",
			put: func(v value) { c.API.AllowRemote = v.flag }},
		{path: "api.hosts", doc: "Names by which the port may be called beside its address, as behind a reverse proxy.", kind: kindTexts, fallback: "[]",
			put: func(v value) { c.API.Hosts = v.texts }},
		{path: "api.origins", doc: "Web origins whose pages may call the API and show the page in a frame.", kind: kindTexts, fallback: "[]",
			put: func(v value) { c.API.Origins = v.texts }},
		{path: "notify", doc: "Who is told when something is wrong.", kind: kindItems, example: `[{webhook: "https://…"}, {exec: [notify-send, Officer]}]`, items: listOf(notifySettings,
			func(n Notify) { c.Notify = append(c.Notify, n) })},
	}
}

// databaseSettings are the settings of one database.
func databaseSettings(d *Database) []setting {
	list := []setting{
		{path: "path", doc: "The database file.", kind: kindPath, required: true, put: func(v value) { d.Path = v.text }},
		{path: "name", doc: "Name of the database; by default that of the file without its extension.", kind: kindText,
			put: func(v value) { d.Name = v.text }},
		{path: "home", doc: "Folder of this database's backups, logs and lock.", kind: kindPath, put: func(v value) { d.Home = v.text }},
		{path: "backup.every", doc: "A verified backup in every such period.", kind: kindDuration, fallback: "4h", shortest: minute,
			put: func(v value) { d.BackupEvery = v.time }},
		{path: "backup.pace", doc: "Average speed of background copies; full = no limit.", kind: kindRate, fallback: "10MB/s", words: []string{"full"}, least: 100_000,
			put: func(v value) { d.BackupPaceBytesPerSecond = v.number }},
		{path: "backup.tries", doc: "How often a failed backup is tried.", kind: kindCount, fallback: "3", least: 1, most: 10,
			put: func(v value) { d.BackupTries = int(v.number) }},
	}
	list = append(list, keepSettings(d)...)
	list = append(list, checkSettings(d)...)
	return append(list, upkeepSettings(d)...)
}

func keepSettings(d *Database) []setting {
	keep := func(path, doc, fallback string, least int64, put func(value)) setting {
		return setting{path: path, doc: doc, kind: kindCount, fallback: fallback, least: least, most: 1000, put: put}
	}
	return []setting{
		keep("keep.recent", "Newest backups kept.", "1", 1, func(v value) { d.KeepRecent = int(v.number) }),
		keep("keep.daily", "Earlier days of which one backup is kept.", "1", 0, func(v value) { d.KeepDaily = int(v.number) }),
		keep("keep.weekly", "Weeks of which one backup is kept.", "1", 0, func(v value) { d.KeepWeekly = int(v.number) }),
		keep("keep.monthly", "Months of which one backup is kept.", "12", 0, func(v value) { d.KeepMonthly = int(v.number) }),
		keep("keep.yearly", "Years of which one backup is kept.", "1", 0, func(v value) { d.KeepYearly = int(v.number) }),
	}
}

func checkSettings(d *Database) []setting {
	return []setting{
		{path: "check.on_start", doc: "What is checked at the start.", kind: kindChoice, choices: []string{"full", "quick", "off"}, fallback: "full",
			put: func(v value) { d.CheckOnStart = v.text }},
		{path: "check.full_every", doc: "A full check in every such period.", kind: kindDuration, fallback: "24h", shortest: minute,
			put: func(v value) { d.CheckFullEvery = v.time }},
		{path: "check.foreign_keys_every", doc: "A check of foreign keys in every such period.", kind: kindDuration, fallback: "6h", shortest: minute,
			put: func(v value) { d.CheckForeignKeysEvery = v.time }},
		{path: "check.rules", doc: "Statements of the app's that must return no rows.", kind: kindItems, example: `[{name: totals, sql: "SELECT …", severity: yellow}]`, items: listOf(ruleSettings,
			func(r Rule) { d.Rules = append(d.Rules, r) })},
		{path: "drill.every", doc: "A trial restore in every such period.", kind: kindDuration, fallback: "168h", words: []string{"off"}, shortest: hour,
			put: func(v value) { d.DrillEvery = v.time }},
	}
}

func upkeepSettings(d *Database) []setting {
	off := []string{"off"}
	return []setting{
		{path: "disk.warn", doc: "Free space below which Officer warns.", kind: kindSize, fallback: "1GB", words: off, least: 1,
			put: func(v value) { d.DiskWarnBytes = v.number }},
		{path: "disk.block_imports", doc: "Free space below which imports are refused.", kind: kindSize, fallback: "500MB", words: off, least: 1,
			put: func(v value) { d.DiskBlockImportsBytes = v.number }},
		{path: "disk.block_writes", doc: "Free space below which all writes are held back.", kind: kindSize, fallback: "100MB", words: off, least: 1,
			put: func(v value) { d.DiskBlockWritesBytes = v.number }},
		{path: "wal.limit", doc: "Size of the WAL from which on it is emptied.", kind: kindSize, fallback: "10MB", least: 100_000,
			put: func(v value) { d.WALLimitBytes = v.number }},
		{path: "wal.idle", doc: "Time without commits after which the WAL is emptied.", kind: kindDuration, fallback: "30m", shortest: minute,
			put: func(v value) { d.WALIdle = v.time }},
		{path: "maintain.vacuum.at", doc: "When VACUUM may run, in local time.", kind: kindCalendar, fallback: `"Sun 03:00"`, words: off,
			put: func(v value) { d.VacuumAt = v.text }},
		{path: "maintain.vacuum.idle", doc: "Time without commits after which VACUUM may run, too.", kind: kindDuration, fallback: "1h", shortest: minute,
			put: func(v value) { d.VacuumIdle = v.time }},
		{path: "maintain.vacuum.free_pages_min", doc: "Share of free pages from which on VACUUM pays.", kind: kindShare, fallback: "10%",
			put: func(v value) { d.VacuumFreePagesMin = v.share }},
		{path: "maintain.analyze", doc: "Statistics are renewed in every such period.", kind: kindDuration, fallback: "24h", words: off, shortest: minute,
			put: func(v value) { d.AnalyzeEvery = v.time }},
		{path: "recover.automatic", doc: "Whether confirmed damage is repaired without asking, once: by new indexes, or by the newest verified backup and all that is newer.", kind: kindFlag, fallback: "true",
			put: func(v value) { d.RecoverNotAutomatic = !v.flag }},
		{path: "fence.on_damage", doc: "Whether confirmed damage holds writes back.", kind: kindFlag, fallback: "true",
			put: func(v value) { d.FenceNotOnDamage = !v.flag }},
		{path: "fence.on_disk_critical", doc: "Whether a full disk holds writes back.", kind: kindFlag, fallback: "true",
			put: func(v value) { d.FenceNotOnDisk = !v.flag }},
	}
}

func ruleSettings(r *Rule) []setting {
	return []setting{
		{path: "name", doc: "Name of the rule.", kind: kindText, required: true, put: func(v value) { r.Name = v.text }},
		{path: "sql", doc: "Statement that must return no rows.", kind: kindText, required: true, put: func(v value) { r.SQL = v.text }},
		{path: "severity", doc: "What a row means.", kind: kindChoice, choices: []string{"yellow", "red"}, fallback: "yellow",
			put: func(v value) { r.Severity = v.text }},
	}
}

func notifySettings(n *Notify) []setting {
	return []setting{
		{path: "name", doc: "Name of the receiver in logs and tests.", kind: kindText, put: func(v value) { n.Name = v.text }},
		{path: "databases", doc: "Names of the databases it hears of; all when missing.", kind: kindTexts, put: func(v value) { n.Databases = v.texts }},
		{path: "severity", doc: "From which severity on it is told.", kind: kindChoice, choices: []string{"yellow", "red"}, fallback: "yellow",
			put: func(v value) { n.Severity = v.text }},
		{path: "events", doc: `Types of events it hears of, "backup.*" for a group; all news when missing.`, kind: kindTexts,
			put: func(v value) { n.Events = v.texts }},
		{path: "webhook", doc: "URL that gets a CloudEvent as JSON.", kind: kindURL, put: func(v value) { n.Webhook = v.text }},
		{path: "ntfy", doc: "URL of an ntfy topic.", kind: kindURL, put: func(v value) { n.Ntfy = v.text }},
		{path: "healthchecks", doc: "Ping URL of a healthchecks check.", kind: kindURL, put: func(v value) { n.Healthchecks = v.text }},
		{path: "token_file", doc: "File with the bearer token of webhook or ntfy.", kind: kindPath, put: func(v value) { n.TokenFile = v.text }},
		{path: "smtp", doc: "Mail.", kind: kindItems, items: oneOf(smtpSettings, func(s SMTP) { n.SMTP = &s })},
		{path: "exec", doc: "Program and arguments; the event comes as JSON on stdin.", kind: kindTexts, put: func(v value) { n.Exec = v.texts }},
		{path: "timeout", doc: "Time for one delivery.", kind: kindDuration, fallback: "10s", shortest: time.Second,
			put: func(v value) { n.Timeout = v.time }},
	}
}

func smtpSettings(s *SMTP) []setting {
	return []setting{
		{path: "server", doc: "Host and port of the mail server.", kind: kindText, required: true, put: func(v value) { s.Server = v.text }},
		{path: "from", doc: "Address of the sender.", kind: kindText, required: true, put: func(v value) { s.From = v.text }},
		{path: "to", doc: "Addresses of the receivers.", kind: kindTexts, required: true, put: func(v value) { s.To = v.texts }},
		{path: "user", doc: "User of the mail server; none when missing.", kind: kindText, put: func(v value) { s.User = v.text }},
		{path: "password_file", doc: "File that holds the password alone.", kind: kindPath, put: func(v value) { s.PasswordFile = v.text }},
		{path: "password_env", doc: "Variable of the environment that holds the password.", kind: kindText, put: func(v value) { s.PasswordEnv = v.text }},
		{path: "plain", doc: "Send without encryption when the server offers none (a relay on this machine).", kind: kindFlag, fallback: "false",
			put: func(v value) { s.Plain = v.flag }},
	}
}
