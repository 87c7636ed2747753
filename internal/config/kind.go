package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/schedule"
)

// kind is how a value is written.
type kind int

const (
	kindText kind = iota
	kindPath
	kindURL
	kindFlag
	kindDuration
	kindSize
	kindRate
	kindCount
	kindShare
	kindCalendar
	kindChoice
	kindTexts
	kindItems // a list of objects with settings of their own, or one such object
)

// value is what a text means; which field counts depends on the kind.
type value struct {
	text   string
	texts  []string
	number int64 // bytes, counts
	time   time.Duration
	share  float64
	flag   bool
}

// The forms that the schema shows to editors. What they match the parser takes (within
// the limits of the setting), and nothing else: a test keeps that so.
const (
	durationForm = `^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+$`
	sizeForm     = `^[0-9]+(\.[0-9]+)?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`
	rateForm     = `^[0-9]+(\.[0-9]+)?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)/s$`
	shareForm    = `^[0-9]+(\.[0-9]+)?%$`
	calendarForm = `^(([A-Za-z]{3,9}) +)?[0-9]{1,2}:[0-9]{2}$`
	urlForm      = `^https?://[^/ ]+`
)

var (
	durationPart = regexp.MustCompile(`([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)`)
	durationText = regexp.MustCompile(durationForm)
	sizeText     = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)
	shareText    = regexp.MustCompile(shareForm)
	urlText      = regexp.MustCompile(urlForm)
	bareNumber   = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
)

// Units in milliseconds and bytes.
var (
	timeUnits = map[string]float64{"ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7, "w": 6.048e8}
	sizeUnits = map[string]float64{"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
)

// read turns the text of a scalar into a value within the limits of the setting.
func (s setting) read(text string) (value, error) {
	if slices.Contains(s.words, text) {
		return value{text: text, number: -1, time: -1, share: -1}, nil
	}
	if len(text) > textMax {
		return value{}, errors.New("the value is longer than 4,096 characters")
	}
	v, err := s.readKind(text)
	if err == nil {
		err = s.limits(v)
	}
	if err != nil && len(s.words) > 0 {
		err = fmt.Errorf("%w, or %s", err, strings.Join(s.words, ", "))
	}
	return v, err
}

// textMax bounds one value; the longest sensible one is a rule's SQL.
const textMax = 4096

func (s setting) readKind(text string) (value, error) {
	switch s.kind {
	case kindFlag:
		if text != "true" && text != "false" {
			return value{}, fmt.Errorf("%q is neither true nor false", text)
		}
		return value{text: text, flag: text == "true"}, nil
	case kindDuration:
		return readDuration(text)
	case kindSize:
		return readSize(text, "", "10MB")
	case kindRate:
		return readSize(text, "/s", "10MB/s")
	case kindCount:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return value{}, fmt.Errorf("%q is not a whole number", text)
		}
		return value{text: text, number: n}, nil
	case kindShare:
		return readShare(text)
	case kindCalendar:
		if spec, err := schedule.Parse(text); err == nil && strings.Contains(text, ":") {
			return value{text: spec.String()}, nil
		}
		return value{}, fmt.Errorf(`%q is not a time; write "Sun 03:00" or "03:00"`, text)
	case kindChoice:
		if !slices.Contains(s.choices, text) {
			return value{}, fmt.Errorf("%q is not one of %s", text, strings.Join(s.choices, ", "))
		}
	case kindURL:
		if !urlText.MatchString(text) {
			return value{}, errors.New("it is not a URL; write https://host/…") // the text may be a secret
		}
	case kindTexts:
		return value{text: text, texts: []string{text}}, nil
	}
	if text == "" && s.kind != kindText {
		return value{}, errors.New("it is empty")
	}
	return value{text: text}, nil
}

func readDuration(text string) (value, error) {
	if !durationText.MatchString(text) {
		if bareNumber.MatchString(text) {
			return value{}, fmt.Errorf("%s has no unit; write %ss, %sm, %sh or %sd", text, text, text, text, text)
		}
		return value{}, fmt.Errorf("%q is not a time span; write 4h, 90m or 7d", text)
	}
	var ms float64
	for _, part := range durationPart.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.ParseFloat(part[1], 64)
		ms += n * timeUnits[part[2]]
	}
	if ms > float64(math.MaxInt64/int64(time.Millisecond)) {
		return value{}, fmt.Errorf("%s is too long", text)
	}
	return value{text: text, time: time.Duration(ms * float64(time.Millisecond))}, nil
}

func readSize(text, suffix, example string) (value, error) {
	stem, suffixed := strings.CutSuffix(text, suffix)
	m := sizeText.FindStringSubmatch(stem)
	if m == nil || !suffixed {
		if bareNumber.MatchString(text) {
			return value{}, fmt.Errorf("%s has no unit; write %sMB%s", text, text, suffix)
		}
		return value{}, fmt.Errorf("%q is not a size; write %s", text, example)
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	n *= sizeUnits[m[2]]
	if n > 1<<60 {
		return value{}, fmt.Errorf("%s is too large", text)
	}
	return value{text: text, number: int64(n)}, nil
}

func readShare(text string) (value, error) {
	if !shareText.MatchString(text) {
		return value{}, fmt.Errorf("%q is not a percentage; write 10%%", text)
	}
	n, _ := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if n <= 0 || n > 100 {
		return value{}, fmt.Errorf("%s is outside 0 to 100%%", text)
	}
	return value{text: text, share: n / 100}, nil
}

// limits refuses what is well written and still no sensible value. They are absolute:
// the same for every machine.
func (s setting) limits(v value) error {
	if s.kind == kindDuration && (v.time < s.shortest || v.time > longest) {
		return fmt.Errorf("%s is outside %s to 366d", v.text, short(s.shortest))
	}
	if s.kind == kindSize || s.kind == kindRate {
		if v.number < s.least {
			return fmt.Errorf("%s is less than %d bytes", v.text, s.least)
		}
	}
	if s.kind == kindCount && (v.number < s.least || v.number > s.most) {
		return fmt.Errorf("%s is outside %d to %d", v.text, s.least, s.most)
	}
	return nil
}

const longest = 366 * 24 * time.Hour

func short(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d >= time.Minute && d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	}
	return d.String()
}
