package charts

import (
	"math"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"realtime-election/internal/results"
)

// Ages is the turnout of each age group as bars, youngest first.
func Ages(s *results.Snapshot) Chart {
	bar := charts.NewBar()
	var labels []string
	var data []opts.BarData
	for _, age := range s.ByAge {
		if age.Group == "" {
			continue // votes that state no age have no register to be a share of
		}
		label, value := "–", 0.0
		if age.Registered > 0 {
			turnout := float64(age.Votes) / float64(age.Registered)
			label, value = Percent(turnout), math.Round(1000*turnout)/10
		}
		labels = append(labels, age.Group)
		data = append(data, opts.BarData{
			Name: age.Group, Value: value, ItemStyle: &opts.ItemStyle{Color: palette[0]},
			Label: &opts.Label{Show: opts.Bool(true), Position: "top", Formatter: label},
		})
	}
	bar.SetGlobalOptions(
		charts.WithInitializationOpts(opts.Initialization{ChartID: AgesID, BackgroundColor: "transparent"}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}),
		charts.WithGridOpts(opts.Grid{Left: "4", Right: "4", Top: "20", Bottom: "4", ContainLabel: opts.Bool(true)}),
		// Interval 0 shows every name, however wide the letters are.
		charts.WithXAxisOpts(opts.XAxis{
			Type: "category", AxisTick: &opts.AxisTick{Show: opts.Bool(false)}, AxisLabel: &opts.AxisLabel{Interval: "0", FontSize: 11},
		}),
		// A fixed scale lets the bars grow and the axis stay.
		charts.WithYAxisOpts(opts.YAxis{Type: "value", Min: 0, Max: 100, AxisLabel: &opts.AxisLabel{Formatter: "{value}%"}}),
	)
	bar.SetXAxis(labels).AddSeries("Turnout, %", data, charts.WithBarChartOpts(opts.BarChart{BarCategoryGap: "35%"}))
	bar.Validate()
	return Chart{AgesID, 250, bar.JSON()}
}
