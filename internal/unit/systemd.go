package unit

import (
	"fmt"
	"strings"
)

// Systemd is the unit file {Name}.service
// (https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html).
func Systemd(u Unit) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s", sealMark)
	line("# \"officer uninstall\" removes this file as long as it is as it was written. Changes: systemctl %sedit %s",
		map[bool]string{true: "", false: "--user "}[u.System], u.Name)
	line("[Unit]")
	line("Description=%s", specifiers(oneLine(u.Description)))
	line("Documentation=https://github.com/officer-doofy/officer")
	if u.System {
		line("After=local-fs.target")
		line("RequiresMountsFor=%s", words(u.Folders))
	}
	line("")
	line("[Service]")
	line("Type=notify")
	line("NotifyAccess=main")
	line("ExecStart=%s", command(u))
	if u.Reloads {
		line("ExecReload=/bin/kill -HUP $MAINPID")
	}
	if u.System && u.User != "" {
		line("# The owner of the database: files that another user makes beside it would shut the app out.")
		line("User=%s", u.User)
		line("Group=%s", u.Group)
	}
	line("Restart=always")
	line("RestartSec=2")
	line("# Trying again does not help: 4 a lost database, 5 refused. Not 2, which is also what a crash of a Go program ends with.")
	line("RestartPreventExitStatus=4 5")
	line("# Stopped while there was something to warn of (3) or worse (4).")
	line("SuccessExitStatus=3 4")
	line("# Officer tells as long as its root answers, whatever the health of a database.")
	line("WatchdogSec=60")
	line("TimeoutStartSec=90")
	line("TimeoutStopSec=20")
	line("UMask=0007")
	line("")
	confine(line, u)
	line("")
	line("[Install]")
	line("WantedBy=%s", map[bool]string{true: "multi-user.target", false: "default.target"}[u.System])
	return sealed(b.String())
}

// confine takes away what Officer does not need.
func confine(line func(string, ...any), u Unit) {
	line("NoNewPrivileges=yes")
	if u.System { // a user's own manager may not do these
		line("CapabilityBoundingSet=")
		line("ProtectSystem=strict")
		line("ProtectHome=read-only")
		line("ReadWritePaths=%s", words(u.Folders))
		if u.OwnTmp {
			line("PrivateTmp=yes")
		} else {
			line("# A database, or the socket of one with a long path, lies here.")
			line("ReadWritePaths=/tmp /var/tmp")
		}
		line("PrivateDevices=yes")
		for _, what := range []string{"Clock", "ControlGroups", "Hostname", "KernelLogs", "KernelModules", "KernelTunables"} {
			line("Protect%s=yes", what)
		}
	}
	line("LockPersonality=yes")
	line("MemoryDenyWriteExecute=yes")
	line("RestrictNamespaces=yes")
	line("RestrictRealtime=yes")
	line("RestrictSUIDSGID=yes")
	line("# The socket, and notifications to other machines.")
	line("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6")
	line("SystemCallArchitectures=native")
	line("SystemCallFilter=@system-service")
	line("SystemCallErrorNumber=EPERM")
}

// command is ExecStart: every word in quotes, nothing in it expanded.
func command(u Unit) string {
	parts := []string{word(u.Program)}
	for _, arg := range u.Args {
		parts = append(parts, strings.ReplaceAll(word(arg), "$", "$$"))
	}
	return strings.Join(parts, " ")
}

func words(list []string) string {
	quoted := make([]string, 0, len(list))
	for _, one := range list {
		quoted = append(quoted, word(one))
	}
	return strings.Join(quoted, " ")
}

// word quotes one when it has to be.
func word(text string) string {
	text = specifiers(text)
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%=,", r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(text) + `"`
}

// specifiers keeps systemd from putting something in the place of %h.
func specifiers(text string) string { return strings.ReplaceAll(text, "%", "%%") }

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
