package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

const (
	logsKept  = 5        // earlier logs, beside the current one
	logsBytes = 64 << 20 // of the current log while its process runs, and of the earlier logs together; the newest of these is kept in any case
)

// openLog opens a new log. It renames earlier logs to NAME.log.1, the newest, to NAME.log.5, and removes the oldest if
// they are too large.
func openLog(path string) (*os.File, error) {
	log := func(back int) string {
		if back == 0 {
			return path
		}
		return fmt.Sprintf("%s.%d", path, back)
	}
	for n := logsKept; n > 0; n-- {
		if err := os.Rename(log(n-1), log(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("keep the previous log: %w", err)
		}
	}
	var size int64
	for n := 1; n <= logsKept; n++ {
		if file, err := os.Stat(log(n)); err == nil {
			size += file.Size()
		}
		if n > 1 && size > logsBytes {
			_ = os.Remove(log(n)) // it may not exist
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a log: %w", err)
	}
	return f, nil
}

// trimLog removes all but the last quarter of limit from a log that is longer, while a process appends to it. The log must be open
// to read and to append. What the process writes meanwhile may be lost. The next read returns what it writes afterwards.
func trimLog(log *os.File, limit int64) (trimmed bool, err error) {
	info, err := log.Stat()
	if err != nil || info.Size() <= limit {
		return false, err
	}
	end := make([]byte, limit/4)
	if _, err := log.ReadAt(end, info.Size()-int64(len(end))); err != nil {
		return false, err
	}
	if _, whole, found := bytes.Cut(end, []byte("\n")); found {
		end = whole
	}
	if err := log.Truncate(0); err != nil {
		return false, err
	}
	_, err = log.Write(end) // the process, which appends too, goes on behind it
	return true, err
}

var (
	// A line of a Java stack trace tells an operator nothing without the message above it.
	stackLine  = regexp.MustCompile(`^(\s+at |\s+\.\.\. \d+ more|\s*$)`)
	panicTrace = regexp.MustCompile(`^goroutine \d+ .*\[.*\]:`)
	// A line that complains says most. lastMessage prefers the last such line to the last line.
	complaint = regexp.MustCompile(`^election|^panic:|^fatal error:|ERROR|FATAL|PANIC|Exception|Caused by|level=ERROR|error:|OutOfMemory|No space left`)
)

// longestShown is how much of a line is shown, in bytes.
const longestShown = 400

// lastMessage is the line of a log that tells most about the end of its process: the last complaint among the last
// lines, or the last line. crashed says that a Go program wrote the trace of a panic there.
func lastMessage(path string) (line string, crashed bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	const tail = 16 << 10
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		f.Seek(max(0, size-tail), io.SeekStart)
	}
	content, err := io.ReadAll(io.LimitReader(f, tail))
	if err != nil {
		return "", false
	}
	var last, complained string
	for line := range strings.Lines(string(content)) {
		crashed = crashed || panicTrace.MatchString(line)
		if stackLine.MatchString(line) {
			continue
		}
		last = strings.TrimSpace(line)
		if complaint.MatchString(line) {
			complained = last
		}
	}
	if complained != "" {
		last = complained
	}
	return shortened(last, longestShown), crashed
}

// shortened cuts the text to so many bytes.
func shortened(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return strings.ToValidUTF8(text[:bytes], "") + "…"
}
