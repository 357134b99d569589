package kafka

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// login is what a client logs in with, by SASL.
type login struct {
	user, password string // or id and secret of an OAuth client
	scope          string
}

// A JAAS configuration: Module required key="value" …;.
var (
	jaasForm   = regexp.MustCompile(`^\s*([\w.$]+)\s+(required|requisite|sufficient|optional)((?:\s+[\w.-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;"]+))*)\s*;\s*$`)
	jaasOption = regexp.MustCompile(`([\w.-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))`)
	jaasEscape = regexp.MustCompile(`\\(.)`)
)

// readLogin checks the properties of SASL. Its errors quote no value, which may be a password.
func (s *Security) readLogin() (login, error) {
	mechanism := s.properties[mechanismProperty]
	module, known := mechanisms[mechanism]
	if !known {
		return login{}, fmt.Errorf("%s is %q; it is %s", mechanismProperty, mechanism, strings.Join(slices.Sorted(maps.Keys(mechanisms)), ", "))
	}
	parts := jaasForm.FindStringSubmatch(s.properties[jaasProperty])
	if parts == nil {
		return login{}, fmt.Errorf(`%s must be: %s required username="…" password="…"; with the semicolon`, jaasProperty, module)
	}
	if parts[1] != module {
		return login{}, fmt.Errorf("%s names %s, and %s=%s has %s", jaasProperty, parts[1], mechanismProperty, mechanism, module)
	}
	options := make(map[string]string)
	for _, option := range jaasOption.FindAllStringSubmatch(parts[3], -1) {
		options[option[1]] = jaasEscape.ReplaceAllString(option[2], "$1") + option[3]
	}
	take := func(name string) (string, error) {
		value := options[name]
		delete(options, name)
		if value == "" {
			return "", fmt.Errorf("%s has no %s", jaasProperty, name)
		}
		return value, nil
	}
	var read login
	user, password := "username", "password"
	if mechanism == "OAUTHBEARER" {
		user, password = "clientId", "clientSecret"
		if err := s.checkToken(); err != nil {
			return login{}, err
		}
		read.scope = options["scope"]
		delete(options, "scope")
	}
	var noUser, noPassword error
	read.user, noUser = take(user)
	read.password, noPassword = take(password)
	if err := errors.Join(noUser, noPassword); err != nil {
		return login{}, err
	}
	if len(options) > 0 {
		return login{}, fmt.Errorf("%s has the option %s, which is not understood", jaasProperty, slices.Min(slices.Collect(maps.Keys(options))))
	}
	return read, nil
}

func (s *Security) checkToken() error {
	endpoint, err := url.Parse(s.properties[tokenURLProperty])
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "https" && endpoint.Scheme != "http" {
		return fmt.Errorf("%s must be the URL that gives tokens, such as https://login.example.org/token", tokenURLProperty)
	}
	if handler := s.properties[handlerProperty]; handler != tokenHandler {
		return fmt.Errorf("%s must be %s, by which Spark gets its tokens", handlerProperty, tokenHandler)
	}
	return nil
}
