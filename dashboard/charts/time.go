package charts

import (
	"fmt"
	"time"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"realtime-election/internal/results"
)

// Interval is a part of the polling day, with the votes that were cast in it.
type Interval struct {
	From  time.Time // UTC
	Votes int64
}

// maxIntervals is the largest number of intervals of a chart.
const maxIntervals = 100

// Intervals divides the time from the first vote to the last into at most maxIntervals equal intervals, of a round number of
// minutes and not shorter than a slot. Intervals without votes are included. If the votes span more than 100 weeks, a clock was
// wrong, and there are none.
func Intervals(s *results.Snapshot) (intervals []Interval, width time.Duration) {
	slot := time.Minute
	if s.Definition != nil {
		slot = s.Definition.Slot()
	}
	if len(s.Slots) == 0 {
		return nil, slot
	}
	first, last := beginOf(s.Slots[0]), beginOf(s.Slots[len(s.Slots)-1])
	for _, minutes := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440, 10080} {
		if width = minutes * time.Minute; width < slot {
			continue
		}
		begin := first.Truncate(width)
		n := last.Sub(begin)/width + 1
		if n > maxIntervals {
			continue
		}
		intervals = make([]Interval, n)
		for i := range intervals {
			intervals[i].From = begin.Add(time.Duration(i) * width)
		}
		for _, cast := range s.Slots {
			for _, votes := range cast.ByCandidate {
				intervals[beginOf(cast).Sub(begin)/width].Votes += votes
			}
		}
		break
	}
	return intervals, width
}

// beginOf is the beginning of a slot. The fold has checked how it is written.
func beginOf(of results.SlotVotes) time.Time {
	t, _ := time.Parse(results.SlotLayout, of.Slot)
	return t
}

// OverTime are the votes cast over the polling day as a line.
func OverTime(s *results.Snapshot) Chart {
	intervals, width := Intervals(s)
	layout := "15:04"
	if n := len(intervals); n > 0 && intervals[n-1].From.Sub(intervals[0].From) >= 24*time.Hour {
		layout = "2 Jan 15:04"
	}
	labels := make([]string, len(intervals))
	data := make([]opts.LineData, len(intervals))
	for i, in := range intervals {
		labels[i] = in.From.Format(layout)
		data[i] = opts.LineData{Value: in.Votes}
	}
	line := charts.NewLine()
	line.SetGlobalOptions(
		charts.WithInitializationOpts(opts.Initialization{ChartID: TimeID, BackgroundColor: "transparent"}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "axis"}),
		charts.WithGridOpts(opts.Grid{Left: "4", Right: "16", Top: "12", Bottom: "4", ContainLabel: opts.Bool(true)}),
		charts.WithXAxisOpts(opts.XAxis{Type: "category", AxisLabel: &opts.AxisLabel{HideOverlap: opts.Bool(true)}}),
		charts.WithYAxisOpts(opts.YAxis{Type: "value", MinInterval: 1, SplitNumber: 3}),
	)
	line.SetXAxis(labels).AddSeries("Votes per "+IntervalName(width), data,
		charts.WithLineChartOpts(opts.LineChart{ShowSymbol: opts.Bool(len(data) == 1)}),
		charts.WithLineStyleOpts(opts.LineStyle{Width: 2}),
		charts.WithAreaStyleOpts(opts.AreaStyle{Opacity: opts.Float(0.12)}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: palette[0]}),
	)
	line.Validate()
	return Chart{TimeID, 220, line.JSON()}
}

// IntervalName is the width of intervals in words.
func IntervalName(width time.Duration) string {
	switch {
	case width == time.Minute:
		return "minute"
	case width == time.Hour:
		return "hour"
	case width > time.Hour:
		return fmt.Sprintf("%d hours", width/time.Hour)
	}
	return fmt.Sprintf("%d minutes", width/time.Minute)
}
