package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// help is what "officer VERB --help", the manual page and the completion of the shell say
// of one verb.
type help struct {
	long    string // what it does, what it leaves alone, what its exit code means
	example string // lines that can be pasted
	args    []kind // for the completion: what its arguments are
}

// kind is what can stand in the place of an argument.
type kind int

const (
	anything kind = iota
	database
	databases // and so is every further one
	backupID
	configFile
	shellName
)

// helps has a line for every verb; TestHelp_everyVerbHasIt holds it to that.
var helps = map[string]help{
	"run": {args: []kind{databases}, long: `Officer checks each database, makes and verifies a first backup, and stays on watch
until it is stopped (Ctrl+C, SIGTERM, "officer run --take-over" of another one). It
never creates a database and never changes one that is healthy. SIGHUP reads the
configuration again.

With --sidecar another program starts Officer: stdout carries JSON only, first one line
of the type "ready" that says where Officer answers, then an event a line, at last
"stopping" and "result". It ends, with a last checkpoint, when that program ends or
closes Officer's stdin, whichever is first. A stdin that is a terminal, the null device,
a file, or closed before the start is not watched.

With a COMMAND after -- Officer starts the app once it is ready, passes signals on,
leaves stdin and stdout to it, exits with its code (128 + n when signal n ended it), and
then ends what the app left running. SIGHUP goes to the app then. The app finds
OFFICER_SOCKET, OFFICER_URL and OFFICER_TOKEN_FILE in its environment. A database that
does not exist yet is waited for; one that is gone while backups of it exist is not: then
the app is not started, exit code 4.

When another Officer has a database, one that is stopping is waited for; from one that
works the exit code is 10, and the JSON says where it answers. With --take-over it is
asked to stop: it finishes what it was asked for and gives its place up.

The exit code is that of the last known health: 0 green, 3 yellow, 4 red.`,
		example: `officer run app.db
officer run a.db b.db --home /var/lib/officer
officer run --config officer.yaml
officer run app.db --sidecar
officer run app.db -- ./app --port 8080
officer run app.db --take-over`},
	"status": {args: []kind{database}, long: `One look at everything: the light, one sentence, the proof it rests on, a line for each
system, and what to do next. The exit code is 0 green, 3 yellow, 4 red, and 6 when no
Officer runs and the database cannot be looked at directly.`,
		example: "officer status app.db\nofficer status app.db --watch\nofficer status app.db --json | jq .headline"},
	"backup": {args: []kind{database}, long: `Takes one consistent copy while others write, reads it back from the disk, checks it and
compares its content with the snapshot it was taken from. Only then does it count. When
nothing changed since the last verified backup, that one is named instead.`,
		example: "officer backup app.db\nofficer backup app.db --reason \"before the update\" --pin"},
	"list": {args: []kind{database}, long: `Every stored backup, newest first, with its tier, whether it was verified, why it is kept
and when it will go.`,
		example: "officer list app.db\nofficer list app.db --json"},
	"show": {args: []kind{database, backupID}, long: `Everything that is known of one backup: its file, times and digests, the rows of each
table, and every verdict it got so far.`,
		example: "officer show app.db 20261122T174539Z"},
	"explain": {args: []kind{database, backupID}, long: `Says which rule keeps each backup and on which day it will go, or does so for one.`,
		example: "officer explain app.db\nofficer explain app.db 20261122T174539Z"},
	"dashboard": {args: []kind{database}, long: `Opens the page of the Officer that looks after a database in the browser, logged in. When
it listens at no TCP port it opens one on this machine alone (127.0.0.1). The link works
once, for a minute; --print-url shows it, for a browser elsewhere behind ssh -L.`,
		example: "officer dashboard app.db\nofficer dashboard app.db --print-url"},
	"diff": {args: []kind{database, backupID, backupID}, long: `Compares a backup with the live database, or with another backup: rows that came, went
or changed, by table. Nothing is changed.`,
		example: "officer diff app.db 20261122T174539Z\nofficer diff app.db 20261122T174539Z 20261123T060000Z"},
	"drill": {args: []kind{database, backupID}, long: `Restores the newest verified backup, or the one named, into a temporary file, checks it
and measures how long that took. The live database is not touched.`,
		example: "officer drill app.db"},
	"verify": {args: []kind{database, backupID}, long: `Reads stored backups back from the disk and judges them: digest, full check, content.
A plain SQLite file in the place of the database is checked for itself. The exit code is
4 when one of them is damaged, changed or missing.`,
		example: "officer verify app.db\nofficer verify app.db --all\nofficer verify copy.db"},
	"check": {args: []kind{database}, long: `Checks a whole database: structure, order, indexes against their tables, constraints,
foreign keys, and the rules of the configuration. It reads only. The exit code is 4 for
damage and 3 for rows without a parent.`,
		example: "officer check app.db\nofficer check app.db --quick\nofficer check /mnt/usb/copy.db"},
	"restore": {args: []kind{database, backupID}, long: `Puts a backup into the live file through SQLite's own locks, while applications stay
connected, and verifies it. What it replaces is kept for seven days: "officer undo" takes
it back. Without --yes it shows what would change, table by table, and asks. With --table
only that table is put back, in one transaction and after a backup; rows that then have
no parent are listed (exit code 3). The exit code is 7 when there is no backup to restore.`,
		example: `officer restore app.db --dry-run
officer restore app.db
officer restore app.db 20261122T174539Z
officer restore app.db --before "2026-11-22 17:45"
officer restore app.db --to old.db
officer restore app.db --table orders --dry-run`},
	"repair": {args: []kind{database}, long: `Recovers a database in which damage was found, in place, while applications stay
connected. Writes are held back, the damaged files are kept, and a new database is made
by the first of these ways that gives one which passes a full check: its indexes made
anew, when nothing else is damaged; the newest verified backup plus everything newer
that the damaged files still prove; what they prove alone, when there is no backup. A
report says of each table what was kept, salvaged, taken from the backup, lost and
doubted. "officer undo" takes it back for seven days. Without --yes it shows what would
be lost and asks. A database without damage is never touched. The exit code is 3 when
something is lost, lent or doubted.`,
		example: "officer repair app.db --dry-run\nofficer repair app.db\nofficer repair app.db --yes --json"},
	"undo": {args: []kind{database}, long: `Takes the last restore or repair back: the database is again as it was before. Without
--yes it shows what would change and asks.`,
		example: "officer undo app.db --dry-run\nofficer undo app.db"},
	"recover": {args: []kind{database}, long: `Reads FILE, with the -wal and -journal beside it, without trusting its pointers, and
writes what is proven into OUT, a new database that is checked before it gets its name.
FILE is only read. Rows that belong to no table for certain go to OUT's table
lost_and_found. With --base, an older healthy copy lends the rows of places that are
lost; they are counted apart. The exit code is 0 when everything is there, 3 when
something is lost, doubted or lent, 4 when nothing of a database is left in FILE or OUT
does not pass its check.`,
		example: `officer recover broken.db --to recovered.db
officer recover broken.db --to recovered.db --base older.db
officer recover broken.db --to recovered.db --report recovered.html`},
	"pin":   {args: []kind{database, backupID}, long: `Keeps a backup for ever and outside the count of those that are kept.`, example: "officer pin app.db 20261122T174539Z"},
	"unpin": {args: []kind{database, backupID}, long: `Has the ordinary rules decide about a backup again.`, example: "officer unpin app.db 20261122T174539Z"},
	"checkpoint": {args: []kind{database}, long: `Moves what the write-ahead log holds into the database and empties it. A reader that is
in the way is named with its process, its age and the pages it pins; that is exit code 3.`,
		example: "officer checkpoint app.db"},
	"vacuum": {args: []kind{database}, long: `Gives free pages back to the disk, after a verified backup and only when it
fits, pays and the app rests; else it says why it was left out, and the exit code is 3.`,
		example: "officer vacuum app.db"},
	"analyze": {args: []kind{database}, long: `Renews the statistics by which SQLite plans queries. When they were left as they are it
says why, and the exit code is 3.`,
		example: "officer analyze app.db"},
	"events": {args: []kind{database}, long: `The journal of what happened, numbered without gaps and chained by hash; the newest
1,000 are kept, also across restarts.`,
		example: "officer events app.db\nofficer events app.db --follow\nofficer events app.db --since 120 --type 'backup.*' --json"},
	"logs": {args: []kind{database}, long: `The newest records of the log, from the running Officer or from its files.`,
		example: "officer logs app.db -f\nofficer logs app.db --level error"},
	"metrics": {args: []kind{database}, long: `How long operations and statements take: the last 100 of each, its days, trends and
alerts.`,
		example: "officer metrics app.db\nofficer metrics app.db --prometheus\nofficer metrics app.db --history --last 720h"},
	"doctor": {args: []kind{database}, long: `Looks at everything around a database that its safety depends on: file system, rights,
room, locks, the SQLite of the application, settings. It changes nothing.`,
		example: "officer doctor app.db"},
	"version": {long: `Shows the versions of Officer, of the SQLite in it, and of Go.`, example: "officer version --json"},
	"config": {long: `The settings: a YAML file (--config, $OFFICER_CONFIG), above it variables such as
OFFICER_BACKUP_EVERY=1h, above them the flags. None is needed.`,
		example: "officer config init app.db > officer.yaml\nofficer config check officer.yaml"},
	"config check": {args: []kind{configFile}, long: `Says whether a configuration can be used; what is wrong is shown with line, column and
a caret. Nothing is started.`, example: "officer config check officer.yaml"},
	"config show": {args: []kind{configFile}, long: `Shows every setting in force, and with --origin where it came from. Secrets are left
out.`, example: "officer config show --origin"},
	"config schema": {long: `Prints the JSON schema of the configuration, for editors.`, example: "officer config schema > officer.schema.json"},
	"config init": {args: []kind{database}, long: `Prints a configuration with every setting, its default and what it means.`,
		example: "officer config init app.db > officer.yaml"},
	"config reload": {args: []kind{database}, long: `Has the running Officer of a database read its configuration again, as SIGHUP does.
A configuration that is wrong changes nothing.`, example: "officer config reload app.db"},
	"notify": {long: `The receivers of news: webhook, ntfy, healthchecks, mail, or a program of yours.`,
		example: "officer notify test --config officer.yaml"},
	"notify test": {long: `Sends a test to every receiver of the configuration and says which ones took it.`,
		example: "officer notify test --config officer.yaml"},
	"install": {args: []kind{databases}, long: `Has the service manager of this system start Officer with the machine, or when you log
in, and keep it running: systemd, launchd, or the services of Windows. It shows exactly
what it is going to write and which commands follow, and asks. A file that it did not
write, or that was changed since, is never touched. On Linux the service runs as the
owner of the database and may write nowhere else; it tells systemd when it is ready,
how it goes, and that it lives.`,
		example: `officer install app.db --dry-run
officer install app.db
sudo officer install /srv/app/app.db --system
sudo officer install --config /etc/officer.yaml --name officer`},
	"uninstall": {args: []kind{databases}, long: `Stops a service that "officer install" made and removes its file, as long as that is as
it was written; it shows which, and asks. Databases and backups are not touched.`,
		example: "officer uninstall app.db --dry-run\nofficer uninstall --name officer-app"},
	"completion": {args: []kind{shellName}, long: `Prints the completion script of a shell: verbs, flags, database files, and the ids of
the backups of the database that was typed.`,
		example: `source <(officer completion bash)
officer completion zsh > "${fpath[1]}/_officer"
officer completion fish > ~/.config/fish/completions/officer.fish
officer completion powershell | Out-String | Invoke-Expression`},
	"man": {long: `Writes a manual page for each verb into a folder: man1/officer-VERB.1 and so on.`,
		example: "officer man --dir /usr/local/share/man"},
}

// explainVerbs gives every verb what the table says of it.
func (c *cli) explainVerbs(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		h := helps[pathIn(sub)]
		sub.Long, sub.Example = h.long, indent(h.example)
		sub.ValidArgsFunction = c.completing(h.args)
		c.explainVerbs(sub)
	}
}

// pathIn is the name of a verb below the root: "config check".
func pathIn(cmd *cobra.Command) string {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	return path
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
