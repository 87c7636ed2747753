package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"google.golang.org/protobuf/proto"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/config"
	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/process"
	"github.com/officer-doofy/officer/messages"
)

// runner is "officer run" at work: one Officer, a socket in each home, and the way the
// configuration was read, so that it can be read again. It is what the sockets speak for.
type runner struct {
	*officer.Officer
	c     *cli
	args  []string              // databases of the command line
	waits bool                  // for databases that do not exist yet
	late  <-chan officer.Looked // what was in the way of these has passed
	end   *ending
	now   atomic.Pointer[config.Config] // what is in force
	app   atomic.Pointer[process.Child] // that this one started
}

// Ask answers what concerns this process and passes everything else on, until the end.
func (r *runner) Ask(ctx context.Context, database string, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error) {
	if order, ok := msg.(*messages.StopOfficer); ok {
		return r.end.obey(order)
	}
	left, err := r.end.enter(msg)
	if err != nil {
		return nil, err
	}
	defer left()
	switch msg.(type) {
	case *messages.ReloadConfig:
		return r.reload(ctx)
	case *messages.GetConfigRequest:
		return r.inForce()
	}
	answer, err := r.Officer.Ask(ctx, database, msg, progress)
	if info, ok := answer.(*messages.Info); ok {
		info.Stopping = r.end.stopping()
	}
	return answer, err
}

// serve opens sockets and port. Without a socket Officer still does its work, so that is a
// warning; a port was asked for by name.
func (r *runner) serve() error {
	missing, err := r.Serve(r)
	if err != nil {
		return err
	}
	for _, p := range missing {
		r.c.warn(fmt.Sprintf("other processes cannot reach this Officer: %s", p.Failure.GetText()))
	}
	if listen := r.now.Load().API.Listen; listen != "" && !control.IsLoopback(listen) {
		r.c.warn("the API can be reached from other machines, unencrypted: put a reverse proxy with TLS before " + listen)
	}
	return nil
}

// reload reads the configuration again. One that is wrong changes nothing and says so,
// to whoever asked and on the screen.
func (r *runner) reload(ctx context.Context) (*messages.ConfigReloaded, error) {
	if r.c.configFile() == "" {
		return nil, messages.NewFailure("unsupported", "reload the configuration", "this Officer was started without a configuration file").
			WithDid("Nothing was changed.").WithHints("officer run --config officer.yaml")
	}
	tell(daemon.SdNotifyReloading + "\n" + monotonic())
	defer tell(daemon.SdNotifyReady)
	cfg, err := r.c.settings(r.args)
	if err != nil {
		return nil, plainly(err)
	}
	done, err := r.Reload(ctx, configured(cfg))
	if err != nil {
		return nil, err
	}
	r.now.Store(cfg)
	r.c.note("%s configuration read again: %s", time.Now().Format("15:04:05"), reloadText(done))
	for _, p := range r.Problems() {
		showFailure(r.c.err, r.c.errStyle, p.Failure)
	}
	return done, nil
}

// inForce is the configuration as it would be written, without secrets.
func (r *runner) inForce() (*messages.GetConfigResponse, error) {
	return &messages.GetConfigResponse{Yaml: r.now.Load().YAML()}, nil
}

// reloadText is what changed, in words.
func reloadText(r *messages.ConfigReloaded) string {
	var parts []string
	add := func(what string, list []string) {
		for _, one := range list {
			parts = append(parts, what+" "+clean(filepath.Base(one)))
		}
	}
	add("new settings for", r.Changed)
	add("began with", r.Added)
	add("ended with", r.Removed)
	for _, one := range r.NeedsRestart {
		parts = append(parts, one+" stays until Officer is started again")
	}
	if len(parts) == 0 {
		return "nothing changed"
	}
	return strings.Join(parts, ", ")
}

// hangups reads the configuration again at each SIGHUP, until ctx is done.
func (r *runner) hangups(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-signals:
			if _, err := r.reload(ctx); err != nil {
				showError(r.c, err)
			}
		case <-ctx.Done():
			return
		}
	}
}
