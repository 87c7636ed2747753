package supervisor

import (
	"github.com/asynkron/protoactor-go/actor"

	notifying "github.com/officer-doofy/officer/actors/notify"
	"github.com/officer-doofy/officer/internal/notice"
	"github.com/officer-doofy/officer/internal/notify"
)

// notify makes the props of who tells people outside.
func (p parts) notify() *actor.Props {
	cfg := notifying.Config{Peers: p.peers, Log: p.logger("notify"), Passive: p.passive, Database: p.name}
	for _, n := range p.tells {
		sender := notify.New(p.files, n.target())
		filter := notice.Filter{Severity: notice.Yellow, Events: n.Events}
		if n.Severity == "red" {
			filter.Severity = notice.Red
		}
		cfg.Targets = append(cfg.Targets, notifying.Target{Name: n.Name, Filter: filter, Pings: sender.Pings(), Sender: sender})
	}
	return notifying.Props(cfg)
}

func (n Notify) target() notify.Target {
	t := notify.Target{Name: n.Name, Webhook: n.Webhook, Ntfy: n.Ntfy, Healthchecks: n.Healthchecks,
		TokenFile: n.TokenFile, Exec: n.Exec, Timeout: n.Timeout}
	if t.Name == "" {
		t.Name = "a receiver"
	}
	if n.SMTP != nil {
		t.SMTP = &notify.SMTP{Server: n.SMTP.Server, From: n.SMTP.From, To: n.SMTP.To, User: n.SMTP.User,
			PasswordFile: n.SMTP.PasswordFile, PasswordEnv: n.SMTP.PasswordEnv, Plain: n.SMTP.Plain}
	}
	return t
}
