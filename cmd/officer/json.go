package main

import (
	"encoding/json"
	"time"

	"github.com/officer-doofy/officer/messages"
)

// head stands at the top of every result.
type head struct {
	Type string `json:"type"`
	OK   bool   `json:"ok"`
	Code int    `json:"code"`
}

func (h *head) top() *head { return h }

// body is an object of --json.
type body interface{ top() *head }

// failed is the result of a command that could not do its work.
type failed struct {
	head
	Error problem `json:"error"`
}

// problem is a messages.Failure.
type problem struct {
	Code        string   `json:"code"`
	Op          string   `json:"op"`
	Text        string   `json:"text"`
	Did         string   `json:"did"`
	Hints       []string `json:"hints"`
	DataChanged bool     `json:"data_changed"`
}

func failureJSON(f *messages.Failure) problem {
	return problem{Code: f.Code, Op: f.Op, Text: f.Text, Did: f.Did, Hints: list(f.Hints), DataChanged: f.DataChanged}
}

// line writes one JSON object on one line of stdout.
func (c *cli) line(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte(`{"type":"result","ok":false,"code":1}`)
	}
	_, _ = c.out.Write(append(b, '\n'))
}

// list makes a nil slice an empty one: JSON arrays are never null.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// stamp is RFC 3339 in UTC; nil for never.
func stamp(unixMS int64) *string {
	if unixMS == 0 {
		return nil
	}
	s := time.UnixMilli(unixMS).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &s
}

type tableJSON struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"`
}

type backupJSON struct {
	ID                 string      `json:"id"`
	File               string      `json:"file"`
	Path               string      `json:"path"`
	Tier               string      `json:"tier"`
	Reason             string      `json:"reason"`
	TakenAt            *string     `json:"taken_at"`
	SizeBytes          int64       `json:"size_bytes"`
	PageSize           int64       `json:"page_size"`
	SHA256             string      `json:"sha256"`
	Verified           bool        `json:"verified"`
	Verdict            string      `json:"verdict"`
	Tables             []tableJSON `json:"tables"`
	CopyMS             int64       `json:"copy_ms"`
	VerifyMS           int64       `json:"verify_ms"`
	WorstWriterStallMS int64       `json:"worst_writer_stall_ms"`
	Pinned             bool        `json:"pinned"`
	PinnedUntil        *string     `json:"pinned_until,omitempty"`
	KeepReason         string      `json:"keep_reason"`
	Expires            *string     `json:"expires"`
	ExpiresBecause     string      `json:"expires_because,omitempty"`
}

func backupOf(b *messages.Backup) *backupJSON {
	if b == nil {
		return nil
	}
	out := &backupJSON{
		ID: b.Id, File: b.File, Path: b.Path, Tier: b.Tier, Reason: b.Reason, TakenAt: stamp(b.TakenAtUnixMs),
		SizeBytes: b.SizeBytes, PageSize: b.PageSize, SHA256: b.Sha256, Verified: b.Verified, Verdict: b.Verdict,
		Tables: []tableJSON{}, CopyMS: b.CopyMs, VerifyMS: b.VerifyMs, WorstWriterStallMS: b.WorstWriterStallMs,
		Pinned: b.Pinned, PinnedUntil: stamp(b.PinnedUntilUnixMs), KeepReason: b.KeepReason, Expires: stamp(b.ExpiresAtUnixMs), ExpiresBecause: b.ExpiresBecause,
	}
	for _, t := range b.Content.GetTables() {
		out.Tables = append(out.Tables, tableJSON{Name: t.Name, Rows: t.Rows, Digest: t.Digest})
	}
	return out
}

type findingJSON struct {
	Kind   string `json:"kind"`
	Object string `json:"object"`
	Page   int64  `json:"page"`
	Detail string `json:"detail"`
}

func findingsOf(from []*messages.Finding) []findingJSON {
	out := []findingJSON{}
	for _, f := range from {
		out = append(out, findingJSON{Kind: f.Kind, Object: f.Object, Page: f.Page, Detail: f.Detail})
	}
	return out
}

// progressJSON is one line of the progress of long work.
type progressJSON struct {
	Type  string `json:"type"`
	Stage string `json:"stage"`
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Unit  string `json:"unit"`
}
