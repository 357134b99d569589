package web

import (
	"fmt"

	"realtime-election/dashboard/charts"
	"realtime-election/internal/number"
	"realtime-election/internal/results"
)

// figure is a key figure and its label.
type figure struct {
	Label string
	liveText
}

type ageRow struct {
	Group, Registered string
	Votes, Turnout    liveText
}

// addCount adds how many votes are counted, and of how many.
func (v *view) addCount(s *results.Snapshot) {
	of, what := s.ExpectedVotes, "expected"
	if of == 0 {
		of, what = s.Registered, "registered voters"
	}
	text := quantity(s.TotalVotes, "vote") + " counted"
	if of > 0 {
		v.Bounded, v.Progress = true, min(1, share(s.TotalVotes, of))
		text = fmt.Sprintf("%s, %s of %s %s", text, charts.Percent(v.Progress), number.Thousands(of), what)
	}
	v.Counted = v.addText("counted", text)
}

// addFigures adds the key figures.
func (v *view) addFigures(s *results.Snapshot) {
	add := func(label, text string) {
		v.Figures = append(v.Figures, figure{label, v.addText("figure."+label, text)})
	}
	if s.Registered > 0 {
		add("Registered voters", number.Thousands(s.Registered))
	} else {
		add("Districts", number.Thousands(int64(len(s.Districts))))
	}
	add("Candidates", number.Thousands(int64(len(s.Candidates))))
	add("Votes counted", number.Thousands(s.TotalVotes))
	switch {
	case s.Registered > 0:
		add("Turnout", charts.Percent(share(s.TotalVotes, s.Registered)))
	case s.ExpectedVotes > 0:
		add("Of expected votes", charts.Percent(share(s.TotalVotes, s.ExpectedVotes)))
	}
}

// addAges adds the turnout by age group, if there is an electorate.
func (v *view) addAges(s *results.Snapshot) {
	if s.Definition.Electorate == nil {
		return
	}
	v.AgeNote = v.addText("age.note", "")
	for _, age := range s.ByAge {
		if age.Group == "" {
			note := quantity(age.Votes, "vote") + " without an age"
			if age.Registered > 0 {
				note += ", of " + quantity(age.Registered, "registered voter") + " in groups that are too small to be shown"
			}
			v.AgeNote = v.addText("age.note", note+".")
			continue
		}
		key, row, turnout := "age."+age.Group, ageRow{Group: age.Group, Registered: "–"}, "–"
		if age.Registered > 0 {
			row.Registered, turnout = number.Thousands(age.Registered), charts.Percent(share(age.Votes, age.Registered))
		}
		row.Votes, row.Turnout = v.addText(key+".votes", number.Thousands(age.Votes)), v.addText(key+".turnout", turnout)
		v.Ages = append(v.Ages, row)
	}
}
