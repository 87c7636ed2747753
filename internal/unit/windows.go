package unit

import "strings"

// CommandLine is what a Windows service runs, quoted as CommandLineToArgvW takes it apart
// (https://learn.microsoft.com/en-us/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw).
func CommandLine(u Unit) string {
	parts := make([]string, 0, 1+len(u.Args))
	for _, arg := range append([]string{u.Program}, u.Args...) {
		parts = append(parts, argument(arg))
	}
	return strings.Join(parts, " ")
}

// argument quotes one word: backslashes are doubled only before a quotation mark.
func argument(text string) string {
	if text != "" && !strings.ContainsAny(text, " \t\n\v\"") {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for i := range len(text) {
		switch c := text[i]; c {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, 2*slashes+1))
			b.WriteByte(c)
			slashes = 0
			continue
		default:
			b.WriteString(strings.Repeat(`\`, slashes))
			b.WriteByte(c)
			slashes = 0
			continue
		}
	}
	b.WriteString(strings.Repeat(`\`, 2*slashes))
	b.WriteByte('"')
	return b.String()
}

// WindowsDescription is what the service manager shows, with the seal of what it runs.
func WindowsDescription(u Unit) string {
	return oneLine(u.Description) + " (" + sealMark + digest(CommandLine(u)) + ")"
}

// WindowsState tells whose a service is by its description and the command line it runs.
func WindowsState(description, commandLine string) State {
	_, after, found := strings.Cut(description, sealMark)
	if !found {
		return Foreign
	}
	if seal, _, _ := strings.Cut(after, ")"); seal == digest(commandLine) {
		return Intact
	}
	return Changed
}
