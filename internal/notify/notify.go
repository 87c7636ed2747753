// Package notify delivers news to receivers outside: a webhook, ntfy, healthchecks, mail
// and programs. One call is one try; when to try again is the caller's business. No
// secret (URL, token, password) ever stands in an error.
package notify

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/notice"
)

// Target is one receiver. Exactly one of Webhook, Ntfy, Healthchecks, SMTP and Exec is set.
type Target struct {
	Name                        string // for logs; no secret
	Webhook, Ntfy, Healthchecks string // URLs
	TokenFile                   string // bearer token of Webhook and Ntfy
	SMTP                        *SMTP
	Exec                        []string
	Timeout                     time.Duration // 0 = 10 s
}

// SMTP is how mail is sent.
type SMTP struct {
	Server, From, User, PasswordFile, PasswordEnv string
	To                                            []string
	Plain                                         bool // also without encryption
}

// Sender delivers to one receiver. Its methods may be called from several goroutines.
type Sender struct {
	target Target
	files  fsx.FS
}

// New gives the sender of a target.
func New(files fsx.FS, target Target) *Sender {
	if target.Timeout <= 0 {
		target.Timeout = standardTimeout
	}
	return &Sender{target: target, files: files}
}

const (
	standardTimeout = 10 * time.Second
	secretBytesMax  = 4096 // of a token or password file
)

// Pings tells whether the receiver is a dead man's switch, which hears pings alone.
func (s *Sender) Pings() bool { return s.target.Healthchecks != "" }

// Send tries once. The error is a *fault.Error whose text is for people.
func (s *Sender) Send(ctx context.Context, n notice.Note) error {
	ctx, cancel := context.WithTimeout(ctx, s.target.Timeout)
	defer cancel()
	t := s.target
	switch {
	case t.Webhook != "":
		return s.webhook(ctx, n)
	case t.Ntfy != "":
		return s.ntfy(ctx, n)
	case t.Healthchecks != "":
		return s.ping(ctx, n)
	case t.SMTP != nil:
		return s.mail(ctx, n)
	case len(t.Exec) > 0:
		return s.run(ctx, n)
	}
	return s.failed("no receiver is named")
}

// failed is an error that names the receiver and nothing secret.
func (s *Sender) failed(format string, args ...any) error {
	return fault.New(fault.IO, "notify "+s.target.Name, format, args...)
}

// secret reads a file that holds one secret alone.
func (s *Sender) secret(path string) (string, error) {
	info, err := s.files.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return "", s.failed("the file %s with the secret cannot be read", path)
	}
	f, err := s.files.Open(path)
	if err != nil {
		return "", s.failed("the file %s with the secret cannot be read", path)
	}
	defer f.Close()
	text := make([]byte, secretBytesMax)
	n, _ := f.Read(text)
	word := strings.TrimSpace(string(text[:n]))
	if word == "" || strings.ContainsAny(word, "\r\n\x00") {
		return "", s.failed("the file %s holds no secret of one line", path)
	}
	return word, nil
}

func (s *Sender) password(m *SMTP) (string, error) {
	if m.PasswordFile != "" {
		return s.secret(m.PasswordFile)
	}
	if word := os.Getenv(m.PasswordEnv); word != "" {
		return word, nil
	}
	return "", s.failed("the variable %s holds no password", m.PasswordEnv)
}

// oneLine makes a text safe as a header: what could begin another one is a space.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' }), " ")
}

// body is the text for people.
func body(n notice.Note) string {
	var b strings.Builder
	b.WriteString(n.Text)
	for _, h := range n.Hints {
		fmt.Fprintf(&b, "\n→ %s", h)
	}
	return b.String()
}
