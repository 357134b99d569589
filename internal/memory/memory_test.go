package memory

import (
	"strings"
	"testing"
)

func TestSizesAreReadAsDockerDoes(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "1k": 1 << 10, "512m": 512 << 20, "512MB": 512 << 20, "1g": 1 << 30, "2GB": 2 << 30} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "9000", "lots", "-1g", "1t", "0g", "1.5g", "g", "99999999999g"} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "is no size; write it like 512m or 2g") {
			t.Errorf("%q is %d (%v)", text, got, err)
		}
	}
}

func TestAContainerHasRoomBesideItsProgram(t *testing.T) {
	var l Limit
	if err := l.UnmarshalText([]byte("KAFKA_HEAP=512m,KAFKA_MEMORY=768m")); err != nil {
		t.Error(err)
	}
	if want := (Limit{Part: "KAFKA_HEAP", Whole: "KAFKA_MEMORY", PartSize: 512 << 20, WholeSize: 768 << 20}); l != want {
		t.Errorf("it is %+v, want %+v", l, want)
	}
	for text, says := range map[string]string{
		"KAFKA_HEAP=512m,KAFKA_MEMORY=767m": "KAFKA_HEAP=512m is too much for a container of KAFKA_MEMORY=767m: leave at least 256 MiB for all else, by a smaller KAFKA_HEAP or a larger KAFKA_MEMORY",
		"KAFKA_HEAP=0,KAFKA_MEMORY=1g":      "KAFKA_HEAP=0 is too much",
		"KAFKA_HEAP=1g":                     `"" is no size`,
		"KAFKA_HEAP=big,KAFKA_MEMORY=1g":    `KAFKA_HEAP: "big" is no size`,
	} {
		if err := new(Limit).UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
