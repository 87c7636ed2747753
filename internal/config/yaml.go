package config

import (
	"encoding/json"
	"fmt"
	"strings"
)

// hidden stands where a value may hold a secret.
const hidden = "***"

// YAML gives every setting in force, also those that are defaults, as a file would have
// them. Receivers keep their kind and lose what may hold a secret.
func (c *Config) YAML() string {
	top := &node{}
	now := c.texts()
	delete(now, "api.hosts")
	delete(now, "api.origins")
	plant(top, topSettings(&Config{}), now)
	for _, one := range []struct {
		name string
		list []string
	}{{"hosts", c.API.Hosts}, {"origins", c.API.Origins}} {
		if len(one.list) > 0 {
			top.at("api").at(one.name).raw = quotedList(one.list)
		}
	}
	var b strings.Builder
	b.WriteString(top.block(0))
	b.WriteString("databases:\n")
	for i := range c.Databases {
		d := &c.Databases[i]
		one := &node{}
		plant(one, databaseSettings(&Database{}), d.texts())
		if len(d.Rules) > 0 {
			one.at("check").at("rules").raw = d.rules()
		}
		b.WriteString("  - " + strings.TrimLeft(one.block(4), " "))
	}
	if len(c.Notify) > 0 {
		b.WriteString("notify:\n")
	}
	for _, n := range c.Notify {
		b.WriteString("  - " + n.flow() + "\n")
	}
	return b.String()
}

// node is a group of settings in their order, or with raw one value.
type node struct {
	name string
	raw  string
	list []*node
}

// at gives the node of a name below this one.
func (n *node) at(name string) *node {
	for _, one := range n.list {
		if one.name == name {
			return one
		}
	}
	one := &node{name: name}
	n.list = append(n.list, one)
	return one
}

// plant puts the values of a table under a node.
func plant(root *node, table []setting, now map[string]string) {
	for _, s := range table {
		text, set := now[s.path]
		if s.kind == kindItems || (!set && s.fallback == "") {
			continue
		}
		to := root
		for _, part := range strings.Split(s.path, ".") {
			to = to.at(part)
		}
		switch {
		case !set:
			to.raw = s.fallback // as it is written
		case s.kind == kindText || s.kind == kindPath:
			to.raw = quoted(text)
		case s.kind == kindShare: // "10%" needs no quotes
			to.raw = text
		default:
			to.raw = quote(text)
		}
	}
}

// block writes each node below this one on a line.
func (n *node) block(depth int) string {
	var b strings.Builder
	for _, one := range n.list {
		fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat(" ", depth), one.name, one.flow())
	}
	return b.String()
}

// flow writes a node on one line.
func (n *node) flow() string {
	if n.raw != "" {
		return n.raw
	}
	parts := make([]string, 0, len(n.list))
	for _, one := range n.list {
		parts = append(parts, one.name+": "+one.flow())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (d *Database) rules() string {
	list := make([]string, 0, len(d.Rules))
	for _, r := range d.Rules {
		one := &node{}
		one.at("name").raw, one.at("sql").raw = quoted(r.Name), quoted(r.SQL)
		if r.Severity != "" {
			one.at("severity").raw = quoted(r.Severity)
		}
		list = append(list, one.flow())
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// flow writes a receiver on one line.
func (n Notify) flow() string {
	one := &node{}
	text := func(name, value string) {
		if value != "" {
			one.at(name).raw = quoted(value)
		}
	}
	secret := func(name, value string) {
		if value != "" {
			text(name, hidden)
		}
	}
	texts := func(name string, values []string) {
		if len(values) > 0 {
			one.at(name).raw = quotedList(values)
		}
	}
	text("name", n.Name)
	texts("databases", n.Databases)
	text("severity", n.Severity)
	texts("events", n.Events)
	secret("webhook", n.Webhook)
	secret("ntfy", n.Ntfy)
	secret("healthchecks", n.Healthchecks)
	text("token_file", n.TokenFile)
	if n.SMTP != nil {
		one.at("smtp").raw = n.SMTP.flow()
	}
	if len(n.Exec) > 0 { // arguments may be secrets
		one.at("exec").raw = quotedList(append([]string{n.Exec[0]}, repeated(hidden, len(n.Exec)-1)...))
	}
	if n.Timeout > 0 {
		one.at("timeout").raw = short(n.Timeout)
	}
	return one.flow()
}

func (s *SMTP) flow() string {
	one := &node{}
	for _, p := range [][2]string{{"server", s.Server}, {"from", s.From}, {"user", s.User}, {"password_file", s.PasswordFile}, {"password_env", s.PasswordEnv}} {
		if p[1] != "" {
			one.at(p[0]).raw = quoted(p[1])
		}
	}
	one.at("to").raw = quotedList(s.To)
	if s.Plain {
		one.at("plain").raw = "true"
	}
	return one.flow()
}

// quoted is a text as YAML and JSON both read it.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(b)
}

func quotedList(list []string) string {
	out := make([]string, 0, len(list))
	for _, text := range list {
		out = append(out, quoted(text))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func repeated(text string, times int) []string {
	out := make([]string, times)
	for i := range out {
		out[i] = text
	}
	return out
}
