package protocol

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConnectionStringIsReadWhole(t *testing.T) {
	const id = "0b0c5a5e-8b1f-4d0e-9a55-2f6a1c3d4e5f"
	got, err := parseTarget("sc://spark.example:443/;token=a%3Bb;use_ssl=TRUE;user_id=me;session_id=" + id + ";user_agent=mine;X-ignored=no")
	if err == nil {
		t.Errorf("an unknown parameter was taken: %+v", got)
	}
	got, err = parseTarget("sc://spark.example:443/;token=a%3Bb;use_ssl=TRUE;user_id=me;session_id=" + id + ";user_agent=mine;x-A=1;grpc_max_message_size=1000;")
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	expected := Target{
		host: "spark.example", port: 443, Token: "a;b", UseTLS: &yes, UserID: "me", SessionID: id, UserAgent: "mine",
		headers: map[string]string{"x-a": "1"}, maxMessageSize: 1000,
	}
	if diff := cmp.Diff(expected, got, cmp.AllowUnexported(Target{})); diff != "" {
		t.Errorf("target (-expected +got):\n%s", diff)
	}
}

func TestHostsAndPorts(t *testing.T) {
	for connection, expected := range map[string]string{
		"sc://localhost": "localhost:15002", "sc://localhost/": "localhost:15002", "sc://h:1": "h:1", "sc://h:1/": "h:1",
		"sc://[::1]:99/": "[::1]:99", "sc://[::1]": "[::1]:15002", "sc://10.0.0.1:7/;user_id=a": "10.0.0.1:7",
	} {
		got, err := parseTarget(connection)
		if err != nil || got.address() != expected {
			t.Errorf("%s is %q and %v, expected %q", connection, got.address(), err, expected)
		}
	}
}

func TestBadConnectionStringsAreRefused(t *testing.T) {
	for _, connection := range []string{
		"", "localhost", "http://h", "sc://", "sc:///", "sc://:1", "sc://h:0", "sc://h:65536", "sc://h:x", "sc://h/path", "sc://h/path;user_id=a",
		"sc://h;user_id=a", "sc://h/;user_id", "sc://h/;user_id=", "sc://h/;=a", "sc://h/;use_ssl=maybe", "sc://h/;session_id=7",
		"sc://h/;grpc_max_message_size=-1", "sc://h/;grpc_max_message_size=0", "sc://h/;grpc_max_message_size=2147483648", "sc://h#x/",
		"sc://h/;session_id={0b0c5a5e-8b1f-4d0e-9a55-2f6a1c3d4e5f}", "sc://h/;session_id=0b0c5a5e8b1f4d0e9a552f6a1c3d4e5f", "sc://me@h/", "sc://h?x=1", "sc://h/;user_id=%zz",
	} {
		if got, err := parseTarget(connection); err == nil {
			t.Errorf("%q was taken as %+v", connection, got)
		}
	}
}

func TestTokenTravelsInPlainTextOnlyWhereAllowed(t *testing.T) {
	for _, c := range []struct {
		connection string
		allowed    bool
		secure, ok bool
	}{
		{"sc://far/", false, false, true},
		{"sc://far/;use_ssl=true", false, true, true},
		{"sc://far/;token=t", false, true, true},
		{"sc://far/;token=t;use_ssl=false", false, false, false},
		{"sc://far/;token=t;use_ssl=false", true, false, true},
		{"sc://far/;token=t", true, false, true},
		{"sc://localhost/;token=t", false, false, true},
		{"sc://LocalHost/;token=t", false, false, true},
		{"sc://127.0.0.1/;token=t;use_ssl=false", false, false, true},
		{"sc://[::1]/;token=t", false, false, true},
		{"sc://127.0.0.1.example/;token=t", false, true, true},
	} {
		parsed, err := parseTarget(c.connection)
		if err != nil {
			t.Fatal(err)
		}
		secure, err := parsed.secure(c.allowed)
		if secure != c.secure || (err == nil) != c.ok {
			t.Errorf("%s, allowed %v: secure %v and %v, expected %v and ok %v", c.connection, c.allowed, secure, err, c.secure, c.ok)
		}
	}
}

func FuzzConnectionString(f *testing.F) {
	f.Add("sc://localhost:15002/;token=t;use_ssl=true;user_id=a;x-b=c")
	f.Add("sc://[::1]:1/;session_id=0b0c5a5e-8b1f-4d0e-9a55-2f6a1c3d4e5f")
	f.Fuzz(func(t *testing.T, connection string) {
		got, err := parseTarget(connection)
		if err == nil && (got.host == "" || got.port < 1 || got.port > 65535 || got.UserID == "" || got.SessionID == "") {
			t.Errorf("%q gave the incomplete %+v", connection, got)
		}
	})
}
