package local

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestComposeHasTheServices wants the services that `up` starts in docker-compose.yml and in the configuration of
// Prometheus.
func TestComposeHasTheServices(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	compose, prometheus := read("../docker-compose.yml"), read("../docker/prometheus/prometheus.yml")
	ready := regexp.MustCompile(`(?m)^    command: \[check, ready, .*$`).FindString(compose)
	for _, service := range services {
		if !strings.Contains(compose, "\n  "+service.name+":\n") {
			t.Errorf("docker-compose.yml has no service %s", service.name)
		}
		if !service.finishes && !strings.Contains(ready, `"`+service.name+`:`) {
			t.Errorf("the service ready of docker-compose.yml does not wait for %s", service.name)
		}
		if !strings.Contains(prometheus, `"`+service.name+`:`) {
			t.Errorf("docker/prometheus/prometheus.yml does not scrape %s", service.name)
		}
	}
}
