package protocol

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os/user"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// DefaultPort is the port of a connection string that names none.
const DefaultPort = 15002

const defaultMaxMessageSize = 128 << 20

// Target is what a connection string says.
type Target struct {
	Token          Token
	UseTLS         *bool // nil when the string does not say
	UserID         string
	SessionID      string
	UserAgent      string
	host           string
	port           int
	headers        map[string]string
	maxMessageSize int
}

// parseTarget reads Spark's connection string, sc://host:port/;key=value;key=value. Its errors name the parameter and
// never repeat a value, because a value may be the token.
func parseTarget(connection string) (Target, error) {
	rest, ok := strings.CutPrefix(connection, "sc://")
	if !ok {
		return Target{}, badTarget("it does not start with sc://")
	}
	authority, tail, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(authority, ";?#@") {
		return Target{}, badTarget("parameters must follow a slash, as in sc://host:15002/;user_id=me")
	}
	t := Target{port: DefaultPort, headers: map[string]string{}, maxMessageSize: defaultMaxMessageSize}
	if err := t.parseAuthority(authority); err != nil {
		return Target{}, err
	}
	if tail != "" && !strings.HasPrefix(tail, ";") {
		return Target{}, badTarget("it has a path; only parameters may follow the host, as in /;user_id=me")
	}
	for parameter := range strings.SplitSeq(strings.TrimPrefix(tail, ";"), ";") {
		if parameter == "" {
			continue
		}
		if err := t.parseParameter(parameter); err != nil {
			return Target{}, err
		}
	}
	return t, t.complete()
}

func badTarget(why string) error {
	return fmt.Errorf("read the Spark Connect address: %s; expected sc://host:port/;key=value;…", why)
}

func (t *Target) parseAuthority(authority string) error {
	t.host = authority
	if host, port, err := net.SplitHostPort(authority); err == nil {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return badTarget("the port is not a number between 1 and 65535")
		}
		t.host, t.port = host, int(number)
	} else if strings.Count(authority, ":") == 1 {
		return badTarget("the host and port are not host:port")
	}
	t.host = strings.TrimSuffix(strings.TrimPrefix(t.host, "["), "]")
	if t.host == "" {
		return badTarget("the host is missing")
	}
	return nil
}

func (t *Target) parseParameter(parameter string) error {
	key, raw, ok := strings.Cut(parameter, "=")
	if !ok || key == "" {
		return badTarget("a parameter is not key=value")
	}
	value, err := url.PathUnescape(raw)
	if err != nil || value == "" {
		return badTarget("the value of " + key + " is empty or not URL encoded")
	}
	switch key {
	case "token":
		t.Token = Token(value)
	case "use_ssl":
		yes, err := strconv.ParseBool(strings.ToLower(value))
		if err != nil {
			return badTarget("use_ssl is neither true nor false")
		}
		t.UseTLS = &yes
	case "user_id":
		t.UserID = value
	case "session_id":
		t.SessionID = value
	case "user_agent":
		t.UserAgent = value
	case "grpc_max_message_size":
		size, err := strconv.ParseUint(value, 10, 31)
		if err != nil || size == 0 {
			return badTarget("grpc_max_message_size is not a number of bytes")
		}
		t.maxMessageSize = int(size)
	default:
		if !strings.HasPrefix(key, "x-") {
			return badTarget("the parameter " + strconv.Quote(key) + " is unknown; known are token, use_ssl, user_id, session_id, user_agent, grpc_max_message_size and x-…")
		}
		t.headers[strings.ToLower(key)] = value
	}
	return nil
}

// complete fills what the connection string left open and checks the ids.
func (t *Target) complete() error {
	if t.UserID == "" {
		t.UserID = "unknown"
		if current, err := user.Current(); err == nil && current.Username != "" {
			t.UserID = current.Username
		}
	}
	return t.checkSessionID()
}

func (t *Target) checkSessionID() error {
	if t.SessionID == "" {
		t.SessionID = uuid.NewString()
	}
	if _, err := uuid.Parse(t.SessionID); err != nil || len(t.SessionID) != 36 {
		return badTarget("session_id is not a UUID, which Spark requires")
	}
	return nil
}

func (t *Target) address() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

func (t *Target) loopback() bool {
	if strings.EqualFold(t.host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(t.host)
	return err == nil && address.IsLoopback()
}

// secure decides on TLS: what use_ssl says, else yes as soon as a token would travel to another machine.
func (t *Target) secure(tokenInPlainText bool) (bool, error) {
	if t.UseTLS != nil {
		if !*t.UseTLS && t.Token != "" && !t.loopback() && !tokenInPlainText {
			return false, badTarget("use_ssl=false would send the token readable over the network to " + t.host +
				"; drop use_ssl=false, or allow it with WithTokenInPlainText")
		}
		return *t.UseTLS, nil
	}
	return t.Token != "" && !t.loopback() && !tokenInPlainText, nil
}
