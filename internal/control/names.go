package control

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/officer-doofy/officer/messages"
)

// listenTCP opens a port. Only an IP address or "localhost" says for sure who reaches it;
// everything else counts as remote.
func listenTCP(address string, allowRemote bool) (net.Listener, error) {
	const op = "open the port"
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, messages.NewFailure("invalid", op, "%.200q is no address", address).
			WithDid("Nothing was opened.").WithHints("--listen 127.0.0.1:8484")
	}
	if !isLoopbackName(strings.ToLower(host)) && !allowRemote {
		return nil, messages.NewFailure("refused", op, "%s could be reached from other machines", address).
			WithDid("No port was opened.").
			WithHints("--listen 127.0.0.1:8484", "api: {allow_remote: true}  in the configuration, and a reverse proxy with TLS before it")
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, messages.NewFailure("address_in_use", op, "another program listens at %s", address).
			WithDid("No port was opened.").WithHints("--listen 127.0.0.1:0  takes a free one")
	case errors.Is(err, syscall.EACCES):
		return nil, messages.NewFailure("permission", op, "this user may not listen at %s", address).
			WithDid("No port was opened.").WithHints("--listen 127.0.0.1:8484")
	case err != nil:
		return nil, messages.NewFailure("io_error", op, "it is not possible to listen at %s", address).WithDid("No port was opened.")
	}
	return l, nil
}

// IsLoopback tells whether an address with a port is reached from this machine alone.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLoopbackName(strings.ToLower(host))
}

// names are what a TCP port answers to.
type names struct {
	url     string // "http://127.0.0.1:40123"
	port    string
	hosts   map[string]bool // values of the Host header, in lower case
	origins map[string]bool // values of the Origin header of pages that may call
}

// newNames makes the exact list: a name that an attacker points at 127.0.0.1 (DNS
// rebinding) is not on it.
func newNames(at net.Addr, hosts, origins []string) (*names, error) {
	tcp, ok := at.(*net.TCPAddr)
	if !ok {
		return nil, messages.NewFailure("internal", "open the port", "it has no address")
	}
	_, port, err := net.SplitHostPort(tcp.String())
	if err != nil {
		return nil, messages.NewFailure("internal", "open the port", "it has no address")
	}
	n := &names{port: port, hosts: map[string]bool{}, origins: map[string]bool{}}
	ip := tcp.IP
	if ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	n.url = "http://" + net.JoinHostPort(ip.String(), port)
	for _, host := range append([]string{"localhost", "127.0.0.1", "::1", ip.String()}, hosts...) {
		if host = strings.ToLower(strings.TrimSpace(host)); host == "" {
			continue
		}
		if h, p, err := net.SplitHostPort(host); err == nil && p != "" {
			n.hosts[net.JoinHostPort(h, p)] = true
			continue
		}
		host = strings.Trim(host, "[]")
		n.hosts[net.JoinHostPort(host, port)] = true
		// Behind a proxy, or at port 80, the name stands alone.
		if port == "80" || !isLoopbackName(host) {
			n.hosts[strings.TrimSuffix(net.JoinHostPort(host, ""), ":")] = true
		}
	}
	for _, origin := range origins {
		plain := strings.ToLower(strings.TrimSuffix(origin, "/"))
		if !isOrigin(plain) {
			return nil, messages.NewFailure("invalid", "open the port", "%.200q is no web origin", origin).
				WithDid("No port was opened.").WithHints("api: {origins: [https://app.example.org]}")
		}
		n.origins[plain] = true
	}
	return n, nil
}

// isOrigin tells whether a text is scheme, host and perhaps port, and nothing that could
// end a header or a directive of a policy.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme == "" || text != u.Scheme+"://"+u.Host {
		return false
	}
	return !strings.ContainsFunc(u.Scheme+u.Host, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune(".-+:[]", r))
	})
}

func isLoopbackName(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// allowsHost tells whether a request calls the port by one of its names.
func (n *names) allowsHost(host string) bool { return n.hosts[strings.ToLower(host)] }

// allowsOrigin tells whether pages of an origin may call.
func (n *names) allowsOrigin(origin string) bool {
	return origin != "" && origin != "null" && n.origins[strings.ToLower(origin)]
}

// frames is what may frame the page, as Content-Security-Policy has it.
func (n *names) frames() string {
	if len(n.origins) == 0 {
		return "'none'"
	}
	list := make([]string, 0, len(n.origins)+1)
	for origin := range n.origins {
		list = append(list, origin)
	}
	slices.Sort(list)
	return "'self' " + strings.Join(list, " ")
}
