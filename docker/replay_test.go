//go:build compose

package docker_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReplayedResultIsCountedInContainers votes a result file again, with Prometheus beside it, and looks at every total
// of a candidate on the page.
func TestReplayedResultIsCountedInContainers(t *testing.T) {
	p := newProject(t, "REPLAY_FILE=./examples/island.csv")
	p.must(t, "--profile=replay", "--profile=observability", "up", "--detach")
	p.hardened(t, 2) // the page's and Prometheus's
	p.audit(t)
	for _, service := range []string{"voters", "votes"} { // nobody is left to vote
		if c := p.containers(t, service)[0]; c.State.Status != "exited" || c.State.ExitCode != 0 {
			t.Errorf("%s is %s, exit code %d", service, c.State.Status, c.State.ExitCode)
		}
	}

	want := make(map[string]int64)
	file, err := os.ReadFile("../examples/island.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(file)), "\n")[1:] {
		fields := strings.Split(strings.TrimSpace(line), ",")
		var votes int64
		if _, err := fmt.Sscan(fields[len(fields)-1], &votes); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		want[fields[3]] += votes
	}
	var page struct {
		Candidates []struct {
			Name  string
			Votes int64
		}
	}
	if err := fetch("http://"+p.page+"/api/v1/results", &page); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int64)
	for _, candidate := range page.Candidates {
		got[candidate.Name] = candidate.Votes
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the page shows %v, the file has %v", got, want)
	}

	prometheus := "http://" + strings.TrimSpace(p.must(t, "--profile=observability", "port", "prometheus", "9090"))
	// Every metric that a rule asks for must be there, or the rule would never fire.
	rules, err := os.ReadFile("prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range append(regexp.MustCompile(`election_\w+`).FindAllString(string(rules), -1), `up{job="services",service="submit"}==1`) {
		await(t, goesOn, metric+" in Prometheus", func() error {
			var answer struct{ Data struct{ Result []any } }
			if err := fetch(prometheus+"/api/v1/query?query="+url.QueryEscape(metric), &answer); err != nil {
				return err
			}
			if len(answer.Data.Result) == 0 {
				return errors.New("there is none")
			}
			return nil
		})
	}
}
