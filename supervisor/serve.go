package supervisor

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/dashboard"
	"github.com/officer-doofy/officer/messages"
)

// Answers is who the API speaks for: Running itself, or a program around it that answers
// some requests in its own way.
type Answers interface {
	// Ask gives the one answer to a request, or a *messages.Failure.
	Ask(ctx context.Context, database string, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error)
	// Subscribe gives events until ctx is done.
	Subscribe(ctx context.Context, from *messages.WatchRequest) (<-chan *messages.Event, error)
}

// Endpoint is where other processes reach Officer.
type Endpoint = control.Endpoint

// Serve opens the API as Config.API says, until Stop; Reload opens and closes the sockets of
// databases that come and go. by answers its requests, nil = Running itself. A socket that
// cannot be opened is a Problem: Officer does its work without. A port that cannot be opened
// is the error, a *messages.Failure.
func (r *Running) Serve(by Answers) ([]Problem, error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if r.served() != nil {
		return nil, messages.NewFailure("invalid", "open the API", "it is open already").WithDid("Nothing was changed.")
	}
	if by == nil {
		by = r
	}
	settings := r.cfg.API
	api := control.New(control.Config{
		Officer: by, Version: Version, Page: dashboard.Handler(), AllowRemote: settings.AllowRemote, Hosts: settings.Hosts, Origins: settings.Origins,
		Log: r.apiLog, Files: r.cfg.FS,
	})
	if settings.Listen != "" {
		if err := api.Listen(settings.Listen); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	r.api = api
	r.mu.Unlock()
	return r.openWays(), nil
}

func (r *Running) served() *control.API {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.api
}

// apiLog is the log of the first database: the API belongs to all of them.
func (r *Running) apiLog() *slog.Logger {
	if posts := r.all(); len(posts) > 0 {
		return posts[0].log
	}
	return r.routes.logger()
}

// openWays opens a socket in each home that has none and closes those of homes that are not
// looked after any more.
func (r *Running) openWays() (problems []Problem) {
	api := r.served()
	if api == nil || r.life.Err() != nil {
		return nil
	}
	wanted := make(map[string]bool)
	for _, p := range r.all() {
		wanted[p.home] = true
		if r.cfg.API.Socket == "off" {
			api.Join(p.home, p.name)
			continue
		}
		if err := api.Open(p.home, p.name); err != nil {
			f := failureOf("open the socket of "+filepath.Base(p.path), err)
			p.log.Error("other processes cannot reach this Officer", slog.String("component", "api"), slog.String("failure", f.Error()))
			problems = append(problems, Problem{Path: p.path, Failure: f})
			api.Join(p.home, p.name)
		}
	}
	for _, home := range api.Homes() {
		if !wanted[home] {
			go shut(api, home) // the request to reload may have come through it
		}
	}
	return problems
}

// answersWithin is how long a socket that closes waits for the answers under way.
const answersWithin = time.Second

func shut(api *control.API, home string) {
	ctx, cancel := context.WithTimeout(context.Background(), answersWithin)
	defer cancel()
	_ = api.Shut(ctx, home)
}

// closeWays ends the API: streams and waiting calls end at once, answers that are being
// written go out.
func (r *Running) closeWays(ctx context.Context) {
	if api := r.served(); api != nil {
		ctx, cancel := context.WithTimeout(ctx, answersWithin/2)
		defer cancel()
		if err := api.Close(ctx); err != nil {
			r.apiLog().Debug("the API did not close in order", slog.Any("error", err))
		}
	}
}

// Endpoint tells where the API of a database is reached, of one that is not there (yet) where
// the port is; the zero value while it is not.
func (r *Running) Endpoint(database string) Endpoint {
	api := r.served()
	if api == nil {
		return Endpoint{}
	}
	home := ""
	if p, f := r.find(database); f == nil {
		home = p.home
	}
	return api.Endpoint(home)
}
