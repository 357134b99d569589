// Package charts draws a snapshot as Apache ECharts options.
//
// Only the options are built with go-echarts. Its HTML templates are not used: they write options unescaped into an inline
// script and unquote text between __f__ marks, so a candidate's name could run as code. Here encoding/json encodes the options,
// and a static script applies them with setOption, so a name stays a string. For the same reason no formatter of a label or
// tooltip contains a name.
//
//	for _, chart := range charts.All(snapshot) {
//		text, err := json.Marshal(chart)
//	}
package charts

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"realtime-election/internal/number"
	"realtime-election/internal/results"
)

// Chart is one chart. The same snapshot always gives the same chart.
type Chart struct {
	ID     string         `json:"id"`     // of the element that shows it
	Height int            `json:"height"` // of that element, in CSS pixels
	Option map[string]any `json:"option"` // what setOption takes
}

// The charts' ids.
const (
	VotesID = "chart-votes"
	ShareID = "chart-share"
	TimeID  = "chart-time"
	AgesID  = "chart-ages"
)

// All are all charts of a snapshot.
func All(s *results.Snapshot) []Chart {
	all := []Chart{
		Votes(s),
		Shares(s),
		OverTime(s),
	}
	if s.Definition != nil && s.Definition.Electorate != nil {
		all = append(all, Ages(s))
	}
	return all
}

// palette has the colours of the candidates, in the order of the definition, repeated after the last. They have enough contrast
// on white and on black.
var palette = []string{
	"#3b74c4", "#d9772f", "#2f9672", "#bf4f78", "#8069c4",
	"#a88a1e", "#2a94ab", "#9b6544", "#71882c", "#77808c",
}

// Colours is the number of colours. Candidates at this distance share a colour.
func Colours() int { return len(palette) }

func colour(candidate int) *opts.ItemStyle {
	return &opts.ItemStyle{Color: palette[candidate%len(palette)]}
}

// Ranked are the indices of the candidates, most votes first, then in the definition's order.
func Ranked(s *results.Snapshot) []int {
	order := make([]int, len(s.Candidates))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.Candidates[b].Votes, s.Candidates[a].Votes) })
	return order
}

// maxNameLength is the number of characters of a name that a chart shows. The tables show the whole name.
const maxNameLength = 40

// markup matches the beginning of {style|word}, which ECharts takes for a styled word.
var markup = regexp.MustCompile(`\{([A-Za-z0-9_]+\|)`)

// names are the candidates' names in the charts. A long name is shortened. Equal names get the candidate's id, since ECharts
// takes equal names for one item. An invisible word joiner keeps a name from being taken for markup.
func names(s *results.Snapshot) []string {
	times := map[string]int{}
	all := make([]string, len(s.Candidates))
	for i, c := range s.Candidates {
		all[i] = c.Name
		if runes := []rune(c.Name); len(runes) > maxNameLength {
			all[i] = string(runes[:maxNameLength-1]) + "…"
		}
		times[all[i]]++
	}
	for i, c := range s.Candidates {
		if times[all[i]] > 1 {
			all[i] += " (" + string(c.ID) + ")"
		}
		all[i] = markup.ReplaceAllString(all[i], "{\u2060$1")
	}
	return all
}

// Votes are the candidates' votes as bars, most votes first.
func Votes(s *results.Snapshot) Chart {
	bar := charts.NewBar()
	name := names(s)
	labels := make([]string, 0, len(name))
	data := make([]opts.BarData, 0, len(name))
	for _, c := range Ranked(s) {
		votes := s.Candidates[c].Votes
		labels = append(labels, name[c])
		data = append(data, opts.BarData{
			Name: name[c], Value: votes, ItemStyle: colour(c),
			Label: &opts.Label{Show: opts.Bool(true), Position: "right", Formatter: number.Thousands(votes)},
		})
	}
	bar.SetGlobalOptions(
		charts.WithInitializationOpts(opts.Initialization{ChartID: VotesID, BackgroundColor: "transparent"}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}),
		charts.WithGridOpts(opts.Grid{Left: "4", Right: "76", Top: "4", Bottom: "4", ContainLabel: opts.Bool(true)}),
		charts.WithXAxisOpts(opts.XAxis{Type: "value", MinInterval: 1, SplitNumber: 3, AxisLabel: &opts.AxisLabel{HideOverlap: opts.Bool(true)}}),
		charts.WithYAxisOpts(opts.YAxis{Type: "category", Inverse: opts.Bool(true), AxisLabel: &opts.AxisLabel{Width: 116, Overflow: "truncate"}}),
	)
	bar.SetXAxis(labels).AddSeries("Votes", data, charts.WithBarChartOpts(opts.BarChart{BarCategoryGap: "35%"}))
	bar.XYReversal()
	bar.Validate()
	return Chart{VotesID, 60 + 34*len(data), bar.JSON()}
}

// namedSlices is the largest number of candidates with a slice of their own; the others share one.
const namedSlices = 8

// Shares are the candidates' shares of the votes as a donut. Candidates without votes have no slice.
func Shares(s *results.Snapshot) Chart {
	pie := charts.NewPie()
	name := names(s)
	data := []opts.PieData{}
	var others int64
	for rank, c := range Ranked(s) {
		votes := s.Candidates[c].Votes
		switch {
		case votes == 0:
		case rank < namedSlices || len(s.Candidates) == namedSlices+1:
			data = append(data, opts.PieData{Name: name[c], Value: votes, ItemStyle: colour(c)})
		default:
			others += votes
		}
	}
	if others > 0 {
		data = append(data, opts.PieData{Name: "All others", Value: others, ItemStyle: &opts.ItemStyle{Color: "#9aa3ad"}})
	}
	pie.SetGlobalOptions(
		charts.WithInitializationOpts(opts.Initialization{ChartID: ShareID, BackgroundColor: "transparent"}),
		charts.WithTitleOpts(opts.Title{Title: number.Thousands(s.TotalVotes), Subtitle: "votes", Left: "center", Top: "34%"}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(len(data) > 0), Type: "scroll", Bottom: "0", Icon: "roundRect"}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}),
	)
	pie.AddSeries("Votes", data,
		charts.WithPieChartOpts(opts.PieChart{Radius: []string{"52%", "76%"}, Center: []string{"50%", "43%"}}),
		charts.WithLabelOpts(opts.Label{Show: opts.Bool(false)}),
	)
	pie.Validate()
	return Chart{ShareID, 320, pie.JSON()}
}

// Percent writes a share, 0 to 1, with one decimal.
func Percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }
