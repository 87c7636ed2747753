package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// inner is the method that only Officer's own command line speaks.
const inner = "Call"

// book is what the page speaks of: the messages of the API and where each is explained.
type book struct {
	messages map[protoreflect.FullName]*protogen.Message
	enums    map[protoreflect.FullName]*protogen.Enum
	requests map[protoreflect.FullName]bool // explained at their method
	needed   []*protogen.Message            // to be explained below, in the order they were met
	used     []*protogen.Enum
}

func newBook(p *protogen.Plugin) *book {
	b := &book{
		messages: map[protoreflect.FullName]*protogen.Message{}, enums: map[protoreflect.FullName]*protogen.Enum{},
		requests: map[protoreflect.FullName]bool{},
	}
	for _, f := range p.Files {
		for _, m := range f.Messages {
			b.messages[m.Desc.FullName()] = m
		}
		for _, e := range f.Enums {
			b.enums[e.Desc.FullName()] = e
		}
		for _, s := range f.Services {
			for _, m := range s.Methods {
				b.requests[m.Input.Desc.FullName()] = true
			}
		}
	}
	return b
}

// need notes that a message has to be explained, and everything it is made of.
func (b *book) need(m *protogen.Message) {
	if b.requests[m.Desc.FullName()] || slices.Contains(b.needed, m) {
		return
	}
	b.needed = append(b.needed, m)
	b.parts(m)
}

func (b *book) parts(m *protogen.Message) {
	for _, f := range m.Fields {
		if f.Message != nil {
			b.need(f.Message)
		}
		if f.Enum != nil && !slices.Contains(b.used, f.Enum) {
			b.used = append(b.used, f.Enum)
		}
	}
}

// service writes the methods in the order of the .proto, with its headings.
func (b *book) service(w io.Writer, s *protogen.Service) error {
	fmt.Fprintf(w, "## Methods\n\n%s\n", prose(s.Comments.Leading))
	for _, m := range s.Methods {
		if group := prose(m.Comments.Leading); group != "" && !strings.HasPrefix(group, m.GoName+" ") {
			fmt.Fprintf(w, "\n### %s\n", strings.TrimSuffix(group, "."))
		}
		if err := b.method(w, s, m); err != nil {
			return err
		}
	}
	return nil
}

// method writes one: its sentence stands at its request ("CheckRequest: Check checks …")
// or at the method itself.
func (b *book) method(w io.Writer, s *protogen.Service, m *protogen.Method) error {
	text := prose(m.Comments.Leading)
	if !strings.HasPrefix(text, m.GoName+" ") {
		var named bool
		if text, named = strings.CutPrefix(prose(m.Input.Comments.Leading), string(m.Input.Desc.Name())+": "); !named {
			return fmt.Errorf("%s: neither it nor its request says what it does (%q)", m.Desc.FullName(), text)
		}
	}
	if m.GoName == inner {
		fmt.Fprintf(w, "\n#### rpc %s\n\n%s It changes with every version, so its messages do not stand here.\n", m.GoName, text)
		return nil
	}
	answer := link(m.Output)
	if m.Desc.IsStreamingServer() {
		answer = "a stream of " + answer
	}
	fmt.Fprintf(w, "\n#### rpc %s\n\n%s Answers %s.\n", m.GoName, text, answer)
	if err := b.fields(w, m.Input); err != nil {
		return err
	}
	b.parts(m.Input)
	b.need(m.Output)
	return example(w, s, m)
}

// dictionary writes the messages that methods answer with, then the enums, by name.
func (b *book) dictionary(w io.Writer) error {
	fmt.Fprint(w, "\n## Messages\n")
	slices.SortFunc(b.needed, func(x, y *protogen.Message) int {
		return strings.Compare(string(x.Desc.Name()), string(y.Desc.Name()))
	})
	for _, m := range b.needed {
		text := prose(m.Comments.Leading)
		if text == "" {
			return fmt.Errorf("%s says not what it is", m.Desc.FullName())
		}
		fmt.Fprintf(w, "\n### %s\n\n%s\n", m.Desc.Name(), text)
		if err := b.fields(w, m); err != nil {
			return err
		}
	}
	slices.SortFunc(b.used, func(x, y *protogen.Enum) int {
		return strings.Compare(string(x.Desc.Name()), string(y.Desc.Name()))
	})
	for _, e := range b.used {
		fmt.Fprintf(w, "\n### %s\n\n%s\n\n", e.Desc.Name(), prose(e.Comments.Leading))
		for _, v := range e.Values {
			fmt.Fprintf(w, "- `%s` = %d\n", v.Desc.Name(), v.Desc.Number())
		}
	}
	return nil
}

// fields writes the table of a message.
func (b *book) fields(w io.Writer, m *protogen.Message) error {
	if len(m.Fields) == 0 {
		return nil
	}
	fmt.Fprint(w, "\n| field | type | |\n|---|---|---|\n")
	for _, f := range m.Fields {
		text := prose(f.Comments.Leading + f.Comments.Trailing)
		if text == "" && f.Desc.Name() == "database" && b.requests[m.Desc.FullName()] {
			text = "name or absolute path; empty = the one of the socket, or the only one"
		}
		if f.Oneof != nil && !f.Oneof.Desc.IsSynthetic() {
			text = strings.TrimSpace("one of `" + string(f.Oneof.Desc.Name()) + "`; " + text)
			text = strings.TrimSuffix(text, ";")
		}
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", f.Desc.JSONName(), kind(f), strings.ReplaceAll(text, "|", `\|`))
	}
	return nil
}

// kind names the type of a field as JSON shows it.
func kind(f *protogen.Field) string {
	var name string
	switch {
	case f.Message != nil:
		name = link(f.Message)
	case f.Enum != nil:
		name = fmt.Sprintf("[%s](#%s)", f.Enum.Desc.Name(), anchor(string(f.Enum.Desc.Name())))
	default:
		name = f.Desc.Kind().String()
	}
	if f.Desc.IsList() {
		name = "list of " + name
	}
	return name
}

func link(m *protogen.Message) string {
	return fmt.Sprintf("[%s](#%s)", m.Desc.Name(), anchor(string(m.Desc.Name())))
}

func anchor(heading string) string { return strings.ToLower(heading) }

// prose makes one paragraph of a comment.
func prose(c protogen.Comments) string {
	return strings.Join(strings.Fields(string(c)), " ")
}
