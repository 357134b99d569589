package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"strconv"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka"
	"realtime-election/internal/results"
	"realtime-election/internal/terminal"
)

type resultsCommand struct {
	lookFlags
	By     string `help:"What a line is: candidate, region (and candidate) or district (and candidate)." enum:"candidate,region,district" default:"candidate"`
	Output string `help:"table, csv or json. A csv by district has the columns and the order of a replayed file." short:"o" enum:"table,csv,json" default:"table"`
}

func (c *resultsCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	return c.kafka(ctx, func(brokers []string) error {
		if _, err := kafka.Election(ctx, brokers, log); err != nil {
			return err
		}
		snapshot, err := results.Reader{Brokers: brokers, Logger: log}.Once(ctx)
		if err != nil {
			return err
		}
		return print(at.Out, c.Output, lines(snapshot, c.By))
	})
}

// listing is what `results` prints.
type listing struct {
	columns []string
	rows    [][]string
	crlf    bool // a csv ends its lines as the replayed file does
}

// lines lays a snapshot out. Lines without a vote are included.
func lines(s *results.Snapshot, by string) listing {
	number := func(votes int64) string { return strconv.FormatInt(votes, 10) }
	switch by {
	case "candidate":
		l := listing{columns: []string{"candidate", "party", "votes"}}
		for _, c := range s.Candidates {
			l.rows = append(l.rows, []string{c.Name, c.Party, number(c.Votes)})
		}
		return l
	case "region":
		l := listing{columns: []string{"region", "candidate", "party", "votes"}}
		for _, region := range s.Regions {
			for i, c := range s.Candidates {
				l.rows = append(l.rows, []string{region.Name, c.Name, c.Party, number(region.ByCandidate[i])})
			}
		}
		return l
	}
	l := listing{columns: definition.Columns}
	if s.Definition != nil && s.Definition.Source != nil {
		l.crlf = s.Definition.Source.CRLF
	}
	for _, at := range districtLines(s) {
		d, c := s.Districts[at[0]], s.Candidates[at[1]]
		l.rows = append(l.rows, []string{d.DistrictIn.Region.Name, d.FileCode(), d.Name, c.Name, c.Party, number(d.ByCandidate[at[1]])})
	}
	return l
}

// districtLines are the districts and candidates to list: those of the replayed file in its order, then any other pair
// that has votes; without such a file, all pairs.
func districtLines(s *results.Snapshot) [][2]int {
	var source *election.Source
	if s.Definition != nil {
		source = s.Definition.Source
	}
	var all [][2]int
	listed := make(map[[2]int]bool)
	if source != nil {
		all = slices.Clone(source.Lines)
		for _, at := range all {
			listed[at] = true
		}
	}
	for d := range s.Districts {
		for c := range s.Candidates {
			if at := [2]int{d, c}; !listed[at] && (source == nil || s.Districts[d].ByCandidate[c] > 0) {
				all = append(all, at)
			}
		}
	}
	return all
}

func print(out io.Writer, format string, l listing) error {
	switch format {
	case "csv":
		w := csv.NewWriter(out)
		w.UseCRLF = l.crlf
		return cmp.Or(w.Write(l.columns), w.WriteAll(l.rows)) // WriteAll flushes
	case "json":
		objects := make([]map[string]any, 0, len(l.rows))
		for _, row := range l.rows {
			object := make(map[string]any)
			for i, column := range l.columns {
				object[column] = row[i]
			}
			object["votes"] = json.Number(row[len(row)-1])
			objects = append(objects, object)
		}
		return printJSON(out, objects)
	}
	return terminal.Table(out, append([][]string{l.columns}, l.rows...), terminal.Right(len(l.columns)-1))
}
