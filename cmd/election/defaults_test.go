package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// containerSettings are the settings in .env.
func containerSettings(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../.env")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, line := range strings.Split(string(text), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			all[name] = value
		}
	}
	if len(all) < 20 {
		t.Fatalf(".env has %d settings", len(all))
	}
	return all
}

func TestDefaultsOfContainersAreThoseOfTheCommand(t *testing.T) {
	t.Parallel()
	others := map[string]string{ // defaults in containers that differ from those of the commands
		"ELECTION_VOTERS": "300000", "ELECTION_SPEED": "4m", "ELECTION_MEMORY": "5g",
	}
	containers := containerSettings(t)
	compared := make(map[string]bool)
	for _, command := range newParser(&cli{}, console{}).Model.Leaves(false) {
		for _, flags := range command.AllFlags(false) {
			for _, flag := range flags {
				for _, name := range flag.Envs {
					want, isSetting := containers[name]
					if !isSetting {
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

func TestDefaultsOfComposeAreThoseOfItsSettings(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	containers := containerSettings(t)
	used := make(map[string]bool)
	for _, found := range regexp.MustCompile(`\$\{([A-Z_]+):-([^}]*)\}`).FindAllStringSubmatch(string(text), -1) {
		name, value := found[1], found[2]
		if name == "DEFINITION_FILE" || name == "REPLAY_FILE" { // optional, without a default
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
