package rotate

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"go.uber.org/zap/zapcore"
)

// core is the end of zap: it turns an entry into a Record of the book.
type core struct {
	zapcore.LevelEnabler
	book   *Book
	fields []zapcore.Field
}

// With gives a core that adds fields to every record.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	both := make([]zapcore.Field, 0, len(c.fields)+len(fields))
	return &core{LevelEnabler: c.LevelEnabler, book: c.book, fields: append(append(both, c.fields...), fields...)}
}

// Check accepts what the level allows.
func (c *core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write never fails: the book counts what it cannot write.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	r := Record{Time: e.Time, Level: e.Level.String(), Message: escape(cut(e.Message, messageBytesMax)), Stack: e.Stack}
	kept := make([]zapcore.Field, 0, len(c.fields)+len(fields))
	nested := false // below a group, names belong to the group
	for _, f := range append(append(kept[:0:0], c.fields...), fields...) {
		nested = nested || f.Type == zapcore.NamespaceType
		switch {
		case !nested && f.Type == zapcore.StringType && f.Key == "component":
			r.Component = f.String
		case !nested && f.Type == zapcore.StringType && f.Key == "stack":
			r.Stack = f.String
		case f.Type != zapcore.SkipType:
			kept = append(kept, f)
		}
	}
	r.Component = component(r.Component)
	r.Stack = escapeBut(cut(r.Stack, stackBytesMax), "\n\t")
	r.Context = encode(kept)
	c.book.write(r)
	return nil
}

// Sync has nothing to do: lines go to the file at once, and a flush to the device at
// every record would make callers wait for the disk.
func (c *core) Sync() error { return nil }

// encode gives the fields as one JSON object, "" when there are none.
func encode(fields []zapcore.Field) string {
	if len(fields) == 0 {
		return ""
	}
	buf, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		SkipLineEnding: true,
		EncodeTime:     zapcore.TimeEncoderOfLayout(timeLayout),
		EncodeDuration: zapcore.StringDurationEncoder,
	}).EncodeEntry(zapcore.Entry{}, fields)
	if err != nil {
		return `{"context_error":` + quote(err.Error()) + `}`
	}
	defer buf.Free()
	s := escape(buf.String())
	if len(s) > contextBytesMax {
		return `{"cut":` + quote(cut(s, contextBytesMax/2)) + `}`
	}
	if s == "{}" {
		return ""
	}
	return s
}

// handler stands between slog and zap: it takes secrets out, also inside groups, and
// keeps a value that panics while it is printed from reaching the caller.
type handler struct {
	book  *Book
	inner slog.Handler
}

// Enabled asks the level.
func (h *handler) Enabled(ctx context.Context, l slog.Level) bool { return h.inner.Enabled(ctx, l) }

// Handle writes the record.
func (h *handler) Handle(ctx context.Context, r slog.Record) (err error) {
	defer h.shield(&r)
	clean := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redact(a))
		return true
	})
	return h.inner.Handle(ctx, clean)
}

// shield writes the message of a record whose values could not be printed.
func (h *handler) shield(r *slog.Record) {
	if p := recover(); p != nil {
		h.book.write(Record{
			Time: r.Time, Level: zapLevel(r.Level).String(), Component: defaultComponent,
			Message: escape(cut(r.Message, messageBytesMax)),
			Context: `{"context_error":` + quote(fmt.Sprintf("printing a value panicked: %T", p)) + `}`,
		})
	}
}

// WithAttrs gives a handler that adds attrs to every record.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redact(a)
	}
	return &handler{book: h.book, inner: h.inner.WithAttrs(clean)}
}

// WithGroup gives a handler that nests later attrs.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{book: h.book, inner: h.inner.WithGroup(name)}
}

func redact(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	if secret(a.Key) {
		return slog.String(a.Key, "[redacted]")
	}
	if a.Value.Kind() != slog.KindGroup {
		return a
	}
	group := a.Value.Group()
	clean := make([]slog.Attr, len(group))
	for i, g := range group {
		clean[i] = redact(g)
	}
	return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
}

// secret tells whether the value of a key must not be written: the word anywhere in the
// key, but "token" and "key" only at its end ("token_file" is a path).
func secret(key string) bool {
	key = strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(key))
	for _, word := range []string{"password", "passphrase", "secret", "authorization", "credential"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return strings.HasSuffix(key, "token") || strings.HasSuffix(key, "apikey") || strings.HasSuffix(key, "cookie")
}
