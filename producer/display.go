package producer

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/schollz/progressbar/v3"

	"realtime-election/internal/terminal"
)

// logEvery is how often a producer without a terminal logs how far it is.
const logEvery = 3 * time.Second

// progressDisplay shows how many records are sent: as a bar on a terminal, elsewhere in a log line every few seconds.
func progressDisplay(out io.Writer, log *slog.Logger, name string) func(sent, size int64) {
	if terminal.Is(out) {
		var bar *progressbar.ProgressBar
		return func(sent, size int64) {
			if bar == nil {
				bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(name),
					progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionFullWidth(),
					progressbar.OptionOnCompletion(func() { fmt.Fprintln(out) }))
			}
			_ = bar.Set64(sent) // a terminal that cannot be written to is no reason to stop
		}
	}
	start, first, last := time.Now(), int64(-1), time.Time{}
	return func(sent, size int64) {
		if first < 0 {
			first = sent
		}
		if sent < size && time.Since(last) < logEvery {
			return
		}
		last = time.Now()
		log.Info("progress", "producer", name, "sent", sent, "of", size, "rate", int64(float64(sent-first)/max(time.Since(start).Seconds(), 1e-3)))
	}
}
