package report

import (
	"fmt"
	"strconv"
	"time"
)

// Size writes bytes as people say them: "104 MB".
func Size(bytes int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	v, i := float64(bytes), 0
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	if i > 0 && v < 9.95 {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}

// Seconds writes a duration in milliseconds as "0.6 s" or "2 min 5 s".
func Seconds(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatInt(ms, 10) + " ms"
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// When writes a moment in local time; 0 is "never".
func When(unixMS int64) string {
	if unixMS == 0 {
		return "never"
	}
	return time.UnixMilli(unixMS).Format("2006-01-02 15:04:05")
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
