// Package unit writes the files by which service managers know Officer: units of systemd,
// property lists of launchd, and the command line of a Windows service. A file carries a
// seal, so that a later install or uninstall can tell what it wrote, whole and unchanged,
// from what is somebody's own. Nothing is read or written here.
package unit

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Unit is what a service manager should run.
type Unit struct {
	Name        string   // "officer-app"; see ValidName
	Description string   // one line
	Program     string   // absolute path of officer
	Args        []string // of the program
	System      bool     // for the machine, not for one user
	User        string   // of a system unit: name or number; "" = the manager's default
	Group       string
	Folders     []string // that it writes, absolute; they exist
	Reloads     bool     // SIGHUP does something
	// OwnTmp says that nothing it needs lies in /tmp or /var/tmp, so that it can have its own.
	OwnTmp bool
}

// nameBytesMax is less than any of the managers takes.
const nameBytesMax = 100

// ValidName tells whether a name can be a file and a service everywhere.
func ValidName(name string) bool {
	ok := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
	}
	return name != "" && len(name) <= nameBytesMax && !strings.ContainsAny(name[:1], "-.") &&
		!strings.ContainsFunc(name, func(r rune) bool { return !ok(r) })
}

// sealMark begins the seal: a hash of the text without the line that it stands in.
const sealMark = "officer-install sha256="

// sealed puts the seal into the line of text that holds sealMark alone.
func sealed(text string) string {
	return strings.Replace(text, sealMark, sealMark+digest(text), 1)
}

// digest is the hash of all lines but the one with the seal.
func digest(text string) string {
	h := sha256.New()
	for line := range strings.Lines(text) {
		if !strings.Contains(line, sealMark) {
			h.Write([]byte(line))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// State is whose a file is.
type State int

// The states.
const (
	Foreign State = iota // somebody else wrote it
	Changed              // it was written here and changed since
	Intact               // it is as it was written here
)

// StateOf tells whose a file is.
func StateOf(text string) State {
	_, after, found := strings.Cut(text, sealMark)
	if !found || len(after) < sha256.Size*2 {
		return Foreign
	}
	if after[:sha256.Size*2] == digest(text) {
		return Intact
	}
	return Changed
}
