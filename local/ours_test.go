package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"realtime-election/internal/principals"
)

// TestDataOfOthersIsRefused prepares a folder as another user of the machine could, and looks at what the commands say.
func TestDataOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(t *testing.T, data string)
		want    string
	}{
		"a folder that others may write": {func(t *testing.T, data string) { change(t, os.Chmod(data, 0o777)) }, "others may write to"},
		"records that others may write": {func(t *testing.T, data string) {
			change(t, os.Mkdir(filepath.Join(data, "run"), 0o700))
			change(t, os.Chmod(filepath.Join(data, "run"), 0o770))
		}, "others may write to"},
		"a record that others may write": {func(t *testing.T, data string) {
			change(t, os.Mkdir(filepath.Join(data, "run"), 0o700))
			change(t, os.WriteFile(filepath.Join(data, "run", "kafka.json"), nil, 0o600))
			change(t, os.Chmod(filepath.Join(data, "run", "kafka.json"), 0o602))
		}, "others may write to"},
		"secrets that are a link": {func(t *testing.T, data string) { change(t, os.Symlink(t.TempDir(), filepath.Join(data, "secrets"))) }, "is a link"},
		"a secret that is a link": {func(t *testing.T, data string) {
			change(t, os.Mkdir(filepath.Join(data, "secrets"), 0o700))
			change(t, os.Symlink("/etc/passwd", filepath.Join(data, "secrets", "spark")))
		}, "is a link"},
		"a lock that is a link": {func(t *testing.T, data string) { change(t, os.Symlink("/etc/passwd", filepath.Join(data, "lock"))) }, "is a link"},
		"a folder of another user": {func(t *testing.T, data string) {
			if os.Geteuid() == 0 {
				change(t, os.Chown(data, 65534, 65534))
			} else {
				change(t, os.Remove(data))
				change(t, os.Symlink("/", data))
			}
		}, "belongs to another user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(t.TempDir(), "data")
			change(t, os.Mkdir(data, 0o700))
			test.prepare(t, data)
			config := Config{Data: data}
			_, locked := lock(config)
			_, _, asked := KafkaAs(config, principals.Reader)
			for _, err := range []error{locked, asked} {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want that it %s", err, test.want)
				}
			}
		})
	}
}

func TestDataThatIsALinkOfItsUserIsTaken(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "data")
	change(t, os.Symlink(t.TempDir(), link))
	unlock, err := lock(Config{Data: link})
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func change(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
