package notify

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"strings"

	"github.com/officer-doofy/officer/internal/notice"
)

const submissionPort = "587"

// mail sends one mail. Encryption is used when the server offers it and is demanded
// unless Plain; a password never goes over a line that others can read.
func (s *Sender) mail(ctx context.Context, n notice.Note) error {
	m := s.target.SMTP
	from, to, err := s.addresses(m)
	if err != nil {
		return err
	}
	address := m.Server
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host, address = m.Server, net.JoinHostPort(m.Server, submissionPort)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return s.failed("the mail server cannot be reached")
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return s.failed("the mail server does not greet")
	}
	defer c.Close()
	if err := s.secure(c, m, host); err != nil {
		return err
	}
	if err := c.Mail(from); err != nil {
		return s.failed("the mail server does not take the sender")
	}
	for _, one := range to {
		if err := c.Rcpt(one); err != nil {
			return s.failed("the mail server does not take a receiver")
		}
	}
	w, err := c.Data()
	if err != nil {
		return s.failed("the mail server does not take the mail")
	}
	if _, err := w.Write(letter(from, to, n)); err != nil {
		return s.failed("the mail could not be sent whole")
	}
	if err := w.Close(); err != nil {
		return s.failed("the mail server refused the mail")
	}
	_ = c.Quit()
	return nil
}

// addresses parses what the config says, so that nothing in it can begin a header.
func (s *Sender) addresses(m *SMTP) (from string, to []string, err error) {
	for i, text := range append([]string{m.From}, m.To...) {
		a, err := mail.ParseAddress(text)
		if err != nil || oneLine(a.Address) != a.Address {
			return "", nil, s.failed("a mail address cannot be read")
		}
		if i == 0 {
			from = a.Address
		} else {
			to = append(to, a.Address)
		}
	}
	if len(to) == 0 {
		return "", nil, s.failed("no receiver of the mail is named")
	}
	return from, to, nil
}

func (s *Sender) secure(c *smtp.Client, m *SMTP, host string) error {
	encrypted, _ := c.Extension("STARTTLS")
	switch {
	case encrypted:
		if err := c.StartTLS(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}); err != nil {
			return s.failed("the mail server's encryption cannot be trusted")
		}
	case !m.Plain:
		return s.failed("the mail server offers no encryption; smtp.plain: true sends without")
	}
	if m.User == "" {
		return nil
	}
	password, err := s.password(m)
	if err != nil {
		return err
	}
	// smtp.PlainAuth itself refuses to send a password unencrypted to another machine.
	if err := c.Auth(smtp.PlainAuth("", m.User, password, host)); err != nil {
		return s.failed("the mail server does not take user and password")
	}
	return nil
}

// letter is the mail. The text goes as base64: no line of it can end the mail or begin
// a header, and it is never too long.
func letter(from string, to []string, n notice.Note) []byte {
	var b strings.Builder
	for _, line := range []string{
		"From: " + from, "To: " + strings.Join(to, ", "), "Subject: " + mime.QEncoding.Encode("utf-8", oneLine(n.Title)),
		"Date: " + n.At.Format("Mon, 02 Jan 2006 15:04:05 -0700"), "Message-ID: <" + oneLine(n.ID) + "@officer>",
		"Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "",
	} {
		b.WriteString(line + "\r\n")
	}
	text := base64.StdEncoding.EncodeToString([]byte(body(n) + "\n"))
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	b.WriteString(text + "\r\n")
	return []byte(b.String())
}
