// Package control lets other processes reach a running Officer: ControlService of
// proto/officer/v1/control.proto over a Unix socket that only its user can open. It is
// the only importer of Connect. A *messages.Failure crosses it whole, as a typed error
// detail, so the other side shows the same sentence and the same hints.
package control

import (
	"context"
	"errors"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/officer-doofy/officer/messages"
)

// Officer is what the service speaks for; *supervisor.Running is one.
type Officer interface {
	// Ask gives the one answer to a request of CallRequest, to ListDatabasesRequest,
	// GetConfigRequest or Ping, or a *messages.Failure. database is a name, an absolute path,
	// or empty for the only one.
	Ask(ctx context.Context, database string, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error)
	// Subscribe gives events until ctx is done; the channel is closed at the end.
	Subscribe(ctx context.Context, from *messages.WatchRequest) (<-chan *messages.Event, error)
}

// Limits of what a client may send: no request of a verb comes near.
const (
	requestBytesMax = 256 << 10
	answerBytesMax  = 64 << 20 // a list of many backups with many tables
)

// request takes the message out of a call; nil when there is none.
func request(call *messages.CallRequest) proto.Message {
	m := call.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("request"))
	if field == nil {
		return nil
	}
	return m.Get(field).Message().Interface()
}

// fill puts msg into the one field of the oneof that has its type; false when no field does.
func fill(into proto.Message, oneof protoreflect.Name, msg proto.Message) bool {
	m, want := into.ProtoReflect(), msg.ProtoReflect()
	fields := m.Descriptor().Oneofs().ByName(oneof).Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.Message().FullName() == want.Descriptor().FullName() {
			m.Set(f, protoreflect.ValueOfMessage(want))
			return true
		}
	}
	return false
}

// answer takes the message out of a response; nil when there is none.
func answer(response *messages.CallResponse) proto.Message {
	m := response.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("response"))
	if field == nil {
		return nil
	}
	return m.Get(field).Message().Interface()
}

// failureOf gives the failure that an error is; what is none never goes outside.
func failureOf(err error) *messages.Failure {
	var f *messages.Failure
	if !errors.As(err, &f) {
		f = messages.NewFailure("internal", "call", "an unexpected error; the log has it")
	}
	return f
}

// carry makes the error that travels out of a failure.
func carry(err error) error {
	f := failureOf(err)
	code := connect.CodeFailedPrecondition
	switch f.Code {
	case "invalid":
		code = connect.CodeInvalidArgument
	case "unhandled", "unsupported":
		code = connect.CodeUnimplemented
	case "idempotency_conflict":
		code = connect.CodeAlreadyExists
	case "too_many":
		code = connect.CodeResourceExhausted
	case "forbidden":
		code = connect.CodePermissionDenied
	case "internal", "actor_gone":
		code = connect.CodeInternal
	case "no_backup", "unknown_database", "unknown_operation", "missing":
		code = connect.CodeNotFound
	case "interrupted":
		code = connect.CodeCanceled
	case "no_answer", "timeout":
		code = connect.CodeDeadlineExceeded
	case "stopping":
		code = connect.CodeUnavailable
	}
	out := connect.NewError(code, errors.New(f.Text))
	if detail, err := connect.NewErrorDetail(f); err == nil {
		out.AddDetail(detail)
	}
	return out
}

// unpack gives the failure that an error of a call carries, or makes one.
func unpack(ctx context.Context, op string, err error) *messages.Failure {
	var carried *connect.Error
	if errors.As(err, &carried) {
		for _, d := range carried.Details() {
			if v, verr := d.Value(); verr == nil {
				if f, ok := v.(*messages.Failure); ok {
					return f
				}
			}
		}
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return messages.NewFailure("interrupted", op, "interrupted")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return messages.NewFailure("no_answer", op, "no answer in time")
	case carried != nil && carried.Code() == connect.CodeResourceExhausted:
		return messages.NewFailure("invalid", op, "the request is larger than is taken").WithDid("Nothing was changed.")
	}
	return messages.NewFailure("no_officer", op, "the running Officer stopped answering").
		WithDid("What it was asked may or may not have been done.")
}
