package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// knobs are the lines of .env.
func knobs(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../.env")
	if err != nil {
		t.Fatal(err)
	}
	knobs := make(map[string]string)
	for _, line := range strings.Split(string(text), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			knobs[name] = value
		}
	}
	if len(knobs) < 20 {
		t.Fatalf("there are %d knobs", len(knobs))
	}
	return knobs
}

func TestDefaultsOfContainersAreThoseOfTheCommand(t *testing.T) {
	t.Parallel()
	others := map[string]string{ // what a country that votes in containers has, and no command by itself
		"ELECTION_VOTERS": "300000", "ELECTION_SPEED": "4m", "ELECTION_MEMORY": "5g",
	}
	containers := knobs(t)
	compared := make(map[string]bool)
	for _, command := range newParser(&cli{}, console{}).Model.Leaves(false) {
		for _, flags := range command.AllFlags(false) {
			for _, flag := range flags {
				for _, name := range flag.Envs {
					want, isKnob := containers[name]
					if !isKnob {
						continue
					}
					compared[name] = true
					if other, is := others[name]; is {
						if want != other {
							t.Errorf("%s is %s in .env, want %s", name, want, other)
						}
					} else if flag.Default != want {
						t.Errorf("%s --%s is %q by default, and %s is %q in .env", command.Name, flag.Name, flag.Default, name, want)
					}
				}
			}
		}
	}
	if len(compared) < 10 {
		t.Errorf("compared were %v", compared)
	}
}

func TestDefaultsOfComposeAreThoseOfItsKnobs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	containers := knobs(t)
	used := make(map[string]bool)
	for _, found := range regexp.MustCompile(`\$\{([A-Z_]+):-([^}]*)\}`).FindAllStringSubmatch(string(text), -1) {
		name, value := found[1], found[2]
		if name == "DEFINITION_FILE" || name == "REPLAY_FILE" { // which nobody need name
			continue
		}
		used[name] = true
		if want, is := containers[name]; !is || value != want {
			t.Errorf("%s is %q in docker-compose.yml and %q in .env", name, value, want)
		}
	}
	for name := range containers {
		if !used[name] {
			t.Errorf("docker-compose.yml does not use %s", name)
		}
	}
}
