package unit

import (
	"fmt"
	"strings"
)

// Launchd is the property list {Name}.plist of an agent or a daemon
// (https://www.manpagez.com/man/5/launchd.plist/).
func Launchd(u Unit) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(`<?xml version="1.0" encoding="UTF-8"?>`)
	line(`<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">`)
	line("<!-- %s -->", sealMark)
	line(`<!-- "officer uninstall" removes this file as long as it is as it was written. -->`)
	line(`<plist version="1.0">`)
	line("<dict>")
	line("  <key>Label</key>\n  <string>%s</string>", escaped(u.Name))
	line("  <key>ProgramArguments</key>\n  <array>")
	for _, arg := range append([]string{u.Program}, u.Args...) {
		line("    <string>%s</string>", escaped(arg))
	}
	line("  </array>")
	if u.System && u.User != "" {
		line("  <key>UserName</key>\n  <string>%s</string>", escaped(u.User))
	}
	line("  <key>RunAtLoad</key>\n  <true/>")
	line("  <key>KeepAlive</key>\n  <true/>")
	line("  <key>ThrottleInterval</key>\n  <integer>10</integer>")
	line("  <key>ExitTimeOut</key>\n  <integer>20</integer>")
	line("  <key>ProcessType</key>\n  <string>Background</string>")
	line("  <key>Umask</key>\n  <integer>%d</integer>", 0o007)
	line("</dict>")
	line("</plist>")
	return sealed(b.String())
}

// escaped makes text of an element. What XML cannot hold at all is left out.
func escaped(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, text)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
