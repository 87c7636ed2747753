package supervisor

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// routes is where log records go: one handler per database, one for the rest.
type routes struct {
	mu    sync.RWMutex
	books map[string]slog.Handler
	rest  slog.Handler
}

func newRoutes(rest *slog.Logger) *routes {
	h := slog.Handler(slog.DiscardHandler)
	if rest != nil {
		h = rest.Handler()
	}
	return &routes{books: make(map[string]slog.Handler), rest: h}
}

func (r *routes) add(database string, h slog.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.books[database] = h
}

func (r *routes) remove(database string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.books, database)
}

// logger is what the actor system logs to.
func (r *routes) logger() *slog.Logger { return slog.New(&router{routes: r}) }

// router finds the database of a record by the id of the actor it speaks of
// ("officer/{database}/{system}") and writes it into that database's book.
type router struct {
	routes *routes
	attrs  []slog.Attr
}

// Enabled leaves the choice to the handler that is found later.
func (r *router) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelDebug }

// WithAttrs keeps the attributes: they may name the actor.
func (r *router) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &router{routes: r.routes, attrs: append(r.attrs[:len(r.attrs):len(r.attrs)], attrs...)}
}

// WithGroup flattens groups; neither protoactor nor kit uses them.
func (r *router) WithGroup(string) slog.Handler { return r }

// Handle routes one record.
func (r *router) Handle(ctx context.Context, rec slog.Record) error {
	id := ""
	see := func(a slog.Attr) bool {
		if got := actorID(a); got != "" {
			id = got
		}
		return id == ""
	}
	for _, a := range r.attrs {
		see(a)
	}
	rec.Attrs(see)
	database, system := split(id)
	h := r.routes.find(database)
	out := slog.NewRecord(rec.Time, demoted(rec), rec.Message, rec.PC)
	if system != "" {
		out.AddAttrs(slog.String("component", system))
	}
	out.AddAttrs(r.attrs...)
	rec.Attrs(func(a slog.Attr) bool {
		if a.Key != "message" || !isDeadLetter(rec) { // contents of messages are not for logs
			out.AddAttrs(a)
		}
		return true
	})
	if !h.Enabled(ctx, out.Level) {
		return nil
	}
	return h.Handle(ctx, out)
}

func (r *routes) find(database string) slog.Handler {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if h, ok := r.books[database]; ok {
		return h
	}
	return r.rest
}

// demoted is the level: what protoactor itself tells at info (dead letters on every
// stop, its own start) is for debugging.
func demoted(rec slog.Record) slog.Level {
	if rec.Level == slog.LevelInfo && (isDeadLetter(rec) || strings.HasPrefix(rec.Message, "actor system") ||
		strings.HasPrefix(rec.Message, "[ACTOR]")) {
		return slog.LevelDebug
	}
	return rec.Level
}

func isDeadLetter(rec slog.Record) bool { return strings.HasPrefix(rec.Message, "[DeadLetter]") }

// actorID gives the id of an actor of ours that an attribute names.
func actorID(a slog.Attr) string {
	id := ""
	if a.Value.Kind() == slog.KindString {
		id = a.Value.String()
	} else if pid, ok := a.Value.Any().(*actor.PID); ok && pid != nil {
		id = pid.GetId()
	}
	if strings.HasPrefix(id, rootName+"/") {
		return id
	}
	return ""
}

// split takes "officer/app/backup/worker" apart: "app", "backup".
func split(id string) (database, system string) {
	parts := strings.SplitN(id, "/", 4)
	switch {
	case len(parts) >= 3:
		return parts[1], parts[2]
	case len(parts) == 2:
		return parts[1], "tree"
	}
	return "", ""
}
