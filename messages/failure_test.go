package messages_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/officer-doofy/officer/messages"
)

func TestFailure_isAGoError(t *testing.T) {
	var err error = messages.NewFailure("disk_full", "take backup", "%s has %d bytes left", "/data", 7).
		WithDid("Kept the backups as they are.").WithHints("df -h /data", "officer list app.db")
	if got, want := err.Error(), "take backup: /data has 7 bytes left (disk_full)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var f *messages.Failure
	if !errors.As(fmt.Errorf("verb: %w", err), &f) {
		t.Fatal("a wrapped Failure is not found by errors.As")
	}
	if f.GetCode() != "disk_full" || f.GetDid() == "" || len(f.GetHints()) != 2 || f.GetDataChanged() {
		t.Errorf("got %v, want what was put in", f)
	}
}

func TestFailure_survivesTheWire(t *testing.T) {
	want := messages.NewFailure("busy", "restore", "100%% locked").WithHints("officer status app.db")
	b, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := &messages.Failure{}
	if err := proto.Unmarshal(b, got); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// fields calls visit for every field of every message of the house.
func fields(t *testing.T, visit func(protoreflect.FieldDescriptor)) {
	t.Helper()
	seen := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("officer.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			m := file.Messages().Get(i)
			for j := range m.Fields().Len() {
				seen++
				visit(m.Fields().Get(j))
			}
		}
		return true
	})
	if seen < 50 {
		t.Fatalf("saw %d fields, want all of them", seen)
	}
}

func TestMessages_sayTheirUnits(t *testing.T) {
	unitless := regexp.MustCompile(`(^|_)(size|duration|timeout|delay|age|interval|stall|elapsed|free|pace|wait)$`)
	fields(t, func(f protoreflect.FieldDescriptor) {
		numeric := f.Kind() == protoreflect.Int64Kind || f.Kind() == protoreflect.Int32Kind ||
			f.Kind() == protoreflect.Uint64Kind || f.Kind() == protoreflect.DoubleKind
		if f.Name() == "page_size" {
			return // SQLite's own word (PRAGMA page_size), in bytes
		}
		if numeric && unitless.MatchString(string(f.Name())) {
			t.Errorf("%s: got a number without a unit, want size_bytes, timeout_ms …", f.FullName())
		}
	})
}

// A PID, a handle or a closure cannot be in a protobuf; bytes could smuggle one in.
func TestMessages_carryNoOpaqueBytes(t *testing.T) {
	fields(t, func(f protoreflect.FieldDescriptor) {
		if f.Kind() == protoreflect.BytesKind {
			t.Errorf("%s: got bytes, want fields that the API and the harness can read", f.FullName())
		}
		if f.Message() != nil && f.Message().FullName() == "google.protobuf.Any" {
			t.Errorf("%s: got Any, want a oneof", f.FullName())
		}
	})
}
