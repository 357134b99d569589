package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"realtime-election/internal/principals"
)

// TestKafkaWhosePasswordsAreLostIsRefused removes them, and finds them again.
func TestKafkaWhosePasswordsAreLostIsRefused(t *testing.T) {
	t.Parallel()
	config := Config{Data: t.TempDir()}
	folder, err := makeLogins(config)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := config.pathIn(Kafka, "data", "meta.properties")
	if err != nil {
		t.Fatal(err)
	}
	change(t, os.WriteFile(meta, nil, 0o600))
	if _, err := makeLogins(config); err != nil {
		t.Errorf("with all passwords: %v", err)
	}
	login := principals.Init.Login(folder)
	change(t, os.Rename(login, filepath.Join(config.Data, "elsewhere")))
	if _, err := makeLogins(config); err == nil || !strings.Contains(err.Error(), "put them back, or remove the whole election") {
		t.Errorf("without the password of init: %v", err)
	}
	change(t, os.Rename(filepath.Join(config.Data, "elsewhere"), login))
	if _, err := makeLogins(config); err != nil {
		t.Errorf("once it is back: %v", err)
	}
}
